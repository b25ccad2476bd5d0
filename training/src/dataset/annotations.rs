//! Reads labels without their texts, by a key: what a second annotator hands in.

use std::path::Path;

use rustc_hash::FxHashMap;
use serde_json::Value;

use crate::dataset::source::{self, Stop, Wanted};
use crate::dataset::{Cell, Error, Mistakes, cell};

/// The cells of some columns, row by row, each with its key; without a key column the line is the
/// key.
pub fn read_cells(
    path: &Path,
    key: Option<&str>,
    columns: &[&str],
) -> Result<Vec<(String, Vec<Cell>)>, Error> {
    let mut required: Vec<&str> = columns.to_vec();
    required.extend(key);
    let wanted = Wanted::Columns { required: &required, optional: &[] };
    let mut mistakes = Mistakes::default();
    let mut lines: FxHashMap<String, usize> = FxHashMap::default();
    let mut rows = Vec::new();
    source::read(path, wanted, &mut mistakes, &mut |record| {
        let mistake = |why: String, hint| Stop::Mistake { why, hint };
        let own_key = match key.map(|key| record.cells.get(key)) {
            None => record.line.to_string(),
            Some(Some(Value::String(key))) if !key.is_empty() => key.clone(),
            Some(Some(Value::Number(key))) => key.to_string(),
            Some(_) => {
                let hint = "give every row a key, or name its column with `--key`";
                return Err(mistake("the key is missing".to_owned(), hint));
            }
        };
        if let Some(line) = lines.insert(own_key.clone(), record.line) {
            let hint = "keep one row per key and annotator";
            return Err(mistake(format!("has the key of line {line}"), hint));
        }
        let mut cells = Vec::with_capacity(columns.len());
        for &column in columns {
            let hint = "a label is a text, a number or a list of texts";
            let found = cell(record.cells.get(column));
            cells.push(found.map_err(|why| mistake(format!("`{column}` {why}"), hint))?);
        }
        rows.push((own_key, cells));
        Ok(())
    })?;
    mistakes.check()?;
    Ok(rows)
}
