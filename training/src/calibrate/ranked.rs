//! Ordinal heads: matrix scaling of the threshold outputs, cut points of the expected rank, and
//! the probability from which a text may be of the highest rank.

use fenzhen::inference::{expected_rank, probabilities};
use fenzhen::registry::Calibration;

use crate::calibrate::{HeldOut, bagged, softmax};
use crate::metrics::{kappa, single_label_macro_f1};

/// Cut points move on this grid; finer steps fit noise.
const STEP: f32 = 0.02;
/// How far a cut point may leave the middle between two ranks.
const REACH: f32 = 0.4;
/// So many false alarms cost as much as one text of the highest rank that is missed.
const MISS_COST: f32 = 8.0;

pub(super) fn fit(n_labels: usize, held_out: HeldOut<'_>) -> Calibration {
    let (weights, biases) = softmax::scaling(n_labels, n_labels - 1, held_out);
    let middles: Vec<f32> = (0..n_labels - 1).map(|rank| rank as f32 + 0.5).collect();
    // The cheapest choice under calibrated probabilities (Elkan 2001).
    let highest_from = Some(1.0 / (1.0 + MISS_COST));
    let mut calibration =
        Calibration::Ranked { weights, biases, cuts: middles.clone(), highest_from };
    let texts: Vec<Placed> = held_out
        .labelled()
        .map(|(scores, labels)| {
            let given = probabilities(&calibration, scores);
            let is_highest = given.last().zip(highest_from).is_some_and(|(&p, from)| from <= p);
            Placed { rank: expected_rank(&given), is_highest, label: labels[0] }
        })
        .collect();
    if let Calibration::Ranked { cuts, .. } = &mut calibration {
        *cuts = bagged(texts.len(), |sample| best_cuts(n_labels, &middles, &texts, sample));
    }
    calibration
}

/// A held-out text on the scale of ranks.
#[derive(Clone, Copy, Debug)]
struct Placed {
    rank: f32,
    /// Whether it is of the highest rank whatever the cut points.
    is_highest: bool,
    label: usize,
}

/// Moves one cut point at a time to where kappa and macro-F1 together are largest.
fn best_cuts(n_labels: usize, middles: &[f32], texts: &[Placed], sample: &[usize]) -> Vec<f32> {
    let measure = |cuts: &[f32]| {
        let pairs = sample.iter().map(|&text| {
            let Placed { rank, is_highest, label } = texts[text];
            let below = cuts.iter().take_while(|&&cut| cut <= rank).count();
            (if is_highest { cuts.len() } else { below }, label)
        });
        kappa(n_labels, pairs.clone()) + single_label_macro_f1(n_labels, pairs)
    };
    let n_steps = (REACH / STEP).round() as i16;
    let mut cuts = middles.to_vec();
    for _sweep in 0..2 {
        for (position, &middle) in middles.iter().enumerate() {
            let mut best = (measure(&cuts), cuts[position]);
            for step in -n_steps..=n_steps {
                cuts[position] = middle + f32::from(step) * STEP;
                let value = measure(&cuts);
                if best.0 < value {
                    best = (value, cuts[position]);
                }
            }
            cuts[position] = best.1;
        }
    }
    cuts
}
