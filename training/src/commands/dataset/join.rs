//! `fenzhen-lab dataset join`: labels that are kept without their texts, joined to the texts.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use fenzhen::registry::Digest;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::dataset::{Budget, Columns, Limits, Table};

/// Join labels to the texts that they are of. Texts that may not be given away stay where they are:
/// their labels name them by digest, and whoever has the texts makes the table again.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Labels: JSONL whose `text_sha256` is the SHA-256 of a text in UTF-8 without surrounding space
    #[arg(long, value_name = "FILE")]
    labels: PathBuf,
    /// Texts: JSONL, CSV, TSV or Parquet; may be given several times
    #[arg(long, value_name = "FILE", required = true)]
    data: Vec<PathBuf>,
    /// The column of the text
    #[arg(long, value_name = "COLUMN", default_value = "text")]
    text_column: String,
    /// The JSONL file to write: the labels in their order, each with its text
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// A line of the labels, and of what is written.
#[derive(Debug, Deserialize, Serialize)]
struct Line {
    #[serde(skip_serializing)]
    text_sha256: Digest,
    #[serde(skip_deserializing)]
    text: String,
    /// Its labels, and what else is known of it.
    #[serde(flatten)]
    known: Map<String, Value>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let Arguments { labels, data, text_column, out } = arguments;
    let columns = Columns { text: text_column.clone(), heads: Vec::new() };
    let limits = Limits { budget: Budget::to_hold(), sample: None };
    let (table, unread) = Table::read_what_can_be(data, &columns, limits)?;
    let texts: FxHashMap<Digest, String> = table
        .rows
        .into_iter()
        .map(|row| row.text.trim().to_owned())
        .map(|text| (Digest::of(text.as_bytes()), text))
        .collect();
    let lines = read(labels)?;
    let n_labels = lines.len();
    let found: Vec<Line> = lines
        .into_iter()
        .filter_map(|line| Some(Line { text: texts.get(&line.text_sha256)?.clone(), ..line }))
        .collect();
    anyhow::ensure!(
        !found.is_empty(),
        "none of the {n_labels} labels of `{}` is of these texts\nhint: name the files that they \
         were made from, and with `--text-column` the column of the text",
        labels.display()
    );
    write(out, &found).with_context(|| format!("cannot write `{}`", out.display()))?;
    let mut stdout = io::stdout();
    writeln!(stdout, "{} of {n_labels} labels have found their texts", found.len())?;
    if !unread.is_empty() {
        writeln!(stdout, "rows that could not be read: {}", unread.len())?;
        unread.listed().iter().try_for_each(|row| writeln!(stdout, "  {row}"))?;
    }
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<Vec<Line>> {
    let file = File::open(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let lines = BufReader::new(file).lines();
    let parse = |(n, line): (usize, io::Result<String>)| {
        let place = || format!("`{}` line {n}", path.display());
        let line = line.with_context(place)?;
        serde_json::from_str(&line).with_context(|| {
            format!("{} is no label of a text: it needs `text_sha256`, 64 hex digits", place())
        })
    };
    (1..).zip(lines).map(parse).collect()
}

fn write(path: &Path, lines: &[Line]) -> anyhow::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for line in lines {
        serde_json::to_writer(&mut file, line)?;
        file.write_all(b"\n")?;
    }
    Ok(file.flush()?)
}
