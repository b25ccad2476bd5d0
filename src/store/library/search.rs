//! Looking for archived cases: those that hold every term, newest first. What a triage lead wants
//! of a search is how the firm settles such a matter today; nearness in meaning is what similar
//! cases are for. And newest first stays fast for a word that half of a million cases hold, which
//! no ranking does that must see all of them.

use std::{fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp};
use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use crate::domain::{ComplaintText, LabelId};
use crate::store::Store;
use crate::store::cursor::{CursorError, Page};
use crate::store::error::Error;
use crate::store::library::terms::{
    CATEGORY, Engine, NO_REMEDY, Numbers, OUTCOME, SEVERITY, expression, facet,
};
use crate::store::library::{Archived, columns, read_archived};
use crate::store::row::Columns;

/// Cases beyond this many are not counted.
const MAX_COUNT: i64 = 1_000;

/// How far the clocks of replicas may be apart.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_hours(1);

/// What to look for; what is not set does not matter.
#[derive(Clone, Debug, Default)]
pub struct LibraryFilter {
    /// Terms that an entry is filed under, all of them.
    pub terms: Vec<String>,
    /// About this.
    pub category: Option<LabelId>,
    /// This severe.
    pub severity: Option<LabelId>,
    /// Ended with this remedy, or with `none`.
    pub outcome: Option<String>,
    /// Archived then or later.
    pub from: Option<Timestamp>,
    /// Archived before then.
    pub until: Option<Timestamp>,
}

/// An entry that was found, with the case's words.
#[derive(Clone, PartialEq)]
pub struct Found {
    /// Its number.
    pub number: i64,
    /// What is kept of it.
    pub archived: Archived,
    /// What the customer wrote or said.
    pub text: ComplaintText,
    /// Product or service.
    pub product: Option<String>,
    /// Shop or branch.
    pub shop: Option<String>,
}

/// How many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// That many, or at least.
    pub value: u64,
    /// Whether there are no more.
    pub exact: bool,
}

/// Goes on in the library, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LibraryCursor {
    number: i64,
}

impl fmt::Display for LibraryCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.number)
    }
}

impl FromStr for LibraryCursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = u32::from_str_radix(text, 16).map_err(|_| CursorError)?;
        Ok(Self { number: i64::from(number) })
    }
}

impl LibraryFilter {
    fn terms(&self) -> Vec<String> {
        let label = |id: &LabelId| id.as_str().to_owned();
        let facets = [
            (CATEGORY, self.category.as_ref().map(label)),
            (SEVERITY, self.severity.as_ref().map(label)),
            (OUTCOME, self.outcome.clone()),
        ];
        let facets = facets.into_iter().filter_map(|(name, value)| Some(facet(name, &value?)));
        self.terms.iter().cloned().chain(facets).collect()
    }
}

/// Numbers between which to look, and times where any were asked for.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    numbers: (i64, i64),
    times: Option<(i64, i64)>,
}

impl Store {
    /// Archived cases that a filter lets through, the last archived first.
    pub async fn search_library(
        &self,
        filter: &LibraryFilter,
        after: Option<LibraryCursor>,
        limit: u16,
    ) -> Result<Page<Found, LibraryCursor>, Error> {
        let mut bounds = self.bounds(filter).await?;
        if let Some(cursor) = after {
            bounds.numbers.1 = bounds.numbers.1.min(cursor.number - 1);
        }
        let numbers = self.numbers(&filter.terms(), bounds, i64::from(limit) + 1).await?;
        let found = self.find_archived(&numbers).await?;
        Ok(Page::cut(found, limit, |found| LibraryCursor { number: found.number }))
    }

    /// How many there are, counted up to a thousand.
    pub async fn count_library(&self, filter: &LibraryFilter) -> Result<Count, Error> {
        let (bounds, terms) = (self.bounds(filter).await?, filter.terms());
        let n_found = if self.engine() == Engine::Postgres && !terms.is_empty() {
            let count = self.ask(POSTGRES_COUNT, &terms, bounds, MAX_COUNT + 1).await?;
            count.first().copied().unwrap_or_default()
        } else {
            let found = self.numbers(&terms, bounds, MAX_COUNT + 1).await?;
            i64::try_from(found.len()).unwrap_or(i64::MAX)
        };
        Ok(Count { value: n_found.min(MAX_COUNT) as u64, exact: n_found <= MAX_COUNT })
    }

