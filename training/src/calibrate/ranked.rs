//! Ordinal heads: matrix scaling of the threshold outputs, and cut points of the expected rank.

use fenzhen::inference::{expected_rank, probabilities};
use fenzhen::registry::Calibration;

use crate::calibrate::{HeldOut, softmax};
use crate::metrics::{kappa, single_label_macro_f1};

/// Cut points move on this grid; finer steps fit noise.
const STEP: f32 = 0.02;
/// How far a cut point may leave the middle between two ranks.
const REACH: f32 = 0.4;
/// What of kappa and macro-F1 together it is worth to find more of the highest rank.
const WORTH: f64 = 0.03;

pub(super) fn fit(n_labels: usize, held_out: HeldOut<'_>) -> Calibration {
    let (weights, biases) = softmax::scaling(n_labels, n_labels - 1, held_out);
    let middles: Vec<f32> = (0..n_labels - 1).map(|rank| rank as f32 + 0.5).collect();
    let mut calibration = Calibration::Ranked { weights, biases, cuts: middles.clone() };
    let ranks: Vec<(f32, usize)> = held_out
        .labelled()
        .map(|(scores, labels)| (expected_rank(&probabilities(&calibration, scores)), labels[0]))
        .collect();
    if let Calibration::Ranked { cuts, .. } = &mut calibration {
        *cuts = best_cuts(n_labels, &middles, &ranks);
    }
    calibration
}

/// Moves one cut point at a time to where kappa and macro-F1 together are largest; then the one below
/// the highest rank as far down as that is worth: who belongs there must not be missed, and one too
/// many costs somebody a look.
fn best_cuts(n_labels: usize, middles: &[f32], ranks: &[(f32, usize)]) -> Vec<f32> {
    let measure = |cuts: &[f32]| {
        let choose = |rank: f32| cuts.iter().take_while(|&&cut| cut <= rank).count();
        let pairs = ranks.iter().map(|&(rank, label)| (choose(rank), label));
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
    let least = measure(&cuts) - WORTH;
    if let Some((last, middle)) = middles.len().checked_sub(1).zip(middles.last()) {
        let highest = cuts[last];
        for step in -n_steps..=n_steps {
            cuts[last] = highest.min(middle + f32::from(step) * STEP);
            if least <= measure(&cuts) {
                break;
            }
        }
    }
    cuts
}
