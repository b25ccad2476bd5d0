//! The outbox: what goes to other systems. A row is written in the transaction of the event that
//! it tells of, so nothing is announced that did not happen, and nothing that happened is not
//! announced. A carrier leases what is due, sends it, and settles it: what has arrived is deleted,
//! what failed is due again later, and what failed too often is dead until somebody replays it.
//!
//! A `topic` says what carries a row (webhooks here; messages to customers ride along with one of
//! their own, see [`Topic`]), its `target` where to. Whoever dies between sending and settling
//! sends again: receivers tell by the id, which never changes. Rows of one case and target are
//! leased one after the other in the order of its events, so a later one never overtakes.

use std::fmt;

use jiff::Timestamp;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;
use uuid::Uuid;

use crate::store::Store;
use crate::store::error::Error;
use crate::store::lease::{Candidate, Lease};
use crate::store::row::Columns;
use crate::store::writer::Write;

/// What carries a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// An event for an endpoint; the target is the endpoint's id.
    Webhook,
    /// A message for a customer; the target is a gateway of the firm.
    Message,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Self; 2] = [Self::Webhook, Self::Message];

    /// The name in data, metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Message => "message",
        }
    }
}

/// Something to send, written with its event by `insert_delivery`.
#[derive(Clone, PartialEq, Eq)]
pub struct NewDelivery {
    /// Its id, by which receivers tell what they have had.
    pub id: String,
    /// What carries it.
    pub topic: Topic,
    /// Where to.
    pub target: String,
    /// The case, or the alert.
    pub case_id: Uuid,
    /// The number of the event or the step that it tells of, which must be there.
    pub seq: u32,
    /// What the carrier needs beside the event.
    pub payload: String,
    /// When it came up; it is due at once.
    pub at: Timestamp,
}

/// Something that is to be sent, or could not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// What was written; `at` is when.
    pub record: NewDelivery,
    /// When it is due: for a leased one the end of the lease, for a dead one its last attempt.
    pub due_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last attempt failed.
    pub problem: Option<String>,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// It has arrived.
    Delivered,
    /// It is tried again at a time.
    Again(Timestamp, String),
    /// It was the last attempt, at this time.
    Dead(Timestamp, String),
}

/// How a topic stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboxCount {
    /// The topic.
    pub topic: Topic,
    /// How many wait.
    pub pending: u64,
    /// How many are dead.
    pub dead: u64,
    /// Since when the oldest waits.
    pub oldest_at: Option<Timestamp>,
}

/// Reads deliveries with the columns that `read_delivery` wants.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, topic, target, case_id, seq, payload, due_at, created_at, attempts, \
             problem FROM outbox WHERE ",
            $rest
        )
    };
}

struct Settle {
    delivery: Delivery,
    settlement: Settlement,
}

struct Replay {
    topic: Topic,
    target: String,
    /// All when there are none.
    ids: Vec<String>,
    now: Timestamp,
}

impl Store {
    /// Leases what is due for a target, the oldest first: of each case what comes first.
    pub async fn lease_deliveries(
        &self,
        (topic, target): (Topic, &str),
        now: Timestamp,
        until: Timestamp,
        limit: u16,
    ) -> Result<Vec<Delivery>, Error> {
        let sql = "SELECT id, due_at FROM outbox AS this \
                   WHERE topic = $1 AND target = $2 AND state = 'pending' AND due_at <= $3 \
                   AND NOT EXISTS (SELECT 1 FROM outbox AS earlier WHERE earlier.topic = $1 \
                   AND earlier.target = $2 AND earlier.case_id = this.case_id \
                   AND earlier.seq < this.seq AND earlier.state = 'pending') \
                   ORDER BY due_at, id LIMIT $4";
        let query = sqlx::query(sql)
            .bind(topic.as_str())
            .bind(target)
            .bind(now.as_microsecond())
            .bind(i64::from(limit));
        let rows = query.fetch_all(&self.pool).await?;
        let candidates: Vec<_> = rows.iter().map(Candidate::read).collect::<Result<_, _>>()?;
        if candidates.is_empty() {
            return Ok(Vec::new());
        }
        let sql =
            "UPDATE outbox SET due_at = $1 WHERE id = $2 AND due_at = $3 AND state = 'pending'";
        let ours = self.writer.write(Lease { sql, candidates, until }).await?;
        let mut deliveries = Vec::with_capacity(ours.len());
        for id in ours {
            let query = sqlx::query(select!("id = $1")).bind(id);
            let row = query.fetch_optional(&self.pool).await?;
            deliveries.extend(row.as_ref().map(read_delivery).transpose()?);
        }
        Ok(deliveries)
    }

    /// Says how an attempt ended. Nothing changes when the lease was lost and somebody else has it.
    pub async fn settle(&self, delivery: Delivery, settlement: Settlement) -> Result<(), Error> {
        self.writer.write(Settle { delivery, settlement }).await
    }

    /// What could not be delivered to a target, the oldest first.
    pub async fn list_dead(
        &self,
        (topic, target): (Topic, &str),
        limit: u16,
    ) -> Result<Vec<Delivery>, Error> {
        let sql =
            select!("topic = $1 AND target = $2 AND state = 'dead' ORDER BY due_at, id LIMIT $3");
        let query = sqlx::query(sql).bind(topic.as_str()).bind(target).bind(i64::from(limit));
        let rows = query.fetch_all(&self.pool).await?;
        rows.iter().map(read_delivery).collect()
    }

