//! What attention needs beside products, in vectors of 512 bits: softmax and turned rows.

use std::arch::x86_64::{
    __m512, __m512i, _mm512_castpd_ps, _mm512_castps_pd, _mm512_cvtepi32_ps, _mm512_cvtps_epi32,
    _mm512_div_ps, _mm512_dpbusd_epi32, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_mask_storeu_ps,
    _mm512_maskz_loadu_ps, _mm512_max_ps, _mm512_min_ps, _mm512_mul_ps, _mm512_or_si512,
    _mm512_reduce_ps, _mm512_scalef_ps, _mm512_set1_epi8, _mm512_set1_ps, _mm512_setzero_ps,
    _mm512_setzero_si512, _mm512_shuffle_f32x4, _mm512_slli_epi32, _mm512_storeu_ps,
    _mm512_storeu_si512, _mm512_sub_ps, _mm512_unpackhi_pd, _mm512_unpackhi_ps, _mm512_unpacklo_pd,
    _mm512_unpacklo_ps,
};
use std::f32::consts::LOG2_E;

use crate::inference::kernels::Rows;
use crate::inference::kernels::attention::LARGEST_WEIGHT;
use crate::inference::kernels::columns::Part;
use crate::inference::kernels::matrix::BLOCK;
use crate::inference::kernels::rows::GROUP;

/// 2ˣ for 0 ≤ x < 1 with an error of 10⁻⁴: the coefficients of a polynomial, fitted to the smallest
/// worst error.
const POWERS: [f32; 4] = [0.079_204_37, 0.224_338_26, 0.696_457_45, 0.999_892_94];

/// Turns each of `n` columns of scores into a row of weights, whose scale is one divided by their
/// sum.
///
/// # Safety
/// The CPU has the instructions; `scores` has `weights.width` rows of `n`, a multiple of
/// [`BLOCK`], at least as many as `weights` has rows, whose groups lie side by side.
#[target_feature(enable = "avx512f,avx512dq,avx512vnni")]
pub(in super::super) unsafe fn soften(scores: &[f32], n: usize, weights: &mut Rows) {
    let n_groups = weights.width.div_ceil(GROUP);
    for first in (0..n).step_by(BLOCK) {
        let score = |key: usize| {
            // SAFETY: the key has a row with a whole block from there on.
            unsafe { _mm512_loadu_ps(scores.as_ptr().add(key * n + first)) }
        };
        let mut most = [_mm512_set1_ps(f32::MIN); GROUP];
        for group in 0..n_groups {
            for (place, most) in most.iter_mut().enumerate() {
                if group * GROUP + place < weights.width {
                    *most = _mm512_max_ps(*most, score(group * GROUP + place));
                }
            }
        }
        let most = _mm512_max_ps(_mm512_max_ps(most[0], most[1]), _mm512_max_ps(most[2], most[3]));
        let scale = _mm512_set1_ps(LOG2_E);
        let start = _mm512_mul_ps(most, _mm512_set1_ps(-LOG2_E));
        let mut sums = _mm512_setzero_si512();
        let mut rests = [_mm512_setzero_ps(); GROUP];
        for group in 0..n_groups {
            let key = group * GROUP;
            let n_left = weights.width - key;
            let mut word = _mm512_setzero_si512();
            // The last key comes first and moves up. Written out, so that rests stay in registers.
            let mut put = |place: usize, rest: &mut __m512| {
                if place < n_left {
                    let power = _mm512_fmadd_ps(score(key + place), scale, start);
                    word = _mm512_or_si512(_mm512_slli_epi32::<8>(word), to_weight(power, rest));
                }
            };
            put(3, &mut rests[3]);
            put(2, &mut rests[2]);
            put(1, &mut rests[1]);
            put(0, &mut rests[0]);
            sums = _mm512_dpbusd_epi32(sums, word, _mm512_set1_epi8(1));
            let place =
                &mut weights.bytes[group * weights.group_step + first * GROUP..][..BLOCK * GROUP];
            // SAFETY: the words have their place there.
            unsafe { _mm512_storeu_si512(place.as_mut_ptr().cast(), word) };
        }
        let scales = _mm512_div_ps(_mm512_set1_ps(1.0), _mm512_cvtepi32_ps(sums));
        let n_here = weights.len().saturating_sub(first).min(BLOCK);
        let places = &mut weights.scales[first..first + n_here];
        let mask = ((1_u32 << n_here) - 1) as u16;
        // SAFETY: the masked ones have their place.
        unsafe { _mm512_mask_storeu_ps(places.as_mut_ptr(), mask, scales) };
    }
}

