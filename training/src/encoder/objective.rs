//! What the heads should say, and how far they are from it: cross-entropy for one label of
//! several, binary cross-entropy per threshold of ordinal heads and per label of multi-label ones.
//! Heads without a label for a text say nothing about it.

use std::ops::Range;

use fenzhen::domain::{HeadKind, Taxonomy};
use fenzhen::inference::{logistic, n_outputs};

use crate::dataset::Dataset;

/// The objective of all heads together.
#[derive(Clone, Debug)]
pub(super) struct Objective {
    heads: Vec<HeadObjective>,
}

#[derive(Clone, Debug)]
struct HeadObjective {
    kind: HeadKind,
    outputs: Range<usize>,
    /// One per label; all one for multi-label heads.
    weights: Vec<f32>,
}

impl Objective {
    /// The objective for these texts of a data set; rare labels weigh more.
    pub(super) fn new(dataset: &Dataset, texts: &[usize], class_weight_power: f32) -> Self {
        let mut first = 0;
        let heads = dataset.taxonomy.heads().iter().zip(&dataset.labels).map(|(head, labels)| {
            let outputs = first..first + n_outputs(head);
            first = outputs.end;
            let mut weights = vec![1.0; head.labels.len()];
            if head.kind != HeadKind::MultiLabel {
                let mut counts = vec![0_usize; head.labels.len()];
                for label in texts.iter().filter_map(|&text| labels[text].as_ref()) {
                    counts[label[0]] += 1;
                }
                weights = class_weights(&counts, class_weight_power);
            }
            HeadObjective { kind: head.kind, outputs, weights }
        });
        Self { heads: heads.collect() }
    }

    /// The loss of a text; adds its gradient by the scores.
    pub(super) fn loss(
        &self,
        dataset: &Dataset,
        text: usize,
        scores: &[f32],
        to: &mut [f32],
    ) -> f32 {
        let mut loss = 0.0;
        for (head, labels) in self.heads.iter().zip(&dataset.labels) {
            if let Some(labels) = &labels[text] {
                let outputs = head.outputs.clone();
                loss += head.loss(labels, &scores[outputs.clone()], &mut to[outputs]);
            }
        }
        loss
    }
}

/// Weights with a mean of one over the texts.
fn class_weights(counts: &[usize], power: f32) -> Vec<f32> {
    let n_texts: usize = counts.iter().sum();
    let weigh = |&count: &usize| (n_texts as f32 / count.max(1) as f32).powf(power);
    let weights: Vec<f32> = counts.iter().map(weigh).collect();
    let total: f32 = weights.iter().zip(counts).map(|(weight, &n)| weight * n as f32).sum();
    let mean = total / n_texts.max(1) as f32;
    weights.into_iter().map(|weight| weight / mean.max(f32::MIN_POSITIVE)).collect()
}

impl HeadObjective {
    fn loss(&self, labels: &[usize], scores: &[f32], to: &mut [f32]) -> f32 {
        if self.kind == HeadKind::MultiClass {
            let weight = self.weights[labels[0]];
            let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let sum: f32 = scores.iter().map(|score| (score - largest).exp()).sum();
            for (label, (to, score)) in to.iter_mut().zip(scores).enumerate() {
                let is_it = f32::from(u8::from(label == labels[0]));
                *to += weight * ((score - largest).exp() / sum - is_it);
            }
            return weight * (sum.ln() + largest - scores[labels[0]]);
        }
        // The mean over outputs: a head with many labels counts no more than others.
        let is_ordinal = self.kind == HeadKind::Ordinal;
        let weight = if is_ordinal { self.weights[labels[0]] } else { 1.0 };
        let mut loss = 0.0;
        for (output, (to, &score)) in to.iter_mut().zip(scores).enumerate() {
            let is_it = if is_ordinal { output < labels[0] } else { labels.contains(&output) };
            // ln(1 + e^x) without overflow.
            loss += score.max(0.0) + (-score.abs()).exp().ln_1p();
            if is_it {
                loss -= score;
            }
            let share = if is_ordinal { 1.0 } else { 4.0 / scores.len() as f32 };
            *to += weight * share * (logistic(score) - f32::from(u8::from(is_it)));
        }
        loss * weight * if is_ordinal { 1.0 } else { 4.0 / scores.len() as f32 }
    }
}

/// How many outputs all heads have together.
pub(super) fn total_outputs(taxonomy: &Taxonomy) -> usize {
    taxonomy.heads().iter().map(n_outputs).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: HeadKind, n_outputs: usize, labels: &[usize]) {
        let weights = (0..=n_outputs).map(|label| 0.5 + label as f32).collect();
        let head = HeadObjective { kind, outputs: 0..n_outputs, weights };
        let scores: Vec<f32> = (0..n_outputs).map(|n| (n as f32 * 1.7).sin() * 2.0).collect();
        let mut gradient = vec![0.0; n_outputs];
        head.loss(labels, &scores, &mut gradient);
        for output in 0..n_outputs {
            let at = |step: f32| {
                let mut scores = scores.clone();
                scores[output] += step;
                head.loss(labels, &scores, &mut vec![0.0; n_outputs])
            };
            let slope = (at(1e-2) - at(-1e-2)) / 2e-2;
            assert!((slope - gradient[output]).abs() < 2e-3, "{kind:?} {slope} {gradient:?}");
        }
    }

    #[test]
    fn gradients_agree_with_finite_differences() {
        check(HeadKind::MultiClass, 5, &[2]);
        check(HeadKind::Ordinal, 3, &[0]);
        check(HeadKind::Ordinal, 3, &[2]);
        check(HeadKind::MultiLabel, 4, &[]);
        check(HeadKind::MultiLabel, 4, &[1, 3]);
    }

    #[test]
    fn huge_scores_have_finite_losses() {
        let head =
            HeadObjective { kind: HeadKind::MultiLabel, outputs: 0..2, weights: vec![1.0; 2] };
        let mut gradient = [0.0; 2];
        let loss = head.loss(&[0], &[1e4, -1e4], &mut gradient);
        assert!(loss.abs() < 1e-6 && gradient == [0.0, 0.0], "{loss} {gradient:?}");
    }

    #[test]
    fn rare_labels_weigh_more_and_the_mean_is_one() {
        let weights = class_weights(&[90, 10, 0], 0.5);
        assert!((weights[1] / weights[0] - 3.0).abs() < 1e-5);
        assert!((weights[0] * 0.9 + weights[1] * 0.1 - 1.0).abs() < 1e-5);
    }
}
