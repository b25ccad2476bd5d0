//! The vectors of archived cases in a file beside the service, and which of them are nearest to
//! another. Every vector is looked at: a million of them are 400 MB, which one core reads in some
//! 20 ms, so that there is no index to build, to tune or to lose recall by. The file is mapped, so
//! it takes no memory that others need, and it is a copy: the database has all that is in it.

mod file;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rayon::prelude::*;

use crate::inference::{MappedFile, dot};
use file::{HEADER_LEN, RECORD_LEN, Record};

pub use file::VectorFile;

/// How long vectors are.
pub const N_DIMENSIONS: usize = 384;

/// How many records a thread looks at in one go.
const CHUNK: usize = 1 << 15;

/// A vector in 8 bits a dimension.
pub type Quantized = [i8; N_DIMENSIONS];

/// Something near.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbor {
    /// The entry.
    pub number: i64,
    /// The cosine of the angle between the vectors.
    pub similarity: f32,
}

/// The vectors that are there now.
#[derive(Clone, Debug)]
pub struct Neighbors {
    mapped: Arc<MappedFile>,
    n_vectors: usize,
}

/// A vector in 8 bits a dimension, as fine as its largest value allows; nothing for one of another
/// length.
pub fn quantize(vector: &[f32]) -> Option<Quantized> {
    let vector: &[f32; N_DIMENSIONS] = vector.try_into().ok()?;
    let largest = vector.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let scale = if 0.0 < largest { f32::from(i8::MAX) / largest } else { 0.0 };
    Some(vector.map(|value| (value * scale).round() as i8))
}

/// One divided by the length, or 0 for a vector of zeros, which is near to nothing.
fn inverse_length(vector: &[i8]) -> f32 {
    match dot(vector, vector) {
        0 => 0.0,
        square => (square as f32).sqrt().recip(),
    }
}

impl Neighbors {
    /// How many there are.
    pub const fn len(&self) -> usize {
        self.n_vectors
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.n_vectors == 0
    }

    /// The nearest, nearest first; of two that are as near the one with the higher number.
    pub fn nearest(&self, vector: &Quantized, n_wanted: usize) -> Vec<Neighbor> {
        let records = &self.mapped[HEADER_LEN..HEADER_LEN + self.n_vectors * RECORD_LEN];
        let scale = inverse_length(vector);
        let nearest = records.par_chunks(CHUNK * RECORD_LEN).map(|records| {
            let mut nearest = Nearest::new(n_wanted);
            for record in records.chunks_exact(RECORD_LEN) {
                let record = Record(record);
                let similarity = dot(vector, record.vector()) as f32 * scale * record.scale();
                nearest.offer(|| Neighbor { number: record.number(), similarity }, similarity);
            }
            nearest.finish()
        });
        let mut all = Nearest::new(n_wanted);
        all.kept = nearest.flatten_iter().collect();
        all.finish()
    }
}

/// The best so far. Twice as many are kept as are wanted, so that they are seldom sorted.
struct Nearest {
    kept: Vec<Neighbor>,
    n_wanted: usize,
    /// What is less alike is not among the best.
    least: f32,
}

impl Nearest {
    fn new(n_wanted: usize) -> Self {
        Self { kept: Vec::with_capacity(2 * n_wanted), n_wanted, least: f32::NEG_INFINITY }
    }

    fn offer(&mut self, neighbor: impl FnOnce() -> Neighbor, similarity: f32) {
        if 2 * self.n_wanted <= self.kept.len() {
            self.cut();
        }
        if self.least <= similarity {
            self.kept.push(neighbor());
        }
    }

    fn cut(&mut self) {
        self.kept.sort_unstable_by(|a, b| {
            b.similarity.total_cmp(&a.similarity).then(b.number.cmp(&a.number))
        });
        self.kept.truncate(self.n_wanted);
        if self.kept.len() == self.n_wanted {
            self.least = self.kept.last().map_or(f32::INFINITY, |worst| worst.similarity);
        }
    }

    fn finish(mut self) -> Vec<Neighbor> {
        self.cut();
        self.kept
    }
}
