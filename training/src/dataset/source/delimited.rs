//! CSV and TSV: the first line names the columns. Lines may hold fewer or more cells than the
//! first only by mistake, and a quote that is never closed is told where it opens.

use std::io::BufRead;

use serde_json::{Map, Value};

use crate::dataset::Error;
use crate::dataset::error::unreadable;
use crate::dataset::source::{Reading, Record};

/// A record over more lines comes from a quote that is not closed.
const MAX_RECORD_LINES: u64 = 2_000;

pub(super) fn read(
    reading: &mut Reading<'_>,
    file: Box<dyn BufRead>,
    delimiter: u8,
) -> Result<(), Error> {
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(file);
    let failed = |error: csv::Error| {
        let source = match error.into_kind() {
            csv::ErrorKind::Io(source) => source,
            _ => std::io::Error::other("not in UTF-8"),
        };
        unreadable(reading.path)(source)
    };
    let header = reader.headers().map_err(failed)?.clone();
    if let Some(column) = reading.wanted.missing(|column| header.iter().any(|name| name == column))
    {
        return Err(reading.missing_column(column, header.iter()));
    }
    let kept: Vec<(usize, &str)> =
        header.iter().enumerate().filter(|(_, column)| reading.wanted.holds(column)).collect();
    let mut record = csv::StringRecord::new();
    loop {
        let start = reader.position().line();
        let is_there =
            reader.read_record(&mut record).map_err(|error| match error.into_kind() {
                csv::ErrorKind::Io(source) => unreadable(reading.path)(source),
                _ => unreadable(reading.path)(std::io::Error::other("not in UTF-8")),
            })?;
        if !is_there {
            return Ok(());
        }
        let line = record.position().map_or(start, csv::Position::line);
        let n_lines = reader.position().line().saturating_sub(line);
        let line = line as usize;
        if MAX_RECORD_LINES < n_lines {
            const HINT: &str =
                "close the quote, or double it (`\"\"`) where it belongs to the text";
            reading.refuse(line, &format!("opens a quote that spans {n_lines} lines"), HINT);
        } else if record.len() == header.len() {
            let cells: Map<String, Value> = kept
                .iter()
                .map(|&(position, column)| (column.to_owned(), record[position].into()))
                .collect();
            reading.take(Record { line, cells })?;
        } else {
            const HINT: &str = "put cells that hold the separator or a line break in double quotes";
            let why = format!("has {} cells instead of {}", record.len(), header.len());
            reading.refuse(line, &why, HINT);
        }
    }
}
