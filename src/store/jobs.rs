//! Work that comes round, such as the sweep for what is to be erased. Whoever leases a job does it
//! for all replicas; whoever dies over it loses the lease, and the job is due again.

use jiff::Timestamp;
use sqlx::AnyConnection;

use crate::store::Store;
use crate::store::error::Error;
use crate::store::lease::{Candidate, Lease};
use crate::store::writer::Write;

/// Work that comes round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// Erasing what has been kept long enough.
    Erasure,
    /// Looking for clusters of complaints.
    Watch,
    /// Adding up the figures of days that are over.
    Figures,
}

impl Job {
    /// The name in the database, in which a migration puts it.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Erasure => "erasure",
            Self::Watch => "watch",
            Self::Figures => "figures",
        }
    }
}

/// A job that is done for now.
struct Done {
    job: Job,
    until: Timestamp,
    next_at: Timestamp,
}

impl Store {
    /// Leases a job until a time, if it is due and nobody else has it.
    pub async fn lease_job(
        &self,
        job: Job,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, Error> {
        let query = sqlx::query("SELECT id, due_at FROM jobs WHERE id = $1 AND due_at <= $2");
        let query = query.bind(job.as_str()).bind(now.as_microsecond());
        let Some(row) = query.fetch_optional(&self.pool).await? else { return Ok(false) };
        let candidates = vec![Candidate::read(&row)?];
        let sql = "UPDATE jobs SET due_at = $1 WHERE id = $2 AND due_at = $3";
        Ok(!self.writer.write(Lease { sql, candidates, until }).await?.is_empty())
    }

    /// Says when a job that was leased until a time is due again. Nothing changes when the lease
    /// was lost and somebody else has it.
    pub async fn finish_job(
        &self,
        job: Job,
        until: Timestamp,
        next_at: Timestamp,
    ) -> Result<(), Error> {
        self.writer.write(Done { job, until, next_at }).await
    }
}

impl Write for Done {
    type Output = ();

    async fn run(&self, connection: &mut AnyConnection) -> Result<(), Error> {
        let query = sqlx::query("UPDATE jobs SET due_at = $1 WHERE id = $2 AND due_at = $3")
            .bind(self.next_at.as_microsecond())
            .bind(self.job.as_str())
            .bind(self.until.as_microsecond());
        query.execute(connection).await?;
        Ok(())
    }
}
