//! What the heads should say, and how far they are from it: cross-entropy for one label of
//! several, binary cross-entropy per threshold of ordinal heads and per label of multi-label ones.
//! What they should say are labels, or the probabilities that a teacher gives them.
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
    /// Its labels among those of all heads.
    labels: Range<usize>,
    outputs: Range<usize>,
    /// One per label; all one for multi-label heads.
    weights: Vec<f32>,
}

impl Objective {
    /// The objective for these texts of a data set; rare labels weigh more.
    pub(super) fn new(dataset: &Dataset, texts: &[usize], class_weight_power: f32) -> Self {
        let (mut first_label, mut first) = (0, 0);
        let heads = dataset.taxonomy.heads().iter().zip(&dataset.labels).map(|(head, labels)| {
            let outputs = first..first + n_outputs(head);
            let all = first_label..first_label + head.labels.len();
            (first, first_label) = (outputs.end, all.end);
            let mut weights = vec![1.0; head.labels.len()];
            if head.kind != HeadKind::MultiLabel {
                let mut counts = vec![0_usize; head.labels.len()];
                for label in texts.iter().filter_map(|&text| labels[text].as_ref()) {
                    counts[label[0]] += 1;
                }
                weights = class_weights(&counts, class_weight_power);
            }
            HeadObjective { kind: head.kind, labels: all, outputs, weights }
        });
        Self { heads: heads.collect() }
    }

    /// The loss of a labelled text; adds its gradient by the scores.
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
                let mut shares = vec![0.0; head.weights.len()];
                for &label in labels {
                    shares[label] = 1.0;
                }
                let outputs = head.outputs.clone();
                loss += head.loss(&shares, &scores[outputs.clone()], &mut to[outputs]);
            }
        }
        loss
    }

    /// The loss of a text whose labels have these probabilities, head by head; adds its gradient by
    /// the scores.
    pub(super) fn loss_to(&self, shares: &[f32], scores: &[f32], to: &mut [f32]) -> f32 {
        let of_head = |head: &HeadObjective| {
            let outputs = head.outputs.clone();
            head.loss(&shares[head.labels.clone()], &scores[outputs.clone()], &mut to[outputs])
        };
        self.heads.iter().map(of_head).sum()
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
    /// The cross-entropy of scores to the labels' probabilities: ones and zeros where people said
    /// which are right.
    fn loss(&self, shares: &[f32], scores: &[f32], to: &mut [f32]) -> f32 {
        let weighted = self.weights.iter().zip(shares).map(|(weight, share)| weight * share);
        if self.kind == HeadKind::MultiClass {
            let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let sum: f32 = scores.iter().map(|score| (score - largest).exp()).sum();
            let weight: f32 = weighted.clone().sum();
            let mut loss = weight * (sum.ln() + largest);
            for ((to, score), wanted) in to.iter_mut().zip(scores).zip(weighted) {
                *to += weight * (score - largest).exp() / sum - wanted;
                loss -= wanted * score;
            }
            return loss;
        }
        // The mean over outputs: a head with many labels counts no more than others.
        let is_ordinal = self.kind == HeadKind::Ordinal;
        let weight: f32 = if is_ordinal { weighted.sum() } else { 4.0 / scores.len() as f32 };
        let mut loss = 0.0;
        for (output, (to, &score)) in to.iter_mut().zip(scores).enumerate() {
            let wanted =
                if is_ordinal { shares[output + 1..].iter().sum() } else { shares[output] };
            // ln(1 + e^x) without overflow.
            loss += score.max(0.0) + (-score.abs()).exp().ln_1p() - wanted * score;
            *to += weight * (logistic(score) - wanted);
        }
        loss * weight
    }
}

/// How many outputs all heads have together.
pub(super) fn total_outputs(taxonomy: &Taxonomy) -> usize {
    taxonomy.heads().iter().map(n_outputs).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(kind: HeadKind, n_outputs: usize, weights: Vec<f32>) -> HeadObjective {
        HeadObjective { kind, labels: 0..weights.len(), outputs: 0..n_outputs, weights }
    }

    fn check(kind: HeadKind, n_outputs: usize, shares: &[f32]) {
        let weights = (0..shares.len()).map(|label| 0.5 + label as f32).collect();
        let head = head(kind, n_outputs, weights);
        let scores: Vec<f32> = (0..n_outputs).map(|n| (n as f32 * 1.7).sin() * 2.0).collect();
        let mut gradient = vec![0.0; n_outputs];
        head.loss(shares, &scores, &mut gradient);
        for output in 0..n_outputs {
            let at = |step: f32| {
                let mut scores = scores.clone();
                scores[output] += step;
                head.loss(shares, &scores, &mut vec![0.0; n_outputs])
            };
            let slope = (at(1e-2) - at(-1e-2)) / 2e-2;
            assert!((slope - gradient[output]).abs() < 2e-3, "{kind:?} {slope} {gradient:?}");
        }
    }

    #[test]
    fn gradients_agree_with_finite_differences() {
        check(HeadKind::MultiClass, 5, &[0.0, 0.0, 1.0, 0.0, 0.0]);
        check(HeadKind::MultiClass, 3, &[0.2, 0.5, 0.3]);
        check(HeadKind::Ordinal, 3, &[1.0, 0.0, 0.0, 0.0]);
        check(HeadKind::Ordinal, 3, &[0.0, 0.0, 1.0, 0.0]);
        check(HeadKind::Ordinal, 3, &[0.1, 0.2, 0.3, 0.4]);
        check(HeadKind::MultiLabel, 4, &[0.0; 4]);
        check(HeadKind::MultiLabel, 4, &[0.0, 1.0, 0.0, 1.0]);
        check(HeadKind::MultiLabel, 4, &[0.1, 0.9, 0.3, 0.0]);
    }

    #[test]
    fn what_is_wanted_has_the_least_loss() {
        // With weights, so that rare labels count more in a probability too.
        let (shares, weights) = ([0.2, 0.5, 0.3], vec![1.0, 1.0, 2.0]);
        let wanted = [0.2_f32, 0.5, 0.6].map(f32::ln);
        let mut gradient = [0.0; 3];
        head(HeadKind::MultiClass, 3, weights).loss(&shares, &wanted, &mut gradient);
        assert!(gradient.iter().all(|slope| slope.abs() < 1e-6), "{gradient:?}");
        let ordinal = head(HeadKind::Ordinal, 2, vec![1.0; 3]);
        let odds = |p: f32| (p / (1.0 - p)).ln();
        let mut gradient = [0.0; 2];
        ordinal.loss(&shares, &[odds(0.8), odds(0.3)], &mut gradient);
        assert!(gradient.iter().all(|slope| slope.abs() < 1e-6), "{gradient:?}");
    }

    #[test]
    fn huge_scores_have_finite_losses() {
        let head = head(HeadKind::MultiLabel, 2, vec![1.0; 2]);
        let mut gradient = [0.0; 2];
        let loss = head.loss(&[1.0, 0.0], &[1e4, -1e4], &mut gradient);
        assert!(loss.abs() < 1e-6 && gradient == [0.0, 0.0], "{loss} {gradient:?}");
    }

    #[test]
    fn rare_labels_weigh_more_and_the_mean_is_one() {
        let weights = class_weights(&[90, 10, 0], 0.5);
        assert!((weights[1] / weights[0] - 3.0).abs() < 1e-5);
        assert!((weights[0] * 0.9 + weights[1] * 0.1 - 1.0).abs() < 1e-5);
    }
}
