//! How often the past would have raised an alarm: every window of a history is judged by those
//! before it, as the service would have done. The history is the firm's own, or an invented one
//! without outbreaks, in which every alarm is a false one.

use crate::watch::{Parameters, Window, judge};

/// Complainants by window, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// About each subject.
    pub subjects: Vec<Vec<u32>>,
    /// About everything.
    pub firm: Vec<u32>,
}

/// What a replay comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Subjects.
    pub n_subjects: usize,
    /// Windows that had a past to judge them by.
    pub n_windows: usize,
    /// Of these, windows with an alarm about any subject.
    pub n_windows_with_alarm: usize,
    /// Windows of single subjects that were judged.
    pub n_judged: usize,
    /// Of these, alarms.
    pub n_alarms: usize,
    /// Alerts that people get: alarms one after the other are one.
    pub n_alerts: usize,
}

/// How an outbreak was seen that somebody planted in a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detection {
    /// How many were planted.
    pub n_outbreaks: usize,
    /// How many were seen before they were over.
    pub n_seen: usize,
    /// In which of its windows half of them were seen at the latest.
    pub median_window: usize,
}

/// How long a planted outbreak lasts, in windows.
const OUTBREAK: usize = 7;
/// How many more complain in a window of an outbreak, at least.
const LEAST_MORE: f64 = 8.0;

impl History {
    /// Counts of one subject and the firm up to a window, the last first.
    fn until(&self, subject: &[u32], window_idx: usize, n_windows: usize) -> Vec<Window> {
        let window = |idx: usize| Window { subject: subject[idx], firm: self.firm[idx] };
        (0..=window_idx).rev().take(n_windows).map(window).collect()
    }

    /// Judges every window that has a whole past.
    pub fn replay(&self, parameters: &Parameters) -> Tally {
        let n_windows = parameters.n_windows() as usize;
        let judged = n_windows.saturating_sub(1)..self.firm.len();
        let mut tally = Tally {
            n_subjects: self.subjects.len(),
            n_windows: judged.len(),
            n_judged: judged.len() * self.subjects.len(),
            ..Tally::default()
        };
        let mut before = vec![false; self.subjects.len()];
        for window_idx in judged {
            let mut any = false;
            for (subject, before) in self.subjects.iter().zip(&mut before) {
                let windows = self.until(subject, window_idx, n_windows);
                let is_alarm = judge(parameters, &windows).is_alarm();
                tally.n_alarms += usize::from(is_alarm);
                tally.n_alerts += usize::from(is_alarm && !*before);
                any |= is_alarm;
                *before = is_alarm;
            }
            tally.n_windows_with_alarm += usize::from(any);
        }
        tally
    }

    /// Plants one outbreak in each of the first subjects and says how they are seen; none in a
    /// history that is too short for one.
    pub fn plant(&self, parameters: &Parameters, n_outbreaks: usize, seed: u64) -> Detection {
        let mut dice = Dice(seed);
        let n_windows = parameters.n_windows() as usize;
        let n_starts = self.firm.len().saturating_sub(n_windows + OUTBREAK);
        let n_outbreaks = if n_starts == 0 { 0 } else { n_outbreaks.min(self.subjects.len()) };
        let mut delays: Vec<usize> = Vec::new();
        for (subject_idx, subject) in self.subjects.iter().take(n_outbreaks).enumerate() {
            let start = n_windows + OUTBREAK * subject_idx % n_starts;
            let mut counts = subject.clone();
            let mut history = Self { firm: self.firm.clone(), ..Self::default() };
            let outbreak = start..start + OUTBREAK;
            let firm = &mut history.firm[outbreak.clone()];
            for (count, firm) in counts[outbreak.clone()].iter_mut().zip(firm) {
                // Eight more complainants than usual, or half as many again.
                let more = dice.poisson(LEAST_MORE.max(f64::from(*count) / 2.0));
                *count += more;
                *firm += more;
            }
            let is_seen = |idx: &usize| {
                judge(parameters, &history.until(&counts, *idx, n_windows)).is_alarm()
            };
            delays.extend(outbreak.into_iter().find(is_seen).map(|idx| idx - start + 1));
        }
        delays.sort_unstable();
        let median_window = delays.get(n_outbreaks.saturating_sub(1) / 2).copied();
        Detection {
            n_outbreaks,
            n_seen: delays.len(),
            median_window: median_window.unwrap_or(OUTBREAK),
        }
    }

