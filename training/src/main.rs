//! `fenzhen-lab`: the data scientists' tool. Trains models, judges them, writes bundles.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;
use fenzhen_lab::commands::{compare, evaluate, history, promote, rollback, train};

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
    Compare(compare::Arguments),
    Promote(promote::Arguments),
    Rollback(rollback::Arguments),
    History(history::Arguments),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Train(arguments) => train::run(arguments),
        Command::Evaluate(arguments) => evaluate::run(&arguments),
        Command::Compare(arguments) => compare::run(&arguments),
        Command::Promote(arguments) => promote::run(&arguments),
        Command::Rollback(arguments) => rollback::run(&arguments),
        Command::History(arguments) => history::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // A reader that has seen enough, such as `head`, is no failure.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let of_output = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        // The JSON writer does not name the failed output as its source.
        let of_json = cause.downcast_ref::<serde_json::Error>();
        let kind = of_output.or_else(|| of_json.and_then(serde_json::Error::io_error_kind));
        kind == Some(io::ErrorKind::BrokenPipe)
    })
}
