//! Matrices laid out for products: pairs of neighbors along the summed dimension, in panels.

use half::bf16;

use crate::inference::kernels::bf16::widest;

/// The width of the panels of a left operand: as many sums as fit beside a panel of the right one
/// in 32 vector registers.
pub(crate) const LEFT: usize = 12;
/// The width of the panels of a right operand: two vectors.
pub(crate) const RIGHT: usize = 32;

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

    /// A part of the columns.
    pub(crate) fn columns(self, start: usize, n_columns: usize) -> Self {
        Self { values: &self.values[start..], n_columns, ..self }
    }

    fn row(&self, row: usize) -> &'a [T] {
        &self.values[row * self.stride..][..self.n_columns]
    }
}

/// An operand in panels of `W` columns. In each panel, for each pair of summed positions, a unit
/// per column: the number at the even position in the low half, its neighbor in the high half.
#[derive(Clone, Debug, Default)]
pub(crate) struct Panels<const W: usize> {
    units: Vec<u32>,
    n_pairs: usize,
    n_columns: usize,
}

impl<const W: usize> Panels<W> {
    pub(crate) const fn n_columns(&self) -> usize {
        self.n_columns
    }

    pub(crate) const fn n_pairs(&self) -> usize {
        self.n_pairs
    }

    pub(super) fn panel(&self, panel: usize) -> &[u32] {
        &self.units[panel * self.n_pairs * W..][..self.n_pairs * W]
    }

    fn resize(&mut self, n_summed: usize, n_columns: usize) {
        (self.n_pairs, self.n_columns) = (n_summed.div_ceil(2), n_columns);
        // Every unit is written by the packing, so old ones may stay.
        self.units.resize(n_columns.div_ceil(W) * self.n_pairs * W, 0);
    }

    /// Takes a matrix whose rows are the summed positions.
    pub(crate) fn pack_rows(&mut self, source: Matrix<'_, bf16>) {
        self.resize(source.n_rows, source.n_columns);
        pack_rows::<W>(source, &mut self.units);
    }

    /// Takes a matrix whose columns are the summed positions.
    pub(crate) fn pack_columns(&mut self, source: Matrix<'_, bf16>) {
        self.resize(source.n_columns, source.n_rows);
        pack_columns::<W>(source, &mut self.units);
    }
}

const fn unit(even: bf16, odd: bf16) -> u32 {
    (odd.to_bits() as u32) << 16 | even.to_bits() as u32
}

fn pack_rows<const W: usize>(source: Matrix<'_, bf16>, units: &mut [u32]) {
    let n_pairs = source.n_rows.div_ceil(2);
    let zeros = vec![bf16::ZERO; source.n_columns];
    for pair in 0..n_pairs {
        let even = source.row(2 * pair);
        let odd = if 2 * pair + 1 < source.n_rows { source.row(2 * pair + 1) } else { &zeros };
        interleave(even, odd, &mut units[pair * W..], (W, n_pairs * W));
    }
}

widest! {
    /// Writes the units of two rows to every panel; a panel of `shape.0` units is `shape.1` long.
    fn interleave(even: &[bf16], odd: &[bf16], units: &mut [u32], shape: (usize, usize)) {
        let (width, panel) = shape;
        for (idx, (even, odd)) in even.chunks(width).zip(odd.chunks(width)).enumerate() {
            let units = &mut units[idx * panel..][..width];
            for (unit_, (&even, &odd)) in units.iter_mut().zip(even.iter().zip(odd)) {
                *unit_ = unit(even, odd);
            }
            units[even.len()..].fill(0);
        }
    }
}

fn pack_columns<const W: usize>(source: Matrix<'_, bf16>, units: &mut [u32]) {
    let n_pairs = source.n_columns.div_ceil(2);
    for panel in 0..source.n_rows.div_ceil(W) {
        let first = panel * W;
        let units = &mut units[first * n_pairs..][..n_pairs * W];
        let n_rows = W.min(source.n_rows - first);
        if n_rows < W {
            units.fill(0);
        }
        for column in 0..n_rows {
            let row = source.row(first + column);
            let (pairs, rest) = row.as_chunks::<2>();
            for (pair, &[even, odd]) in pairs.iter().enumerate() {
                units[pair * W + column] = unit(even, odd);
            }
            if let [last] = rest {
                units[pairs.len() * W + column] = unit(*last, bf16::ZERO);
            }
        }
    }
}
