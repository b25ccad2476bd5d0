//! Clocks across holidays, pauses, corrections and escalations, and against a slow obvious model.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use crate::calendar::{Period, PeriodUnit};
use crate::cases::tests::{
    AGENT, CALENDAR, LEAD, PLAIN, Story, TEAM, accept, at, contact, execute, form, investigated,
    propose, table, text,
};
use crate::cases::{ClockId, ClockState, Command, ContactPurpose, Event, Life, Pace, Standing};
use crate::domain::Tier;

fn find(story: &Story, id: ClockId) -> ClockState {
    let clock = story.life.clocks(&table()).into_iter().find(|clock| clock.id == id);
    clock.unwrap_or_else(|| panic!("{id:?} has not started"))
}

#[track_caller]
fn check_due(story: &Story, id: ClockId, due: &str) {
    assert_eq!(find(story, id).due.at, at(due), "{id:?}");
}

/// What a tick does, in short, such as `acceptance 50`.
fn tick(story: &mut Story, now: &str) -> Vec<String> {
    let show = |event: Event| match event {
        Event::ClockWarned { alarm } | Event::ClockBreached { alarm } => {
            format!("{:?} {}", alarm.clock, alarm.percent)
        }
        Event::Escalated { to, form: None, recipients } => {
            format!("to {} and {} people", u8::from(to), recipients.len())
        }
        other => panic!("clocks do not do this: {other:?}"),
    };
    story.at(now).tick().into_iter().map(show).collect()
}

#[test]
fn the_clocks_of_a_case_before_national_day() {
    // Wednesday before 国庆; Saturday 10-10 is worked.
    let story = Story::start(PLAIN, "2026-09-30 10:00");
    check_due(&story, ClockId::Acceptance, "2026-09-30 12:00");
    check_due(&story, ClockId::FirstResponse, "2026-10-01 10:00");
    check_due(&story, ClockId::Resolution, "2026-10-11 00:00");
    let grave = Standing { pace: Pace::SafetyCritical, tier: Tier::Executive, ..PLAIN };
    let story = Story::start(grave, "2026-09-30 10:00");
    check_due(&story, ClockId::Acceptance, "2026-09-30 11:00");
    check_due(&story, ClockId::Resolution, "2026-10-16 00:00");
}

#[test]
fn people_are_warned_once_for_each_share_and_a_breach_escalates_one_tier() {
    let mut story = Story::start(PLAIN, "2026-03-09 10:00");
    assert!(tick(&mut story, "2026-03-09 10:59").is_empty());
    assert_eq!(tick(&mut story, "2026-03-09 11:00"), ["Acceptance 50"]);
    assert!(tick(&mut story, "2026-03-09 11:00").is_empty(), "nobody is told twice");
    assert_eq!(tick(&mut story, "2026-03-09 11:36"), ["Acceptance 80"]);
    assert!(tick(&mut story, "2026-03-09 12:00").is_empty(), "the deadline is still in time");
    let breach = tick(&mut story, "2026-03-09 12:01");
    assert_eq!(breach, ["Acceptance 100", "to 2 and 2 people"]);
    assert_eq!(story.life.tier(), Tier::EscalationTeam);
    // At the second tier the clocks of a complex case run, from the same start.
    check_due(&story, ClockId::Acceptance, "2026-03-09 16:00");
    check_due(&story, ClockId::Resolution, "2026-03-19 00:00");
    check_due(&story, ClockId::Escalation, "2026-03-11 00:00");
    story.at("2026-03-09 12:30").must(AGENT, accept());
    // The tier does not decide in its day, nobody calls the customer, and so it goes up once more.
    let later = tick(&mut story, "2026-03-11 00:01");
    assert_eq!(later, ["FirstResponse 100", "to 3 and 2 people", "Progress 50", "Escalation 100"]);
    assert_eq!(story.life.tier(), Tier::Executive, "there is no tier above");
    assert_eq!(Life::fold(&story.records).as_ref(), Ok(&story.life));
}

#[test]
fn a_service_that_was_down_tells_the_gravest_alarm_alone() {
    let mut story = Story::start(PLAIN, "2026-03-09 10:00");
    let alarms = tick(&mut story, "2026-03-09 11:50");
    assert_eq!(alarms, ["Acceptance 80"]);
}

#[test]
fn waiting_for_the_customer_stops_the_clocks_and_loses_nothing() {
    let mut story = Story::start(PLAIN, "2026-03-09 10:00");
    story.must(AGENT, accept()).must(AGENT, contact(ContactPurpose::Progress, true));
    assert_eq!(tick(&mut story, "2026-03-11 09:00"), ["Progress 50"]);
    // From Wednesday 10:00 to Thursday 12:00: 26 hours of working time.
    story.at("2026-03-11 10:00").must(AGENT, Command::Pause { reason: text("等客户寄回") });
    assert!(find(&story, ClockId::Resolution).due.paused);
    assert!(tick(&mut story, "2026-03-20 10:00").is_empty(), "a clock that stands warns nobody");
    story.at("2026-03-12 12:00").must(AGENT, Command::Resume);
    check_due(&story, ClockId::Resolution, "2026-03-16 02:00");
    check_due(&story, ClockId::Acceptance, "2026-03-09 12:00");
}

