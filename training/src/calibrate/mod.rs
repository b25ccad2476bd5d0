//! Fits how scores become probabilities and choices, always on scores of texts that the scoring
//! model was not trained on.

mod platt;
mod ranked;
mod sigmoid;
mod softmax;

use fenzhen::domain::{Head, HeadKind};
use fenzhen::inference::decide;
use fenzhen::registry::HeadDecision;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// So many samples of the texts say what is best.
const RESAMPLES: usize = 50;

/// The scores of a head's outputs text by text, and the labels.
#[derive(Clone, Copy, Debug)]
pub struct HeldOut<'a> {
    /// The scores of the head's outputs.
    pub scores: &'a [Vec<f32>],
    /// The labels; nothing for unlabelled texts.
    pub labels: &'a [Option<Vec<usize>>],
}

impl<'a> HeldOut<'a> {
    /// The labelled texts.
    fn labelled(self) -> impl Iterator<Item = (&'a [f32], &'a [usize])> {
        let pairs = self.scores.iter().zip(self.labels);
        pairs.filter_map(|(scores, labels)| Some((scores.as_slice(), labels.as_deref()?)))
    }
}

/// The mean of what is best on samples of so many texts with repetition (bagging, Breiman 1996): a
/// single text of a rare label moves the best of one sample far.
fn bagged(n_texts: usize, best: impl Fn(&[usize]) -> Vec<f32>) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let mut means = Vec::new();
    for _ in 0..RESAMPLES {
        let sample: Vec<usize> = (0..n_texts).map(|_| random.random_range(0..n_texts)).collect();
        let found = best(&sample);
        means.resize(found.len(), 0.0);
        for (mean, value) in means.iter_mut().zip(found) {
            *mean += value / RESAMPLES as f32;
        }
    }
    means
}

/// F2 of what was chosen, pairs of (chosen, right to choose): recall counts twice as much as precision
/// (van Rijsbergen 1979). `smoothing` is added to the denominator; zero where nothing was right.
fn f2(pairs: impl Iterator<Item = (bool, bool)>, smoothing: f64) -> f64 {
    const BETA_SQUARED: f64 = 4.0;
    let (mut n_right, mut n_chosen, mut n_positive) = (0.0, 0.0, 0.0);
    for (is_chosen, is_positive) in pairs {
        n_chosen += f64::from(u8::from(is_chosen));
        n_positive += f64::from(u8::from(is_positive));
        n_right += f64::from(u8::from(is_chosen && is_positive));
    }
    if n_right == 0.0 {
        return 0.0;
    }
    (1.0 + BETA_SQUARED) * n_right / (BETA_SQUARED * n_positive + n_chosen + smoothing)
}

/// Fits the decision of a head, which leaves the least sure share of the texts to people.
pub fn fit(head: &Head, held_out: HeldOut<'_>, triage_share: f32) -> HeadDecision {
    let n_labels = head.labels.len();
    let calibration = match head.kind {
        HeadKind::MultiClass => softmax::fit(n_labels, held_out),
        HeadKind::Ordinal => ranked::fit(n_labels, held_out),
        HeadKind::MultiLabel => sigmoid::fit(n_labels, held_out),
    };
    let mut decision = HeadDecision { calibration, abstain_below: 0.0 };
    if head.kind != HeadKind::MultiLabel {
        decision.abstain_below = abstain_threshold(&decision, held_out, triage_share);
    }
    decision
}

/// The confidence that this share of the texts does not reach.
fn abstain_threshold(decision: &HeadDecision, held_out: HeldOut<'_>, share: f32) -> f32 {
    let mut confidences: Vec<f32> = held_out
        .labelled()
        .map(|(scores, _)| {
            let choice = decide(decision, scores);
            choice.probabilities[choice.chosen[0]]
        })
        .collect();
    confidences.sort_by(f32::total_cmp);
    confidences.get((share * confidences.len() as f32) as usize).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests;
