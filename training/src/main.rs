//! `fenzhen-lab`: the data scientists' tool. Trains models, judges them, writes bundles.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;
use fenzhen_lab::commands::{evaluate, history, promote, rollback, train};

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
    Evaluate(evaluate::Arguments),
    Promote(promote::Arguments),
    Rollback(rollback::Arguments),
    History(history::Arguments),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Train(arguments) => train::run(arguments),
        Command::Evaluate(arguments) => evaluate::run(&arguments),
        Command::Promote(arguments) => promote::run(&arguments),
        Command::Rollback(arguments) => rollback::run(&arguments),
        Command::History(arguments) => history::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
