//! Reads tables record by record, whatever their kind: JSONL, CSV, TSV or Parquet, in UTF-8 or
//! GB18030. Nothing but the record at hand is kept, and of it only the columns asked for.

mod delimited;
mod encoding;
mod jsonl;
mod parquet;

use std::{
    fs::{self, File},
    io::Read,
    path::{Component, Path},
};

use fenzhen::registry::{DataSource, Digest};
use serde_json::{Map, Value};

use crate::dataset::error::unreadable;
use crate::dataset::{Error, Mistakes};

pub use encoding::Encoding;

/// A record with the columns that were asked for and that it has.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its line, or its row in a Parquet file, counted from one.
    pub line: usize,
    /// The cells by column.
    pub cells: Map<String, Value>,
}

/// Which columns are read.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// Every column.
    All,
    /// These, of which the first ones must be there.
    Columns {
        /// Columns that the file must have.
        required: &'a [&'a str],
        /// Columns that it may have.
        optional: &'a [&'a str],
    },
}

impl Wanted<'_> {
    fn holds(self, column: &str) -> bool {
        match self {
            Self::All => true,
            Self::Columns { required, optional } => {
                required.contains(&column) || optional.contains(&column)
            }
        }
    }

    /// The first required column that is not among these.
    fn missing(self, found: impl Fn(&str) -> bool) -> Option<String> {
        match self {
            Self::All => None,
            Self::Columns { required, .. } => {
                required.iter().find(|column| !found(column)).map(|&column| column.to_owned())
            }
        }
    }
}

/// Takes records one by one; what it returns is a mistake of that record, and its remedy.
pub type Visit<'a> = &'a mut dyn FnMut(Record) -> Result<(), Stop>;

/// Why a record is refused.
#[derive(Debug)]
pub enum Stop {
    /// The record has a mistake; reading goes on, to find all of them.
    Mistake {
        /// What is wrong with it; never quotes the text.
        why: String,
        /// What to do.
        hint: &'static str,
    },
    /// Reading ends here.
    Fatal(Error),
}

/// What a reader needs to know while it reads.
struct Reading<'a> {
    path: &'a Path,
    wanted: Wanted<'a>,
    visit: Visit<'a>,
    mistakes: &'a mut Mistakes,
    n_records: usize,
}

impl Reading<'_> {
    fn take(&mut self, record: Record) -> Result<(), Error> {
        let line = record.line;
        self.n_records += 1;
        match (self.visit)(record) {
            Ok(()) => Ok(()),
            Err(Stop::Mistake { why, hint }) => {
                self.refuse(line, &why, hint);
                Ok(())
            }
            Err(Stop::Fatal(error)) => Err(error),
        }
    }

    fn refuse(&mut self, line: usize, why: &str, hint: &str) {
        self.mistakes.add(format!("{}: {why}", place(self.path, line)), hint);
    }

    fn missing_column<'n>(&self, column: String, found: impl Iterator<Item = &'n str>) -> Error {
        let found = crate::dataset::error::names(found);
        Error::Column { path: self.path.to_owned(), column, found }
    }
}

/// Where a record stands, for messages.
pub fn place(path: &Path, line: usize) -> String {
    let unit = if Kind::of(path).is_ok_and(|kind| kind == Kind::Parquet) { "row" } else { "line" };
    format!("`{}`, {unit} {line}", path.display())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Jsonl,
    Delimited(u8),
    Parquet,
}

impl Kind {
    fn of(path: &Path) -> Result<Self, Error> {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        let unknown = |why: &str, hint: &str| Error::Kind {
            path: path.to_owned(),
            why: why.to_owned(),
            hint: hint.to_owned(),
        };
        match extension.as_str() {
            "jsonl" | "ndjson" => Ok(Self::Jsonl),
            "csv" => Ok(Self::Delimited(b',')),
            "tsv" | "tab" => Ok(Self::Delimited(b'\t')),
            "parquet" => Ok(Self::Parquet),
            "xls" | "xlsx" | "et" | "ods" => Err(unknown(
                "is a spreadsheet",
                "save it from the spreadsheet program as CSV (UTF-8)",
            )),
            "json" => Err(unknown(
                "is not known to hold one object per line",
                "write one object per line, as `jq -c '.[]' file.json > file.jsonl` does",
            )),
            "gz" | "zip" | "zst" | "xz" | "bz2" => {
                Err(unknown("is compressed", "unpack it first, as with `gunzip` or `unzip`"))
            }
            _ => Err(unknown(
                "is neither `.jsonl`, `.csv`, `.tsv` nor `.parquet`",
                "rename or convert it; the ending says how a table is read",
            )),
        }
    }
}

