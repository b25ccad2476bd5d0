//! Early warning 预警: whether more customers complain about something than its own past lets
//! expect. Pure: counts go in, a judgement comes out; it knows no clock and no case.
//!
//! The method is the Bayesian one of syndromic surveillance: with a Poisson rate and Jeffreys'
//! prior, the next count is negative binomial, and a count in its far tail is an alarm (Riebler
//! 2004; Höhle, "surveillance: An R package for the monitoring of infectious diseases", 2007). Two
//! things are added. What is expected follows the firm's other complainants of the same window, so
//! that weekdays, holidays and sales, which bring complaints about everything, raise no alarm. And
//! a past that varies more than a Poisson process widens the distribution by its dispersion, as in
//! Farrington et al., "A statistical algorithm for the early detection of outbreaks" (1996). What
//! rises at this time of every year is expected to rise again (`season`).

mod invented;
mod parameters;
mod replay;
mod season;

pub use parameters::{Error, Parameters};
pub use replay::{Detection, History, Tally};
pub use season::{Moving, Season};

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

impl Window {
    /// Complainants about anything else. One more keeps a subject that is all there is from
    /// dividing by zero.
    fn others(self) -> f64 {
        f64::from(self.firm.saturating_sub(self.subject)) + 1.0
    }
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

/// What is usual of a subject.
struct Usual {
    /// Windows of the past: who complained about the subject, and how much there was to complain
    /// about, told by everybody else and by the season.
    past: Vec<(f64, f64)>,
    /// How many complain for each of that.
    rate: f64,
    /// How many were to be expected in the last window.
    expected: f64,
    /// The variance of what was to be expected, relative to its square.
    uncertainty: f64,
}

impl Usual {
    /// What the windows before the last one tell, in a season if there is one; nothing if they are
    /// not enough.
    fn of(parameters: &Parameters, windows: &[Window], season: Option<&Season>) -> Option<Self> {
        let index = |window_idx| season.map_or(1.0, |it| it.index(window_idx));
        let guard = usize::from(parameters.guard_windows) + 1;
        let baseline = windows.iter().enumerate().skip(guard);
        let baseline = baseline.take(parameters.baseline_windows.into());
        let past: Vec<(f64, f64)> = baseline
            .filter(|(_, window)| 0 < window.firm)
            .map(|(idx, window)| (f64::from(window.subject), window.others() * index(idx)))
            .collect();
        if past.len() < LEAST_PAST {
            return None;
        }
        // Half a complaint more is Jeffreys' prior.
        let n_subject = past.iter().map(|it| it.0).sum::<f64>() + 0.5;
        let rate = n_subject / past.iter().map(|it| it.1).sum::<f64>();
        let expected = rate * windows.first()?.others() * index(0);
        let uncertainty = n_subject.recip() + season.map_or(0.0, Season::uncertainty);
        Some(Self { past, rate, expected, uncertainty })
    }

    /// How much the past varies beside a Poisson process, 1 at least: Pearson's statistic.
    fn dispersion(&self) -> f64 {
        let residual = |&(count, exposure): &(f64, f64)| {
            let expected = self.rate * exposure;
            (count - expected).powi(2) / expected.max(f64::MIN_POSITIVE)
        };
        let sum: f64 = self.past.iter().map(residual).sum();
        (sum / (self.past.len().max(2) - 1) as f64).max(1.0)
    }

    /// From how many on it is an alarm.
    fn threshold(&self, parameters: &Parameters, dispersion: f64) -> u32 {
        let variance = dispersion * self.expected * (1.0 + self.expected * self.uncertainty);
        let threshold = threshold(self.expected, variance, parameters.false_alarm_probability);
        threshold.max(parameters.min_complainants)
    }
}

/// Judges the last window by those before it, the last first. Windows that are missing are before
/// the firm's first complaint. A year may be told by the date and by a holiday nearby; of seasons
/// that raise what is expected the highest holds. One that would lower it does not: what came
/// before the same day a year ago may have been an outbreak.
pub fn judge(parameters: &Parameters, windows: &[Window], seasons: &[Season]) -> Judgement {
    let last = windows.first().copied().unwrap_or_default();
    // Of equals the last holds, which is the one that knows no season.
    let seasons = seasons.iter().map(Some).chain([None]);
    let usual = seasons.filter_map(|season| Usual::of(parameters, windows, season));
    // Without a past nothing is known, and everything would be unusual.
    let Some(usual) = usual.max_by(|one, other| one.expected.total_cmp(&other.expected)) else {
        return Judgement {
            count: last.subject,
            expected: f64::from(last.subject),
            threshold: u32::MAX,
        };
    };
    let threshold = usual.threshold(parameters, usual.dispersion());
    Judgement { count: last.subject, expected: usual.expected, threshold }
}

/// Whether the last window may be an alarm, whatever the season. Of others none need be told.
pub fn is_suspect(parameters: &Parameters, windows: &[Window]) -> bool {
    let last = windows.first().copied().unwrap_or_default();
    // No season expects fewer, and no past varies less.
    let usual = Usual::of(parameters, windows, None);
    usual.is_some_and(|usual| usual.threshold(parameters, 1.0) <= last.subject)
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

    fn is_alarm(windows: &[Window]) -> bool {
        judge(&Parameters::default(), windows, &[]).is_alarm()
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
            let judgement = judge(&parameters, &windows(past, now), &[]);
            assert_eq!(judgement.is_alarm(), alarm, "{now} after {past}: {judgement:?}");
        }
    }

    #[test]
    fn a_season_raises_what_is_expected_and_who_is_no_suspect_is_no_alarm_in_any() {
        let parameters = Parameters::default();
        let year = |around: u32| {
            let window = |subject| Window { subject, firm: 200 + subject };
            let rest = std::iter::repeat_n(window(10), 58);
            std::iter::repeat_n(window(around), 7).chain(rest).collect::<Vec<_>>()
        };
        let season =
            |around| Season::of(&parameters, &[year(around)]).into_iter().collect::<Vec<_>>();
        assert!(is_alarm(&windows(10, 36)));
        assert!(!judge(&parameters, &windows(10, 36), &season(30)).is_alarm());
        assert!(judge(&parameters, &windows(10, 90), &season(30)).is_alarm());
        for (past, now) in (0..30).flat_map(|past| (0..90).map(move |now| (past, now))) {
            let windows = windows(past, now);
            for around in [0, 3, 30] {
                let judgement = judge(&parameters, &windows, &season(around));
                let is_possible = !judgement.is_alarm() || is_suspect(&parameters, &windows);
                assert!(is_possible, "{now} after {past}: {judgement:?}");
            }
        }
    }

    #[test]
    fn a_sale_that_brings_complaints_about_everything_raises_no_alarm() {
        let mut sale = windows(4, 20);
        sale[0].firm = 1_000;
        assert!(!is_alarm(&sale));
        assert!(is_alarm(&windows(4, 20)));
    }

    #[test]
    fn a_firm_without_a_past_raises_no_alarm() {
        let mut windows = windows(0, 90);
        windows.truncate(3 + LEAST_PAST);
        assert!(is_alarm(&windows));
        windows.pop();
        assert!(!is_alarm(&windows));
        assert!(!is_alarm(&[]));
    }
}
