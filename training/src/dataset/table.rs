//! Reads files into rows of a text and label cells. It does not know which labels there are.

use std::{
    hash::{BuildHasher, Hash},
    path::{Path, PathBuf},
};

use fenzhen::domain::{ComplaintText, TextError};
use fenzhen::registry::DataSource;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rustc_hash::{FxBuildHasher, FxHashMap};
use serde_json::{Map, Value};

use crate::dataset::budget::Budget;
use crate::dataset::source::{self, Record, Stop, Wanted};
use crate::dataset::{Columns, Error, Mistakes};

/// The column of a record's id, where there is one.
pub const ID_COLUMN: &str = "id";

/// The labels of a text for one head.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Cell {
    /// The cell is empty or not there.
    Empty,
    /// One label or several.
    Labels(Vec<String>),
}

/// Where a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The position of the file among those read.
    pub file: u32,
    /// The line, or the row of a Parquet file, counted from one.
    pub line: u32,
}

/// A text with a cell per head.
#[derive(Clone, Debug)]
pub struct Row {
    /// The text.
    pub text: String,
    /// One cell per head of the columns.
    pub cells: Vec<Cell>,
    /// The record's own id.
    pub id: Option<Box<str>>,
    /// Where it stands.
    pub place: Place,
}

/// All rows of one or several files, and where they come from.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The rows in the order of the files.
    pub rows: Vec<Row>,
    /// The files with their digests.
    pub sources: Vec<DataSource>,
    /// The files as they were named.
    pub paths: Vec<PathBuf>,
}

/// How much of the files is kept.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How much memory the rows may need in the end.
    pub budget: Budget,
    /// A random part of this many rows instead of all, drawn with this seed.
    pub sample: Option<(usize, u64)>,
}

impl Table {
    /// Reads files one after another.
    pub fn read(paths: &[impl AsRef<Path>], columns: &Columns) -> Result<Self, Error> {
        Self::read_within(paths, columns, Limits { budget: Budget::to_hold(), sample: None })
    }

    /// Reads files one after another, as far as memory allows.
    pub fn read_within(
        paths: &[impl AsRef<Path>],
        columns: &Columns,
        limits: Limits,
    ) -> Result<Self, Error> {
        let (table, mistakes) = Self::read_what_can_be(paths, columns, limits)?;
        mistakes.check()?;
        Ok(table)
    }

    /// Reads files one after another and tells what is wrong with single rows, which are left out.
    pub fn read_what_can_be(
        paths: &[impl AsRef<Path>],
        columns: &Columns,
        limits: Limits,
    ) -> Result<(Self, Mistakes), Error> {
        columns.check()?;
        let mut required = vec![columns.text.as_str()];
        required.extend(columns.heads.iter().map(|head| head.column.as_str()));
        let wanted = Wanted::Columns { required: &required, optional: &[ID_COLUMN] };
        let mut collector = Collector::new(columns, limits);
        let mut mistakes = Mistakes::default();
        for (file, path) in (0..).zip(paths.iter().map(AsRef::as_ref)) {
            collector.begin(file, path);
            let source =
                source::read(path, wanted, &mut mistakes, &mut |record| collector.take(record))?;
            collector.table.sources.push(source);
        }
        Ok((collector.finish(), mistakes))
    }

    /// Where a row stands, for messages.
    pub fn place(&self, place: Place) -> String {
        source::place(&self.paths[place.file as usize], place.line as usize)
    }
}

/// Turns records into rows.
struct Collector<'a> {
    columns: &'a Columns,
    limits: Limits,
    random: ChaCha8Rng,
    table: Table,
    n_seen: usize,
    n_chars: u64,
    file: u32,
    /// By id the line and the labels, within one file: two files may count alike.
    ids: FxHashMap<u64, (u32, u64)>,
}

