//! `fenzhen-lab evaluate`: a bundle judged on labelled texts.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::PathBuf,
};

use fenzhen::domain::Prediction;
use fenzhen::inference::{Choice, load};
use fenzhen::registry::Bundle;
use fenzhen::text::Analyzer;
use rayon::prelude::*;
use serde::Serialize;

use crate::dataset::{Columns, Dataset, HeadColumn, Table};
use crate::metrics::{self, HeadReport};

/// Judge a bundle on labelled texts.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The bundle's folder
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// Labelled texts, `.jsonl` or `.csv` in UTF-8; may be given several times
    #[arg(long, value_name = "FILE", required = true)]
    data: Vec<PathBuf>,
    /// The column of the text
    #[arg(long, value_name = "COLUMN", default_value = "text")]
    text_column: String,
    /// A head and its column; others are not judged [default: every head, each in its own column]
    #[arg(long, value_name = "NAME=COLUMN")]
    head: Vec<HeadColumn>,
    /// What to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// A table for people
    Text,
    /// One JSON object
    Json,
}

#[derive(Debug, Serialize)]
struct Report {
    model: String,
    n_texts: usize,
    heads: BTreeMap<String, HeadReport>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let bundle = Bundle::open(&arguments.model)?;
    let classifier = load(&bundle)?;
    let (columns, taxonomy) =
        Columns::for_taxonomy(&arguments.text_column, &arguments.head, classifier.taxonomy())?;
    let dataset = Dataset::new(Table::read(&arguments.data, &columns)?, taxonomy)?;
    let analyzer = Analyzer::default();
    let predictions: Vec<Prediction> =
        dataset.texts.par_iter().map(|text| classifier.classify(&analyzer.analyze(text))).collect();
    let mut report =
        Report { model: bundle.version(), n_texts: dataset.texts.len(), heads: BTreeMap::new() };
    for (head, labels) in dataset.taxonomy.heads().iter().zip(&dataset.labels) {
        let choices: Vec<Choice> =
            predictions.iter().map(|prediction| choice(prediction, head.id.as_str())).collect();
        report.heads.insert(head.id.to_string(), metrics::report(head, &choices, labels));
    }
    print(&report, arguments.format)
}

fn choice(prediction: &Prediction, head: &str) -> Choice {
    let (_, answer) = prediction.find_head(head).expect("the heads are the classifier's own");
    Choice {
        probabilities: answer.probabilities.clone(),
        chosen: answer.chosen.clone(),
        abstains: answer.abstains,
    }
}

fn print(report: &Report, format: Format) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    if matches!(format, Format::Json) {
        serde_json::to_writer_pretty(&mut out, report)?;
        writeln!(out)?;
        return Ok(());
    }
    writeln!(out, "{} on {} texts", report.model, report.n_texts)?;
    for (head, judged) in &report.heads {
        write!(out, "\n{head}: accuracy {:.4}, macro-F1 {:.4}", judged.accuracy, judged.macro_f1)?;
        if let Some(kappa) = judged.quadratic_weighted_kappa {
            write!(out, ", quadratic kappa {kappa:.4}")?;
        }
        if let Some(micro_f1) = judged.micro_f1 {
            write!(out, ", micro-F1 {micro_f1:.4}")?;
        }
        writeln!(out, ", ECE {:.4}", judged.ece)?;
        let covered = judged.accuracy_when_covered;
        writeln!(
            out,
            "  sure enough on {:.1} %, accuracy there {covered:.4}",
            judged.coverage * 100.0
        )?;
        for (label, of_label) in &judged.labels {
            writeln!(
                out,
                "  {:.3} precision  {:.3} recall  {:.3} F1  {:5} texts  {label}",
                of_label.precision, of_label.recall, of_label.f1, of_label.n_texts
            )?;
        }
    }
    Ok(())
}
