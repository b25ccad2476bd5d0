//! Distributions and how far apart two of them are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What each of two counts of a bin is raised by, so that an empty bin does not make the index
/// infinite.
const SMOOTHING: f64 = 0.5;

/// How often each bin occurs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Distribution(pub BTreeMap<String, f64>);

/// How far two distributions are apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Distance {
    /// The population stability index: Σ (q − p) ln (q / p).
    pub psi: f64,
    /// The Jensen–Shannon divergence in bits, from 0 to 1 (Lin 1991).
    pub jensen_shannon: f64,
    /// What the index would be on average if nothing had changed: (bins − 1)(1/n + 1/m)
    /// (Yurdakul 2018).
    pub psi_by_chance: f64,
}

impl Distribution {
    /// Counts a bin.
    pub fn add(&mut self, bin: impl Into<String>, count: f64) {
        *self.0.entry(bin.into()).or_default() += count;
    }

    /// How much was counted.
    pub fn total(&self) -> f64 {
        self.0.values().sum()
    }

    /// The share of a bin.
    pub fn share(&self, bin: &str) -> f64 {
        let total = self.total();
        if total == 0.0 { 0.0 } else { self.0.get(bin).copied().unwrap_or(0.0) / total }
    }

    /// How far another distribution is from this one; nothing when one of them is empty.
    pub fn distance(&self, other: &Self) -> Option<Distance> {
        let (n, m) = (self.total(), other.total());
        if n == 0.0 || m == 0.0 {
            return None;
        }
        let mut bins: Vec<&String> = self.0.keys().chain(other.0.keys()).collect();
        bins.sort_unstable();
        bins.dedup();
        let n_bins = bins.len() as f64;
        let smoothed = |counts: &Self, total: f64, bin: &str| {
            let count = counts.0.get(bin).copied().unwrap_or(0.0);
            (count + SMOOTHING) / (total + SMOOTHING * n_bins)
        };
        let (mut psi, mut jensen_shannon) = (0.0, 0.0);
        for bin in bins {
            let (p, q) = (smoothed(self, n, bin), smoothed(other, m, bin));
            let middle = f64::midpoint(p, q);
            psi += (q - p) * (q / p).ln();
            jensen_shannon += f64::midpoint(p * (p / middle).log2(), q * (q / middle).log2());
        }
        let psi_by_chance = (n_bins - 1.0) * (1.0 / n + 1.0 / m);
        Some(Distance { psi, jensen_shannon, psi_by_chance })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distribution(counts: &[(&str, f64)]) -> Distribution {
        Distribution(counts.iter().map(|&(bin, count)| (bin.to_owned(), count)).collect())
    }

    #[test]
    fn distances_agree_with_a_reference() {
        // numpy with the same smoothing: p = [60.5, 40.5] / 101, q = [30.5, 70.5] / 101;
        // psi = sum((q - p) * log(q / p)); js = scipy.spatial.distance.jensenshannon(p, q, 2) ** 2
        let distance = distribution(&[("a", 60.0), ("b", 40.0)])
            .distance(&distribution(&[("a", 30.0), ("b", 70.0)]))
            .unwrap();
        assert!((distance.psi - 0.368_087_4).abs() < 1e-6, "{distance:?}");
        assert!((distance.jensen_shannon - 0.065_304_6).abs() < 1e-6, "{distance:?}");
        assert!((distance.psi_by_chance - 0.02).abs() < 1e-12);
    }

    #[test]
    fn equal_distributions_are_at_no_distance_and_disjoint_ones_far_apart() {
        let a = distribution(&[("a", 500.0), ("b", 500.0)]);
        assert!(a.distance(&a).unwrap().psi.abs() < 1e-12);
        let far = a.distance(&distribution(&[("c", 1000.0)])).unwrap();
        assert!(0.25 < far.psi && 0.98 < far.jensen_shannon, "{far:?}");
        assert_eq!(a.distance(&Distribution::default()), None);
    }
}
