//! An encoder with heads that learns: its variables, their moments, and one step after the other.

use candle_core::{Device, Result, Tensor, Var};
use fenzhen::inference::{
    AdamStep, Batch, Bert, Drops, EncoderFolder, Moments, Packed, Parameters, VariableMoments,
    mean_pool,
};
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::dataset::Dataset;
use crate::encoder::objective::Objective;
use crate::encoder::settings::EncoderSettings;

const BETA1: f32 = 0.9;
const BETA2: f32 = 0.999;
const EPS: f32 = 1e-8;
/// A step's texts are shared by so many threads. Fixed, so that the sums are the same on any CPU.
const N_PARTS: usize = 2;
/// So many texts are put into vectors at once by a thread of the CPU, and by another device.
const N_POOLED: (usize, usize) = (16, 128);

/// A variable with the moments of its gradients.
#[derive(Debug)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) var: Var,
    pub(super) moments: VariableMoments,
    rate: f32,
    decays: bool,
}

/// The mean and the deviation of each dimension of the vectors before training.
#[derive(Clone, Debug)]
pub(super) struct Standard {
    /// What is taken away.
    pub(super) means: Vec<f32>,
    /// What it is divided by after that.
    pub(super) deviations: Vec<f32>,
}

/// An encoder that learns.
#[derive(Debug)]
pub(super) struct Learner {
    bert: Bert,
    settings: EncoderSettings,
    standard: Standard,
    n_outputs: usize,
    pub(super) variables: Vec<Variable>,
    /// The vectors of words, which only move when they occur.
    pub(super) words: Vec<f32>,
    pub(super) word_moments: Moments,
    pub(super) n_steps_done: usize,
    /// Which of several trainings this is, from 0.
    pub(super) member: usize,
}

/// The texts of a step or an evaluation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Corpus<'a> {
    /// The labels of the first texts.
    pub(super) dataset: &'a Dataset,
    /// What teachers say about the texts after these.
    pub(super) shares: &'a [Vec<f32>],
    /// The tokens of all texts.
    pub(super) tokens: &'a [Vec<u32>],
}

impl Corpus<'_> {
    /// The loss of a text; adds its gradient by the scores.
    fn loss(&self, objective: &Objective, text: usize, scores: &[f32], to: &mut [f32]) -> f32 {
        match text.checked_sub(self.dataset.texts.len()) {
            None => objective.loss(self.dataset, text, scores, to),
            Some(taught) => objective.loss_to(&self.shares[taught], scores, to),
        }
    }
}

/// What one thread found out in a step.
struct Part {
    loss: f32,
    gradients: Vec<Tensor>,
    words: Vec<(u32, Vec<f32>)>,
}

impl Learner {
    /// An encoder as it was read, with heads that say nothing yet.
    pub(super) fn new(
        folder: &EncoderFolder,
        settings: &EncoderSettings,
        standard: Standard,
        n_outputs: usize,
        (member, device): (usize, &Device),
    ) -> Result<Self> {
        let mut bert = Bert::from_parameters(&folder.config, &folder.parameters, device)?;
        let hidden = folder.config.hidden_size;
        let mut variables = Vec::new();
        let mut add = |name: String, var: Var, rate: f32, decays: bool| {
            let moments = VariableMoments::new(&var)?;
            variables.push(Variable { name, var, moments, rate, decays });
            Result::Ok(())
        };
        for (layer, var) in bert.train_layers(settings.trained_layers)?.into_iter().enumerate() {
            add(format!("layer.{layer}"), var, settings.rate, true)?;
        }
        if settings.train_words {
            for (part, var) in bert.train_embeddings()?.into_iter().enumerate() {
                add(format!("embeddings.{part}"), var, settings.rate, false)?;
            }
        }
        let zeros = |shape: &[usize]| {
            Var::from_tensor(&Tensor::zeros(shape, candle_core::DType::F32, device)?)
        };
        add("heads.weights".to_owned(), zeros(&[n_outputs, hidden])?, settings.head_rate, true)?;
        add("heads.biases".to_owned(), zeros(&[n_outputs])?, settings.head_rate, false)?;
        let words = bert.words().flatten_all()?.to_vec1::<f32>()?;
        let word_moments =
            if settings.train_words { Moments::new(words.len()) } else { Moments::default() };
        Ok(Self {
            bert,
            settings: settings.clone(),
            standard,
            n_outputs,
            variables,
            words,
            word_moments,
            n_steps_done: 0,
            member,
        })
    }

