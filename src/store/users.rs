//! People who work with the service. Of a password only its slow hash is kept.

use std::fmt;

use jiff::Timestamp;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::domain::{QueueId, StaffRole};
use crate::store::Store;
use crate::store::audit::{NewAudit, insert_audit};
use crate::store::error::Error;
use crate::store::keys::to_json;
use crate::store::row::Columns;
use crate::store::writer::Write;

/// A person.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// The name to log in with, which events carry.
    pub name: String,
    /// The name for people.
    pub display_name: String,
    /// What they do for the firm.
    pub roles: Vec<StaffRole>,
    /// The only queue that the front line sees; every one without it.
    pub queue: Option<QueueId>,
    /// Argon2id in PHC form; nothing while they cannot log in.
    pub password_hash: Option<String>,
    /// When they were added.
    pub created_at: Timestamp,
    /// When they were shut out.
    pub disabled_at: Option<Timestamp>,
}

impl fmt::Debug for User {
    /// Names of people do not reach logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("roles", &self.roles).finish_non_exhaustive()
    }
}

struct InsertUser {
    user: User,
    audit: NewAudit,
}

struct UpdateUser {
    user: User,
    audit: NewAudit,
}

/// What is read of a user.
macro_rules! columns {
    () => {
        "name, display_name, roles, queue, password_hash, created_at, disabled_at"
    };
}

impl Store {
    /// Stores a user; false when the name is taken.
    pub async fn insert_user(&self, user: User, audit: NewAudit) -> Result<bool, Error> {
        self.writer.write(InsertUser { user, audit }).await
    }

    /// Changes a user and ends all their sessions, since what these stood for is no more; false
    /// when there is no such user.
    pub async fn update_user(&self, user: User, audit: NewAudit) -> Result<bool, Error> {
        self.writer.write(UpdateUser { user, audit }).await
    }

    /// The user with this name.
    pub async fn find_user(&self, name: &str) -> Result<Option<User>, Error> {
        let sql = concat!("SELECT ", columns!(), " FROM users WHERE name = $1");
        let row = sqlx::query(sql).bind(name).fetch_optional(&self.pool).await?;
        row.as_ref().map(read_user).transpose()
    }

    /// Every user by name.
    pub async fn list_users(&self) -> Result<Vec<User>, Error> {
        let sql = concat!("SELECT ", columns!(), " FROM users ORDER BY name");
        let rows = sqlx::query(sql).fetch_all(&self.pool).await?;
        rows.iter().map(read_user).collect()
    }
}

impl Write for InsertUser {
    type Output = bool;

    async fn run(&self, connection: &mut AnyConnection) -> Result<bool, Error> {
        let sql = concat!(
            "INSERT INTO users (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (name) DO NOTHING"
        );
        let user = &self.user;
        let query = sqlx::query(sql)
            .bind(user.name.as_str())
            .bind(user.display_name.as_str())
            .bind(to_json(&user.roles))
            .bind(user.queue.as_ref().map(QueueId::as_str))
            .bind(user.password_hash.as_deref())
            .bind(user.created_at.as_microsecond())
            .bind(user.disabled_at.map(Timestamp::as_microsecond));
        if query.execute(&mut *connection).await?.rows_affected() == 0 {
            return Ok(false);
        }
        insert_audit(connection, &self.audit).await?;
        Ok(true)
    }
}

impl Write for UpdateUser {
    type Output = bool;

    async fn run(&self, connection: &mut AnyConnection) -> Result<bool, Error> {
        let sql = "UPDATE users SET display_name = $1, roles = $2, queue = $3, \
                   password_hash = $4, disabled_at = $5 WHERE name = $6";
        let user = &self.user;
        let query = sqlx::query(sql)
            .bind(user.display_name.as_str())
            .bind(to_json(&user.roles))
            .bind(user.queue.as_ref().map(QueueId::as_str))
            .bind(user.password_hash.as_deref())
            .bind(user.disabled_at.map(Timestamp::as_microsecond))
            .bind(user.name.as_str());
        if query.execute(&mut *connection).await?.rows_affected() == 0 {
            return Ok(false);
        }
        let sql = "DELETE FROM sessions WHERE user_name = $1";
        sqlx::query(sql).bind(user.name.as_str()).execute(&mut *connection).await?;
        insert_audit(connection, &self.audit).await?;
        Ok(true)
    }
}

pub(super) fn read_user(row: &AnyRow) -> Result<User, Error> {
    let row = Columns(row);
    Ok(User {
        name: row.get("name")?,
        display_name: row.get("display_name")?,
        roles: row.json("roles")?,
        queue: row.find("queue")?,
        password_hash: row.get("password_hash")?,
        created_at: row.time("created_at")?,
        disabled_at: row.find_time("disabled_at")?,
    })
}
