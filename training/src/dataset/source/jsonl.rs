//! JSONL: one object per line.

use std::{
    collections::BTreeSet,
    io::{BufRead, Read},
};

use serde_json::{Map, Value};

use crate::dataset::Error;
use crate::dataset::error::unreadable;
use crate::dataset::source::{Reading, Record};

/// A longer line is no record; without a limit a file without lines would fill the memory.
const MAX_LINE_BYTES: u64 = 1 << 25;

pub(super) fn read(reading: &mut Reading<'_>, mut file: Box<dyn BufRead>) -> Result<(), Error> {
    const HINT: &str = "write one JSON object per line, as `jq -c` does";
    let mut seen = BTreeSet::new();
    let mut bytes = Vec::new();
    let mut n_parsed = 0;
    for line in 1.. {
        bytes.clear();
        let n_read = (&mut file)
            .take(MAX_LINE_BYTES)
            .read_until(b'\n', &mut bytes)
            .map_err(unreadable(reading.path))?;
        if n_read == 0 {
            break;
        }
        if MAX_LINE_BYTES <= n_read as u64 {
            reading.refuse(line, "is longer than 32 MiB", HINT);
            return Ok(());
        }
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        let mut cells: Map<String, Value> = match serde_json::from_slice(&bytes) {
            Ok(cells) => cells,
            Err(error) => {
                let why = match error.classify() {
                    serde_json::error::Category::Eof => "ends in the middle of a JSON object",
                    serde_json::error::Category::Data => "is JSON but no object",
                    _ => "is no JSON",
                };
                reading.refuse(line, why, HINT);
                continue;
            }
        };
        n_parsed += 1;
        for column in cells.keys() {
            if !seen.contains(column) {
                seen.insert(column.clone());
            }
        }
        cells.retain(|column, _| reading.wanted.holds(column));
        reading.take(Record { line, cells })?;
    }
    match reading.wanted.missing(|column| seen.contains(column)) {
        Some(column) if 0 < n_parsed => {
            Err(reading.missing_column(column, seen.iter().map(String::as_str)))
        }
        _ => Ok(()),
    }
}
