//! Events: who did what to a case, when and why. They are only ever added.

use jiff::Timestamp;
use sqlx::AnyConnection;
use uuid::Uuid;

use crate::domain::StaffRole;
use crate::store::Store;
use crate::store::audit::{NewAudit, insert_audit};
use crate::store::endpoints::announce;
use crate::store::error::Error;
use crate::store::row::Columns;
use crate::store::writer::Write;

/// Something that happened to a case.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// When.
    pub at: Timestamp,
    /// Who did it: a person, a key or a part of the service.
    pub actor: String,
    /// What they do for the firm.
    pub role: StaffRole,
    /// What happened, such as `case.received`.
    pub kind: String,
    /// What changed and why; no words of customers.
    pub data: serde_json::Value,
}

/// A stored event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its number within the case, from 1.
    pub seq: u32,
    /// What happened.
    pub record: NewEvent,
}

/// An event to add after the last one of a case.
struct Append {
    case_id: Uuid,
    event: NewEvent,
}

impl Store {
    /// Adds an event to a case. When two are added at once one is refused with
    /// [`Constraint::EventSequence`](crate::store::Constraint::EventSequence), to be sent again.
    pub async fn insert_event(&self, case_id: Uuid, event: NewEvent) -> Result<u32, Error> {
        self.writer.write(Append { case_id, event }).await
    }

    /// Adds an event to a case and a row to the audit log, both or none.
    pub async fn insert_audited_event(
        &self,
        case_id: Uuid,
        event: NewEvent,
        audit: NewAudit,
    ) -> Result<u32, Error> {
        self.writer.write(AppendAudited { append: Append { case_id, event }, audit }).await
    }

    /// The events of a case, oldest first.
    pub async fn list_events(&self, case_id: Uuid) -> Result<Vec<Event>, Error> {
        let sql =
            "SELECT seq, at, actor, role, kind, data FROM events WHERE case_id = $1 ORDER BY seq";
        let rows = sqlx::query(sql).bind(case_id.to_string()).fetch_all(&self.pool).await?;
        let event = |row| {
            let row = Columns(row);
            let record = NewEvent {
                at: row.time("at")?,
                actor: row.get("actor")?,
                role: row.parse("role")?,
                kind: row.get("kind")?,
                data: row.json("data")?,
            };
            Ok(Event { seq: row.number("seq")?, record })
        };
        rows.iter().map(event).collect()
    }
}

/// The same with a row of the audit log.
struct AppendAudited {
    append: Append,
    audit: NewAudit,
}

impl Write for AppendAudited {
    type Output = u32;

    async fn run(&self, connection: &mut AnyConnection) -> Result<u32, Error> {
        let seq = self.append.run(connection).await?;
        insert_audit(connection, &self.audit).await?;
        Ok(seq)
    }
}

impl Write for Append {
    type Output = u32;

    async fn run(&self, connection: &mut AnyConnection) -> Result<u32, Error> {
        let sql = "SELECT COALESCE(MAX(seq), 0) + 1 AS next FROM events WHERE case_id = $1";
        let row =
            sqlx::query(sql).bind(self.case_id.to_string()).fetch_one(&mut *connection).await?;
        let seq = Columns(&row).number("next")?;
        insert_event(connection, self.case_id, seq, &self.event).await?;
        // The case is not the same as before: who has read it must read again.
        let sql = "UPDATE cases SET version = $1 WHERE id = $2";
        let query = sqlx::query(sql).bind(i64::from(seq)).bind(self.case_id.to_string());
        query.execute(connection).await?;
        Ok(seq)
    }
}

/// Writes an event, and that it is to be told.
pub(super) async fn insert_event(
    connection: &mut AnyConnection,
    case_id: Uuid,
    seq: u32,
    event: &NewEvent,
) -> Result<(), Error> {
    let sql = "INSERT INTO events (case_id, seq, at, actor, kind, data, role) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let query = sqlx::query(sql)
        .bind(case_id.to_string())
        .bind(i64::from(seq))
        .bind(event.at.as_microsecond())
        .bind(event.actor.as_str())
        .bind(event.kind.as_str())
        .bind(event.data.to_string())
        .bind(event.role.as_str());
    query.execute(&mut *connection).await?;
    announce(connection, case_id, seq, (&event.kind, event.at)).await
}
