//! `fenzhen classify`: a file of any size through the same pipeline as the service, in input
//! order, one JSON object a line. A line that cannot be read is reported and stops nothing.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use rayon::prelude::*;
use serde_json::{Map, Value};

use crate::app;
use crate::config::KnowledgeConfig;
use crate::triage::{BulkItem, Engine, Knowledge, Place, SUBMISSION_FIELDS, answer_items};

/// Lines judged at once: enough work for every core between two writes.
const CHUNK: usize = 4096;

/// `fenzhen classify`
#[derive(Args)]
pub(super) struct Classify {
    /// JSONL or CSV file, or `-` for stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Format of the input; guessed from the name, JSONL for stdin
    #[arg(long, value_enum)]
    input: Option<InputFormat>,

    /// CSV column with the text; the other known columns are read by their names
    #[arg(long, default_value = "text", value_name = "NAME")]
    text_column: String,

    #[command(flatten)]
    knowledge: KnowledgeConfig,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum InputFormat {
    Jsonl,
    Csv,
}

impl Classify {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let knowledge = Knowledge::load(&self.knowledge.sources())?;
        let engine = Engine::new(knowledge);
        if let Some(problem) = engine.knowledge().model_problem() {
            writeln!(io::stderr(), "warning: rules alone answer: {problem}")?;
        }
        let (reader, bar) = open(&self.file)?;
        let mut run = Run {
            engine,
            now: app::now(),
            out: BufWriter::with_capacity(1 << 20, io::stdout().lock()),
            bar,
            n_items: 0,
            n_broken: 0,
        };
        match self.input.unwrap_or_else(|| guess(&self.file)) {
            InputFormat::Jsonl => run.jsonl(reader)?,
            InputFormat::Csv => run.csv(reader, &self.text_column)?,
        }
        run.out.flush()?;
        run.bar.finish_and_clear();
        let (n_items, n_broken) = (run.n_items, run.n_broken);
        writeln!(io::stderr(), "{n_items} items, {n_broken} of them broken")?;
        Ok(ExitCode::SUCCESS)
    }
}

fn guess(path: &Path) -> InputFormat {
    match path.extension().and_then(|it| it.to_str()) {
        Some("csv") => InputFormat::Csv,
        _ => InputFormat::Jsonl,
    }
}

type Input = Box<dyn Read + Send>;

fn open(path: &Path) -> anyhow::Result<(Input, ProgressBar)> {
    if path == Path::new("-") {
        let bar = ProgressBar::new_spinner();
        return Ok((Box::new(bar.wrap_read(io::stdin())), bar));
    }
    let file = File::open(path).with_context(|| format!("cannot open `{}`", path.display()))?;
    let bar = ProgressBar::new(file.metadata()?.len());
    let template = "{bar:30} {percent} % {bytes_per_sec} {eta} left {msg}";
    bar.set_style(ProgressStyle::with_template(template).expect("the template is right"));
    Ok((Box::new(bar.wrap_read(file)), bar))
}

/// A run over one input.
struct Run<W: Write> {
    engine: Engine,
    now: Timestamp,
    out: W,
    bar: ProgressBar,
    n_items: u64,
    n_broken: u64,
}

impl<W: Write> Run<W> {
    fn jsonl(&mut self, reader: Input) -> anyhow::Result<()> {
        let mut reader = BufReader::with_capacity(1 << 20, reader);
        let mut lines = Vec::with_capacity(CHUNK);
        let mut line_number = 0;
        loop {
            let mut line = Vec::new();
            let n_bytes = reader.read_until(b'\n', &mut line).context("cannot read the input")?;
            line_number += 1;
            if !line.trim_ascii().is_empty() {
                lines.push((line_number, line));
            }
            if lines.len() == CHUNK || n_bytes == 0 {
                let now = self.now;
                self.answer(&lines, |(line_number, line)| read_line(*line_number, line, now))?;
                lines.clear();
            }
            if n_bytes == 0 {
                return Ok(());
            }
        }
    }

