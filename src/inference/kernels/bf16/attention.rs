//! Attention of the tokens of one text to each other, head by head, and its way back.

use half::bf16;

use crate::inference::kernels::Isa;
use crate::inference::kernels::bf16::elementwise::{Dropout, to_bf16};
use crate::inference::kernels::bf16::math::{exp, round, sum};
use crate::inference::kernels::bf16::panels::{Matrix, Panels, Turned};
use crate::inference::kernels::bf16::per_isa;
use crate::inference::kernels::bf16::product::{Out, multiply};

/// The shape of attention.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AttentionShape {
    pub(crate) n_heads: usize,
    pub(crate) head_size: usize,
    pub(crate) dropout: Dropout,
}

impl AttentionShape {
    const fn hidden_size(self) -> usize {
        self.n_heads * self.head_size
    }

    /// How many probabilities a text of so many tokens has: rows are padded to whole pairs.
    pub(crate) const fn n_probabilities(self, n_tokens: usize) -> usize {
        self.n_heads * n_tokens * n_tokens.next_multiple_of(2)
    }

    fn scale(self) -> f32 {
        1.0 / (self.head_size as f32).sqrt()
    }
}

/// Room for the intermediate results of attention.
#[derive(Debug)]
pub(crate) struct Attention {
    isa: Isa,
    scores: Vec<f32>,
    tile: Vec<f32>,
    dropped: Vec<bf16>,
    slopes: Vec<bf16>,
    left: Turned,
    right: Panels,
}

/// What the way back starts from.
#[derive(Clone, Copy)]
pub(crate) struct AttentionKept<'a> {
    /// Queries, keys and values side by side, a row per token.
    pub(crate) qkv: &'a [bf16],
    /// The probabilities before dropout.
    pub(crate) probabilities: &'a [bf16],
    /// The place of the first of them, for dropout.
    pub(crate) first_index: u32,
}

impl Attention {
    pub(crate) fn new(isa: Isa) -> Self {
        Self {
            isa,
            scores: Vec::new(),
            tile: Vec::new(),
            dropped: Vec::new(),
            slopes: Vec::new(),
            left: Turned::default(),
            right: Panels::default(),
        }
    }

    /// Queries, keys and values of a text in, mixed values out; keeps the probabilities.
    pub(crate) fn forward(
        &mut self,
        shape: AttentionShape,
        qkv: &[bf16],
        (probabilities, first_index): (&mut [bf16], u32),
        out: &mut [bf16],
    ) {
        let (hidden, size) = (shape.hidden_size(), shape.head_size);
        let rows = Matrix::new(qkv, 3 * hidden);
        let (n_tokens, stride) = (rows.n_rows, rows.n_rows.next_multiple_of(2));
        self.resize(n_tokens, stride, size);
        let heads = probabilities.chunks_exact_mut(n_tokens * stride);
        for (head, probabilities) in heads.enumerate() {
            let part = |of: usize| rows.columns(of * hidden + head * size, size);
            self.right.pack_columns(part(1));
            let scores = Out { values: &mut self.scores, stride, adds: false };
            multiply(self.isa, part(0), &self.right, scores);
            let first_index = first_index.wrapping_add((head * n_tokens * stride) as u32);
            let place = Place { stride, first_index, dropout: shape.dropout, scale: shape.scale() };
            softmax(self.isa, &mut self.scores, probabilities, &mut self.dropped, place);
            self.right.pack_rows(self.isa, part(2));
            let mixed = Out { values: &mut self.tile, stride: size, adds: false };
            multiply(self.isa, Matrix::new(&self.dropped, stride), &self.right, mixed);
            self.write(out, (hidden, head * size), size);
        }
    }

    /// The gradient of queries, keys and values from that of the mixed values.
    pub(crate) fn backward(
        &mut self,
        shape: AttentionShape,
        kept: AttentionKept<'_>,
        gradient: &[bf16],
        out: &mut [bf16],
    ) {
        let (hidden, size) = (shape.hidden_size(), shape.head_size);
        let (rows, gradient) = (Matrix::new(kept.qkv, 3 * hidden), Matrix::new(gradient, hidden));
        let (n_tokens, stride) = (rows.n_rows, rows.n_rows.next_multiple_of(2));
        self.resize(n_tokens, stride, size);
        let heads = kept.probabilities.chunks_exact(n_tokens * stride);
        for (head, probabilities) in heads.enumerate() {
            let part = |of: usize| rows.columns(of * hidden + head * size, size);
            let gradient = gradient.columns(head * size, size);
            self.right.pack_columns(part(2));
            let scores = Out { values: &mut self.scores, stride, adds: false };
            multiply(self.isa, gradient, &self.right, scores);
            let first_index = kept.first_index.wrapping_add((head * n_tokens * stride) as u32);
            let place = Place { stride, first_index, dropout: shape.dropout, scale: shape.scale() };
            let outs = (&mut self.slopes[..], &mut self.dropped[..]);
            softmax_gradient(self.isa, &mut self.scores, probabilities, outs, place);
            // Values: the transposed probabilities times the gradient.
            self.right.pack_rows(self.isa, gradient);
            self.transposed_product(true, (n_tokens, stride), size);
            self.write(out, (3 * hidden, 2 * hidden + head * size), size);
            // Queries: the slopes of the scores times the keys.
            self.right.pack_rows(self.isa, part(1));
            let tile = Out { values: &mut self.tile, stride: size, adds: false };
            multiply(self.isa, Matrix::new(&self.slopes, stride), &self.right, tile);
            self.write(out, (3 * hidden, head * size), size);
            // Keys: the transposed slopes times the queries.
            self.right.pack_rows(self.isa, part(0));
            self.transposed_product(false, (n_tokens, stride), size);
            self.write(out, (3 * hidden, hidden + head * size), size);
        }
    }

