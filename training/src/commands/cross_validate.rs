//! `fenzhen-lab cross-validate`: how well a recipe does on a table, measured on texts that the
//! measured model never saw.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use fenzhen::config::OutputFormat;
use fenzhen::inference::Choice;
use serde::Serialize;

use crate::commands::input::{Chosen, Input};
use crate::commands::start::Start;
use crate::crossval::{out_of_fold, stratified_folds};
use crate::dataset::{Budget, Dataset, Folds, Limits, Table};
use crate::metrics::{self, HeadReport};
use crate::progress::Progress;
use crate::recipe::Recipe;

/// Measure a recipe on a table by cross-validation; every fold is trained and calibrated anew. Of a
/// recipe with an encoder, heads are: its vectors are computed once.
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
    /// The seed of the folds
    #[arg(long, value_name = "SEED", default_value_t = 7)]
    seed: u64,
    /// The head whose labels every fold gets its share of [default: the first]
    #[arg(long, value_name = "HEAD")]
    stratify: Option<String>,
    /// Texts that share this part of their character 4-grams stay in one fold
    #[arg(long, value_name = "SHARE", default_value_t = 0.5)]
    threshold: f32,
    /// Writes row, file, line and fold of every text as CSV, for others to run on the same folds
    #[arg(long, value_name = "FILE")]
    folds_out: Option<PathBuf>,
    /// What to print
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

#[derive(Debug, Serialize)]
struct Report {
    recipe: String,
    n_texts: usize,
    n_folds: usize,
    /// Seconds of training, all folds together.
    seconds: f32,
    heads: BTreeMap<String, Judged>,
}

#[derive(Debug, Serialize)]
struct Judged {
    /// Over all out-of-fold answers together.
    #[serde(flatten)]
    pooled: HeadReport,
    /// Fold by fold.
    fold_accuracy: Vec<f64>,
    fold_macro_f1: Vec<f64>,
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
    progress.step("looking for near-duplicates");
    let head_idx = stratum(arguments.stratify.as_deref(), &dataset)?;
    let n_folds = usize::from(arguments.folds);
    let folds = stratified_folds(&dataset, head_idx, arguments.threshold, n_folds, arguments.seed);
    if let Some(path) = &arguments.folds_out {
        write_folds(path, &table, &folds)?;
    }
    progress.step("training each fold");
    let answered = out_of_fold(&dataset, &recipe, frozen.as_ref(), &folds, &progress)?;
    let heads = dataset.taxonomy.heads().iter().zip(&answered.choices).zip(&dataset.labels);
    let heads = heads.map(|((head, choices), labels)| {
        let of_fold = |fold: usize| {
            let (_, inside) = folds.split(fold);
            let choices: Vec<Choice> = inside.iter().map(|&text| choices[text].clone()).collect();
            let labels: Vec<_> = inside.iter().map(|&text| labels[text].clone()).collect();
            metrics::report(head, &choices, &labels)
        };
        let by_fold: Vec<HeadReport> = (0..folds.n_folds()).map(of_fold).collect();
        let judged = Judged {
            pooled: metrics::report(head, choices, labels),
            fold_accuracy: by_fold.iter().map(|report| report.accuracy).collect(),
            fold_macro_f1: by_fold.iter().map(|report| report.macro_f1).collect(),
        };
        (head.id.to_string(), judged)
    });
    let report = Report {
        heads: heads.collect(),
        n_texts: dataset.texts.len(),
        n_folds,
        seconds: answered.seconds.iter().sum(),
        recipe: recipe.name.clone(),
    };
    print(&report, arguments.format)
}

fn stratum(named: Option<&str>, dataset: &Dataset) -> anyhow::Result<usize> {
    let Some(name) = named else { return Ok(0) };
    let heads = dataset.taxonomy.heads();
    heads.iter().position(|head| head.id.as_str() == name).with_context(|| {
        let known: Vec<String> = heads.iter().map(|head| format!("`{}`", head.id)).collect();
        format!("there is no head `{name}`\nhint: stratify by one of {}", known.join(", "))
    })
}

fn write_folds(path: &Path, table: &Table, folds: &Folds) -> anyhow::Result<()> {
    let rows = table.rows.iter().zip(folds.of()).enumerate();
    let lines: Vec<String> = rows
        .map(|(row, (it, fold))| format!("{row},{},{},{fold}\n", it.place.file, it.place.line))
        .collect();
    fs::write(path, format!("row,file,line,fold\n{}", lines.concat()))
        .with_context(|| format!("cannot write `{}`", path.display()))
}

fn print(report: &Report, format: OutputFormat) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    if format == OutputFormat::Json {
        serde_json::to_writer_pretty(&mut out, report)?;
        writeln!(out)?;
        return Ok(());
    }
    writeln!(
        out,
        "recipe `{}` on {} texts, {} folds, {:.1} s of training",
        report.recipe, report.n_texts, report.n_folds, report.seconds
    )?;
    for (head, judged) in &report.heads {
        let pooled = &judged.pooled;
        write!(out, "\n{head}: accuracy {:.4}, macro-F1 {:.4}", pooled.accuracy, pooled.macro_f1)?;
        if let Some(kappa) = pooled.quadratic_weighted_kappa {
            write!(out, ", quadratic kappa {kappa:.4}")?;
        }
        let folds: Vec<String> =
            judged.fold_macro_f1.iter().map(|value| format!("{value:.3}")).collect();
        writeln!(out, ", ECE {:.4}\n  macro-F1 by fold: {}", pooled.ece, folds.join(" "))?;
        for (label, of_label) in &pooled.labels {
            writeln!(
                out,
                "  {:.3} precision  {:.3} recall  {:.3} F1  {:5} texts  {label}",
                of_label.precision, of_label.recall, of_label.f1, of_label.n_texts
            )?;
        }
    }
    Ok(())
}
