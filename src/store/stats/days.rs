//! Days whose figures are added up. A day that is over is read case by case once, and its sums are
//! kept; whatever changes a case of it later takes the day's mark away, by triggers that no writer
//! can forget, and until the day is added up again its cases are counted. So figures are right at
//! any moment, and nobody who takes a complaint in waits for a row that all others want too:
//! today's cases are never summed up.

use std::ops::Range;

use jiff::Timestamp;
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor};

use crate::store::Store;
use crate::store::error::Error;
use crate::store::library::Engine;
use crate::store::row::Columns;
use crate::store::stats::{StatsFilter, archived, received};
use crate::store::writer::Write;

/// A day in microseconds.
pub(super) const DAY_US: i64 = 86_400_000_000;

/// Which figures of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Figures {
    /// What came in.
    Received,
    /// What was archived.
    Archived,
}

/// A stretch of a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stretch {
    /// Days whose sums are kept, counted since 1970.
    Days(Range<i64>),
    /// Microseconds since 1970, to be counted case by case.
    Cases(Range<i64>),
}

/// A day to add up.
struct RollUp {
    figures: Figures,
    day: i64,
}

impl Figures {
    /// The name in `rolled_days`.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Archived => "archived",
        }
    }

    /// The moment of the first case.
    const fn first(self) -> &'static str {
        match self {
            Self::Received => "SELECT MIN(received_at) FROM cases",
            Self::Archived => "SELECT MIN(archived_at) FROM archive",
        }
    }
}

/// Puts the triggers in place; those that are there stay.
pub(in crate::store) async fn install(connection: &mut AnyConnection) -> Result<(), Error> {
    if Engine::of(connection) == Engine::Sqlite {
        connection.execute(sqlx::raw_sql(include_str!("sqlite.sql"))).await?;
        return Ok(());
    }
    let mut transaction = connection.begin().await?;
    transaction.execute(sqlx::raw_sql(include_str!("postgres.sql"))).await?;
    Ok(transaction.commit().await?)
}

impl Store {
    /// Adds up days that are over and are not, the newest first, so many at most; says how many.
    pub async fn roll_up(&self, now: Timestamp, limit: usize) -> Result<usize, Error> {
        let today = now.as_microsecond() / DAY_US;
        let mut n_days = 0;
        for figures in [Figures::Received, Figures::Archived] {
            let first: Option<i64> =
                sqlx::query_scalar(figures.first()).fetch_one(&self.pool).await?;
            let Some(first) = first else { continue };
            // Days before 1970 are counted case by case for ever.
            let first = first.div_euclid(DAY_US).max(0);
            let done = self.list_rolled_days(figures, first..today).await?;
            let open = (first..today).rev().filter(|day| done.binary_search(day).is_err());
            for day in open.take(limit - n_days) {
                self.writer.write(RollUp { figures, day }).await?;
                n_days += 1;
            }
        }
        Ok(n_days)
    }

    /// What of a period is kept as sums and what is not.
    pub(super) async fn split_period(
        &self,
        figures: Figures,
        filter: &StatsFilter,
    ) -> Result<Vec<Stretch>, Error> {
        let period = filter.period();
        let whole = -(-period.start).div_euclid(DAY_US)..period.end.div_euclid(DAY_US);
        Ok(split(period, &self.list_rolled_days(figures, whole).await?))
    }

    /// Days that are added up, in their order.
    async fn list_rolled_days(
        &self,
        figures: Figures,
        days: Range<i64>,
    ) -> Result<Vec<i64>, Error> {
        let sql = "SELECT day FROM rolled_days WHERE figures = $1 AND day >= $2 AND day < $3 \
                   ORDER BY day";
        let query = sqlx::query(sql).bind(figures.as_str()).bind(days.start).bind(days.end);
        let rows = query.fetch_all(&self.pool).await?;
        rows.iter().map(|row| Columns(row).get("day")).collect()
    }
}

/// Cuts a period at the days that are added up, which come in their order.
fn split(period: Range<i64>, days: &[i64]) -> Vec<Stretch> {
    let mut stretches = Vec::new();
    let mut at = period.start;
    for run in days.chunk_by(|day, next| day + 1 == *next) {
        let (first, last) = (run[0], run[run.len() - 1] + 1);
        if at < first * DAY_US {
            stretches.push(Stretch::Cases(at..first * DAY_US));
        }
        stretches.push(Stretch::Days(first..last));
        at = last * DAY_US;
    }
    if at < period.end {
        stretches.push(Stretch::Cases(at..period.end));
    }
    stretches
}

impl Write for RollUp {
    type Output = ();

    async fn run(&self, connection: &mut AnyConnection) -> Result<(), Error> {
        let Self { figures, day } = *self;
        if Engine::of(connection) == Engine::Postgres {
            let sql = "LOCK TABLE rolled_days IN SHARE ROW EXCLUSIVE MODE";
            sqlx::query(sql).execute(&mut *connection).await?;
        }
        let statements = match figures {
            Figures::Received => received::roll_up_sql(day),
            Figures::Archived => archived::roll_up_sql(day),
        };
        for sql in statements {
            // Only numbers of ours are in the text, a new one every day.
            let query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
            query.execute(&mut *connection).await?;
        }
        let sql = "INSERT INTO rolled_days (figures, day) VALUES ($1, $2) \
                   ON CONFLICT (figures, day) DO NOTHING";
        let query = sqlx::query(sql).bind(figures.as_str()).bind(day);
        query.execute(connection).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_cut_at_the_days_that_are_added_up() {
        let (noon, day) = (DAY_US / 2, DAY_US);
        let cases = |from: i64, until: i64| Stretch::Cases(from..until);
        let check = |period: Range<i64>, days: &[i64], expected: &[Stretch]| {
            assert_eq!(split(period.clone(), days), expected, "{period:?} with {days:?}");
        };
        check(noon..9 * day, &[], &[cases(noon, 9 * day)]);
        check(0..2 * day, &[0, 1], &[Stretch::Days(0..2)]);
        let parts = [cases(noon, day), Stretch::Days(1..3), cases(3 * day, 3 * day + 7)];
        check(noon..3 * day + 7, &[1, 2], &parts);
        let parts = [
            Stretch::Days(1..2),
            cases(2 * day, 4 * day),
            Stretch::Days(4..6),
            cases(6 * day, 7 * day),
        ];
        check(day..7 * day, &[1, 4, 5], &parts);
    }
}
