//! What one text shows: the figures that profiles count and that suggestions rank by.

use fenzhen::domain::{HeadKind, Prediction};
use fenzhen::inference::{Features, LinearWeights, WEIGHTS_FILE};
use fenzhen::text::Analyzer;
use rayon::prelude::*;
use rustc_hash::FxHashSet;

use crate::drift::{Error, Text};
use crate::gate::Model;

/// Reads texts as a model does.
pub struct Reader<'m> {
    model: &'m Model,
    analyzer: Analyzer,
    features: Features,
    known: FxHashSet<u64>,
}

/// What one text shows.
#[derive(Clone, Debug)]
pub struct Reading {
    /// How many characters it has.
    pub n_chars: usize,
    /// The shares of Han, Latin, digits, punctuation and other characters, emoji among them.
    pub scripts: [f64; 5],
    /// The share of its n-grams and words that the model does not know.
    pub unseen: f64,
    /// Its words without numbers, each once.
    pub words: Vec<String>,
    /// What the model says.
    pub prediction: Prediction,
}

/// What the shares of a reading's scripts are called.
pub(super) const SCRIPTS: [&str; 5] = ["han", "latin", "digit", "punctuation", "other"];

impl<'m> Reader<'m> {
    /// A reader for a model.
    pub fn new(model: &'m Model) -> Result<Self, Error> {
        let weights = LinearWeights::from_bytes(&model.bundle().read(WEIGHTS_FILE)?)?;
        Ok(Self {
            model,
            analyzer: Analyzer::default(),
            features: Features::new(model.bundle().manifest().features),
            known: weights.hashes.into_iter().collect(),
        })
    }

    /// Reads texts in order.
    pub fn read(&self, texts: &[Text]) -> Vec<Reading> {
        texts.par_iter().map(|text| self.read_one(&text.text)).collect()
    }

    fn read_one(&self, text: &str) -> Reading {
        let document = self.analyzer.analyze(text);
        let mut features = Vec::new();
        self.features.extract(&document, &mut features);
        let distinct: FxHashSet<u64> = features.iter().map(|feature| feature.hash).collect();
        let n_unseen = distinct.iter().filter(|hash| !self.known.contains(hash)).count();
        let normalized = document.normalized();
        let words = document.words().iter().map(|range| &normalized[range.clone()]);
        // Numbers are people's: orders, telephones, amounts. No report needs them.
        let mut words: Vec<String> =
            words.filter(|word| !word.contains(char::is_numeric)).map(str::to_owned).collect();
        words.sort_unstable();
        words.dedup();
        Reading {
            n_chars: text.chars().count(),
            scripts: scripts(normalized),
            unseen: n_unseen as f64 / distinct.len().max(1) as f64,
            words,
            prediction: self.model.classifier().classify(&document),
        }
    }
}

fn scripts(text: &str) -> [f64; 5] {
    let mut counts = [0.0; 5];
    for c in text.chars().filter(|c| !c.is_whitespace()) {
        let script = match c {
            '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}' => 0,
            c if c.is_ascii_alphabetic() => 1,
            c if c.is_ascii_digit() => 2,
            c if c.is_ascii_punctuation() || ('\u{3000}'..='\u{303f}').contains(&c) => 3,
            '\u{2010}'..='\u{2027}' | '\u{ff00}'..='\u{ff65}' => 3,
            _ => 4,
        };
        counts[script] += 1.0;
    }
    let total: f64 = counts.iter().sum();
    if total == 0.0 { counts } else { counts.map(|count| count / total) }
}

impl Reading {
    /// How close the model was to another answer, in the head where it was closest: the lead of the
    /// first label over the second or, for a multi-label head, the distance of the nearest label
    /// from one half, doubled. 0 is a toss-up, 1 is certainty.
    pub fn margin(&self) -> f64 {
        let margins = self.prediction.heads().map(|(head, answer)| {
            let probabilities = answer.probabilities.iter().map(|&p| f64::from(p));
            if head.kind == HeadKind::MultiLabel {
                return probabilities.map(|p| 2.0 * (p - 0.5).abs()).fold(1.0, f64::min);
            }
            let mut sorted: Vec<f64> = probabilities.collect();
            sorted.sort_by(|a, b| b.total_cmp(a));
            sorted[0] - sorted.get(1).copied().unwrap_or(0.0)
        });
        margins.fold(1.0, f64::min)
    }
}
