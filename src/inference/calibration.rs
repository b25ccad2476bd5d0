//! From scores to probabilities, and from probabilities to a choice. The lab fits the numbers
//! with these same functions.

use crate::domain::HeadKind;
use crate::registry::{Calibration, HeadDecision};

/// What a head chooses.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// One probability per label.
    pub probabilities: Vec<f32>,
    /// Positions of the chosen labels.
    pub chosen: Vec<usize>,
    /// Whether the choice is too unsure to be followed.
    pub abstains: bool,
}

/// How probable it is that a choice is right: the probability of its label, and for a multi-label
/// head that of the label about which least is known, chosen or left out.
pub fn confidence(kind: HeadKind, probabilities: &[f32], chosen: &[usize]) -> f32 {
    match kind {
        HeadKind::MultiClass | HeadKind::Ordinal => probabilities[chosen[0]],
        HeadKind::MultiLabel => {
            let of_label = |(label, p): (usize, &f32)| {
                if chosen.contains(&label) { *p } else { 1.0 - p }
            };
            probabilities.iter().enumerate().map(of_label).fold(1.0, f32::min)
        }
    }
}

/// Applies a head's calibration and decision to its scores.
pub fn decide(decision: &HeadDecision, scores: &[f32]) -> Choice {
    let probabilities = probabilities(&decision.calibration, scores);
    match &decision.calibration {
        Calibration::Softmax { preferences, .. } => {
            let label = arg_max(probabilities.iter().zip(preferences).map(|(p, w)| p * w));
            single(probabilities, label, decision.abstain_below)
        }
        Calibration::Ranked { cuts, highest_from, .. } => {
            let rank = expected_rank(&probabilities);
            let is_highest = |&p: &f32| highest_from.is_some_and(|from| from <= p);
            let label = if probabilities.last().is_some_and(is_highest) {
                probabilities.len() - 1
            } else {
                cuts.iter().take_while(|&&cut| cut <= rank).count()
            };
            single(probabilities, label, decision.abstain_below)
        }
        Calibration::Sigmoid { thresholds, .. } => {
            let pairs = probabilities.iter().zip(thresholds).enumerate();
            let chosen = pairs.filter(|(_, (p, t))| t <= p).map(|(label, _)| label).collect();
            Choice { probabilities, chosen, abstains: false }
        }
    }
}

/// One probability per label: a distribution for multi-class and ordinal heads.
pub fn probabilities(calibration: &Calibration, scores: &[f32]) -> Vec<f32> {
    match calibration {
        Calibration::Softmax { weights, biases, .. }
        | Calibration::Ranked { weights, biases, .. } => {
            softmax(weights.iter().zip(biases).map(|(row, bias)| {
                row.iter().zip(scores).map(|(weight, score)| weight * score).sum::<f32>() + bias
            }))
        }
        Calibration::Sigmoid { slopes, intercepts, .. } => {
            let lines = scores.iter().zip(slopes.iter().zip(intercepts));
            lines.map(|(score, (slope, intercept))| logistic(slope * score + intercept)).collect()
        }
    }
}

/// The mean position of the label under these probabilities.
pub fn expected_rank(probabilities: &[f32]) -> f32 {
    (0..).zip(probabilities).map(|(rank, p): (u16, _)| f32::from(rank) * p).sum()
}

/// The logistic function.
pub fn logistic(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

fn single(probabilities: Vec<f32>, label: usize, abstain_below: f32) -> Choice {
    let abstains = probabilities[label] < abstain_below;
    Choice { probabilities, chosen: vec![label], abstains }
}

fn softmax(logits: impl Iterator<Item = f32>) -> Vec<f32> {
    let mut values: Vec<f32> = logits.collect();
    let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    for value in &mut values {
        *value = (*value - largest).exp();
    }
    let sum: f32 = values.iter().sum();
    for value in &mut values {
        *value /= sum;
    }
    values
}

/// The first of the largest values.
fn arg_max(values: impl Iterator<Item = f32>) -> usize {
    let mut best = (0, f32::NEG_INFINITY);
    for (position, value) in values.enumerate() {
        if best.1 < value {
            best = (position, value);
        }
    }
    best.0
}
