//! `fenzhen migrate`: brings the database to the newest schema. `fenzhen serve` does the same when
//! it starts; this command is for operators who want to do it beforehand.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Args;

use crate::app;
use crate::config::DatabaseConfig;

/// `fenzhen migrate`
#[derive(Args)]
pub(super) struct Migrate {
    #[command(flatten)]
    database: DatabaseConfig,
}

impl Migrate {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        app::runtime()?.block_on(async {
            let store = app::open_store(&self.database).await?;
            let version = store.schema_version().await?;
            writeln!(io::stdout(), "the database is at schema version {version}")?;
            Ok(ExitCode::SUCCESS)
        })
    }
}
