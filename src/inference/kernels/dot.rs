//! The product of two vectors of 8-bit numbers, exact in 32 bits.

/// The longest vectors whose product fits, whatever they hold.
const MAX_LEN: usize = 1 << 16;

/// The sum of the products.
///
/// # Panics
/// When the lengths differ or are beyond 65,536.
pub fn dot(a: &[i8], b: &[i8]) -> i32 {
    assert!(a.len() == b.len() && a.len() <= MAX_LEN, "vectors of one length are compared");
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has AVX2, and the lengths are the same.
        return unsafe { avx2(a, b) };
    }
    portable(a, b)
}

fn portable(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(&a, &b)| i32::from(a) * i32::from(b)).sum()
}

/// # Safety
/// The CPU must have AVX2, and `b` must be as long as `a`.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn avx2(a: &[i8], b: &[i8]) -> i32 {
    use std::arch::x86_64::{
        __m256i, _mm_add_epi32, _mm_cvtsi128_si32, _mm_loadu_si128, _mm_shuffle_epi32,
        _mm256_add_epi32, _mm256_castsi256_si128, _mm256_cvtepi8_epi16, _mm256_extracti128_si256,
        _mm256_madd_epi16, _mm256_setzero_si256,
    };
    const LANES: usize = 16;
    let wide = |chunk: &[i8; LANES]| -> __m256i {
        // SAFETY: sixteen bytes lie there; the load needs no alignment.
        _mm256_cvtepi8_epi16(unsafe { _mm_loadu_si128(chunk.as_ptr().cast()) })
    };
    let ((a_chunks, a_rest), (b_chunks, b_rest)) = (a.as_chunks(), b.as_chunks());
    let mut sums = _mm256_setzero_si256();
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        sums = _mm256_add_epi32(sums, _mm256_madd_epi16(wide(a), wide(b)));
    }
    let sum = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
    let sum = _mm_add_epi32(sum, _mm_shuffle_epi32::<0b01_00_11_10>(sum));
    let sum = _mm_add_epi32(sum, _mm_shuffle_epi32::<0b10_11_00_01>(sum));
    _mm_cvtsi128_si32(sum) + portable(a_rest, b_rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_path_finds_the_same_product(pairs in prop::collection::vec(any::<(i8, i8)>(), 0..500)) {
            let (a, b): (Vec<i8>, Vec<i8>) = pairs.into_iter().unzip();
            prop_assert_eq!(dot(&a, &b), portable(&a, &b));
        }
    }

    #[test]
    fn the_largest_product_fits() {
        let lowest = vec![i8::MIN; 384];
        assert_eq!(dot(&lowest, &lowest), 384 * 128 * 128);
    }
}