#[test]
fn severity_moves_the_deadline_from_the_original_start() {
    let mut story = Story::start(PLAIN, "2026-09-29 16:00");
    story.must(AGENT, accept());
    check_due(&story, ClockId::Resolution, "2026-10-10 00:00");
    story.at("2026-10-09 09:00");
    story.correct(Standing { pace: Pace::Complex, tier: Tier::EscalationTeam, ..PLAIN });
    check_due(&story, ClockId::Resolution, "2026-10-15 00:00");
    assert_eq!(find(&story, ClockId::Resolution).start, at("2026-09-29 16:00"));
    story.correct(PLAIN);
    check_due(&story, ClockId::Resolution, "2026-10-10 00:00");
}

#[test]
fn agreement_execution_and_report_have_clocks() {
    let mut story = investigated(PLAIN, "2026-09-30 10:00");
    story.must(AGENT, propose()).at("2026-09-30 15:00").must(AGENT, Command::Choose { offer: 0 });
    check_due(&story, ClockId::Execution, "2026-10-01 15:00");
    story.must(LEAD, Command::Approve).at("2026-09-30 17:00").must(AGENT, execute());
    assert_eq!(find(&story, ClockId::Execution).stopped_at, Some(at("2026-09-30 17:00")));
    assert_eq!(find(&story, ClockId::Resolution).stopped_at, Some(at("2026-09-30 17:00")));
    check_due(&story, ClockId::Report, "2026-10-09 00:00");
    story.at("2026-10-08 09:00").must(AGENT, contact(ContactPurpose::Result, true));
    assert_eq!(find(&story, ClockId::Report).stopped_at, Some(at("2026-10-08 09:00")));
    // The customer took from 17:00 to the next working day's noon to object: that time is theirs.
    story.at("2026-10-08 12:00").must(AGENT, Command::Dispute { reason: text("少退了") });
    let clock = find(&story, ClockId::Resolution);
    assert_eq!((clock.stopped_at, clock.due.at), (None, at("2026-10-12 12:00")));
}

#[test]
fn a_tier_that_decides_or_sends_back_stops_its_clock() {
    let mut story = Story::start(PLAIN, "2026-03-09 10:00");
    story.must(AGENT, Command::Escalate { to: Tier::EscalationTeam, form: form() });
    check_due(&story, ClockId::Escalation, "2026-03-11 00:00");
    story.must(TEAM, Command::SendBack { reason: text("按标准处理") });
    assert!(story.life.clocks(&table()).iter().all(|clock| clock.id != ClockId::Escalation));
}

/// The obvious way: count the minutes that run, one by one.
fn slow_due(start: Timestamp, period: Period, pauses: &[(Timestamp, Timestamp)]) -> Timestamp {
    let days = period.unit() == PeriodUnit::WorkingDays;
    let mut left = i64::from(period.count()) * if days { 24 * 60 } else { 60 };
    let mut minute = start;
    while 0 < left {
        let date = CALENDAR.date(minute);
        let counted = !days || (CALENDAR.date(start) < date && CALENDAR.is_working_day(date));
        let waiting = pauses.iter().any(|&(from, until)| from <= minute && minute < until);
        left -= i64::from(counted && !waiting);
        minute += SignedDuration::from_mins(1);
    }
    minute
}

/// Something that happens while a case is worked, after so many minutes.
#[derive(Clone, Debug)]
enum Step {
    Wait(i64),
    Correct(Standing),
    Hand,
    Escalate,
}

fn steps() -> impl Strategy<Value = Vec<(i64, Step)>> {
    let pace = prop::sample::select(vec![Pace::Ordinary, Pace::Complex, Pace::SafetyCritical]);
    let step = prop_oneof![
        (1..4000i64).prop_map(Step::Wait),
        (pace, any::<bool>()).prop_map(|(pace, needs_triage)| {
            Step::Correct(Standing { needs_triage, pace, ..PLAIN })
        }),
        Just(Step::Hand),
        Just(Step::Escalate),
    ];
    prop::collection::vec((1..3000i64, step), 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_history_resets_a_clock(minutes in 0..365 * 24 * 60i64, steps in steps()) {
        let start = at("2026-01-01 00:00") + SignedDuration::from_mins(minutes);
        let mut story = Story::start_at(PLAIN, start);
        story.must(AGENT, accept());
        let mut waits = Vec::new();
        let mut pace = Pace::Ordinary;
        let mut escalated = false;
        for (minutes, step) in steps {
            story.now += SignedDuration::from_mins(minutes);
            match step {
                Step::Wait(minutes) => {
                    let from = story.now;
                    story.must(AGENT, Command::Pause { reason: text("等客户") });
                    story.now += SignedDuration::from_mins(minutes);
                    story.must(AGENT, Command::Resume);
                    waits.push((from, story.now));
                }
                Step::Correct(after) => {
                    story.correct(after);
                    pace = after.pace;
                }
                Step::Hand => { story.must(LEAD, Command::Take { owner: None }); }
                Step::Escalate if !escalated => {
                    story.must(AGENT, Command::Escalate { to: Tier::EscalationTeam, form: form() });
                    escalated = true;
                }
                Step::Escalate => {}
            }
        }
        let pace = if escalated { pace.max(Pace::Complex) } else { pace };
        let periods = table().periods[pace as usize];
        for (id, period, pauses) in [
            (ClockId::Acceptance, periods.acceptance, &[][..]),
            (ClockId::FirstResponse, periods.first_response, &waits[..]),
            (ClockId::Resolution, periods.resolution, &waits[..]),
        ] {
            let clock = find(&story, id);
            prop_assert_eq!(clock.start, start);
            prop_assert_eq!(clock.due.at, slow_due(start, period, pauses), "{:?}", id);
        }
    }
}
