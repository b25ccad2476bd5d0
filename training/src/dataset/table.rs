//! Reads JSONL and CSV files into rows of a text and label cells. It does not know which labels
//! there are.

use std::{
    fs,
    path::{Component, Path},
};

use fenzhen::domain::ComplaintText;
use fenzhen::registry::{DataSource, Digest};
use serde_json::{Map, Value};

use crate::dataset::{Columns, Error};

/// The labels of a text for one head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// The cell is empty or not there.
    Empty,
    /// One label or several.
    Labels(Vec<String>),
}

/// A text with a cell per head.
#[derive(Clone, Debug)]
pub struct Row {
    /// The text.
    pub text: String,
    /// One cell per head of the columns.
    pub cells: Vec<Cell>,
}

/// All rows of one or several files, and where they come from.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The rows in the order of the files.
    pub rows: Vec<Row>,
    /// The files with their digests.
    pub sources: Vec<DataSource>,
}

impl Table {
    /// Reads files one after another.
    pub fn read(paths: &[impl AsRef<Path>], columns: &Columns) -> Result<Self, Error> {
        let mut table = Self::default();
        for path in paths.iter().map(AsRef::as_ref) {
            let bytes =
                fs::read(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
            let rows = match path.extension().and_then(|extension| extension.to_str()) {
                Some("jsonl" | "ndjson") => jsonl_rows(path, &bytes, columns)?,
                Some("csv") => csv_rows(path, &bytes, columns)?,
                _ => return Err(Error::Kind { path: path.to_owned() }),
            };
            table.sources.push(DataSource {
                name: source_name(path),
                sha256: Digest::of(&bytes),
                n_texts: rows.len(),
            });
            table.rows.extend(rows);
        }
        Ok(table)
    }
}

/// Files of the working folder keep their path; of others only the name is told, because folders
/// of one machine mean nothing on another.
fn source_name(path: &Path) -> String {
    let is_below = path.components().all(|part| matches!(part, Component::Normal(_)));
    let name = if is_below { path.as_os_str() } else { path.file_name().unwrap_or_default() };
    name.to_string_lossy().into_owned()
}

fn jsonl_rows(path: &Path, bytes: &[u8], columns: &Columns) -> Result<Vec<Row>, Error> {
    let mut rows = Vec::new();
    let mut seen = vec![false; columns.heads.len()];
    for (line, bytes) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        let wrong = |why: String| Error::Line { path: path.to_owned(), line, why };
        let object: Map<String, Value> = serde_json::from_slice(bytes).map_err(|error| {
            wrong(format!("is no JSON object in UTF-8 ({:?})", error.classify()))
        })?;
        let Some(text) = object.get(&columns.text) else {
            return Err(missing_column(path, &columns.text, object.keys().map(String::as_str)));
        };
        let Value::String(text) = text else {
            return Err(wrong(format!("`{}` is no string", columns.text)));
        };
        check_text(text).map_err(&wrong)?;
        let mut cells = Vec::with_capacity(columns.heads.len());
        for (head, seen) in columns.heads.iter().zip(&mut seen) {
            *seen |= object.contains_key(&head.column);
            cells.push(
                json_cell(object.get(&head.column))
                    .map_err(|why| wrong(format!("`{}` {why}", head.column)))?,
            );
        }
        rows.push(Row { text: text.clone(), cells });
        if let Some(head) = seen.iter().position(|seen| !seen).filter(|_| rows.len() == 1) {
            let found = object.keys().map(String::as_str);
            return Err(missing_column(path, &columns.heads[head].column, found));
        }
    }
    Ok(rows)
}

fn json_cell(value: Option<&Value>) -> Result<Cell, &'static str> {
    match value {
        None | Some(Value::Null) => Ok(Cell::Empty),
        Some(Value::String(text)) => Ok(text_cell(text)),
        Some(Value::Number(number)) => Ok(Cell::Labels(vec![number.to_string()])),
        Some(Value::Array(items)) => {
            let labels = items.iter().map(|item| item.as_str().map(str::to_owned));
            labels
                .collect::<Option<_>>()
                .map(Cell::Labels)
                .ok_or("is a list of other things than strings")
        }
        Some(_) => Err("is neither a string nor a list of strings"),
    }
}

