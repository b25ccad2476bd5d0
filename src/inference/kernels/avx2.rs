//! Products of 16-bit values with AVX2. Its product of bytes saturates; widened to 16 bits, the
//! same number of instructions computes it exactly.

use std::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm256_add_epi32, _mm256_cvtepi8_epi16, _mm256_hadd_epi32,
    _mm256_madd_epi16, _mm256_permute4x64_epi64, _mm256_set1_epi64x, _mm256_setzero_si256,
    _mm256_storeu_si256,
};

use crate::inference::kernels::Rows;
use crate::inference::kernels::matrix::{BLOCK, Matrix, Put, Tile};
use crate::inference::kernels::rows::GROUP;

/// Rows at once. With eight columns: 12 sums, two weights, an activation and a product in 16
/// registers.
const MAX_ROWS: usize = 6;

/// Columns at once, in two vectors of four columns with two partial sums each.
const COLUMNS: usize = 8;

/// All rows times one block of columns.
///
/// # Safety
/// The CPU has AVX2; every row of `rows.wide` has `tile.n_groups` groups; the matrix has the block
/// `tile.block` of as many groups; at `tile.output` there are as many rows of `tile.output_len`,
/// the first `tile.n_columns` of which are columns from `tile.block` on and may be written.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn multiply(matrix: &Matrix, rows: &Rows, tile: Tile) {
    for column in (0..tile.n_columns.min(BLOCK)).step_by(COLUMNS) {
        for row in (0..rows.len()).step_by(MAX_ROWS) {
            // SAFETY: these are rows that exist, and the rest is what the caller promises.
            unsafe {
                match rows.len() - row {
                    1 => few_rows::<1>(matrix, rows, tile, [row, column]),
                    2 => few_rows::<2>(matrix, rows, tile, [row, column]),
                    3 => few_rows::<3>(matrix, rows, tile, [row, column]),
                    4 => few_rows::<4>(matrix, rows, tile, [row, column]),
                    5 => few_rows::<5>(matrix, rows, tile, [row, column]),
                    _ => few_rows::<6>(matrix, rows, tile, [row, column]),
                }
            }
        }
    }
}

/// `R` rows times eight columns of the block, from this row and column on.
///
/// # Safety
/// As for [`multiply`], and there are so many rows.
#[target_feature(enable = "avx2,fma")]
unsafe fn few_rows<const R: usize>(
    matrix: &Matrix,
    rows: &Rows,
    tile: Tile,
    [row, column]: [usize; 2],
) {
    let row_len = tile.n_groups * GROUP;
    // SAFETY: the block and the rows are there, as the caller promises.
    let (weights, wide) = unsafe {
        let weights = matrix.values.as_ptr().add(tile.block * row_len * BLOCK + column * GROUP);
        (weights, rows.wide.as_ptr().add(row * rows.row_step))
    };
    let mut sums = [[_mm256_setzero_si256(); 2]; R];
    for group in 0..tile.n_groups {
        // SAFETY: the columns lie in the group, and the group in the block.
        let [low, high] = unsafe {
            let start = weights.add(group * BLOCK * GROUP);
            [four_columns(start), four_columns(start.add(COLUMNS / 2 * GROUP))]
        };
        for (idx, sums) in sums.iter_mut().enumerate() {
            // SAFETY: the group lies in the row; it need not be aligned.
            let place = unsafe { wide.add(idx * rows.row_step + group * rows.group_step) };
            // SAFETY: as above.
            let values = unsafe { place.cast::<i64>().read_unaligned() };
            let values = _mm256_set1_epi64x(values);
            sums[0] = _mm256_add_epi32(sums[0], _mm256_madd_epi16(values, low));
            sums[1] = _mm256_add_epi32(sums[1], _mm256_madd_epi16(values, high));
        }
    }
    let first = tile.block * BLOCK + column;
    let n_columns = (tile.n_columns - column).min(COLUMNS);
    for (idx, [low, high]) in sums.into_iter().enumerate() {
        let mut whole = [0_i32; COLUMNS];
        // SAFETY: eight sums have their place.
        unsafe { _mm256_storeu_si256(whole.as_mut_ptr().cast(), join(low, high)) };
        let row_scale = rows.scales[row + idx];
        // SAFETY: these columns are columns of the output, and the row is one of its rows.
        let output = unsafe {
            let start = tile.output.add((row + idx) * tile.output_len + column);
            std::slice::from_raw_parts_mut(start, n_columns)
        };
        let columns = matrix.columns.scales[first..].iter().zip(&matrix.columns.biases[first..]);
        for ((place, sum), (scale, bias)) in output.iter_mut().zip(whole).zip(columns) {
            let value = (sum as f32).mul_add(row_scale * scale, *bias);
            *place = if tile.put == Put::Add { *place + value } else { value };
        }
    }
}

/// # Safety
/// The CPU has AVX2, and a group of four columns lies at `start`.
#[target_feature(enable = "avx2")]
unsafe fn four_columns(start: *const i8) -> __m256i {
    // SAFETY: the caller says that 16 bytes lie there; the load needs no alignment.
    _mm256_cvtepi8_epi16(unsafe { _mm_loadu_si128(start.cast()) })
}

/// Adds neighbors up: two vectors of four columns with two parts each become eight columns.
#[target_feature(enable = "avx2")]
fn join(low: __m256i, high: __m256i) -> __m256i {
    // The addition works within halves and leaves the pairs of columns in the order 0, 4, 2, 6.
    _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_hadd_epi32(low, high))
}
