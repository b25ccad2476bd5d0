//! Numbers that become bytes column by column, sixteen columns in a vector: what is found out about
//! a column happens in a lane of its own.

use crate::inference::kernels::float::{ROUND, larger, multiply_add};
use crate::inference::kernels::isa::{Level, compile_for_each};
use crate::inference::kernels::matrix::BLOCK;
use crate::inference::kernels::rows::{GROUP, ZERO, is_wide, steps_to};
use crate::inference::kernels::{Isa, Lines, Matrix, Rows};

#[cfg(target_arch = "x86_64")]
use crate::inference::kernels::avx512;

/// What one head sees of some tokens: `size` numbers at the beginning of every `row_len`.
#[derive(Clone, Copy)]
pub(super) struct Part<'p> {
    pub(super) rows: &'p [f32],
    pub(super) row_len: usize,
    pub(super) size: usize,
    pub(super) n_tokens: usize,
}

impl<'p> Part<'p> {
    #[inline(always)]
    pub(super) fn row(self, token: usize) -> &'p [f32] {
        &self.rows[token * self.row_len..][..self.size]
    }
}

/// Numbers in columns, padded to whole blocks of them with what means nothing.
#[derive(Debug, Default)]
pub(super) struct Table {
    values: Lines<f32>,
    n_rows: usize,
    n_columns: usize,
}

impl Table {
    /// Takes a part with a column per token.
    pub(super) fn turn(&mut self, isa: Isa, part: Part<'_>) {
        self.resize(part.size, part.n_tokens);
        match isa.0 {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: an `Isa` of this level exists only where the CPU has the instructions.
            Level::Avx512 | Level::Amx => unsafe {
                avx512::turn(part, self.n_columns, &mut self.values);
            },
            _ => {
                for token in 0..part.n_tokens {
                    let rows = self.values.chunks_exact_mut(self.n_columns);
                    for (row, value) in rows.zip(part.row(token)) {
                        row[token] = *value;
                    }
                }
            }
        }
    }

    /// Takes a part with a row per token.
    pub(super) fn copy(&mut self, part: Part<'_>) {
        self.resize(part.n_tokens, part.size);
        for (token, row) in self.values.chunks_exact_mut(self.n_columns).enumerate() {
            row[..part.size].copy_from_slice(part.row(token));
        }
    }

    fn resize(&mut self, n_rows: usize, n_columns: usize) {
        (self.n_rows, self.n_columns) = (n_rows, n_columns.next_multiple_of(BLOCK));
        self.values.resize(self.n_rows * self.n_columns, 0.0);
    }

    /// Makes each column a row in 8 bits: `n_rows` of them, groups side by side.
    pub(super) fn pack_rows(&self, isa: Isa, n_rows: usize, rows: &mut Rows) {
        rows.reshape_by_groups(isa, n_rows, self.n_rows);
        columns_to_rows(isa, self, rows, is_wide(isa));
    }

    /// Makes each column a column in 8 bits: `n_columns` of them, for rows that have `zero` for
    /// zero.
    pub(super) fn pack_matrix(&self, isa: Isa, n_columns: usize, zero: u8, matrix: &mut Matrix) {
        (matrix.n_inputs, matrix.n_outputs) = (self.n_rows, n_columns);
        matrix.values.resize(self.n_columns * self.n_rows.next_multiple_of(GROUP), 0);
        let columns = &mut matrix.columns;
        columns.scales.resize(self.n_columns, 0.0);
        columns.starts.resize(self.n_columns, 0);
        columns.biases.resize(self.n_columns, 0.0);
        columns_to_columns(isa, self, zero, matrix);
    }

    /// The columns from `first` on in 8 bits, in units of their `scales`: `put` gets groups of four
    /// numbers, the first in the lowest byte, with `zero` for zero. Returns the sum of each column
    /// in steps.
    #[inline(always)]
    fn quantize<const FMA: bool>(
        &self,
        first: usize,
        zero: u8,
        scales: &mut [f32],
        mut put: impl FnMut(usize, [u32; BLOCK]),
    ) -> [i32; BLOCK] {
        let most = largest_of_columns(&self.values, self.n_columns, first, 0.0, f32::abs);
        let (mut steps, mut worth) = ([0.0; BLOCK], [0.0; BLOCK]);
        for lane in 0..BLOCK {
            steps[lane] = steps_to(most[lane], &mut worth[lane]);
        }
        match scales.first_chunk_mut() {
            Some(scales) => *scales = worth,
            None => scales.copy_from_slice(&worth[..scales.len()]),
        }
        let start = ROUND + f32::from(zero);
        let mut columns = Quantized { steps, start, sums: [0; BLOCK] };
        let row = |idx: usize| {
            (idx < self.n_rows).then(|| lanes(&self.values, idx * self.n_columns + first))
        };
        for group in 0..self.n_rows.div_ceil(GROUP) {
            let idx = group * GROUP;
            let mut words = [0_u32; BLOCK];
            columns.put::<FMA, 0>(row(idx), &mut words);
            columns.put::<FMA, 8>(row(idx + 1), &mut words);
            columns.put::<FMA, 16>(row(idx + 2), &mut words);
            columns.put::<FMA, 24>(row(idx + 3), &mut words);
            put(group, words);
        }
        let too_much = start.to_bits().wrapping_mul(self.n_rows as u32);
        columns.sums.map(|sum| sum.wrapping_sub(too_much).cast_signed())
    }
}

