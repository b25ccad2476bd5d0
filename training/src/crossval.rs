//! Cross-validation: every text is answered by a model that was trained, with all its calibration,
//! on texts of other folds only.

use std::{collections::BTreeMap, time::Instant};

use fenzhen::inference::{Choice, Classifier, LinearClassifier};
use fenzhen::registry::{Digest, FORMAT, Kind, Lineage, Manifest};
use fenzhen::text::Analyzer;
use jiff::Timestamp;
use rayon::prelude::*;

use crate::dataset::{self, Dataset, Folds, similar};
use crate::progress::Progress;
use crate::recipe::Recipe;
use crate::trainer::{self, Trained};

/// Why cross-validation fails.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The texts outside a fold teach nothing.
    #[error("without fold {fold} there is too little to learn from")]
    Fold {
        /// Counted from one.
        fold: usize,
        /// What is missing.
        source: dataset::Error,
    },
    /// The trained weights do not make a classifier.
    #[error("the weights of a fold do not fit its taxonomy")]
    Classifier(#[from] fenzhen::inference::Error),
}

/// The answers to texts that the answering model never saw.
#[derive(Clone, Debug)]
pub struct OutOfFold {
    /// Head by head and text by text.
    pub choices: Vec<Vec<Choice>>,
    /// The seconds that training took, fold by fold.
    pub seconds: Vec<f32>,
}

/// Folds with about the same share of each label of a head, near-duplicates kept together.
pub fn stratified_folds(
    dataset: &Dataset,
    head_idx: usize,
    threshold: f32,
    n_folds: usize,
    seed: u64,
) -> Folds {
    let groups = similar::similar_groups(&dataset.texts, threshold);
    // Several labels make a stratum of their own where they stand together; no label makes one.
    let mut strata: BTreeMap<&Option<Vec<usize>>, usize> = BTreeMap::new();
    for labels in &dataset.labels[head_idx] {
        let next = strata.len();
        strata.entry(labels).or_insert(next);
    }
    let of: Vec<usize> = dataset.labels[head_idx].iter().map(|labels| strata[labels]).collect();
    Folds::stratified(groups, &of, n_folds, seed)
}

/// Trains once per fold and answers the texts of that fold.
pub fn out_of_fold(
    dataset: &Dataset,
    recipe: &Recipe,
    folds: &Folds,
    progress: &Progress,
) -> Result<OutOfFold, Error> {
    let n_heads = dataset.taxonomy.heads().len();
    let mut answers: Vec<Vec<Option<Choice>>> = vec![vec![None; dataset.texts.len()]; n_heads];
    let mut seconds = Vec::new();
    let bar = progress.bar(folds.n_folds() as u64, "folds");
    for fold in 0..folds.n_folds() {
        let (outside, inside) = folds.split(fold);
        let part = dataset.part(&outside);
        part.check_trainable(recipe.folds)
            .map_err(|source| Error::Fold { fold: fold + 1, source })?;
        let started = Instant::now();
        let trained = trainer::train(&part, recipe, &Progress::silent());
        seconds.push(started.elapsed().as_secs_f32());
        let classifier = classifier(part, recipe, trained)?;
        let analyzer = Analyzer::default();
        let predictions: Vec<_> = inside
            .par_iter()
            .map(|&text| classifier.classify(&analyzer.analyze(&dataset.texts[text])))
            .collect();
        for (text, prediction) in inside.into_iter().zip(predictions) {
            for (head, choices) in dataset.taxonomy.heads().iter().zip(&mut answers) {
                choices[text] = prediction.find_head(head.id.as_str()).map(|(_, answer)| Choice {
                    probabilities: answer.probabilities.clone(),
                    chosen: answer.chosen.clone(),
                    abstains: answer.abstains,
                });
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let whole = |choices: Vec<Option<Choice>>| {
        choices.into_iter().map(|choice| choice.expect("every text is in a fold")).collect()
    };
    Ok(OutOfFold { choices: answers.into_iter().map(whole).collect(), seconds })
}

/// The classifier as the service runs it, with its rounded weights.
fn classifier(
    part: Dataset,
    recipe: &Recipe,
    trained: Trained,
) -> Result<LinearClassifier, fenzhen::inference::Error> {
    let manifest = Manifest {
        format: FORMAT,
        name: "fold".to_owned(),
        kind: Kind::Linear,
        created_at: Timestamp::UNIX_EPOCH,
        lineage: Lineage {
            tool: "fenzhen-lab".to_owned(),
            recipe: recipe.name.clone(),
            recipe_sha256: Digest::of(&[]),
            seed: recipe.seed,
            parent: None,
            data: part.sources,
        },
        features: recipe.features,
        taxonomy: part.taxonomy,
        decisions: trained.decisions,
        blend: None,
        metrics: BTreeMap::new(),
        files: Vec::new(),
    };
    LinearClassifier::new(&manifest, trained.weights)
}
