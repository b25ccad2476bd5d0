//! The outcome of the gate as a table for people.

use std::io::{self, Write};

use fenzhen::registry::{Live, Verdict};

use crate::evaluation::Interval;
use crate::gate::{Check, Outcome};

impl Outcome {
    /// Writes every check with its figures and verdict, and what they come to.
    pub fn write_table(&self, out: &mut impl Write) -> io::Result<()> {
        let live = self.live.as_ref().map_or("none".to_owned(), Live::version);
        writeln!(out, "live       {live}\ncandidate  {}\n", self.candidate.version())?;
        let width = self.checks.iter().map(|check| check.name.chars().count()).max().unwrap_or(0);
        writeln!(
            out,
            "{:width$}  {:>6}  {:>9}  {:>7}  {:^17}  {:>7}  verdict",
            "check", "live", "candidate", "change", "95 % interval", "limit"
        )?;
        for check in &self.checks {
            write_check(out, check, width)?;
        }
        let n_failed = self.failures().count();
        let verdict = if n_failed == 0 {
            "the gate is open".to_owned()
        } else {
            format!("the gate stays shut: {n_failed} of {} checks failed", self.checks.len())
        };
        writeln!(out, "\n{verdict}")
    }
}

fn write_check(out: &mut impl Write, check: &Check, width: usize) -> io::Result<()> {
    let word = match check.verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "FAIL",
        Verdict::Skip => "skip",
    };
    let padding = " ".repeat(width - check.name.chars().count());
    write!(out, "{}{padding}  ", check.name)?;
    let (Some(live), Some(candidate)) = (check.live, check.candidate) else {
        return writeln!(out, "{:54}  {word}  {}", "", check.note);
    };
    let interval = match check.interval {
        Some(Interval(low, high)) => format!("{low:+.3} … {high:+.3}"),
        None => String::new(),
    };
    let limit = check.limit.map_or_else(String::new, |limit| format!("{limit:+.3}"));
    let change = candidate - live;
    let row = format!(
        "{live:6.3}  {candidate:9.3}  {change:+7.3}  {interval:17}  {limit:>7}  {word}  {}",
        check.note
    );
    writeln!(out, "{}", row.trim_end())
}