    /// Learns from these texts once; the mean loss before. `n_steps` is how long all will take.
    pub(super) fn step(
        &mut self,
        corpus: Corpus<'_>,
        texts: &[usize],
        objective: &Objective,
        n_steps: usize,
    ) -> Result<f32> {
        let packed = self.bert.pack(self.settings.trained_layers)?;
        // One thread is enough to tell another device what to do.
        let n_parts = if self.bert.device().is_cpu() { N_PARTS } else { 1 };
        let parts = shares(corpus, texts, n_parts);
        let parts: Vec<Part> = parts
            .par_iter()
            .enumerate()
            .filter(|(_, texts)| !texts.is_empty())
            .map(|(part, share)| {
                let seed = self.member * n_steps + self.n_steps_done;
                let seed = (seed * N_PARTS + part) as u32;
                let factor = 1.0 / texts.len() as f32;
                self.part(&packed, corpus, share, (objective, factor, seed))
            })
            .collect::<Result<_>>()?;
        let loss = parts.iter().map(|part| part.loss).sum();
        let (gradients, words) = add_up(parts)?;
        let squares = gradients.par_iter().map(square);
        let squares: f64 = squares.collect::<Result<Vec<f64>>>()?.into_iter().sum();
        let of_words = words.values().flatten().map(|value| f64::from(value * value)).sum::<f64>();
        let norm = (squares + of_words).sqrt() as f32;
        if !norm.is_finite() {
            return Err(candle_core::Error::Msg("the gradient has no length".to_owned()));
        }
        self.move_by(&gradients, &words, (self.settings.clip / norm).min(1.0), n_steps)?;
        Ok(loss)
    }

    fn part(
        &self,
        packed: &Packed,
        corpus: Corpus<'_>,
        texts: &[usize],
        (objective, factor, seed): (&Objective, f32, u32),
    ) -> Result<Part> {
        let (hidden, device) = (self.bert.config().hidden_size, self.bert.device());
        let mut ids: Vec<u32> =
            texts.iter().flat_map(|&text| corpus.tokens[text].iter().copied()).collect();
        ids.sort_unstable();
        ids.dedup();
        let row = |id: &u32| ids.binary_search(id).expect("every id was collected") as u32;
        let local: Vec<Vec<u32>> =
            texts.iter().map(|&text| corpus.tokens[text].iter().map(row).collect()).collect();
        let batch = Batch::new(local.iter().map(Vec::as_slice));
        let rows = ids.iter().flat_map(|&id| &self.words[id as usize * hidden..][..hidden]);
        let rows = Tensor::from_iter(rows.copied(), device)?.reshape((ids.len(), hidden))?;
        let rows = Var::from_tensor(&rows)?;
        let dropout = self.settings.dropout;
        let drops = Drops { seed, hidden: dropout, attention: dropout };
        let vectors = self.bert.embed(&rows, &batch, drops)?;
        let vectors = self.bert.forward_packed(packed, &vectors, &batch, drops)?;
        let scores = self.heads(&mean_pool(&vectors, &batch)?)?;
        let values = scores.to_vec2::<f32>()?;
        let mut gradient = vec![0.0; texts.len() * self.n_outputs];
        let outs = gradient.chunks_exact_mut(self.n_outputs);
        let losses = texts.iter().zip(values).zip(outs);
        let loss: f32 =
            losses.map(|((&text, scores), to)| corpus.loss(objective, text, &scores, to)).sum();
        for value in &mut gradient {
            *value *= factor;
        }
        // The objective has its own gradient; this sum carries it into the graph.
        let gradient = Tensor::from_vec(gradient, scores.shape(), device)?;
        let mut store = scores.mul(&gradient)?.sum_all()?.backward()?;
        let gradients = self.variables.iter().map(|variable| match store.remove(&variable.var) {
            Some(gradient) => Ok(gradient),
            None => variable.var.zeros_like(),
        });
        let gradients = gradients.collect::<Result<_>>()?;
        let words = match store.remove(&rows) {
            Some(gradient) if self.settings.train_words => {
                ids.into_iter().zip(gradient.to_vec2::<f32>()?).collect()
            }
            _ => Vec::new(),
        };
        Ok(Part { loss: loss * factor, gradients, words })
    }

    /// The scores of pooled vectors, a row each.
    fn heads(&self, pooled: &Tensor) -> Result<Tensor> {
        let hidden = self.standard.means.len();
        let means = Tensor::from_slice(&self.standard.means, hidden, pooled.device())?;
        let deviations = Tensor::from_slice(&self.standard.deviations, hidden, pooled.device())?;
        let standard = pooled.broadcast_sub(&means)?.broadcast_div(&deviations)?;
        let [.., weights, biases] = &self.variables[..] else {
            return Err(candle_core::Error::Msg("the heads are the last variables".to_owned()));
        };
        standard.matmul(&weights.var.t()?)?.broadcast_add(&biases.var)
    }

