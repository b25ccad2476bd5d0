//! What came in, by category and hour of the week.

use std::collections::BTreeMap;
use std::ops::Range;

use sqlx::AssertSqlSafe;

use crate::domain::LabelId;
use crate::store::Store;
use crate::store::error::Error;
use crate::store::row::Columns;
use crate::store::stats::StatsFilter;
use crate::store::stats::days::{DAY_US, Figures, Stretch};

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

/// An hour in seconds.
const HOUR_S: i32 = 3600;

/// A week in hours.
const WEEK_H: i64 = 7 * 24;

/// The columns of the hours of a day.
const HOURS: [&str; 24] = [
    "h0", "h1", "h2", "h3", "h4", "h5", "h6", "h7", "h8", "h9", "h10", "h11", "h12", "h13", "h14",
    "h15", "h16", "h17", "h18", "h19", "h20", "h21", "h22", "h23",
];

type Counts = BTreeMap<(Option<LabelId>, u32), u64>;

impl Store {
    /// What came in, by local time that is so many seconds ahead of UTC.
    pub async fn count_received(
        &self,
        filter: &StatsFilter,
        offset_s: i32,
    ) -> Result<Vec<ReceivedCount>, Error> {
        let stretches = if offset_s % HOUR_S == 0 {
            self.split_period(Figures::Received, filter).await?
        } else {
            // Sums by hours of UTC are of no use where hours begin at half past.
            vec![Stretch::Cases(filter.period())]
        };
        let mut counts = Counts::new();
        for stretch in stretches {
            match stretch {
                Stretch::Days(days) => {
                    self.add_days(&mut counts, filter, days, i64::from(offset_s / HOUR_S)).await?;
                }
                Stretch::Cases(period) => {
                    self.add_cases(&mut counts, filter, period, offset_s).await?;
                }
            }
        }
        let count =
            |((category, hour_of_week), n_cases)| ReceivedCount { category, hour_of_week, n_cases };
        Ok(counts.into_iter().map(count).collect())
    }

    async fn add_days(
        &self,
        counts: &mut Counts,
        filter: &StatsFilter,
        days: Range<i64>,
        offset_h: i64,
    ) -> Result<(), Error> {
        // PostgreSQL sums integers into decimals, which have no counterpart in SQLite.
        let sums = HOURS.map(|hour| format!("CAST(SUM({hour}) AS BIGINT) AS {hour}")).join(", ");
        let sql = format!(
            "SELECT NULLIF(category, '') AS category, day % 7 AS weekday, {sums} \
             FROM received_days WHERE {} GROUP BY 1, 2",
            filter.on_days()
        );
        let query = filter.bind_days(sqlx::query(AssertSqlSafe(sql)), days);
        for row in &query.fetch_all(&self.pool).await? {
            let row = Columns(row);
            let (category, weekday) = (row.find("category")?, row.get::<i64>("weekday")?);
            for (hour, column) in (0..).zip(HOURS) {
                let n_cases: u64 = row.number(column)?;
                if 0 < n_cases {
                    let hour_of_week = (weekday * 24 + hour + offset_h).rem_euclid(WEEK_H) as u32;
                    *counts.entry((Option::clone(&category), hour_of_week)).or_default() += n_cases;
                }
            }
        }
        Ok(())
    }

    async fn add_cases(
        &self,
        counts: &mut Counts,
        filter: &StatsFilter,
        period: Range<i64>,
        offset_s: i32,
    ) -> Result<(), Error> {
        let sql = format!(
            "SELECT category, (received_at + $1) / 3600000000 % {WEEK_H} AS hour_of_week, \
             COUNT(*) AS n_cases FROM cases WHERE received_at >= $2 AND received_at < $3{} \
             GROUP BY 1, 2",
            filter.on_cases(4)
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(i64::from(offset_s) * 1_000_000);
        let query = filter.bind_cases(query.bind(period.start).bind(period.end));
        for row in &query.fetch_all(&self.pool).await? {
            let row = Columns(row);
            let hour_of_week = row.number("hour_of_week")?;
            *counts.entry((row.find("category")?, hour_of_week)).or_default() +=
                row.number::<u64>("n_cases")?;
        }
        Ok(())
    }
}

/// Adds a day up: each department, then the whole firm.
pub(super) fn roll_up_sql(day: i64) -> [String; 3] {
    let (from, until) = (day * DAY_US, (day + 1) * DAY_US);
    let columns = HOURS.join(", ");
    let hour = |(hour, _): (usize, &str)| {
        format!("COUNT(CASE WHEN received_at / 3600000000 % 24 = {hour} THEN 1 END)")
    };
    let counts = HOURS.into_iter().enumerate().map(hour).collect::<Vec<_>>().join(", ");
    let sums = HOURS.map(|hour| format!("SUM({hour})")).join(", ");
    [
        format!("DELETE FROM received_days WHERE day = {day}"),
        format!(
            "INSERT INTO received_days (part, day, category, {columns}) \
             SELECT '=' || department, {day}, COALESCE(category, ''), {counts} \
             FROM cases WHERE received_at >= {from} AND received_at < {until} GROUP BY 1, 3"
        ),
        format!(
            "INSERT INTO received_days (part, day, category, {columns}) \
             SELECT '', day, category, {sums} FROM received_days WHERE day = {day} GROUP BY 2, 3"
        ),
    ]
}
