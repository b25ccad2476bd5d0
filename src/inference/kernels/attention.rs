//! Attention of one text: every token looks at every token, head by head, in 8 bits. Queries and
//! keys have a scale per token, values one per dimension, weights are 255ths of the largest.

use crate::inference::kernels::float::{ROUND, exp_roughly, larger};
use crate::inference::kernels::isa::compile_for_each;
use crate::inference::kernels::matrix::{BLOCK, whole_depth};
use crate::inference::kernels::rows::{GROUP, ZERO, is_wide, steps_of, steps_to};
use crate::inference::kernels::{Isa, Matrix, Output, Rows};

/// Queries at once: their scores stay in the nearest cache.
const QUERIES: usize = 32;

/// What a place after the last token adds to a score.
const NOWHERE: f32 = -1e30;

/// The largest weight of a query in 8 bits.
const LARGEST_WEIGHT: f32 = 255.0;

/// How the width of a row is cut into heads.
#[derive(Clone, Copy, Debug)]
pub(in crate::inference) struct HeadShape {
    /// How many.
    pub(in crate::inference) number: usize,
    /// How wide each is.
    pub(in crate::inference) size: usize,
}

/// The place for what attention computes in between. Kept from one text to the next.
#[derive(Debug, Default)]
pub(in crate::inference) struct Attention {
    queries: Rows,
    keys: Matrix,
    values: Matrix,
    scores: Vec<f32>,
    weights: Rows,
}

impl Attention {
    /// Attention over the tokens of one text. `projected` has a row of queries, keys and values
    /// per token; queries are scaled already. `output` gets a row per token.
    ///
    /// # Panics
    /// When the rows are not whole or have no place.
    pub(in crate::inference) fn attend(
        &mut self,
        isa: Isa,
        projected: &[f32],
        heads: HeadShape,
        output: &mut Output<'_>,
    ) {
        let width = heads.number * heads.size;
        assert!(projected.len().is_multiple_of(3 * width), "rows are whole");
        let n_tokens = projected.len() / (3 * width);
        if n_tokens == 0 {
            return;
        }
        let padded = n_tokens.next_multiple_of(BLOCK);
        let depth = whole_depth(isa, padded);
        for start in (0..width).step_by(heads.size) {
            let part = |part: usize| Part {
                rows: &projected[part * width + start..],
                row_len: 3 * width,
                size: heads.size,
                n_tokens,
            };
            pack_keys(isa, part(1), &mut self.keys);
            pack_values(isa, part(2), depth, &mut self.values);
            for first in (0..n_tokens).step_by(QUERIES) {
                let n_queries = (n_tokens - first).min(QUERIES);
                let queries = &part(0).rows[first * 3 * width..];
                let n_values = (n_queries - 1) * 3 * width + heads.size;
                self.queries.quantize(isa, &queries[..n_values], 3 * width, heads.size);
                self.scores.resize(n_queries * padded, 0.0);
                let mut scores = Output { values: &mut self.scores, row_len: padded, adds: false };
                self.keys.multiply(isa, &self.queries, &mut scores);
                self.weights.reshape(isa, n_queries, depth);
                soften(isa, &self.scores, padded, &mut self.weights, is_wide(isa));
                let Output { row_len, adds, .. } = *output;
                let values = &mut output.values[first * row_len + start..];
                self.values.multiply(isa, &self.weights, &mut Output { values, row_len, adds });
            }
        }
    }
}

/// Keys or values of one head: `size` numbers at the beginning of every `row_len`.
#[derive(Clone, Copy)]
struct Part<'p> {
    rows: &'p [f32],
    row_len: usize,
    size: usize,
    n_tokens: usize,
}

impl<'p> Part<'p> {
    #[inline(always)]
    fn row(self, token: usize) -> &'p [f32] {
        &self.rows[token * self.row_len..][..self.size]
    }
}

