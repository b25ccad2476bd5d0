//! Counts over a period, made of the cases themselves: nothing is kept that could drift away from
//! them. What came in is read from an index that holds all that is asked; what was archived, from
//! the narrow rows of the library in the order of time.

use jiff::Timestamp;
use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use crate::domain::{LabelId, Money};
use crate::store::Store;
use crate::store::error::Error;
use crate::store::row::Columns;

/// Which cases to count.
#[derive(Clone, Debug)]
pub struct StatsFilter {
    /// From this moment.
    pub from: Timestamp,
    /// Until before this one.
    pub until: Timestamp,
    /// Of this department.
    pub department: Option<String>,
    /// About this.
    pub category: Option<LabelId>,
}

/// Cases that came in about one matter in one hour of the week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedCount {
    /// What they are about.
    pub category: Option<LabelId>,
    /// Hours since Thursday midnight, the first of the epoch, in local time.
    pub hour_of_week: u32,
    /// How many.
    pub n_cases: u64,
}

/// Cases that were archived about one matter with one party liable.
#[derive(Clone, Debug, PartialEq)]
pub struct ArchivedCount {
    /// What they are about.
    pub category: Option<LabelId>,
    /// Who was liable.
    pub liability: Option<String>,
    /// How many.
    pub n_cases: u64,
    /// Of these, cases that were settled.
    pub n_settled: u64,
    /// Hours that they took together.
    pub settled_hours: f64,
    /// Of these, cases settled within a day, three days and seven days.
    pub n_within: [u64; 3],
    /// Cases that the customer rated, and the sum of the ratings.
    pub satisfaction: (u64, u64),
    /// Cases that had been opened again.
    pub n_reopened: u64,
    /// Compensation and vouchers.
    pub compensation: Money,
    /// Refunds.
    pub refund: Money,
    /// Cases whose category a person gave, and of these those where the model was right.
    pub category_right: (u64, u64),
    /// The same for the severity.
    pub severity_right: (u64, u64),
}

impl Store {
    /// What came in.
    pub async fn count_received(
        &self,
        filter: &StatsFilter,
        offset_s: i32,
    ) -> Result<Vec<ReceivedCount>, Error> {
        let sql = format!(
            "SELECT category, (received_at + $1) / 3600000000 % 168 AS hour_of_week, \
             COUNT(*) AS n_cases FROM cases WHERE received_at >= $2 AND received_at < $3{} \
             GROUP BY 1, 2 ORDER BY 1, 2",
            conditions(filter, 4)
        );
        let offset = i64::from(offset_s) * 1_000_000;
        let query = sqlx::query(AssertSqlSafe(sql)).bind(offset);
        let rows = bind(query, filter).fetch_all(&self.pool).await?;
        let count = |row| {
            let row = Columns(row);
            Ok(ReceivedCount {
                category: row.find("category")?,
                hour_of_week: row.number("hour_of_week")?,
                n_cases: row.number("n_cases")?,
            })
        };
        rows.iter().map(count).collect()
    }

    /// What was archived.
    pub async fn count_archived(&self, filter: &StatsFilter) -> Result<Vec<ArchivedCount>, Error> {
        // PostgreSQL sums integers into decimals, which have no counterpart in SQLite.
        let within = |hours: i64| {
            format!(
                "COUNT(CASE WHEN settled_at - received_at <= {} THEN 1 END)",
                hours * 3_600_000_000
            )
        };
        let sum = |what: &str| format!("CAST(COALESCE(SUM({what}), 0) AS BIGINT)");
        let sql = format!(
            "SELECT category, liability, COUNT(*) AS n_cases, COUNT(settled_at) AS n_settled, \
             {} AS settled_us, {} AS n_day, {} AS n_three_days, {} AS n_week, \
             COUNT(satisfaction) AS n_rated, {} AS satisfaction, \
             COUNT(CASE WHEN n_reopened > 0 THEN 1 END) AS n_reopened, \
             {} AS compensation_fen, {} AS refund_fen, \
             COUNT(category_right) AS n_category, {} AS category_right, \
             COUNT(severity_right) AS n_severity, {} AS severity_right \
             FROM archive WHERE archived_at >= $1 AND archived_at < $2{} \
             GROUP BY 1, 2 ORDER BY 1, 2",
            sum("settled_at - received_at"),
            within(24),
            within(72),
            within(168),
            sum("satisfaction"),
            sum("compensation_fen"),
            sum("refund_fen"),
            sum("category_right"),
            sum("severity_right"),
            conditions(filter, 3)
        );
        let rows = bind(sqlx::query(AssertSqlSafe(sql)), filter).fetch_all(&self.pool).await?;
        rows.iter().map(read_archived_count).collect()
    }
}

/// The conditions that may be missing; arguments have numbers from `next` on.
fn conditions(filter: &StatsFilter, next: usize) -> String {
    let department = filter.department.as_ref().map(|_| "department");
    let category = filter.category.as_ref().map(|_| "category");
    let mut sql = String::new();
    for (column, place) in department.into_iter().chain(category).zip(next..) {
        sql.extend([" AND ", column, " = $", &place.to_string()]);
    }
    sql
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Any, sqlx::any::AnyArguments>;

fn bind<'q>(query: Query<'q>, filter: &'q StatsFilter) -> Query<'q> {
    let query = query.bind(filter.from.as_microsecond()).bind(filter.until.as_microsecond());
    let query = match &filter.department {
        Some(department) => query.bind(department.as_str()),
        None => query,
    };
    match &filter.category {
        Some(category) => query.bind(category.as_str()),
        None => query,
    }
}

fn read_archived_count(row: &AnyRow) -> Result<ArchivedCount, Error> {
    let row = Columns(row);
    let settled_us: i64 = row.get("settled_us")?;
    Ok(ArchivedCount {
        category: row.find("category")?,
        liability: row.get("liability")?,
        n_cases: row.number("n_cases")?,
        n_settled: row.number("n_settled")?,
        settled_hours: settled_us as f64 / 3.6e9,
        n_within: [row.number("n_day")?, row.number("n_three_days")?, row.number("n_week")?],
        satisfaction: (row.number("n_rated")?, row.number("satisfaction")?),
        n_reopened: row.number("n_reopened")?,
        compensation: Money::from_fen(row.get("compensation_fen")?),
        refund: Money::from_fen(row.get("refund_fen")?),
        category_right: (row.number("n_category")?, row.number("category_right")?),
        severity_right: (row.number("n_severity")?, row.number("severity_right")?),
    })
}
