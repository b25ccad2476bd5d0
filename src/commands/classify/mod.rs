//! `fenzhen classify`: a file of any size through the same pipeline as the service, in input
//! order, one JSON object a line. A line that cannot be read is reported and stops nothing.

mod columns;
mod lines;
mod records;

use std::{
    fs::File,
    io::{self, BufWriter, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    str,
};

use anyhow::Context;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use rayon::prelude::*;
use serde_json::Value;

use crate::app;
use crate::commands::classify::columns::{Columns, Unused, mistake};
use crate::commands::classify::lines::{Lines, NOT_UTF_8};
use crate::commands::classify::records::Records;
use crate::config::KnowledgeConfig;
use crate::triage::{
    BulkItem, Engine, ItemAnswer, Knowledge, Place, SUBMISSION_FIELDS, answer_items,
};

/// The exit status when lines were broken: 1 is a run that failed, and 2 a wrong command line.
const SOME_BROKEN: u8 = 3;

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
        let (input, bar) = open(&self.file)?;
        let mut run = Run {
            engine,
            now: app::now(),
            out: BufWriter::with_capacity(1 << 20, io::stdout().lock()),
            bar,
            tally: Tally::default(),
        };
        let (lines, unused) = (Lines::new(input), Unused::default());
        match self.input.unwrap_or_else(|| guess(&self.file)) {
            InputFormat::Jsonl => run.jsonl(lines, &unused)?,
            InputFormat::Csv => run.csv(lines, &self.text_column, &unused)?,
        }
        run.out.flush()?;
        run.bar.finish_and_clear();
        let mut talk = io::stderr();
        if let Some(names) = unused.list() {
            writeln!(talk, "note: fields that were not used: {names}")?;
        }
        let Tally { items, broken, fallbacks } = run.tally;
        if 0 < fallbacks {
            writeln!(talk, "warning: rules alone answered {fallbacks} items, marked `fallback`")?;
        }
        writeln!(talk, "{items} items, {broken} of them broken")?;
        Ok(if broken == 0 { ExitCode::SUCCESS } else { SOME_BROKEN.into() })
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
    tally: Tally,
}

#[derive(Default)]
struct Tally {
    items: u64,
    broken: u64,
    fallbacks: u64,
}

impl<W: Write> Run<W> {
    fn jsonl(&mut self, lines: Lines, unused: &Unused) -> anyhow::Result<()> {
        let is_blank = |line: &[u8]| line.trim_ascii().is_empty();
        let lines = lines.filter(|line| !line.as_ref().is_ok_and(|(_, line)| is_blank(line)));
        let now = self.now;
        self.answer_all(lines, |(number, line)| read_line(*number, line, now, unused))
    }

    fn csv(&mut self, lines: Lines, text_column: &str, unused: &Unused) -> anyhow::Result<()> {
        let mut records = Records::new(lines);
        let (_, header) = records.next().context("the CSV file has no header")??;
        let columns = Columns::find(header, text_column, unused)?;
        let now = self.now;
        self.answer_all(records, |(number, row)| columns.item(*number, row, now))
    }

    /// Judges numbered lines, and writes the answers in their order.
    fn answer_all<T: Sync>(
        &mut self,
        mut lines: impl Iterator<Item = anyhow::Result<(u64, T)>>,
        read: impl Fn(&(u64, T)) -> BulkItem + Sync + Send,
    ) -> anyhow::Result<()> {
        loop {
            let chunk: Vec<(u64, T)> = lines.by_ref().take(CHUNK).collect::<Result<_, _>>()?;
            if chunk.is_empty() {
                return Ok(());
            }
            let answers = answer_items(&self.engine, chunk.par_iter().map(&read));
            for ((line_number, _), answer) in chunk.iter().zip(answers) {
                self.write(*line_number, &answer)?;
            }
        }
    }

    fn write(&mut self, line_number: u64, answer: &ItemAnswer) -> anyhow::Result<()> {
        self.tally.items += 1;
        self.tally.fallbacks += u64::from(answer.is_fallback);
        self.out.write_all(&answer.json)?;
        self.out.write_all(b"\n")?;
        if !answer.mistakes.is_empty() {
            self.tally.broken += 1;
            let details: Vec<String> = answer
                .mistakes
                .iter()
                .map(|it| format!("{} {}", it.pointer, it.detail).trim().to_owned())
                .collect();
            let message = format!("line {line_number}: {}", details.join("; "));
            self.bar.suspend(|| writeln!(io::stderr(), "{message}"))?;
        }
        Ok(())
    }
}

/// Reads a line. A file may say more about a complaint than we read, such as its labels.
fn read_line(line_number: u64, line: &[u8], now: Timestamp, unused: &Unused) -> BulkItem {
    let place = Place::Line(line_number);
    let Ok(line) = str::from_utf8(line) else {
        return BulkItem::mistaken(place, None, vec![mistake("", NOT_UTF_8)]);
    };
    match serde_json::from_str(line) {
        Ok(Value::Object(mut object)) => {
            object.retain(|name, _| {
                let is_used = SUBMISSION_FIELDS.contains(&name.as_str());
                if !is_used {
                    unused.note(name);
                }
                is_used
            });
            BulkItem::from_value(place, Value::Object(object), now)
        }
        // What is no object, or no JSON, is answered with what is wrong with it.
        _ => BulkItem::from_json(place, line.as_bytes(), now),
    }
}
