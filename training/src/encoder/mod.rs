//! Trains the encoder of a blend: all of it, its upper layers, or heads alone on vectors that are
//! computed once. One fold is kept for stopping early, for the blend and for the calibration.

mod blend;
mod checkpoint;
mod error;
mod frozen;
mod heads;
mod kept;
mod learner;
mod objective;
mod prune;
mod settings;
mod teaching;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use candle_core::Device;
use fenzhen::domain::HeadKind;
use fenzhen::inference::{
    Bert, Choice, EncoderConfig, EncoderFolder, EncoderHeads, EncoderTokenizer, PlainEncoder,
    decide, n_outputs,
};
use fenzhen::registry::Learned;
use fenzhen::text::Analyzer;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::calibrate::{self, HeldOut};
use crate::dataset::Dataset;
use crate::encoder::checkpoint::{State, Weights};
use crate::encoder::learner::{Corpus, Learner, Standard, pool};
use crate::encoder::objective::{Objective, total_outputs};
use crate::metrics;
use crate::progress::Progress;

pub use blend::join;
pub use checkpoint::Checkpoints;
pub use error::Error;
pub use frozen::{fit_heads, vectors};
pub use prune::{Pruned, Script, keep, prune};
pub use settings::EncoderSettings;
pub use teaching::{Taught, strange, teach};

/// A training says how it goes about this often.
const NOTE_EVERY: Duration = Duration::from_mins(1);
/// Mean and deviation of the vectors are taken from so many texts.
const N_STANDARD: usize = 4_096;

/// What to learn, and how.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// The texts.
    pub dataset: &'a Dataset,
    /// How.
    pub settings: &'a EncoderSettings,
    /// The seed of every random choice.
    pub seed: u64,
    /// The share of texts that a head leaves to people.
    pub triage_share: f32,
    /// What the encoder has learned from labelled texts before, as far as is known.
    pub learned: Option<&'a Learned>,
}

/// A training of layers.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// The labelled texts, and how to learn from them.
    pub task: Task<'a>,
    /// What teachers say about other texts.
    pub taught: &'a Taught,
    /// The starting weights.
    pub folder: &'a EncoderFolder,
    /// Where what is reached is kept.
    pub checkpoints: &'a Checkpoints,
    /// Where steps are computed: by the fused operations on the CPU, by candle's own elsewhere.
    pub device: &'a Device,
}

/// Heads, and how they did on texts that they were not trained on.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// The heads.
    pub heads: EncoderHeads,
    /// The texts that they were not trained on.
    pub validation: Vec<usize>,
    /// The scores of these.
    pub scores: Vec<Vec<f32>>,
}

/// An encoder with heads, trained.
#[derive(Debug)]
pub struct TrainedEncoder {
    /// The encoder; it takes as many tokens as it was trained with.
    pub encoder: PlainEncoder,
    /// The labelled texts that its layers have learned from.
    pub learned: Option<Learned>,
    /// Its heads.
    pub fitted: Fitted,
}

/// The texts, cut into tokens and dealt to training and validation.
struct Prepared {
    config: EncoderConfig,
    tokenizer: EncoderTokenizer,
    /// Of the labelled texts, and of those that are taught after them.
    tokens: Vec<Vec<u32>>,
    training: Vec<usize>,
    validation: Vec<usize>,
}

/// Trains layers and heads as planned, from the last checkpoint if there is one.
pub fn fine_tune(plan: &Plan<'_>, progress: &Progress) -> Result<TrainedEncoder, Error> {
    let Plan { task, folder, .. } = *plan;
    check_widths(&folder.config)?;
    let prepared = prepare(plan, progress)?;
    let bert = Bert::from_parameters(&folder.config, &folder.parameters, plan.device)?;
    let sample: Vec<usize> = prepared.training.iter().copied().take(N_STANDARD).collect();
    let standard = Standard::of(&pool(&bert, &prepared.tokens, &sample)?);
    drop(bert);
    let learner = learn_all(plan, &prepared, &standard, progress)?;
    let (weights, biases) = learner.head_weights()?;
    let heads =
        EncoderHeads { means: standard.means, deviations: standard.deviations, weights, biases };
    let Prepared { config, tokenizer, validation, .. } = prepared;
    let parameters = learner.parameters()?;
    let encoder = PlainEncoder::Bert(EncoderFolder { config, parameters, tokenizer });
    // What is fitted to scores is fitted to those that the service will compute, in 8 bits.
    let texts: Vec<String> =
        validation.iter().map(|&text| task.dataset.texts[text].clone()).collect();
    let vectors = frozen::vectors(&encoder, &texts, progress)?;
    let scores = vectors.iter().map(|vector| heads.scores(vector)).collect();
    Ok(TrainedEncoder {
        encoder,
        learned: Some(kept::learned(task)),
        fitted: Fitted { heads, validation, scores },
    })
}

