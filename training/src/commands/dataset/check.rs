//! `fenzhen-lab dataset check`: copies, contradictions, leakage and templates.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use fenzhen::config::OutputFormat;
use serde::Serialize;
use serde_json::json;

use crate::commands::dataset::print_json;
use crate::commands::input::Input;
use crate::dataset::{
    Budget, CheckSettings, Checked, Columns, Conflict, Findings, Frame, Limits, Match, Table,
};
use crate::progress::Progress;

/// Look for duplicates and near-duplicates, labels that contradict each other, texts shared with
/// files that are held apart, and wordings that recur. Fails when it finds rows that cannot be
/// used or texts that leak.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    input: Input,
    /// A file that must share no text with the others, such as a test or gold set; may be given
    /// several times
    #[arg(long, value_name = "FILE")]
    against: Vec<PathBuf>,
    /// Texts that share this part of their character 4-grams are near-duplicates
    #[arg(long, value_name = "SHARE", default_value_t = 0.5, value_parser = share)]
    threshold: f32,
    /// A wording in this many texts is told as a frame
    #[arg(long, value_name = "N", default_value_t = 7)]
    frame_texts: usize,
    /// How many of each finding are printed
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// Fails for these as well
    #[arg(long, value_enum, value_delimiter = ',', value_name = "FINDING")]
    deny: Vec<Finding>,
    /// Writes every pair with its texts as JSONL, for people to look at
    #[arg(long, value_name = "FILE")]
    pairs: Option<PathBuf>,
    /// What to print
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Finding {
    /// Texts that are the same
    Duplicates,
    /// Texts that are nearly the same
    NearDuplicates,
    /// Copies with different labels
    Conflicts,
    /// Openings and stretches that recur
    Frames,
}

/// A share of more than nothing and at most all.
pub(super) fn share(argument: &str) -> Result<f32, String> {
    match argument.parse::<f32>() {
        Ok(share) if (0.05..=1.0).contains(&share) => Ok(share),
        _ => Err("give a number from 0.05 to 1".to_owned()),
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let progress = Progress::new();
    progress.step("reading data");
    let columns = arguments.input.columns()?;
    let limits = Limits { budget: Budget::to_compare(), sample: None };
    let (own, mistakes) = arguments.input.read_what_can_be(&columns, limits)?;
    let checked = Checked { own, apart: read_apart(arguments, limits)? };
    progress.step("comparing texts");
    let settings =
        CheckSettings { threshold: arguments.threshold, frame_texts: arguments.frame_texts };
    let findings = checked.check(&columns, &mistakes, settings);
    if let Some(path) = &arguments.pairs {
        write_pairs(path, &findings, &checked)?;
    }
    let report = Report::new(&findings, arguments.limit);
    match arguments.format {
        OutputFormat::Json => print_json(&report)?,
        OutputFormat::Text => print(&report)?,
    }
    progress.step("done");
    judge(arguments, &findings)
}

fn read_apart(arguments: &Arguments, limits: Limits) -> anyhow::Result<Vec<Table>> {
    let columns = Columns { text: arguments.input.text_column.clone(), heads: Vec::new() };
    let read = |path| Ok(Table::read_within(&[path], &columns, limits)?);
    arguments.against.iter().map(read).collect()
}

/// What is printed: every count, and the first of each finding.
#[derive(Serialize)]
struct Report<'a> {
    n_texts: usize,
    threshold: f32,
    n_unusable: usize,
    n_duplicates: usize,
    n_near_duplicates: usize,
    n_conflicts: usize,
    n_leaks: usize,
    n_openings: usize,
    n_stretches: usize,
    unusable: &'a [String],
    duplicates: &'a [Match],
    near_duplicates: &'a [Match],
    conflicts: &'a [Conflict],
    leakage: &'a [Match],
    openings: &'a [Frame],
    stretches: &'a [Frame],
}

