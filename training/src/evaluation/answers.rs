//! A classifier's answers to labelled texts: what every figure and every comparison is made from.

use fenzhen::domain::{Head, HeadKind, HeadPrediction, Prediction};
use fenzhen::inference::{Choice, Classifier};
use fenzhen::registry::{DataSource, Digest};
use fenzhen::text::Analyzer;
use rayon::prelude::*;

use crate::dataset::Dataset;
use crate::evaluation::Error;
use crate::metrics::is_right;

/// A classifier's answers to labelled texts.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The model's version.
    pub model: String,
    /// How many texts there are.
    pub n_texts: usize,
    /// Tells whether two models were judged on the same texts.
    pub texts_sha256: Digest,
    /// The files that the texts come from.
    pub data: Vec<DataSource>,
    /// The heads that have labelled texts, in the order of the taxonomy.
    pub heads: Vec<JudgedHead>,
}

/// The answers of one head.
#[derive(Clone, Debug)]
pub struct JudgedHead {
    /// The head.
    pub head: Head,
    /// Its answers to the labelled texts, in the order of the texts.
    pub answers: Vec<Answer>,
}

/// The answer of a head to a labelled text.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The text, by position in the data.
    pub text_idx: usize,
    /// The labels that people gave it.
    pub labels: Vec<usize>,
    /// What the model says.
    pub choice: Choice,
    /// How sure the model is of all it chose: the probability of the chosen label or, for a
    /// multi-label head, the joint probability of its choices taken as independent.
    pub confidence: f64,
    /// Whether the chosen labels are the right ones, all of them and no others.
    pub is_right: bool,
}

impl Answer {
    /// Joins what a model says to what people say.
    pub fn new(kind: HeadKind, text_idx: usize, labels: Vec<usize>, choice: Choice) -> Self {
        let confidence = confidence(kind, &choice);
        let is_right = is_right(&choice, &labels);
        Self { text_idx, labels, choice, confidence, is_right }
    }
}

fn confidence(kind: HeadKind, choice: &Choice) -> f64 {
    if kind != HeadKind::MultiLabel {
        return f64::from(choice.probabilities[choice.chosen[0]]);
    }
    let of_label = |(label, &p): (usize, &f32)| {
        f64::from(if choice.chosen.contains(&label) { p } else { 1.0 - p })
    };
    choice.probabilities.iter().enumerate().map(of_label).product()
}

/// Has a classifier answer every text. Heads without a labelled text are left out.
pub fn judge(
    classifier: &dyn Classifier,
    version: &str,
    dataset: &Dataset,
) -> Result<Judged, Error> {
    let analyzer = Analyzer::default();
    let predictions: Vec<Prediction> =
        dataset.texts.par_iter().map(|text| classifier.classify(&analyzer.analyze(text))).collect();
    let heads: Vec<JudgedHead> = (dataset.taxonomy.heads().iter().zip(&dataset.labels))
        .map(|(head, labels)| judge_head(head, &predictions, labels))
        .filter(|judged| !judged.answers.is_empty())
        .collect();
    if heads.is_empty() {
        return Err(Error::Unlabelled);
    }
    Ok(Judged {
        model: version.to_owned(),
        n_texts: dataset.texts.len(),
        texts_sha256: digest(&dataset.texts),
        data: dataset.sources.clone(),
        heads,
    })
}

fn judge_head(
    head: &Head,
    predictions: &[Prediction],
    labels: &[Option<Vec<usize>>],
) -> JudgedHead {
    let answers = predictions.iter().zip(labels).enumerate().filter_map(|(text_idx, pair)| {
        let (prediction, labels) = pair;
        let (_, answer) =
            prediction.find_head(head.id.as_str()).expect("the heads are the classifier's own");
        Some(Answer::new(head.kind, text_idx, labels.clone()?, choice(answer)))
    });
    JudgedHead { head: head.clone(), answers: answers.collect() }
}

fn choice(answer: &HeadPrediction) -> Choice {
    Choice {
        probabilities: answer.probabilities.clone(),
        chosen: answer.chosen.clone(),
        abstains: answer.abstains,
    }
}

/// The lengths keep a text that is cut in two from looking like the whole one.
fn digest(texts: &[String]) -> Digest {
    let lengths: Vec<[u8; 8]> =
        texts.iter().map(|text| (text.len() as u64).to_le_bytes()).collect();
    let pieces = texts.iter().zip(&lengths);
    Digest::of_all(pieces.flat_map(|(text, length)| [length.as_slice(), text.as_bytes()]))
}
