//! The season that a subject has of its own: it rises around 双11 or 春节 when others do not.
//!
//! What is told is a seasonal index for every window: how many complained about the subject around
//! the same day of years before, for each that its share of those whole weeks lets expect (the
//! ratio to a moving average of Macaulay, "The Smoothing of Time Series", 1931). Years before as
//! the reference are those of Stroup et al., "Detection of aberrations in the occurrence of
//! notifiable diseases surveillance data" (1989), and of Farrington et al. (1996). The index is
//! shrunk to 1 by a gamma prior, as Clayton and Kaldor do it in "Empirical Bayes estimates of
//! age-standardized relative risks for use in disease mapping" (1987): `(observed + a) /
//! (expected + a)`, so that one or two complaints of a year ago are no season.
//!
//! What it cannot tell from a season is an outbreak a year ago; two more years thin it out.

use jiff::ToSpan;
use jiff::civil::Date;
use serde::Deserialize;

use crate::watch::{LEAST_PAST, Parameters, Window};

/// How many complaints the prior weighs: a season is believed when about so many bear it out.
const PRIOR: f64 = 4.0;

/// The variance of a season from year to year, relative to its square: it comes back within about
/// a tenth.
const UNSTEADINESS: f64 = 0.01;

/// How much more or less than usual was complained about a subject at this time of the year.
#[derive(Clone, Debug, PartialEq)]
pub struct Season {
    /// By window, the last first.
    index: Vec<f64>,
    /// The variance of the index of the last window, relative to its square.
    uncertainty: f64,
}

impl Season {
    /// The season that years before tell of, if any does. Each year's windows, the last first, begin
    /// [`Parameters::season_reach`] windows after the same day, and there are
    /// [`Parameters::n_season_windows`] of them, or as many as there are since the first complaint.
    pub fn of(parameters: &Parameters, years: &[Vec<Window>]) -> Option<Self> {
        let n_around = usize::from(parameters.season_windows);
        let n_windows = parameters.n_windows() as usize;
        // Observed and expected around each window.
        let mut sums = vec![(0.0, 0.0); n_windows];
        let mut is_told = false;
        for windows in years {
            let known = windows.iter().filter(|window| 0 < window.firm);
            if known.clone().count() < LEAST_PAST {
                continue;
            }
            is_told = true;
            let n_subject: f64 = known.clone().map(|it| f64::from(it.subject)).sum();
            let rate = (n_subject + 0.5) / known.map(|it| it.others()).sum::<f64>();
            for (window_idx, (observed, expected)) in sums.iter_mut().enumerate() {
                let around = windows.iter().skip(window_idx).take(n_around);
                for window in around.filter(|window| 0 < window.firm) {
                    *observed += f64::from(window.subject);
                    *expected += rate * window.others();
                }
            }
        }
        let index = sums.iter().map(|(observed, expected)| (observed + PRIOR) / (expected + PRIOR));
        let uncertainty = (sums[0].0 + PRIOR).recip() + UNSTEADINESS;
        is_told.then(|| Self { index: index.collect(), uncertainty })
    }

    /// That of a window, so many before the last.
    pub(super) fn index(&self, window_idx: usize) -> f64 {
        self.index.get(window_idx).copied().unwrap_or(1.0)
    }

    /// The variance of the index of the last window, relative to its square.
    pub(super) const fn uncertainty(&self) -> f64 {
        self.uncertainty
    }
}

/// A holiday that moves within the year of the sun.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moving {
    /// What it is called.
    pub name: String,
    /// How many days before and after it the time of the year is told by it.
    pub days_around: u16,
    /// When it is, year by year.
    pub dates: Vec<Date>,
}

impl Moving {
    /// Whether there is one date a year, in their order.
    pub(super) fn is_in_order(&self) -> bool {
        self.dates.is_sorted_by(|date, next| date.year() < next.year())
    }

    /// Days of so many years before that were as far from the holiday, if it is near; the last
    /// first.
    pub(super) fn same_days(&self, day: Date, n_years: u16) -> Vec<Date> {
        let apart = |date: &Date| day.duration_since(*date).as_hours() / 24;
        let nearest = self.dates.iter().min_by_key(|date| apart(date).abs());
        let Some(near) = nearest.filter(|it| apart(it).abs() <= self.days_around.into()) else {
            return Vec::new();
        };
        let past = self.dates.iter().rev().skip_while(|date| near <= *date);
        let since = i32::from(near.year()) - i32::from(n_years);
        let past = past.take_while(|date| since <= i32::from(date.year()));
        past.filter_map(|date| date.checked_add(apart(near).days()).ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    /// A year before: so many a day around the day, and so many before.
    fn year(around: u32, before: u32) -> Vec<Window> {
        let window = |subject| Window { subject, firm: 200 + subject };
        let n_windows = Parameters::default().n_season_windows() as usize;
        let rest = std::iter::repeat_n(window(before), n_windows - 7);
        std::iter::repeat_n(window(around), 7).chain(rest).collect()
    }

    #[test]
    fn much_history_tells_the_season_and_little_hardly_any() {
        for (years, lowest, highest) in [
            (vec![year(40, 10)], 3.5, 4.5),
            (vec![year(4, 1)], 2.5, 4.0),
            // Many times as many as next to none are few.
            (vec![year(1, 0)], 1.0, 3.0),
            (vec![year(10, 10)], 1.0, 1.1),
            (vec![year(2, 10)], 0.1, 0.4),
            // What was in one year of three alone is not what to expect.
            (vec![year(40, 10), year(10, 10), year(10, 10)], 1.8, 2.2),
        ] {
            let season = Season::of(&Parameters::default(), &years).expect("years tell");
            let factor = season.index(0) / season.index(30);
            assert!((lowest..=highest).contains(&factor), "{factor}: {lowest} to {highest}");
        }
    }

    #[test]
    fn what_is_hardly_known_is_less_certain() {
        let of = |year| Season::of(&Parameters::default(), &[year]);
        let uncertainty = |year| of(year).expect("a year tells").uncertainty();
        let (much, little) = (uncertainty(year(40, 10)), uncertainty(year(1, 0)));
        assert!(5.0 * much < little, "{much} {little}");
        assert_eq!(of(year(40, 10)[..6].to_vec()), None);
        assert_eq!(of(vec![]), None);
    }

    #[test]
    fn the_time_of_the_year_is_told_by_the_date_and_by_holidays_that_move() {
        let parameters = Parameters::default();
        let same = |day: Date| parameters.same_days(day);
        let by_date = |day: Date| (1..=3).map(|n| day - n.years()).collect::<Vec<_>>();
        assert_eq!(same(date(2026, 11, 12)), [by_date(date(2026, 11, 12))]);
        // The third day before 春节.
        let before = vec![date(2025, 1, 26), date(2024, 2, 7), date(2023, 1, 19)];
        assert_eq!(same(date(2026, 2, 14)), [by_date(date(2026, 2, 14)), before]);
        // The end of December is before the 春节 of the year that comes.
        let before = vec![date(2024, 1, 13), date(2023, 1, 22) - 28.days(), date(2022, 1, 4)];
        assert_eq!(same(date(2025, 1, 1))[1], before);
        assert_eq!(same(date(2024, 2, 29))[0][0], date(2023, 2, 28));
        // Of years that are not listed only the date is known.
        assert_eq!(same(date(2050, 2, 1)).len(), 1);
    }
}
