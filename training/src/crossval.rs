//! Cross-validation: every text is answered by a model that was trained, with all its calibration,
//! on texts of other folds only.

use std::{collections::BTreeMap, time::Instant};

use fenzhen::domain::Taxonomy;
use fenzhen::inference::{
    Choice, EncoderHeads, Features, LinearClassifier, Vocabulary, decide, n_outputs,
};
use fenzhen::registry::{Blend, Digest, FORMAT, HeadDecision, Kind, Lineage, Manifest};
use fenzhen::text::{Analyzer, Document};
use jiff::Timestamp;
use rayon::prelude::*;

use crate::dataset::{self, Dataset, Folds, similar};
use crate::encoder::{self, EncoderSettings, Task};
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

/// Vectors of all texts of a data set, which heads are fitted to fold by fold.
#[derive(Clone, Debug)]
pub struct Frozen<'a> {
    /// How heads are fitted.
    pub settings: &'a EncoderSettings,
    /// Text by text.
    pub vectors: Vec<Vec<f32>>,
}

/// Trains once per fold and answers the texts of that fold: by a linear model, or by its blend with
/// heads on vectors that stay as they are.
pub fn out_of_fold(
    dataset: &Dataset,
    recipe: &Recipe,
    frozen: Option<&Frozen<'_>>,
    folds: &Folds,
    progress: &Progress,
) -> Result<OutOfFold, Error> {
    let n_heads = dataset.taxonomy.heads().len();
    let mut answers: Vec<Vec<Option<Choice>>> = vec![vec![None; dataset.texts.len()]; n_heads];
    let mut seconds = Vec::new();
    let analyzer = Analyzer::default();
    let bar = progress.bar(folds.n_folds() as u64, "folds");
    for fold in 0..folds.n_folds() {
        let (outside, inside) = folds.split(fold);
        let part = dataset.part(&outside);
        part.check_trainable(recipe.folds)
            .map_err(|source| Error::Fold { fold: fold + 1, source })?;
        let started = Instant::now();
        let model = Model::train(&part, recipe, frozen, &outside)?;
        seconds.push(started.elapsed().as_secs_f32());
        let answered: Vec<Vec<Choice>> = inside
            .par_iter()
            .map(|&text| {
                let document = analyzer.analyze(&dataset.texts[text]);
                model.choices(&document, frozen.map(|frozen| frozen.vectors[text].as_slice()))
            })
            .collect();
        for (text, choices) in inside.into_iter().zip(answered) {
            for (of_head, choice) in answers.iter_mut().zip(choices) {
                of_head[text] = Some(choice);
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

/// What was trained without a fold.
struct Model {
    taxonomy: Taxonomy,
    decisions: BTreeMap<String, HeadDecision>,
    features: Features,
    vocabulary: Vocabulary,
    linear: LinearClassifier,
    encoder: Option<(Blend, EncoderHeads)>,
}

impl Model {
    fn train(
        part: &Dataset,
        recipe: &Recipe,
        frozen: Option<&Frozen<'_>>,
        texts: &[usize],
    ) -> Result<Self, Error> {
        let silent = Progress::silent();
        let mut trained = trainer::train(part, recipe, &silent);
        let encoder = frozen.map(|frozen| {
            let (seed, triage_share) = (recipe.seed, recipe.triage_share);
            let settings = frozen.settings;
            let task = Task { dataset: part, settings, seed, triage_share, learned: None };
            let vectors = texts.iter().map(|&text| frozen.vectors[text].clone()).collect();
            let fitted = encoder::fit_heads(task, vectors, &silent);
            (encoder::join(part, triage_share, &mut trained, &fitted), fitted.heads)
        });
        let decisions = trained.decisions.clone();
        Ok(Self {
            taxonomy: part.taxonomy.clone(),
            decisions,
            features: Features::new(recipe.features),
            vocabulary: Vocabulary::new(&trained.weights.hashes, &trained.weights.idf),
            linear: classifier(part, recipe, trained)?,
            encoder,
        })
    }

    /// The answers of all heads, as the service would give them.
    fn choices(&self, document: &Document<'_>, vector: Option<&[f32]>) -> Vec<Choice> {
        let mut features = Vec::new();
        self.features.extract(document, &mut features);
        let linear = self.linear.scores(&self.vocabulary.vectorize(&features));
        let members = self.encoder.as_ref().zip(vector);
        let members = members.map(|((blend, heads), vector)| (blend, heads.scores(vector)));
        let mut first = 0;
        let heads = self.taxonomy.heads().iter().map(|head| {
            let outputs = first..first + n_outputs(head);
            first = outputs.end;
            let mut scores = linear[outputs.clone()].to_vec();
            if let Some((blend, of_encoder)) = &members {
                let weights = blend.weights[head.id.as_str()];
                for (score, encoder) in scores.iter_mut().zip(&of_encoder[outputs]) {
                    *score = weights.linear * *score + weights.encoder * encoder;
                }
            }
            decide(&self.decisions[head.id.as_str()], &scores)
        });
        heads.collect()
    }
}

/// The classifier as the service runs it, with its rounded weights.
fn classifier(
    part: &Dataset,
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
            data: part.sources.clone(),
            unlabelled: Vec::new(),
            teachers: Vec::new(),
        },
        features: recipe.features,
        taxonomy: part.taxonomy.clone(),
        decisions: trained.decisions,
        blend: None,
        metrics: BTreeMap::new(),
        files: Vec::new(),
    };
    LinearClassifier::new(&manifest, trained.weights)
}
