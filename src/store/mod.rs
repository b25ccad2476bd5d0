//! Cases, events, idempotency keys and what goes out, on disk. The only module that knows SQL: one text for SQLite
//! and PostgreSQL, with times as integers, flags as 0 or 1 and JSON as text, which both engines
//! treat alike. It does not judge what it stores.
//!
//! What it has acknowledged survives a crash of the process and a loss of power: `SQLite` runs in
//! write-ahead mode with `synchronous = FULL`, and writes that arrive together share a commit.

mod alarms;
mod alerts;
mod audit;
mod cases;
mod corrections;
mod cursor;
mod endpoints;
mod erasure;
mod error;
mod events;
mod evidence;
mod guard;
mod idempotency;
mod jobs;
mod joining;
mod keys;
mod lease;
mod library;
mod lists;
mod matters;
mod messages;
mod outbox;
mod progress;
mod queues;
mod reviews;
mod row;
mod sessions;
mod stats;
#[cfg(test)]
mod tests;
mod users;
mod writer;

use std::str::FromStr;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions, install_default_drivers};
use sqlx::migrate::Migrator;
use sqlx::{AnyPool, AssertSqlSafe};

pub use alerts::{Alert, AlertKind, AlertStep, Cluster, ComplainantCount};
pub use audit::{Audit, AuditCursor, AuditFilter, NewAudit, hex};
pub use cases::{Case, Inserted, Intake, NewCase, RECEIVED, Triage};
pub use corrections::{Correction, LabelSource, LabelledCase, NewCorrection, Revised, Revision};
pub use cursor::{CaseCursor, CursorError, Page, QueueCursor};
pub use endpoints::Endpoint;
pub use erasure::{Deferral, Erasable, Erasure, Person};
pub use error::{Constraint, Error};
pub use events::{Event, NewEvent};
pub use evidence::{EvidenceFile, Filed, Filing};
pub use idempotency::{Claim, ClaimOutcome, Completion, STALE_AFTER, StoredResponse};
pub use jobs::Job;
pub use joining::{Joining, Separation};
pub use keys::ApiKey;
use library::Engine;
pub use library::{
    Archived, Count, Found, LibraryChange, LibraryCursor, LibraryFilter, NewEntry, StoredVector,
};
pub use lists::{CaseFilter, Owner, WorkFilter};
pub use matters::{Earlier, JoinedSubmission, Matter, RelatedCase, Sightings};
pub use messages::{Message, MessageState, Recipient, Sending, SentMessage};
pub use outbox::{Delivery, NewDelivery, OutboxCount, Settlement, Topic};
pub use progress::{FinalLabels, Progress};
pub use queues::QueueCount;
pub use reviews::{Improvement, ImprovementChange, NewStep};
pub use sessions::{AttemptLimit, Session};
pub use stats::{ArchivedCount, ReceivedCount, StatsFilter};
pub use users::User;
use writer::Writer;

/// The tables, oldest change first.
static MIGRATIONS: Migrator = sqlx::migrate!("src/store/migrations");

/// How to use the database.
#[derive(Clone, Copy, Debug)]
pub struct StoreOptions {
    /// The most connections: with SQLite for reading, beside one for writing.
    pub max_connections: u32,
    /// How long a request waits for a connection, or for a lock of another process.
    pub timeout: Duration,
    /// How long an idempotency key is remembered.
    pub key_lifetime: Duration,
    /// What survives.
    pub durability: Durability,
}

/// What an acknowledged write survives; PostgreSQL has its own settings for this.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// A crash of the process, a kill, and a loss of power.
    #[default]
    PowerLoss,
    /// A crash of the process and a kill; a loss of power may take the last moments. For trials
    /// and slow disks.
    ProcessCrash,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            max_connections: 8,
            timeout: Duration::from_secs(5),
            key_lifetime: Duration::from_hours(24),
            durability: Durability::default(),
        }
    }
}

/// The database; cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    pool: AnyPool,
    write_pool: AnyPool,
    writer: Writer,
    key_lifetime: Duration,
}

