//! The figures by which alarms are raised, as data.

use jiff::ToSpan;
use jiff::civil::Date;
use serde::Deserialize;

use crate::watch::season::Moving;

/// The figures by which alarms are raised.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// How long a window is.
    pub window_hours: u16,
    /// How many windows tell what is usual.
    pub baseline_windows: u16,
    /// How many windows right before the last one are left out.
    pub guard_windows: u16,
    /// How improbable an alarm is if nothing is going on.
    pub false_alarm_probability: f64,
    /// Fewer complainants are no cluster.
    pub min_complainants: u32,
    /// For how long a subject is quiet after its alert was closed.
    pub quiet_hours: u16,
    /// How many years back a subject's own season is looked up; none if not given.
    #[serde(default)]
    pub season_years: u16,
    /// In how many windows around the day.
    #[serde(default)]
    pub season_windows: u16,
    /// Holidays that tell the time of the year beside the date.
    #[serde(default)]
    pub moving: Vec<Moving>,
}

/// Why figures cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// They are not what the file should hold.
    #[error("the alert parameters cannot be read")]
    Syntax(#[from] toml::de::Error),
    /// Figures that make no sense.
    #[error("the alert parameters have mistakes: {}", .0.join("; "))]
    Values(Vec<&'static str>),
}

impl Parameters {
    /// The file that ships with the service.
    pub const DEFAULT: &str = include_str!("../../datasets/alerts.toml");

    /// Reads a file, or lists every mistake.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let it: Self = toml::from_str(text)?;
        let mistakes = [
            (it.window_hours == 0, "`window_hours` must be 1 or more"),
            (it.baseline_windows < 7, "`baseline_windows` must be 7 or more"),
            (
                it.guard_windows > it.baseline_windows,
                "`guard_windows` must not exceed the baseline",
            ),
            (
                !(1e-9..=0.05).contains(&it.false_alarm_probability),
                "`false_alarm_probability` must lie between 0.000000001 and 0.05",
            ),
            (it.min_complainants < 2, "`min_complainants` must be 2 or more"),
            (it.season_years > 10, "`season_years` must be 10 or fewer"),
            (
                it.season_years != 0
                    && (it.season_windows.is_multiple_of(2)
                        || it.season_windows > it.baseline_windows),
                "`season_windows` must be odd and must not exceed the baseline",
            ),
            (
                !it.moving.iter().all(Moving::is_in_order),
                "`moving` holidays must have one date a year, in their order",
            ),
        ];
        let mistakes: Vec<_> = mistakes.into_iter().filter(|it| it.0).map(|it| it.1).collect();
        if mistakes.is_empty() { Ok(it) } else { Err(Error::Values(mistakes)) }
    }

    /// How many windows are looked at, the last one included.
    pub const fn n_windows(&self) -> u32 {
        1 + self.guard_windows as u32 + self.baseline_windows as u32
    }

    /// How many windows before and after a day of a year before are of its season.
    pub const fn season_reach(&self) -> u32 {
        self.season_windows as u32 / 2
    }

    /// How many windows are looked at around a day of a year before and those before it.
    pub const fn n_season_windows(&self) -> u32 {
        2 * self.season_reach() + self.n_windows()
    }

    /// How many windows lie between two days.
    pub fn windows_between(&self, earlier: Date, later: Date) -> u32 {
        let hours = later.duration_since(earlier).as_hours().unsigned_abs();
        let window_hours = u64::from(self.window_hours);
        ((hours + window_hours / 2) / window_hours) as u32
    }

    /// The days of years before on which it was the same time of the year: by the date, and by
    /// every holiday nearby that moves; the last first.
    pub fn same_days(&self, day: Date) -> Vec<Vec<Date>> {
        let by_holidays = self.moving.iter().map(|it| it.same_days(day, self.season_years));
        let by_date = (1..=i16::try_from(self.season_years).unwrap_or(i16::MAX))
            .filter_map(|n_years| day.checked_sub(n_years.years()).ok())
            .collect();
        std::iter::once(by_date).chain(by_holidays).filter(|days| !days.is_empty()).collect()
    }
}

impl Default for Parameters {
    /// The figures of the program.
    fn default() -> Self {
        Self::parse(Self::DEFAULT).expect("a test reads the figures of the program")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_named() {
        let wrong = "window_hours = 0\nbaseline_windows = 3\nguard_windows = 9\n\
                     false_alarm_probability = 0.5\nmin_complainants = 1\nquiet_hours = 0\n\
                     season_years = 11\nseason_windows = 4\n\
                     [[moving]]\nname = \"春节\"\ndays_around = 30\n\
                     dates = [\"2026-02-17\", \"2025-01-29\"]";
        let Err(Error::Values(mistakes)) = Parameters::parse(wrong) else { panic!("is refused") };
        assert_eq!(mistakes.len(), 8);
        assert!(matches!(Parameters::parse("window_hours = 1"), Err(Error::Syntax(_))));
        assert_eq!(Parameters::default().n_windows(), 59);
    }

    #[test]
    fn figures_of_before_know_no_season() {
        let figures = "window_hours = 24\nbaseline_windows = 56\nguard_windows = 2\n\
                       false_alarm_probability = 0.0005\nmin_complainants = 5\nquiet_hours = 24";
        let parameters = Parameters::parse(figures).expect("they were right before");
        assert!(parameters.same_days(jiff::civil::date(2026, 11, 12)).is_empty());
    }
}
