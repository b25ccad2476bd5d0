//! The audit log: who did what to what, and when, as far as it concerns access and personal data.
//! Rows are only ever added, one after the other, and each carries a SHA-256 over itself and the
//! hash before it, so that a row that was changed or taken out breaks the chain.
//!
//! What the chain cannot show: whoever may write to the database can compute it anew from any row
//! on. Only a hash that was kept elsewhere speaks against that, which is why `fenzhen audit
//! verify` prints the last one and takes an earlier one.

use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe};

use crate::domain::StaffRole;
use crate::store::Store;
use crate::store::cursor::{CursorError, Page};
use crate::store::error::Error;
use crate::store::row::Columns;
use crate::store::writer::Write;

/// Something to remember.
#[derive(Clone, Debug, PartialEq)]
pub struct NewAudit {
    /// When.
    pub at: Timestamp,
    /// Who: a user, `key:` and its name, or `open` for whoever reached an open service.
    pub actor: String,
    /// What they do for the firm; `system` for keys and the service itself.
    pub role: StaffRole,
    /// What was done, such as `key.created`.
    pub action: String,
    /// The case, key, user or person that it was done to; may be empty.
    pub subject: String,
    /// What else there is to say; never the words of customers.
    pub data: Value,
}

/// A row of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Audit {
    /// Its number, from 1 and without a gap.
    pub seq: u64,
    /// What was done.
    pub record: NewAudit,
    /// The hash of the chain up to here, in hex.
    pub hash: String,
}

/// Which rows to list; what is not set does not matter.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// By this actor.
    pub actor: Option<String>,
    /// Of this kind.
    pub action: Option<String>,
    /// Done to this.
    pub subject: Option<String>,
    /// Not before this.
    pub from: Option<Timestamp>,
    /// Before this.
    pub until: Option<Timestamp>,
}

/// Goes on in the log: the number of the last row that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditCursor {
    seq: u64,
}

impl std::fmt::Display for AuditCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.seq)
    }
}

impl std::str::FromStr for AuditCursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let seq = text.parse::<u64>().ok().filter(|seq| i64::try_from(*seq).is_ok());
        Ok(Self { seq: seq.ok_or(CursorError)? })
    }
}

impl Audit {
    /// The hash that a row has after this one.
    pub fn chain(previous: &str, seq: u64, record: &NewAudit) -> String {
        let NewAudit { at, actor, role, action, subject, data } = record;
        // JSON quotes what it holds, so two rows never give the same text.
        let parts = serde_json::json!([
            previous,
            seq,
            at.as_microsecond(),
            actor,
            role.as_str(),
            action,
            subject,
            data.to_string(),
        ]);
        hex(Sha256::digest(parts.to_string()).into())
    }
}

/// A SHA-256 as text.
pub fn hex(digest: [u8; 32]) -> String {
    let half = |bytes: &[u8]| u128::from_be_bytes(bytes.try_into().expect("half has 16 bytes"));
    format!("{:032x}{:032x}", half(&digest[..16]), half(&digest[16..]))
}

impl Store {
    /// Adds a row to the log.
    pub async fn insert_audit(&self, record: NewAudit) -> Result<(), Error> {
        self.writer.write(record).await
    }

    /// The rows of the log that match, oldest first.
    pub async fn list_audit(
        &self,
        filter: &AuditFilter,
        after: Option<AuditCursor>,
        limit: u16,
    ) -> Result<Page<Audit, AuditCursor>, Error> {
        let time = |time: Option<Timestamp>| time.map(Timestamp::as_microsecond);
        let texts = [
            ("actor", filter.actor.as_deref()),
            ("action", filter.action.as_deref()),
            ("subject", filter.subject.as_deref()),
        ];
        let mut conditions = String::new();
        let texts: Vec<_> = texts.into_iter().filter_map(|(name, it)| Some((name, it?))).collect();
        for (idx, (name, _)) in texts.iter().enumerate() {
            conditions.extend([" AND ", name, " = $", &(idx + 5).to_string()]);
        }
        let sql = format!(
            "SELECT seq, at, actor, role, action, subject, data, hash FROM audit \
             WHERE seq > $1 AND at >= $2 AND at < $3{conditions} ORDER BY seq LIMIT $4"
        );
        // Only constants above went into the text; values are arguments.
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(after.map_or(0, |it| it.seq.cast_signed()))
            .bind(time(filter.from).unwrap_or(i64::MIN))
            .bind(time(filter.until).unwrap_or(i64::MAX))
            .bind(i64::from(limit) + 1);
        let query = texts.into_iter().fold(query, |query, (_, text)| query.bind(text));
        let rows = query.fetch_all(&self.pool).await?;
        let rows = rows.iter().map(read_audit).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(rows, limit, |row| AuditCursor { seq: row.seq }))
    }

    /// Number and hash of the last row; 0 and an empty text without one.
    pub async fn audit_head(&self) -> Result<(u64, String), Error> {
        let sql = "SELECT seq, hash FROM audit_head WHERE id = 1";
        let row = sqlx::query(sql).fetch_one(&self.pool).await?;
        Ok((Columns(&row).number("seq")?, Columns(&row).get("hash")?))
    }
}

impl Write for NewAudit {
    type Output = ();

    async fn run(&self, connection: &mut AnyConnection) -> Result<(), Error> {
        insert_audit(connection, self).await
    }
}

/// Adds a row within a transaction, in which it belongs to what it tells of.
pub(super) async fn insert_audit(
    connection: &mut AnyConnection,
    record: &NewAudit,
) -> Result<(), Error> {
    // The head is locked until the transaction ends, so that rows queue up behind one another.
    let sql = "UPDATE audit_head SET seq = seq + 1 WHERE id = 1 RETURNING seq, hash";
    let head = sqlx::query(sql).fetch_one(&mut *connection).await?;
    let (seq, previous): (u64, String) =
        (Columns(&head).number("seq")?, Columns(&head).get("hash")?);
    let hash = Audit::chain(&previous, seq, record);
    let sql = "INSERT INTO audit (seq, at, actor, role, action, subject, data, hash) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let query = sqlx::query(sql)
        .bind(seq.cast_signed())
        .bind(record.at.as_microsecond())
        .bind(record.actor.as_str())
        .bind(record.role.as_str())
        .bind(record.action.as_str())
        .bind(record.subject.as_str())
        .bind(record.data.to_string())
        .bind(hash.as_str());
    query.execute(&mut *connection).await?;
    let sql = "UPDATE audit_head SET hash = $1 WHERE id = 1";
    sqlx::query(sql).bind(hash).execute(connection).await?;
    Ok(())
}

fn read_audit(row: &AnyRow) -> Result<Audit, Error> {
    let row = Columns(row);
    let record = NewAudit {
        at: row.time("at")?,
        actor: row.get("actor")?,
        role: row.parse("role")?,
        action: row.get("action")?,
        subject: row.get("subject")?,
        data: row.json("data")?,
    };
    Ok(Audit { seq: row.number("seq")?, record, hash: row.get("hash")? })
}
