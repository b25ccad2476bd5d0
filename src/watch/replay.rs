//! How often the past would have raised an alarm: every window of a history is judged by those
//! before it, as the service would have done. The history is the firm's own, or an invented one
//! without outbreaks, in which every alarm is a false one.

use std::ops::Range;

use jiff::ToSpan;
use jiff::civil::Date;

use crate::watch::invented::Dice;
use crate::watch::{Judgement, Parameters, Season, Window, is_suspect, judge};

/// Complainants by window, the oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// About each subject.
    pub subjects: Vec<Vec<u32>>,
    /// About everything.
    pub firm: Vec<u32>,
    /// The day of the last window.
    pub last: Date,
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
    fn until(&self, subject: &[u32], window_idx: usize, n_windows: u32) -> Vec<Window> {
        let window = |idx: usize| Window { subject: subject[idx], firm: self.firm[idx] };
        (0..=window_idx).rev().take(n_windows as usize).map(window).collect()
    }

    /// Judges a window of a subject as the service would have done.
    fn judge(&self, parameters: &Parameters, subject: &[u32], window_idx: usize) -> Judgement {
        let windows = self.until(subject, window_idx, parameters.n_windows());
        if !is_suspect(parameters, &windows) {
            return judge(parameters, &windows, &[]);
        }
        let n_after = i64::try_from(self.firm.len() - 1 - window_idx).unwrap_or_default();
        let hours = n_after * i64::from(parameters.window_hours);
        let day = self.last - (hours / 24).days();
        let year = |same: Date| {
            let n_between = parameters.windows_between(same, day) as usize;
            let then = (window_idx + parameters.season_reach() as usize).checked_sub(n_between)?;
            Some(self.until(subject, then, parameters.n_season_windows()))
        };
        let season = |days: Vec<Date>| {
            Season::of(parameters, &days.into_iter().filter_map(year).collect::<Vec<_>>())
        };
        let seasons: Vec<_> = parameters.same_days(day).into_iter().filter_map(season).collect();
        judge(parameters, &windows, &seasons)
    }

    /// The last windows, so many at most, that have a whole past.
    fn judged(&self, parameters: &Parameters, n_last: usize) -> Range<usize> {
        let first = self.firm.len().saturating_sub(n_last);
        first.max(parameters.n_windows() as usize - 1).min(self.firm.len())..self.firm.len()
    }

    /// Judges the last windows, so many at most, that have a whole past.
    pub fn replay(&self, parameters: &Parameters, n_last: usize) -> Tally {
        let judged = self.judged(parameters, n_last);
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
                let is_alarm = self.judge(parameters, subject, window_idx).is_alarm();
                tally.n_alarms += usize::from(is_alarm);
                tally.n_alerts += usize::from(is_alarm && !*before);
                any |= is_alarm;
                *before = is_alarm;
            }
            tally.n_windows_with_alarm += usize::from(any);
        }
        tally
    }

    /// Plants one outbreak in each of the first subjects, within the last windows, so many at
    /// most, and says how they are seen; none in a history that is too short for one.
    pub fn plant(
        &self,
        parameters: &Parameters,
        n_last: usize,
        (n_outbreaks, seed): (usize, u64),
    ) -> Detection {
        let mut dice = Dice(seed);
        let judged = self.judged(parameters, n_last);
        let n_starts = judged.len().saturating_sub(OUTBREAK);
        let n_outbreaks = if n_starts == 0 { 0 } else { n_outbreaks.min(self.subjects.len()) };
        let mut delays: Vec<usize> = Vec::new();
        for (subject_idx, subject) in self.subjects.iter().take(n_outbreaks).enumerate() {
            let start = judged.start + (OUTBREAK * subject_idx) % n_starts;
            let mut counts = subject.clone();
            let mut history =
                Self { subjects: Vec::new(), firm: self.firm.clone(), last: self.last };
            let outbreak = start..start + OUTBREAK;
            let firm = &mut history.firm[outbreak.clone()];
            for (count, firm) in counts[outbreak.clone()].iter_mut().zip(firm) {
                // Eight more complainants than usual, or half as many again.
                let more = dice.poisson(LEAST_MORE.max(f64::from(*count) / 2.0));
                *count += more;
                *firm += more;
            }
            let is_seen = |idx: &usize| history.judge(parameters, &counts, *idx).is_alarm();
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
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const YEAR: usize = 365;

    fn invent(n_subjects: usize, n_windows: usize, seed: u64) -> History {
        History::invent(&Parameters::default(), n_subjects, n_windows, seed)
    }

    #[test]
    fn a_year_without_outbreaks_is_nearly_silent_and_outbreaks_are_seen() {
        let parameters = Parameters::default();
        let mut n_alerts = 0;
        for (n_subjects, seed) in [(12, 1), (100, 2), (400, 3)] {
            let history = invent(n_subjects, 3 * YEAR, seed);
            let tally = history.replay(&parameters, YEAR);
            assert_eq!(tally.n_windows, YEAR);
            assert_eq!(tally.n_judged, tally.n_windows * n_subjects);
            n_alerts += tally.n_alerts;
            // Eight more a day are hard to see in a category that has sixty.
            let (enough, median) = if n_subjects == 12 { (0.1, 7) } else { (0.7, 2) };
            let detection = history.plant(&parameters, YEAR, (50, seed));
            let share = detection.n_seen as f64 / detection.n_outbreaks as f64;
            assert!(enough <= share, "{n_subjects}: {detection:?}");
            assert!(median >= detection.median_window, "{n_subjects}: {detection:?}");
        }
        assert!(n_alerts <= 40, "{n_alerts} false alerts in a year");
    }

    /// Ten a day of 210, and forty around a day of every year, until the end of 2026.
    fn yearly(peaks: &[Date], seed: u64) -> History {
        let (mut dice, last) = (Dice(seed), date(2026, 12, 31));
        let mut history = History { subjects: vec![Vec::new()], firm: Vec::new(), last };
        for ago in (0..3 * 365_i64).rev() {
            let day = last - ago.days();
            let apart = |peak: &Date| day.duration_since(*peak).as_hours().abs() / 24;
            let days = peaks.iter().map(apart).min().unwrap_or(99) as f64;
            let subject = dice.poisson(10.0 + 30.0 * (-0.5 * (days / 6.0).powi(2)).exp());
            history.subjects[0].push(subject);
            history.firm.push(subject + dice.poisson(200.0));
        }
        history
    }

    #[test]
    fn what_rises_every_year_is_expected_from_the_second_year_on() {
        let by_date = [2024, 2025, 2026].map(|year| date(year, 11, 14));
        // 春节, on 10 February 2024, 29 January 2025 and 17 February 2026.
        let moving = ["2024-02-12", "2025-01-31", "2026-02-19"].map(|it| it.parse().unwrap());
        let parameters = Parameters::default();
        let none = Parameters { season_years: 0, ..Parameters::default() };
        let fixed = Parameters { moving: Vec::new(), ..Parameters::default() };
        let (mut n_without, mut n_with, mut n_by_date, mut n_by_holiday) = (0, 0, 0, 0);
        for seed in 1..=10 {
            for peaks in [by_date, moving] {
                let history = yearly(&peaks, seed);
                n_without += history.replay(&none, 2 * YEAR).n_alerts;
                n_with += history.replay(&parameters, 2 * YEAR).n_alerts;
            }
            let moved = yearly(&moving, seed);
            n_by_date += moved.replay(&fixed, YEAR).n_alerts;
            n_by_holiday += moved.replay(&parameters, YEAR).n_alerts;
        }
        // Twenty subjects in two years each, with a year before them.
        assert!(n_without >= 60, "{n_without} without a season");
        assert!(n_with <= 12, "{n_with} with one");
        assert!(n_by_holiday < n_by_date, "{n_by_holiday} by 春节, {n_by_date} by the date");
    }

    #[test]
    fn an_outbreak_at_the_height_of_a_season_is_seen() {
        let peaks = [2024, 2025, 2026].map(|year| date(year, 11, 14));
        let parameters = Parameters::default();
        let mut n_seen = 0;
        for seed in 1..=10 {
            let mut history = yearly(&peaks, seed);
            // Twice as many as in any other year, from 13 to 17 November.
            let outbreak = history.firm.len() - 49..history.firm.len() - 44;
            for day in outbreak {
                history.firm[day] += history.subjects[0][day];
                history.subjects[0][day] *= 2;
            }
            n_seen += usize::from(0 < history.replay(&parameters, 49).n_alarms);
        }
        assert!(n_seen >= 9, "{n_seen} of 10");
    }

    #[test]
    fn alarms_one_after_the_other_are_one_alert() {
        let mut history = invent(3, 80, 7);
        let quiet = history.replay(&Parameters::default(), 80);
        for day in 70..73 {
            history.subjects[2][day] += 90;
            history.firm[day] += 90;
        }
        let tally = history.replay(&Parameters::default(), 80);
        assert_eq!(quiet.n_alarms, 0);
        assert_eq!((tally.n_alerts, tally.n_windows_with_alarm), (1, 3), "{tally:?}");
    }

    #[test]
    fn a_history_that_is_too_short_is_not_judged() {
        let parameters = Parameters::default();
        let tally = invent(3, 20, 7).replay(&parameters, 20);
        assert_eq!((tally.n_windows, tally.n_judged, tally.n_alarms), (0, 0, 0));
        let detection = invent(3, 60, 7).plant(&parameters, 60, (3, 7));
        assert_eq!((detection.n_outbreaks, detection.n_seen), (0, 0));
    }
}
