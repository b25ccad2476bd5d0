//! `fenzhen-lab dataset snapshot`: labelled texts, frozen under the digest of their content.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use fenzhen::config::OutputFormat;
use jiff::Timestamp;

use crate::commands::dataset::print_json;
use crate::commands::input::Input;
use crate::dataset::{Budget, Limits, SNAPSHOT_FILE, Table, write_snapshot};

/// Freeze labelled texts in a folder: sorted canonical JSONL and a manifest. The same texts and
/// labels have the same digest, whatever the order of rows, the kind of file and the time.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    input: Input,
    /// The folder to write, which must not exist
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// What to print
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let out = &arguments.out;
    anyhow::ensure!(
        !out.exists(),
        "`{}` exists already\nhint: a snapshot is never changed: name a folder that does not exist",
        out.display()
    );
    let columns = arguments.input.columns()?;
    let limits = Limits { budget: Budget::to_hold(), sample: None };
    let table = Table::read_within(&arguments.input.data, &columns, limits)?;
    #[expect(
        clippy::disallowed_methods,
        reason = "the command is the edge; snapshots say when they were made"
    )]
    let created_at = Timestamp::now();
    let manifest = write_snapshot(&table, &columns, out, created_at)?;
    if arguments.format == OutputFormat::Json {
        return print_json(&manifest);
    }
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}  {}", manifest.content_sha256, out.join(SNAPSHOT_FILE).display())?;
    writeln!(stdout, "{} texts", manifest.n_texts)?;
    Ok(())
}