impl<'a> Collector<'a> {
    fn new(columns: &'a Columns, limits: Limits) -> Self {
        let seed = limits.sample.map_or(0, |(_, seed)| seed);
        Self {
            columns,
            limits,
            random: ChaCha8Rng::seed_from_u64(seed),
            table: Table::default(),
            n_seen: 0,
            n_chars: 0,
            file: 0,
            ids: FxHashMap::default(),
        }
    }

    fn begin(&mut self, file: u32, path: &Path) {
        self.file = file;
        self.ids.clear();
        self.table.paths.push(path.to_owned());
    }

    fn take(&mut self, record: Record) -> Result<(), Stop> {
        let row = self.row(record)?;
        self.check_id(&row)?;
        self.n_seen += 1;
        let n_chars = |row: &Row| row.text.chars().count() as u64;
        match self.limits.sample {
            // Algorithm R of Vitter 1985: every row has the same chance, whatever their number.
            Some((n_rows, _)) if n_rows <= self.table.rows.len() => {
                let position = self.random.random_range(0..self.n_seen);
                if let Some(kept) = self.table.rows.get_mut(position) {
                    self.n_chars = self.n_chars + n_chars(&row) - n_chars(kept);
                    *kept = row;
                }
            }
            _ => {
                self.n_chars += n_chars(&row);
                self.table.rows.push(row);
            }
        }
        let path = &self.table.paths[self.file as usize];
        let n_rows = self.table.rows.len() as u64;
        self.limits.budget.check(path, self.n_chars, n_rows).map_err(Stop::Fatal)
    }

    fn row(&self, mut record: Record) -> Result<Row, Stop> {
        let text = text_of(&mut record.cells, &self.columns.text)?;
        let mut cells = Vec::with_capacity(self.columns.heads.len());
        for head in &self.columns.heads {
            let cell = cell(record.cells.get(&head.column)).map_err(|why| Stop::Mistake {
                why: format!("`{}` {why}", head.column),
                hint: "a label is a text, a number or a list of texts",
            })?;
            cells.push(cell);
        }
        let id = match record.cells.get(ID_COLUMN) {
            Some(Value::String(id)) if !id.is_empty() => Some(id.as_str().into()),
            Some(Value::Number(id)) => Some(id.to_string().into()),
            _ => None,
        };
        Ok(Row { text, cells, id, place: Place { file: self.file, line: record.line as u32 } })
    }

    /// A record that occurs twice with different labels makes every figure a matter of luck.
    fn check_id(&mut self, row: &Row) -> Result<(), Stop> {
        let Some(id) = &row.id else { return Ok(()) };
        let hash_of = |value: &dyn Fn(&mut rustc_hash::FxHasher)| {
            use std::hash::Hasher as _;
            let mut hasher = FxBuildHasher.build_hasher();
            value(&mut hasher);
            hasher.finish()
        };
        let key = hash_of(&|hasher| id.hash(hasher));
        let labels = hash_of(&|hasher| row.cells.hash(hasher));
        let &mut (line, first_labels) = self.ids.entry(key).or_insert((row.place.line, labels));
        if first_labels == labels {
            return Ok(());
        }
        Err(Stop::Mistake {
            why: format!("has the id of line {line} and other labels"),
            hint: "keep one record per id: decide which labels are right",
        })
    }

    fn finish(mut self) -> Table {
        if self.limits.sample.is_some() {
            self.table.rows.sort_by_key(|row| row.place);
            for (file, source) in (0..).zip(&mut self.table.sources) {
                source.n_texts =
                    self.table.rows.iter().filter(|row| row.place.file == file).count();
            }
        }
        self.table
    }
}

