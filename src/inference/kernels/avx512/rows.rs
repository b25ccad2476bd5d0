//! Rows of activations in 8 bits, in vectors of 512 bits.

use std::arch::x86_64::{
    __m512, _mm512_abs_ps, _mm512_add_epi32, _mm512_cvtps_epi32, _mm512_loadu_ps,
    _mm512_mask_cvtepi32_storeu_epi8, _mm512_maskz_loadu_ps, _mm512_max_ps, _mm512_mul_ps,
    _mm512_packs_epi16, _mm512_packs_epi32, _mm512_permutexvar_epi32, _mm512_reduce_max_ps,
    _mm512_set1_epi8, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setr_epi32, _mm512_setzero_ps,
    _mm512_storeu_si512, _mm512_xor_si512,
};

use crate::inference::kernels::Rows;
use crate::inference::kernels::rows::{ZERO, steps_to};

/// Numbers in a vector.
const LANES: usize = 16;

/// Vectors whose numbers are bytes of one.
const QUARTERS: usize = 4;

/// Replaces the bytes and scales: `rows.width` values at the beginning of every `source_len`.
///
/// # Panics
/// When the last row is not whole, or the rows have no place for them.
#[target_feature(enable = "avx512f,avx512bw")]
pub(in super::super) fn quantize(source: &[f32], source_len: usize, rows: &mut Rows) {
    let (width, row_len) = (rows.width, rows.row_len());
    let targets = rows.bytes.chunks_exact_mut(row_len).zip(rows.scales.iter_mut());
    for (row, (target, scale)) in source.chunks(source_len).zip(targets) {
        let (whole, rest) = row[..width].as_chunks::<{ QUARTERS * LANES }>();
        let mut most = [_mm512_setzero_ps(); QUARTERS];
        for numbers in whole {
            for (most, quarter) in most.iter_mut().zip(numbers.as_chunks().0) {
                *most = _mm512_max_ps(*most, _mm512_abs_ps(load(quarter)));
            }
        }
        for (most, numbers) in most.iter_mut().zip(rest.chunks(LANES)) {
            *most = _mm512_max_ps(*most, _mm512_abs_ps(load_some(numbers)));
        }
        let [a, b, c, d] = most;
        let most = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_max_ps(a, b), _mm512_max_ps(c, d)));
        let steps = _mm512_set1_ps(steps_to(most, scale));
        let (target, padding) = target.split_at_mut(width);
        let (bytes, rest_bytes) = target.as_chunks_mut::<{ QUARTERS * LANES }>();
        for (bytes, numbers) in bytes.iter_mut().zip(whole) {
            let mut quarters = [_mm512_set1_epi32(0); QUARTERS];
            for (quarter, numbers) in quarters.iter_mut().zip(numbers.as_chunks().0) {
                *quarter = _mm512_cvtps_epi32(_mm512_mul_ps(load(numbers), steps));
            }
            let [a, b, c, d] = quarters;
            let packed = _mm512_packs_epi16(_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d));
            // Packing works within quarters of the vectors and leaves four numbers of each.
            let order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
            let ordered = _mm512_permutexvar_epi32(order, packed);
            let moved = _mm512_xor_si512(ordered, _mm512_set1_epi8(ZERO.cast_signed()));
            // SAFETY: 64 bytes have their place there.
            unsafe { _mm512_storeu_si512(bytes.as_mut_ptr().cast(), moved) };
        }
        for (bytes, numbers) in rest_bytes.chunks_mut(LANES).zip(rest.chunks(LANES)) {
            let steps = _mm512_cvtps_epi32(_mm512_mul_ps(load_some(numbers), steps));
            let moved = _mm512_add_epi32(steps, _mm512_set1_epi32(i32::from(ZERO)));
            // SAFETY: the masked ones have their place.
            unsafe {
                let place = bytes.as_mut_ptr().cast();
                _mm512_mask_cvtepi32_storeu_epi8(place, first(bytes.len()), moved);
            }
        }
        padding.fill(ZERO);
    }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn load(numbers: &[f32; LANES]) -> __m512 {
    // SAFETY: sixteen numbers lie there; the load needs no alignment.
    unsafe { _mm512_loadu_ps(numbers.as_ptr()) }
}

/// At most a vector of numbers, and zeros.
#[target_feature(enable = "avx512f")]
#[inline]
pub(in super::super) fn load_some(numbers: &[f32]) -> __m512 {
    // SAFETY: the masked numbers lie there.
    unsafe { _mm512_maskz_loadu_ps(first(numbers.len()), numbers.as_ptr()) }
}

/// A mask of the first `n` of sixteen.
#[inline]
pub(in super::super) fn first(n: usize) -> u16 {
    ((1_u32 << n.min(LANES)) - 1) as u16
}