    /// Archived cases by their numbers, highest first; numbers that are gone or erased are
    /// left out.
    pub async fn find_archived(&self, numbers: &[i64]) -> Result<Vec<Found>, Error> {
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        let places: Vec<String> = (1..=numbers.len()).map(|idx| format!("${idx}")).collect();
        let (columns, places) = (columns!(), places.join(", "));
        let columns = columns.split(", ").map(|it| format!("a.{}", it.trim())).collect::<Vec<_>>();
        let columns = columns.join(", ");
        let sql = format!(
            "SELECT a.number, {columns}, c.text, c.product, c.shop FROM archive a \
             JOIN cases c ON c.id = a.case_id WHERE a.number IN ({places}) AND a.erased = 0 \
             ORDER BY a.number DESC"
        );
        // Only constants and places of arguments went into the text.
        let query = sqlx::query(AssertSqlSafe(sql));
        let query = numbers.iter().fold(query, |query, number| query.bind(*number));
        let rows = query.fetch_all(&self.pool).await?;
        rows.iter().map(read_found).collect()
    }

    /// The numbers between which entries of a time lie, a little wider than they need to be.
    async fn bounds(&self, filter: &LibraryFilter) -> Result<Bounds, Error> {
        let micro = |time: Timestamp, skew: SignedDuration| {
            time.saturating_add(skew).expect("an hour is no calendar unit").as_microsecond()
        };
        let mut numbers = (0, i64::from(i32::MAX));
        if let Some(from) = filter.from {
            let sql = "SELECT number FROM archive WHERE archived_at >= $1 \
                       ORDER BY archived_at, number LIMIT 1";
            let query = sqlx::query_scalar(sql).bind(micro(from, -CLOCK_SKEW));
            numbers.0 = query.fetch_optional(&self.pool).await?.unwrap_or(numbers.1);
        }
        if let Some(until) = filter.until {
            let sql = "SELECT number FROM archive WHERE archived_at < $1 \
                       ORDER BY archived_at DESC, number DESC LIMIT 1";
            let query = sqlx::query_scalar(sql).bind(micro(until, CLOCK_SKEW));
            numbers.1 = query.fetch_optional(&self.pool).await?.unwrap_or(0);
        }
        let from = filter.from.map_or(i64::MIN, Timestamp::as_microsecond);
        let until = filter.until.map_or(i64::MAX, Timestamp::as_microsecond);
        let times = (filter.from.is_some() || filter.until.is_some()).then_some((from, until));
        Ok(Bounds { numbers, times })
    }

    /// The highest numbers of entries with these terms.
    async fn numbers(
        &self,
        terms: &[String],
        bounds: Bounds,
        limit: i64,
    ) -> Result<Vec<i64>, Error> {
        if terms.is_empty() {
            let (from, until) = bounds.times.unwrap_or((i64::MIN, i64::MAX));
            let query = sqlx::query_scalar(EVERYTHING).bind(bounds.numbers.0);
            let query = query.bind(bounds.numbers.1).bind(limit).bind(from).bind(until);
            return Ok(query.fetch_all(&self.pool).await?);
        }
        if self.engine() == Engine::Sqlite {
            return self.ask(SQLITE, terms, bounds, limit).await;
        }
        let newest = self.ask(POSTGRES_NEWEST, terms, bounds, limit).await?;
        if i64::try_from(newest.len()) == Ok(limit) {
            return Ok(newest);
        }
        self.ask(POSTGRES, terms, bounds, limit).await
    }

