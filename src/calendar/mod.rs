//! Working days and deadlines. Days off and weekend days worked in exchange (调休补班) are data.
//! Pure: it never asks what time it is.

mod due;
mod period;
mod source;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

pub use due::{Due, Pause};
pub use period::{Period, PeriodError, PeriodUnit};
pub use source::Error;

/// The calendar of mainland China that ships with the service.
const CHINA: &str = include_str!("../../datasets/calendar/cn.toml");

/// Which days are worked, in which time zone, and when a day runs.
#[derive(Clone, Debug)]
pub struct Calendar {
    time_zone: TimeZone,
    /// When a counted day starts and ends, since midnight; it may end at 24:00.
    day_starts: SignedDuration,
    day_ends: SignedDuration,
    /// Years whose holidays are published, ascending.
    published: Vec<i16>,
    /// Days that differ from plain weekends, and whether they are worked.
    exceptions: HashMap<Date, bool, rustc_hash::FxBuildHasher>,
}

impl Calendar {
    /// The calendar of mainland China that ships with the service.
    pub fn china() -> Self {
        Self::parse(CHINA).expect("the shipped calendar is parsed by a test")
    }

    /// Reads a calendar file, listing every mistake.
    pub fn parse(text: &str) -> Result<Self, Error> {
        source::parse(text)
    }

    /// The time zone that days belong to.
    pub const fn time_zone(&self) -> &TimeZone {
        &self.time_zone
    }

    /// The day at a moment.
    pub fn date(&self, at: Timestamp) -> Date {
        self.time_zone.to_datetime(at).date()
    }

    /// Whether a day is worked.
    pub fn is_working_day(&self, date: Date) -> bool {
        match self.exceptions.get(&date) {
            Some(&worked) => worked,
            None => !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday),
        }
    }

    /// Everything that deadlines depend on as one text: two calendars with the same text agree.
    pub fn fingerprint(&self) -> String {
        let Self { time_zone, day_starts, day_ends, published, exceptions } = self;
        let exceptions: BTreeMap<_, _> = exceptions.iter().collect();
        let zone = time_zone.iana_name().unwrap_or_default();
        format!("{zone} {day_starts}-{day_ends} {published:?} {exceptions:?}")
    }

    /// Whether the holidays of a year are known.
    pub fn is_published(&self, year: i16) -> bool {
        self.published.binary_search(&year).is_ok()
    }
}
