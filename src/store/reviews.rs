//! What the firm does about what it has learned: improvements, and who did what to them and to
//! alerts.

use jiff::{Timestamp, civil::Date};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe};
use uuid::Uuid;

use crate::domain::{Actor, LabelId, StaffRole};
use crate::store::Store;
use crate::store::corrections::Revised;
use crate::store::cursor::{CaseCursor, Page};
use crate::store::error::Error;
use crate::store::row::Columns;
use crate::store::writer::Write;

/// Who does what to an alert or an improvement, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct NewStep {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// The state that it leads to.
    pub state: String,
    /// Why, or what was done.
    pub note: String,
}

impl NewStep {
    /// What the service does by itself.
    pub(super) fn system(at: Timestamp, state: &str) -> Self {
        let actor = Actor { name: "watch".to_owned(), role: StaffRole::System };
        Self { at, actor, state: state.to_owned(), note: String::new() }
    }
}

/// Something that shall become better.
#[derive(Clone, Debug, PartialEq)]
pub struct Improvement {
    /// Its id.
    pub id: Uuid,
    /// What shall become better.
    pub title: String,
    /// The department that does it.
    pub department: String,
    /// The person who answers for it.
    pub owner: String,
    /// By when.
    pub due_on: Date,
    /// `open`, `in_progress`, `done` or `dropped`.
    pub state: String,
    /// The alert that led to it.
    pub alert_id: Option<Uuid>,
    /// The category that it is about.
    pub category: Option<LabelId>,
    /// The number of its last step.
    pub version: u32,
}

/// An improvement with its first step, or its next one.
#[derive(Clone, Debug)]
pub enum ImprovementChange {
    /// A new one.
    New(Improvement, NewStep),
    /// A step of the one with this id and version.
    Step(Uuid, u32, NewStep),
}

const COLUMNS: &str = "id, title, department, owner, due_on, state, alert_id, category, version";

impl Store {
    /// Writes an improvement or its next step.
    pub async fn write_improvement(&self, change: ImprovementChange) -> Result<Revised, Error> {
        self.writer.write(change).await
    }

    /// The improvement with this id.
    pub async fn find_improvement(&self, id: Uuid) -> Result<Option<Improvement>, Error> {
        let sql = format!("SELECT {COLUMNS} FROM improvements WHERE id = $1");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(id.to_string());
        query.fetch_optional(&self.pool).await?.as_ref().map(read_improvement).transpose()
    }

    /// Improvements in this state, or all, the newest first.
    pub async fn list_improvements(
        &self,
        state: Option<&str>,
        after: Option<CaseCursor>,
        limit: u16,
    ) -> Result<Page<Improvement, CaseCursor>, Error> {
        let condition = state.map_or("", |_| "AND state = $3");
        let sql = format!(
            "SELECT {COLUMNS} FROM improvements WHERE id < $1 {condition} ORDER BY id DESC LIMIT $2"
        );
        // Every id is below this one.
        let after = after.map_or_else(|| "g".to_owned(), |cursor| cursor.id.to_string());
        let query = sqlx::query(AssertSqlSafe(sql)).bind(after).bind(i64::from(limit) + 1);
        let query = match state {
            Some(state) => query.bind(state),
            None => query,
        };
        let rows = query.fetch_all(&self.pool).await?;
        let items = rows.iter().map(read_improvement).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(items, limit, |improvement| CaseCursor { id: improvement.id }))
    }

    /// What was done to an alert or an improvement, oldest first.
    pub async fn list_steps(&self, id: Uuid) -> Result<Vec<NewStep>, Error> {
        let sql = "SELECT at, actor, role, state, note FROM review_steps WHERE subject_id = $1 \
                   ORDER BY seq";
        let rows = sqlx::query(sql).bind(id.to_string()).fetch_all(&self.pool).await?;
        let step = |row| {
            let row = Columns(row);
            Ok(NewStep {
                at: row.time("at")?,
                actor: Actor { name: row.get("actor")?, role: row.parse("role")? },
                state: row.get("state")?,
                note: row.get("note")?,
            })
        };
        rows.iter().map(step).collect()
    }
}

impl Write for ImprovementChange {
    type Output = Revised;

    async fn run(&self, connection: &mut AnyConnection) -> Result<Revised, Error> {
        let (id, version, step) = match self {
            Self::New(it, step) => {
                let sql = format!(
                    "INSERT INTO improvements ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1)"
                );
                let query = sqlx::query(AssertSqlSafe(sql))
                    .bind(it.id.to_string())
                    .bind(it.title.as_str())
                    .bind(it.department.as_str())
                    .bind(it.owner.as_str())
                    .bind(it.due_on.to_string())
                    .bind(it.state.as_str())
                    .bind(it.alert_id.map(|id| id.to_string()))
                    .bind(it.category.as_ref().map(LabelId::as_str));
                query.execute(&mut *connection).await?;
                (it.id, 1, step)
            }
            Self::Step(id, version, step) => {
                let next = version.saturating_add(1);
                let sql = "UPDATE improvements SET state = $1, version = $2 \
                           WHERE id = $3 AND version = $4";
                let query = sqlx::query(sql).bind(step.state.as_str()).bind(i64::from(next));
                let query = query.bind(id.to_string()).bind(i64::from(*version));
                if query.execute(&mut *connection).await?.rows_affected() == 0 {
                    let sql = "SELECT version FROM improvements WHERE id = $1";
                    let query = sqlx::query(sql).bind(id.to_string());
                    let row = query.fetch_optional(connection).await?;
                    let stale = |row| Ok(Revised::Stale(Columns(row).number("version")?));
                    return row.as_ref().map_or(Ok(Revised::Missing), stale);
                }
                (*id, next, step)
            }
        };
        insert_step(connection, id, version, step).await?;
        Ok(Revised::Done(version))
    }
}

pub(super) async fn insert_step(
    connection: &mut AnyConnection,
    subject_id: Uuid,
    seq: u32,
    step: &NewStep,
) -> Result<(), Error> {
    let sql = "INSERT INTO review_steps (subject_id, seq, at, actor, role, state, note) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let query = sqlx::query(sql)
        .bind(subject_id.to_string())
        .bind(i64::from(seq))
        .bind(step.at.as_microsecond())
        .bind(step.actor.name.as_str())
        .bind(step.actor.role.as_str())
        .bind(step.state.as_str())
        .bind(step.note.as_str());
    query.execute(connection).await?;
    Ok(())
}

fn read_improvement(row: &AnyRow) -> Result<Improvement, Error> {
    let row = Columns(row);
    Ok(Improvement {
        id: row.parse("id")?,
        title: row.get("title")?,
        department: row.get("department")?,
        owner: row.get("owner")?,
        due_on: row.parse("due_on")?,
        state: row.get("state")?,
        alert_id: row.find("alert_id")?,
        category: row.find("category")?,
        version: row.number("version")?,
    })
}
