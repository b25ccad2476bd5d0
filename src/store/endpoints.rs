//! Endpoints: systems of the firm that are told of events. Whoever writes an event puts a delivery
//! for every endpoint that wants it into the outbox, in the same transaction.

use std::fmt;

use jiff::Timestamp;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;
use uuid::Uuid;

use crate::store::Store;
use crate::store::error::Error;
use crate::store::outbox::{NewDelivery, Topic, insert_delivery};
use crate::store::row::Columns;
use crate::store::writer::Write;

/// A system that is told of events.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its id.
    pub id: Uuid,
    /// Where it listens.
    pub url: String,
    /// The events that it wants; all when there are none.
    pub kinds: Vec<String>,
    /// Whether it is sent what people wrote.
    pub with_words: bool,
    /// What signs, as `whsec_…`.
    pub secret: String,
    /// What signed before, and until when it signs as well.
    pub old_secret: Option<(String, Timestamp)>,
    /// Whether it is told anything now.
    pub enabled: bool,
    /// Why the service has disabled it.
    pub problem: Option<String>,
    /// Since when it is known.
    pub created_at: Timestamp,
}

struct NewEndpoint(Endpoint);

/// What changes an endpoint.
enum Change {
    Enable,
    Disable(Option<String>),
    Rotate { secret: String, old_until: Timestamp },
    Delete,
}

struct ChangeEndpoint {
    id: Uuid,
    change: Change,
}

impl Store {
    /// Adds an endpoint, which hears of events from now on.
    pub async fn insert_endpoint(&self, endpoint: Endpoint) -> Result<(), Error> {
        self.writer.write(NewEndpoint(endpoint)).await
    }

    /// Every endpoint, oldest first.
    pub async fn list_endpoints(&self) -> Result<Vec<Endpoint>, Error> {
        let rows = sqlx::query("SELECT * FROM endpoints ORDER BY id").fetch_all(&self.pool).await?;
        rows.iter().map(read_endpoint).collect()
    }

    /// The endpoint with this id.
    pub async fn find_endpoint(&self, id: Uuid) -> Result<Option<Endpoint>, Error> {
        let query = sqlx::query("SELECT * FROM endpoints WHERE id = $1").bind(id.to_string());
        let row = query.fetch_optional(&self.pool).await?;
        row.as_ref().map(read_endpoint).transpose()
    }

    /// Lets an endpoint hear of events again; what waits for it goes out. Whether there is one.
    pub async fn enable_endpoint(&self, id: Uuid) -> Result<bool, Error> {
        self.change_endpoint(id, Change::Enable).await
    }

    /// Tells an endpoint nothing any more: events of meanwhile are not kept for it, what waits
    /// stays. Whether there is one.
    pub async fn disable_endpoint(&self, id: Uuid, problem: Option<&str>) -> Result<bool, Error> {
        self.change_endpoint(id, Change::Disable(problem.map(ToOwned::to_owned))).await
    }

    /// Gives an endpoint a new secret; the old one signs as well until a time. Whether there is one.
    pub async fn rotate_secret(
        &self,
        id: Uuid,
        secret: String,
        old_until: Timestamp,
    ) -> Result<bool, Error> {
        self.change_endpoint(id, Change::Rotate { secret, old_until }).await
    }

    /// Removes an endpoint with everything that waits for it. Whether there was one.
    pub async fn delete_endpoint(&self, id: Uuid) -> Result<bool, Error> {
        self.change_endpoint(id, Change::Delete).await
    }

    async fn change_endpoint(&self, id: Uuid, change: Change) -> Result<bool, Error> {
        self.writer.write(ChangeEndpoint { id, change }).await
    }
}

/// Puts an event of a case or a step of an alert into the outbox for every endpoint that wants it.
pub(super) async fn announce(
    connection: &mut AnyConnection,
    case_id: Uuid,
    seq: u32,
    (kind, at): (&str, Timestamp),
) -> Result<(), Error> {
    let sql = "SELECT id, kinds FROM endpoints WHERE enabled = 1 ORDER BY id";
    for row in &sqlx::query(sql).fetch_all(&mut *connection).await? {
        let row = Columns(row);
        let kinds: Vec<String> = row.json("kinds")?;
        if !kinds.is_empty() && !kinds.iter().any(|it| it == kind) {
            continue;
        }
        let target: Uuid = row.parse("id")?;
        let delivery = NewDelivery {
            id: format!("evt_{}_{seq}_{}", case_id.simple(), target.simple()),
            topic: Topic::Webhook,
            target: target.to_string(),
            case_id,
            seq,
            payload: String::new(),
            at,
        };
        insert_delivery(connection, &delivery).await?;
    }
    Ok(())
}

impl Write for NewEndpoint {
    type Output = ();

    async fn run(&self, connection: &mut AnyConnection) -> Result<(), Error> {
        let Self(endpoint) = self;
        let kinds = serde_json::to_string(&endpoint.kinds).expect("text is JSON");
        let sql = "INSERT INTO endpoints (id, url, kinds, with_words, secret, enabled, created_at) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let query = sqlx::query(sql)
            .bind(endpoint.id.to_string())
            .bind(endpoint.url.as_str())
            .bind(kinds)
            .bind(i64::from(endpoint.with_words))
            .bind(endpoint.secret.as_str())
            .bind(i64::from(endpoint.enabled))
            .bind(endpoint.created_at.as_microsecond());
        query.execute(connection).await?;
        Ok(())
    }
}

impl Write for ChangeEndpoint {
    type Output = bool;

    async fn run(&self, connection: &mut AnyConnection) -> Result<bool, Error> {
        let id = self.id.to_string();
        let query = match &self.change {
            Change::Enable => {
                sqlx::query("UPDATE endpoints SET enabled = 1, problem = NULL WHERE id = $1")
                    .bind(id)
            }
            Change::Disable(problem) => {
                sqlx::query("UPDATE endpoints SET enabled = 0, problem = $2 WHERE id = $1")
                    .bind(id)
                    .bind(problem.as_deref())
            }
            Change::Rotate { secret, old_until } => sqlx::query(
                "UPDATE endpoints SET old_secret = secret, old_secret_until = $2, secret = $3 \
                 WHERE id = $1",
            )
            .bind(id)
            .bind(old_until.as_microsecond())
            .bind(secret.as_str()),
            Change::Delete => {
                let sql = "DELETE FROM outbox WHERE topic = $1 AND target = $2";
                let query = sqlx::query(sql).bind(Topic::Webhook.as_str()).bind(id.clone());
                query.execute(&mut *connection).await?;
                sqlx::query("DELETE FROM endpoints WHERE id = $1").bind(id)
            }
        };
        Ok(query.execute(connection).await?.rows_affected() == 1)
    }
}

fn read_endpoint(row: &AnyRow) -> Result<Endpoint, Error> {
    let row = Columns(row);
    let old_secret: Option<String> = row.get("old_secret")?;
    Ok(Endpoint {
        id: row.parse("id")?,
        url: row.get("url")?,
        kinds: row.json("kinds")?,
        with_words: row.flag("with_words")?,
        secret: row.get("secret")?,
        old_secret: old_secret.zip(row.find_time("old_secret_until")?),
        enabled: row.flag("enabled")?,
        problem: row.get("problem")?,
        created_at: row.time("created_at")?,
    })
}

impl fmt::Debug for Endpoint {
    /// Secrets stay secret, and addresses may hold passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("id", &self.id)
            .field("kinds", &self.kinds)
            .field("enabled", &self.enabled)
            .finish_non_exhaustive()
    }
}