fn csv_rows(path: &Path, bytes: &[u8], columns: &Columns) -> Result<Vec<Row>, Error> {
    // Spreadsheets put a byte order mark before the first column's name.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().from_reader(bytes);
    let wrong = |error: csv::Error| Error::Line {
        path: path.to_owned(),
        line: error.position().map_or(1, |position| position.line() as usize),
        why: match error.kind() {
            csv::ErrorKind::Utf8 { .. } => "is not UTF-8".to_owned(),
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                format!("has {len} cells instead of {expected_len}")
            }
            _ => "is not CSV".to_owned(),
        },
    };
    let header = reader.headers().map_err(wrong)?.clone();
    let position = |column: &str| {
        let found = header.iter().position(|name| name == column);
        found.ok_or_else(|| missing_column(path, column, header.iter()))
    };
    let text_position = position(&columns.text)?;
    let positions: Result<Vec<usize>, Error> =
        columns.heads.iter().map(|head| position(&head.column)).collect();
    let positions = positions?;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(wrong)?;
        let text = &record[text_position];
        let line = record.position().map_or(0, |position| position.line() as usize);
        check_text(text).map_err(|why| Error::Line { path: path.to_owned(), line, why })?;
        let cells = positions.iter().map(|&position| text_cell(&record[position])).collect();
        rows.push(Row { text: text.to_owned(), cells });
    }
    Ok(rows)
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

fn check_text(text: &str) -> Result<(), String> {
    ComplaintText::try_from(text.to_owned()).map(drop).map_err(|error| error.to_string())
}

fn missing_column<'a>(path: &Path, column: &str, found: impl Iterator<Item = &'a str>) -> Error {
    let found: Vec<String> = found.map(|name| format!("`{name}`")).collect();
    Error::Column { path: path.to_owned(), column: column.to_owned(), found: found.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, content: &str) -> Result<Table, Error> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        fs::write(&path, content).unwrap();
        let columns = Columns { text: "text".to_owned(), heads: vec!["label".parse().unwrap()] };
        Table::read(&[path], &columns)
    }

    #[test]
    fn jsonl_and_csv_give_the_same_rows() {
        let jsonl = "{\"text\": \"没发货\", \"label\": [\"a\", \"b\"]}\n\n{\"text\": \"好\", \"label\": null}\n";
        let csv = "\u{feff}label,text\na|b,没发货\n,好\n";
        for (name, content) in [("x.jsonl", jsonl), ("x.csv", csv)] {
            let table = check(name, content).unwrap();
            assert_eq!(table.rows.len(), 2);
            assert_eq!(table.rows[0].text, "没发货");
            assert_eq!(table.rows[0].cells, [Cell::Labels(vec!["a".to_owned(), "b".to_owned()])]);
            assert_eq!(table.rows[1].cells, [Cell::Empty]);
            assert_eq!(table.sources[0].n_texts, 2);
        }
    }

    #[test]
    fn a_source_is_named_without_the_folders_of_one_machine() {
        assert_eq!(source_name(Path::new("datasets/x.csv")), "datasets/x.csv");
        assert_eq!(source_name(Path::new("/home/someone/x.csv")), "x.csv");
        assert_eq!(source_name(Path::new("../x.csv")), "x.csv");
    }

    #[test]
    fn every_mistake_names_its_place() {
        for (name, content, message) in [
            ("x.jsonl", "{\"text\": \"好\"}\n", "no column `label`; it has `text`"),
            ("x.jsonl", "{\"label\": \"a\"}\n", "no column `text`"),
            ("x.jsonl", "{\"text\": \" \", \"label\": \"a\"}\n", "line 1: the text is blank"),
            ("x.jsonl", "{\"text\": 3, \"label\": \"a\"}\n", "line 1: `text` is no string"),
            ("x.jsonl", "\n[1]\n", "line 2: is no JSON object"),
            ("x.csv", "text,other\n好,a\n", "no column `label`; it has `text`, `other`"),
            ("x.csv", "text,label\n,a\n", "line 2: the text is blank"),
            ("x.csv", "text,label\n好\n", "line 2: has 1 cells instead of 2"),
            ("x.txt", "", "neither `.jsonl` nor `.csv`"),
        ] {
            let error = check(name, content).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