compile_for_each! {
    /// Makes keys a matrix with a column per token.
    fn pack_keys(keys: Part<'_>, matrix: &mut Matrix) = keys_to_columns
}

compile_for_each! {
    /// Makes values a matrix with a column per dimension and `n_inputs` rows, a row per token first.
    fn pack_values(values: Part<'_>, n_inputs: usize, matrix: &mut Matrix) = values_to_columns
}

compile_for_each! {
    /// Turns each row of `n` scores into weights, and its scale into one divided by their sum.
    fn soften(scores: &[f32], n: usize, weights: &mut Rows, wide: bool) = scores_to_weights
}

#[inline(always)]
fn keys_to_columns<const FMA: bool>(keys: Part<'_>, matrix: &mut Matrix) {
    let n_columns = keys.n_tokens.next_multiple_of(BLOCK);
    let n_groups = keys.size.div_ceil(GROUP);
    (matrix.n_inputs, matrix.n_outputs) = (keys.size, n_columns);
    matrix.values.clear();
    matrix.values.resize(n_columns * n_groups * GROUP, 0);
    let columns = &mut matrix.columns;
    columns.scales.resize(n_columns, 0.0);
    columns.starts.resize(n_columns, 0);
    columns.biases.clear();
    columns.biases.resize(keys.n_tokens, 0.0);
    columns.biases.resize(n_columns, NOWHERE);
    let blocks = matrix.values.chunks_exact_mut(n_groups * GROUP * BLOCK);
    for (block_idx, block) in blocks.enumerate() {
        let groups = block.as_chunks_mut::<{ GROUP * BLOCK }>().0;
        let first = block_idx * BLOCK;
        for token in first..keys.n_tokens.min(first + BLOCK) {
            let row = keys.row(token);
            let steps = steps_of(row, &mut columns.scales[token]);
            let mut sum = 0;
            // As many at once as fit a vector: groups of them are written far from one another.
            for (groups, numbers) in groups.chunks_mut(BLOCK).zip(row.chunks(BLOCK * GROUP)) {
                let mut bytes = [0_i8; BLOCK * GROUP];
                for (byte, number) in bytes.iter_mut().zip(numbers) {
                    *byte = (number * steps + ROUND).to_bits() as i8;
                }
                sum += bytes.iter().map(|&byte| i32::from(byte)).sum::<i32>();
                for (group, bytes) in groups.iter_mut().zip(bytes.as_chunks::<GROUP>().0) {
                    group.as_chunks_mut::<GROUP>().0[token - first] = *bytes;
                }
            }
            columns.starts[token] = -i32::from(ZERO) * sum;
        }
    }
}

#[inline(always)]
fn values_to_columns<const FMA: bool>(values: Part<'_>, n_inputs: usize, matrix: &mut Matrix) {
    let n_columns = values.size.next_multiple_of(BLOCK);
    (matrix.n_inputs, matrix.n_outputs) = (n_inputs, values.size);
    matrix.values.clear();
    matrix.values.resize(n_inputs * n_columns, 0);
    let columns = &mut matrix.columns;
    columns.scales.resize(n_columns, 0.0);
    columns.biases.resize(n_columns, 0.0);
    // Weights are bytes from 0 on, so nothing is there too much.
    columns.starts.resize(n_columns, 0);
    for (block_idx, block) in matrix.values.chunks_exact_mut(n_inputs * BLOCK).enumerate() {
        let column = block_idx * BLOCK;
        let n_here = BLOCK.min(values.size - column);
        let sixteen = |token: usize| {
            let mut numbers = [0.0; BLOCK];
            numbers[..n_here].copy_from_slice(&values.row(token)[column..column + n_here]);
            numbers
        };
        let mut most = [0.0; BLOCK];
        for token in 0..values.n_tokens {
            for (most, number) in most.iter_mut().zip(sixteen(token)) {
                *most = larger(*most, number.abs());
            }
        }
        let mut steps = [0.0; BLOCK];
        for ((steps, most), scale) in steps.iter_mut().zip(most).zip(&mut columns.scales[column..])
        {
            *steps = steps_to(most, scale);
        }
        let groups = block.as_chunks_mut::<{ GROUP * BLOCK }>().0;
        for (group_idx, group) in groups.iter_mut().enumerate() {
            let mut words = [0_u32; BLOCK];
            let first = group_idx * GROUP;
            for token in first..values.n_tokens.min(first + GROUP) {
                let shift = (token - first) * 8;
                for ((word, number), steps) in words.iter_mut().zip(sixteen(token)).zip(steps) {
                    *word |= ((number * steps + ROUND).to_bits() & 0xff) << shift;
                }
            }
            for (place, word) in group.as_chunks_mut::<GROUP>().0.iter_mut().zip(words) {
                *place = word.to_le_bytes().map(u8::cast_signed);
            }
        }
    }
}

#[inline(always)]
fn scores_to_weights<const FMA: bool>(scores: &[f32], n: usize, weights: &mut Rows, wide: bool) {
    let row_len = weights.row_len();
    for (row_idx, scores) in scores.chunks_exact(n).enumerate() {
        let (blocks, _) = scores.as_chunks::<BLOCK>();
        let mut most = [NOWHERE; BLOCK];
        for block in blocks {
            for (most, score) in most.iter_mut().zip(block) {
                *most = larger(*most, *score);
            }
        }
        let most = most.into_iter().fold(NOWHERE, larger);
        let mut sums = [0.0_f32; BLOCK];
        let places = row_idx * row_len..(row_idx + 1) * row_len;
        if wide {
            let (places, rest) = weights.wide[places].split_at_mut(n);
            rest.fill(0);
            let (places, _) = places.as_chunks_mut::<BLOCK>();
            for (places, block) in places.iter_mut().zip(blocks) {
                for ((place, score), sum) in places.iter_mut().zip(block).zip(&mut sums) {
                    let weight = exp_roughly::<FMA>(score - most) * LARGEST_WEIGHT + ROUND;
                    *place = weight.to_bits() as i16;
                    *sum += weight - ROUND;
                }
            }
        } else {
            let (places, rest) = weights.bytes[places].split_at_mut(n);
            rest.fill(0);
            let (places, _) = places.as_chunks_mut::<BLOCK>();
            for (places, block) in places.iter_mut().zip(blocks) {
                for ((place, score), sum) in places.iter_mut().zip(block).zip(&mut sums) {
                    let weight = exp_roughly::<FMA>(score - most) * LARGEST_WEIGHT + ROUND;
                    *place = weight.to_bits() as u8;
                    *sum += weight - ROUND;
                }
            }
        }
        weights.scales[row_idx] = sums.into_iter().sum::<f32>().recip();
    }
}
