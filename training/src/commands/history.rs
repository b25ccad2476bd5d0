//! `fenzhen-lab history`: what was live when, and why.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use fenzhen::config::OutputFormat;
use fenzhen::registry::{Action, Entry, Live, Registry, Verdict};

/// Show what was live when, who changed it and why, oldest first.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The folder of all bundles
    #[arg(long, env = "FENZHEN_MODELS", value_name = "DIR", default_value = "models")]
    models: PathBuf,
    /// What to print
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let registry = Registry::open(&arguments.models)?;
    let entries = registry.history()?;
    let mut out = io::stdout().lock();
    if arguments.format == OutputFormat::Json {
        serde_json::to_writer_pretty(&mut out, &entries)?;
        writeln!(out)?;
        return Ok(());
    }
    for entry in &entries {
        write_entry(&mut out, entry)?;
    }
    match registry.find_live()? {
        Some(live) => writeln!(out, "live: {}", live.version())?,
        None => writeln!(out, "live: none")?,
    }
    Ok(())
}

fn write_entry(out: &mut impl Write, entry: &Entry) -> io::Result<()> {
    let change = &entry.change;
    let word = match change.action {
        Action::Promote => "promoted",
        Action::Rollback => "rolled back to",
    };
    let from = change.from.as_ref().map_or("none".to_owned(), Live::version);
    let at = change.at.strftime("%Y-%m-%d %H:%M");
    writeln!(out, "{at}  {word} {} (from {from}) by {}", change.to.version(), change.by)?;
    writeln!(out, "    why: {}", change.why)?;
    let count = |verdict| change.checks.iter().filter(|check| check.verdict == verdict).count();
    if !change.checks.is_empty() {
        let forced = if change.forced { ", forced" } else { "" };
        let (n_passed, n_failed) = (count(Verdict::Pass), count(Verdict::Fail));
        writeln!(out, "    gate: {n_passed} passed, {n_failed} failed{forced}")?;
    }
    for check in change.checks.iter().filter(|check| check.verdict == Verdict::Fail) {
        writeln!(out, "      {}: {}", check.name, check.figures)?;
    }
    if !entry.took_effect {
        writeln!(out, "    never took effect: the process ended before it could")?;
    }
    Ok(())
}
