//! `fenzhen-lab promote`: makes a bundle the live one, if the gate lets it.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::PathBuf,
};

use anyhow::Context;
use fenzhen::app;
use fenzhen::config::OutputFormat;
use fenzhen::registry::{Action, Bundle, Change, Live, Registry};
use jiff::Timestamp;

use crate::evaluation::{HeadComparison, Measure};
use crate::gate::{Model, Outcome, Settings};
use crate::progress::Progress;

/// Make a bundle live, if the gate lets it.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The bundle's name
    name: String,
    /// The folder of all bundles
    #[arg(long, env = "FENZHEN_MODELS", value_name = "DIR", default_value = "models")]
    models: PathBuf,
    /// What a model must hold to go live
    #[arg(long, value_name = "FILE", default_value = "training/gate.toml")]
    gate: PathBuf,
    #[command(flatten)]
    signature: Signature,
    /// Make it live although a check has failed; the history says so
    #[arg(long)]
    force: bool,
    /// Run the gate and change nothing
    #[arg(long, conflicts_with = "force")]
    dry_run: bool,
    /// What to print
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

/// Who changes what is live, and why: the history keeps both.
#[derive(Debug, Clone, clap::Args)]
pub struct Signature {
    /// Who does this
    #[arg(long, env = "USER", value_name = "NAME")]
    pub by: String,
    /// Why, in a few words
    #[arg(long = "reason", value_name = "TEXT")]
    pub why: String,
}

impl Signature {
    /// Refuses names and reasons that say nothing.
    pub fn check(&self) -> anyhow::Result<()> {
        for (name, value) in [("--by", &self.by), ("--reason", &self.why)] {
            anyhow::ensure!(
                !value.trim().is_empty(),
                "`{name}` is blank\nhint: say it in a few words, for those who read the history"
            );
        }
        Ok(())
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let Arguments { name, models, gate, signature, force, dry_run, format } = arguments;
    signature.check()?;
    let now = app::now();
    let settings = Settings::read(gate)?;
    let registry = Registry::open(models)?;
    let candidate = Bundle::open(&registry.path(name)?)
        .with_context(|| format!("`{name}` cannot go live, not even by force"))?;
    if registry.find_live()? == Some(Live::of(&candidate)) {
        writeln!(io::stderr(), "`{}` is live already", candidate.version())?;
        return Ok(());
    }
    let progress = Progress::new();
    progress.step("the gate measures the candidate and the live model");
    let candidate = Model::load(candidate)?;
    let outcome = settings.decide(&registry, &candidate, &[], now)?;
    print(&outcome, *format)?;
    if *dry_run {
        anyhow::ensure!(outcome.passed, "it would be refused");
        return Ok(());
    }
    anyhow::ensure!(outcome.passed || *force, refusal(&outcome));
    registry.change(&change(&outcome, &candidate, signature, now))?;
    progress.step(&format!("`{}` is live", outcome.candidate.version()));
    Ok(())
}

/// The line of the history.
pub fn change(
    outcome: &Outcome,
    candidate: &Model,
    signature: &Signature,
    at: Timestamp,
) -> Change {
    Change {
        at,
        action: Action::Promote,
        by: signature.by.clone(),
        why: signature.why.clone(),
        from: outcome.live.clone(),
        to: outcome.candidate.clone(),
        forced: !outcome.passed,
        metrics: metrics(outcome, candidate),
        checks: outcome.records(),
    }
}

/// The candidate's figures on the first test set or, where there was nothing to compare with, those
/// of its own card.
fn metrics(outcome: &Outcome, candidate: &Model) -> BTreeMap<String, BTreeMap<String, f64>> {
    let Some((_, comparison)) = outcome.comparisons.first() else {
        return candidate.bundle().manifest().metrics.clone();
    };
    let rounded = |value: f64| (value * 1e4).round() / 1e4;
    let of_head = |(head, compared): (&String, &HeadComparison)| {
        let measures = compared.measures.iter();
        let measures = measures.map(|(measure, it)| (id(*measure), rounded(it.b)));
        (head.clone(), measures.collect())
    };
    comparison.heads.iter().map(of_head).collect()
}

/// The name of a measure in data.
fn id(measure: Measure) -> String {
    let value = serde_json::to_value(measure).expect("a measure is a name");
    value.as_str().unwrap_or_default().to_owned()
}

/// Why the gate stays shut.
pub fn refusal(outcome: &Outcome) -> String {
    let reasons: Vec<String> =
        outcome.failures().map(|it| format!("{}: {}", it.name, it.figures())).collect();
    format!(
        "`{}` does not go live:\n  {}\nhint: train a better one, or use `--force` with a reason that others will understand",
        outcome.candidate.version(),
        reasons.join("\n  ")
    )
}

/// Prints the outcome as it was asked for.
pub fn print(outcome: &Outcome, format: OutputFormat) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match format {
        OutputFormat::Text => outcome.write_table(&mut out)?,
        OutputFormat::Json => {
            serde_json::to_writer_pretty(&mut out, outcome)?;
            writeln!(out)?;
        }
    }
    Ok(())
}
