//! `fenzhen-lab evaluate`: a bundle judged on labelled texts.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use fenzhen::config::OutputFormat;

use crate::card;
use crate::commands::judging::{JudgingArguments, Opened};
use crate::evaluation::{Evaluation, HeadEvaluation, Interval, Measure, evaluate};
use crate::report::Report;

/// Judge a bundle on labelled texts.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The bundle's folder
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    #[command(flatten)]
    judging: JudgingArguments,
    /// Write a report for reviewers, one HTML file with plots and the worst mistakes
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Write the model card, Markdown
    #[arg(long, value_name = "FILE")]
    card: Option<PathBuf>,
    /// What to print
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let opened = Opened::open(&arguments.model)?;
    let dataset = arguments.judging.read(&opened)?;
    let judged = arguments.judging.judge(&opened, &dataset)?;
    let evaluation = evaluate(&judged, &arguments.judging.settings())?;
    let manifest = opened.bundle.manifest();
    if let Some(path) = &arguments.report {
        let report =
            Report { manifest, judged: &judged, evaluation: &evaluation, texts: &dataset.texts };
        write_file(path, &report.html())?;
    }
    if let Some(path) = &arguments.card {
        write_file(path, &card::judged(manifest, &evaluation))?;
    }
    match arguments.format {
        OutputFormat::Json => {
            let mut out = io::stdout().lock();
            serde_json::to_writer_pretty(&mut out, &evaluation)?;
            writeln!(out)?;
        }
        OutputFormat::Text => print(&evaluation)?,
    }
    Ok(())
}

fn write_file(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))
}

fn print(evaluation: &Evaluation) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{} on {} texts", evaluation.model, evaluation.n_texts)?;
    for (head, judged) in &evaluation.heads {
        writeln!(out, "\n{head}, {} texts", judged.report.n_texts)?;
        for measure in Measure::ALL {
            if let Some(value) = judged.value(measure) {
                let interval = in_brackets(judged.intervals.get(&measure).copied());
                writeln!(out, "  {value:7.4} {interval}  {measure}")?;
            }
        }
        print_labels(&mut out, judged)?;
    }
    Ok(())
}

fn print_labels(out: &mut impl Write, judged: &HeadEvaluation) -> io::Result<()> {
    writeln!(out, "\n  precision  recall      F1  {:17}  texts  label", "95 % of F1")?;
    for (label, report) in &judged.report.labels {
        let interval = judged.label_intervals.get(label).and_then(|intervals| intervals.f1);
        writeln!(
            out,
            "  {:9.3}  {:6.3}  {:6.3}  {:17}  {:5}  {label}",
            report.precision,
            report.recall,
            report.f1,
            in_brackets(interval),
            report.n_texts
        )?;
    }
    Ok(())
}

fn in_brackets(interval: Option<Interval>) -> String {
    match interval {
        Some(Interval(low, high)) => format!("[{low:.4}, {high:.4}]"),
        None => String::new(),
    }
}
