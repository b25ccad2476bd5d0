//! Gold is measured on and never trained on: whatever file its texts come back in, under whatever
//! name, and however they are punctuated.

use std::path::{Path, PathBuf};

use rustc_hash::FxHashSet;
use serde_json::Value;

use crate::dataset::similar::fingerprint;
use crate::dataset::source::{self, Wanted};
use crate::dataset::{Error, Mistakes, Table};

const HINT: &str = "leave gold out of the training data; measure on it with `fenzhen-lab evaluate`";

/// The texts of gold sets.
#[derive(Clone, Debug)]
pub struct Gold {
    fingerprints: FxHashSet<u64>,
}

impl Gold {
    /// The gold sets of `datasets/complaints/`, which every copy of the lab knows.
    pub fn shipped() -> Self {
        const FILES: [&str; 3] = [
            include_str!("../../../datasets/complaints/gold.jsonl"),
            include_str!("../../../datasets/complaints/gold-blind.jsonl"),
            include_str!("../../../datasets/complaints/gold-fresh.jsonl"),
        ];
        let texts = FILES.into_iter().flat_map(str::lines).map(|line| {
            let cells: Value =
                serde_json::from_str(line).expect("the shipped gold sets are tested");
            fingerprint(cells["text"].as_str().expect("every gold text is a string"))
        });
        Self { fingerprints: texts.collect() }
    }

    /// Adds the texts of a file.
    pub fn add(&mut self, path: &Path, text_column: &str) -> Result<(), Error> {
        let mut mistakes = Mistakes::default();
        let wanted = Wanted::Columns { required: &[text_column], optional: &[] };
        source::read(path, wanted, &mut mistakes, &mut |record| {
            if let Some(Value::String(text)) = record.cells.get(text_column) {
                self.fingerprints.insert(fingerprint(text));
            }
            Ok(())
        })?;
        mistakes.check()
    }

    /// Refuses files that are gold by their name.
    pub fn refuse_names(paths: &[PathBuf]) -> Result<(), Error> {
        let mut mistakes = Mistakes::default();
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
            if name.split(['.', '-', '_', ' ']).any(|part| part == "gold") {
                mistakes.add(format!("`{}` is a gold set by its name", path.display()), HINT);
            }
        }
        mistakes.check()
    }

    /// Refuses rows whose text is a gold text, but for case, punctuation and spaces.
    pub fn refuse_texts(&self, table: &Table) -> Result<(), Error> {
        let mut mistakes = Mistakes::default();
        for row in &table.rows {
            if self.holds(&row.text) {
                mistakes.add(format!("{}: is a gold text", table.place(row.place)), HINT);
            }
        }
        mistakes.check()
    }

    /// Whether a text is in the gold set.
    pub fn holds(&self, text: &str) -> bool {
        self.fingerprints.contains(&fingerprint(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_gold() {
        for (name, is_gold) in [
            ("gold.jsonl", true),
            ("x/Gold-2026.csv", true),
            ("my_gold.csv", true),
            ("golden_week.csv", false),
            ("train.jsonl", false),
        ] {
            assert_eq!(Gold::refuse_names(&[name.into()]).is_err(), is_gold, "{name}");
        }
    }
}
