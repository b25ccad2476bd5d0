//! `fenzhen audit`: the audit log as NDJSON, and whether its chain holds.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{Args, Subcommand};
use serde_json::json;

use crate::app;
use crate::config::DatabaseConfig;
use crate::store::{Audit, AuditCursor, AuditFilter, Store};

/// `fenzhen audit`
#[derive(Subcommand)]
pub(super) enum AuditLog {
    /// Print every row, one JSON object a line
    Export(Export),
    /// Check the chain, and print the number and hash of its last row
    ///
    /// Whoever may write to the database can compute the whole chain anew. Keep what this prints
    /// somewhere else, and give it back with `--known`: then a row from before that was changed or
    /// taken out shows.
    Verify(Verify),
}

#[derive(Args)]
pub(super) struct Export {
    #[command(flatten)]
    database: DatabaseConfig,
}

#[derive(Args)]
pub(super) struct Verify {
    /// Number and hash of a row as they were printed before
    #[arg(long, value_name = "NUMBER:HASH")]
    known: Option<String>,

    #[command(flatten)]
    database: DatabaseConfig,
}

impl AuditLog {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        app::runtime()?.block_on(async {
            match self {
                Self::Export(command) => command.run().await,
                Self::Verify(command) => command.run().await,
            }
        })
    }
}

impl Export {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let store = app::open_store(&self.database).await?;
        let mut out = io::stdout().lock();
        let mut after = None;
        loop {
            let (rows, next) = page(&store, after).await?;
            for Audit { seq, record, hash } in rows {
                let line = json!({
                    "seq": seq, "at": record.at, "actor": record.actor,
                    "role": record.role.as_str(), "action": record.action,
                    "subject": record.subject, "data": record.data, "hash": hash,
                });
                writeln!(out, "{line}")?;
            }
            if next.is_none() {
                return Ok(ExitCode::SUCCESS);
            }
            after = next;
        }
    }
}

impl Verify {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let store = app::open_store(&self.database).await?;
        let (mut seq, mut hash, mut after) = (0, String::new(), None);
        // Who gives nothing is content with any.
        let mut is_known = self.known.is_none();
        loop {
            let (rows, next) = page(&store, after).await?;
            for row in &rows {
                let expected = Audit::chain(&hash, seq + 1, &row.record);
                if row.seq != seq + 1 || row.hash != expected {
                    anyhow::bail!(
                        "the chain breaks after row {seq}: a row was changed or taken out"
                    );
                }
                (seq, hash) = (row.seq, row.hash.clone());
                is_known |= self.known.as_deref() == Some(format!("{seq}:{hash}").as_str());
            }
            if next.is_none() {
                break;
            }
            after = next;
        }
        let (head, head_hash) = store.audit_head().await?;
        if head < seq || (head == seq && head_hash != hash) {
            anyhow::bail!("the last row is not the one that was written last");
        }
        if seq < head {
            anyhow::bail!("{} row(s) are missing at the end", head - seq);
        }
        if !is_known {
            anyhow::bail!("the chain holds but is not the one that you know: it was written anew");
        }
        writeln!(io::stdout(), "{seq}:{hash}")?;
        Ok(ExitCode::SUCCESS)
    }
}

async fn page(
    store: &Store,
    after: Option<AuditCursor>,
) -> anyhow::Result<(Vec<Audit>, Option<AuditCursor>)> {
    let page = store.list_audit(&AuditFilter::default(), after, 1_000).await?;
    Ok((page.items, page.next))
}
