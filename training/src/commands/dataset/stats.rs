//! `fenzhen-lab dataset stats`: how many, how long, which labels how often.

use std::io::{self, Write};

use fenzhen::config::OutputFormat;

use crate::commands::dataset::print_json;
use crate::commands::input::Input;
use crate::dataset::{Budget, Limits, Statistics};

/// Count texts, lengths, scripts, duplicates and the labels of every head; without `--head`, every
/// column of few short values is taken for one.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    input: Input,
    /// What to print
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let columns = arguments.input.columns()?;
    let limits = Limits { budget: Budget::to_hold(), sample: None };
    let (table, mistakes) = arguments.input.read_what_can_be(&columns, limits)?;
    let statistics = Statistics::of(&table, &columns, &mistakes);
    match arguments.format {
        OutputFormat::Json => print_json(&statistics),
        OutputFormat::Text => print(&statistics),
    }
}

fn print(statistics: &Statistics) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let length = &statistics.length;
    writeln!(
        out,
        "{} texts, {} duplicates, {} rows that cannot be used",
        statistics.n_texts, statistics.n_duplicates, statistics.n_unusable
    )?;
    for mistake in &statistics.unusable {
        writeln!(out, "  {mistake}")?;
    }
    writeln!(
        out,
        "characters: mean {:.1}, min {}, 5 % {}, 25 % {}, half {}, 75 % {}, 95 % {}, 99 % {}, max {}",
        length.mean,
        length.min,
        length.p5,
        length.p25,
        length.p50,
        length.p75,
        length.p95,
        length.p99,
        length.max
    )?;
    let scripts: Vec<String> =
        statistics.scripts.iter().map(|(script, n)| format!("{script} {n}")).collect();
    writeln!(out, "scripts: {}", scripts.join(", "))?;
    for (head, balance) in &statistics.heads {
        writeln!(
            out,
            "\n{head}: {} labels, {:.1} to 1 from most to least frequent, {} texts without, {} with several",
            balance.labels.len(),
            balance.imbalance,
            balance.n_missing,
            balance.n_several
        )?;
        let mut labels: Vec<(&String, &usize)> = balance.labels.iter().collect();
        labels.sort_by_key(|&(label, n_texts)| (std::cmp::Reverse(n_texts), label));
        for (label, n_texts) in labels {
            let share = 100.0 * *n_texts as f64 / statistics.n_texts.max(1) as f64;
            writeln!(out, "  {n_texts:7}  {share:5.1} %  {label}")?;
        }
    }
    Ok(())
}
