//! Finds the columns that look like labels in tables that nobody described.

use std::{collections::BTreeSet, path::Path};

use crate::dataset::source::{self, Wanted};
use crate::dataset::{Cell, Error, HeadColumn, ID_COLUMN, Mistakes, cell};

/// A column with more different values is taken for something else.
const MAX_VALUES: usize = 60;
const MAX_VALUE_CHARS: usize = 40;

/// A column and its values so far; nothing once there are too many.
type Found = (String, Option<BTreeSet<String>>);

/// The columns of few short values, in the order of the first file.
pub fn find_label_columns(
    paths: &[impl AsRef<Path>],
    text_column: &str,
) -> Result<Vec<HeadColumn>, Error> {
    let mut columns: Vec<Found> = Vec::new();
    for path in paths.iter().map(AsRef::as_ref) {
        // Mistakes are told by the reading that follows.
        let mut mistakes = Mistakes::default();
        source::read(path, Wanted::All, &mut mistakes, &mut |record| {
            for (name, value) in &record.cells {
                if name == text_column || name == ID_COLUMN {
                    continue;
                }
                let known = columns.iter().position(|(known, _)| known == name);
                let column = known.unwrap_or_else(|| {
                    columns.push((name.clone(), Some(BTreeSet::new())));
                    columns.len() - 1
                });
                note(&mut columns[column].1, cell(Some(value)));
            }
            Ok(())
        })?;
    }
    let heads = columns.into_iter().filter_map(|(name, values)| {
        let values = values?;
        let is_labels = 2 <= values.len() && values.len() <= MAX_VALUES;
        // A column whose name is no head's name has to be named by `--head`.
        is_labels.then(|| name.parse().ok()).flatten()
    });
    Ok(heads.collect())
}

fn note(values: &mut Option<BTreeSet<String>>, cell: Result<Cell, &'static str>) {
    let Some(known) = values else { return };
    match cell {
        Ok(Cell::Empty) => return,
        Ok(Cell::Labels(labels)) => known.extend(labels),
        Err(_) => {
            *values = None;
            return;
        }
    }
    let is_too_long = |value: &String| MAX_VALUE_CHARS < value.chars().count();
    if MAX_VALUES < known.len() || known.iter().any(is_too_long) {
        *values = None;
    }
}
