//! Multi-class heads: matrix scaling with the largest likelihood, and preferences that trade
//! accuracy for the mean over labels.

use fenzhen::inference::probabilities;
use fenzhen::registry::Calibration;
use linfa::traits::Fit;
use linfa::{DatasetBase, ParamGuard};
use linfa_logistic::MultiLogisticRegression;
use ndarray::{Array1, Array2};

use crate::calibrate::{HeldOut, bagged};
use crate::metrics::single_label_macro_f1;

/// How strongly the weights are drawn to zero: a tenth of an example.
const REGULARIZATION: f64 = 0.1;
/// Stopping early is what keeps a weight for every pair of labels from following the noise of a
/// fold: with all the iterations that it takes to converge, thirteen categories came out less
/// calibrated and, over four sets held apart, no better.
const MAX_ITERATIONS: u64 = 40;
/// The bias of a label without examples, which keeps its probability near zero.
const NEVER: f32 = -20.0;

pub(super) fn fit(n_labels: usize, held_out: HeldOut<'_>) -> Calibration {
    let (weights, biases) = scaling(n_labels, n_labels, held_out);
    let preferences = vec![1.0; n_labels];
    let mut calibration = Calibration::Softmax { weights, biases, preferences };
    let answers: Vec<(Vec<f32>, usize)> = held_out
        .labelled()
        .map(|(scores, labels)| (probabilities(&calibration, scores), labels[0]))
        .collect();
    let best = best_preferences(n_labels, &answers);
    if let Calibration::Softmax { preferences, .. } = &mut calibration {
        *preferences = best;
    }
    calibration
}

/// The weights and biases of softmax(weights · scores + biases), by linfa's multinomial logistic
/// regression: a dense problem with a handful of columns, which is what it is good at.
pub(super) fn scaling(
    n_labels: usize,
    n_outputs: usize,
    held_out: HeldOut<'_>,
) -> (Vec<Vec<f32>>, Vec<f32>) {
    let mut weights = vec![vec![0.0; n_outputs]; n_labels];
    let mut biases = vec![NEVER; n_labels];
    let examples: Vec<(&[f32], usize)> =
        held_out.labelled().map(|(scores, labels)| (scores, labels[0])).collect();
    let scores = Array2::from_shape_fn((examples.len(), n_outputs), |(example, output)| {
        f64::from(examples[example].0[output])
    });
    let labels: Array1<usize> = examples.iter().map(|(_, label)| *label).collect();
    let regression = MultiLogisticRegression::default()
        .alpha(REGULARIZATION)
        .max_iterations(MAX_ITERATIONS)
        .check()
        .expect("the settings are constants that linfa accepts");
    let Ok(fitted) = regression.fit(&DatasetBase::new(scores, labels)) else {
        // Fewer than two labels, or scores without any information: every label as likely.
        return (weights, vec![0.0; n_labels]);
    };
    for (class, &label) in fitted.classes().iter().enumerate() {
        biases[label] = fitted.intercept()[class] as f32;
        for (output, weight) in weights[label].iter_mut().enumerate() {
            *weight = fitted.params()[(output, class)] as f32;
        }
    }
    (weights, biases)
}

/// Preferences are (mean share / own share)^power with the power that gives the best macro-F1:
/// one fitted number, where free numbers per label would follow the noise of rare ones.
fn best_preferences(n_labels: usize, answers: &[(Vec<f32>, usize)]) -> Vec<f32> {
    let mut shares = vec![1.0_f32; n_labels];
    for (_, label) in answers {
        shares[*label] += 1.0;
    }
    let mean = shares.iter().sum::<f32>() / n_labels as f32;
    let at = |power: f32| -> Vec<f32> {
        shares.iter().map(|share| (mean / share).powf(power)).collect()
    };
    let powers: Vec<f32> = (0..=20_u8).map(|it| f32::from(it) / 20.0).collect();
    let choose = |p: &[f32], preferences: &[f32]| {
        let weigh = |label: usize| p[label] * preferences[label];
        (0..n_labels).max_by(|&a, &b| weigh(a).total_cmp(&weigh(b)).then(b.cmp(&a))).unwrap_or(0)
    };
    let chosen: Vec<Vec<usize>> = powers
        .iter()
        .map(|&power| {
            let preferences = at(power);
            answers.iter().map(|(p, _)| choose(p, &preferences)).collect()
        })
        .collect();
    let powers = bagged(answers.len(), |sample| {
        let mut best = (powers[0], 0.0);
        for (&power, chosen) in powers.iter().zip(&chosen) {
            let pairs = sample.iter().map(|&text| (chosen[text], answers[text].1));
            let value = single_label_macro_f1(n_labels, pairs);
            if best.1 < value {
                best = (power, value);
            }
        }
        vec![best.0]
    });
    at(powers[0])
}
