//! How replicas share work without doing it twice. A row is due at a time. Whoever wants it moves
//! that time into the future, if it still is what they have read: of many who try, one succeeds.
//! That is their lease. Settling the row gives it its next time or removes it; whoever dies
//! before that loses the lease when its time comes, and the row is due again.
//!
//! `FOR UPDATE SKIP LOCKED` was rejected: SQLite has no such words, and a lock would be held as
//! long as the work takes.

use jiff::Timestamp;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::store::error::Error;
use crate::store::row::Columns;
use crate::store::writer::Write;

/// A row that is due, as it was read: its key, and when it fell due.
pub(super) struct Candidate {
    key: String,
    due_at: i64,
}

/// Takes leases on those of the candidates that nobody else has taken.
pub(super) struct Lease {
    /// Sets the time to `$1` for the key `$2`, if it is `$3`.
    pub(super) sql: &'static str,
    pub(super) candidates: Vec<Candidate>,
    pub(super) until: Timestamp,
}

impl Candidate {
    /// Reads the columns `id` and `due_at`.
    pub(super) fn read(row: &AnyRow) -> Result<Self, Error> {
        let row = Columns(row);
        Ok(Self { key: row.get("id")?, due_at: row.get("due_at")? })
    }
}

impl Write for Lease {
    /// The keys that are ours, in the order of the candidates.
    type Output = Vec<String>;

    async fn run(&self, connection: &mut AnyConnection) -> Result<Vec<String>, Error> {
        let mut ours = Vec::with_capacity(self.candidates.len());
        for Candidate { key, due_at } in &self.candidates {
            let query = sqlx::query(self.sql)
                .bind(self.until.as_microsecond())
                .bind(key.as_str())
                .bind(*due_at);
            if query.execute(&mut *connection).await?.rows_affected() == 1 {
                ours.push(key.clone());
            }
        }
        Ok(ours)
    }
}
