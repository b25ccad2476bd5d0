//! When a period ends. Which time runs depends on the period's unit:
//!
//! * hours run round the clock from the start;
//! * working days run while a working day runs (`day_starts` to `day_ends`), from the day after
//!   the start;
//! * calendar days run on every day from the day after the start; the period ends with its last
//!   day or, when that is not worked, with the next working day.
//!
//! A pause takes exactly its own share of running time out: what was left when it began is left
//! when it ends. So three working days without a pause end at a day's end, and with one perhaps
//! within a day. Rounding pauses to whole days was rejected: rounded up, a minute's pause would
//! cost the customer a day; rounded down, a desk could resume with a minute left. A pause after
//! the last day changes nothing, not even where a holiday has moved the deadline: the time has
//! run, and the roll-over is grace.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use crate::calendar::{Calendar, Period, PeriodUnit};

/// A time in which a clock stands still, such as waiting for the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// When it began.
    pub from: Timestamp,
    /// When it ended; nothing while it lasts.
    pub until: Option<Timestamp>,
}

/// When a period ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The last moment: of a day that ends at 24:00, the midnight that follows it.
    pub at: Timestamp,
    /// Whether it rests on a year whose holidays are not published yet.
    pub provisional: bool,
    /// Whether the clock stands still; `at` is then the earliest that the period can still end.
    pub paused: bool,
}

/// A moment of a day by the calendar's clock. 24:00 belongs to the day that ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Moment {
    date: Date,
    time: SignedDuration,
}

impl Calendar {
    /// When a period ends. A period in days does not count the day of its start.
    ///
    /// ```
    /// use fenzhen::calendar::Calendar;
    ///
    /// let calendar = Calendar::china();
    /// let received = "2026-09-30T10:00:00+08:00".parse().unwrap();
    /// // 国庆 takes seven days, and Saturday 10-10 is worked in exchange.
    /// let due = calendar.due(received, "3 working_days".parse().unwrap(), &[]);
    /// assert_eq!(due.at, "2026-10-11T00:00:00+08:00".parse().unwrap());
    /// ```
    pub fn due(&self, start: Timestamp, period: Period, pauses: &[Pause]) -> Due {
        self.part_due(start, period, 100, pauses)
    }

    /// When so many percent of a period have run; at 100 it is when the period ends.
    pub fn part_due(&self, start: Timestamp, period: Period, percent: u8, pauses: &[Pause]) -> Due {
        let stops = Stop::list(start, pauses);
        match period.unit() {
            PeriodUnit::Hours => {
                let whole = SignedDuration::from_hours(i64::from(period.count()));
                hours_due(start, share(whole, percent), &stops)
            }
            PeriodUnit::WorkingDays | PeriodUnit::CalendarDays => {
                self.days_due(start, period, percent, &stops)
            }
        }
    }

    /// When such a share of so many days has run.
    fn days_due(&self, start: Timestamp, period: Period, percent: u8, stops: &[Stop]) -> Due {
        let days = Days { calendar: self, working: period.unit() == PeriodUnit::WorkingDays };
        let first_day = next_day(self.date(start));
        let mut cursor = Moment { date: first_day, time: self.day_starts };
        let whole = (self.day_ends - self.day_starts) * i32::from(period.count());
        let mut left = share(whole, percent);
        let mut end = days.advance(cursor, left);
        let mut paused = false;
        for stop in stops {
            let from = self.moment(stop.from);
            if end <= from {
                break;
            }
            left -= days.between(cursor, from);
            paused = stop.lasts();
            cursor = if paused { from } else { self.moment(stop.until) }.max(cursor);
            end = days.advance(cursor, left);
        }
        // A holiday puts the end of a period off, not its middle.
        let due = if days.working || percent < 100 { end } else { self.last_day(end.date) };
        let rests_on = if days.working { first_day } else { end.date }.year();
        let provisional = (rests_on..=due.date.year()).any(|year| !self.is_published(year));
        Due { at: self.timestamp(due), provisional, paused }
    }

