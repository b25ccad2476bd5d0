//! The sums of the linear model: rows of 8-bit weights times the values of a sparse vector. All
//! paths agree bit by bit.

use crate::inference::Entry;

/// Rows of weights are padded to whole vectors of this many, so that no kernel has a rest.
pub(in crate::inference) const LANES: usize = 16;

/// For each column: adds up `entry.value` × the weight of the entry's row, in the order of the
/// entries. `matrix` holds rows of as many weights as `sums` has, a multiple of [`LANES`].
///
/// # Panics
/// When an entry's row is outside the matrix, or `sums` has another length.
pub(in crate::inference) fn add_rows(matrix: &[i8], entries: &[Entry], sums: &mut [f32]) {
    assert_eq!(sums.len() % LANES, 0, "rows are whole vectors");
    let largest = entries.iter().map(|entry| entry.row as usize + 1).max().unwrap_or(0);
    assert!(largest * sums.len() <= matrix.len(), "every row lies in the matrix");
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has AVX2, and the bounds were checked above.
        unsafe { avx2::add_rows(matrix, entries, sums) };
        return;
    }
    add_rows_portable(matrix, entries, sums);
}

fn add_rows_portable(matrix: &[i8], entries: &[Entry], sums: &mut [f32]) {
    let row_len = sums.len();
    for (idx, sums) in sums.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
        // A local array stays in vector registers over the whole text.
        let mut local = [0.0_f32; LANES];
        for entry in entries {
            let start = entry.row as usize * row_len + idx * LANES;
            for (sum, &weight) in local.iter_mut().zip(&matrix[start..start + LANES]) {
                *sum += entry.value * f32::from(weight);
            }
        }
        *sums = local;
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        __m256, _mm_loadl_epi64, _mm256_add_ps, _mm256_cvtepi8_epi32, _mm256_cvtepi32_ps,
        _mm256_mul_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps,
    };

    use crate::inference::Entry;
    use crate::inference::kernels::sparse::LANES;

    /// Product and sum are rounded one after the other, as in the reference.
    ///
    /// # Safety
    /// The CPU must have AVX2, and every entry's row must lie in the matrix.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn add_rows(matrix: &[i8], entries: &[Entry], sums: &mut [f32]) {
        let row_len = sums.len();
        for (idx, sums) in sums.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            let (mut low, mut high) = (_mm256_setzero_ps(), _mm256_setzero_ps());
            for entry in entries {
                let value = _mm256_set1_ps(entry.value);
                // SAFETY: the row lies in the matrix, and the chunk in the row.
                let weights = unsafe {
                    let start = matrix.as_ptr().add(entry.row as usize * row_len + idx * LANES);
                    [eight_weights(start), eight_weights(start.add(LANES / 2))]
                };
                low = _mm256_add_ps(low, _mm256_mul_ps(value, weights[0]));
                high = _mm256_add_ps(high, _mm256_mul_ps(value, weights[1]));
            }
            let (first, last) = sums.split_at_mut(LANES / 2);
            // SAFETY: each half has eight places.
            unsafe {
                _mm256_storeu_ps(first.as_mut_ptr(), low);
                _mm256_storeu_ps(last.as_mut_ptr(), high);
            }
        }
    }

    /// # Safety
    /// The CPU must have AVX2, and eight weights must lie at `start`.
    #[target_feature(enable = "avx2")]
    unsafe fn eight_weights(start: *const i8) -> __m256 {
        // SAFETY: the caller says that eight bytes lie there; the load needs no alignment.
        let bytes = unsafe { _mm_loadl_epi64(start.cast()) };
        _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entries(n_rows: u32) -> impl Strategy<Value = Vec<Entry>> {
        let entry =
            (0..n_rows, -3.0_f32..3.0).prop_map(|(row, value)| Entry { row, count: 1, value });
        prop::collection::vec(entry, 0..40)
    }

    proptest! {
        #[test]
        fn every_path_adds_the_same_rows_up(
            n_chunks in 1_usize..5,
            seed in any::<u64>(),
            entries in entries(7),
        ) {
            let n_weights = 7 * n_chunks * LANES;
            let weight = |n: usize| (seed.wrapping_mul(n as u64 * 2 + 1) >> 56) as i8;
            let matrix: Vec<i8> = (0..n_weights).map(weight).collect();
            let (mut plain, mut fast) = (vec![1.0; n_chunks * LANES], vec![2.0; n_chunks * LANES]);
            add_rows_portable(&matrix, &entries, &mut plain);
            add_rows(&matrix, &entries, &mut fast);
            prop_assert_eq!(plain, fast);
        }
    }
}
