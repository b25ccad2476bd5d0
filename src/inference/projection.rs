//! A short dense vector of a sparse one, by random projection: the products of projected vectors
//! are near those of the originals (Johnson and Lindenstrauss 1984), with signs in place of normal
//! deviates (Achlioptas, "Database-friendly random projections", 2003). With 384 signs the error
//! of a product has a standard deviation of 1/√384 ≈ 0.05, which tells complaints about the same
//! matter in the same words from all others. It knows nothing of meaning: an encoder does.

use crate::inference::Entry;

/// How long the vectors are.
pub(super) const N_DIMENSIONS: usize = 384;

/// Signs that one draw gives.
const N_SIGNS: usize = u64::BITS as usize;

/// Where the draws start; vectors are compared with those of the same model alone, and the model
/// says which row is which.
const SEED: u64 = 0x5EED_0FFE_2C4E_9A17;

/// Projects a sparse vector and gives it length one.
pub(super) fn project(entries: &[Entry]) -> Vec<f32> {
    let mut sums = vec![0.0_f32; N_DIMENSIONS];
    for entry in entries {
        let first = u64::from(entry.row) * (N_DIMENSIONS / N_SIGNS) as u64;
        for (draw, sums) in (first..).zip(sums.chunks_exact_mut(N_SIGNS)) {
            let signs = draw_signs(draw);
            for (sign_idx, sum) in sums.iter_mut().enumerate() {
                let sign = ((signs >> sign_idx) as u32) << 31;
                *sum += f32::from_bits(entry.value.to_bits() ^ sign);
            }
        }
    }
    let length = sums.iter().map(|sum| sum * sum).sum::<f32>().sqrt();
    if 0.0 < length {
        for sum in &mut sums {
            *sum /= length;
        }
    }
    sums
}

/// The draw with this number of `SplitMix64` (Steele et al. 2014).
const fn draw_signs(number: u64) -> u64 {
    let value = SEED.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Twenty features of equal weight, of which so many are shared with the one from 0.
    fn entries(n_shared: u32) -> Vec<Entry> {
        let value = 20.0_f32.sqrt().recip();
        (20 - n_shared..40 - n_shared).map(|row| Entry { row, count: 1, value }).collect()
    }

    #[test]
    fn products_are_near_those_of_the_originals() {
        let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let whole = project(&entries(20));
        for n_shared in [0, 5, 10, 15, 20] {
            let found = product(&whole, &project(&entries(n_shared)));
            let expected = n_shared as f32 / 20.0;
            // Four standard deviations.
            assert!((found - expected).abs() < 0.21, "{found} for {expected}");
        }
        assert!((product(&whole, &whole) - 1.0).abs() < 1e-5);
        assert!(project(&[]).iter().all(|&sum| sum == 0.0));
    }
}
