//! Why did a rule fire on this text, or why not?

use std::fmt;

use jiff::civil::Date;
use serde::Serialize;

use crate::domain::RuleId;
use crate::rules::lexicon::GuardPart;
use crate::rules::set::RuleSet;
use crate::rules::situation::Situation;
use crate::rules::trace::{ConditionTrace, RuleTrace, SeenPhrase};

/// How every rule came to its answer on one complaint. Quotes the complaint.
#[derive(Clone, Serialize)]
pub struct ExplainReport {
    /// The version of the rules.
    pub version: String,
    /// The rules that fired.
    pub fired: Vec<RuleId>,
    /// Every rule, fired or not.
    pub rules: Vec<RuleTrace>,
}

/// Explains every rule on one complaint.
pub fn explain(rules: &RuleSet, situation: &Situation<'_>, today: Date) -> ExplainReport {
    let traces = rules.explain(situation, today);
    ExplainReport {
        version: rules.version().to_owned(),
        fired: traces.iter().filter(|trace| trace.fired).map(|trace| trace.rule.clone()).collect(),
        rules: traces,
    }
}

impl fmt::Display for ExplainReport {
    /// Shows the rules that fired and those that found some of their words; counts the others.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "规则版本 {}，触发 {} 条", self.version, self.fired.len())?;
        let (shown, silent): (Vec<_>, Vec<_>) =
            self.rules.iter().partition(|trace| trace.fired || trace.condition.saw_words());
        let (fired, others): (Vec<_>, Vec<_>) = shown.into_iter().partition(|trace| trace.fired);
        for trace in fired.into_iter().chain(others) {
            write!(f, "{trace}")?;
        }
        writeln!(f, "其余 {} 条规则未见相关词句", silent.len())
    }
}

impl fmt::Display for RuleTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let note = if self.effective { "" } else { "，不在有效期内" };
        let mark = mark(self.fired);
        writeln!(f, "{mark} {} {}（{}{note}）", self.rule, self.name, self.kind.title())?;
        self.condition.write(f, 1)
    }
}

impl ConditionTrace {
    /// Whether a phrase stands in the text, taken back or not.
    fn saw_words(&self) -> bool {
        !self.seen.is_empty() || self.parts.iter().any(Self::saw_words)
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        let indent = "  ".repeat(depth);
        write!(f, "{indent}{} {}", mark(self.holds), self.title)?;
        if let Some(value) = &self.value {
            write!(f, "，实际 {value}")?;
        }
        writeln!(f)?;
        for seen in &self.seen {
            writeln!(f, "{indent}  · {seen}")?;
        }
        self.parts.iter().try_for_each(|part| part.write(f, depth + 1))
    }
}

impl fmt::Display for SeenPhrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}「{}」（第 {}", self.list, self.text, self.start + 1)?;
        match self.end - self.start {
            ..=1 => write!(f, " 字）")?,
            _ => write!(f, "–{} 字）", self.end)?,
        }
        let Some(guard) = &self.suppressed_by else { return Ok(()) };
        let part = match guard.part {
            GuardPart::Before => "前词",
            GuardPart::After => "后词",
            GuardPart::Idiom => "习语",
        };
        write!(f, "，因护栏 {} 的{part}「{}」不计", guard.guard, guard.word)
    }
}

const fn mark(holds: bool) -> char {
    if holds { '✓' } else { '✗' }
}
