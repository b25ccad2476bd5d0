//! Deadlines against tables of real holidays and against a slow model that walks minute by minute.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use crate::calendar::{Calendar, Due, Pause, Period, PeriodUnit};

fn at(text: &str) -> Timestamp {
    let text = text.replace(' ', "T");
    format!("{text}:00+08:00").parse().expect("a test's time is well-formed")
}

fn period(text: &str) -> Period {
    text.parse().expect("a test's period is well-formed")
}

#[track_caller]
fn check(start: &str, length: &str, due: &str, provisional: bool) {
    let found = Calendar::china().due(at(start), period(length), &[]);
    let expected = Due { at: at(due), provisional, paused: false };
    assert_eq!(found, expected, "{length} from {start}");
}

#[test]
fn hours_run_round_the_clock() {
    check("2026-10-01 23:30", "2h", "2026-10-02 01:30", false);
    check("2026-12-31 23:30", "24h", "2027-01-01 23:30", false);
}

#[test]
fn the_day_of_the_start_is_not_counted() {
    // A Monday; the third working day after it is Thursday, which ends as Friday begins.
    check("2026-03-09 00:00", "3 working_days", "2026-03-13 00:00", false);
    check("2026-03-09 23:59", "3 working_days", "2026-03-13 00:00", false);
    check("2026-03-09 09:00", "3 calendar_days", "2026-03-13 00:00", false);
}

#[test]
fn weekends_are_worked_when_the_calendar_says_so() {
    // 中秋 9-25…9-27 is off and Sunday 9-20 is worked for it.
    check("2026-09-18 10:00", "1 working_days", "2026-09-21 00:00", false);
    check("2026-09-24 10:00", "1 working_days", "2026-09-29 00:00", false);
    // 春节 2-15…2-23: Saturday 2-14 and Saturday 2-28 are worked.
    check("2026-02-13 10:00", "1 working_days", "2026-02-15 00:00", false);
    check("2026-02-13 10:00", "3 working_days", "2026-02-26 00:00", false);
    check("2026-02-25 10:00", "3 working_days", "2026-03-01 00:00", false);
    check("2026-02-25 10:00", "4 working_days", "2026-03-03 00:00", false);
}

#[test]
fn national_day_is_stepped_over() {
    // Worked: 9-30, 10-8, 10-9, and Saturday 10-10; Sunday 10-11 is off.
    check("2026-09-29 10:00", "3 working_days", "2026-10-10 00:00", false);
    check("2026-09-30 10:00", "1 working_days", "2026-10-09 00:00", false);
    check("2026-09-30 10:00", "3 working_days", "2026-10-11 00:00", false);
    check("2026-10-01 10:00", "3 working_days", "2026-10-11 00:00", false);
    check("2026-10-07 23:59", "3 working_days", "2026-10-11 00:00", false);
    check("2026-10-08 00:00", "3 working_days", "2026-10-13 00:00", false);
    check("2026-10-10 10:00", "1 working_days", "2026-10-13 00:00", false);
    check("2026-09-29 10:00", "7 working_days", "2026-10-15 00:00", false);
}

#[test]
fn a_last_day_on_a_holiday_moves_to_the_next_working_day() {
    check("2026-09-28 10:00", "3 calendar_days", "2026-10-09 00:00", false);
    check("2026-09-27 10:00", "3 calendar_days", "2026-10-01 00:00", false);
    // The last day is the worked Saturday 10-10, then the free Sunday 10-11.
    check("2026-10-03 10:00", "7 calendar_days", "2026-10-11 00:00", false);
    check("2026-10-04 10:00", "7 calendar_days", "2026-10-13 00:00", false);
}

#[test]
fn a_year_that_is_not_published_makes_a_deadline_provisional() {
    check("2025-12-30 10:00", "3 working_days", "2026-01-06 00:00", false);
    check("2026-12-29 10:00", "2 working_days", "2027-01-01 00:00", false);
    check("2026-12-29 10:00", "3 working_days", "2027-01-02 00:00", true);
    check("2026-12-28 10:00", "7 calendar_days", "2027-01-05 00:00", true);
    check("2024-03-01 10:00", "1 working_days", "2024-03-05 00:00", true);
}

#[track_caller]
fn check_paused(start: &str, length: &str, pauses: &[(&str, &str)], due: &str) {
    let pauses: Vec<_> = pauses
        .iter()
        .map(|&(from, until)| Pause {
            from: at(from),
            until: (!until.is_empty()).then(|| at(until)),
        })
        .collect();
    let found = Calendar::china().due(at(start), period(length), &pauses);
    assert_eq!(found.at, at(due), "{length} from {start} with {pauses:?}");
    assert_eq!(found.paused, pauses.iter().any(|pause| pause.until.is_none()));
}

