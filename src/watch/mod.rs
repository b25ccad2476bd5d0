//! Early warning 预警: whether more customers complain about something than its own past lets
//! expect. Pure: counts go in, a judgement comes out; it knows no clock and no case.
//!
//! The method is the Bayesian one of syndromic surveillance: with a Poisson rate and Jeffreys'
//! prior, the next count is negative binomial, and a count in its far tail is an alarm (Riebler
//! 2004; Höhle, "surveillance: An R package for the monitoring of infectious diseases", 2007). Two
//! things are added. What is expected follows the firm's other complainants of the same window, so
//! that weekdays, holidays and sales, which bring complaints about everything, raise no alarm. And
//! a past that varies more than a Poisson process widens the distribution by its dispersion, as in
//! Farrington et al., "A statistical algorithm for the early detection of outbreaks" (1996).

mod parameters;
mod replay;

pub use parameters::{Error, Parameters};
pub use replay::{Detection, History, Tally};

/// Fewer windows with complaints are no past to judge by.
const LEAST_PAST: usize = 7;

/// Counts of distinct complainants in one window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// About the subject.
    pub subject: u32,
    /// About everything.
    pub firm: u32,
}

/// What counts mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judgement {
    /// Distinct complainants in the last window.
    pub count: u32,
    /// How many were to be expected.
    pub expected: f64,
    /// From how many on it is an alarm.
    pub threshold: u32,
}

impl Judgement {
    /// Whether people must be told.
    pub const fn is_alarm(&self) -> bool {
        self.threshold <= self.count
    }
}

/// Judges the last window by those before it, the last first. Windows that are missing are before
/// the firm's first complaint.
pub fn judge(parameters: &Parameters, windows: &[Window]) -> Judgement {
    let last = windows.first().copied().unwrap_or_default();
    let guard = usize::from(parameters.guard_windows) + 1;
    let baseline: Vec<Window> = windows
        .iter()
        .skip(guard)
        .take(parameters.baseline_windows.into())
        .filter(|window| 0 < window.firm)
        .copied()
        .collect();
    // One more on each side keeps a subject that is all there is from dividing by zero.
    let others = |window: &Window| f64::from(window.firm.saturating_sub(window.subject)) + 1.0;
    let n_others: f64 = baseline.iter().map(others).sum();
    let n_subject: f64 = baseline.iter().map(|window| f64::from(window.subject)).sum();
    // Without a past nothing is known, and everything would be unusual.
    if baseline.len() < LEAST_PAST {
        return Judgement {
            count: last.subject,
            expected: f64::from(last.subject),
            threshold: u32::MAX,
        };
    }
    let share = others(&last) / n_others;
    let expected = (n_subject + 0.5) * share;
    let rate = (n_subject + 0.5) / n_others;
    let dispersion = dispersion(&baseline, rate, others);
    let variance = dispersion * expected * (1.0 + share);
    let threshold = threshold(expected, variance, parameters.false_alarm_probability);
    let threshold = threshold.max(parameters.min_complainants);
    Judgement { count: last.subject, expected, threshold }
}

/// How much the past varies beside a Poisson process, 1 at least: Pearson's statistic.
fn dispersion(baseline: &[Window], rate: f64, others: impl Fn(&Window) -> f64) -> f64 {
    let residual = |window: &Window| {
        let expected = rate * others(window);
        (f64::from(window.subject) - expected).powi(2) / expected.max(f64::MIN_POSITIVE)
    };
    let sum: f64 = baseline.iter().map(residual).sum();
    (sum / (baseline.len().max(2) - 1) as f64).max(1.0)
}

/// The smallest count whose tail, itself included, is no more probable than `probability`, for a
/// negative binomial distribution with this mean and variance.
fn threshold(mean: f64, variance: f64, probability: f64) -> u32 {
    // A variance beyond the mean is what makes the distribution other than Poisson's.
    let excess = (variance - mean).max(mean * 1e-9);
    let size = mean * mean / excess;
    let (success, failure) = (size / (size + mean), mean / (size + mean));
    let mut log_mass = size * success.ln();
    let mut tail = 1.0;
    let mut count = 0_u32;
    // Beyond forty deviations nothing is left but rounding errors.
    let end = mean + 40.0 * variance.sqrt() + 40.0;
    while probability < tail && f64::from(count) < end {
        tail -= log_mass.exp();
        log_mass += ((f64::from(count) + size) / f64::from(count + 1) * failure).ln();
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(past: u32, now: u32) -> Vec<Window> {
        let past = Window { subject: past, firm: 200 };
        std::iter::once(Window { subject: now, firm: 200 }).chain([past; 60]).collect()
    }

    #[test]
    fn thresholds_are_those_of_the_distribution() {
        // Poisson(2): P(8 or more) = 1.1e-3, P(9 or more) = 2.4e-4, P(10 or more) = 4.6e-5.
        for (mean, probability, expected) in [(2.0, 2e-3, 8), (2.0, 2.5e-4, 9), (2.0, 5e-5, 10)] {
            assert_eq!(threshold(mean, mean, probability), expected, "{probability}");
        }
        // A wider distribution has a longer tail.
        assert!(threshold(2.0, 2.0, 1e-4) < threshold(2.0, 4.0, 1e-4));
        let large = threshold(2_000.0, 2_000.0, 1e-4);
        assert!((2_150..2_190).contains(&large), "3.7 deviations above: {large}");
    }

    #[test]
    fn what_is_usual_raises_no_alarm_and_a_cluster_does() {
        let parameters = Parameters::default();
        for (past, now, alarm) in [
            (0, 4, false),
            (0, 5, true),
            (1, 5, false),
            (3, 9, false),
            (3, 30, true),
            (40, 55, false),
        ] {
            let judgement = judge(&parameters, &windows(past, now));
            assert_eq!(judgement.is_alarm(), alarm, "{now} after {past}: {judgement:?}");
        }
    }

    #[test]
    fn a_sale_that_brings_complaints_about_everything_raises_no_alarm() {
        let mut sale = windows(4, 20);
        sale[0].firm = 1_000;
        assert!(!judge(&Parameters::default(), &sale).is_alarm());
        assert!(judge(&Parameters::default(), &windows(4, 20)).is_alarm());
    }

    #[test]
    fn a_firm_without_a_past_raises_no_alarm() {
        let mut windows = windows(0, 90);
        windows.truncate(3 + LEAST_PAST);
        assert!(judge(&Parameters::default(), &windows).is_alarm());
        windows.pop();
        assert!(!judge(&Parameters::default(), &windows).is_alarm());
        assert!(!judge(&Parameters::default(), &[]).is_alarm());
    }
}
