//! What the service's database knows: its cases, and what people said about their labels. It reads
//! and never writes; SQL stays in the service's store.

use std::time::Duration;

use fenzhen::store::{self, Case, CaseCursor, CaseFilter, LabelledCase, Store, StoreOptions};
use jiff::Timestamp;

/// How many cases are asked for at once.
const PAGE: u16 = 500;

/// Why the database cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The asynchronous runtime does not start.
    #[error("cannot start the runtime that the database needs")]
    Runtime(#[source] std::io::Error),
    /// The database cannot be opened. Its address is not told: it may hold a password.
    #[error("cannot open the database: check `--database`, and that the service has made it")]
    Open(#[source] store::Error),
    /// The tables are not those of this program.
    #[error(
        "the tables have version {found} and this program reads version {expected}: {}",
        if .found < .expected { "run `fenzhen migrate` first" } else { "update this program" }
    )]
    Schema {
        /// The version of the tables.
        found: i64,
        /// The version that is read.
        expected: i64,
    },
    /// A question was not answered.
    #[error("cannot read the cases")]
    Store(#[from] store::Error),
}

/// A database that is open for reading.
#[derive(Debug)]
pub struct Desk {
    runtime: tokio::runtime::Runtime,
    store: Store,
}

impl Desk {
    /// Opens the database at an address as the service knows it. A missing file is not made.
    pub fn open(address: &str) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Error::Runtime)?;
        let options = StoreOptions {
            max_connections: 1,
            timeout: Duration::from_secs(30),
            ..StoreOptions::default()
        };
        let address = existing(address);
        let store = runtime.block_on(Store::connect(&address, options)).map_err(Error::Open)?;
        let expected = Store::expected_schema_version();
        let found = runtime.block_on(store.schema_version()).map_err(Error::Open)?;
        if found != expected {
            return Err(Error::Schema { found, expected });
        }
        Ok(Self { runtime, store })
    }

    /// Every case about whose labels people have spoken, oldest first.
    pub fn labelled(&self) -> Result<Vec<LabelledCase>, Error> {
        self.runtime.block_on(async {
            let (mut cases, mut after) = (Vec::new(), None);
            loop {
                let page = self.store.list_human_labels(after, PAGE).await?;
                cases.extend(page.items);
                after = page.next;
                if after.is_none() {
                    return Ok(cases);
                }
            }
        })
    }

    /// The cases that came in since then, newest first.
    pub fn received_since(&self, since: Timestamp) -> Result<Vec<Case>, Error> {
        self.runtime.block_on(async {
            let mut cases: Vec<Case> = Vec::new();
            let mut after: Option<CaseCursor> = None;
            loop {
                let page = self.store.list_cases(&CaseFilter::default(), after, PAGE).await?;
                // Ids sort by when a case was stored, which is not before it came in.
                let is_over = page.items.iter().all(|case| case.record.created_at < since);
                let recent = page.items.into_iter();
                cases.extend(recent.filter(|case| since <= case.record.complaint.received_at));
                after = page.next;
                if after.is_none() || is_over {
                    return Ok(cases);
                }
            }
        })
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.runtime.block_on(self.store.close());
    }
}

/// The service makes a file that is missing; here that would hide a misspelt address.
fn existing(address: &str) -> String {
    match (address.starts_with("sqlite:"), address.contains("mode="), address.contains('?')) {
        (true, false, true) => format!("{address}&mode=rw"),
        (true, false, false) => format!("{address}?mode=rw"),
        _ => address.to_owned(),
    }
}