impl<'a> Report<'a> {
    fn new(findings: &'a Findings, limit: usize) -> Self {
        fn first<T>(all: &[T], limit: usize) -> &[T] {
            &all[..limit.min(all.len())]
        }
        Self {
            n_texts: findings.n_texts,
            threshold: findings.threshold,
            n_unusable: findings.n_unusable,
            n_duplicates: findings.duplicates.len(),
            n_near_duplicates: findings.near_duplicates.len(),
            n_conflicts: findings.conflicts.len(),
            n_leaks: findings.leakage.len(),
            n_openings: findings.frames.openings.len(),
            n_stretches: findings.frames.stretches.len(),
            unusable: first(&findings.unusable, limit),
            duplicates: first(&findings.duplicates, limit),
            near_duplicates: first(&findings.near_duplicates, limit),
            conflicts: first(&findings.conflicts, limit),
            leakage: first(&findings.leakage, limit),
            openings: first(&findings.frames.openings, limit),
            stretches: first(&findings.frames.stretches, limit),
        }
    }
}

fn print(report: &Report<'_>) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{} texts", report.n_texts)?;
    writeln!(out, "{} rows that cannot be used", report.n_unusable)?;
    for mistake in report.unusable {
        writeln!(out, "  {mistake}")?;
    }
    let percent = report.threshold * 100.0;
    let near = format!("pairs share {percent:.0} % of their 4-grams or more");
    for (n_found, what, matches) in [
        (report.n_leaks, "pairs leak between files", report.leakage),
        (report.n_duplicates, "texts are there before", report.duplicates),
        (report.n_near_duplicates, near.as_str(), report.near_duplicates),
    ] {
        writeln!(out, "{n_found} {what}")?;
        for it in matches {
            writeln!(out, "  {:.2}  {} and {}", it.similarity, it.first, it.second)?;
        }
    }
    writeln!(out, "{} copies have other labels", report.n_conflicts)?;
    for it in report.conflicts {
        let (labels, others) = (it.labels.join("|"), it.others.join("|"));
        let texts = &it.texts;
        writeln!(out, "  {}: {labels} at {}, {others} at {}", it.head, texts.first, texts.second)?;
    }
    for (n_found, what, frames) in [
        (report.n_openings, "openings recur", report.openings),
        (report.n_stretches, "stretches recur", report.stretches),
    ] {
        writeln!(out, "{n_found} {what}")?;
        for frame in frames {
            writeln!(out, "  {:6} texts  {}", frame.n_texts, frame.letters)?;
        }
    }
    Ok(())
}

fn write_pairs(path: &Path, findings: &Findings, checked: &Checked) -> anyhow::Result<()> {
    let context = || format!("cannot write `{}`", path.display());
    let mut file = BufWriter::new(File::create(path).with_context(context)?);
    let rows: Vec<_> = checked.rows().collect();
    let near = findings.near_duplicates.iter().map(|it| ("near_duplicate", it));
    let same = findings.duplicates.iter().map(|it| ("duplicate", it));
    let leaks = findings.leakage.iter().map(|it| ("leakage", it));
    for (finding, it) in leaks.chain(near).chain(same) {
        let line = json!({
            "finding": finding,
            "similarity": it.similarity,
            "first": it.first,
            "second": it.second,
            "first_id": rows[it.pair.0].id,
            "second_id": rows[it.pair.1].id,
            "first_text": rows[it.pair.0].text,
            "second_text": rows[it.pair.1].text,
        });
        writeln!(file, "{line}").with_context(context)?;
    }
    file.flush().with_context(context)
}

fn judge(arguments: &Arguments, findings: &Findings) -> anyhow::Result<()> {
    let frames = &findings.frames;
    let n_frames = frames.openings.len() + frames.stretches.len();
    let denied = [
        (Finding::Duplicates, findings.duplicates.len(), "duplicates"),
        (Finding::NearDuplicates, findings.near_duplicates.len(), "near-duplicates"),
        (Finding::Conflicts, findings.conflicts.len(), "conflicting labels"),
        (Finding::Frames, n_frames, "recurring wordings"),
    ];
    let denied = denied.iter().filter(|(finding, ..)| arguments.deny.contains(finding));
    let always = [
        (findings.n_unusable, "rows that cannot be used"),
        (findings.leakage.len(), "leaking pairs"),
    ];
    let found: Vec<String> = always
        .into_iter()
        .chain(denied.map(|&(_, n_found, what)| (n_found, what)))
        .filter(|&(n_found, _)| 0 < n_found)
        .map(|(n_found, what)| format!("{n_found} {what}"))
        .collect();
    anyhow::ensure!(
        found.is_empty(),
        "found {}\nhint: delete or repair those rows; `--pairs FILE` writes pairs with their texts, `dataset split` keeps copies together",
        found.join(", ")
    );
    Ok(())
}