fn check_widths(config: &EncoderConfig) -> Result<(), Error> {
    let widths = [
        ("attention heads", config.head_size()),
        ("layers", config.hidden_size),
        ("inner layers", config.intermediate_size),
    ];
    match widths.into_iter().find(|(_, size)| !size.is_multiple_of(2)) {
        Some((what, size)) => Err(Error::OddWidth { what, size }),
        None => Ok(()),
    }
}

fn prepare(plan: &Plan<'_>, progress: &Progress) -> Result<Prepared, Error> {
    progress.step("cutting texts into tokens");
    let (Task { dataset, settings, seed, .. }, taught) = (plan.task, plan.taught);
    let mut config = plan.folder.config.clone();
    config.max_tokens = config.max_tokens.min(settings.max_tokens);
    let json = plan.folder.tokenizer.to_json()?;
    let tokenizer = EncoderTokenizer::from_json(json.as_bytes(), config.max_tokens)
        .map_err(fenzhen::inference::EncoderError::Tokenizer)?;
    let analyzer = Analyzer::default();
    let tokens: Vec<Vec<u32>> = dataset
        .texts
        .par_iter()
        .chain(&taught.texts)
        .map(|text| Ok(tokenizer.encode(analyzer.analyze(text).normalized())?.ids))
        .collect::<Result<_, Error>>()?;
    let (mut training, validation) = kept::split(plan.task, progress);
    training.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let n_tokens: usize = tokens.iter().map(Vec::len).sum();
    progress.note(&format!(
        "{} texts to train on, {} kept, {} taught; {:.0} tokens each",
        training.len(),
        validation.len(),
        taught.texts.len(),
        n_tokens as f64 / tokens.len() as f64
    ));
    Ok(Prepared { config, tokenizer, tokens, training, validation })
}

/// What one of several trainings came to.
struct Member {
    quality: f64,
    weights: Weights,
}

/// Trains as often as the settings say; a learner with the average of the trainings, or the best of
/// them where that is better, on the kept texts. Of a training that is over, its weights alone are
/// kept: the moments of its gradients take twice their memory.
fn learn_all(
    plan: &Plan<'_>,
    prepared: &Prepared,
    standard: &Standard,
    progress: &Progress,
) -> Result<Learner, Error> {
    let (Task { dataset, settings, .. }, taught) = (plan.task, plan.taught);
    let corpus = Corpus { dataset, shares: &taught.shares, tokens: &prepared.tokens };
    let n_outputs = total_outputs(&dataset.taxonomy);
    let quality_of = |learner: &Learner| -> Result<f64, Error> {
        let scores = learner.scores(corpus, &prepared.validation)?;
        Ok(quality(plan.task, &prepared.validation, &scores))
    };
    let (mut finished, mut last) = (Vec::new(), None);
    for member in 0..settings.members {
        drop(last.take());
        let (standard, device) = (standard.clone(), plan.device);
        let mut learner =
            Learner::new(plan.folder, settings, standard, n_outputs, (member, device))?;
        learn(plan, prepared, &mut learner, progress)?;
        if settings.members == 1 {
            return Ok(learner);
        }
        finished.push(Member { quality: quality_of(&learner)?, weights: learner.weights()? });
        last = Some(learner);
    }
    let mut learner = last.expect("there is at least one training");
    learner.set_weights(&checkpoint::mean(finished.iter().map(|member| &member.weights))?)?;
    let by_quality = |a: &Member, b: &Member| a.quality.total_cmp(&b.quality);
    let n_members = finished.len();
    let best = finished.into_iter().max_by(by_quality).expect("there is at least one training");
    let reached = quality_of(&learner)?;
    progress.note(&format!(
        "{n_members} trainings averaged: quality {reached:.4}, the best alone {:.4}",
        best.quality
    ));
    if reached < best.quality {
        learner.set_weights(&best.weights)?;
    }
    Ok(learner)
}

