//! What holds for every sequence of commands, whoever gives them and whenever.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::cases::tests::{
    CALENDAR, PLAIN, Story, accept, archive, assign, conclude, contact, execute, form, investigate,
    opine, propose, report, review, table, text,
};
use crate::cases::{
    Command, ContactPurpose, EscalationForm, Event, Life, Move, Record, Settlement, Stage,
    Standing, blank_words,
};
use crate::domain::{StaffRole, Tier};

/// Commands of every kind, right and wrong.
fn commands() -> Vec<Command> {
    let reason = || text("如实记录");
    let escalated = EscalationForm { report: Some(report()), ..form() };
    vec![
        accept(),
        assign(),
        Command::Take { owner: None },
        review(),
        investigate(),
        opine("物流合作部"),
        opine("客户服务中心"),
        opine("法务部"),
        Command::AddEvidence { item: text("面单照片") },
        conclude(),
        propose(),
        Command::Choose { offer: 0 },
        Command::Choose { offer: 1 },
        Command::Choose { offer: 2 },
        Command::Revise { reason: reason() },
        Command::AnswerFinally { explanation: reason(), recourse: reason() },
        Command::Approve,
        Command::RefuseApproval { reason: reason() },
        execute(),
        contact(ContactPurpose::Progress, true),
        contact(ContactPurpose::Result, false),
        contact(ContactPurpose::Confirmation, false),
        Command::Confirm { satisfaction: Some(4) },
        Command::Confirm { satisfaction: Some(0) },
        Command::Dispute { reason: reason() },
        archive(),
        Command::Reopen { reason: reason() },
        Command::Escalate { to: Tier::EscalationTeam, form: form() },
        Command::Escalate { to: Tier::Executive, form: form() },
        Command::Escalate { to: Tier::Executive, form: escalated },
        Command::SendBack { reason: reason() },
        Command::Pause { reason: reason() },
        Command::Resume,
        Command::Accept { contact_person: text("  ") },
    ]
}

/// People of every role, the service itself among them.
fn people() -> impl Strategy<Value = (&'static str, StaffRole)> {
    prop::sample::select(vec![
        ("a", StaffRole::Intake),
        ("b", StaffRole::FrontLine),
        ("c", StaffRole::TriageLead),
        ("d", StaffRole::EscalationTeam),
        ("e", StaffRole::DepartmentHead),
        ("f", StaffRole::ServiceDirector),
        ("g", StaffRole::Executive),
        ("h", StaffRole::Executive),
        ("i", StaffRole::Auditor),
        ("j", StaffRole::System),
    ])
}

/// What a turn tries.
#[derive(Clone, Copy, Debug)]
enum Try {
    /// Any command.
    Any(usize),
    /// One that the case says is possible, or sequences would not get far.
    Legal(usize),
    /// None: the clocks strike.
    Tick,
}

