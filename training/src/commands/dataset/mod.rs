//! `fenzhen-lab dataset`: what a data scientist wants to know of labelled texts, and does to them,
//! before training. One file per command.

pub mod agreement;
pub mod audit;
pub mod check;
pub mod join;
pub mod snapshot;
pub mod split;
pub mod stats;

use std::io::{self, Write};

use serde::Serialize;

/// Look at labelled texts, check, split, join, freeze and doubt them.
#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Stats(stats::Arguments),
    Check(check::Arguments),
    Split(split::Arguments),
    Join(join::Arguments),
    Snapshot(snapshot::Arguments),
    Audit(audit::Arguments),
    Agreement(agreement::Arguments),
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    match &arguments.command {
        Command::Stats(arguments) => stats::run(arguments),
        Command::Check(arguments) => check::run(arguments),
        Command::Split(arguments) => split::run(arguments),
        Command::Join(arguments) => join::run(arguments),
        Command::Snapshot(arguments) => snapshot::run(arguments),
        Command::Audit(arguments) => audit::run(arguments),
        Command::Agreement(arguments) => agreement::run(arguments),
    }
}

fn print_json(report: &impl Serialize) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, report)?;
    writeln!(out)?;
    Ok(())
}
