//! Counts over a period. Days that are over are read as sums that were kept, everything else case
//! by case: what came in from an index that holds all that is asked, what was archived from the
//! narrow rows of the library in the order of time.

mod archived;
mod days;
mod received;

use std::ops::Range;

use jiff::Timestamp;

use crate::domain::LabelId;

pub use archived::ArchivedCount;
pub(super) use days::install;
pub use received::ReceivedCount;

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

type Query<'q> = sqlx::query::Query<'q, sqlx::Any, sqlx::any::AnyArguments>;

impl StatsFilter {
    /// In microseconds.
    fn period(&self) -> Range<i64> {
        self.from.as_microsecond()..self.until.as_microsecond()
    }

    /// The conditions on cases, beside those on time; arguments have numbers from `next` on.
    fn on_cases(&self, next: usize) -> String {
        let department = self.department.as_ref().map(|_| "department");
        let category = self.category.as_ref().map(|_| "category");
        let mut sql = String::new();
        for (column, place) in department.into_iter().chain(category).zip(next..) {
            sql.extend([" AND ", column, " = $", &place.to_string()]);
        }
        sql
    }

    /// Their values.
    fn bind_cases<'q>(&'q self, query: Query<'q>) -> Query<'q> {
        let query = match &self.department {
            Some(department) => query.bind(department.as_str()),
            None => query,
        };
        self.bind_category(query)
    }

    /// The conditions on sums of days.
    const fn on_days(&self) -> &'static str {
        match self.category {
            Some(_) => "day >= $1 AND day < $2 AND part = $3 AND category = $4",
            None => "day >= $1 AND day < $2 AND part = $3",
        }
    }

    /// Their values.
    fn bind_days<'q>(&'q self, query: Query<'q>, days: Range<i64>) -> Query<'q> {
        let part = self.department.as_ref().map_or_else(String::new, |it| format!("={it}"));
        self.bind_category(query.bind(days.start).bind(days.end).bind(part))
    }

    fn bind_category<'q>(&'q self, query: Query<'q>) -> Query<'q> {
        match &self.category {
            Some(category) => query.bind(category.as_str()),
            None => query,
        }
    }
}