#[test]
fn a_pause_takes_out_the_time_that_would_have_run() {
    let pause = [("2026-03-09 11:00", "2026-03-09 15:00")];
    check_paused("2026-03-09 10:00", "2h", &pause, "2026-03-09 16:00");
    // On the day of the start nothing runs yet.
    check_paused("2026-03-09 10:00", "3 working_days", &pause, "2026-03-13 00:00");
    // From Wednesday 10:00 to Thursday 12:00: 26 hours, over the weekend to Monday 02:00.
    let pause = [("2026-03-11 10:00", "2026-03-12 12:00")];
    check_paused("2026-03-10 10:00", "3 working_days", &pause, "2026-03-17 02:00");
    // A weekend is no working time, so a pause in it changes nothing.
    let pause = [("2026-03-14 00:00", "2026-03-16 00:00")];
    check_paused("2026-03-12 10:00", "3 working_days", &pause, "2026-03-18 00:00");
}

#[test]
fn pauses_may_overlap_precede_the_start_or_come_too_late() {
    let pauses = [
        ("2026-03-09 11:30", "2026-03-09 12:00"),
        ("2026-03-09 09:00", "2026-03-09 10:30"),
        ("2026-03-09 11:00", "2026-03-09 11:45"),
        ("2026-03-09 14:00", "2026-03-09 20:00"),
    ];
    check_paused("2026-03-09 10:00", "2h", &pauses, "2026-03-09 13:30");
}

#[test]
fn a_lasting_pause_shows_the_earliest_end() {
    check_paused("2026-03-09 10:00", "2h", &[("2026-03-09 11:00", "")], "2026-03-09 12:00");
    check_paused(
        "2026-03-09 10:00",
        "3 working_days",
        &[("2026-03-11 09:00", "")],
        "2026-03-13 00:00",
    );
}

#[test]
fn calendar_days_end_with_a_day_and_the_roll_over_is_grace() {
    // Seven days end on Sunday 3-15 and roll over to Monday.
    let roll_over = [("2026-03-16 10:00", "2026-03-16 14:00")];
    check_paused("2026-03-08 10:00", "7 calendar_days", &[], "2026-03-17 00:00");
    check_paused("2026-03-08 10:00", "7 calendar_days", &roll_over, "2026-03-17 00:00");
    let before = [("2026-03-13 10:00", "2026-03-14 14:00")];
    check_paused("2026-03-08 10:00", "7 calendar_days", &before, "2026-03-18 00:00");
}

#[test]
fn a_firm_may_keep_business_hours() {
    let text = "day_starts = \"09:00\"\nday_ends = \"18:00\"\n[[years]]\nyear = 2026";
    let calendar = Calendar::parse(text).expect("the file is correct");
    let due = |pauses: &[Pause]| {
        calendar.due(at("2026-03-09 10:00"), period("1 working_days"), pauses).at
    };
    assert_eq!(due(&[]), at("2026-03-10 18:00"));
    let pause = Pause { from: at("2026-03-10 16:00"), until: Some(at("2026-03-10 20:00")) };
    assert_eq!(due(&[pause]), at("2026-03-11 11:00"));
}

#[track_caller]
fn check_mistakes(text: &str, mistakes: &[&str]) {
    let error = Calendar::parse(text).expect_err("the file has mistakes").to_string();
    for mistake in mistakes {
        assert!(error.contains(mistake), "`{mistake}` is missing in: {error}");
    }
    assert_eq!(error.matches("; ").count() + 1, mistakes.len(), "{error}");
}

#[test]
fn every_mistake_of_a_calendar_is_listed() {
    let text = r#"
        time_zone = "Asia/Shangri-La"
        day_ends = "half past six"
        [[years]]
        year = 2026
        off = ["2026-05-01..2026-05-05", "2026-05-05", "2026-02-30", "2025-05-01", "2026-06-03..2026-06-01"]
        worked = ["2026-05-09", "2026-05-11", "2026-05-02"]
        [[years]]
        year = 2026
    "#;
    check_mistakes(
        text,
        &[
            "there is no time zone `Asia/Shangri-La`",
            "`half past six` is no time of day",
            "`2026-05-05` is given twice",
            "`2026-02-30` is no date",
            "`2025-05-01` does not belong to `2026`",
            "`2026-06-03..2026-06-01` ends before it starts",
            "`2026-05-11` is no weekend",
            "`2026-05-02` is both off and worked",
            "year `2026` is given twice",
        ],
    );
    check_mistakes("day_starts = \"18:00\"\nday_ends = \"09:00\"", &["cannot end at `09:00`"]);
}

#[test]
fn the_shipped_calendar_has_as_many_days_off_as_were_published() {
    let calendar = Calendar::china();
    let free = |year| {
        let days = Date::constant(year, 1, 1).series(jiff::Span::new().days(1));
        days.take_while(|date| date.year() == year)
            .filter(|&date| !calendar.is_working_day(date))
            .count()
    };
    // 365 days less 248 working days, as the yearly notices add up.
    assert_eq!((free(2025), free(2026)), (117, 117));
}