    fn transposed_product(&mut self, of_dropped: bool, (n, stride): (usize, usize), size: usize) {
        let values = if of_dropped { &self.dropped } else { &self.slopes };
        self.left.turn(self.isa, Matrix { values, n_rows: n, n_columns: n, stride });
        let tile = Out { values: &mut self.tile, stride: size, adds: false };
        multiply(self.isa, self.left.rows(), &self.right, tile);
    }

    fn resize(&mut self, n_tokens: usize, stride: usize, head_size: usize) {
        self.scores.resize(n_tokens * stride, 0.0);
        self.dropped.resize(n_tokens * stride, bf16::ZERO);
        self.slopes.resize(n_tokens * stride, bf16::ZERO);
        self.tile.resize(n_tokens * head_size, 0.0);
    }

    /// Rounds the tile into its columns of a wider matrix.
    fn write(&self, out: &mut [bf16], (stride, first): (usize, usize), size: usize) {
        for (row, tile) in self.tile.chunks_exact(size).enumerate() {
            to_bf16(self.isa, tile, &mut out[row * stride + first..][..size]);
        }
    }
}

/// Where the numbers of one head stand.
#[derive(Clone, Copy)]
struct Place {
    stride: usize,
    first_index: u32,
    dropout: Dropout,
    scale: f32,
}

per_isa! {
    /// Scores become probabilities, once as they are and once with dropout.
    fn softmax(scores: &mut [f32], out: &mut [bf16], dropped: &mut [bf16], place: Place) {
        let stride = place.stride;
        let n = scores.len() / stride;
        let outs = out.chunks_exact_mut(stride).zip(dropped.chunks_exact_mut(stride));
        for (row, (scores, (out, dropped))) in
            (0_u32..).zip(scores.chunks_exact_mut(stride).zip(outs))
        {
            let scores = &mut scores[..n];
            let mut lanes = [f32::NEG_INFINITY; 16];
            for chunk in scores.chunks(16) {
                for (lane, &score) in lanes.iter_mut().zip(chunk) {
                    *lane = if *lane < score { score } else { *lane };
                }
            }
            let largest = lanes.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            for score in scores.iter_mut() {
                *score = exp((*score - largest) * place.scale);
            }
            let share = 1.0 / sum(scores, |score| score);
            let first = place.first_index.wrapping_add(row * stride as u32);
            for (column, &score) in scores.iter().enumerate() {
                let probability = score * share;
                let factor = place.dropout.factor(first.wrapping_add(column as u32));
                out[column] = round(probability);
                dropped[column] = round(probability * factor);
            }
            out[n..].fill(bf16::ZERO);
            dropped[n..].fill(bf16::ZERO);
        }
    }
}

per_isa! {
    /// From the gradient of the dropped probabilities to that of the scores, and the dropped
    /// probabilities once more.
    fn softmax_gradient(
        gradient: &mut [f32],
        probabilities: &[bf16],
        outs: (&mut [bf16], &mut [bf16]),
        place: Place,
    ) {
        let stride = place.stride;
        let n = gradient.len() / stride;
        let rows = gradient.chunks_exact_mut(stride).zip(probabilities.chunks_exact(stride));
        let outs = outs.0.chunks_exact_mut(stride).zip(outs.1.chunks_exact_mut(stride));
        for (row, ((gradient, probabilities), (slopes, dropped))) in (0_u32..).zip(rows.zip(outs)) {
            let first = place.first_index.wrapping_add(row * stride as u32);
            let (gradient, probabilities) = (&mut gradient[..n], &probabilities[..n]);
            let mut lanes = [0.0_f32; 16];
            for (idx, (gradient, probabilities)) in
                gradient.chunks_mut(16).zip(probabilities.chunks(16)).enumerate()
            {
                for (lane, (gradient, probability)) in
                    gradient.iter_mut().zip(probabilities).enumerate()
                {
                    let column = (idx * 16 + lane) as u32;
                    let factor = place.dropout.factor(first.wrapping_add(column));
                    let p = f32::from_bits(u32::from(probability.to_bits()) << 16);
                    *gradient *= factor;
                    dropped[column as usize] = round(p * factor);
                    lanes[lane] += *gradient * p;
                }
            }
            let mean = lanes.iter().sum::<f32>();
            for (column, (&gradient, probability)) in
                gradient.iter().zip(probabilities).enumerate()
            {
                let p = f32::from_bits(u32::from(probability.to_bits()) << 16);
                slopes[column] = round(p * (gradient - mean) * place.scale);
            }
            slopes[n..].fill(bf16::ZERO);
            dropped[n..].fill(bf16::ZERO);
        }
    }
}
