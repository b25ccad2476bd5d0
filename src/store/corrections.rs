//! Corrections: what people say about a case's labels and route, and the case as it then stands.
//! A correction, its event and the case change together or not at all, and only when the case is
//! still the one that its corrector has read. The lab reads people's labels from here.

use std::fmt;

use jiff::Timestamp;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;
use uuid::Uuid;

use crate::domain::{
    Actor, Certainty, Channel, ComplaintText, LabelId, Labels, RouteChoice, StaffRole,
};
use crate::store::Store;
use crate::store::cases::{Triage, read_channel};
use crate::store::cursor::{CaseCursor, Page};
use crate::store::error::Error;
use crate::store::events::{NewEvent, insert_event};
use crate::store::library::LibraryChange;
use crate::store::row::Columns;
use crate::store::writer::Write;

/// On what occasion a person gave labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelSource {
    /// While the case was worked.
    Correction,
    /// When the case was closed, knowing how it ended.
    Archive,
}

impl LabelSource {
    /// The identifier in data and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Correction => "correction",
            Self::Archive => "archive",
        }
    }
}

/// What a person says about a case.
#[derive(Clone, PartialEq, Eq)]
pub struct NewCorrection {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// On what occasion.
    pub source: LabelSource,
    /// How sure they are.
    pub certainty: Certainty,
    /// Why.
    pub reason: String,
    /// Labels, of the heads that they speak of.
    pub labels: Labels,
    /// Where the case belongs, as far as they say.
    pub route: RouteChoice,
}

/// A stored correction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    /// The number of its event within the case.
    pub seq: u32,
    /// What was said.
    pub record: NewCorrection,
}

/// A correction with what is written beside it in the same transaction.
#[derive(Clone, Debug)]
pub struct Revision {
    /// The case.
    pub case_id: Uuid,
    /// The version that the corrector has read.
    pub version: u32,
    /// What was said.
    pub correction: NewCorrection,
    /// The case as it then stands. What the model answered at intake is not written again.
    pub triage: Triage,
    /// When the next clock strikes.
    pub alarm_at: Option<Timestamp>,
    /// That it happened.
    pub event: NewEvent,
    /// What it means for the case library.
    pub library: LibraryChange,
}

/// What became of a write to a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revised {
    /// It is stored; the case has this version now.
    Done(u32),
    /// Somebody was faster: nothing was written, and the case has this version.
    Stale(u32),
    /// There is no such case.
    Missing,
}

/// A case that people have labelled, for learning.
#[derive(Clone, PartialEq)]
pub struct LabelledCase {
    /// The case.
    pub id: Uuid,
    /// What the customer wrote or said.
    pub text: ComplaintText,
    /// Where it came in.
    pub channel: Option<Channel>,
    /// When the firm received it.
    pub received_at: Timestamp,
    /// The model that was asked at intake; nothing without one.
    pub model_version: Option<String>,
    /// What that model said; empty without one.
    pub model_labels: Labels,
    /// What counts now: people's labels over those of the intake.
    pub labels: Labels,
    /// Everything that people said about labels, oldest first.
    pub statements: Vec<Correction>,
}

impl LabelledCase {
    /// The labels of the heads that people have spoken of, the newest word for each.
    pub fn human_labels(&self) -> Labels {
        self.statements.iter().fold(Labels::default(), |mut labels, statement| {
            labels.overlay(&statement.record.labels);
            labels
        })
    }

    /// The newest statement about a head: who says so, and how sure they are.
    pub fn find_statement(&self, head: &str) -> Option<&Correction> {
        self.statements.iter().rev().find(|it| it.record.labels.find(head).is_some())
    }
}

impl Store {
    /// Corrects a case, if it still has the version that the corrector has read.
    pub async fn revise_case(&self, revision: Revision) -> Result<Revised, Error> {
        self.writer.write(revision).await
    }

    /// What people have said about a case, oldest first.
    pub async fn list_corrections(&self, case_id: Uuid) -> Result<Vec<Correction>, Error> {
        let sql = "SELECT seq, at, actor, role, source, certainty, reason, labels, route \
                   FROM corrections WHERE case_id = $1 ORDER BY seq";
        let rows = sqlx::query(sql).bind(case_id.to_string()).fetch_all(&self.pool).await?;
        rows.iter().map(read_correction).collect()
    }

    /// Cases whose labels people have spoken of, oldest case first, with all that they said. From
    /// whom asked to be forgotten nothing is learned, even while the law demands the case.
    pub async fn list_human_labels(
        &self,
        after: Option<CaseCursor>,
        limit: u16,
    ) -> Result<Page<LabelledCase, CaseCursor>, Error> {
        let sql = "SELECT id, text, channel, received_at, model_version, model_labels, labels \
                   FROM cases WHERE id IN (SELECT DISTINCT case_id FROM corrections \
                   JOIN cases c ON c.id = case_id AND c.erased_at IS NULL \
                   AND c.erasure_asked_at IS NULL WHERE case_id > $1 AND corrections.labels <> '{}' \
                   ORDER BY case_id LIMIT $2) ORDER BY id";
        let after = after.map_or_else(String::new, |cursor| cursor.id.to_string());
        let query = sqlx::query(sql).bind(after).bind(i64::from(limit) + 1);
        let rows = query.fetch_all(&self.pool).await?;
        let cases = rows.iter().map(read_labelled_case).collect::<Result<Vec<_>, _>>()?;
        let mut page = Page::cut(cases, limit, |case| CaseCursor { id: case.id });
        let (Some(first), Some(last)) = (page.items.first(), page.items.last()) else {
            return Ok(page);
        };
        let sql = "SELECT case_id, seq, at, actor, role, source, certainty, reason, labels, route \
             FROM corrections WHERE $1 <= case_id AND case_id <= $2 AND labels <> '{}' \
             ORDER BY case_id, seq";
        let query = sqlx::query(sql).bind(first.id.to_string()).bind(last.id.to_string());
        for row in &query.fetch_all(&self.pool).await? {
            let id = Columns(row).parse("case_id")?;
            // A case that was labelled for the first time since the first question is on nobody's
            // page: who reads all labels reads them again some day.
            if let Ok(case_idx) = page.items.binary_search_by_key(&id, |case| case.id) {
                page.items[case_idx].statements.push(read_correction(row)?);
            }
        }
        Ok(page)
    }
}