    fn csv(&mut self, reader: Input, text_column: &str) -> anyhow::Result<()> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(reader);
        let headers = reader.byte_headers().context("cannot read the CSV header")?.clone();
        let headers = csv::StringRecord::from_byte_record(headers).map_err(|_| {
            anyhow::anyhow!("the CSV header is not UTF-8: convert the file to UTF-8")
        })?;
        let columns = Columns::find(&headers, text_column)?;
        let mut records = Vec::with_capacity(CHUNK);
        let mut record = csv::ByteRecord::new();
        loop {
            let more = reader.read_byte_record(&mut record).context("cannot read the input")?;
            if more {
                let line_number = record.position().map_or(0, csv::Position::line);
                records.push((line_number, record.clone()));
            }
            if records.len() == CHUNK || !more {
                let now = self.now;
                self.answer(&records, |(line_number, record)| {
                    BulkItem::from_value(Place::Line(*line_number), columns.object(record), now)
                })?;
                records.clear();
            }
            if !more {
                return Ok(());
            }
        }
    }

    /// Judges numbered lines, and writes the answers in their order.
    fn answer<T: Sync>(
        &mut self,
        lines: &[(u64, T)],
        read: impl Fn(&(u64, T)) -> BulkItem + Sync + Send,
    ) -> anyhow::Result<()> {
        let answers = answer_items(&self.engine, lines.par_iter().map(read));
        for ((line_number, _), answer) in lines.iter().zip(answers) {
            self.n_items += 1;
            self.out.write_all(&answer.json)?;
            self.out.write_all(b"\n")?;
            if !answer.mistakes.is_empty() {
                self.n_broken += 1;
                let details: Vec<String> = answer
                    .mistakes
                    .iter()
                    .map(|it| format!("{} {}", it.pointer, it.detail).trim().to_owned())
                    .collect();
                let message = format!("line {line_number}: {}", details.join("; "));
                self.bar.suspend(|| writeln!(io::stderr(), "{message}"))?;
            }
        }
        Ok(())
    }
}

/// Reads a line. A file may say more about a complaint than we read, such as its labels.
fn read_line(line_number: u64, line: &[u8], now: Timestamp) -> BulkItem {
    let place = Place::Line(line_number);
    match serde_json::from_slice(line) {
        Ok(Value::Object(mut object)) => {
            object.retain(|name, _| SUBMISSION_FIELDS.contains(&name.as_str()));
            BulkItem::from_value(place, Value::Object(object), now)
        }
        // What is no object, or no JSON, is answered with what is wrong with it.
        _ => BulkItem::from_json(place, line, now),
    }
}

/// The columns of a CSV file that are fields of a submission.
struct Columns {
    fields: Vec<(usize, String)>,
}

impl Columns {
    fn find(headers: &csv::StringRecord, text_column: &str) -> anyhow::Result<Self> {
        let names: Vec<&str> =
            headers.iter().map(|name| name.trim_start_matches('\u{feff}').trim()).collect();
        anyhow::ensure!(
            names.contains(&text_column),
            "the CSV file has no column `{text_column}`: its columns are {}\nhint: name one with --text-column",
            names.join(", ")
        );
        let field = |(idx, name): (usize, &&str)| match *name {
            name if name == text_column => Some((idx, "text".to_owned())),
            "id" | "channel" | "amount" | "customer_tier" | "prior_contacts" | "received_at" => {
                Some((idx, (*name).to_owned()))
            }
            _ => None,
        };
        Ok(Self { fields: names.iter().enumerate().filter_map(field).collect() })
    }

    /// A record as a submission. Bytes that are not UTF-8 become null, which is a mistake for the
    /// text alone.
    fn object(&self, record: &csv::ByteRecord) -> Value {
        let mut object = Map::new();
        for (idx, name) in &self.fields {
            let cell = record.get(*idx).unwrap_or_default();
            let value = match std::str::from_utf8(cell) {
                Err(_) => Value::Null,
                Ok(cell) if name != "text" && cell.trim().is_empty() => Value::Null,
                Ok(cell) if name == "prior_contacts" => {
                    cell.trim().parse::<u32>().map_or_else(|_| Value::from(cell), Value::from)
                }
                Ok(cell) => Value::from(cell),
            };
            object.insert(name.clone(), value);
        }
        Value::Object(object)
    }
}
