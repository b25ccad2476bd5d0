//! Heads alone, on the vectors of an encoder that stays as it is. Vectors do not depend on labels:
//! computed once, they serve every fold of a cross-validation.

use fenzhen::inference::{EncoderHeads, Isa, PlainEncoder};
use fenzhen::text::{Analyzer, Document};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::encoder::heads::{self, Cached, Heads};
use crate::encoder::learner::Standard;
use crate::encoder::objective::total_outputs;
use crate::encoder::{Error, Fitted, Task, kept, quality};
use crate::progress::Progress;

/// So many texts go through the encoder together.
const TEXTS_SIDE_BY_SIDE: usize = 16;

/// The vectors of texts as the service will compute them: heads learn what they will see.
pub fn vectors(
    encoder: &PlainEncoder,
    texts: &[String],
    progress: &Progress,
) -> Result<Vec<Vec<f32>>, Error> {
    progress.step("computing vectors");
    let hidden = encoder.hidden_size();
    let none = EncoderHeads {
        means: vec![0.0; hidden],
        deviations: vec![1.0; hidden],
        weights: Vec::new(),
        biases: Vec::new(),
    };
    let served = encoder.serve(&none, Isa::best())?;
    let analyzer = Analyzer::default();
    let bar = progress.bar(texts.len() as u64, "texts");
    let vectors = texts.par_chunks(TEXTS_SIDE_BY_SIDE).flat_map_iter(|texts| {
        let documents: Vec<_> = texts.iter().map(|text| analyzer.analyze(text)).collect();
        let normalized: Vec<&str> = documents.iter().map(Document::normalized).collect();
        let vectors = served.pool(&normalized);
        bar.inc(texts.len() as u64);
        vectors
    });
    let vectors = vectors.collect();
    bar.finish_and_clear();
    Ok(vectors)
}

/// Fits heads to the vectors of a data set's texts until the kept texts gain no more.
pub fn fit_heads(task: Task<'_>, mut vectors: Vec<Vec<f32>>, progress: &Progress) -> Fitted {
    progress.step("training heads");
    let (mut training, validation) = kept::split(task, progress);
    training.shuffle(&mut ChaCha8Rng::seed_from_u64(task.seed));
    progress.note(&format!("{} texts to train on, {} kept", training.len(), validation.len()));
    let Standard { means, deviations } = Standard::of(&vectors);
    for vector in &mut vectors {
        let lines = means.iter().zip(&deviations);
        vector.iter_mut().zip(lines).for_each(|(x, (mean, scale))| *x = (*x - mean) / scale);
    }
    let cached = Cached { vectors: &vectors, training: &training };
    let scores_of = |heads: &Heads| -> Vec<Vec<f32>> {
        validation.iter().map(|&text| heads.scores(&vectors[text])).collect()
    };
    let mut found: Option<(f64, Heads)> = None;
    heads::train(task, cached, total_outputs(&task.dataset.taxonomy), |epoch, heads| {
        let quality = quality(task, &validation, &scores_of(heads));
        progress.note(&format!("pass {epoch}: quality {quality:.4}"));
        if found.as_ref().is_none_or(|(reached, _)| *reached < quality) {
            found = Some((quality, heads.clone()));
            return true;
        }
        false
    });
    let (_, heads) = found.expect("there is at least one pass");
    let scores = scores_of(&heads);
    let Heads { weights, biases } = heads;
    Fitted { heads: EncoderHeads { means, deviations, weights, biases }, validation, scores }
}
