//! Products of bytes with AVX-512 VNNI: 64 products and their sums in one instruction.

mod attention;
mod rows;

use std::arch::x86_64::{
    __m512, __m512i, _mm512_add_ps, _mm512_cvtepi32_ps, _mm512_dpbusd_epi32, _mm512_fmadd_ps,
    _mm512_loadu_ps, _mm512_loadu_si512, _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps,
    _mm512_max_ps, _mm512_min_ps, _mm512_mul_ps, _mm512_set1_epi32, _mm512_set1_ps,
    _mm512_setzero_si512,
};

pub(super) use attention::{power_of_two, soften, transpose, turn};
pub(super) use rows::{first, load_some, quantize};

use crate::inference::kernels::Rows;
use crate::inference::kernels::float::NORMAL;
use crate::inference::kernels::matrix::{BLOCK, Matrix, Put, Tile};
use crate::inference::kernels::rows::GROUP;

/// Blocks of columns at once. With eight rows: 24 sums, three weights and one activation in 32
/// registers.
pub(super) const MAX_BLOCKS: usize = 3;

/// Rows at once.
const MAX_ROWS: usize = 8;

/// All rows times the blocks of columns.
///
/// # Safety
/// The CPU has the instructions; every row of `rows.bytes` has `tile.n_groups` groups; the matrix
/// has `tile.n_blocks` blocks from `tile.block` on, of as many groups; at `tile.output` there are as
/// many rows of `tile.output_len`, the first `tile.n_columns` of which are columns from
/// `tile.block` on and may be written.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) unsafe fn multiply(matrix: &Matrix, rows: &Rows, tile: Tile) {
    // SAFETY: what the caller promises.
    unsafe {
        match tile.n_blocks {
            1 => all_rows::<1>(matrix, rows, tile),
            2 => all_rows::<2>(matrix, rows, tile),
            _ => all_rows::<3>(matrix, rows, tile),
        }
    }
}

/// # Safety
/// As for [`multiply`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn all_rows<const B: usize>(matrix: &Matrix, rows: &Rows, tile: Tile) {
    let mut row = 0;
    while row < rows.len() {
        let n_rows = (rows.len() - row).min(MAX_ROWS);
        // SAFETY: these are rows that exist, and the rest is what the caller promises.
        unsafe {
            match n_rows {
                1 => few_rows::<1, B>(matrix, rows, tile, row),
                2 => few_rows::<2, B>(matrix, rows, tile, row),
                3 => few_rows::<3, B>(matrix, rows, tile, row),
                4 => few_rows::<4, B>(matrix, rows, tile, row),
                5 => few_rows::<5, B>(matrix, rows, tile, row),
                6 => few_rows::<6, B>(matrix, rows, tile, row),
                7 => few_rows::<7, B>(matrix, rows, tile, row),
                _ => few_rows::<8, B>(matrix, rows, tile, row),
            }
        }
        row += n_rows;
    }
}

/// `R` rows from `row` on times `B` blocks.
///
/// # Safety
/// As for [`multiply`], and there are so many rows.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn few_rows<const R: usize, const B: usize>(
    matrix: &Matrix,
    rows: &Rows,
    tile: Tile,
    row: usize,
) {
    let row_len = tile.n_groups * GROUP;
    let block_len = row_len * BLOCK;
    let column = tile.block * BLOCK;
    // SAFETY: the blocks and the rows are there, as the caller promises.
    let (weights, bytes) = unsafe {
        (
            matrix.values.as_ptr().add(tile.block * block_len),
            rows.bytes.as_ptr().add(row * rows.row_step),
        )
    };
    let mut sums = [[_mm512_setzero_si512(); B]; R];
    for block in 0..B {
        // SAFETY: the columns are padded to whole blocks.
        let start = unsafe { integers(matrix.columns.starts.as_ptr().add(column + block * BLOCK)) };
        for sums in &mut sums {
            sums[block] = start;
        }
    }
    for group in 0..tile.n_groups {
        let mut block_weights = [_mm512_setzero_si512(); B];
        for (block, weights_of_block) in block_weights.iter_mut().enumerate() {
            let offset = block * block_len + group * BLOCK * GROUP;
            // SAFETY: the group lies in the block, and the block in the matrix.
            *weights_of_block = unsafe { integers(weights.add(offset).cast()) };
        }
        for (idx, sums) in sums.iter_mut().enumerate() {
            // SAFETY: the group lies in the row; it need not be aligned.
            let place = unsafe { bytes.add(idx * rows.row_step + group * rows.group_step) };
            // SAFETY: as above.
            let value = unsafe { place.cast::<i32>().read_unaligned() };
            let value = _mm512_set1_epi32(value);
            for (sum, weights) in sums.iter_mut().zip(block_weights) {
                *sum = _mm512_dpbusd_epi32(*sum, value, weights);
            }
        }
    }
    for block in 0..B {
        // SAFETY: the block is one of the tile's, and the rows are rows of the product.
        unsafe {
            let epilogue = Epilogue::new(matrix, tile, block);
            let scales = &rows.scales[row..row + R];
            if tile.put == Put::Add {
                epilogue.put_block::<true, R, B>(row, scales, &sums, block);
            } else {
                epilogue.put_block::<false, R, B>(row, scales, &sums, block);
            }
        }
    }
}

/// Turns the sums of a block of columns into numbers and puts them into their place.
#[derive(Clone, Copy)]
pub(super) struct Epilogue {
    scales: __m512,
    biases: __m512,
    output: *mut f32,
    output_len: usize,
    /// The columns that there are.
    mask: u16,
}

