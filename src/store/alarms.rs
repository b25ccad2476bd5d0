//! When clocks of cases want something done. The time stands beside the case, computed from its
//! events whenever they are written, so that finding what is due is a range scan.

use jiff::Timestamp;
use sqlx::AnyConnection;
use uuid::Uuid;

use crate::store::Store;
use crate::store::error::Error;
use crate::store::lease::{Candidate, Lease};
use crate::store::row::Columns;
use crate::store::writer::Write;

/// The next alarm of a case that has nothing to tell now.
struct Rearm {
    case_id: Uuid,
    version: u32,
    alarm_at: Option<Timestamp>,
    owner: Option<String>,
}

/// What the clocks run by has changed.
struct LookAgain {
    digest: String,
    now: Timestamp,
}

impl Store {
    /// Leases cases whose alarm is due, the oldest alarm first. The case is then written with the
    /// version that was read, so even a lease that was lost makes no alarm ring twice.
    pub async fn lease_alarms(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u16,
    ) -> Result<Vec<Uuid>, Error> {
        let sql = "SELECT id, alarm_at AS due_at FROM cases WHERE alarm_at <= $1 \
                   ORDER BY alarm_at, id LIMIT $2";
        let query = sqlx::query(sql).bind(now.as_microsecond()).bind(i64::from(limit));
        let rows = query.fetch_all(&self.pool).await?;
        let candidates: Vec<_> = rows.iter().map(Candidate::read).collect::<Result<_, _>>()?;
        if candidates.is_empty() {
            return Ok(Vec::new());
        }
        let sql = "UPDATE cases SET alarm_at = $1 WHERE id = $2 AND alarm_at = $3";
        let ours = self.writer.write(Lease { sql, candidates, until }).await?;
        let id = |key: String| Uuid::try_parse(&key).map_err(|_| Error::Corrupt("id"));
        ours.into_iter().map(id).collect()
    }

    /// Sets the next alarm of a case and who owns it, if it still has the version that was read.
    pub async fn set_alarm(
        &self,
        case_id: Uuid,
        version: u32,
        alarm_at: Option<Timestamp>,
        owner: Option<String>,
    ) -> Result<(), Error> {
        self.writer.write(Rearm { case_id, version, alarm_at, owner }).await
    }

    /// Makes every open case due for a look when what the clocks run by is not what it was, such
    /// as a calendar with a new year; says how many. Replicas agree by the digest.
    pub async fn look_again(&self, digest: &str, now: Timestamp) -> Result<u64, Error> {
        let row = sqlx::query("SELECT digest FROM timetable").fetch_one(&self.pool).await?;
        if Columns(&row).get::<&str>("digest")? == digest {
            return Ok(0);
        }
        self.writer.write(LookAgain { digest: digest.to_owned(), now }).await
    }

    /// How many alarms are due, and since when the oldest has been.
    pub async fn count_due_alarms(
        &self,
        now: Timestamp,
    ) -> Result<(u64, Option<Timestamp>), Error> {
        let sql = "SELECT COUNT(*) AS due, MIN(alarm_at) AS oldest FROM cases WHERE alarm_at <= $1";
        let row = sqlx::query(sql).bind(now.as_microsecond()).fetch_one(&self.pool).await?;
        let row = Columns(&row);
        Ok((row.number("due")?, row.find_time("oldest")?))
    }
}

impl Write for Rearm {
    type Output = ();

    async fn run(&self, connection: &mut AnyConnection) -> Result<(), Error> {
        let sql = "UPDATE cases SET alarm_at = $1, owner = $2 WHERE id = $3 AND version = $4";
        let query = sqlx::query(sql)
            .bind(self.alarm_at.map(Timestamp::as_microsecond))
            .bind(self.owner.as_deref())
            .bind(self.case_id.to_string())
            .bind(i64::from(self.version));
        query.execute(connection).await?;
        Ok(())
    }
}

impl Write for LookAgain {
    type Output = u64;

    async fn run(&self, connection: &mut AnyConnection) -> Result<u64, Error> {
        let sql = "UPDATE timetable SET digest = $1 WHERE digest <> $1";
        let query = sqlx::query(sql).bind(self.digest.as_str());
        if query.execute(&mut *connection).await?.rows_affected() == 0 {
            return Ok(0);
        }
        let sql = "UPDATE cases SET alarm_at = $1 \
                   WHERE is_open = 1 AND (alarm_at IS NULL OR alarm_at > $1)";
        let query = sqlx::query(sql).bind(self.now.as_microsecond());
        Ok(query.execute(connection).await?.rows_affected())
    }
}