    fn move_by(
        &mut self,
        gradients: &[Tensor],
        words: &FxHashMap<u32, Vec<f32>>,
        scale: f32,
        n_steps: usize,
    ) -> Result<()> {
        let pace = self.settings.pace(self.n_steps_done, n_steps);
        self.n_steps_done += 1;
        let power = self.n_steps_done as f32;
        let corrections = (1.0 - BETA1.powf(power), 1.0 - BETA2.powf(power));
        let decay = self.settings.weight_decay;
        let step = |rate: f32, decays: bool| AdamStep {
            rate: rate * pace,
            beta1: BETA1,
            beta2: BETA2,
            corrections,
            eps: EPS,
            decay: if decays { decay * rate * pace } else { 0.0 },
            scale,
        };
        self.variables.par_iter_mut().zip(gradients).try_for_each(|(variable, gradient)| {
            let step = step(variable.rate, variable.decays);
            variable.moments.step(&variable.var, gradient, &step)
        })?;
        let hidden = self.standard.means.len();
        let step = step(self.settings.rate, false);
        for (&id, gradient) in words {
            let row = id as usize * hidden..(id as usize + 1) * hidden;
            self.word_moments.step_rows(&mut self.words, row, gradient, &step);
        }
        Ok(())
    }

    /// The scores of texts as the encoder stands, without dropout, in the order of the texts.
    pub(super) fn scores(&self, corpus: Corpus<'_>, texts: &[usize]) -> Result<Vec<Vec<f32>>> {
        let bert = self.bert_with_words()?;
        let pooled = pool(&bert, corpus.tokens, texts)?;
        pooled.chunks(1024).try_fold(Vec::with_capacity(texts.len()), |mut all, chunk| {
            let n_columns = chunk[0].len();
            let values: Vec<f32> = chunk.iter().flatten().copied().collect();
            let pooled = Tensor::from_vec(values, (chunk.len(), n_columns), bert.device())?;
            all.extend(self.heads(&pooled)?.to_vec2::<f32>()?);
            Ok(all)
        })
    }

    fn bert_with_words(&self) -> Result<Bert> {
        let (shape, device) = (self.bert.words().shape().clone(), self.bert.device());
        Ok(self.bert.clone().with_words(Tensor::from_slice(&self.words, shape, device)?))
    }

    /// The encoder's weights.
    pub(super) fn parameters(&self) -> Result<Parameters> {
        self.bert_with_words()?.to_parameters()
    }

    /// Weights and biases of the heads, row by row.
    pub(super) fn head_weights(&self) -> Result<(Vec<f32>, Vec<f32>)> {
        let values = |variable: &Variable| variable.var.flatten_all()?.to_vec1::<f32>();
        let n = self.variables.len();
        Ok((values(&self.variables[n - 2])?, values(&self.variables[n - 1])?))
    }
}

/// About the same number of tokens for every thread.
fn shares(corpus: Corpus<'_>, texts: &[usize], n_parts: usize) -> Vec<Vec<usize>> {
    let mut texts = texts.to_vec();
    texts.sort_by_key(|&text| std::cmp::Reverse(corpus.tokens[text].len()));
    let mut shares = vec![(0, Vec::new()); n_parts];
    for text in texts {
        let share = shares.iter_mut().min_by_key(|(n_tokens, _)| *n_tokens);
        let share = share.expect("there is at least one part");
        share.0 += corpus.tokens[text].len();
        share.1.push(text);
    }
    shares.into_iter().map(|(_, texts)| texts).collect()
}

impl Standard {
    /// Mean and deviation of each dimension.
    pub(super) fn of(vectors: &[Vec<f32>]) -> Self {
        let n = vectors.len().max(1) as f64;
        let columns = 0..vectors.first().map_or(0, Vec::len);
        let mean = |of: &dyn Fn(&Vec<f32>) -> f64| vectors.iter().map(of).sum::<f64>() / n;
        let means: Vec<f32> =
            columns.clone().map(|column| mean(&|it| f64::from(it[column])) as f32).collect();
        let deviation = |column: usize| {
            let square = mean(&|it| f64::from(it[column] - means[column]).powi(2));
            (square.sqrt() as f32).max(1e-6)
        };
        let deviations = columns.map(deviation).collect();
        Self { means, deviations }
    }
}

