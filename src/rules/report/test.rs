//! Do the examples of the rules hold?

use std::fmt;

use serde::Serialize;

use crate::domain::RuleId;
use crate::rules::compile::{Draft, Vocabulary};
use crate::rules::examples::Trial;
use crate::rules::mistake::Mistake;
use crate::rules::source::RuleFile;
use crate::text::Analyzer;

/// Every example of every rule, tried. A rule with mistakes of another sort has no examples here.
#[derive(Clone, Debug, Serialize)]
pub struct TestReport {
    /// How many examples hold.
    pub n_passed: usize,
    /// How many do not.
    pub n_failed: usize,
    /// The examples by rule, in the order of the files.
    pub rules: Vec<RuleTrials>,
    /// What is wrong besides.
    pub mistakes: Vec<Mistake>,
}

/// The examples of a rule.
#[derive(Clone, Debug, Serialize)]
pub struct RuleTrials {
    /// The rule.
    pub rule: RuleId,
    /// Its name for people.
    pub name: String,
    /// Its examples.
    pub trials: Vec<Trial>,
}

/// Tries every example of every rule.
pub fn test(files: &[RuleFile], vocabulary: &Vocabulary<'_>, analyzer: &Analyzer) -> TestReport {
    let draft = Draft::compile(files, *vocabulary, analyzer);
    let trials = draft.try_examples(vocabulary.taxonomy, analyzer);
    let n_passed = trials.iter().filter(|trial| trial.passed()).count();
    let n_failed = trials.len() - n_passed;
    let mut trials = trials.into_iter().peekable();
    let rules = draft.rules.iter().map(|draft| RuleTrials {
        rule: draft.rule.id.clone(),
        name: draft.rule.name.clone(),
        // Trials come in the order of the rules.
        trials: std::iter::from_fn(|| trials.next_if(|trial| trial.rule == draft.rule.id))
            .collect(),
    });
    TestReport { n_passed, n_failed, rules: rules.collect(), mistakes: draft.findings.mistakes }
}

impl TestReport {
    /// Whether everything is right.
    pub const fn passed(&self) -> bool {
        self.n_failed == 0 && self.mistakes.is_empty()
    }
}

impl fmt::Display for TestReport {
    /// Rules whose examples all hold take one line each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for RuleTrials { rule, name, trials } in &self.rules {
            let n_passed = trials.iter().filter(|trial| trial.passed()).count();
            let mark = if n_passed == trials.len() { '✓' } else { '✗' };
            writeln!(f, "{mark} {rule} {name}：{n_passed}/{}", trials.len())?;
            for trial in trials.iter().filter(|trial| !trial.passed()) {
                let verdict = if trial.expected {
                    "应当触发而未触发"
                } else {
                    "不应触发而触发"
                };
                writeln!(f, "    {} {verdict}：「{}」", trial.example, trial.text)?;
            }
        }
        if !self.mistakes.is_empty() {
            writeln!(f, "另有错误 {} 处：", self.mistakes.len())?;
        }
        for mistake in &self.mistakes {
            writeln!(f, "- {mistake}")?;
        }
        writeln!(f, "示例 {} 个通过，{} 个未通过", self.n_passed, self.n_failed)
    }
}