/// The obvious way: count the minutes that run, one by one.
fn slow_due(calendar: &Calendar, start: Timestamp, length: Period, pauses: &[Pause]) -> Timestamp {
    slow_part(calendar, start, length, 100, pauses)
}

/// The same for a part of a period.
fn slow_part(
    calendar: &Calendar,
    start: Timestamp,
    length: Period,
    percent: u32,
    pauses: &[Pause],
) -> Timestamp {
    const MINUTE: SignedDuration = SignedDuration::from_mins(1);
    let runs = |minute: Timestamp| {
        let date = calendar.date(minute);
        let stands = pauses
            .iter()
            .any(|pause| pause.from <= minute && pause.until.is_none_or(|until| minute < until));
        let counted = match length.unit() {
            PeriodUnit::Hours => true,
            PeriodUnit::WorkingDays => calendar.date(start) < date && calendar.is_working_day(date),
            PeriodUnit::CalendarDays => calendar.date(start) < date,
        };
        counted && !stands
    };
    let per_unit = if length.unit() == PeriodUnit::Hours { 60 } else { 24 * 60 };
    let mut left = per_unit * u32::from(length.count()) * percent / 100;
    let mut minute = start;
    while 0 < left {
        left -= u32::from(runs(minute));
        minute += MINUTE;
    }
    if length.unit() != PeriodUnit::CalendarDays || percent < 100 {
        return minute;
    }
    let mut day = calendar.date(minute - MINUTE);
    while !calendar.is_working_day(day) {
        day = day.tomorrow().expect("years are few");
    }
    let midnight = day.tomorrow().expect("years are few").to_zoned(calendar.time_zone().clone());
    midnight.expect("every day starts").timestamp()
}

fn periods() -> impl Strategy<Value = Period> {
    let units = prop_oneof![
        Just(PeriodUnit::Hours),
        Just(PeriodUnit::WorkingDays),
        Just(PeriodUnit::CalendarDays)
    ];
    (1..=12u16, units).prop_map(|(count, unit)| Period::new(count, unit).expect("it is small"))
}

/// A start in 2025 or 2026, and minutes from it to where pauses begin and how long they last.
fn starts() -> impl Strategy<Value = Timestamp> {
    (0..2 * 365 * 24 * 60i64)
        .prop_map(|minutes| at("2025-01-01 00:00") + SignedDuration::from_mins(minutes))
}

fn pauses() -> impl Strategy<Value = Vec<(i64, i64)>> {
    prop::collection::vec((-3000..20_000i64, 0..8000i64), 0..3)
}

fn paused(start: Timestamp, minutes: &[(i64, i64)]) -> Vec<Pause> {
    let pause = |&(offset, length): &(i64, i64)| {
        let from = start + SignedDuration::from_mins(offset);
        Pause { from, until: Some(from + SignedDuration::from_mins(length)) }
    };
    minutes.iter().map(pause).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_obvious_way_agrees(start in starts(), length in periods(), minutes in pauses()) {
        let calendar = Calendar::china();
        let pauses = paused(start, &minutes);
        let due = calendar.due(start, length, &pauses);
        prop_assert_eq!(due.at, slow_due(&calendar, start, length, &pauses));
    }

    #[test]
    fn a_part_of_a_period_is_reached_when_so_many_minutes_have_run(
        start in starts(), length in periods(), tenths in 1..=10u8, minutes in pauses()
    ) {
        let calendar = Calendar::china();
        let pauses = paused(start, &minutes);
        let part = calendar.part_due(start, length, 10 * tenths, &pauses);
        let expected = slow_part(&calendar, start, length, 10 * u32::from(tenths), &pauses);
        prop_assert_eq!(part.at, expected);
    }

    #[test]
    fn a_pause_never_brings_a_deadline_forward(
        start in starts(), length in periods(), minutes in pauses(), more in (0..20_000i64, 0..8000i64)
    ) {
        let calendar = Calendar::china();
        let mut pauses = paused(start, &minutes);
        let before = calendar.due(start, length, &pauses);
        pauses.extend(paused(start, &[more]));
        prop_assert!(before.at <= calendar.due(start, length, &pauses).at);
    }

    #[test]
    fn a_deadline_in_days_is_on_a_working_day(start in starts(), length in periods()) {
        let calendar = Calendar::china();
        let due = calendar.due(start, length, &[]);
        let last = due.at - SignedDuration::from_nanos(1);
        prop_assert!(start < due.at);
        prop_assert!(length.unit() == PeriodUnit::Hours || calendar.is_working_day(calendar.date(last)));
    }

    #[test]
    fn a_period_reads_back_what_it_writes(length in periods()) {
        prop_assert_eq!(period(&String::from(length)), length);
    }
}
