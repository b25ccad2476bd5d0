//! The command line: one file per command. Data goes to stdout, talk to stderr.

mod alerts;
mod audit;
mod classify;
mod demo;
mod keys;
mod migrate;
mod models;
mod privacy;
mod rules;
mod serve;
mod users;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

use crate::config::LogConfig;
use crate::telemetry;

/// Triage for Chinese complaints: category, severity, risk, route and deadline, with reasons
#[derive(Parser)]
#[command(name = "fenzhen", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    log: LogConfig,
}

#[derive(Subcommand)]
enum Command {
    /// Start the service
    Serve(Box<serve::Serve>),
    /// Start a service with invented cases to look around in
    Demo(Box<demo::Demo>),
    /// Judge the complaints of a file, one JSON object a line
    ///
    /// The file is UTF-8. What cannot be read is answered with what is wrong with it, reported on
    /// stderr with its line, and stops nothing; fields that are not used are named at the end.
    ///
    /// Exit status: 0 when all lines were answered, by rules alone if no model could, which stderr
    /// says; 3 when some were broken; 1 when the run failed; 2 when the command line was wrong.
    Classify(classify::Classify),
    /// Look at the rules
    #[command(subcommand)]
    Rules(rules::Rules),
    /// Look at the models
    #[command(subcommand)]
    Models(models::Models),
    /// Manage the keys of systems
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Manage users and their roles
    #[command(subcommand)]
    Users(users::Users),
    /// Export or verify the audit log
    #[command(subcommand)]
    Audit(audit::AuditLog),
    /// See how often early warnings are wrong
    #[command(subcommand)]
    Alerts(alerts::Alerts),
    /// Hand out or erase what is kept about a person
    #[command(subcommand)]
    Privacy(privacy::Privacy),
    /// Bring the database to the newest schema
    Migrate(migrate::Migrate),
}

/// Runs a command and says on stderr what went wrong.
pub fn run(cli: Cli) -> ExitCode {
    telemetry::hide_panic_messages();
    let outcome = telemetry::init_logs(&cli.log).map_err(anyhow::Error::from).and_then(|()| {
        match cli.command {
            Command::Serve(command) => command.run(),
            Command::Demo(command) => command.run(),
            Command::Classify(command) => command.run(),
            Command::Rules(command) => command.run(),
            Command::Models(command) => command.run(),
            Command::Keys(command) => command.run(),
            Command::Users(command) => command.run(),
            Command::Audit(command) => command.run(),
            Command::Alerts(command) => command.run(),
            Command::Privacy(command) => command.run(),
            Command::Migrate(command) => command.run(),
        }
    });
    match outcome {
        Ok(code) => code,
        // A reader that has seen enough, such as `head`, is no failure.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // When stderr is gone there is nobody to tell.
            drop(writeln!(io::stderr(), "error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Whether the reader of the output has gone.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let of_output = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        // The JSON writer does not name the failed output as its source.
        let of_json = cause.downcast_ref::<serde_json::Error>();
        let kind = of_output.or_else(|| of_json.and_then(serde_json::Error::io_error_kind));
        kind == Some(io::ErrorKind::BrokenPipe)
    })
}