    /// A history without outbreaks: 200 complainants in a window, more on Mondays than on Sundays,
    /// twice as many in winter, four times as many on days of a sale; few subjects have most of
    /// them (Zipf's law), and every subject has moods in which it has more or less than its share.
    pub fn invent(n_subjects: usize, n_windows: usize, seed: u64) -> Self {
        let mut dice = Dice(seed);
        let weights: Vec<f64> = (1..=n_subjects).map(|rank| 1.0 / rank as f64).collect();
        let sum: f64 = weights.iter().sum();
        let mut count = |weight: f64, day: usize| {
            let mood = 0.7 + 0.6 * dice.unit();
            dice.poisson(usual(day) * weight / sum * mood)
        };
        let subjects: Vec<Vec<u32>> = weights
            .iter()
            .map(|&weight| (0..n_windows).map(|day| count(weight, day)).collect())
            .collect();
        let total = |day: usize| subjects.iter().map(|counts| counts[day]).sum();
        let firm = (0..n_windows).map(total).collect();
        Self { subjects, firm }
    }
}

const DAYS: usize = 365;
const WEEKDAYS: [f64; 7] = [1.2, 1.1, 1.0, 1.0, 1.0, 0.9, 0.8];
const SALES: [usize; 4] = [140, 200, 290, 310];

/// How many complain on a day of an invented year.
fn usual(day: usize) -> f64 {
    let day_of_year = day % DAYS;
    let season = (day_of_year as f64 / DAYS as f64 * std::f64::consts::TAU).cos();
    let sale = if SALES.contains(&day_of_year) { 4.0 } else { 1.0 };
    200.0 / 1.5 * (1.5 + 0.5 * season) * WEEKDAYS[day % WEEKDAYS.len()] * sale
}

/// `SplitMix64` (Steele et al., "Fast splittable pseudorandom number generators", 2014).
struct Dice(u64);

impl Dice {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let value = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((value ^ (value >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// How many arrive when they come independently of each other.
    fn poisson(&mut self, mean: f64) -> u32 {
        let (mut count, mut time) = (0, -self.unit().max(f64::MIN_POSITIVE).ln());
        while time < mean {
            count += 1;
            time -= self.unit().max(f64::MIN_POSITIVE).ln();
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_without_outbreaks_is_nearly_silent_and_outbreaks_are_seen() {
        let parameters = Parameters::default();
        let mut n_alerts = 0;
        for (n_subjects, seed) in [(12, 1), (100, 2), (400, 3)] {
            let history = History::invent(n_subjects, DAYS, seed);
            let tally = history.replay(&parameters);
            assert_eq!(tally.n_windows, DAYS - 58);
            assert_eq!(tally.n_judged, tally.n_windows * n_subjects);
            n_alerts += tally.n_alerts;
            // Eight more a day are hard to see in a category that has sixty.
            let (enough, median) = if n_subjects == 12 { (0.5, 3) } else { (0.85, 1) };
            let detection = history.plant(&parameters, 50, seed);
            let share = detection.n_seen as f64 / detection.n_outbreaks as f64;
            assert!(enough <= share, "{n_subjects}: {detection:?}");
            assert!(detection.median_window <= median, "{n_subjects}: {detection:?}");
        }
        assert!(n_alerts <= 20, "{n_alerts} false alerts in ten months");
    }

    #[test]
    fn alarms_one_after_the_other_are_one_alert() {
        let mut history = History::invent(3, 80, 7);
        for day in 70..73 {
            history.subjects[2][day] += 60;
            history.firm[day] += 60;
        }
        let quiet = History::invent(3, 80, 7).replay(&Parameters::default());
        let tally = history.replay(&Parameters::default());
        assert_eq!(quiet.n_alarms, 0);
        assert_eq!((tally.n_alerts, tally.n_windows_with_alarm), (1, 3), "{tally:?}");
    }

    #[test]
    fn a_history_that_is_too_short_is_not_judged() {
        let tally = History::invent(3, 20, 7).replay(&Parameters::default());
        assert_eq!((tally.n_windows, tally.n_judged, tally.n_alarms), (0, 0, 0));
        let detection = History::invent(3, 60, 7).plant(&Parameters::default(), 3, 7);
        assert_eq!((detection.n_outbreaks, detection.n_seen), (0, 0));
    }
}
