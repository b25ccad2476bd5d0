//! Fits how scores become probabilities and choices, always on scores of texts that the scoring
//! model was not trained on.

mod cumulative;
mod platt;
mod sigmoid;
mod softmax;

use fenzhen::domain::{Head, HeadKind};
use fenzhen::inference::decide;
use fenzhen::registry::HeadDecision;

/// Below this share of right answers following the model is worse than asking a person.
const USEFUL_ACCURACY: f32 = 0.5;

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

/// Fits the decision of a head.
pub fn fit(head: &Head, held_out: HeldOut<'_>) -> HeadDecision {
    let n_labels = head.labels.len();
    let calibration = match head.kind {
        HeadKind::MultiClass => softmax::fit(n_labels, held_out),
        HeadKind::Ordinal => cumulative::fit(n_labels, held_out),
        HeadKind::MultiLabel => sigmoid::fit(n_labels, held_out),
    };
    let mut decision = HeadDecision { calibration, abstain_below: 0.0 };
    if head.kind != HeadKind::MultiLabel {
        decision.abstain_below = abstain_threshold(&decision, held_out);
    }
    decision
}

/// The largest confidence below which less than half of the answers are right.
fn abstain_threshold(decision: &HeadDecision, held_out: HeldOut<'_>) -> f32 {
    let mut answers: Vec<(f32, bool)> = held_out
        .labelled()
        .map(|(scores, labels)| {
            let choice = decide(decision, scores);
            let chosen = choice.chosen[0];
            (choice.probabilities[chosen], labels.contains(&chosen))
        })
        .collect();
    answers.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut n_right, mut threshold) = (0.0, 0.0);
    for (n, (confidence, is_right)) in (1..).zip(&answers) {
        n_right += f32::from(u8::from(*is_right));
        if n_right < USEFUL_ACCURACY * n as f32 {
            threshold = *confidence;
        }
    }
    threshold
}

#[cfg(test)]
mod tests;
