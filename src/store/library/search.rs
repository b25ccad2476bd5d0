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
    BLOCK_BITS, CATEGORY, Engine, NO_REMEDY, Numbers, OUTCOME, SEVERITY, block_term, expression,
    facet,
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

/// Numbers between which to look, first and last, how many there are in all, and times where any
/// were asked for.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    numbers: (i64, i64),
    n_numbers: i64,
    times: Option<Times>,
}

/// Which entries are wanted where there are too many.
#[derive(Clone, Copy, Debug)]
enum Order {
    Newest,
    /// To count them: the first that the engine comes upon.
    Any,
}

/// A time in which entries were archived.
#[derive(Clone, Copy, Debug)]
struct Times {
    /// The first and the last microsecond.
    micros: (i64, i64),
    /// Numbers of which all lie in it: what stands at an edge has to be looked up.
    inner: (i64, i64),
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
        let numbers =
            self.numbers(&filter.terms(), bounds, Order::Newest, i64::from(limit) + 1).await?;
        let found = self.find_archived(&numbers).await?;
        Ok(Page::cut(found, limit, |found| LibraryCursor { number: found.number }))
    }

    /// How many there are, counted up to a thousand.
    pub async fn count_library(&self, filter: &LibraryFilter) -> Result<Count, Error> {
        let (bounds, terms) = (self.bounds(filter).await?, filter.terms());
        let found = self.numbers(&terms, bounds, Order::Any, MAX_COUNT + 1).await?;
        let n_found = i64::try_from(found.len()).unwrap_or(i64::MAX);
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
        let n_numbers = self.last_archived().await?;
        let mut numbers = (0, n_numbers);
        if filter.from.is_none() && filter.until.is_none() {
            return Ok(Bounds { numbers, n_numbers, times: None });
        }
        let (mut micros, mut outside) = ((i64::MIN, i64::MAX), (None, None));
        let micro = |time: Timestamp, skew: SignedDuration| {
            time.saturating_add(skew).expect("an hour is no calendar unit").as_microsecond()
        };
        if let Some(from) = filter.from {
            let early = micro(from, -CLOCK_SKEW);
            micros.0 = from.as_microsecond();
            let sql = "SELECT number FROM archive WHERE archived_at >= $1 \
                       ORDER BY archived_at, number LIMIT 1";
            let query = sqlx::query_scalar(sql).bind(early);
            numbers.0 = query.fetch_optional(&self.pool).await?.unwrap_or(numbers.1 + 1);
            let sql =
                "SELECT MAX(number) FROM archive WHERE archived_at >= $1 AND archived_at < $2";
            let query = sqlx::query_scalar(sql).bind(early).bind(micros.0);
            outside.0 = query.fetch_one(&self.pool).await?;
        }
        if let Some(until) = filter.until {
            let late = micro(until, CLOCK_SKEW);
            micros.1 = until.as_microsecond() - 1;
            let sql = "SELECT number FROM archive WHERE archived_at < $1 \
                       ORDER BY archived_at DESC, number DESC LIMIT 1";
            let query = sqlx::query_scalar(sql).bind(late);
            numbers.1 = query.fetch_optional(&self.pool).await?.unwrap_or(0);
            let sql = "SELECT MIN(number) FROM archive WHERE archived_at > $1 AND archived_at < $2";
            let query = sqlx::query_scalar(sql).bind(micros.1).bind(late);
            outside.1 = query.fetch_one(&self.pool).await?;
        }
        let first = outside.0.map_or(numbers.0, |number: i64| number + 1);
        let last = outside.1.map_or(numbers.1, |number: i64| number - 1);
        Ok(Bounds { numbers, n_numbers, times: Some(Times { micros, inner: (first, last) }) })
    }

    /// The highest numbers of entries with these terms.
    async fn numbers(
        &self,
        terms: &[String],
        bounds: Bounds,
        order: Order,
        limit: i64,
    ) -> Result<Vec<i64>, Error> {
        if terms.is_empty() {
            let (first, last) = bounds.times.map_or((i64::MIN, i64::MAX), |times| times.micros);
            let query = sqlx::query_scalar(EVERYTHING).bind(bounds.numbers.0);
            let query = query.bind(bounds.numbers.1).bind(limit).bind(first).bind(last);
            return Ok(query.fetch_all(&self.pool).await?);
        }
        match self.engine() {
            Engine::Sqlite => {
                let terms = expression(Engine::Sqlite, terms);
                self.ask(&terms, bounds, order, limit).await
            }
            Engine::Postgres => self.numbers_by_blocks(terms, bounds, order, limit).await,
        }
    }

    /// The same on PostgreSQL, whose index knows no order: the newest block of numbers is asked
    /// first, and then others before it, as large as what was found so far lets expect to hold
    /// enough. So a frequent word is found among a few thousand entries, and a rare one with a
    /// second question.
    async fn numbers_by_blocks(
        &self,
        terms: &[String],
        bounds: Bounds,
        order: Order,
        limit: i64,
    ) -> Result<Vec<i64>, Error> {
        let (first, mut last) = bounds.numbers;
        let all = expression(Engine::Postgres, terms);
        let inner = bounds.times.map_or(bounds.numbers, |times| times.inner);
        // Nothing means everything: what lies outside the bounds is looked at for nothing.
        let mut level = Some(BLOCK_BITS[0]);
        let (mut found, mut n_found, mut n_seen) = (Vec::new(), 0, 0);
        while first <= last && n_found < limit {
            let (start, terms) = match level {
                None => (first, all.clone()),
                Some(bits) => {
                    let block = last >> bits;
                    let terms = format!("'{}' & {all}", block_term(bits, block));
                    (first.max(block << bits), terms)
                }
            };
            let part = Bounds { numbers: (start, last), ..bounds };
            found.extend(self.ask(&terms, part, order, limit - n_found).await?);
            n_found = i64::try_from(found.len()).unwrap_or(limit);
            n_seen += (last.min(inner.1) - start.max(inner.0) + 1).max(0);
            last = start - 1;
            // What was not found at all yet may be the next; and as much again as was seen so far is
            // never too much, so that what was frequent once takes few questions as well.
            let spare = MAX_SPARE * (limit - n_found) * n_seen;
            let fits = |n: i64| n <= n_seen || n * (n_found + 1) <= spare;
            level = if n_seen == 0 {
                BLOCK_BITS.into_iter().find(|&bits| level < Some(bits)).or(level)
            } else if fits(bounds.n_numbers) {
                None
            } else {
                BLOCK_BITS.into_iter().rfind(|&bits| fits(1 << bits)).or(Some(BLOCK_BITS[0]))
            };
        }
        Ok(found)
    }

    /// Asks the index of terms. When an entry was archived is looked up only where it matters:
    /// that costs more than finding it.
    async fn ask(
        &self,
        terms: &str,
        bounds: Bounds,
        order: Order,
        limit: i64,
    ) -> Result<Vec<i64>, Error> {
        let (sql, number) = match self.engine() {
            Engine::Sqlite => (SQLITE, "t.rowid"),
            Engine::Postgres => (POSTGRES, "t.number"),
        };
        let dated = if bounds.times.is_some() { DATED } else { "" };
        let order = match order {
            Order::Newest => "ORDER BY {number} DESC",
            Order::Any => "",
        };
        let sql = sql.replace("{dated}", dated).replace("{order}", order);
        let sql = sql.replace("{number}", number);
        // Only constants went into the text.
        let query: Numbers<'_> = sqlx::query_scalar(AssertSqlSafe(sql));
        let query = query.bind(bounds.numbers.0).bind(bounds.numbers.1).bind(limit).bind(terms);
        let query = match bounds.times {
            None => query,
            Some(Times { micros, inner }) => {
                query.bind(inner.0).bind(inner.1).bind(micros.0).bind(micros.1)
            }
        };
        Ok(query.fetch_all(&self.pool).await?)
    }
}

