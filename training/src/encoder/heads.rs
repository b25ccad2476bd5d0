//! Heads alone, on vectors that do not change: a dense layer, trained in seconds.

use fenzhen::inference::{AdamStep, Moments};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::encoder::Task;
use crate::encoder::objective::Objective;

/// One dense layer from vectors to all outputs.
#[derive(Clone, Debug)]
pub(super) struct Heads {
    pub(super) weights: Vec<f32>,
    pub(super) biases: Vec<f32>,
}

/// Vectors of all texts, and those to train on.
#[derive(Clone, Copy)]
pub(super) struct Cached<'a> {
    pub(super) vectors: &'a [Vec<f32>],
    pub(super) training: &'a [usize],
}

impl Heads {
    /// The scores of a vector.
    pub(super) fn scores(&self, vector: &[f32]) -> Vec<f32> {
        let rows = self.weights.chunks_exact(vector.len()).zip(&self.biases);
        let product = |row: &[f32]| row.iter().zip(vector).map(|(a, b)| a * b).sum::<f32>();
        rows.map(|(row, bias)| product(row) + bias).collect()
    }
}

/// Trains until `improves` has said no too often; it is asked after every pass.
pub(super) fn train(
    task: Task<'_>,
    cached: Cached<'_>,
    n_outputs: usize,
    mut improves: impl FnMut(usize, &Heads) -> bool,
) {
    let settings = task.settings;
    let objective = Objective::new(task.dataset, cached.training, settings.class_weight_power);
    let n_columns = cached.vectors[0].len();
    let mut heads =
        Heads { weights: vec![0.0; n_outputs * n_columns], biases: vec![0.0; n_outputs] };
    let mut moments = (Moments::new(heads.weights.len()), Moments::new(n_outputs));
    let mut order = cached.training.to_vec();
    let n_steps = order.len().div_ceil(settings.batch_size) * settings.epochs;
    let (mut n_done, mut n_without_gain) = (0, 0);
    for epoch in 1..=settings.epochs {
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(task.seed + epoch as u64));
        for batch in order.chunks(settings.batch_size) {
            let mut of_weights = vec![0.0; heads.weights.len()];
            let mut of_biases = vec![0.0; n_outputs];
            for &text in batch {
                let vector = &cached.vectors[text];
                let mut gradient = vec![0.0; n_outputs];
                objective.loss(task.dataset, text, &heads.scores(vector), &mut gradient);
                let rows = of_weights.chunks_exact_mut(n_columns).zip(&mut of_biases);
                for ((row, bias), value) in rows.zip(gradient) {
                    let value = value / batch.len() as f32;
                    *bias += value;
                    row.iter_mut().zip(vector).for_each(|(to, x)| *to += value * x);
                }
            }
            let rate = settings.head_rate * settings.pace(n_done, n_steps);
            n_done += 1;
            let step = AdamStep {
                rate,
                beta1: 0.9,
                beta2: 0.999,
                corrections: (
                    1.0 - 0.9_f32.powf(n_done as f32),
                    1.0 - 0.999_f32.powf(n_done as f32),
                ),
                eps: 1e-8,
                decay: settings.weight_decay * rate,
                scale: 1.0,
            };
            moments.0.step(&mut heads.weights, &of_weights, &step);
            moments.1.step(&mut heads.biases, &of_biases, &AdamStep { decay: 0.0, ..step });
        }
        n_without_gain = if improves(epoch, &heads) { 0 } else { n_without_gain + 1 };
        if settings.patience <= n_without_gain {
            break;
        }
    }
}
