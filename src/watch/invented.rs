//! An invented firm without outbreaks, in whose history every alarm is a false one.

use jiff::ToSpan;
use jiff::civil::{Date, date};

use crate::watch::{History, Parameters};

/// The last day of the history.
const LAST: Date = date(2026, 12, 31);
/// A week, from Monday.
const WEEKDAYS: [f64; 7] = [1.2, 1.1, 1.0, 1.0, 1.0, 0.9, 0.8];
/// Days of sales, by month and day.
const SALES: [(i8, i8); 4] = [(5, 20), (6, 18), (11, 11), (12, 12)];
/// Every so many subjects one has a season of its own, and every other of these by a holiday that
/// moves.
const SEASONAL_EACH: usize = 3;
/// How many times as many complain at the height of a season, and how many days it takes to fall
/// by two fifths.
const HEIGHT: f64 = 4.0;
const WIDTH: f64 = 7.0;

impl History {
    /// A history without outbreaks: 200 complainants in a window, more on Mondays than on Sundays,
    /// twice as many in winter, four times as many on days of a sale; few subjects have most of
    /// them (Zipf's law), and every subject has moods in which it has more or less than its share.
    /// A third of the subjects has a season of its own, in which about four times as many complain.
    pub fn invent(parameters: &Parameters, n_subjects: usize, n_windows: usize, seed: u64) -> Self {
        let mut dice = Dice(seed);
        let n_days = i64::try_from(n_windows).unwrap_or(i64::MAX) - 1;
        let days = (0..=n_days).rev().map(|ago| LAST - ago.days());
        // What the date alone says is the same for all.
        let days: Vec<(Date, f64)> = days.map(|day| (day, usual(day))).collect();
        let weights: Vec<f64> = (1..=n_subjects).map(|rank| 1.0 / rank as f64).collect();
        let sum: f64 = weights.iter().sum();
        let mut subjects = Vec::with_capacity(n_subjects);
        for (subject_idx, weight) in weights.iter().enumerate() {
            let season = Peaks::of(parameters, subject_idx, &mut dice);
            let mut count = |(day, usual): &(Date, f64)| {
                let mood = 0.7 + 0.6 * dice.unit();
                let season = season.as_ref().map_or(1.0, |it| it.factor(*day));
                dice.poisson(usual * weight / sum * mood * season)
            };
            subjects.push(days.iter().map(&mut count).collect::<Vec<u32>>());
        }
        let total = |day: usize| subjects.iter().map(|counts| counts[day]).sum();
        let firm = (0..n_windows).map(total).collect();
        Self { subjects, firm, last: LAST }
    }
}

/// When most complain about a subject, year by year, and how many times as many more.
struct Peaks(Vec<(Date, f64)>);

impl Peaks {
    fn of(parameters: &Parameters, subject_idx: usize, dice: &mut Dice) -> Option<Self> {
        if subject_idx % SEASONAL_EACH != 1 {
            return None;
        }
        let n_days = (dice.unit() * 365.0) as i64;
        let holiday = parameters.moving.first().filter(|_| subject_idx.is_multiple_of(2));
        let by_date = || (2000..2050).map(|year| date(year, 1, 1) + n_days.days()).collect();
        let days: Vec<Date> = holiday.map_or_else(by_date, |it| it.dates.clone());
        // No year is quite like another.
        let mut peak = |day: Date| {
            let day = day + ((dice.unit() * 5.0) as i64 - 2).days();
            (day, (HEIGHT - 1.0) * (0.8 + 0.4 * dice.unit()))
        };
        Some(Self(days.into_iter().map(&mut peak).collect()))
    }

    /// How many times as many complain as on other days.
    fn factor(&self, day: Date) -> f64 {
        let apart = |peak: &Date| (day.duration_since(*peak).as_hours().abs() / 24) as f64;
        let peak = |(peak, more): &(Date, f64)| more * (-0.5 * (apart(peak) / WIDTH).powi(2)).exp();
        1.0 + self.0.iter().map(peak).sum::<f64>()
    }
}

/// How many complain on a day about everything.
fn usual(day: Date) -> f64 {
    let season = (f64::from(day.day_of_year()) / 365.0 * std::f64::consts::TAU).cos();
    let sale = if SALES.contains(&(day.month(), day.day())) { 4.0 } else { 1.0 };
    let weekday = WEEKDAYS[day.weekday().to_monday_zero_offset().unsigned_abs() as usize];
    200.0 / 1.5 * (1.5 + 0.5 * season) * weekday * sale
}

/// `SplitMix64` (Steele et al., "Fast splittable pseudorandom number generators", 2014).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let value = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((value ^ (value >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// How many arrive when they come independently of each other.
    pub(super) fn poisson(&mut self, mean: f64) -> u32 {
        let (mut count, mut time) = (0, -self.unit().max(f64::MIN_POSITIVE).ln());
        while time < mean {
            count += 1;
            time -= self.unit().max(f64::MIN_POSITIVE).ln();
        }
        count
    }
}