/// The number is named with its table: PostgreSQL would sort by what it was cast to, without index.
const EVERYTHING: &str = "SELECT CAST(a.number AS BIGINT) FROM archive a \
     WHERE a.number BETWEEN $1 AND $2 AND a.erased = 0 AND a.archived_at BETWEEN $4 AND $5 \
     ORDER BY a.number DESC LIMIT $3";

/// Entries of a time.
const DATED: &str = "AND ({number} BETWEEN $5 AND $6 OR (SELECT a.archived_at FROM archive a \
     WHERE a.number = {number}) BETWEEN $7 AND $8)";

/// FTS5 walks its lists from the highest number down and stops at the limit.
const SQLITE: &str = "SELECT t.rowid FROM archive_terms t WHERE archive_terms MATCH $4 \
     AND t.rowid BETWEEN $1 AND $2 {dated} {order} LIMIT $3";

/// The inner question is kept apart, so that the planner asks the index of terms and no other,
/// whatever the terms are: one plan does for all.
const POSTGRES: &str = "SELECT CAST(t.number AS BIGINT) FROM (SELECT number FROM archive_terms \
     WHERE archive_filed(terms, number) @@ CAST($4 AS tsquery) OFFSET 0) t \
     WHERE t.number BETWEEN $1 AND $2 {dated} {order} LIMIT $3";

/// How many times as many entries as are wanted may be found in a block: all of them must be
/// looked at to know the newest.
const MAX_SPARE: i64 = 2;

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
