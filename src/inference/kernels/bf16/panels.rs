//! Matrices laid out for products: pairs of neighbors along the summed dimension, in panels.

use std::ops::Range;

use half::bf16;

use crate::inference::kernels::Isa;
use crate::inference::kernels::bf16::per_isa;

/// The width of a panel: two vectors.
pub(super) const WIDTH: usize = 32;

/// A matrix whose rows lie at equal distances.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a, T> {
    pub(crate) values: &'a [T],
    pub(crate) n_rows: usize,
    pub(crate) n_columns: usize,
    pub(crate) stride: usize,
}

impl<'a, T> Matrix<'a, T> {
    /// A matrix without gaps.
    pub(crate) fn new(values: &'a [T], n_columns: usize) -> Self {
        Self { values, n_rows: values.len() / n_columns, n_columns, stride: n_columns }
    }

    /// A part of the rows.
    pub(crate) fn rows(self, range: Range<usize>) -> Self {
        Self { values: &self.values[range.start * self.stride..], n_rows: range.len(), ..self }
    }

    /// A part of the columns.
    pub(crate) fn columns(self, start: usize, n_columns: usize) -> Self {
        Self { values: &self.values[start..], n_columns, ..self }
    }

    fn row(&self, row: usize) -> &'a [T] {
        &self.values[row * self.stride..][..self.n_columns]
    }
}

/// A matrix turned: its columns are rows, padded with zeros to whole pairs.
#[derive(Debug, Default)]
pub(crate) struct Turned {
    values: Vec<bf16>,
    row_len: usize,
}

impl Turned {
    /// Takes a matrix.
    pub(crate) fn turn(&mut self, isa: Isa, source: Matrix<'_, bf16>) {
        self.row_len = source.n_rows.next_multiple_of(2);
        // Every value is written, so old ones may stay.
        self.values.resize(source.n_columns * self.row_len, bf16::ZERO);
        turn(isa, source, &mut self.values);
    }

    pub(crate) fn rows(&self) -> Matrix<'_, bf16> {
        Matrix::new(&self.values, self.row_len)
    }
}

/// A right operand in panels of [`WIDTH`] columns. In each panel, for each pair of summed
/// positions, a unit per column: the number at the even position in the low half, its neighbor in
/// the high half.
#[derive(Clone, Debug, Default)]
pub(crate) struct Panels {
    units: Vec<u32>,
    n_pairs: usize,
    n_columns: usize,
}

impl Panels {
    pub(crate) const fn n_columns(&self) -> usize {
        self.n_columns
    }

    pub(crate) const fn n_pairs(&self) -> usize {
        self.n_pairs
    }

    pub(super) fn panel(&self, panel: usize) -> &[u32] {
        &self.units[panel * self.n_pairs * WIDTH..][..self.n_pairs * WIDTH]
    }

    fn resize(&mut self, n_summed: usize, n_columns: usize) {
        (self.n_pairs, self.n_columns) = (n_summed.div_ceil(2), n_columns);
        // Every unit is written by the packing, so old ones may stay.
        self.units.resize(n_columns.div_ceil(WIDTH) * self.n_pairs * WIDTH, 0);
    }

    /// Takes a matrix whose rows are the summed positions.
    pub(crate) fn pack_rows(&mut self, isa: Isa, source: Matrix<'_, bf16>) {
        self.resize(source.n_rows, source.n_columns);
        pack_rows(isa, source, &mut self.units);
    }

    /// Takes a matrix whose columns are the summed positions.
    pub(crate) fn pack_columns(&mut self, source: Matrix<'_, bf16>) {
        self.resize(source.n_columns, source.n_rows);
        pack_columns(source, &mut self.units);
    }
}

const fn unit(even: bf16, odd: bf16) -> u32 {
    (odd.to_bits() as u32) << 16 | even.to_bits() as u32
}

fn pack_rows(isa: Isa, source: Matrix<'_, bf16>, units: &mut [u32]) {
    let n_pairs = source.n_rows.div_ceil(2);
    let zeros = vec![bf16::ZERO; source.n_columns];
    for pair in 0..n_pairs {
        let even = source.row(2 * pair);
        let odd = if 2 * pair + 1 < source.n_rows { source.row(2 * pair + 1) } else { &zeros };
        interleave(isa, even, odd, &mut units[pair * WIDTH..], n_pairs * WIDTH);
    }
}

per_isa! {
    /// Writes the units of two rows to every panel, `panel_len` units after one another.
    fn interleave(even: &[bf16], odd: &[bf16], units: &mut [u32], panel_len: usize) {
        for (idx, (even, odd)) in even.chunks(WIDTH).zip(odd.chunks(WIDTH)).enumerate() {
            let units = &mut units[idx * panel_len..][..WIDTH];
            for (unit_, (&even, &odd)) in units.iter_mut().zip(even.iter().zip(odd)) {
                *unit_ = unit(even, odd);
            }
            units[even.len()..].fill(0);
        }
    }
}

fn pack_columns(source: Matrix<'_, bf16>, units: &mut [u32]) {
    let n_pairs = source.n_columns.div_ceil(2);
    for panel in 0..source.n_rows.div_ceil(WIDTH) {
        let first = panel * WIDTH;
        let units = &mut units[first * n_pairs..][..n_pairs * WIDTH];
        let n_rows = WIDTH.min(source.n_rows - first);
        if n_rows < WIDTH {
            units.fill(0);
        }
        for column in 0..n_rows {
            let row = source.row(first + column);
            let (pairs, rest) = row.as_chunks::<2>();
            for (pair, &[even, odd]) in pairs.iter().enumerate() {
                units[pair * WIDTH + column] = unit(even, odd);
            }
            if let [last] = rest {
                units[pairs.len() * WIDTH + column] = unit(*last, bf16::ZERO);
            }
        }
    }
}

per_isa! {
    /// Writes the columns of `source` one after another, in blocks that the nearest cache holds.
    fn turn(source: Matrix<'_, bf16>, out: &mut [bf16]) {
        const BLOCK: usize = 32;
        let row_len = source.n_rows.next_multiple_of(2);
        let zeros = [bf16::ZERO; BLOCK];
        for first_row in (0..source.n_rows).step_by(BLOCK) {
            let n_rows = BLOCK.min(source.n_rows - first_row);
            for first_column in (0..source.n_columns).step_by(BLOCK) {
                let n_columns = BLOCK.min(source.n_columns - first_column);
                let mut pairs = [[[bf16::ZERO; 2]; BLOCK]; BLOCK / 2];
                for (pair, places) in pairs.iter_mut().enumerate().take(n_rows.div_ceil(2)) {
                    let row = |row: usize| {
                        let there = row < n_rows;
                        let row = || &source.row(first_row + row)[first_column..][..n_columns];
                        if there { row() } else { &zeros[..n_columns] }
                    };
                    let both = row(2 * pair).iter().zip(row(2 * pair + 1));
                    for (place, (&even, &odd)) in places.iter_mut().zip(both) {
                        *place = [even, odd];
                    }
                }
                for column in 0..n_columns {
                    let out = &mut out[(first_column + column) * row_len + first_row..];
                    let out = &mut out[..n_rows.next_multiple_of(2)];
                    for (place, pair) in out.as_chunks_mut::<2>().0.iter_mut().zip(&pairs) {
                        *place = pair[column];
                    }
                }
            }
        }
    }
}