impl Store {
    /// Opens a database: `sqlite:PATH`, which is created when it is missing, or `postgres://…`.
    pub async fn connect(address: &str, options: StoreOptions) -> Result<Self, Error> {
        install_default_drivers();
        match address.split_once(':') {
            Some(("sqlite", path))
                if !path.contains(":memory:") && !path.contains("mode=memory") =>
            {
                Self::open_sqlite(address, options).await
            }
            Some(("postgres" | "postgresql", _)) => {
                let server = AnyConnectOptions::from_str(address).map_err(|_| Error::Address)?;
                let pool = pool(options, POSTGRES_SETTINGS.to_owned());
                let pool = pool.connect_with(server).await.map_err(Error::Open)?;
                let writer = Writer::Direct(pool.clone());
                Ok(Self {
                    write_pool: pool.clone(),
                    pool,
                    writer,
                    key_lifetime: options.key_lifetime,
                })
            }
            _ => Err(Error::Address),
        }
    }

    async fn open_sqlite(address: &str, options: StoreOptions) -> Result<Self, Error> {
        let mode = match (address.contains("mode="), address.contains('?')) {
            (true, _) => "",
            (false, true) => "&mode=rwc",
            (false, false) => "?mode=rwc",
        };
        let file =
            AnyConnectOptions::from_str(&format!("{address}{mode}")).map_err(|_| Error::Address)?;
        let timeout = options.timeout.as_millis();
        let synchronous = match options.durability {
            Durability::PowerLoss => "FULL",
            Durability::ProcessCrash => "NORMAL",
        };
        let settings = format!(
            "PRAGMA busy_timeout = {timeout}; PRAGMA journal_mode = WAL; \
             PRAGMA synchronous = {synchronous}; PRAGMA foreign_keys = ON; \
             PRAGMA secure_delete = ON;"
        );
        let writing = sqlite_pool(StoreOptions { max_connections: 1, ..options }, settings.clone());
        let write_pool = writing.connect_with(file.clone()).await.map_err(Error::Open)?;
        let reading = sqlite_pool(options, settings + " PRAGMA query_only = ON;");
        let pool = reading.connect_with(file).await.map_err(Error::Open)?;
        let writer = Writer::grouped(write_pool.clone());
        Ok(Self { pool, write_pool, writer, key_lifetime: options.key_lifetime })
    }

    /// Brings the tables up to date; replicas that start together wait for each other.
    pub async fn migrate(&self) -> Result<(), Error> {
        MIGRATIONS.run(&self.write_pool).await.map_err(Error::Migrate)?;
        let mut connection = self.write_pool.acquire().await?;
        guard::install(&mut connection).await?;
        library::install(&mut connection).await?;
        stats::install(&mut connection).await
    }

    fn engine(&self) -> Engine {
        match self.writer {
            Writer::Direct(_) => Engine::Postgres,
            Writer::Grouped(_) => Engine::Sqlite,
        }
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Error> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    /// The version of the tables; an error when there are none yet.
    pub async fn schema_version(&self) -> Result<i64, Error> {
        let version: Option<i64> = sqlx::query_scalar("SELECT MAX(version) FROM _sqlx_migrations")
            .fetch_one(&self.pool)
            .await?;
        Ok(version.unwrap_or_default())
    }

    /// The version of the tables that this program is written for.
    pub fn expected_schema_version() -> i64 {
        MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default()
    }

    /// Ends all connections; writes that wait are refused.
    pub async fn close(&self) {
        self.write_pool.close().await;
        self.pool.close().await;
    }
}

/// Questions here are short: compiling them, or sharing them among processes, takes longer than
/// answering them.
const POSTGRES_SETTINGS: &str = "SET jit = off; SET max_parallel_workers_per_gather = 0;";

/// Connections that all have the same settings.
fn pool(options: StoreOptions, settings: String) -> AnyPoolOptions {
    let pool = AnyPoolOptions::new().max_connections(options.max_connections);
    pool.acquire_timeout(options.timeout).after_connect(move |connection, _| {
        let settings = settings.clone();
        Box::pin(async move {
            sqlx::raw_sql(AssertSqlSafe(settings)).execute(connection).await?;
            Ok(())
        })
    })
}

/// Connections to a file are never stale.
fn sqlite_pool(options: StoreOptions, settings: String) -> AnyPoolOptions {
    pool(options, settings).test_before_acquire(false).max_lifetime(None).idle_timeout(None)
}
