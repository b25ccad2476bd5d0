//! Queues: open cases in the order in which they want to be worked, and how many there are.

use jiff::Timestamp;

use crate::domain::QueueId;
use crate::store::Store;
use crate::store::cases::{Case, columns, read_case};
use crate::store::cursor::{Page, QueueCursor};
use crate::store::error::Error;
use crate::store::row::Columns;

/// How a queue stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueCount {
    /// The queue.
    pub queue: QueueId,
    /// Cases that are not closed.
    pub open: u64,
    /// Of these, cases whose resolution is overdue.
    pub overdue: u64,
    /// Of these, cases that executives must see.
    pub executive: u64,
    /// When the next case must be settled.
    pub earliest_due_at: Timestamp,
}

impl QueueCursor {
    /// Goes on behind a case.
    pub const fn after(case: &Case) -> Self {
        Self {
            priority: case.record.triage.priority,
            due_at: case.record.triage.resolution_due_at,
            id: case.record.id,
        }
    }
}

impl Store {
    /// The open cases of a queue: most urgent first, then by resolution deadline, then by age.
    pub async fn list_queue(
        &self,
        queue: &QueueId,
        after: Option<QueueCursor>,
        limit: u16,
    ) -> Result<Page<Case, QueueCursor>, Error> {
        let first = concat!(
            "SELECT ",
            columns!(),
            " FROM cases WHERE is_open = 1 AND queue = $1 \
             ORDER BY priority DESC, resolution_due_at, id LIMIT $2"
        );
        // The first bound on the priority says nothing new, but an index can start from it.
        let next = concat!(
            "SELECT ",
            columns!(),
            " FROM cases WHERE is_open = 1 AND queue = $1 AND priority <= $3 AND (priority < $3 OR \
             resolution_due_at > $4 OR (resolution_due_at = $4 AND id > $5)) \
             ORDER BY priority DESC, resolution_due_at, id LIMIT $2"
        );
        let query = sqlx::query(if after.is_some() { next } else { first });
        let query = query.bind(queue.as_str()).bind(i64::from(limit) + 1);
        let query = match after {
            Some(QueueCursor { priority, due_at, id }) => {
                query.bind(priority).bind(due_at.as_microsecond()).bind(id.to_string())
            }
            None => query,
        };
        let rows = query.fetch_all(&self.pool).await?;
        let cases = rows.iter().map(read_case).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(cases, limit, QueueCursor::after))
    }

    /// How every queue that has open cases stands.
    pub async fn count_queues(&self, now: Timestamp) -> Result<Vec<QueueCount>, Error> {
        // PostgreSQL sums integers into decimals, which have no counterpart in SQLite.
        let sql = "SELECT queue, COUNT(*) AS open_cases, \
                   CAST(SUM(CASE WHEN resolution_due_at < $1 THEN 1 ELSE 0 END) AS BIGINT) AS overdue, \
                   CAST(SUM(executive_review) AS BIGINT) AS executive, \
                   MIN(resolution_due_at) AS earliest_due_at \
                   FROM cases WHERE is_open = 1 GROUP BY queue ORDER BY queue";
        let rows = sqlx::query(sql).bind(now.as_microsecond()).fetch_all(&self.pool).await?;
        let count = |row| {
            let row = Columns(row);
            Ok(QueueCount {
                queue: row.parse("queue")?,
                open: row.number("open_cases")?,
                overdue: row.number("overdue")?,
                executive: row.number("executive")?,
                earliest_due_at: row.time("earliest_due_at")?,
            })
        };
        rows.iter().map(count).collect()
    }
}
