//! `fenzhen-lab drift`: whether the model still fits what comes in.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Write},
    path::PathBuf,
};

use anyhow::Context;
use fenzhen::app;
use fenzhen::config::OutputFormat;
use fenzhen::registry::{Bundle, Registry};
use fenzhen::store::Case;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::desk::Desk;
use crate::drift::{self, Profile, Reader, Report, Text, agreement, suggest};
use crate::gate::Model;
use crate::progress::Progress;
use crate::retrain::Labelled;

/// Compare what comes in with what the model learned from, and say what to label next.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The bundle that reads the texts [default: the live one]
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// The folder of all bundles
    #[arg(long, env = "FENZHEN_MODELS", value_name = "DIR", default_value = "models")]
    models: PathBuf,
    /// Texts to compare with; may be given several times
    #[arg(long, value_name = "FILE", conflicts_with = "profile")]
    reference: Vec<PathBuf>,
    /// A profile to compare with, such as `profile.json` of a run of `retrain` or one that
    /// `--write-profile` has written [default: the database's cases from before `--days`]
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// Texts to look at; may be given several times [default: the database's cases]
    #[arg(long, value_name = "FILE")]
    current: Vec<PathBuf>,
    /// The column of the texts of files; `channel` and `received_at` are read where they are
    #[arg(long, value_name = "COLUMN", default_value = "text")]
    text_column: String,
    /// The service's database: `sqlite://FILE` or `postgres://USER:PASSWORD@HOST/DATABASE`
    #[arg(long, env = "FENZHEN_DATABASE", hide_env_values = true, value_name = "URL")]
    database: Option<String>,
    /// The database's cases of so many days are looked at
    #[arg(long, value_name = "N", default_value_t = 30)]
    days: u32,
    /// Also compare with so many days before those, when no reference is given
    #[arg(long, value_name = "N", default_value_t = 365)]
    reference_days: u32,
    /// How many texts to suggest for labelling
    #[arg(long, value_name = "N", default_value_t = 30)]
    next: usize,
    /// Write the profile of the texts looked at, which quotes none of them, for later comparisons
    #[arg(long, value_name = "FILE")]
    write_profile: Option<PathBuf>,
    /// What to print
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

/// What is looked at, and what people and rules said about it.
#[derive(Default)]
struct Window {
    texts: Vec<Text>,
    disagreements: Vec<Vec<String>>,
    labelled: Vec<Labelled>,
    before: Vec<Text>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let progress = Progress::new();
    let registry = Registry::open(&arguments.models)?;
    let bundle = match &arguments.model {
        Some(name) => Bundle::open(&registry.path(name)?)?,
        None => registry.live()?,
    };
    let model = Model::load(bundle)?;
    let version = model.bundle().version();
    let window = read_window(arguments)?;
    anyhow::ensure!(!window.texts.is_empty(), "there are no texts to look at");
    progress.step(&format!("`{version}` reads {} texts", window.texts.len()));
    let reader = Reader::new(&model)?;
    let readings = reader.read(&window.texts);
    let current = Profile::count(&window.texts, &readings, &version);
    if let Some(path) = &arguments.write_profile {
        let text = serde_json::to_string_pretty(&current)?;
        fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    let reference = read_reference(arguments, &window, &reader, &version)?;
    let mut report = Report::new(&reference, &current);
    if reference.model != version {
        let other = &reference.model;
        progress.note(&format!("the profile is by `{other}`: its predictions are another model's"));
    }
    report.agreement = agreement(&window.labelled);
    let labelled: BTreeSet<String> =
        window.labelled.iter().map(|it| it.case().id.to_string()).collect();
    let Window { texts, disagreements, .. } = &window;
    report.next = suggest(texts, &readings, disagreements, &labelled, arguments.next);
    let mut out = io::stdout().lock();
    match arguments.format {
        OutputFormat::Text => report.write(&mut out)?,
        OutputFormat::Json => {
            serde_json::to_writer_pretty(&mut out, &report)?;
            writeln!(out)?;
        }
    }
    Ok(())
}

fn read_window(arguments: &Arguments) -> anyhow::Result<Window> {
    if !arguments.current.is_empty() {
        let texts = drift::read_texts(&arguments.current, &arguments.text_column)?;
        let disagreements = vec![Vec::new(); texts.len()];
        return Ok(Window { texts, disagreements, ..Window::default() });
    }
    let Some(database) = &arguments.database else {
        anyhow::bail!("nothing to look at\nhint: give `--current FILE` or `--database URL`");
    };
    let desk = Desk::open(database)?;
    let days = |n: u32| SignedDuration::from_hours(24 * i64::from(n));
    let since = app::now() - days(arguments.days);
    let cases = desk.received_since(since - days(arguments.reference_days))?;
    let is_new = |case: &&Case| since <= received_at(case);
    let labelled = desk.labelled()?.into_iter().filter_map(Labelled::new);
    Ok(Window {
        texts: cases.iter().filter(is_new).map(text).collect(),
        disagreements: cases.iter().filter(is_new).map(disagreements).collect(),
        labelled: labelled.filter(|it| since <= it.case().received_at).collect(),
        before: cases.iter().filter(|case| !is_new(case)).map(text).collect(),
    })
}

fn received_at(case: &Case) -> Timestamp {
    case.record.complaint.received_at
}

fn text(case: &Case) -> Text {
    let complaint = &case.record.complaint;
    Text {
        id: case.record.id.to_string(),
        text: complaint.text.as_str().to_owned(),
        channel: complaint.channel.map(|channel| channel.as_str().to_owned()),
        received_at: Some(complaint.received_at),
    }
}

/// Where rules raised what the model had said, from the answer of that time.
fn disagreements(case: &Case) -> Vec<String> {
    let answer: Value = serde_json::from_str(&case.record.triage.answer).unwrap_or_default();
    let mut found = Vec::new();
    let (severity, predicted) = (&answer["severity"]["label"], &answer["severity"]["predicted"]);
    if let (Some(severity), Some(predicted)) = (severity.as_str(), predicted.as_str())
        && severity != predicted
    {
        found.push(format!("rules say {severity} and the model {predicted}"));
    }
    for signal in answer["signals"].as_array().into_iter().flatten() {
        let by_rules = signal["rules"].as_array().is_some_and(|rules| !rules.is_empty());
        if by_rules && signal["predicted"] == false {
            found.push(format!("rules alone say {}", signal["label"].as_str().unwrap_or_default()));
        }
    }
    found
}

fn read_reference(
    arguments: &Arguments,
    window: &Window,
    reader: &Reader<'_>,
    version: &str,
) -> anyhow::Result<Profile> {
    if let Some(path) = &arguments.profile {
        let io = |source| drift::Error::Io { path: path.clone(), source };
        let text = fs::read_to_string(path).map_err(io)?;
        let profile = serde_json::from_str(&text)
            .map_err(|source| drift::Error::Profile { path: path.clone(), source })?;
        return Ok(profile);
    }
    let from_files = drift::read_texts(&arguments.reference, &arguments.text_column)?;
    let texts = if arguments.reference.is_empty() { &window.before } else { &from_files };
    anyhow::ensure!(
        !texts.is_empty(),
        "nothing to compare with\nhint: give `--profile FILE` or `--reference FILE`, or a database with cases from before `--days`"
    );
    Ok(Profile::count(texts, &reader.read(texts), version))
}
