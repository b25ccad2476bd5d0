//! `fenzhen-lab dataset split`: parts that share no text.

use std::{path::PathBuf, str::FromStr};

use fenzhen::config::OutputFormat;

use crate::commands::dataset::check::share;
use crate::commands::dataset::print_json;
use crate::commands::input::Input;
use crate::dataset::{Budget, Columns, Limits, Order, Split, SplitSettings, Table};
use crate::progress::Progress;

/// Split labelled texts into files of given shares. Near-duplicates stay together; every part gets
/// its share of each label, or the newest texts go into the last part.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    input: Input,
    /// The parts and their shares
    #[arg(long, value_name = "NAME=SHARE,…", default_value = "train=0.8,valid=0.1,test=0.1")]
    shares: Shares,
    /// The head whose labels every part gets its share of [default: the first]
    #[arg(long, value_name = "HEAD", conflicts_with = "time_column")]
    stratify: Option<String>,
    /// Splits by this column of times instead: the first part gets the oldest texts
    #[arg(long, value_name = "COLUMN")]
    time_column: Option<String>,
    /// The seed
    #[arg(long, value_name = "SEED", default_value_t = 7)]
    seed: u64,
    /// Texts that share this part of their character 4-grams stay in one part
    #[arg(long, value_name = "SHARE", default_value_t = 0.5, value_parser = share)]
    threshold: f32,
    /// Refuses texts that are in this file, such as a gold set, or nearly so; may be given several
    /// times
    #[arg(long, value_name = "FILE")]
    against: Vec<PathBuf>,
    /// The folder to write, which must not exist
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// What to print
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

#[derive(Clone, Debug)]
struct Shares(Vec<(String, f64)>);

impl FromStr for Shares {
    type Err = String;

    fn from_str(argument: &str) -> Result<Self, Self::Err> {
        let part = |part: &str| {
            let (name, share) = part.split_once('=')?;
            let is_name = !name.is_empty()
                && name.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
            let share: f64 = share.parse().ok()?;
            (is_name && 0.0 < share && share < 1.0).then(|| (name.to_owned(), share))
        };
        let parts: Option<Vec<(String, f64)>> = argument.split(',').map(part).collect();
        let parts = parts.ok_or("write it as in `train=0.8,test=0.2`")?;
        let sum: f64 = parts.iter().map(|(_, share)| share).sum();
        if 1e-6 < (sum - 1.0).abs() {
            return Err(format!("the shares add up to {sum} and not to 1"));
        }
        let names = parts.iter().map(|(name, _)| name);
        if names.collect::<std::collections::BTreeSet<_>>().len() < parts.len() {
            return Err("two parts have the same name".to_owned());
        }
        Ok(Self(parts))
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let progress = Progress::new();
    anyhow::ensure!(
        !arguments.out.exists(),
        "`{}` exists already\nhint: name a folder that does not",
        arguments.out.display()
    );
    progress.step("reading data");
    let columns = arguments.input.columns()?;
    let limits = Limits { budget: Budget::to_compare(), sample: None };
    let table = Table::read_within(&arguments.input.data, &columns, limits)?;
    let bare = Columns { text: columns.text.clone(), heads: Vec::new() };
    let apart = match arguments.against.as_slice() {
        [] => Table::default(),
        files => Table::read_within(files, &bare, limits)?,
    };
    let order = match &arguments.time_column {
        Some(column) => Order::ByTime(column.clone()),
        None => Order::Stratified(head_idx(arguments.stratify.as_deref(), &columns)?),
    };
    progress.step("looking for near-duplicates");
    let settings = SplitSettings {
        shares: arguments.shares.0.clone(),
        order,
        seed: arguments.seed,
        threshold: arguments.threshold,
    };
    let split = Split::new(&table, &apart, settings)?;
    progress.step("writing the parts");
    let manifest = split.write(&table, &columns, &arguments.out)?;
    match arguments.format {
        OutputFormat::Json => print_json(&manifest),
        OutputFormat::Text => {
            use std::io::Write as _;
            let mut out = std::io::stdout().lock();
            for (name, part) in &manifest.parts {
                writeln!(
                    out,
                    "{:8} texts  {}/{name}.jsonl",
                    part.n_texts,
                    arguments.out.display()
                )?;
            }
            Ok(())
        }
    }
}

/// The head to stratify by; nothing where there are none.
fn head_idx(named: Option<&str>, columns: &Columns) -> anyhow::Result<Option<usize>> {
    let Some(name) = named else { return Ok((!columns.heads.is_empty()).then_some(0)) };
    match columns.heads.iter().position(|head| head.id.as_str() == name) {
        Some(position) => Ok(Some(position)),
        None => anyhow::bail!(
            "there is no head `{name}` to stratify by\nhint: name its column, as in `--head {name}=COLUMN`"
        ),
    }
}
