//! `fenzhen-lab dataset audit`: labels that are probably wrong, for people to look at.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use fenzhen::config::OutputFormat;
use serde::Serialize;

use crate::commands::dataset::print_json;
use crate::commands::input::{Chosen, Input};
use crate::commands::start::Start;
use crate::crossval::{out_of_fold, stratified_folds};
use crate::dataset::{Budget, Doubt, Limits, Table, doubts};
use crate::progress::Progress;
use crate::recipe::Recipe;

/// Find likely label errors: models of other folds answer every text, and confident learning tells
/// where they contradict its label. Writes a file to review, the worst first; nothing is changed.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    input: Input,
    /// How to train [default: a built-in recipe for tables]
    #[arg(long, value_name = "FILE")]
    recipe: Option<PathBuf>,
    #[command(flatten)]
    start: Start,
    /// How many folds
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(2..=50))]
    folds: u16,
    /// The JSONL file to write: place, id, head, given and suggested labels, reason and text
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// At most this many doubts per head
    #[arg(long, value_name = "N", default_value_t = 500)]
    limit: usize,
    /// What to print
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

#[derive(Debug, Serialize)]
struct Report {
    n_texts: usize,
    heads: BTreeMap<String, HeadSummary>,
}

#[derive(Debug, Serialize)]
struct HeadSummary {
    n_labelled: usize,
    n_doubts: usize,
    /// The share of labels that are doubted.
    doubted_share: f64,
    /// The most frequent corrections.
    corrections: Vec<Correction>,
}

#[derive(Debug, Serialize)]
struct Correction {
    given: String,
    suggested: String,
    n_texts: usize,
}

/// A line of the review file.
#[derive(Debug, Serialize)]
struct Line<'a> {
    rank: usize,
    place: String,
    id: Option<&'a str>,
    #[serde(flatten)]
    doubt: &'a Doubt,
    text: &'a str,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let progress = Progress::new();
    let recipe = match &arguments.recipe {
        Some(path) => Recipe::read(path)?.0,
        None => Recipe::for_tables().0,
    };
    let chosen = Chosen { recipe: &recipe, file: arguments.recipe.as_deref() };
    progress.step("reading data");
    let limits = Limits { budget: Budget::to_train(None), sample: None };
    let (table, dataset) = arguments.input.read_trainable(chosen, limits)?;
    let frozen = arguments.start.freeze(chosen, &dataset, &progress)?;
    progress.step("training folds");
    let folds = stratified_folds(&dataset, 0, 0.5, usize::from(arguments.folds), recipe.seed);
    let answered = out_of_fold(&dataset, &recipe, frozen.as_ref(), &folds, &progress)?;
    let mut report = Report { n_texts: dataset.texts.len(), heads: BTreeMap::new() };
    let mut kept = Vec::new();
    let heads = dataset.taxonomy.heads().iter().zip(&answered.choices).zip(&dataset.labels);
    for ((head, choices), labels) in heads {
        let mut found = doubts(head, choices, labels);
        let n_labelled = labels.iter().flatten().count();
        report.heads.insert(head.id.to_string(), summary(n_labelled, &found));
        found.truncate(arguments.limit);
        kept.extend(found);
    }
    write(&arguments.out, &table, &kept)?;
    progress.step(&format!("wrote {} doubts to `{}`", kept.len(), arguments.out.display()));
    match arguments.format {
        OutputFormat::Json => print_json(&report),
        OutputFormat::Text => print(&report),
    }
}

fn summary(n_labelled: usize, found: &[Doubt]) -> HeadSummary {
    const MAX_CORRECTIONS: usize = 10;
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    for doubt in found {
        let key = (doubt.given.join("|"), doubt.suggested.join("|"));
        *counts.entry(key).or_default() += 1;
    }
    let mut corrections: Vec<Correction> = counts
        .into_iter()
        .map(|((given, suggested), n_texts)| Correction { given, suggested, n_texts })
        .collect();
    corrections.sort_by_key(|correction| std::cmp::Reverse(correction.n_texts));
    corrections.truncate(MAX_CORRECTIONS);
    let n_doubts = found.len();
    let doubted_share = n_doubts as f64 / n_labelled.max(1) as f64;
    HeadSummary { n_labelled, n_doubts, doubted_share, corrections }
}

/// The worst first, whatever the head.
fn write(path: &Path, table: &Table, doubts: &[Doubt]) -> anyhow::Result<()> {
    let context = || format!("cannot write `{}`", path.display());
    let mut ranked: Vec<&Doubt> = doubts.iter().collect();
    let margin = |doubt: &Doubt| doubt.suggested_probability - doubt.given_probability;
    ranked.sort_by(|a, b| margin(b).total_cmp(&margin(a)).then(a.text.cmp(&b.text)));
    let mut file = BufWriter::new(File::create(path).with_context(context)?);
    for (rank, doubt) in (1..).zip(ranked) {
        let row = &table.rows[doubt.text];
        let (place, id) = (table.place(row.place), row.id.as_deref());
        let line = Line { rank, place, id, doubt, text: &row.text };
        serde_json::to_writer(&mut file, &line).with_context(context)?;
        file.write_all(b"\n").with_context(context)?;
    }
    file.flush().with_context(context)
}

fn print(report: &Report) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    for (head, summary) in &report.heads {
        let percent = 100.0 * summary.doubted_share;
        writeln!(
            out,
            "{head}: {} of {} labels are doubted ({percent:.1} %)",
            summary.n_doubts, summary.n_labelled
        )?;
        for it in &summary.corrections {
            let empty =
                |labels: &String| if labels.is_empty() { "-".to_owned() } else { labels.clone() };
            writeln!(out, "  {:5}  {} -> {}", it.n_texts, empty(&it.given), empty(&it.suggested))?;
        }
    }
    Ok(())
}