/// Passes over the texts until nothing improves; leaves the learner as it was at its best.
fn learn(
    plan: &Plan<'_>,
    prepared: &Prepared,
    learner: &mut Learner,
    progress: &Progress,
) -> Result<(), Error> {
    let (Task { dataset, settings, seed, .. }, taught) = (plan.task, plan.taught);
    let corpus = Corpus { dataset, shares: &taught.shares, tokens: &prepared.tokens };
    let objective = Objective::new(dataset, &prepared.training, settings.class_weight_power);
    let n_taught = taught.n_per_pass(settings.epochs);
    let n_per_pass = prepared.training.len() + n_taught;
    let steps_per_epoch = n_per_pass.div_ceil(settings.batch_size);
    let checkpoints = plan.checkpoints.of_member(learner.member);
    let mut state = checkpoints.resume(learner)?;
    if 0 < learner.n_steps_done {
        progress.note(&format!("goes on after step {}", learner.n_steps_done));
    }
    let mut pace = Pace::new(learner.n_steps_done, steps_per_epoch * settings.epochs, progress);
    while state.epoch < settings.epochs && state.n_without_gain < settings.patience {
        let first = dataset.texts.len() + state.epoch * n_taught;
        let mut order = prepared.training.clone();
        order.extend(first..first + n_taught);
        let seed = seed + 1 + (learner.member * settings.epochs + state.epoch) as u64;
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        for batch in order.chunks(settings.batch_size).skip(state.step) {
            let loss =
                learner.step(corpus, batch, &objective, steps_per_epoch * settings.epochs)?;
            state.step += 1;
            pace.tell(batch.len(), loss, learner.n_steps_done);
            if learner.n_steps_done.is_multiple_of(settings.checkpoint_steps) {
                checkpoints.save(learner, &state)?;
            }
        }
        let scores = learner.scores(corpus, &prepared.validation)?;
        let quality = quality(plan.task, &prepared.validation, &scores);
        (state.epoch, state.step) = (state.epoch + 1, 0);
        progress
            .note(&format!("pass {} of {}: quality {quality:.4}", state.epoch, settings.epochs));
        if state.best.is_none_or(|best| best < quality) {
            (state.best, state.n_without_gain) = (Some(quality), 0);
            checkpoints.save_best(learner)?;
        } else {
            state.n_without_gain += 1;
        }
        checkpoints.save(learner, &state)?;
    }
    pace.finish();
    checkpoints.restore_best(learner)
}

/// The mean over heads of macro-F1, or quadratic kappa where labels have an order, as the
/// calibrated scores decide.
fn quality(task: Task<'_>, texts: &[usize], scores: &[Vec<f32>]) -> f64 {
    let mut first = 0;
    let mut tasks = Vec::new();
    for (head, labels) in task.dataset.taxonomy.heads().iter().zip(&task.dataset.labels) {
        let outputs = first..first + n_outputs(head);
        first = outputs.end;
        tasks.push((head, labels, outputs));
    }
    let n_heads = tasks.len() as f64;
    let measures = tasks.into_par_iter().map(|(head, labels, outputs)| {
        let labels: Vec<_> = texts.iter().map(|&text| labels[text].clone()).collect();
        let scores: Vec<Vec<f32>> =
            scores.iter().map(|row| row[outputs.clone()].to_vec()).collect();
        let held_out = HeldOut { scores: &scores, labels: &labels };
        let decision = calibrate::fit(head, held_out, task.triage_share);
        let choices: Vec<Choice> = scores.iter().map(|row| decide(&decision, row)).collect();
        let report = metrics::report(head, &choices, &labels);
        match (head.kind, report.quadratic_weighted_kappa) {
            (HeadKind::Ordinal, Some(kappa)) => kappa,
            _ => report.macro_f1,
        }
    });
    measures.collect::<Vec<f64>>().into_iter().sum::<f64>() / n_heads
}

/// How fast a training goes, and how long it will take yet.
struct Pace<'p> {
    progress: &'p Progress,
    bar: indicatif::ProgressBar,
    n_steps: usize,
    since: Instant,
    n_texts: usize,
    n_steps_since: usize,
    loss: f32,
}

impl<'p> Pace<'p> {
    fn new(n_done: usize, n_steps: usize, progress: &'p Progress) -> Self {
        let bar = progress.bar(n_steps as u64, "steps");
        bar.set_position(n_done as u64);
        let since = Instant::now();
        Self { progress, bar, n_steps, since, n_texts: 0, n_steps_since: 0, loss: 0.0 }
    }

    fn tell(&mut self, n_texts: usize, loss: f32, n_done: usize) {
        self.bar.inc(1);
        self.n_texts += n_texts;
        self.n_steps_since += 1;
        self.loss += loss;
        if self.since.elapsed() < NOTE_EVERY {
            return;
        }
        let seconds = self.since.elapsed().as_secs_f32();
        let loss = self.loss / self.n_steps_since as f32;
        let speed = self.n_texts as f32 / seconds;
        let n_left = self.n_steps.saturating_sub(n_done) as f32;
        let minutes = n_left * seconds / self.n_steps_since as f32 / 60.0;
        self.bar.suspend(|| {
            self.progress.note(&format!(
                "step {n_done} of {}, loss {loss:.3}, {speed:.1} texts/s, {minutes:.0} minutes left",
                self.n_steps
            ));
        });
        (self.since, self.n_texts, self.n_steps_since, self.loss) = (Instant::now(), 0, 0, 0.0);
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl State {
    /// A training that has not begun.
    const fn start() -> Self {
        Self { epoch: 0, step: 0, best: None, n_without_gain: 0 }
    }
}
