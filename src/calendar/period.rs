//! Lengths of time as rules and laws state them: hours round the clock, working days, calendar days.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What a period is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PeriodUnit {
    /// Hours, round the clock 小时
    Hours,
    /// Working days 工作日
    WorkingDays,
    /// Calendar days 自然日
    CalendarDays,
}

/// A length of time, at least one unit and at most [`Period::MAX_COUNT`].
///
/// ```
/// use fenzhen::calendar::Period;
///
/// let period: Period = "3 working_days".parse().unwrap();
/// assert_eq!(period.to_string(), "3 个工作日");
/// assert_eq!("2h".parse::<Period>().unwrap().to_string(), "2 小时");
/// assert!("3 days".parse::<Period>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period {
    count: u16,
    unit: PeriodUnit,
}

/// Why a text is not a period.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a period: write `2h`, `3 working_days` or `7 calendar_days`, from 1 to 3650")]
pub struct PeriodError(String);

impl Period {
    /// The longest period, ten years of days; more is a typing error.
    pub const MAX_COUNT: u16 = 3650;

    /// A number of units; nothing when it is zero or above [`Period::MAX_COUNT`].
    pub fn new(count: u16, unit: PeriodUnit) -> Option<Self> {
        (1..=Self::MAX_COUNT).contains(&count).then_some(Self { count, unit })
    }

    /// How many units.
    pub const fn count(self) -> u16 {
        self.count
    }

    /// What it is counted in.
    pub const fn unit(self) -> PeriodUnit {
        self.unit
    }
}

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (count, unit) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
        let unit = match unit.trim() {
            "h" => Some(PeriodUnit::Hours),
            "working_day" | "working_days" => Some(PeriodUnit::WorkingDays),
            "calendar_day" | "calendar_days" => Some(PeriodUnit::CalendarDays),
            _ => None,
        };
        unit.zip(count.parse().ok())
            .and_then(|(unit, count)| Self::new(count, unit))
            .ok_or_else(|| PeriodError(text.chars().take(40).collect()))
    }
}

impl TryFrom<String> for Period {
    type Error = PeriodError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        match period.unit {
            PeriodUnit::Hours => format!("{}h", period.count),
            PeriodUnit::WorkingDays => format!("{} working_days", period.count),
            PeriodUnit::CalendarDays => format!("{} calendar_days", period.count),
        }
    }
}

impl fmt::Display for Period {
    /// The words for people: `3 个工作日`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            PeriodUnit::Hours => "小时",
            PeriodUnit::WorkingDays => "个工作日",
            PeriodUnit::CalendarDays => "个自然日",
        };
        write!(f, "{} {unit}", self.count)
    }
}