/// The mean vectors of texts, in their order, by batches of texts of like length.
pub(super) fn pool(bert: &Bert, tokens: &[Vec<u32>], texts: &[usize]) -> Result<Vec<Vec<f32>>> {
    let packed = bert.pack(0)?;
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by_key(|&place| std::cmp::Reverse(tokens[texts[place]].len()));
    let pool = |places: &[usize]| {
        let batch = Batch::new(places.iter().map(|&place| tokens[texts[place]].as_slice()));
        let vectors = bert.embed(bert.words(), &batch, Drops::default())?;
        let vectors = bert.forward_packed(&packed, &vectors, &batch, Drops::default())?;
        let pooled = mean_pool(&vectors, &batch)?.to_vec2::<f32>()?;
        Ok(places.iter().copied().zip(pooled).collect::<Vec<_>>())
    };
    let pooled: Vec<_> = if bert.device().is_cpu() {
        order.par_chunks(N_POOLED.0).map(pool).collect::<Result<_>>()?
    } else {
        order.chunks(N_POOLED.1).map(pool).collect::<Result<_>>()?
    };
    let mut all = vec![Vec::new(); texts.len()];
    for (place, vector) in pooled.into_iter().flatten() {
        all[place] = vector;
    }
    Ok(all)
}

type Sums = (Vec<Tensor>, FxHashMap<u32, Vec<f32>>);

fn add_up(parts: Vec<Part>) -> Result<Sums> {
    let mut words: FxHashMap<u32, Vec<f32>> = FxHashMap::default();
    let mut gradients: Vec<Vec<Tensor>> = Vec::new();
    for part in parts {
        gradients.push(part.gradients);
        for (id, row) in part.words {
            match words.entry(id) {
                std::collections::hash_map::Entry::Vacant(entry) => {
                    entry.insert(row);
                }
                std::collections::hash_map::Entry::Occupied(mut entry) => {
                    entry.get_mut().iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
                }
            }
        }
    }
    let n_variables = gradients.first().map_or(0, Vec::len);
    let sum = |variable: usize| {
        let mut parts = gradients.iter().map(|part| &part[variable]);
        let first = parts.next().expect("a step has a text").clone();
        parts.try_fold(first, |sum, gradient| sum.add(gradient))
    };
    let sums = (0..n_variables).into_par_iter().map(sum).collect::<Result<_>>()?;
    Ok((sums, words))
}

fn square(gradient: &Tensor) -> Result<f64> {
    let (storage, layout) = gradient.storage_and_layout();
    let (candle_core::Storage::Cpu(storage), Some((start, end))) =
        (&*storage, layout.contiguous_offsets())
    else {
        return Ok(f64::from(gradient.sqr()?.sum_all()?.to_scalar::<f32>()?));
    };
    let mut lanes = [0.0_f32; 16];
    let mut total = 0.0;
    for block in storage.as_slice::<f32>()?[start..end].chunks(1 << 14) {
        for chunk in block.chunks(16) {
            lanes.iter_mut().zip(chunk).for_each(|(lane, value)| *lane += value * value);
        }
        total += lanes.iter().map(|&lane| f64::from(lane)).sum::<f64>();
        lanes = [0.0; 16];
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoder::tests::{Start, settings};

    /// The length of the difference, as a share of the length of the second.
    fn distance(a: &Tensor, b: &Tensor) -> f64 {
        (square(&a.sub(b).unwrap()).unwrap() / square(b).unwrap()).sqrt()
    }

    #[test]
    fn plain_operations_learn_the_same_as_the_fused_ones() {
        let start = Start::new();
        for n_trained in [1, 2] {
            let mut learner = start.learner(&settings(n_trained));
            let texts = &start.texts[..24];
            let objective = Objective::new(&start.dataset, &start.texts, 0.5);
            // Heads that say nothing send nothing back.
            for _ in 0..3 {
                learner.step(start.corpus(), texts, &objective, 10).unwrap();
            }
            let part = |packed: &Packed| {
                let step = (&objective, 1.0 / 24.0, 7);
                learner.part(packed, start.corpus(), texts, step).unwrap()
            };
            let fused = part(&learner.bert.pack(n_trained).unwrap());
            let plain = part(&Packed::plain(n_trained));
            assert!((fused.loss - plain.loss).abs() < 1e-2 * plain.loss, "{}", fused.loss);
            for (variable, (a, b)) in
                learner.variables.iter().zip(fused.gradients.iter().zip(&plain.gradients))
            {
                let is_below = variable.name.starts_with("embeddings");
                assert_eq!(square(b).unwrap() > 0.0, n_trained == 2 || !is_below);
                let distance = if square(b).unwrap() > 0.0 { distance(a, b) } else { 0.0 };
                assert!(distance < 0.1, "{distance} for {}", variable.name);
            }
            let ids = |part: &Part| part.words.iter().map(|(id, _)| *id).collect::<Vec<_>>();
            assert_eq!(ids(&fused), ids(&plain));
            assert_eq!(ids(&plain).is_empty(), n_trained == 1);
            for ((_, a), (_, b)) in fused.words.iter().zip(&plain.words) {
                let [a, b] = [a, b].map(|it| Tensor::new(it.as_slice(), &Device::Cpu).unwrap());
                assert!(distance(&a, &b) < 0.1);
            }
        }
    }
}