/// Reads a table. Mistakes of single records are added to `mistakes`, and reading goes on.
pub fn read(
    path: &Path,
    wanted: Wanted<'_>,
    mistakes: &mut Mistakes,
    visit: Visit<'_>,
) -> Result<DataSource, Error> {
    let metadata = fs::metadata(path).map_err(unreadable(path))?;
    let wrong = |why: &str, hint: &str| Error::Kind {
        path: path.to_owned(),
        why: why.to_owned(),
        hint: hint.to_owned(),
    };
    if metadata.is_dir() {
        return Err(wrong("is a folder", "name the files in it, one `--data` each"));
    }
    let kind = Kind::of(path)?;
    if metadata.len() == 0 {
        return Err(wrong("is empty", "check how it was exported"));
    }
    check_start(path, kind)?;
    let mut reading = Reading { path, wanted, visit, mistakes, n_records: 0 };
    let sha256 = match kind {
        Kind::Parquet => parquet::read(&mut reading)?,
        Kind::Jsonl | Kind::Delimited(_) => {
            let scanned = encoding::scan(path)?;
            let decoded = encoding::open(path, scanned.encoding)?;
            match kind {
                Kind::Delimited(delimiter) => delimited::read(&mut reading, decoded, delimiter)?,
                _ => jsonl::read(&mut reading, decoded)?,
            }
            scanned.sha256
        }
    };
    let n_texts = reading.n_records;
    if n_texts == 0 && reading.mistakes.is_empty() {
        return Err(wrong("has no rows", "check how it was exported"));
    }
    Ok(DataSource { name: source_name(path), sha256, n_texts })
}

/// What the first bytes tell about a file whose ending says something else.
fn check_start(path: &Path, kind: Kind) -> Result<(), Error> {
    let mut start = Vec::new();
    let file = File::open(path).map_err(unreadable(path))?;
    file.take(4).read_to_end(&mut start).map_err(unreadable(path))?;
    let (what, hint) = match start.as_slice() {
        b"PAR1" if kind != Kind::Parquet => ("a Parquet file", "let its name end in `.parquet`"),
        b"PK\x03\x04" => ("a spreadsheet or ZIP archive", "save or unpack it as CSV (UTF-8)"),
        b"\xd0\xcf\x11\xe0" => ("an old spreadsheet", "save it as CSV (UTF-8)"),
        [0x1f, 0x8b, ..] => ("compressed by gzip", "unpack it first with `gunzip`"),
        start if kind == Kind::Parquet && start != b"PAR1" => {
            ("no Parquet file", "let its name end as its content is: `.csv` or `.jsonl`")
        }
        _ => return Ok(()),
    };
    let why = format!("is {what}, whatever its name says");
    Err(Error::Kind { path: path.to_owned(), why, hint: hint.to_owned() })
}

/// Files of the working folder keep their path; of others only the name is told, because folders
/// of one machine mean nothing on another.
fn source_name(path: &Path) -> String {
    let is_below = path.components().all(|part| matches!(part, Component::Normal(_)));
    let name = if is_below { path.as_os_str() } else { path.file_name().unwrap_or_default() };
    name.to_string_lossy().into_owned()
}

/// A digest of what a hasher has seen.
fn digest(hasher: sha2::Sha256) -> Digest {
    use sha2::Digest as _;
    let hex: Vec<String> = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    hex.concat().parse().expect("32 bytes are 64 hexadecimal digits")
}

#[cfg(test)]
mod tests;
