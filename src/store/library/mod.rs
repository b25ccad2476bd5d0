//! The case library: what an archived case leaves behind, written in the transaction that archives
//! it and taken away in the one that opens it again.

mod search;
mod terms;
mod vectors;

use std::fmt;

use jiff::Timestamp;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;
use uuid::Uuid;

use crate::domain::{LabelId, Money};
use crate::store::error::Error;
use crate::store::row::Columns;

pub use search::{Count, Found, LibraryCursor, LibraryFilter};
pub(super) use terms::{Engine, install};
use vectors::NO_VECTOR;
pub use vectors::StoredVector;

/// What is kept of an archived case.
#[derive(Clone, PartialEq)]
pub struct Archived {
    /// The case.
    pub case_id: Uuid,
    /// When it was archived.
    pub archived_at: Timestamp,
    /// When the firm received it.
    pub received_at: Timestamp,
    /// When the matter was settled.
    pub settled_at: Option<Timestamp>,
    /// What it is about.
    pub category: Option<LabelId>,
    /// How severe it was.
    pub severity: LabelId,
    /// The department that answered for it.
    pub department: String,
    /// Who was liable.
    pub liability: Option<String>,
    /// The remedies with which it ended; empty when nothing was agreed on.
    pub outcome: Vec<String>,
    /// Compensation and vouchers.
    pub compensation: Money,
    /// Refunds.
    pub refund: Money,
    /// How content the customer was, from 1 to 5.
    pub satisfaction: Option<u8>,
    /// How often it was opened again.
    pub n_reopened: u32,
    /// Whether the model's category is the one that a person gave; nothing where none did.
    pub category_right: Option<bool>,
    /// The same for the severity.
    pub severity_right: Option<bool>,
    /// What was written when it was archived.
    pub summary: String,
}

/// An entry of the library to write.
#[derive(Clone, Debug)]
pub struct NewEntry {
    /// What is kept.
    pub archived: Archived,
    /// The terms under which it is found.
    pub terms: Vec<String>,
}

/// What a move means for the library.
#[derive(Clone, Debug, Default)]
pub enum LibraryChange {
    /// Nothing.
    #[default]
    None,
    /// The case goes in, or its entry changes.
    Put(Box<NewEntry>),
    /// The case is open again.
    Remove,
}

/// Every column of `archive` but the number, in the order in which `put` writes them.
macro_rules! columns {
    () => {
        "case_id, archived_at, received_at, settled_at, category, severity, department, liability, \
         outcome, compensation_fen, refund_fen, satisfaction, n_reopened, category_right, \
         severity_right, summary"
    };
}
use columns;

impl LibraryChange {
    /// Writes the change in the transaction of the move.
    pub(super) async fn write(
        &self,
        connection: &mut AnyConnection,
        case_id: Uuid,
    ) -> Result<(), Error> {
        match self {
            Self::None => Ok(()),
            Self::Put(entry) => put(connection, entry).await,
            Self::Remove => remove(connection, case_id).await.map(drop),
        }
    }
}

/// Writes an entry; one that is there is replaced under its number.
async fn put(connection: &mut AnyConnection, entry: &NewEntry) -> Result<(), Error> {
    let number = match remove(connection, entry.archived.case_id).await? {
        Some(number) => number,
        None => next_number(connection).await?,
    };
    let sql = concat!(
        "INSERT INTO archive (number, ",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
    );
    let it = &entry.archived;
    let flag = |flag: Option<bool>| flag.map(i64::from);
    let query = sqlx::query(sql)
        .bind(number)
        .bind(it.case_id.to_string())
        .bind(it.archived_at.as_microsecond())
        .bind(it.received_at.as_microsecond())
        .bind(it.settled_at.map(Timestamp::as_microsecond))
        .bind(it.category.as_ref().map(LabelId::as_str))
        .bind(it.severity.as_str())
        .bind(it.department.as_str())
        .bind(it.liability.as_deref())
        .bind(it.outcome.join(" "))
        .bind(it.compensation.fen())
        .bind(it.refund.fen())
        .bind(it.satisfaction.map(i64::from))
        .bind(i64::from(it.n_reopened))
        .bind(flag(it.category_right))
        .bind(flag(it.severity_right))
        .bind(it.summary.as_str());
    query.execute(&mut *connection).await?;
    terms::insert(connection, number, &terms::of_entry(entry)).await
}