impl Write for Revision {
    type Output = Revised;

    async fn run(&self, connection: &mut AnyConnection) -> Result<Revised, Error> {
        let Self { case_id, version, correction, triage, alarm_at, event, library } = self;
        let seq = version.saturating_add(1);
        let sql = "UPDATE cases SET version = $1, queue = $2, department = $3, tier = $4, \
                   category = $5, severity = $6, severity_rank = $7, sentiment = $8, \
                   executive_review = $9, needs_triage = $10, priority = $11, \
                   first_due_at = $12, resolution_due_at = $13, labels = $14, alarm_at = $15 \
                   WHERE id = $16 AND version = $17";
        let label = |label: &Option<LabelId>| label.as_ref().map(ToString::to_string);
        let query = sqlx::query(sql)
            .bind(i64::from(seq))
            .bind(triage.queue.as_str())
            .bind(triage.department.as_str())
            .bind(i64::from(u8::from(triage.tier)))
            .bind(label(&triage.category))
            .bind(triage.severity.as_str())
            .bind(i64::from(triage.severity_rank))
            .bind(label(&triage.sentiment))
            .bind(i64::from(triage.executive_review))
            .bind(i64::from(triage.needs_triage))
            .bind(triage.priority)
            .bind(triage.first_due_at.as_microsecond())
            .bind(triage.resolution_due_at.as_microsecond())
            .bind(to_json(&triage.labels))
            .bind(alarm_at.map(Timestamp::as_microsecond))
            .bind(case_id.to_string())
            .bind(i64::from(*version));
        if query.execute(&mut *connection).await?.rows_affected() == 0 {
            return find_version(connection, *case_id).await;
        }
        insert_event(connection, *case_id, seq, event).await?;
        insert_correction(connection, *case_id, seq, correction).await?;
        library.write(connection, *case_id).await?;
        Ok(Revised::Done(seq))
    }
}

/// Why a case did not change: it has another version, or there is none.
pub(super) async fn find_version(
    connection: &mut AnyConnection,
    case_id: Uuid,
) -> Result<Revised, Error> {
    let sql = "SELECT version FROM cases WHERE id = $1";
    let row = sqlx::query(sql).bind(case_id.to_string()).fetch_optional(connection).await?;
    row.map_or(Ok(Revised::Missing), |row| Ok(Revised::Stale(Columns(&row).number("version")?)))
}

pub(super) async fn insert_correction(
    connection: &mut AnyConnection,
    case_id: Uuid,
    seq: u32,
    correction: &NewCorrection,
) -> Result<(), Error> {
    let sql = "INSERT INTO corrections (case_id, seq, at, actor, role, source, certainty, reason, \
               labels, route) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let query = sqlx::query(sql)
        .bind(case_id.to_string())
        .bind(i64::from(seq))
        .bind(correction.at.as_microsecond())
        .bind(correction.actor.name.as_str())
        .bind(correction.actor.role.as_str())
        .bind(correction.source.as_str())
        .bind(i64::from(u8::from(correction.certainty)))
        .bind(correction.reason.as_str())
        .bind(to_json(&correction.labels))
        .bind(to_json(&correction.route));
    query.execute(connection).await?;
    Ok(())
}

pub(super) fn to_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("labels and routes are plain data")
}

fn read_correction(row: &AnyRow) -> Result<Correction, Error> {
    let row = Columns(row);
    let source: &str = row.get("source")?;
    let certainty = Certainty::try_from(row.number::<u8>("certainty")?);
    let record = NewCorrection {
        at: row.time("at")?,
        actor: Actor { name: row.get("actor")?, role: row.parse::<StaffRole>("role")? },
        source: [LabelSource::Correction, LabelSource::Archive]
            .into_iter()
            .find(|known| known.as_str() == source)
            .ok_or(Error::Corrupt("source"))?,
        certainty: certainty.map_err(|_| Error::Corrupt("certainty"))?,
        reason: row.get("reason")?,
        labels: row.json("labels")?,
        route: row.json("route")?,
    };
    Ok(Correction { seq: row.number("seq")?, record })
}

fn read_labelled_case(row: &AnyRow) -> Result<LabelledCase, Error> {
    let row = Columns(row);
    Ok(LabelledCase {
        id: row.parse("id")?,
        text: row.parse("text")?,
        channel: read_channel(row)?,
        received_at: row.time("received_at")?,
        model_version: row.get("model_version")?,
        model_labels: row.json("model_labels")?,
        labels: row.json("labels")?,
        statements: Vec::new(),
    })
}

// Reasons may quote a customer, and names of staff do not belong into logs either.

impl fmt::Debug for NewCorrection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewCorrection")
            .field("at", &self.at)
            .field("role", &self.actor.role)
            .field("labels", &self.labels)
            .field("route", &self.route)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for LabelledCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LabelledCase")
            .field("id", &self.id)
            .field("labels", &self.labels)
            .field("statements", &self.statements)
            .finish_non_exhaustive()
    }
}