/// 255 × 2ˣ for x ≤ 0, and the rest of the one before, as a whole number; `rest`
/// becomes what is left.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn to_weight(power: __m512, rest: &mut __m512) -> __m512i {
    let most = _mm512_set1_ps(LARGEST_WEIGHT);
    let weight = _mm512_fmadd_ps(power_of_two(power), most, *rest);
    // A rest of a half makes 255.5, which is rounded to even, and the power of a large score may
    // be off by more: what a byte does not hold would carry into the key beside it.
    let whole = _mm512_cvtps_epi32(_mm512_min_ps(weight, most));
    *rest = _mm512_sub_ps(weight, _mm512_cvtepi32_ps(whole));
    whole
}

/// 2ˣ for x ≤ 0.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
pub(in super::super) fn power_of_two(x: __m512) -> __m512 {
    let fraction = _mm512_reduce_ps::<0b1001>(x);
    let mut power = _mm512_set1_ps(POWERS[0]);
    for coefficient in &POWERS[1..] {
        power = _mm512_fmadd_ps(power, fraction, _mm512_set1_ps(*coefficient));
    }
    _mm512_scalef_ps(power, x)
}

/// Turns the rows of a part: `turned` has a row per dimension with a column per token, padded to
/// whole blocks.
///
/// # Panics
/// When `turned` is too short.
#[target_feature(enable = "avx512f")]
pub(in super::super) fn turn(part: Part<'_>, n_columns: usize, turned: &mut [f32]) {
    for first in (0..part.n_tokens).step_by(BLOCK) {
        for dimension in (0..part.size).step_by(BLOCK) {
            let n_here = (part.size - dimension).min(BLOCK);
            let mask = u16::MAX >> (BLOCK - n_here);
            let mut block = [_mm512_setzero_ps(); BLOCK];
            for (idx, row) in block.iter_mut().enumerate() {
                // The last token stands for those after it.
                let numbers = part.row((first + idx).min(part.n_tokens - 1));
                // SAFETY: the masked numbers are numbers of the row.
                *row = unsafe { _mm512_maskz_loadu_ps(mask, numbers[dimension..].as_ptr()) };
            }
            let rows = turned[dimension * n_columns..].chunks_exact_mut(n_columns);
            for (row, column) in rows.zip(transpose(&block)).take(n_here) {
                // SAFETY: it has its place there.
                unsafe { _mm512_storeu_ps(row[first..first + BLOCK].as_mut_ptr(), column) };
            }
        }
    }
}

/// Turns sixteen rows into sixteen columns: numbers within quarters of the vectors first, then the
/// quarters.
#[target_feature(enable = "avx512f")]
#[inline]
pub(in super::super) fn transpose(rows: &[__m512; BLOCK]) -> [__m512; BLOCK] {
    let mut pairs = *rows;
    for idx in (0..BLOCK).step_by(2) {
        let (a, b) = (rows[idx], rows[idx + 1]);
        (pairs[idx], pairs[idx + 1]) = (_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
    }
    let mut fours = pairs;
    for first in (0..BLOCK).step_by(4) {
        for idx in 0..2 {
            let a = _mm512_castps_pd(pairs[first + idx]);
            let b = _mm512_castps_pd(pairs[first + idx + 2]);
            fours[first + 2 * idx] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
            fours[first + 2 * idx + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
        }
    }
    let mut columns = fours;
    for idx in 0..4 {
        let [a, b, c, d] = [fours[idx], fours[4 + idx], fours[8 + idx], fours[12 + idx]];
        // Quarters 0 and 2, then 1 and 3, of two vectors.
        let (even, odd) = (_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0xdd>(a, b));
        let (next_even, next_odd) =
            (_mm512_shuffle_f32x4::<0x88>(c, d), _mm512_shuffle_f32x4::<0xdd>(c, d));
        columns[idx] = _mm512_shuffle_f32x4::<0x88>(even, next_even);
        columns[4 + idx] = _mm512_shuffle_f32x4::<0x88>(odd, next_odd);
        columns[8 + idx] = _mm512_shuffle_f32x4::<0xdd>(even, next_even);
        columns[12 + idx] = _mm512_shuffle_f32x4::<0xdd>(odd, next_odd);
    }
    columns
}
