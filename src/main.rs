//! The service binary: parses, matches, exits.

use std::process::ExitCode;

use clap::Parser;
use fenzhen::commands::{Cli, run};

/// An answer is many small strings, made and dropped on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    run(Cli::parse())
}
