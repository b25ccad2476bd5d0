//! Rows of activations in 8 bits, each with a scale of its own.

use crate::inference::kernels::float::{ROUND, fold, larger, largest};
use crate::inference::kernels::isa::{Level, compile_for_each};

#[cfg(target_arch = "x86_64")]
use crate::inference::kernels::avx512;
use crate::inference::kernels::{Isa, Lines};

/// Rows are padded with zeros to a multiple of this, the width of a product of bytes.
pub(super) const GROUP: usize = 4;

/// Rows that may be read together.
pub(super) const TILE_ROWS: usize = 16;

/// The byte that stands for zero: bytes are unsigned, as the product of bytes wants them.
pub(super) const ZERO: u8 = 128;

/// Rows of activations in 8 bits. Kept from one product to the next, so that nothing is allocated.
#[derive(Debug, Default)]
pub(in crate::inference) struct Rows {
    /// `ZERO` + value ÷ scale. After the last row are some that mean nothing, so that what reads
    /// [`TILE_ROWS`] rows together finds them.
    pub(super) bytes: Lines<u8>,
    /// The same less `ZERO` in 16 bits, in place of `bytes`, for CPUs that cannot multiply bytes
    /// without loss.
    pub(super) wide: Lines<i16>,
    /// What a step of a byte is worth, one per row.
    pub(super) scales: Vec<f32>,
    /// From a row to the next.
    pub(super) row_step: usize,
    /// From a group of a row to its next.
    pub(super) group_step: usize,
    /// How many values a row has without padding.
    pub(super) width: usize,
}

impl Rows {
    /// How many rows there are.
    pub(in crate::inference) fn len(&self) -> usize {
        self.scales.len()
    }

    /// The length of a row with its padding.
    pub(super) const fn row_len(&self) -> usize {
        self.width.next_multiple_of(GROUP)
    }

    /// Replaces all rows: `width` values at the beginning of every `row_len` of `source`.
    ///
    /// # Panics
    /// When the last row is not whole.
    pub(in crate::inference) fn quantize(
        &mut self,
        isa: Isa,
        source: &[f32],
        row_len: usize,
        width: usize,
    ) {
        self.reshape(isa, source.len().div_ceil(row_len), width);
        match isa.0 {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: an `Isa` of this level exists only where the CPU has the instructions.
            Level::Avx512 | Level::Amx => unsafe { avx512::quantize(source, row_len, self) },
            _ if is_wide(isa) => quantize_wide(isa, source, row_len, self),
            _ => quantize_bytes(isa, source, row_len, self),
        }
    }

    /// Makes place for so many rows, one after another.
    fn reshape(&mut self, isa: Isa, n_rows: usize, width: usize) {
        self.resize(isa, n_rows, width);
        (self.row_step, self.group_step) = (self.row_len(), GROUP);
    }

    /// Makes place for so many rows: the first groups of all rows, then the second ones.
    pub(super) fn reshape_by_groups(&mut self, isa: Isa, n_rows: usize, width: usize) {
        self.resize(isa, n_rows, width);
        (self.row_step, self.group_step) = (GROUP, self.n_places() * GROUP);
    }

    fn resize(&mut self, isa: Isa, n_rows: usize, width: usize) {
        self.width = width;
        self.scales.resize(n_rows, 0.0);
        let n_values = self.n_values();
        if is_wide(isa) {
            self.wide.resize(n_values, 0);
        } else {
            self.bytes.resize(n_values, ZERO);
        }
    }

    /// Whether there are values for the kernels of this CPU.
    pub(super) fn are_for(&self, isa: Isa) -> bool {
        let n_values = if is_wide(isa) { self.wide.len() } else { self.bytes.len() };
        n_values == self.n_values()
    }

    /// With those after the last row.
    fn n_values(&self) -> usize {
        self.n_places() * self.row_len()
    }

    /// Rows and those after the last.
    fn n_places(&self) -> usize {
        self.len().next_multiple_of(TILE_ROWS)
    }
}

pub(super) const fn is_wide(isa: Isa) -> bool {
    match isa.0 {
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => true,
        _ => false,
    }
}

compile_for_each! {
    fn quantize_bytes(source: &[f32], source_len: usize, rows: &mut Rows) = to_bytes
}

compile_for_each! {
    fn quantize_wide(source: &[f32], source_len: usize, rows: &mut Rows) = to_wide
}

#[inline(always)]
fn to_bytes<const FMA: bool>(source: &[f32], source_len: usize, rows: &mut Rows) {
    let (width, row_len) = (rows.width, rows.row_len());
    let targets = rows.bytes.chunks_exact_mut(row_len).zip(&mut rows.scales);
    for (row, (target, scale)) in source.chunks(source_len).zip(targets) {
        let row = &row[..width];
        let steps = steps_of(row, scale);
        let (target, padding) = target.split_at_mut(width);
        for (byte, value) in target.iter_mut().zip(row) {
            *byte = (value * steps + (ROUND + f32::from(ZERO))).to_bits() as u8;
        }
        padding.fill(ZERO);
    }
}

#[inline(always)]
fn to_wide<const FMA: bool>(source: &[f32], source_len: usize, rows: &mut Rows) {
    let (width, row_len) = (rows.width, rows.row_len());
    let targets = rows.wide.chunks_exact_mut(row_len).zip(&mut rows.scales);
    for (row, (target, scale)) in source.chunks(source_len).zip(targets) {
        let row = &row[..width];
        let steps = steps_of(row, scale);
        let (target, padding) = target.split_at_mut(width);
        for (wide, value) in target.iter_mut().zip(row) {
            *wide = (value * steps + ROUND).to_bits() as i16;
        }
        padding.fill(0);
    }
}

/// Steps per unit, so that the largest value of the row is 127 steps; sets what a step is worth.
#[inline(always)]
pub(super) fn steps_of(row: &[f32], scale: &mut f32) -> f32 {
    steps_to(largest(&fold(row, 0.0, |most, value| larger(most, value.abs()))), scale)
}

/// Steps per unit, so that this value is 127 steps; sets what a step is worth.
#[inline(always)]
pub(super) fn steps_to(most: f32, scale: &mut f32) -> f32 {
    // What is all zeros has zeros, not what is divided by zero.
    let most = larger(most, 1e-20);
    *scale = most / 127.0;
    127.0 / most
}
