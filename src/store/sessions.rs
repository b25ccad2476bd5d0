//! Sessions of people who have logged in, and the log-ins that failed.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::AnyConnection;

use crate::store::Store;
use crate::store::audit::{NewAudit, insert_audit};
use crate::store::error::Error;
use crate::store::row::Columns;
use crate::store::users::{User, read_user};
use crate::store::writer::Write;

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The part of the token that is not secret.
    pub id: String,
    /// SHA-256 of the secret, in hex.
    pub digest: String,
    /// Whose it is.
    pub user_name: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub seen_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
}

/// How many failed log-ins a user or an address has, and how long they count.
#[derive(Clone, Debug)]
pub struct AttemptLimit {
    /// Whose attempts, such as `user:li.lei`.
    pub subject: String,
    /// So many are free.
    pub free: u32,
}

struct InsertSession {
    session: Session,
    /// Whose failed attempts are forgotten.
    succeeded: Vec<String>,
    audit: NewAudit,
}

struct DeleteSession {
    id: String,
    audit: NewAudit,
}

struct TouchSession {
    id: String,
    at: Timestamp,
}

struct BeginAttempt {
    limits: Vec<AttemptLimit>,
    wait: fn(u32) -> Duration,
    at: Timestamp,
}

struct DeleteOld {
    now: Timestamp,
    idle_since: Timestamp,
}

impl Store {
    /// Stores a session, and forgets the failed attempts that led to it.
    pub async fn insert_session(
        &self,
        session: Session,
        succeeded: Vec<String>,
        audit: NewAudit,
    ) -> Result<(), Error> {
        self.writer.write(InsertSession { session, succeeded, audit }).await
    }

    /// The session with this id, and its user.
    pub async fn find_session(&self, id: &str) -> Result<Option<(Session, User)>, Error> {
        let sql = "SELECT sessions.id, sessions.digest, sessions.seen_at, sessions.expires_at, \
                   sessions.created_at AS began_at, users.* \
                   FROM sessions JOIN users ON users.name = sessions.user_name \
                   WHERE sessions.id = $1";
        let row = sqlx::query(sql).bind(id).fetch_optional(&self.pool).await?;
        let Some(row) = row else { return Ok(None) };
        let user = read_user(&row)?;
        let row = Columns(&row);
        let session = Session {
            id: row.get("id")?,
            digest: row.get("digest")?,
            user_name: user.name.clone(),
            created_at: row.time("began_at")?,
            seen_at: row.time("seen_at")?,
            expires_at: row.time("expires_at")?,
        };
        Ok(Some((session, user)))
    }

    /// Ends a session.
    pub async fn delete_session(&self, id: &str, audit: NewAudit) -> Result<(), Error> {
        self.writer.write(DeleteSession { id: id.to_owned(), audit }).await
    }

    /// Notes that a session was used.
    pub async fn touch_session(&self, id: &str, at: Timestamp) -> Result<(), Error> {
        self.writer.write(TouchSession { id: id.to_owned(), at }).await
    }

    /// Counts an attempt to log in as failed, before it is known: of many at once none slips
    /// through. Answers until when to wait in place of trying, if one subject must.
    pub async fn begin_attempt(
        &self,
        limits: Vec<AttemptLimit>,
        wait: fn(u32) -> Duration,
        at: Timestamp,
    ) -> Result<Option<Timestamp>, Error> {
        self.writer.write(BeginAttempt { limits, wait, at }).await
    }

    /// Forgets sessions that are over, and attempts of more than a day ago.
    pub async fn delete_old_sessions(
        &self,
        now: Timestamp,
        idle_since: Timestamp,
    ) -> Result<(), Error> {
        self.writer.write(DeleteOld { now, idle_since }).await
    }
}

impl Write for InsertSession {
    type Output = ();

    async fn run(&self, connection: &mut AnyConnection) -> Result<(), Error> {
        for subject in &self.succeeded {
            let sql = "DELETE FROM log_in_attempts WHERE subject = $1";
            sqlx::query(sql).bind(subject.as_str()).execute(&mut *connection).await?;
        }
        let sql = "INSERT INTO sessions (id, digest, user_name, created_at, seen_at, expires_at) \
                   VALUES ($1, $2, $3, $4, $5, $6)";
        let session = &self.session;
        let query = sqlx::query(sql)
            .bind(session.id.as_str())
            .bind(session.digest.as_str())
            .bind(session.user_name.as_str())
            .bind(session.created_at.as_microsecond())
            .bind(session.seen_at.as_microsecond())
            .bind(session.expires_at.as_microsecond());
        query.execute(&mut *connection).await?;
        insert_audit(connection, &self.audit).await
    }
}

impl Write for DeleteSession {
    type Output = ();

    async fn run(&self, connection: &mut AnyConnection) -> Result<(), Error> {
        let sql = "DELETE FROM sessions WHERE id = $1";
        sqlx::query(sql).bind(self.id.as_str()).execute(&mut *connection).await?;
        insert_audit(connection, &self.audit).await
    }
}

impl Write for TouchSession {
    type Output = ();

    async fn run(&self, connection: &mut AnyConnection) -> Result<(), Error> {
        let sql = "UPDATE sessions SET seen_at = $1 WHERE id = $2";
        let query = sqlx::query(sql).bind(self.at.as_microsecond()).bind(self.id.as_str());
        query.execute(connection).await?;
        Ok(())
    }
}

impl Write for BeginAttempt {
    type Output = Option<Timestamp>;

    async fn run(&self, connection: &mut AnyConnection) -> Result<Option<Timestamp>, Error> {
        let mut blocked: Option<Timestamp> = None;
        for AttemptLimit { subject, free } in &self.limits {
            // The row is written first, so that PostgreSQL lets one attempt pass at a time.
            let sql = "INSERT INTO log_in_attempts (subject, n_failed, last_at) VALUES ($1, 0, $2) \
                       ON CONFLICT (subject) DO UPDATE SET n_failed = log_in_attempts.n_failed \
                       RETURNING n_failed, last_at";
            let query = sqlx::query(sql).bind(subject.as_str()).bind(self.at.as_microsecond());
            let row = query.fetch_one(&mut *connection).await?;
            let n_failed: u32 = Columns(&row).number("n_failed")?;
            if *free <= n_failed {
                let pause = (self.wait)(n_failed - *free);
                let until = Columns(&row).time("last_at")?.checked_add(pause);
                blocked = blocked.max(until.ok().filter(|until| self.at < *until));
            }
        }
        if blocked.is_some() {
            return Ok(blocked);
        }
        for AttemptLimit { subject, .. } in &self.limits {
            let sql = "UPDATE log_in_attempts SET n_failed = n_failed + 1, last_at = $1 \
                       WHERE subject = $2";
            let query = sqlx::query(sql).bind(self.at.as_microsecond()).bind(subject.as_str());
            query.execute(&mut *connection).await?;
        }
        Ok(None)
    }
}

impl Write for DeleteOld {
    type Output = ();

    async fn run(&self, connection: &mut AnyConnection) -> Result<(), Error> {
        let sql = "DELETE FROM sessions WHERE expires_at <= $1 OR seen_at <= $2";
        let query =
            sqlx::query(sql).bind(self.now.as_microsecond()).bind(self.idle_since.as_microsecond());
        query.execute(&mut *connection).await?;
        let sql = "DELETE FROM log_in_attempts WHERE last_at <= $1";
        let day_ago = self.now.checked_sub(Duration::from_hours(24)).unwrap_or(Timestamp::MIN);
        sqlx::query(sql).bind(day_ago.as_microsecond()).execute(connection).await?;
        Ok(())
    }
}
