//! Attention of the tokens of one text over one another, head by head, in 8 bits: keys times queries,
//! softmax, values. Queries and keys have a scale per token, values one per dimension, weights are
//! 255ths of the largest.
//!
//! A token that takes most of the attention, as first tokens often do, leaves the others less than
//! half a step each. So what rounding takes from a weight is given to a later one (error diffusion,
//! Floyd & Steinberg 1976): together they keep their share, whichever of them has it. Without, long
//! texts are off twice as far.
//!
//! Scores stand with a column per query, so that all that softmax does to a query happens in a lane
//! of its own.
//!
//! CPUs with tiles do it in 16 bits, which takes less time there (`amx/attention.rs`).

use std::f32::consts::LOG2_E;

use crate::inference::kernels::columns::{Part, Table, lanes, largest_of_columns};
use crate::inference::kernels::float::{ROUND, multiply_add, power_of_two_roughly, smaller};
use crate::inference::kernels::isa::{Level, compile_for_each};
use crate::inference::kernels::matrix::BLOCK;
use crate::inference::kernels::rows::{GROUP, ZERO, is_wide};
use crate::inference::kernels::{Isa, Lines, Matrix, Output, Pass, Put, Rows};

#[cfg(target_arch = "x86_64")]
use crate::inference::kernels::{amx, avx512};

/// Queries at once: their scores stay in the nearest cache.
const QUERIES: usize = 32;

/// The largest weight of a query in 8 bits.
pub(super) const LARGEST_WEIGHT: f32 = 255.0;

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
    table: Table,
    keys: Rows,
    queries: Matrix,
    values: Matrix,
    scores: Lines<f32>,
    weights: Rows,
    #[cfg(target_arch = "x86_64")]
    tiled: amx::Place,
}

impl Attention {
    /// Attention over the tokens of one text. `projected` has a row of queries, keys and values
    /// per token; queries are scaled already. `output` gets a row per token.
    ///
    /// # Panics
    /// When the rows are not whole or have no place.
    pub(in crate::inference) fn attend(
        &mut self,
        projected: &[f32],
        heads: HeadShape,
        output: &mut Output<'_>,
        pass: &mut Pass<'_>,
    ) {
        let isa = pass.isa;
        let width = heads.number * heads.size;
        let row_len = 3 * width;
        assert!(projected.len().is_multiple_of(row_len), "rows are whole");
        let n_tokens = projected.len() / row_len;
        let Some(n_before) = n_tokens.checked_sub(1) else { return };
        assert!(width <= output.row_len, "rows do not overlap");
        let n_needed = n_before * output.row_len + width;
        assert!(n_needed <= output.values.len(), "every token has its place");
        #[cfg(target_arch = "x86_64")]
        if isa.0 == Level::Amx {
            // SAFETY: an `Isa` of this level exists only where the CPU has the instructions and
            // tiles may be used.
            return unsafe { self.tiled.attend(projected, heads, output, pass) };
        }
        let own = &mut Pass::new(isa, &[]);
        for start in (0..width).step_by(heads.size) {
            let part = |third: usize, first: usize, n_tokens: usize| {
                let rows = &projected[first * row_len + third * width + start..];
                Part { rows, row_len, size: heads.size, n_tokens }
            };
            self.table.turn(isa, part(1, 0, n_tokens));
            self.table.pack_rows(isa, n_tokens, &mut self.keys);
            self.table.copy(part(2, 0, n_tokens));
            // Weights are bytes from 0 on.
            self.table.pack_matrix(isa, heads.size, 0, &mut self.values);
            for first in (0..n_tokens).step_by(QUERIES) {
                let n_queries = (n_tokens - first).min(QUERIES);
                let n_columns = n_queries.next_multiple_of(BLOCK);
                self.table.turn(isa, part(0, first, n_queries));
                self.table.pack_matrix(isa, n_columns, ZERO, &mut self.queries);
                self.scores.resize(n_tokens * n_columns, 0.0);
                let (values, row_len) = (&mut self.scores[..], n_columns);
                let mut scores = Output { values, row_len };
                self.queries.multiply(&self.keys, &mut scores, Put::Replace, own);
                self.weights.reshape_by_groups(isa, n_queries, n_tokens);
                soften(isa, &self.scores, n_columns, &mut self.weights);
                let row_len = output.row_len;
                let values = &mut output.values[first * row_len + start..];
                let mut mixed = Output { values, row_len };
                self.values.multiply(&self.weights, &mut mixed, Put::Replace, own);
            }
        }
    }
}

