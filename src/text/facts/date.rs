//! Which numerals are days: 2026年3月5日, 3月5号, 2026-03-05, 3.15号, 十月一号. Words such as 昨天 are not
//! read, for they need a calendar; neither are months without a day.

use std::ops::Range;

use jiff::civil::Date;

use super::numeral::{Numeral, parse};
use super::source::Source;

/// A day in the normalized text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NamedDay {
    pub(super) range: Range<usize>,
    pub(super) year: Option<i16>,
    pub(super) month: i8,
    pub(super) day: i8,
}

/// Reads a numeral and what follows it as a day.
pub(super) fn read(source: Source<'_>, numeral: &Numeral) -> Option<NamedDay> {
    let (year, month, day, end) =
        with_separators(source, numeral.start).or_else(|| in_words(source, numeral))?;
    let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    // Without a year, a leap year makes the 29th of February good.
    Date::new(year.unwrap_or(2024), month, day).ok()?;
    Some(NamedDay { range: numeral.start..end, year, month, day })
}

/// Whether the numeral is the number of a year: 2019年.
pub(super) fn is_year(source: Source<'_>, numeral: &Numeral) -> bool {
    year(source, numeral).is_some()
}

type Parts = (Option<i16>, u64, u64, usize);

fn in_words(source: Source<'_>, numeral: &Numeral) -> Option<Parts> {
    if let Some((year, end)) = year(source, numeral) {
        let month = parse(source, source.skip_space(end))
            .filter(|month| month.start < source.text.len())?;
        let (month, day, end) = month_and_day(source, &month).or_else(|| {
            let (month, day, end) = separated_pair(source, month.start)?;
            Some((month, day, source.skip_any(end, &["号", "日"]).unwrap_or(end)))
        })?;
        return Some((Some(year), month, day, end));
    }
    let (month, day, end) = month_and_day(source, numeral).or_else(|| {
        let (month, day, end) = separated_pair(source, numeral.start)?;
        Some((month, day, source.skip_any(end, &["号", "日"])?))
    })?;
    Some((None, month, day, end))
}

/// A year followed by 年; two digits mean this century.
fn year(source: Source<'_>, numeral: &Numeral) -> Option<(i16, usize)> {
    let end = source.skip(source.skip_space(numeral.end), "年")?;
    match (numeral.n_digits, numeral.exact()?) {
        (4, year @ 1900..2100) => Some((i16::try_from(year).ok()?, end)),
        (2, year @ 10..50) => Some((2000 + i16::try_from(year).ok()?, end)),
        _ => None,
    }
}

/// 3月5日, 十月一号.
fn month_and_day(source: Source<'_>, month: &Numeral) -> Option<(u64, u64, usize)> {
    let at = source.skip(source.skip_space(month.end), "月")?;
    let day = parse(source, source.skip_space(at))?;
    let end = source.skip_any(source.skip_space(day.end), &["日", "号"])?;
    Some((month.exact()?, day.exact()?, end))
}

/// 2026-03-05, 2026/3/5, 2026.3.5.
fn with_separators(source: Source<'_>, start: usize) -> Option<Parts> {
    let (year, at) = digits(source, start, 4)?;
    let separator = source.byte_at(at);
    if at != start + 4 || !matches!(separator, b'-' | b'/' | b'.') {
        return None;
    }
    let (month, at) = digits(source, at + 1, 2)?;
    if source.byte_at(at) != separator {
        return None;
    }
    let (day, end) = digits(source, at + 1, 2)?;
    let end = source.skip_any(end, &["日", "号"]).unwrap_or(end);
    (1900..2100).contains(&year).then_some((Some(i16::try_from(year).ok()?), month, day, end))
}

/// 3.15, 3/15.
fn separated_pair(source: Source<'_>, start: usize) -> Option<(u64, u64, usize)> {
    let (month, at) = digits(source, start, 2)?;
    if !matches!(source.byte_at(at), b'.' | b'/') {
        return None;
    }
    let (day, end) = digits(source, at + 1, 2)?;
    Some((month, day, end))
}

/// At least one and at most `max_digits` digits that no other digit follows.
fn digits(source: Source<'_>, start: usize, max_digits: usize) -> Option<(u64, usize)> {
    let end = (start..).take(max_digits + 1).find(|&at| !source.byte_at(at).is_ascii_digit())?;
    Some((source.text.get(start..end)?.parse().ok()?, end))
}
