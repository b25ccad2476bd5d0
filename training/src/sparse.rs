//! Sparse rows in one block of memory, and the vocabulary that makes them.

use fenzhen::inference::{Features, Vocabulary};
use fenzhen::registry::FeatureSource;
use fenzhen::text::Analyzer;
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::recipe::Pruning;

/// A sparse matrix, row by row.
#[derive(Clone, Debug, Default)]
pub struct SparseRows {
    starts: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f32>,
    n_columns: usize,
}

impl SparseRows {
    /// A matrix without rows.
    pub fn new(n_columns: usize) -> Self {
        Self { starts: vec![0], columns: Vec::new(), values: Vec::new(), n_columns }
    }

    /// Appends a row.
    pub fn push(&mut self, row: impl IntoIterator<Item = (u32, f32)>) {
        for (column, value) in row {
            debug_assert!((column as usize) < self.n_columns);
            self.columns.push(column);
            self.values.push(value);
        }
        self.starts.push(self.columns.len());
    }

    /// How many rows there are.
    pub const fn n_rows(&self) -> usize {
        self.starts.len() - 1
    }

    /// How many columns there are.
    pub const fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// The columns and values of a row.
    pub fn row(&self, row: usize) -> impl Iterator<Item = (usize, f32)> + Clone {
        let range = self.starts[row]..self.starts[row + 1];
        let columns = self.columns[range.clone()].iter().map(|&column| column as usize);
        columns.zip(self.values[range].iter().copied())
    }
}

/// The features that training found worth keeping, by ascending hash.
#[derive(Clone, Debug)]
pub struct Lexicon {
    /// One hash per feature.
    pub hashes: Vec<u64>,
    /// One inverse document frequency per feature.
    pub idf: Vec<f32>,
}

/// Counts the features of texts and turns the texts into rows.
pub fn vectorize(
    texts: &[String],
    source: FeatureSource,
    pruning: Pruning,
) -> (Lexicon, SparseRows) {
    let analyzer = Analyzer::default();
    let features = Features::new(source);
    let extracted: Vec<_> = texts
        .par_iter()
        .map(|text| {
            let mut found = Vec::new();
            features.extract(&analyzer.analyze(text), &mut found);
            found
        })
        .collect();
    let mut frequencies: FxHashMap<u64, u32> = FxHashMap::default();
    let mut distinct = Vec::new();
    for found in &extracted {
        distinct.clear();
        distinct.extend(found.iter().map(|feature| feature.hash));
        distinct.sort_unstable();
        distinct.dedup();
        for &hash in &distinct {
            *frequencies.entry(hash).or_default() += 1;
        }
    }
    let lexicon = select(&frequencies, texts.len(), pruning);
    let vocabulary = Vocabulary::new(&lexicon.hashes, &lexicon.idf);
    let vectors: Vec<_> = extracted.par_iter().map(|found| vocabulary.vectorize(found)).collect();
    let mut rows = SparseRows::new(vocabulary.len());
    for vector in vectors {
        rows.push(vector.entries.iter().map(|entry| (entry.row, entry.value)));
    }
    (lexicon, rows)
}

/// The most frequent features; ties go to the smaller hash so that the choice is repeatable.
fn select(frequencies: &FxHashMap<u64, u32>, n_texts: usize, pruning: Pruning) -> Lexicon {
    let frequent = frequencies.iter().map(|(&hash, &frequency)| (frequency, hash));
    let mut kept: Vec<(u32, u64)> =
        frequent.filter(|&(frequency, _)| pruning.min_document_frequency <= frequency).collect();
    kept.sort_unstable_by_key(|&(frequency, hash)| (std::cmp::Reverse(frequency), hash));
    kept.truncate(pruning.max_features);
    kept.sort_unstable_by_key(|&(_, hash)| hash);
    // Smoothed as in scikit-learn: no feature weighs nothing.
    let idf = |frequency: u32| ((1.0 + n_texts as f32) / (1.0 + frequency as f32)).ln() + 1.0;
    Lexicon {
        hashes: kept.iter().map(|&(_, hash)| hash).collect(),
        idf: kept.iter().map(|&(frequency, _)| idf(frequency)).collect(),
    }
}