/// Turns each of `n` columns of scores into a row of weights, whose scale is one divided by their
/// sum.
fn soften(isa: Isa, scores: &[f32], n: usize, weights: &mut Rows) {
    assert_eq!(scores.len(), n * weights.width, "a row of scores per key");
    match isa.0 {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: an `Isa` of this level exists only where the CPU has the instructions, and the
        // scores have their length.
        Level::Avx512 | Level::Amx => unsafe { avx512::soften(scores, n, weights) },
        _ => soften_in_lanes(isa, scores, n, weights, is_wide(isa)),
    }
}

compile_for_each! {
    fn soften_in_lanes(scores: &[f32], n: usize, weights: &mut Rows, wide: bool) = scores_to_weights
}

#[inline(always)]
fn scores_to_weights<const FMA: bool>(scores: &[f32], n: usize, weights: &mut Rows, wide: bool) {
    for first in (0..n).step_by(BLOCK) {
        let most = largest_of_columns(scores, n, first, f32::MIN, |score| score);
        let mut block = Softened {
            most: most.map(|it| it * LOG2_E),
            sums: [0; BLOCK],
            rests: [[0.0; BLOCK]; GROUP],
        };
        for (group, rows) in scores.chunks(GROUP * n).enumerate() {
            let mut rows = rows.chunks_exact(n).map(|row| lanes(row, first));
            let place = group * weights.group_step + first * GROUP;
            let (mut low, mut high) = ([0; BLOCK], [0; BLOCK]);
            if wide {
                block.put::<FMA, 0, 0>(rows.next(), &mut low);
                block.put::<FMA, 1, 16>(rows.next(), &mut low);
                block.put::<FMA, 2, 0>(rows.next(), &mut high);
                block.put::<FMA, 3, 16>(rows.next(), &mut high);
                let places = &mut weights.wide[place..place + BLOCK * GROUP];
                for (lane, place) in places.as_chunks_mut::<GROUP>().0.iter_mut().enumerate() {
                    let (low, high) = (low[lane], high[lane]);
                    *place = [low as i16, (low >> 16) as i16, high as i16, (high >> 16) as i16];
                }
            } else {
                block.put::<FMA, 0, 0>(rows.next(), &mut low);
                block.put::<FMA, 1, 8>(rows.next(), &mut low);
                block.put::<FMA, 2, 16>(rows.next(), &mut low);
                block.put::<FMA, 3, 24>(rows.next(), &mut low);
                let places = &mut weights.bytes[place..place + BLOCK * GROUP];
                for (place, word) in places.as_chunks_mut::<GROUP>().0.iter_mut().zip(low) {
                    *place = word.to_le_bytes();
                }
            }
        }
        for (scale, sum) in weights.scales.iter_mut().skip(first).zip(block.sums) {
            *scale = (sum as f32).recip();
        }
    }
}

/// What is known of [`BLOCK`] queries.
struct Softened {
    /// The largest score, as an exponent of two.
    most: [f32; BLOCK],
    /// The sum of the weights.
    sums: [u32; BLOCK],
    /// What rounding has taken so far, for each place in a group: what waits for the one before
    /// has the others to wait with.
    rests: [[f32; BLOCK]; GROUP],
}

impl Softened {
    /// Puts the weights of a key, if there is one, into the words from bit `SHIFT` on.
    #[inline(always)]
    fn put<const FMA: bool, const PLACE: usize, const SHIFT: u32>(
        &mut self,
        scores: Option<[f32; BLOCK]>,
        words: &mut [u32; BLOCK],
    ) {
        let Some(scores) = scores else { return };
        let rests = &mut self.rests[PLACE];
        for lane in 0..BLOCK {
            let power = multiply_add::<FMA>(scores[lane], LOG2_E, -self.most[lane]);
            let weight = power_of_two_roughly::<FMA>(power);
            let weight = multiply_add::<FMA>(weight, LARGEST_WEIGHT, rests[lane]);
            let rounded = smaller(weight, LARGEST_WEIGHT) + ROUND;
            rests[lane] = weight - (rounded - ROUND);
            let byte = rounded.to_bits() & 0xff;
            self.sums[lane] += byte;
            words[lane] |= byte << SHIFT;
        }
    }
}
