//! How often people agreed with the model, week by week: of the cases that were archived in a week
//! and whose label a person gave or confirmed.

use jiff::{Timestamp, ToSpan, civil::Date};

use crate::store::StatsFilter;
use crate::triage::{AgreementStats, ArchivedStats, Desk, DeskError};

/// One week.
#[derive(Debug)]
pub struct WeekAgreement {
    /// Its Monday.
    pub monday: Date,
    /// The first moment of it, and the one after the last.
    pub span: (Timestamp, Timestamp),
    /// How often people agreed.
    pub agreement: AgreementStats,
}

impl Desk {
    /// The last weeks, the oldest first; the last one is not over yet.
    pub async fn weekly_agreement(
        &self,
        now: Timestamp,
        n_weeks: u8,
    ) -> Result<Vec<WeekAgreement>, DeskError> {
        let mut weeks = Vec::with_capacity(n_weeks.into());
        for (monday, from, until) in self.weeks(now, n_weeks) {
            let filter = StatsFilter { from, until, department: None, category: None };
            let counts = self.store.count_archived(&filter).await?;
            let stats = ArchivedStats::of(&counts.iter().collect::<Vec<_>>());
            let agreement = stats.model_agreement;
            weeks.push(WeekAgreement { monday, span: (from, until), agreement });
        }
        Ok(weeks)
    }

    fn weeks(&self, now: Timestamp, n_weeks: u8) -> Vec<(Date, Timestamp, Timestamp)> {
        let knowledge = self.engine.knowledge();
        let zone = knowledge.calendar.time_zone();
        let today = now.to_zoned(zone.clone()).date();
        let monday = today - i32::from(today.weekday().to_monday_zero_offset()).days();
        let midnight = |date: Date| date.to_zoned(zone.clone()).ok().map(|it| it.timestamp());
        let week = |n_ago: u8| {
            let monday = monday - i32::from(n_ago).weeks();
            Some((monday, midnight(monday)?, midnight(monday + 1.week())?))
        };
        (0..n_weeks).rev().filter_map(week).collect()
    }
}
