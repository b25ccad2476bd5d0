//! Keys of systems. Of a secret only its digest is kept.

use jiff::Timestamp;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::domain::{Scope, StaffRole};
use crate::store::Store;
use crate::store::audit::{NewAudit, insert_audit};
use crate::store::error::Error;
use crate::store::row::Columns;
use crate::store::writer::Write;

/// A key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// The part of the key that is not secret.
    pub id: String,
    /// The system that holds it.
    pub name: String,
    /// SHA-256 of the secret, in hex.
    pub digest: String,
    /// What it is good for.
    pub scopes: Vec<Scope>,
    /// The roles of the people for whom it may act.
    pub act_as: Vec<StaffRole>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the hour.
    pub last_used_at: Option<Timestamp>,
    /// The key whose successor it is.
    pub replaces: Option<String>,
}

struct InsertKey {
    key: ApiKey,
    /// When the key that it replaces ends.
    overlap_until: Option<Timestamp>,
    audit: NewAudit,
}

struct RevokeKey {
    id: String,
    audit: NewAudit,
}

struct TouchKey {
    id: String,
    at: Timestamp,
}

/// What is read of a key.
macro_rules! columns {
    () => {
        "id, name, digest, scopes, act_as, created_at, created_by, expires_at, revoked_at, \
         last_used_at, replaces"
    };
}

impl Store {
    /// Stores a key. One that replaces another lets that one live until `overlap_until` at most.
    pub async fn insert_key(
        &self,
        key: ApiKey,
        overlap_until: Option<Timestamp>,
        audit: NewAudit,
    ) -> Result<(), Error> {
        self.writer.write(InsertKey { key, overlap_until, audit }).await
    }

    /// The key with this id, whatever its state.
    pub async fn find_key(&self, id: &str) -> Result<Option<ApiKey>, Error> {
        let sql = concat!("SELECT ", columns!(), " FROM api_keys WHERE id = $1");
        let row = sqlx::query(sql).bind(id).fetch_optional(&self.pool).await?;
        row.as_ref().map(read_key).transpose()
    }

    /// Every key, newest first.
    pub async fn list_keys(&self) -> Result<Vec<ApiKey>, Error> {
        let sql = concat!("SELECT ", columns!(), " FROM api_keys ORDER BY created_at DESC, id");
        let rows = sqlx::query(sql).fetch_all(&self.pool).await?;
        rows.iter().map(read_key).collect()
    }

    /// Takes a key back, and says whether it was good until then.
    pub async fn revoke_key(&self, id: &str, audit: NewAudit) -> Result<bool, Error> {
        self.writer.write(RevokeKey { id: id.to_owned(), audit }).await
    }

    /// Notes that a key was used.
    pub async fn touch_key(&self, id: &str, at: Timestamp) -> Result<(), Error> {
        self.writer.write(TouchKey { id: id.to_owned(), at }).await
    }
}

impl Write for InsertKey {
    type Output = ();

    async fn run(&self, connection: &mut AnyConnection) -> Result<(), Error> {
        let key = &self.key;
        if let (Some(replaced), Some(until)) = (&key.replaces, self.overlap_until) {
            let sql = "UPDATE api_keys SET expires_at = $1 \
                       WHERE id = $2 AND (expires_at IS NULL OR expires_at > $1)";
            let query = sqlx::query(sql).bind(until.as_microsecond()).bind(replaced.as_str());
            query.execute(&mut *connection).await?;
        }
        let sql = concat!(
            "INSERT INTO api_keys (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        );
        let query = sqlx::query(sql)
            .bind(key.id.as_str())
            .bind(key.name.as_str())
            .bind(key.digest.as_str())
            .bind(to_json(&key.scopes))
            .bind(to_json(&key.act_as))
            .bind(key.created_at.as_microsecond())
            .bind(key.created_by.as_str())
            .bind(key.expires_at.map(Timestamp::as_microsecond))
            .bind(key.revoked_at.map(Timestamp::as_microsecond))
            .bind(key.last_used_at.map(Timestamp::as_microsecond))
            .bind(key.replaces.as_deref());
        query.execute(&mut *connection).await?;
        insert_audit(connection, &self.audit).await
    }
}

impl Write for RevokeKey {
    type Output = bool;

    async fn run(&self, connection: &mut AnyConnection) -> Result<bool, Error> {
        let sql = "UPDATE api_keys SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL";
        let query = sqlx::query(sql).bind(self.audit.at.as_microsecond()).bind(self.id.as_str());
        if query.execute(&mut *connection).await?.rows_affected() == 0 {
            return Ok(false);
        }
        insert_audit(connection, &self.audit).await?;
        Ok(true)
    }
}

impl Write for TouchKey {
    type Output = ();

    async fn run(&self, connection: &mut AnyConnection) -> Result<(), Error> {
        let sql = "UPDATE api_keys SET last_used_at = $1 WHERE id = $2";
        let query = sqlx::query(sql).bind(self.at.as_microsecond()).bind(self.id.as_str());
        query.execute(connection).await?;
        Ok(())
    }
}

pub(super) fn to_json<T: serde::Serialize>(values: &[T]) -> String {
    serde_json::to_string(values).expect("names are plain data")
}

fn read_key(row: &AnyRow) -> Result<ApiKey, Error> {
    let row = Columns(row);
    Ok(ApiKey {
        id: row.get("id")?,
        name: row.get("name")?,
        digest: row.get("digest")?,
        scopes: row.json("scopes")?,
        act_as: row.json("act_as")?,
        created_at: row.time("created_at")?,
        created_by: row.get("created_by")?,
        expires_at: row.find_time("expires_at")?,
        revoked_at: row.find_time("revoked_at")?,
        last_used_at: row.find_time("last_used_at")?,
        replaces: row.get("replaces")?,
    })
}
