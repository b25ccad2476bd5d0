//! Trains the encoder of a blend: all of it, its upper layers, or heads alone on vectors that are
//! computed once. One fold is kept for stopping early, for the blend and for the calibration.

mod blend;
mod checkpoint;
mod error;
mod heads;
mod learner;
mod objective;
mod prune;
mod settings;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use fenzhen::domain::HeadKind;
use fenzhen::inference::{
    Bert, Choice, EncoderConfig, EncoderEngine, EncoderFolder, EncoderHeads, EncoderTokenizer, Isa,
    Parameters, Workspace, decide, n_outputs, pack,
};
use fenzhen::text::Analyzer;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::calibrate::{self, HeldOut};
use crate::dataset::{Dataset, Folds};
use crate::encoder::checkpoint::State;
use crate::encoder::learner::{Corpus, Learner, pool};
use crate::encoder::objective::{Objective, total_outputs};
use crate::metrics;
use crate::progress::Progress;

pub use blend::{Blended, Members, blend};
pub use checkpoint::Checkpoints;
pub use error::Error;
pub use learner::Standard;
pub use prune::{Pruned, Script, keep, prune};
pub use settings::EncoderSettings;

/// A training says how it goes about this often.
const NOTE_EVERY: Duration = Duration::from_mins(1);
/// Mean and deviation of the vectors are taken from so many texts.
const N_STANDARD: usize = 4_096;
/// So many texts go through the encoder together where it does not learn.
const TEXTS_SIDE_BY_SIDE: usize = 16;

/// What to train, how, and where to keep what was reached.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The texts.
    pub dataset: &'a Dataset,
    /// How.
    pub settings: &'a EncoderSettings,
    /// The starting weights.
    pub folder: &'a EncoderFolder,
    /// The seed of every random choice.
    pub seed: u64,
    /// The folder of the checkpoints.
    pub checkpoints: Checkpoints,
    /// The share of texts that a head leaves to people.
    pub triage_share: f32,
}

/// An encoder with heads, trained.
#[derive(Debug)]
pub struct TrainedEncoder {
    /// Its shape; it takes as many tokens as it was trained with.
    pub config: EncoderConfig,
    /// Its weights.
    pub parameters: Parameters,
    /// Its tokenizer.
    pub tokenizer: EncoderTokenizer,
    /// The standard of the heads' input.
    pub standard: Standard,
    /// The heads' weights, a row per output.
    pub weights: Vec<f32>,
    /// The heads' biases.
    pub biases: Vec<f32>,
    /// The texts that it was not trained on.
    pub validation: Vec<usize>,
    /// The scores of these.
    pub scores: Vec<Vec<f32>>,
}

/// The texts, cut into tokens and dealt to training and validation.
struct Prepared {
    config: EncoderConfig,
    tokenizer: EncoderTokenizer,
    tokens: Vec<Vec<u32>>,
    training: Vec<usize>,
    validation: Vec<usize>,
}

/// Trains the encoder, from its last checkpoint if there is one.
pub fn train(plan: &Plan<'_>, progress: &Progress) -> Result<TrainedEncoder, Error> {
    let prepared = prepare(plan, progress)?;
    if plan.settings.trained_layers == 0 {
        return train_heads(plan, &prepared, progress);
    }
    let bert = Bert::from_parameters(&plan.folder.config, &plan.folder.parameters)?;
    let sample: Vec<usize> = prepared.training.iter().copied().take(N_STANDARD).collect();
    let standard = Standard::of(&pool(&bert, &prepared.tokens, &sample)?);
    drop(bert);
    let n_outputs = total_outputs(&plan.dataset.taxonomy);
    let corpus = Corpus { dataset: plan.dataset, tokens: &prepared.tokens };
    let mut members = Vec::new();
    for member in 0..plan.settings.members {
        let mut learner =
            Learner::new(plan.folder, plan.settings, standard.clone(), n_outputs, member)?;
        learn(plan, &prepared, &mut learner, progress)?;
        let scores = learner.scores(corpus, &prepared.validation)?;
        members.push((quality(plan, &prepared.validation, &scores), learner));
    }
    let (learner, scores) = join(plan, &prepared, members, progress)?;
    let (weights, biases) = learner.head_weights()?;
    Ok(TrainedEncoder {
        parameters: learner.parameters()?,
        standard: learner.standard().clone(),
        config: prepared.config,
        tokenizer: prepared.tokenizer,
        weights,
        biases,
        validation: prepared.validation,
        scores,
    })
}

fn prepare(plan: &Plan<'_>, progress: &Progress) -> Result<Prepared, Error> {
    progress.step("cutting texts into tokens");
    let mut config = plan.folder.config.clone();
    config.max_tokens = config.max_tokens.min(plan.settings.max_tokens);
    let json = plan.folder.tokenizer.to_json()?;
    let tokenizer = EncoderTokenizer::from_json(json.as_bytes(), config.max_tokens)
        .map_err(fenzhen::inference::EncoderError::Tokenizer)?;
    let analyzer = Analyzer::default();
    let dataset = plan.dataset;
    let tokens: Vec<Vec<u32>> = dataset
        .texts
        .par_iter()
        .map(|text| Ok(tokenizer.encode(analyzer.analyze(text).normalized())?.ids))
        .collect::<Result<_, Error>>()?;
    let n_folds = plan.settings.validation_folds;
    let folds = Folds::new(&dataset.texts, &dataset.labels, n_folds, plan.seed);
    let (mut training, validation) = folds.split(0);
    training.shuffle(&mut ChaCha8Rng::seed_from_u64(plan.seed));
    let n_tokens: usize = tokens.iter().map(Vec::len).sum();
    progress.note(&format!(
        "{} texts to train on, {} kept; {:.0} tokens each",
        training.len(),
        validation.len(),
        n_tokens as f64 / tokens.len() as f64
    ));
    Ok(Prepared { config, tokenizer, tokens, training, validation })
}

