//! The percentile bootstrap (Efron & Tibshirani 1993, chapter 13): texts drawn with replacement,
//! again and again.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// The share of resamples outside an interval, half on either side.
const OUTSIDE: f64 = 0.05;

/// How texts are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resampling {
    /// How often; without any there are no intervals.
    pub n_resamples: usize,
    /// The seed of the draws.
    pub seed: u64,
}

/// Where a figure would lie in 95 of 100 cases if other texts of the same kind had been taken.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval(pub f64, pub f64);

impl Default for Resampling {
    fn default() -> Self {
        Self { n_resamples: 1000, seed: 7 }
    }
}

impl Interval {
    /// Whether the value is inside.
    pub fn contains(self, value: f64) -> bool {
        self.0 <= value && value <= self.1
    }
}

impl Resampling {
    /// Measures every resample: values in columns, an interval for each. The function is given
    /// how often each text was drawn. A resample in which a value is not a number does not count
    /// for it, and a value that is missing from most has no interval.
    pub(super) fn intervals<F>(self, n_texts: usize, measure: F) -> Vec<Option<Interval>>
    where
        F: Fn(&[u32]) -> Vec<f64> + Sync,
    {
        let rows: Vec<Vec<f64>> = (0..self.n_resamples)
            .into_par_iter()
            .map(|resample| measure(&self.draw(n_texts, resample)))
            .collect();
        let n_columns = rows.first().map_or(0, Vec::len);
        let columns = (0..n_columns).into_par_iter();
        columns.map(|column| interval(rows.iter().map(|row| row[column]).collect())).collect()
    }

    /// How often each text is in a resample. Each resample has a stream of random numbers of its
    /// own, so that the number of threads changes nothing.
    fn draw(self, n_texts: usize, resample: usize) -> Vec<u32> {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(resample as u64);
        let mut weights = vec![0; n_texts];
        for _ in 0..n_texts {
            weights[random.random_range(0..n_texts as u64) as usize] += 1;
        }
        weights
    }
}

fn interval(values: Vec<f64>) -> Option<Interval> {
    let n_resamples = values.len();
    let mut defined: Vec<f64> = values.into_iter().filter(|value| !value.is_nan()).collect();
    if defined.is_empty() || 2 * defined.len() < n_resamples {
        return None;
    }
    defined.sort_by(f64::total_cmp);
    Some(Interval(quantile(&defined, OUTSIDE / 2.0), quantile(&defined, 1.0 - OUTSIDE / 2.0)))
}

/// Between the two nearest of sorted values by linear interpolation (Hyndman & Fan 1996, type 7).
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_agree_with_a_reference() {
        // numpy.percentile([1, 2, 4, 8, 16, 32], [2.5, 50, 97.5])
        let values = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0];
        for (share, expected) in [(0.025, 1.125), (0.5, 6.0), (0.975, 30.0)] {
            assert!((quantile(&values, share) - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn the_interval_of_a_share_is_about_that_of_the_normal_approximation() {
        // 300 of 400: 0.75 ± 1.96 √(0.75 × 0.25 / 400) = [0.7076, 0.7924]
        let resampling = Resampling { n_resamples: 4000, seed: 3 };
        let measure = |weights: &[u32]| {
            let n_right: u32 = weights[..300].iter().sum();
            vec![f64::from(n_right) / 400.0, f64::NAN]
        };
        let intervals = resampling.intervals(400, measure);
        let Interval(low, high) = intervals[0].unwrap();
        assert!((low - 0.7076).abs() < 0.005 && (high - 0.7924).abs() < 0.005, "{low} {high}");
        assert_eq!(intervals[1], None);
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let run = |n_threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            let measure = |weights: &[u32]| vec![f64::from(weights[0] * 3 + weights[9])];
            pool.install(|| Resampling::default().intervals(10, measure))
        };
        assert_eq!(run(1), run(3));
    }
}
