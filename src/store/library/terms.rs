//! The terms under which entries are filed, in the full-text index of each engine: FTS5 and GIN
//! over `tsvector`. Terms are made by the program alone and neither engine cuts or folds them, so
//! that both give the same answers. What people filter by is a term as well, so that a rare
//! category makes a search for a frequent word short instead of long.

use std::fmt::Display;

use sqlx::any::AnyArguments;
use sqlx::query::QueryScalar;
use sqlx::{Any, AnyConnection, AssertSqlSafe, Connection, Executor};

use crate::domain::LabelId;
use crate::store::error::Error;
use crate::store::library::NewEntry;

/// Which engine answers. The two share no language for full-text search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    /// The engine behind a connection.
    pub(in crate::store) fn of(connection: &AnyConnection) -> Self {
        if connection.backend_name() == "PostgreSQL" { Self::Postgres } else { Self::Sqlite }
    }
}

/// Makes the index where it is not there yet.
pub(in crate::store) async fn install(connection: &mut AnyConnection) -> Result<(), Error> {
    if Engine::of(connection) == Engine::Sqlite {
        connection.execute(sqlx::raw_sql(include_str!("sqlite.sql"))).await?;
        return Ok(());
    }
    // The lock that replicas wait for is that of a transaction.
    let mut transaction = connection.begin().await?;
    let sql = include_str!("postgres.sql").replace("{blocks}", &filed_blocks());
    // Only constants went into the text.
    transaction.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
    Ok(transaction.commit().await?)
}

/// The terms of an entry's words and of what people filter by.
pub(super) fn of_entry(entry: &NewEntry) -> Vec<String> {
    let archived = &entry.archived;
    let category = archived.category.as_ref().map(LabelId::as_str);
    let mut terms = entry.terms.clone();
    terms.extend(category.map(|name| facet(CATEGORY, name)));
    terms.push(facet(SEVERITY, archived.severity.as_str()));
    match archived.outcome.as_slice() {
        [] => terms.push(facet(OUTCOME, NO_REMEDY)),
        remedies => terms.extend(remedies.iter().map(|name| facet(OUTCOME, name))),
    }
    terms
}

pub(super) const CATEGORY: &str = "category";
pub(super) const SEVERITY: &str = "severity";
pub(super) const OUTCOME: &str = "outcome";
/// The outcome of a case in which nothing was agreed on.
pub(super) const NO_REMEDY: &str = "none";

/// The term of something that people filter by; no word has an equals sign.
pub(super) fn facet(name: &str, value: &str) -> String {
    format!("{name}={}", value.to_ascii_lowercase())
}

/// Files an entry.
pub(super) async fn insert(
    connection: &mut AnyConnection,
    number: i64,
    terms: &[String],
) -> Result<(), Error> {
    let sql = match Engine::of(connection) {
        Engine::Sqlite => "INSERT INTO archive_terms (rowid, terms) VALUES ($1, $2)",
        Engine::Postgres => {
            "INSERT INTO archive_terms (number, terms) \
             VALUES ($1, array_to_tsvector(string_to_array($2, ' ')))"
        }
    };
    sqlx::query(sql).bind(number).bind(terms.join(" ")).execute(connection).await?;
    Ok(())
}

/// Takes an entry out of the files.
pub(super) async fn delete(connection: &mut AnyConnection, number: i64) -> Result<(), Error> {
    let sql = match Engine::of(connection) {
        Engine::Sqlite => "DELETE FROM archive_terms WHERE rowid = $1",
        Engine::Postgres => "DELETE FROM archive_terms WHERE number = $1",
    };
    sqlx::query(sql).bind(number).execute(connection).await?;
    Ok(())
}

/// Terms, all of which must be there, in the language of the engine.
pub(super) fn expression(engine: Engine, terms: &[String]) -> String {
    let quoted = terms.iter().map(|term| match engine {
        Engine::Sqlite => format!("\"{}\"", term.replace('"', "\"\"")),
        Engine::Postgres => format!("'{}'", term.replace('\\', "\\\\").replace('\'', "''")),
    });
    let and = match engine {
        Engine::Sqlite => " AND ",
        Engine::Postgres => " & ",
    };
    quoted.collect::<Vec<_>>().join(and)
}

/// PostgreSQL files every entry under the blocks of numbers that it lies in as well: blocks of two
/// to the power of these.
pub(super) const BLOCK_BITS: [u32; 5] = [10, 12, 14, 16, 18];

/// The term of a block.
pub(super) fn block_term(bits: u32, block: impl Display) -> String {
    format!("block{bits}={block}")
}

/// The terms of the blocks of a number, in the language of PostgreSQL.
fn filed_blocks() -> String {
    let filed = |bits: u32| format!("'{}' || (number >> {bits})::text", block_term(bits, ""));
    BLOCK_BITS.map(filed).join(", ")
}

/// A query for one column of numbers.
pub(super) type Numbers<'q> = QueryScalar<'q, Any, i64, AnyArguments>;