/// A person, what is tried, and the minutes that pass before it.
type Turn = ((&'static str, StaffRole), Try, i64);

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let tried = prop_oneof![
        4 => any::<usize>().prop_map(Try::Any),
        15 => any::<usize>().prop_map(Try::Legal),
        1 => Just(Try::Tick),
    ];
    prop::collection::vec((people(), tried, 0..2000i64), 0..200)
}

fn choose(life: &Life, tried: Try, role: StaffRole) -> Option<Command> {
    let mut commands = commands();
    let number = match tried {
        Try::Any(number) => number,
        Try::Legal(number) => {
            let legal = life.legal_moves();
            let possible = |it: &Move| legal.contains(it) && it.roles(life.tier()).contains(&role);
            if legal.iter().any(possible) {
                commands.retain(|it| possible(&it.move_of()));
            }
            number
        }
        Try::Tick => return None,
    };
    Some(commands.swap_remove(number % commands.len()))
}

fn standings() -> impl Strategy<Value = Standing> {
    let tiers = prop::sample::select(vec![Tier::FrontLine, Tier::EscalationTeam, Tier::Executive]);
    (tiers, any::<bool>(), any::<bool>()).prop_map(|(tier, executive_review, needs_triage)| {
        Standing { tier, executive_review, needs_triage, ..PLAIN }
    })
}

/// Plays a sequence and checks every turn.
fn play(standing: Standing, turns: Vec<Turn>) -> Result<Story, TestCaseError> {
    let mut story = Story::start(standing, "2026-09-28 09:00");
    for (who, tried, minutes) in turns {
        story.now += SignedDuration::from_mins(minutes);
        let Some(command) = choose(&story.life, tried, who.1) else {
            story.tick();
            continue;
        };
        let before = (story.life.clone(), story.records.len());
        let wanted = command.move_of();
        match story.ask(who, command) {
            Ok(()) => {
                prop_assert!(wanted.stages().contains(&before.0.stage()));
                prop_assert!(before.0.legal_moves().contains(&wanted), "{} was not listed", wanted);
                prop_assert!(who.1.works_cases(), "{:?} moved the case", who.1);
                prop_assert!(before.1 < story.records.len());
            }
            Err(refusal) => {
                prop_assert_eq!(&before, &(story.life.clone(), story.records.len()));
                prop_assert_eq!(refusal.wanted, wanted);
                let here = |it: &Move| it.stages().contains(&refusal.stage);
                prop_assert!(refusal.legal.iter().all(here));
                prop_assert!(!refusal.legal.is_empty() && !refusal.reason.to_string().is_empty());
            }
        }
    }
    Ok(story)
}

/// The events since the matter was last taken up anew.
fn round(records: &[Record]) -> &[Record] {
    let anew = |it: &Record| matches!(it.event, Event::Disputed { .. } | Event::Reopened { .. });
    let start = records.iter().rposition(anew).map_or(0, |idx| idx + 1);
    &records[start..]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_state_is_what_the_events_fold_to(standing in standings(), turns in turns()) {
        let story = play(standing, turns)?;
        prop_assert_eq!(Life::fold(&story.records), Ok(story.life));
        // Events survive the way through the store's columns.
        for Record { event, .. } in &story.records {
            let json = serde_json::to_string(event).expect("an event is plain data");
            prop_assert_eq!(&serde_json::from_str::<Event>(&json).expect("it reads back"), event);
        }
        prop_assert!(story.records.is_sorted_by_key(|record| record.at));
    }

    /// An erasure takes the words out of a life and leaves its course and its figures.
    #[test]
    fn a_life_whose_words_are_gone_is_the_same_life(standing in standings(), turns in turns()) {
        let story = play(standing, turns)?;
        let erased: Vec<Record> = story.records.iter().map(|record| {
            let mut event = serde_json::to_value(&record.event).expect("plain data");
            blank_words(&mut event["data"]);
            let event = serde_json::from_value(event).expect("an erased event can be read");
            Record { event, ..record.clone() }
        }).collect();
        let life = Life::fold(&erased).expect("it was received");
        prop_assert_eq!(life.stage(), story.life.stage());
        prop_assert_eq!(life.tier(), story.life.tier());
        prop_assert_eq!(life.clocks(&table()), story.life.clocks(&table()));
        let (left, before) = (Settlement::of(&erased), Settlement::of(&story.records));
        prop_assert_eq!(Settlement { summary: String::new(), ..left },
            Settlement { summary: String::new(), ..before });
    }

    /// The scheduler looks at a case when `next_alarm_at` says so, and at no other time.
    #[test]
    fn an_alarm_is_due_exactly_when_it_was_foretold(
        standing in standings(),
        turns in turns(),
        minutes in 0..20_000i64,
    ) {
        let story = play(standing, turns)?;
        let next = story.life.next_alarm_at(&table());
        let now = story.now + SignedDuration::from_mins(minutes);
        let is_due = !story.life.alarms(&table(), now).is_empty();
        prop_assert_eq!(is_due, next.is_some_and(|next| next <= now));
        if let Some(next) = next {
            let just_before = next - SignedDuration::from_micros(1);
            prop_assert!(story.life.alarms(&table(), just_before).is_empty());
            prop_assert!(!story.life.alarms(&table(), next).is_empty());
            // Who has been told is told nothing more at that time.
            let mut told = story.life.clone();
            story.life.tick(&table(), next).iter().for_each(|record| told.apply(record));
            prop_assert_ne!(told.next_alarm_at(&table()), Some(next));
        }
        for record in &story.records {
            let kind = serde_json::to_value(&record.event).expect("plain data")["kind"].clone();
            prop_assert!(Event::KINDS.iter().any(|it| kind == *it), "{} is not listed", kind);
        }
    }

    #[test]
    fn nothing_is_granted_or_closed_without_people(standing in standings(), turns in turns()) {
        let story = play(standing, turns)?;
        for (idx, record) in story.records.iter().enumerate() {
            let before = round(&story.records[..idx]);
            match &record.event {
                Event::Executed { .. } => {
                    let proposer = before.iter().rev().find_map(|it| match it.event {
                        Event::Proposed { .. } => Some(&it.actor),
                        _ => None,
                    });
                    let granted = before.iter().rev().find(|it| matches!(it.event, Event::Approved { complete: true }));
                    let by = &granted.expect("somebody granted it").actor;
                    prop_assert!(by.role.works_cases());
                    prop_assert_ne!(Some(by), proposer);
                }
                Event::Archived { .. } => {
                    let confirmed = before.iter().any(|it| matches!(it.event, Event::Confirmed { .. }));
                    let silent: BTreeSet<_> = before
                        .iter()
                        .filter(|it| matches!(it.event, Event::Contacted { answered: false, .. }))
                        .map(|it| CALENDAR.date(it.at))
                        .collect();
                    prop_assert!(confirmed || 3 <= silent.len());
                }
                Event::Proposed { .. } => {
                    let proposed = |it: &&Record| matches!(it.event, Event::Proposed { .. });
                    prop_assert!(before.iter().filter(proposed).count() <= 2, "revised twice at most");
                }
                _ => {}
            }
        }
    }
}

/// Random sequences would prove little if they never left the first stages.
#[test]
fn random_sequences_reach_every_stage() {
    let mut runner = TestRunner::deterministic();
    let mut reached = BTreeSet::new();
    for _ in 0..500 {
        let tree = turns().new_tree(&mut runner).expect("turns can be made");
        let mut story = Story::start(PLAIN, "2026-09-28 09:00");
        for (who, tried, minutes) in tree.current() {
            story.now += SignedDuration::from_mins(minutes);
            if let Some(command) = choose(&story.life, tried, who.1) {
                drop(story.ask(who, command));
            }
            reached.insert(story.life.stage());
        }
    }
    assert_eq!(reached, BTreeSet::from(Stage::ALL));
}