    /// Makes dead deliveries of a target due again, these or all, and says how many.
    pub async fn replay(
        &self,
        (topic, target): (Topic, &str),
        ids: Vec<String>,
        now: Timestamp,
    ) -> Result<u64, Error> {
        self.writer.write(Replay { topic, target: target.to_owned(), ids, now }).await
    }

    /// How each topic stands.
    pub async fn count_outbox(&self) -> Result<Vec<OutboxCount>, Error> {
        let sql = "SELECT topic, CAST(SUM(CASE WHEN state = 'dead' THEN 1 ELSE 0 END) AS BIGINT) \
                   AS dead, COUNT(*) AS rows_all, \
                   MIN(CASE WHEN state = 'pending' THEN created_at END) AS oldest_at \
                   FROM outbox GROUP BY topic";
        let rows = sqlx::query(sql).fetch_all(&self.pool).await?;
        let mut counts = Topic::ALL
            .map(|topic| OutboxCount { topic, pending: 0, dead: 0, oldest_at: None })
            .to_vec();
        for row in &rows {
            let row = Columns(row);
            let topic = read_topic(row)?;
            let (all, dead): (u64, u64) = (row.number("rows_all")?, row.number("dead")?);
            let oldest_at = row.find_time("oldest_at")?;
            let count = OutboxCount { topic, pending: all.saturating_sub(dead), dead, oldest_at };
            counts.iter_mut().filter(|it| it.topic == topic).for_each(|it| *it = count);
        }
        Ok(counts)
    }
}

/// Puts something into the outbox, in the transaction of its event.
pub(super) async fn insert_delivery(
    connection: &mut AnyConnection,
    delivery: &NewDelivery,
) -> Result<(), Error> {
    let NewDelivery { id, topic, target, case_id, seq, payload, at } = delivery;
    let sql = "INSERT INTO outbox (id, topic, target, case_id, seq, payload, state, due_at, \
               created_at, attempts) VALUES ($1, $2, $3, $4, $5, $6, 'pending', $7, $7, 0)";
    let query = sqlx::query(sql)
        .bind(id.as_str())
        .bind(topic.as_str())
        .bind(target.as_str())
        .bind(case_id.to_string())
        .bind(i64::from(*seq))
        .bind(payload.as_str())
        .bind(at.as_microsecond());
    query.execute(connection).await?;
    Ok(())
}

impl Write for Settle {
    type Output = ();

    async fn run(&self, connection: &mut AnyConnection) -> Result<(), Error> {
        let Delivery { record, due_at, attempts, .. } = &self.delivery;
        let lease = due_at.as_microsecond();
        let (state, at, problem) = match &self.settlement {
            Settlement::Delivered => {
                // Even without the lease: what has arrived need not be sent again.
                let query = sqlx::query("DELETE FROM outbox WHERE id = $1");
                query.bind(record.id.as_str()).execute(connection).await?;
                return Ok(());
            }
            Settlement::Again(at, problem) => ("pending", at, problem),
            Settlement::Dead(at, problem) => ("dead", at, problem),
        };
        let sql = "UPDATE outbox SET state = $1, due_at = $2, problem = $3, attempts = $4 \
                   WHERE id = $5 AND due_at = $6 AND state = 'pending'";
        let query = sqlx::query(sql)
            .bind(state)
            .bind(at.as_microsecond())
            .bind(problem.as_str())
            .bind(i64::from(*attempts) + 1)
            .bind(record.id.as_str())
            .bind(lease);
        query.execute(connection).await?;
        Ok(())
    }
}

impl Write for Replay {
    type Output = u64;

    async fn run(&self, connection: &mut AnyConnection) -> Result<u64, Error> {
        let Self { topic, target, ids, now } = self;
        let all = "UPDATE outbox SET state = 'pending', due_at = $1, attempts = 0 \
                   WHERE topic = $2 AND target = $3 AND state = 'dead'";
        let one = "UPDATE outbox SET state = 'pending', due_at = $1, attempts = 0 \
                   WHERE topic = $2 AND target = $3 AND state = 'dead' AND id = $4";
        let query = |sql: &'static str| {
            sqlx::query(sql).bind(now.as_microsecond()).bind(topic.as_str()).bind(target.as_str())
        };
        if ids.is_empty() {
            return Ok(query(all).execute(connection).await?.rows_affected());
        }
        let mut n_replayed = 0;
        for id in ids {
            let outcome = query(one).bind(id.as_str()).execute(&mut *connection).await?;
            n_replayed += outcome.rows_affected();
        }
        Ok(n_replayed)
    }
}

fn read_topic(row: Columns<'_>) -> Result<Topic, Error> {
    let name: &str = row.get("topic")?;
    Topic::ALL.into_iter().find(|it| it.as_str() == name).ok_or(Error::Corrupt("topic"))
}

fn read_delivery(row: &AnyRow) -> Result<Delivery, Error> {
    let row = Columns(row);
    let record = NewDelivery {
        id: row.get("id")?,
        topic: read_topic(row)?,
        target: row.get("target")?,
        case_id: row.parse("case_id")?,
        seq: row.number("seq")?,
        payload: row.get("payload")?,
        at: row.time("created_at")?,
    };
    Ok(Delivery {
        record,
        due_at: row.time("due_at")?,
        attempts: row.number("attempts")?,
        problem: row.get("problem")?,
    })
}

impl fmt::Debug for NewDelivery {
    /// The payload of a message is what a customer is told.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewDelivery")
            .field("id", &self.id)
            .field("topic", &self.topic)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}
