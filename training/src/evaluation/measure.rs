//! The figures that sum up a head.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A figure that sums up a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// The share of texts whose labels are all right.
    Accuracy,
    /// The mean F1 of the labels that occur.
    MacroF1,
    /// The F1 over all labels of all texts; multi-label heads.
    MicroF1,
    /// Agreement that forgives neighbors; ordinal heads.
    QuadraticWeightedKappa,
    /// Expected calibration error; smaller is better.
    Ece,
    /// The share of texts that the head does not abstain on.
    Coverage,
    /// The accuracy on those.
    AccuracyWhenCovered,
    /// The mean accuracy over all coverages, surest texts first.
    PrecisionCoverageArea,
    /// The share of safety texts found at the stated rate of false alarms.
    SafetyRecall,
    /// The share of safety texts found as the head decides.
    SafetyRecallAsDecided,
    /// The share of other texts that the head raises an alarm for as it decides; smaller is
    /// better.
    SafetyFalseAlarmsAsDecided,
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Accuracy,
        Self::MacroF1,
        Self::MicroF1,
        Self::QuadraticWeightedKappa,
        Self::Ece,
        Self::Coverage,
        Self::AccuracyWhenCovered,
        Self::PrecisionCoverageArea,
        Self::SafetyRecall,
        Self::SafetyRecallAsDecided,
        Self::SafetyFalseAlarmsAsDecided,
    ];

    /// Whether a smaller value is better.
    pub const fn is_loss(self) -> bool {
        matches!(self, Self::Ece | Self::SafetyFalseAlarmsAsDecided)
    }

    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::MacroF1 => "macro-F1",
            Self::MicroF1 => "micro-F1",
            Self::QuadraticWeightedKappa => "quadratic kappa",
            Self::Ece => "ECE",
            Self::Coverage => "coverage",
            Self::AccuracyWhenCovered => "accuracy when covered",
            Self::PrecisionCoverageArea => "precision–coverage area",
            Self::SafetyRecall => "safety recall",
            Self::SafetyRecallAsDecided => "safety recall as decided",
            Self::SafetyFalseAlarmsAsDecided => "safety false alarms as decided",
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