/// Takes a case's entry away and says which number it had.
async fn remove(connection: &mut AnyConnection, case_id: Uuid) -> Result<Option<i64>, Error> {
    let sql = "DELETE FROM archive WHERE case_id = $1 RETURNING number";
    let row = sqlx::query(sql).bind(case_id.to_string()).fetch_optional(&mut *connection).await?;
    let Some(row) = row else { return Ok(None) };
    let number: i64 = Columns(&row).number("number")?;
    terms::delete(connection, number).await?;
    Ok(Some(number))
}

/// Takes the words of an entry out of the library: its summary, the terms under which it is found
/// and the vectors that were made of it. What figures are made of stays.
pub(super) async fn erase(connection: &mut AnyConnection, case_id: Uuid) -> Result<(), Error> {
    let sql = "UPDATE archive SET summary = '', erased = 1 WHERE case_id = $1 RETURNING number";
    let row = sqlx::query(sql).bind(case_id.to_string()).fetch_optional(&mut *connection).await?;
    let Some(row) = row else { return Ok(()) };
    let number: i64 = Columns(&row).number("number")?;
    terms::delete(connection, number).await?;
    // An empty vector keeps the numbers of a model without a gap.
    let query = sqlx::query("UPDATE archive_vectors SET vector = $1 WHERE number = $2");
    query.bind(NO_VECTOR).bind(number).execute(&mut *connection).await?;
    let sql = "UPDATE archive_numbers SET n_erased = n_erased + 1 WHERE id = 1";
    sqlx::query(sql).execute(connection).await?;
    Ok(())
}

/// The next number. Whoever takes it holds the row until they commit, so that numbers become
/// visible in their order.
async fn next_number(connection: &mut AnyConnection) -> Result<i64, Error> {
    let sql = "UPDATE archive_numbers SET last = last + 1 WHERE id = 1 RETURNING last";
    Columns(&sqlx::query(sql).fetch_one(connection).await?).get("last")
}

/// Reads what `put` wrote.
fn read_archived(row: &AnyRow) -> Result<Archived, Error> {
    let row = Columns(row);
    let flag = |column| Ok::<_, Error>(row.get::<Option<i64>>(column)?.map(|it| it != 0));
    let satisfaction: Option<i64> = row.get("satisfaction")?;
    Ok(Archived {
        case_id: row.parse("case_id")?,
        archived_at: row.time("archived_at")?,
        received_at: row.time("received_at")?,
        settled_at: row.find_time("settled_at")?,
        category: row.find("category")?,
        severity: row.parse("severity")?,
        department: row.get("department")?,
        liability: row.get("liability")?,
        outcome: row.get::<&str>("outcome")?.split_whitespace().map(ToOwned::to_owned).collect(),
        compensation: Money::from_fen(row.get("compensation_fen")?),
        refund: Money::from_fen(row.get("refund_fen")?),
        satisfaction: satisfaction
            .map(u8::try_from)
            .transpose()
            .map_err(|_| Error::Corrupt("satisfaction"))?,
        n_reopened: row.number("n_reopened")?,
        category_right: flag("category_right")?,
        severity_right: flag("severity_right")?,
        summary: row.get("summary")?,
    })
}

// Summaries may quote a customer.
impl fmt::Debug for Archived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archived")
            .field("case_id", &self.case_id)
            .field("archived_at", &self.archived_at)
            .finish_non_exhaustive()
    }
}
