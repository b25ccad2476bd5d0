//! `fenzhen-lab`: the data scientists' tool. Trains models, judges them, writes bundles.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;
use fenzhen::commands::is_broken_pipe;
use fenzhen_lab::commands::{
    compare, cross_validate, dataset, drift, evaluate, history, import, promote, retrain, rollback,
    train,
};
use fenzhen_lab::dataset::Error;

/// Train and judge the models of Fenzhen.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Train(train::Arguments),
    CrossValidate(cross_validate::Arguments),
    Dataset(dataset::Arguments),
    Evaluate(evaluate::Arguments),
    Compare(compare::Arguments),
    Promote(promote::Arguments),
    Rollback(rollback::Arguments),
    History(history::Arguments),
    Retrain(retrain::Arguments),
    Drift(drift::Arguments),
    Import(import::Arguments),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Train(arguments) => train::run(arguments),
        Command::CrossValidate(arguments) => cross_validate::run(&arguments),
        Command::Dataset(arguments) => dataset::run(&arguments),
        Command::Evaluate(arguments) => evaluate::run(&arguments),
        Command::Compare(arguments) => compare::run(&arguments),
        Command::Promote(arguments) => promote::run(&arguments),
        Command::Rollback(arguments) => rollback::run(&arguments),
        Command::History(arguments) => history::run(&arguments),
        Command::Retrain(arguments) => retrain::run(arguments),
        Command::Drift(arguments) => drift::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // A reader that has seen enough, such as `head`, is no failure.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error:#}");
            if let Some(hint) = hint(&error) {
                let _ = writeln!(io::stderr(), "hint: {hint}");
            }
            ExitCode::FAILURE
        }
    }
}

/// What to do about an error, as far as its cause knows.
fn hint(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| cause.downcast_ref::<Error>()?.hint())
}
