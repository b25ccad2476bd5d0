//! Judges classifiers: figures with bootstrap intervals, and paired comparisons of two. It prints
//! nothing and holds no text; the report does.

mod answers;
mod bootstrap;
mod comparison;
mod coverage;
mod evaluate;
mod mcnemar;
mod measure;
mod safety;
mod sheet;

#[cfg(test)]
mod tests;

pub use answers::{Answer, Judged, JudgedHead, judge};
pub use bootstrap::{Interval, Resampling};
pub use comparison::{Comparison, Difference, HeadComparison, LabelComparison, Verdict, compare};
pub use coverage::CoveragePoint;
pub use evaluate::{
    BinaryConfusion, Confusion, Evaluation, HeadEvaluation, LabelIntervals, ReliabilityBin,
    Settings, evaluate,
};
pub use mcnemar::McNemar;
pub use measure::Measure;
pub use safety::{SafetyQuestion, SafetyReport};

/// Why texts cannot be judged or judgments not be compared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A `--safety` argument does not parse.
    #[error("`{argument}` does not name safety labels: write them as in `severity=high,critical`")]
    SafetyArgument {
        /// The argument.
        argument: String,
    },
    /// No text has a label.
    #[error("no text has a label for any head: nothing can be judged")]
    Unlabelled,
    /// Questions that do not fit the heads, all of them.
    #[error("the safety labels have mistakes: {}", .0.join("; "))]
    Safety(Vec<String>),
    /// Two models were judged on different texts.
    #[error("`{a}` and `{b}` were judged on different texts: judge both on the same files")]
    DifferentTexts {
        /// One model.
        a: String,
        /// The other model.
        b: String,
    },
    /// Two models have nothing in common.
    #[error("`{a}` and `{b}` have no head with the same labels: nothing can be compared")]
    NothingInCommon {
        /// One model.
        a: String,
        /// The other model.
        b: String,
    },
}