/// Takes the text out of a record.
pub(super) fn text_of(cells: &mut Map<String, Value>, column: &str) -> Result<String, Stop> {
    const HINT: &str = "delete that line, or give it a text";
    let mistake = |why: String| Stop::Mistake { why, hint: HINT };
    let text = match cells.get_mut(column).map(Value::take) {
        Some(Value::String(text)) => text,
        Some(Value::Null) | None => return Err(mistake("the text is missing".to_owned())),
        Some(_) => {
            return Err(Stop::Mistake {
                why: format!("`{column}` is no string"),
                hint: "name the column of the text with `--text-column`",
            });
        }
    };
    match ComplaintText::try_from(text.clone()) {
        Ok(_) => Ok(text),
        Err(TextError::Blank) => Err(mistake("the text is blank".to_owned())),
        Err(error) => Err(mistake(error.to_string())),
    }
}

/// The labels that a cell holds.
pub fn cell(value: Option<&Value>) -> Result<Cell, &'static str> {
    match value {
        None | Some(Value::Null) => Ok(Cell::Empty),
        Some(Value::String(text)) => Ok(text_cell(text)),
        Some(Value::Number(number)) => Ok(Cell::Labels(vec![number.to_string()])),
        Some(Value::Bool(truth)) => Ok(Cell::Labels(vec![truth.to_string()])),
        // An empty list is a statement where several labels may stand: none of them.
        Some(Value::Array(items)) if items.is_empty() => Ok(Cell::Empty),
        Some(Value::Array(items)) => {
            let labels = items.iter().map(|item| item.as_str().map(str::to_owned));
            labels
                .collect::<Option<_>>()
                .map(Cell::Labels)
                .ok_or("is a list of other things than strings")
        }
        Some(Value::Object(_)) => Err("is neither a string nor a list of strings"),
    }
}

/// Several labels in one cell are separated by `|`.
fn text_cell(text: &str) -> Cell {
    let labels: Vec<String> = text
        .split('|')
        .map(str::trim)
        .filter(|label| !label.is_empty())
        .map(str::to_owned)
        .collect();
    if labels.is_empty() { Cell::Empty } else { Cell::Labels(labels) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn check(name: &str, content: &str) -> Table {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        fs::write(&path, content).unwrap();
        let columns = Columns { text: "text".to_owned(), heads: vec!["label".parse().unwrap()] };
        Table::read(&[path], &columns).unwrap()
    }

    #[test]
    fn jsonl_csv_and_tsv_give_the_same_rows() {
        let jsonl = "{\"text\": \"没发货\", \"label\": [\"a\", \"b\"]}\n\n{\"text\": \"好\", \"label\": null}\n";
        let csv = "\u{feff}label,text\na|b,没发货\n,好\n";
        let tsv = csv.replace(',', "\t");
        for (name, content) in [("x.jsonl", jsonl), ("x.csv", csv), ("x.TSV", &tsv)] {
            let table = check(name, content);
            assert_eq!(table.rows.len(), 2);
            assert_eq!(table.rows[0].text, "没发货");
            assert_eq!(table.rows[0].cells, [Cell::Labels(vec!["a".to_owned(), "b".to_owned()])]);
            assert_eq!(table.rows[1].cells, [Cell::Empty]);
            assert_eq!(table.rows[1].place, Place { file: 0, line: 3 });
            assert_eq!(table.sources[0].n_texts, 2);
        }
    }

    #[test]
    fn a_sample_is_spread_over_the_file_and_the_same_every_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.csv");
        let rows: Vec<String> = (0..1_000).map(|n| format!("第{n}条,a\n")).collect();
        fs::write(&path, format!("text,label\n{}", rows.concat())).unwrap();
        let columns = Columns { text: "text".to_owned(), heads: vec!["label".parse().unwrap()] };
        let limits = Limits { budget: Budget::to_hold(), sample: Some((100, 7)) };
        let lines = || -> Vec<u32> {
            let table = Table::read_within(&[&path], &columns, limits).unwrap();
            assert_eq!(table.sources[0].n_texts, 100);
            table.rows.iter().map(|row| row.place.line).collect()
        };
        let first = lines();
        assert_eq!(first, lines());
        assert!(first.is_sorted());
        let n_late = first.iter().filter(|&&line| 500 < line).count();
        assert!((30..=70).contains(&n_late), "{n_late}");
    }
}