impl Epilogue {
    /// For a block of the tile.
    ///
    /// # Safety
    /// The CPU has the instructions, and the tile has the block.
    #[target_feature(enable = "avx512f")]
    #[inline]
    pub(super) unsafe fn new(matrix: &Matrix, tile: Tile, block: usize) -> Self {
        let n_columns = (tile.n_columns - block * BLOCK).min(BLOCK);
        let column = (tile.block + block) * BLOCK;
        // SAFETY: the columns are padded to whole blocks, and the output has the first of them.
        unsafe {
            Self {
                scales: numbers(matrix.columns.scales.as_ptr().add(column)),
                biases: numbers(matrix.columns.biases.as_ptr().add(column)),
                output: tile.output.add(block * BLOCK),
                output_len: tile.output_len,
                mask: if n_columns == BLOCK { u16::MAX } else { (1 << n_columns) - 1 },
            }
        }
    }

    /// The same, but puts nothing.
    pub(super) const fn silent(self) -> Self {
        Self { mask: 0, ..self }
    }

    /// Puts one block of the sums of some rows, which began with those of the columns.
    ///
    /// # Safety
    /// The CPU has the instructions, and the product has the rows from `first` on.
    #[target_feature(enable = "avx512f")]
    #[inline]
    unsafe fn put_block<const ADDS: bool, const R: usize, const B: usize>(
        &self,
        first: usize,
        row_scales: &[f32],
        sums: &[[__m512i; B]; R],
        block: usize,
    ) {
        for (row, (&scale, sums)) in row_scales.iter().zip(sums).enumerate() {
            let place = self.output.wrapping_add((first + row) * self.output_len);
            // SAFETY: the row is a row of the product.
            unsafe { self.put_as::<ADDS, false>(place, _mm512_set1_ps(scale), sums[block]) };
        }
    }

    /// Puts the sums of some rows of two blocks, which began with those of the columns.
    ///
    /// # Safety
    /// The CPU has the instructions, and the product has the rows from `first` on, one for each of
    /// `row_scales`.
    #[target_feature(enable = "avx512f")]
    #[inline]
    pub(super) unsafe fn put_pair(
        pair: &[Self; 2],
        put: Put,
        first: usize,
        row_scales: &[f32],
        sums: &[[i32; 2 * BLOCK]],
    ) {
        // SAFETY: what the caller promises.
        unsafe {
            match put {
                Put::Replace => Self::put_rows::<false, false>(pair, first, row_scales, sums),
                Put::Add => Self::put_rows::<true, false>(pair, first, row_scales, sums),
                Put::Gelu => Self::put_rows::<false, true>(pair, first, row_scales, sums),
            }
        }
    }

    /// # Safety
    /// As for [`Self::put_pair`].
    #[target_feature(enable = "avx512f")]
    #[inline]
    unsafe fn put_rows<const ADDS: bool, const GELU: bool>(
        [left, right]: &[Self; 2],
        first: usize,
        row_scales: &[f32],
        sums: &[[i32; 2 * BLOCK]],
    ) {
        for (row, (&scale, sums)) in row_scales.iter().zip(sums).enumerate() {
            let offset = (first + row) * left.output_len;
            let scale = _mm512_set1_ps(scale);
            // SAFETY: so many sums lie there, and the row is a row of the product.
            unsafe {
                let (sums, place) = (sums.as_ptr(), left.output.wrapping_add(offset));
                left.put_as::<ADDS, GELU>(place, scale, integers(sums));
                let place = right.output.wrapping_add(offset);
                right.put_as::<ADDS, GELU>(place, scale, integers(sums.add(BLOCK)));
            }
        }
    }

    /// # Safety
    /// The CPU has the instructions, and the block's columns of a row of the product lie at `place`.
    #[target_feature(enable = "avx512f")]
    #[inline]
    unsafe fn put_as<const ADDS: bool, const GELU: bool>(
        &self,
        place: *mut f32,
        row_scale: __m512,
        sums: __m512i,
    ) {
        let scales = _mm512_mul_ps(self.scales, row_scale);
        let mut value = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums), scales, self.biases);
        // SAFETY: the masked columns are columns of the output.
        unsafe {
            if ADDS {
                value = _mm512_add_ps(value, _mm512_maskz_loadu_ps(self.mask, place));
            }
            if GELU {
                value = gelu(value);
            }
            _mm512_mask_storeu_ps(place, self.mask, value);
        }
    }
}

/// [`gelu`](super::gelu) in vectors.
#[target_feature(enable = "avx512f")]
#[inline]
fn gelu(x: __m512) -> __m512 {
    let bounded = _mm512_max_ps(_mm512_min_ps(x, _mm512_set1_ps(4.0)), _mm512_set1_ps(-4.0));
    let square = _mm512_mul_ps(bounded, bounded);
    let mut sum = _mm512_set1_ps(NORMAL[0]);
    for coefficient in &NORMAL[1..] {
        sum = _mm512_fmadd_ps(sum, square, _mm512_set1_ps(*coefficient));
    }
    _mm512_mul_ps(x, _mm512_fmadd_ps(bounded, sum, _mm512_set1_ps(0.5)))
}

/// # Safety
/// The CPU has the instructions, and 16 numbers lie at `place`.
#[target_feature(enable = "avx512f")]
unsafe fn numbers(place: *const f32) -> __m512 {
    // SAFETY: the caller says that they do; the load needs no alignment.
    unsafe { _mm512_loadu_ps(place) }
}

/// # Safety
/// The CPU has the instructions, and 64 bytes lie at `place`.
#[target_feature(enable = "avx512f")]
unsafe fn integers(place: *const i32) -> __m512i {
    // SAFETY: the caller says that they do; the load needs no alignment.
    unsafe { _mm512_loadu_si512(place.cast()) }
}
