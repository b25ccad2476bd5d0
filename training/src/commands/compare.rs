//! `fenzhen-lab compare`: two bundles on the same texts.

use fenzhen::config::OutputFormat;
use std::{
    io::{self, Write},
    path::PathBuf,
};

use crate::commands::judging::{JudgingArguments, Opened};
use crate::evaluation::{
    Comparison, Difference, HeadComparison, Interval, Judged, Verdict, compare,
};

/// Compare two bundles on the same labelled texts.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The folder of the first bundle
    a: PathBuf,
    /// The folder of the second bundle
    b: PathBuf,
    #[command(flatten)]
    judging: JudgingArguments,
    /// What to print
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let judged = |dir: &PathBuf| -> anyhow::Result<Judged> {
        let opened = Opened::open(dir)?;
        // Each model reads the labels by its own taxonomy.
        arguments.judging.judge(&opened, &arguments.judging.read(&opened)?)
    };
    let (a, b) = (judged(&arguments.a)?, judged(&arguments.b)?);
    let comparison = compare(&a, &b, &arguments.judging.settings())?;
    match arguments.format {
        OutputFormat::Json => {
            let mut out = io::stdout().lock();
            serde_json::to_writer_pretty(&mut out, &comparison)?;
            writeln!(out)?;
        }
        OutputFormat::Text => print(&comparison)?,
    }
    Ok(())
}

fn print(comparison: &Comparison) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "A  {}\nB  {}", comparison.a, comparison.b)?;
    writeln!(out, "the same {} texts, differences are B less A", comparison.n_texts)?;
    for (head, compared) in &comparison.heads {
        print_head(&mut out, head, compared)?;
    }
    for head in &comparison.not_compared {
        writeln!(out, "\n{head}: not compared, the models do not share it with the same labels")?;
    }
    Ok(())
}

fn print_head(out: &mut impl Write, head: &str, compared: &HeadComparison) -> io::Result<()> {
    let test = compared.mcnemar;
    writeln!(out, "\n{head}: {}", sentence(compared.verdict))?;
    writeln!(
        out,
        "  only A right on {}, only B right on {} (McNemar, {})",
        test.only_a_right,
        test.only_b_right,
        p_value(test.p_value)
    )?;
    for (measure, difference) in &compared.measures {
        writeln!(out, "  {}  {measure}", in_figures(difference))?;
    }
    writeln!(out, "\n  F1 by label; p of McNemar, raised for the number of labels (Holm)")?;
    for (label, compared) in &compared.labels {
        writeln!(
            out,
            "  {}  {:10}  {:5} texts  {:13}  {label}",
            in_figures(&compared.f1),
            p_value(compared.p_adjusted),
            compared.n_texts,
            compared.verdict
        )?;
    }
    Ok(())
}

const fn sentence(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::ABetter => "A is better, and chance alone would hardly make such a difference",
        Verdict::BBetter => "B is better, and chance alone would hardly make such a difference",
        Verdict::MayBeChance => "the difference may be chance",
        Verdict::Mixed => "mixed: A is better by one measure and B by another",
    }
}

fn p_value(p: f64) -> String {
    if p < 0.0001 { "p < 0.0001".to_owned() } else { format!("p = {p:.4}") }
}

fn in_figures(difference: &Difference) -> String {
    let interval = match difference.interval {
        Some(Interval(low, high)) => format!("[{low:+.4}, {high:+.4}]"),
        None => String::new(),
    };
    format!(
        "{:7.4} {:7.4}  {:+.4} {interval:18}",
        difference.a, difference.b, difference.difference
    )
}