    /// The end of a day or, when it is not worked, of the next working day.
    fn last_day(&self, mut date: Date) -> Moment {
        while !self.is_working_day(date) && date < Date::MAX {
            date = next_day(date);
        }
        Moment { date, time: self.day_ends }
    }

    fn moment(&self, at: Timestamp) -> Moment {
        let local = self.time_zone.to_datetime(at);
        Moment {
            date: local.date(),
            time: local.time().duration_since(jiff::civil::Time::midnight()),
        }
    }

    fn timestamp(&self, moment: Moment) -> Timestamp {
        let midnight = moment.date.at(0, 0, 0, 0);
        let local = midnight.saturating_add(moment.time);
        self.time_zone.to_ambiguous_timestamp(local).compatible().unwrap_or(Timestamp::MAX)
    }
}

/// The days on which a period runs.
#[derive(Clone, Copy)]
struct Days<'c> {
    calendar: &'c Calendar,
    working: bool,
}

impl Days<'_> {
    /// What of a day runs after a moment.
    fn running(self, date: Date, after: Moment) -> Option<(SignedDuration, SignedDuration)> {
        let calendar = self.calendar;
        let from = if date == after.date {
            after.time.max(calendar.day_starts)
        } else {
            calendar.day_starts
        };
        let counted = !self.working || calendar.is_working_day(date);
        (counted && from < calendar.day_ends).then_some((from, calendar.day_ends))
    }

    /// The moment by which so much time has run.
    fn advance(self, from: Moment, mut left: SignedDuration) -> Moment {
        let mut date = from.date;
        loop {
            if let Some((opens, closes)) = self.running(date, from) {
                if left <= closes - opens {
                    return Moment { date, time: opens + left };
                }
                left -= closes - opens;
            }
            if date == Date::MAX {
                return Moment { date, time: self.calendar.day_ends };
            }
            date = next_day(date);
        }
    }

    /// How much time runs between two moments.
    fn between(self, from: Moment, until: Moment) -> SignedDuration {
        let mut sum = SignedDuration::ZERO;
        let mut date = from.date;
        while date <= until.date {
            if let Some((opens, closes)) = self.running(date, from) {
                let closes = if date == until.date { closes.min(until.time) } else { closes };
                sum += (closes - opens).max(SignedDuration::ZERO);
            }
            if date == Date::MAX {
                break;
            }
            date = next_day(date);
        }
        sum
    }
}

/// The day after; the last day that a calendar can hold has none.
fn next_day(date: Date) -> Date {
    date.tomorrow().unwrap_or(Date::MAX)
}

/// So many percent of a duration.
fn share(whole: SignedDuration, percent: u8) -> SignedDuration {
    whole / 100 * i32::from(percent)
}

/// When so much time has run round the clock.
fn hours_due(start: Timestamp, mut left: SignedDuration, stops: &[Stop]) -> Due {
    let mut cursor = start;
    let mut paused = false;
    for stop in stops {
        if left <= stop.from.duration_since(cursor) {
            break;
        }
        left -= stop.from.duration_since(cursor);
        paused = stop.lasts();
        cursor = if paused { stop.from } else { stop.until };
    }
    let at = cursor.checked_add(left).unwrap_or(Timestamp::MAX);
    Due { at, provisional: false, paused }
}

/// A time in which a clock stands still.
struct Stop {
    from: Timestamp,
    /// The end of time while it lasts.
    until: Timestamp,
}

impl Stop {
    /// Pauses after the start, in order and joined where they meet.
    fn list(start: Timestamp, pauses: &[Pause]) -> Vec<Self> {
        let mut stops: Vec<Self> = Vec::with_capacity(pauses.len());
        let mut sorted: Vec<_> = pauses.iter().collect();
        sorted.sort_unstable_by_key(|pause| pause.from);
        for pause in sorted {
            let from = pause.from.max(start);
            let until = pause.until.unwrap_or(Timestamp::MAX);
            match stops.last_mut() {
                Some(last) if from <= last.until => last.until = last.until.max(until),
                _ if from < until => stops.push(Self { from, until }),
                _ => {}
            }
        }
        stops
    }

    fn lasts(&self) -> bool {
        self.until == Timestamp::MAX
    }
}
