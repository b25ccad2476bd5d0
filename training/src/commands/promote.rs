//! `fenzhen-lab promote`: makes a bundle the live one.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use fenzhen::registry::Registry;

/// Make a bundle live, after verifying every byte of it.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The bundle's name
    name: String,
    /// The folder of all bundles
    #[arg(long, value_name = "DIR", default_value = "models")]
    models: PathBuf,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let live = Registry::open(&arguments.models)?.promote(&arguments.name)?;
    writeln!(io::stdout(), "{}@{}", live.name, live.digest.short())?;
    Ok(())
}