    /// Asks the index of terms. When an entry was archived is looked up only where it matters:
    /// that costs more than finding it.
    async fn ask(
        &self,
        sql: &'static str,
        terms: &[String],
        bounds: Bounds,
        limit: i64,
    ) -> Result<Vec<i64>, Error> {
        let engine = self.engine();
        let dated = match (bounds.times, engine) {
            (None, _) => "",
            (Some(_), Engine::Sqlite) => SQLITE_DATED,
            (Some(_), Engine::Postgres) => POSTGRES_DATED,
        };
        // Only constants went into the text.
        let query: Numbers<'_> = sqlx::query_scalar(AssertSqlSafe(sql.replace("{dated}", dated)));
        // PostgreSQL shall plan for these terms: a plan for any terms asks the wrong index.
        let query = query.persistent(engine == Engine::Sqlite);
        let query = query.bind(bounds.numbers.0).bind(bounds.numbers.1).bind(limit);
        let query = query.bind(expression(engine, terms));
        let query = match bounds.times {
            None => query,
            Some((from, until)) => query.bind(from).bind(until),
        };
        Ok(query.fetch_all(&self.pool).await?)
    }
}

/// The number is named with its table: PostgreSQL would sort by what it was cast to, without index.
const EVERYTHING: &str = "SELECT CAST(a.number AS BIGINT) FROM archive a \
     WHERE a.number BETWEEN $1 AND $2 AND a.erased = 0 AND a.archived_at >= $4 \
     AND a.archived_at < $5 ORDER BY a.number DESC LIMIT $3";

/// Entries of a time. SQLite keeps the order of tables that are joined like this.
const SQLITE_DATED: &str = "CROSS JOIN archive a ON a.number = t.rowid \
     AND a.archived_at >= $5 AND a.archived_at < $6";

/// The same; the numbers are said again, since PostgreSQL may begin with this table.
const POSTGRES_DATED: &str = "JOIN archive a ON a.number = t.number \
     AND a.number BETWEEN $1 AND $2 AND a.archived_at >= $5 AND a.archived_at < $6";

/// FTS5 walks its lists from the highest number down and stops at the limit.
const SQLITE: &str = "SELECT t.rowid FROM archive_terms t {dated} \
     WHERE archive_terms MATCH $4 AND t.rowid BETWEEN $1 AND $2 ORDER BY t.rowid DESC LIMIT $3";

/// Looks through the newest 4,000 entries one by one, before the index is asked, which knows no
/// order: a word that is not among them is rare enough to sort all that hold it.
const POSTGRES_NEWEST: &str = "SELECT CAST(t.number AS BIGINT) FROM (SELECT number, terms \
     FROM archive_terms WHERE number BETWEEN $1 AND $2 ORDER BY number DESC LIMIT 4000) t {dated} \
     WHERE t.terms @@ CAST($4 AS tsquery) ORDER BY t.number DESC LIMIT $3";

/// The inner question is kept apart, so that the planner asks the index and not the order.
const POSTGRES: &str = "WITH t AS MATERIALIZED (SELECT number FROM archive_terms \
     WHERE terms @@ CAST($4 AS tsquery) AND number BETWEEN $1 AND $2) \
     SELECT CAST(t.number AS BIGINT) FROM t {dated} ORDER BY t.number DESC LIMIT $3";

/// Counts any of them, not the newest, so that a frequent word is found often enough at once.
const POSTGRES_COUNT: &str = "SELECT COUNT(*) FROM (SELECT t.number FROM archive_terms t {dated} \
     WHERE t.terms @@ CAST($4 AS tsquery) AND t.number BETWEEN $1 AND $2 LIMIT $3) AS found";

/// Whether a name is an outcome that can be asked for beside the remedies.
impl LibraryFilter {
    /// The outcome of cases in which nothing was agreed on.
    pub const NO_REMEDY: &str = NO_REMEDY;
}

fn read_found(row: &AnyRow) -> Result<Found, Error> {
    let columns = Columns(row);
    Ok(Found {
        number: columns.get("number")?,
        archived: read_archived(row)?,
        text: columns.parse("text")?,
        product: columns.get("product")?,
        shop: columns.get("shop")?,
    })
}

// Texts do not reach logs, not even by accident.
impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Found").field("number", &self.number).finish_non_exhaustive()
    }
}