/// What is known of [`BLOCK`] columns.
struct Quantized {
    /// Steps per unit.
    steps: [f32; BLOCK],
    /// What turns steps into bytes, in the lowest bits.
    start: f32,
    /// Sums of the bits.
    sums: [u32; BLOCK],
}

impl Quantized {
    /// Puts the numbers of a row, if there is one, into the words from bit `SHIFT` on.
    #[inline(always)]
    fn put<const FMA: bool, const SHIFT: u32>(
        &mut self,
        values: Option<[f32; BLOCK]>,
        words: &mut [u32; BLOCK],
    ) {
        let Some(values) = values else { return };
        for lane in 0..BLOCK {
            let steps = multiply_add::<FMA>(values[lane], self.steps[lane], self.start);
            let bits = steps.to_bits();
            self.sums[lane] = self.sums[lane].wrapping_add(bits);
            words[lane] |= (bits & 0xff) << SHIFT;
        }
    }
}

compile_for_each! {
    fn columns_to_rows(table: &Table, rows: &mut Rows, wide: bool) = make_rows
}

compile_for_each! {
    fn columns_to_columns(table: &Table, zero: u8, matrix: &mut Matrix) = make_columns
}

#[inline(always)]
fn make_rows<const FMA: bool>(table: &Table, rows: &mut Rows, wide: bool) {
    let step = rows.group_step;
    for first in (0..table.n_columns).step_by(BLOCK) {
        let scales = &mut rows.scales[first..];
        let start = first * GROUP;
        if wide {
            table.quantize::<FMA>(first, 0, scales, |group, words| {
                let places = &mut rows.wide[group * step + start..][..BLOCK * GROUP];
                for (place, word) in places.as_chunks_mut::<GROUP>().0.iter_mut().zip(words) {
                    *place = word.to_le_bytes().map(|byte| i16::from(byte.cast_signed()));
                }
            });
        } else {
            table.quantize::<FMA>(first, ZERO, scales, |group, words| {
                let places = &mut rows.bytes[group * step + start..][..BLOCK * GROUP];
                for (place, word) in places.as_chunks_mut::<GROUP>().0.iter_mut().zip(words) {
                    *place = word.to_le_bytes();
                }
            });
        }
    }
}

#[inline(always)]
fn make_columns<const FMA: bool>(table: &Table, zero: u8, matrix: &mut Matrix) {
    let block_len = table.n_rows.next_multiple_of(GROUP) * BLOCK;
    for (block_idx, block) in matrix.values.chunks_exact_mut(block_len).enumerate() {
        let first = block_idx * BLOCK;
        let places = block.as_chunks_mut::<{ GROUP * BLOCK }>().0;
        let scales = &mut matrix.columns.scales[first..];
        let sums = table.quantize::<FMA>(first, 0, scales, |group, words| {
            let places = places[group].as_chunks_mut::<GROUP>().0;
            for (place, word) in places.iter_mut().zip(words) {
                *place = word.to_le_bytes().map(u8::cast_signed);
            }
        });
        for (start, sum) in matrix.columns.starts[first..].iter_mut().zip(sums) {
            *start = -i32::from(zero) * sum;
        }
    }
}

/// The largest value in each of the columns from `first` on, and `start` at least. Several are
/// found side by side, since each waits for the one before.
#[inline(always)]
pub(super) fn largest_of_columns(
    rows: &[f32],
    n_columns: usize,
    first: usize,
    start: f32,
    value: impl Fn(f32) -> f32,
) -> [f32; BLOCK] {
    let n_rows = rows.len() / n_columns;
    let mut largest = [[start; BLOCK]; GROUP];
    for group in 0..n_rows.div_ceil(GROUP) {
        for (place, largest) in largest.iter_mut().enumerate() {
            let idx = group * GROUP + place;
            if idx < n_rows {
                for (largest, it) in largest.iter_mut().zip(lanes(rows, idx * n_columns + first)) {
                    *largest = larger(*largest, value(it));
                }
            }
        }
    }
    let [a, b, c, d] = largest;
    std::array::from_fn(|lane| larger(larger(a[lane], b[lane]), larger(c[lane], d[lane])))
}

/// A block of the columns of a row.
#[inline(always)]
pub(super) fn lanes(rows: &[f32], first: usize) -> [f32; BLOCK] {
    *rows[first..].first_chunk().expect("columns are padded to whole blocks")
}
