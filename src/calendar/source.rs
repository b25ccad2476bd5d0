//! Reads a calendar file. Dates stay text until they are checked, so that one pass lists every
//! mistake.

use std::collections::{HashMap, HashSet};

use jiff::SignedDuration;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::calendar::Calendar;

/// Why a calendar file is refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not TOML, or not of this shape.
    #[error("the calendar cannot be read")]
    Syntax(#[from] toml::de::Error),
    /// Everything that is wrong with what it says.
    #[error("the calendar has mistakes: {}", .0.join("; "))]
    Mistakes(Vec<String>),
}

/// The file as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CalendarSource {
    #[serde(default = "shanghai")]
    time_zone: String,
    #[serde(default = "midnight")]
    day_starts: String,
    #[serde(default = "end_of_day")]
    day_ends: String,
    #[serde(default)]
    years: Vec<YearSource>,
}

/// What was published for one year.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct YearSource {
    year: i16,
    #[serde(default)]
    off: Vec<String>,
    #[serde(default)]
    worked: Vec<String>,
}

fn shanghai() -> String {
    "Asia/Shanghai".to_owned()
}

fn midnight() -> String {
    "00:00".to_owned()
}

fn end_of_day() -> String {
    "24:00".to_owned()
}

/// Reads and checks a calendar file.
pub(super) fn parse(text: &str) -> Result<Calendar, Error> {
    let source: CalendarSource = toml::from_str(text)?;
    let mut mistakes = Vec::new();
    let time_zone = TimeZone::get(&source.time_zone).unwrap_or_else(|_| {
        mistakes.push(format!("there is no time zone `{}`", source.time_zone));
        TimeZone::UTC
    });
    let day_starts = parse_time(&source.day_starts, &mut mistakes);
    let day_ends = parse_time(&source.day_ends, &mut mistakes);
    if day_ends <= day_starts && mistakes.is_empty() {
        mistakes.push(format!(
            "a day that starts at `{}` cannot end at `{}`",
            source.day_starts, source.day_ends
        ));
    }
    let mut published = HashSet::new();
    let mut exceptions = HashMap::default();
    for year in &source.years {
        if !published.insert(year.year) {
            mistakes.push(format!("year `{}` is given twice", year.year));
        }
        let off = year.off.iter().map(|text| (text, false));
        for (text, worked) in off.chain(year.worked.iter().map(|text| (text, true))) {
            for date in parse_dates(text, year.year, &mut mistakes) {
                mistakes.extend(insert_day(date, worked, &mut exceptions));
            }
        }
    }
    if !mistakes.is_empty() {
        return Err(Error::Mistakes(mistakes));
    }
    let mut published: Vec<_> = published.into_iter().collect();
    published.sort_unstable();
    Ok(Calendar { time_zone, day_starts, day_ends, published, exceptions })
}

/// Takes a day in and says what is wrong with it.
fn insert_day<S: std::hash::BuildHasher>(
    date: Date,
    worked: bool,
    exceptions: &mut HashMap<Date, bool, S>,
) -> Option<String> {
    let weekend = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
    match exceptions.insert(date, worked) {
        Some(before) if before != worked => Some(format!("`{date}` is both off and worked")),
        Some(_) => Some(format!("`{date}` is given twice")),
        None if worked && !weekend => {
            Some(format!("`{date}` is no weekend: only weekend days are worked in exchange"))
        }
        None => None,
    }
}

/// The days that an entry such as `2026-10-01..2026-10-07` names, none when it is wrong.
fn parse_dates(text: &str, year: i16, mistakes: &mut Vec<String>) -> Vec<Date> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let (Ok(first), Ok(last)) = (first.trim().parse::<Date>(), last.trim().parse::<Date>()) else {
        mistakes
            .push(format!("`{text}` is no date: write `2026-01-04` or `2026-10-01..2026-10-07`"));
        return Vec::new();
    };
    // A year's notice may reach back: the new year's holiday of 2023 began on 2022-12-31.
    let belongs =
        |date: Date| date.year() == year || (date.month() == 12 && date.year() + 1 == year);
    if !belongs(first) || !belongs(last) {
        mistakes.push(format!("`{text}` does not belong to `{year}`"));
        return Vec::new();
    }
    if last < first {
        mistakes.push(format!("`{text}` ends before it starts"));
    }
    first.series(jiff::Span::new().days(1)).take_while(|&date| date <= last).collect()
}

/// A time of day since midnight; 24:00 is the end of the day.
fn parse_time(text: &str, mistakes: &mut Vec<String>) -> SignedDuration {
    if text == "24:00" {
        return SignedDuration::from_hours(24);
    }
    let Ok(time) = text.parse::<Time>() else {
        mistakes.push(format!("`{text}` is no time of day: write `18:00` or `24:00`"));
        return SignedDuration::ZERO;
    };
    time.duration_since(Time::midnight())
}
