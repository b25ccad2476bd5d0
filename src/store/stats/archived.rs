//! What was archived and how it had ended, by category and by who was liable.

use std::collections::BTreeMap;

use sqlx::AssertSqlSafe;

use crate::domain::{LabelId, Money};
use crate::store::Store;
use crate::store::error::Error;
use crate::store::row::Columns;
use crate::store::stats::StatsFilter;
use crate::store::stats::days::{DAY_US, Figures, Stretch};

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

/// What is counted, as a column of `archived_days` and as made of `archive`.
const FIGURES: [(&str, &str); 15] = [
    ("n_cases", "COUNT(*)"),
    ("n_settled", "COUNT(settled_at)"),
    ("settled_us", "COALESCE(SUM(settled_at - received_at), 0)"),
    ("n_day", "COUNT(CASE WHEN settled_at - received_at <= 86400000000 THEN 1 END)"),
    ("n_three_days", "COUNT(CASE WHEN settled_at - received_at <= 259200000000 THEN 1 END)"),
    ("n_week", "COUNT(CASE WHEN settled_at - received_at <= 604800000000 THEN 1 END)"),
    ("n_rated", "COUNT(satisfaction)"),
    ("ratings", "COALESCE(SUM(satisfaction), 0)"),
    ("n_reopened", "COUNT(CASE WHEN n_reopened > 0 THEN 1 END)"),
    ("compensation_fen", "SUM(compensation_fen)"),
    ("refund_fen", "SUM(refund_fen)"),
    ("n_category", "COUNT(category_right)"),
    ("category_right", "COALESCE(SUM(category_right), 0)"),
    ("n_severity", "COUNT(severity_right)"),
    ("severity_right", "COALESCE(SUM(severity_right), 0)"),
];

type Sums = BTreeMap<(Option<LabelId>, Option<String>), [i64; FIGURES.len()]>;

impl Store {
    /// What was archived.
    pub async fn count_archived(&self, filter: &StatsFilter) -> Result<Vec<ArchivedCount>, Error> {
        let mut sums = Sums::new();
        for stretch in self.split_period(Figures::Archived, filter).await? {
            let sql = match stretch {
                Stretch::Days(_) => days_sql(filter),
                Stretch::Cases(_) => cases_sql(filter),
            };
            let query = sqlx::query(AssertSqlSafe(sql));
            let query = match stretch {
                Stretch::Days(days) => filter.bind_days(query, days),
                Stretch::Cases(period) => {
                    filter.bind_cases(query.bind(period.start).bind(period.end))
                }
            };
            for row in &query.fetch_all(&self.pool).await? {
                let row = Columns(row);
                let sums = sums.entry((row.find("category")?, row.get("liability")?));
                let sums = sums.or_default();
                for (sum, (column, _)) in sums.iter_mut().zip(FIGURES) {
                    *sum += row.get::<i64>(column)?;
                }
            }
        }
        sums.into_iter().map(count).collect()
    }
}

fn days_sql(filter: &StatsFilter) -> String {
    // PostgreSQL sums integers into decimals, which have no counterpart in SQLite.
    let sums = FIGURES.map(|(it, _)| format!("CAST(SUM({it}) AS BIGINT) AS {it}")).join(", ");
    format!(
        "SELECT NULLIF(category, '') AS category, NULLIF(liability, '') AS liability, {sums} \
         FROM archived_days WHERE {} GROUP BY 1, 2",
        filter.on_days()
    )
}

fn cases_sql(filter: &StatsFilter) -> String {
    let figures = FIGURES.map(|(name, it)| format!("CAST({it} AS BIGINT) AS {name}")).join(", ");
    format!(
        "SELECT category, liability, {figures} FROM archive \
         WHERE archived_at >= $1 AND archived_at < $2{} GROUP BY 1, 2",
        filter.on_cases(3)
    )
}

/// Adds a day up: each department, then the whole firm.
pub(super) fn roll_up_sql(day: i64) -> [String; 3] {
    let (from, until) = (day * DAY_US, (day + 1) * DAY_US);
    let columns = FIGURES.map(|(name, _)| name).join(", ");
    let figures = FIGURES.map(|(_, it)| it).join(", ");
    let sums = FIGURES.map(|(name, _)| format!("SUM({name})")).join(", ");
    [
        format!("DELETE FROM archived_days WHERE day = {day}"),
        format!(
            "INSERT INTO archived_days (part, day, category, liability, {columns}) \
             SELECT '=' || department, {day}, COALESCE(category, ''), COALESCE(liability, ''), \
             {figures} FROM archive WHERE archived_at >= {from} AND archived_at < {until} \
             GROUP BY 1, 3, 4"
        ),
        format!(
            "INSERT INTO archived_days (part, day, category, liability, {columns}) \
             SELECT '', day, category, liability, {sums} FROM archived_days WHERE day = {day} \
             GROUP BY 2, 3, 4"
        ),
    ]
}

/// Takes sums apart, which come in the order of [`FIGURES`].
fn count(
    ((category, liability), sums): ((Option<LabelId>, Option<String>), [i64; FIGURES.len()]),
) -> Result<ArchivedCount, Error> {
    let number = |idx: usize| u64::try_from(sums[idx]).map_err(|_| Error::Corrupt(FIGURES[idx].0));
    Ok(ArchivedCount {
        category,
        liability,
        n_cases: number(0)?,
        n_settled: number(1)?,
        settled_hours: sums[2] as f64 / 3.6e9,
        n_within: [number(3)?, number(4)?, number(5)?],
        satisfaction: (number(6)?, number(7)?),
        n_reopened: number(8)?,
        compensation: Money::from_fen(sums[9]),
        refund: Money::from_fen(sums[10]),
        category_right: (number(11)?, number(12)?),
        severity_right: (number(13)?, number(14)?),
    })
}
