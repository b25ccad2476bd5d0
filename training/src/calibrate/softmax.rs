//! Multi-class heads: a temperature and a bias per label with the largest likelihood, and
//! preferences that trade accuracy for the mean over labels.

use fenzhen::inference::probabilities;
use fenzhen::registry::Calibration;

use crate::calibrate::HeldOut;
use crate::metrics::single_label_macro_f1;

/// How strongly the biases are drawn to zero, in examples.
const PRIOR: f64 = 1.0;
const MAX_STEPS: usize = 200;

pub(super) fn fit(n_labels: usize, held_out: HeldOut<'_>) -> Calibration {
    let examples: Vec<(&[f32], usize)> =
        held_out.labelled().map(|(scores, labels)| (scores, labels[0])).collect();
    let (slope, biases) = most_likely(n_labels, &examples);
    let mut calibration = Calibration::Softmax {
        temperature: (1.0 / slope) as f32,
        biases: biases.iter().map(|&bias| bias as f32).collect(),
        preferences: vec![1.0; n_labels],
    };
    let answers: Vec<(Vec<f32>, usize)> = examples
        .iter()
        .map(|&(scores, label)| (probabilities(&calibration, scores), label))
        .collect();
    let best = best_preferences(n_labels, &answers);
    if let Calibration::Softmax { preferences, .. } = &mut calibration {
        *preferences = best;
    }
    calibration
}

/// Maximizes the likelihood of softmax(slope × score + bias): a concave problem in K + 1 numbers,
/// climbed with diagonal curvature and halved steps.
fn most_likely(n_labels: usize, examples: &[(&[f32], usize)]) -> (f64, Vec<f64>) {
    let mut point = Point { slope: 1.0, biases: vec![0.0; n_labels] };
    let mut here = point.slope_of(examples);
    for _step in 0..MAX_STEPS {
        let mut rate = 1.0;
        let (next, there) = loop {
            let next = point.moved(&here, rate);
            let there = next.slope_of(examples);
            if here.loss > there.loss || rate < 1e-4 {
                break (next, there);
            }
            rate /= 2.0;
        };
        let gain = here.loss - there.loss;
        if gain <= 1e-7 * here.loss {
            break;
        }
        (point, here) = (next, there);
    }
    (point.slope, point.biases)
}

struct Point {
    slope: f64,
    biases: Vec<f64>,
}

/// The negative log-likelihood at a point, with its derivatives: the slope's first.
struct Surface {
    loss: f64,
    gradient: Vec<f64>,
    curvature: Vec<f64>,
}

impl Point {
    fn moved(&self, surface: &Surface, rate: f64) -> Self {
        let mut steps = surface.gradient.iter().zip(&surface.curvature).map(|(g, c)| rate * g / c);
        let slope_step = steps.next().unwrap_or(0.0);
        Self {
            slope: (self.slope - slope_step).max(1e-3),
            biases: self.biases.iter().zip(steps).map(|(bias, step)| bias - step).collect(),
        }
    }

    fn slope_of(&self, examples: &[(&[f32], usize)]) -> Surface {
        let n_labels = self.biases.len();
        let mut surface = Surface {
            loss: self.biases.iter().map(|b| PRIOR * b * b / 2.0).sum(),
            gradient: std::iter::once(0.0).chain(self.biases.iter().map(|b| PRIOR * b)).collect(),
            curvature: vec![PRIOR; n_labels + 1],
        };
        let mut p = vec![0.0; n_labels];
        for &(scores, label) in examples {
            let logit = |k: usize| self.slope * f64::from(scores[k]) + self.biases[k];
            let largest = (0..n_labels).map(logit).fold(f64::NEG_INFINITY, f64::max);
            for (k, p) in p.iter_mut().enumerate() {
                *p = (logit(k) - largest).exp();
            }
            let sum: f64 = p.iter().sum();
            let (mut mean, mut mean_square) = (0.0, 0.0);
            for (k, p) in p.iter_mut().enumerate() {
                *p /= sum;
                let score = f64::from(scores[k]);
                mean += *p * score;
                mean_square += *p * score * score;
                surface.gradient[k + 1] += *p;
                surface.curvature[k + 1] += *p * (1.0 - *p);
            }
            surface.loss -= p[label].max(1e-300).ln();
            surface.gradient[label + 1] -= 1.0;
            surface.gradient[0] += mean - f64::from(scores[label]);
            surface.curvature[0] += mean_square - mean * mean;
        }
        surface
    }
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
    let mut best = (at(0.0), 0.0);
    for twentieths in 0..=20_u8 {
        let preferences = at(f32::from(twentieths) / 20.0);
        let choose = |p: &[f32]| {
            let weigh = |&a: &usize| p[a] * preferences[a];
            (0..n_labels).max_by(|a, b| weigh(a).total_cmp(&weigh(b)).then(b.cmp(a))).unwrap_or(0)
        };
        let pairs = answers.iter().map(|(p, label)| (choose(p), *label));
        let value = single_label_macro_f1(n_labels, pairs);
        if best.1 < value {
            best = (preferences, value);
        }
    }
    best.0
}
