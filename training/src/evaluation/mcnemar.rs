//! Whether two models that err on different texts differ by more than chance (McNemar 1947), by
//! the exact binomial test.

use serde::{Deserialize, Serialize};
use statrs::distribution::{Binomial, DiscreteCDF};

/// The texts on which exactly one of two models is right.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct McNemar {
    /// Only the first is.
    pub only_a_right: usize,
    /// Only the second is.
    pub only_b_right: usize,
    /// How probable a split at least as uneven is if both are equally good.
    pub p_value: f64,
}

impl McNemar {
    /// Counts pairs of whether the first and whether the second model is right.
    pub fn of(pairs: impl Iterator<Item = (bool, bool)>) -> Self {
        let mut only = [0, 0];
        for (a, b) in pairs {
            only[0] += usize::from(a && !b);
            only[1] += usize::from(b && !a);
        }
        let p_value = two_sided(only[0], only[1]);
        Self { only_a_right: only[0], only_b_right: only[1], p_value }
    }
}

fn two_sided(one: usize, other: usize) -> f64 {
    let binomial = Binomial::new(0.5, (one + other) as u64).expect("one half is a probability");
    (2.0 * binomial.cdf(one.min(other) as u64)).min(1.0)
}

/// Raises p-values for their number (Holm 1979): the chance that any of them is below a level
/// though nothing differs is at most that level.
pub(super) fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut largest = 0.0_f64;
    for (rank, position) in order.into_iter().enumerate() {
        let n_left = (p_values.len() - rank) as f64;
        largest = largest.max(n_left * p_values[position]).min(1.0);
        adjusted[position] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_values_agree_with_a_reference() {
        // statsmodels 0.15: stats.contingency_tables.mcnemar([[50, b], [c, 50]], exact=True).pvalue
        for (b, c, expected) in [
            (0, 0, 1.0),
            (0, 5, 0.0625),
            (7, 7, 1.0),
            (3, 14, 0.012_725_830_078_125),
            (40, 68, 0.009_057_983_337_533),
        ] {
            assert!((two_sided(b, c) - expected).abs() < 1e-9, "{b} {c} {}", two_sided(b, c));
            assert!((two_sided(c, b) - expected).abs() < 1e-9);
        }
    }

    #[test]
    fn adjusted_p_values_agree_with_a_reference() {
        // statsmodels 0.15: stats.multitest.multipletests([.01, .04, .03, .005], method="holm")[1]
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (found, expected) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((found - expected).abs() < 1e-12, "{adjusted:?}");
        }
        assert!(holm(&[]).is_empty());
    }
}