/// The vectors of all texts as the service will compute them: heads learn what they will see, and
/// several times as fast as with more bits.
fn vectors_as_served(plan: &Plan<'_>, prepared: &Prepared) -> Result<Vec<Vec<f32>>, Error> {
    let (config, hidden) = (&prepared.config, prepared.config.hidden_size);
    let none = EncoderHeads {
        means: vec![0.0; hidden],
        deviations: vec![1.0; hidden],
        weights: Vec::new(),
        biases: Vec::new(),
    };
    let bytes = pack(config, &plan.folder.parameters, &none);
    let engine = EncoderEngine::from_bytes(&bytes, config, Isa::best())?;
    let chunks = prepared.tokens.par_chunks(TEXTS_SIDE_BY_SIDE);
    let vectors = chunks.map_init(Workspace::default, |space, texts| {
        engine.pool(&texts.iter().map(Vec::as_slice).collect::<Vec<_>>(), space)
    });
    Ok(vectors.flatten_iter().collect())
}

fn train_heads(
    plan: &Plan<'_>,
    prepared: &Prepared,
    progress: &Progress,
) -> Result<TrainedEncoder, Error> {
    progress.step("computing vectors");
    let mut vectors = vectors_as_served(plan, prepared)?;
    let standard = Standard::of(&vectors);
    for vector in &mut vectors {
        let lines = standard.means.iter().zip(&standard.deviations);
        vector.iter_mut().zip(lines).for_each(|(x, (mean, scale))| *x = (*x - mean) / scale);
    }
    progress.step("training heads");
    let n_outputs = total_outputs(&plan.dataset.taxonomy);
    let cached = heads::Cached { vectors: &vectors, training: &prepared.training };
    let mut found: Option<(f64, heads::Heads)> = None;
    heads::train(plan, cached, n_outputs, |epoch, heads| {
        let scores: Vec<Vec<f32>> =
            prepared.validation.iter().map(|&text| heads.scores(&vectors[text])).collect();
        let quality = quality(plan, &prepared.validation, &scores);
        progress.note(&format!("pass {epoch}: quality {quality:.4}"));
        if found.as_ref().is_none_or(|(reached, _)| *reached < quality) {
            found = Some((quality, heads.clone()));
            return true;
        }
        false
    });
    let (_, heads) = found.expect("there is at least one pass");
    let scores = prepared.validation.iter().map(|&text| heads.scores(&vectors[text])).collect();
    Ok(TrainedEncoder {
        config: prepared.config.clone(),
        parameters: plan.folder.parameters.clone(),
        tokenizer: prepared.tokenizer.clone(),
        standard,
        weights: heads.weights,
        biases: heads.biases,
        validation: prepared.validation.clone(),
        scores,
    })
}

/// The average of the trainings, or the best of them where that is better; with its scores of the
/// kept texts.
fn join(
    plan: &Plan<'_>,
    prepared: &Prepared,
    mut members: Vec<(f64, Learner)>,
    progress: &Progress,
) -> Result<(Learner, Vec<Vec<f32>>), Error> {
    let corpus = Corpus { dataset: plan.dataset, tokens: &prepared.tokens };
    members.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut rest = members.into_iter();
    let (best, mut learner) = rest.next().expect("there is at least one training");
    let others: Vec<Learner> = rest.map(|(_, learner)| learner).collect();
    let alone = learner.scores(corpus, &prepared.validation)?;
    if others.is_empty() {
        return Ok((learner, alone));
    }
    let kept = learner.weights()?;
    learner.average_with(&others)?;
    let scores = learner.scores(corpus, &prepared.validation)?;
    let quality = quality(plan, &prepared.validation, &scores);
    progress.note(&format!(
        "{} trainings averaged: quality {quality:.4}, the best alone {best:.4}",
        others.len() + 1
    ));
    if quality < best {
        learner.set_weights(&kept)?;
        return Ok((learner, alone));
    }
    Ok((learner, scores))
}

/// Passes over the texts until nothing improves; leaves the learner as it was at its best.
fn learn(
    plan: &Plan<'_>,
    prepared: &Prepared,
    learner: &mut Learner,
    progress: &Progress,
) -> Result<(), Error> {
    let corpus = Corpus { dataset: plan.dataset, tokens: &prepared.tokens };
    let settings = plan.settings;
    let objective = Objective::new(plan.dataset, &prepared.training, settings.class_weight_power);
    let steps_per_epoch = prepared.training.len().div_ceil(settings.batch_size);
    let checkpoints = plan.checkpoints.of_member(learner.member);
    let mut state = checkpoints.resume(learner)?;
    if 0 < learner.n_steps_done {
        progress.note(&format!("goes on after step {}", learner.n_steps_done));
    }
    let mut pace = Pace::new(learner.n_steps_done, steps_per_epoch * settings.epochs, progress);
    while state.epoch < settings.epochs && state.n_without_gain < settings.patience {
        let mut order = prepared.training.clone();
        let seed = plan.seed + 1 + (learner.member * settings.epochs + state.epoch) as u64;
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
        let quality = quality(plan, &prepared.validation, &scores);
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
fn quality(plan: &Plan<'_>, texts: &[usize], scores: &[Vec<f32>]) -> f64 {
    let mut first = 0;
    let mut tasks = Vec::new();
    for (head, labels) in plan.dataset.taxonomy.heads().iter().zip(&plan.dataset.labels) {
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
        let decision = calibrate::fit(head, held_out, plan.triage_share);
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
