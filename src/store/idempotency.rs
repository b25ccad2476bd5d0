//! Idempotency keys: a request that is sent again gets the answer of the first time.
//!
//! A key is claimed, then either finished with the answer or released. A claim whose holder has
//! crashed goes stale after a minute and may be taken over. A holder who was only slow cannot
//! finish then: a claim is finished by the time at which it was made, and a case that was to be
//! written together with the answer is not written either. So of two holders one writes.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::AnyConnection;

use crate::store::Store;
use crate::store::error::Error;
use crate::store::row::Columns;
use crate::store::writer::Write;

/// When a claim may be taken over.
pub const STALE_AFTER: Duration = Duration::from_mins(1);

/// The right to answer under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    key: String,
    claimed_at: Timestamp,
}

/// An answer as it was given.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredResponse {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// What claiming a key comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimOutcome {
    /// The key is ours: do the work, then finish or release.
    Claimed(Claim),
    /// The work has been done: answer this.
    Replay(StoredResponse),
    /// The key belongs to a request with another body.
    BodyDiffers,
    /// The same request is being worked on.
    InFlight,
}

/// The answer to keep under a claimed key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The claim.
    pub claim: Claim,
    /// The answer.
    pub response: StoredResponse,
}

impl fmt::Debug for StoredResponse {
    /// The body may quote a customer.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredResponse").field("status", &self.status).finish_non_exhaustive()
    }
}

struct NewClaim {
    key: String,
    body_digest: String,
    claimed_at: Timestamp,
    expires_at: Timestamp,
}

struct Amendment(Completion);

struct Release(Claim);

struct DeleteExpired(Timestamp);

impl Store {
    /// Asks for the right to answer under a key. Keys of several clients must be told apart by
    /// the caller.
    pub async fn claim(
        &self,
        key: &str,
        body_digest: &str,
        now: Timestamp,
    ) -> Result<ClaimOutcome, Error> {
        let claim = NewClaim {
            key: key.to_owned(),
            body_digest: body_digest.to_owned(),
            claimed_at: now,
            expires_at: now.checked_add(self.key_lifetime).unwrap_or(Timestamp::MAX),
        };
        self.writer.write(claim).await
    }

    /// Keeps an answer that was written with nothing else.
    pub async fn finish(&self, completion: Completion) -> Result<(), Error> {
        self.writer.write(completion).await
    }

    /// Puts another answer in the place of one that was kept: more has happened since.
    pub async fn amend(&self, completion: Completion) -> Result<(), Error> {
        self.writer.write(Amendment(completion)).await
    }

    /// Gives a claim back: nothing was done, and the request may be sent again.
    pub async fn release(&self, claim: Claim) -> Result<(), Error> {
        self.writer.write(Release(claim)).await
    }

    /// Forgets keys whose time is over, and says how many.
    pub async fn delete_expired(&self, now: Timestamp) -> Result<u64, Error> {
        self.writer.write(DeleteExpired(now)).await
    }
}

impl Write for NewClaim {
    type Output = ClaimOutcome;

    async fn run(&self, connection: &mut AnyConnection) -> Result<ClaimOutcome, Error> {
        let stale_at = self.claimed_at.checked_sub(STALE_AFTER).unwrap_or(Timestamp::MIN);
        let sql = "INSERT INTO idempotency_keys (key, body_digest, claimed_at, expires_at) \
                   VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (key) DO UPDATE SET body_digest = excluded.body_digest, \
                   claimed_at = excluded.claimed_at, expires_at = excluded.expires_at, \
                   status = NULL, body = NULL \
                   WHERE idempotency_keys.expires_at <= $3 \
                   OR (idempotency_keys.status IS NULL AND idempotency_keys.claimed_at <= $5)";
        let query = sqlx::query(sql)
            .bind(self.key.as_str())
            .bind(self.body_digest.as_str())
            .bind(self.claimed_at.as_microsecond())
            .bind(self.expires_at.as_microsecond())
            .bind(stale_at.as_microsecond());
        if query.execute(&mut *connection).await?.rows_affected() == 1 {
            let claimed_at = self.claimed_at;
            return Ok(ClaimOutcome::Claimed(Claim { key: self.key.clone(), claimed_at }));
        }
        let sql = "SELECT body_digest, status, body FROM idempotency_keys WHERE key = $1";
        let row = sqlx::query(sql).bind(self.key.as_str()).fetch_optional(connection).await?;
        // Released or deleted since the statement above: the request may be sent again.
        let Some(row) = row else { return Ok(ClaimOutcome::InFlight) };
        let row = Columns(&row);
        let status: Option<i64> = row.get("status")?;
        Ok(match status {
            _ if row.get::<&str>("body_digest")? != self.body_digest => ClaimOutcome::BodyDiffers,
            None => ClaimOutcome::InFlight,
            Some(_) => ClaimOutcome::Replay(StoredResponse {
                status: row.number("status")?,
                body: row.get("body")?,
            }),
        })
    }
}

impl Write for Completion {
    type Output = ();

    async fn run(&self, connection: &mut AnyConnection) -> Result<(), Error> {
        finish_claim(connection, self).await
    }
}

impl Write for Amendment {
    type Output = ();

    async fn run(&self, connection: &mut AnyConnection) -> Result<(), Error> {
        let Completion { claim, response } = &self.0;
        let sql = "UPDATE idempotency_keys SET status = $1, body = $2 \
                   WHERE key = $3 AND claimed_at = $4 AND status IS NOT NULL";
        let query = sqlx::query(sql)
            .bind(i64::from(response.status))
            .bind(response.body.as_str())
            .bind(claim.key.as_str())
            .bind(claim.claimed_at.as_microsecond());
        query.execute(connection).await?;
        Ok(())
    }
}

/// Keeps the answer, unless another has taken the claim over.
pub(super) async fn finish_claim(
    connection: &mut AnyConnection,
    completion: &Completion,
) -> Result<(), Error> {
    let Completion { claim, response } = completion;
    let sql = "UPDATE idempotency_keys SET status = $1, body = $2 \
               WHERE key = $3 AND claimed_at = $4 AND status IS NULL";
    let query = sqlx::query(sql)
        .bind(i64::from(response.status))
        .bind(response.body.as_str())
        .bind(claim.key.as_str())
        .bind(claim.claimed_at.as_microsecond());
    match query.execute(connection).await?.rows_affected() {
        0 => Err(Error::ClaimLost),
        _ => Ok(()),
    }
}

impl Write for Release {
    type Output = ();

    async fn run(&self, connection: &mut AnyConnection) -> Result<(), Error> {
        let Claim { key, claimed_at } = &self.0;
        let sql =
            "DELETE FROM idempotency_keys WHERE key = $1 AND claimed_at = $2 AND status IS NULL";
        sqlx::query(sql)
            .bind(key.as_str())
            .bind(claimed_at.as_microsecond())
            .execute(connection)
            .await?;
        Ok(())
    }
}

impl Write for DeleteExpired {
    type Output = u64;

    async fn run(&self, connection: &mut AnyConnection) -> Result<u64, Error> {
        let query = sqlx::query("DELETE FROM idempotency_keys WHERE expires_at <= $1");
        Ok(query.bind(self.0.as_microsecond()).execute(connection).await?.rows_affected())
    }
}
