//! Multi-label heads: a logistic function and a threshold per label.

use fenzhen::inference::logistic;
use fenzhen::registry::Calibration;

use crate::calibrate::{HeldOut, bagged, f2, platt};

/// Thresholds outside this range are the luck of few examples.
const THRESHOLDS: std::ops::RangeInclusive<f32> = 0.15..=0.6;
/// Added to the right answers' denominator, so that a threshold that gains one rare text does not
/// beat a middling one.
const SMOOTHING: f64 = 2.0;

pub(super) fn fit(n_labels: usize, held_out: HeldOut<'_>) -> Calibration {
    let (mut slopes, mut intercepts, mut thresholds) = (Vec::new(), Vec::new(), Vec::new());
    for label in 0..n_labels {
        let (scores, positives): (Vec<f32>, Vec<bool>) = held_out
            .labelled()
            .map(|(scores, labels)| (scores[label], labels.contains(&label)))
            .unzip();
        let (slope, intercept) = platt::fit(&scores, &positives);
        let probabilities = scores.iter().map(|score| logistic(slope * score + intercept));
        let answers: Vec<(f32, bool)> = probabilities.zip(positives).collect();
        slopes.push(slope);
        intercepts.push(intercept);
        let best = |sample: &[usize]| {
            let answers: Vec<(f32, bool)> = sample.iter().map(|&text| answers[text]).collect();
            vec![best_threshold(&answers)]
        };
        thresholds.extend(bagged(answers.len(), best));
    }
    Calibration::Sigmoid { slopes, intercepts, thresholds }
}

/// The threshold with the best F2, in steps of a hundredth: what a signal warns of must not be missed.
/// Of those that are the same, the lowest.
fn best_threshold(answers: &[(f32, bool)]) -> f32 {
    let mut best = (0.5, 0.0);
    for hundredths in 1..100_u8 {
        let threshold = f32::from(hundredths) / 100.0;
        if !THRESHOLDS.contains(&threshold) {
            continue;
        }
        let chosen = answers.iter().map(|&(p, is_positive)| (threshold <= p, is_positive));
        let value = f2(chosen, SMOOTHING);
        if best.1 < value {
            best = (threshold, value);
        }
    }
    best.0
}
