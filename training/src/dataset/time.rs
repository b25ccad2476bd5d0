//! Reads the times of a column, in the ways that tables write them.

use std::path::Path;

use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, tz};
use serde_json::Value;

use crate::dataset::source::{self, Stop, Wanted};
use crate::dataset::{Error, Mistakes};

/// What spreadsheets and forms write beside RFC 3339.
const FORMATS: [&str; 6] = [
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y-%m-%d %H:%M",
    "%Y年%m月%d日 %H:%M:%S",
    "%Y年%m月%d日 %H:%M",
    "%d.%m.%Y %H:%M:%S",
];
const DATE_FORMATS: [&str; 4] = ["%Y/%m/%d", "%Y年%m月%d日", "%Y%m%d", "%d.%m.%Y"];
/// A number of seconds since 1970 beyond this one counts milliseconds.
const MAX_SECONDS: i64 = 100_000_000_000;

/// The times of a column, file after file and row after row, as seconds since 1970. Times without
/// a zone are taken as they stand, all in one zone.
pub(super) fn read_times(paths: &[impl AsRef<Path>], column: &str) -> Result<Vec<i64>, Error> {
    let mut times = Vec::new();
    let mut mistakes = Mistakes::default();
    for path in paths.iter().map(AsRef::as_ref) {
        let wanted = Wanted::Columns { required: &[column], optional: &[] };
        source::read(path, wanted, &mut mistakes, &mut |record| {
            let seconds = record.cells.get(column).and_then(seconds);
            times.push(seconds.ok_or_else(|| Stop::Mistake {
                why: format!("`{column}` is no time"),
                hint: "write times as in `2026-11-21T20:00:00+08:00`, `2026-11-21 20:00:00` or `2026/11/21`",
            })?);
            Ok(())
        })?;
    }
    mistakes.check()?;
    Ok(times)
}

fn seconds(value: &Value) -> Option<i64> {
    let of_number = |number: i64| if MAX_SECONDS < number.abs() { number / 1_000 } else { number };
    let text = match value {
        Value::Number(number) => return number.as_i64().map(of_number),
        Value::String(text) => text.trim(),
        _ => return None,
    };
    let of_civil =
        |time: DateTime| tz::Offset::UTC.to_timestamp(time).ok().map(Timestamp::as_second);
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp.as_second());
    }
    if let Some(time) = FORMATS.iter().find_map(|format| DateTime::strptime(format, text).ok()) {
        return of_civil(time);
    }
    if let Some(date) = DATE_FORMATS.iter().find_map(|format| Date::strptime(format, text).ok()) {
        return of_civil(date.into());
    }
    if let Ok(time) = text.parse::<DateTime>() {
        return of_civil(time);
    }
    text.parse().ok().map(of_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_tables_write_them() {
        let noon = 1_591_358_400;
        for text in [
            "2020-06-05T12:00:00Z",
            "2020-06-05T20:00:00+08:00",
            "2020-06-05 12:00:00",
            "2020-06-05 12:00",
            "2020/6/5 12:00:00",
            "2020年6月5日 12:00",
            "1591358400",
            "1591358400000",
        ] {
            assert_eq!(seconds(&text.into()), Some(noon), "{text}");
        }
        for text in ["2020-06-05", "2020/06/05", "20200605", "2020年06月05日"] {
            assert_eq!(seconds(&text.into()), Some(noon - 12 * 3600), "{text}");
        }
        for text in ["", "昨天", "2020-13-01"] {
            assert_eq!(seconds(&text.into()), None, "{text}");
        }
    }
}
