//! Progress: the events of a move and the case as it then stands, written together or not at all,
//! and only when the case is still the one that was read.

use jiff::Timestamp;
use sqlx::AnyConnection;
use uuid::Uuid;

use crate::domain::{LabelId, Labels, Tier};
use crate::store::Store;
use crate::store::corrections::{NewCorrection, Revised, find_version, insert_correction, to_json};
use crate::store::error::Error;
use crate::store::events::{NewEvent, insert_event};
use crate::store::library::LibraryChange;
use crate::store::writer::Write;

/// What a move changes.
#[derive(Clone, Debug)]
pub struct Progress {
    /// The case.
    pub case_id: Uuid,
    /// The version that was read.
    pub version: u32,
    /// Where the case stands now.
    pub status: String,
    /// Whether there is still something to do.
    pub is_open: bool,
    /// Who decides.
    pub tier: Tier,
    /// Who owns it.
    pub owner: Option<String>,
    /// The earliest deadline that still runs.
    pub first_due_at: Timestamp,
    /// When it must be settled.
    pub resolution_due_at: Timestamp,
    /// When the next clock strikes.
    pub alarm_at: Option<Timestamp>,
    /// What happened, oldest first; one at least.
    pub events: Vec<NewEvent>,
    /// The labels with which the case is closed, if somebody gave any.
    pub final_labels: Option<FinalLabels>,
    /// What it means for the case library.
    pub library: LibraryChange,
}

/// The labels with which a case is closed.
#[derive(Clone, Debug)]
pub struct FinalLabels {
    /// What was said; it belongs to the last event.
    pub correction: NewCorrection,
    /// The labels that count now.
    pub labels: Labels,
    /// What it is about.
    pub category: Option<LabelId>,
    /// How severe it was.
    pub severity: LabelId,
    /// The severity's rank, lowest first.
    pub severity_rank: u16,
    /// The writer's mood.
    pub sentiment: Option<LabelId>,
}

impl Store {
    /// Moves a case on, if it still has the version that was read.
    pub async fn advance_case(&self, progress: Progress) -> Result<Revised, Error> {
        self.writer.write(progress).await
    }
}

impl Write for Progress {
    type Output = Revised;

    async fn run(&self, connection: &mut AnyConnection) -> Result<Revised, Error> {
        let mut seq = self.version;
        let last = seq.saturating_add(u32::try_from(self.events.len()).unwrap_or(u32::MAX));
        let sql = "UPDATE cases SET version = $1, status = $2, is_open = $3, tier = $4, \
                   first_due_at = $5, resolution_due_at = $6, alarm_at = $7, owner = $8 \
                   WHERE id = $9 AND version = $10";
        let query = sqlx::query(sql)
            .bind(i64::from(last))
            .bind(self.status.as_str())
            .bind(i64::from(self.is_open))
            .bind(i64::from(u8::from(self.tier)))
            .bind(self.first_due_at.as_microsecond())
            .bind(self.resolution_due_at.as_microsecond())
            .bind(self.alarm_at.map(Timestamp::as_microsecond))
            .bind(self.owner.as_deref())
            .bind(self.case_id.to_string())
            .bind(i64::from(self.version));
        if query.execute(&mut *connection).await?.rows_affected() == 0 {
            return find_version(connection, self.case_id).await;
        }
        for event in &self.events {
            seq += 1;
            insert_event(connection, self.case_id, seq, event).await?;
        }
        if let Some(labels) = &self.final_labels {
            insert_correction(connection, self.case_id, seq, &labels.correction).await?;
            write_labels(connection, self.case_id, labels).await?;
        }
        let Self { library, case_id, .. } = self;
        library.write(connection, *case_id).await?;
        Ok(Revised::Done(seq))
    }
}

async fn write_labels(
    connection: &mut AnyConnection,
    case_id: Uuid,
    labels: &FinalLabels,
) -> Result<(), Error> {
    let sql = "UPDATE cases SET labels = $1, category = $2, severity = $3, severity_rank = $4, \
               sentiment = $5 WHERE id = $6";
    let query = sqlx::query(sql)
        .bind(to_json(&labels.labels))
        .bind(labels.category.as_ref().map(LabelId::as_str))
        .bind(labels.severity.as_str())
        .bind(i64::from(labels.severity_rank))
        .bind(labels.sentiment.as_ref().map(LabelId::as_str))
        .bind(case_id.to_string());
    query.execute(connection).await?;
    Ok(())
}
