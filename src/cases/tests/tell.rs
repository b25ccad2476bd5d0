//! What customers are owed in writing, and which clocks a message stops.

use crate::cases::tests::{
    AGENT, LEAD, PLAIN, Story, accept, at, contact, execute, investigated, propose, table, text,
};
use crate::cases::{ClockId, Command, ContactPurpose, Event, Life, RefusalReason, Stage, Telling};
use crate::domain::{Actor, MessageChannel, MessageKind, StaffRole, Tier};

const RULE: (&str, StaffRole) = ("rule", StaffRole::System);

/// Sends a message, if that is possible.
fn tell(story: &mut Story, who: (&str, StaffRole), kind: MessageKind) -> Result<(), RefusalReason> {
    let actor = Actor { name: who.0.to_owned(), role: who.1 };
    let contact_person = "赵敏".to_owned();
    let telling = Telling { kind, channel: MessageChannel::Sms, contact_person };
    let records = story.life.tell(telling, &actor, story.now).map_err(|it| it.reason)?;
    story.take(records);
    assert_eq!(Life::fold(&story.records).as_ref(), Ok(&story.life));
    Ok(())
}

fn owed(story: &Story) -> Vec<MessageKind> {
    story.life.owed(&table(), story.now)
}

fn stopped(story: &Story, id: ClockId) -> bool {
    let clocks = story.life.clocks(&table());
    clocks.iter().any(|clock| clock.id == id && clock.stopped_at.is_some())
}

#[test]
fn every_message_is_owed_in_its_turn_and_once() {
    let mut story = Story::start(PLAIN, "2026-03-09 10:00");
    assert_eq!(owed(&story), [MessageKind::Acknowledgement]);
    tell(&mut story, AGENT, MessageKind::Acknowledgement).expect("it is owed");
    assert_eq!(owed(&story), []);
    let mut story = investigated(PLAIN, "2026-03-09 10:00");
    story.must(AGENT, propose());
    assert_eq!(owed(&story), [MessageKind::Proposal]);
    tell(&mut story, AGENT, MessageKind::Proposal).expect("it is owed");
    assert_eq!(owed(&story), []);
    story.must(AGENT, Command::Revise { reason: text("想换货") }).must(AGENT, propose());
    assert_eq!(owed(&story), [MessageKind::Proposal], "another proposal is news");
    story.must(AGENT, Command::Choose { offer: 0 }).must(LEAD, Command::Approve);
    story.must(AGENT, execute());
    assert_eq!(owed(&story), [MessageKind::Result]);
    tell(&mut story, AGENT, MessageKind::Result).expect("it is owed");
    assert!(stopped(&story, ClockId::Report));
    assert_eq!(owed(&story), [MessageKind::Satisfaction]);
    tell(&mut story, RULE, MessageKind::Satisfaction).expect("it is owed");
    assert_eq!(owed(&story), []);
    story.must(AGENT, Command::Dispute { reason: text("没收到") });
    assert_eq!(story.life.stage(), Stage::Investigation);
    assert_eq!(owed(&story), []);
}

#[test]
fn an_acknowledgement_accepts_the_case_and_stops_its_clock() {
    for who in [AGENT, RULE] {
        let mut story = Story::start(PLAIN, "2026-03-09 10:00");
        tell(&mut story, who, MessageKind::Acknowledgement).expect("it is owed");
        assert_eq!(story.life.stage(), Stage::Accepted);
        assert!(stopped(&story, ClockId::Acceptance));
        assert!(!stopped(&story, ClockId::FirstResponse), "nobody has worked it yet");
        let owner = if who == AGENT { Some("wang.fang") } else { None };
        assert_eq!(story.life.owner(), owner, "a rule owns no case");
        // Once more is a message like any other.
        tell(&mut story, AGENT, MessageKind::Acknowledgement).expect("it may be said again");
        let accepted = |it: &&crate::cases::Record| matches!(it.event, Event::Accepted { .. });
        assert_eq!(story.records.iter().filter(accepted).count(), 1);
    }
}

#[test]
fn what_is_said_at_the_wrong_time_or_by_the_wrong_people_is_refused() {
    let mut story = Story::start(PLAIN, "2026-03-09 10:00");
    for kind in MessageKind::ALL.into_iter().skip(1) {
        assert_eq!(tell(&mut story, AGENT, kind), Err(RefusalReason::Stage), "{kind:?}");
    }
    let auditor = ("zhou", StaffRole::Auditor);
    let refused = tell(&mut story, auditor, MessageKind::Acknowledgement);
    assert!(matches!(refused, Err(RefusalReason::Role { .. })), "{refused:?}");
}

#[test]
fn progress_is_owed_at_intervals_that_begin_anew_with_each_word() {
    let mut story = Story::start(PLAIN, "2026-03-09 10:00");
    story.must(AGENT, accept());
    let due = |story: &Story| {
        let clocks = story.life.clocks(&table());
        let clock = clocks.into_iter().find(|clock| clock.id == ClockId::Progress);
        clock.map(|clock| clock.due.at)
    };
    assert_eq!(due(&story), Some(at("2026-03-12 00:00")));
    story.at("2026-03-10 09:00").must(AGENT, contact(ContactPurpose::Progress, true));
    assert_eq!(due(&story), Some(at("2026-03-13 00:00")));
    assert_eq!(owed(story.at("2026-03-12 12:00")), []);
    assert_eq!(owed(story.at("2026-03-12 15:00")), [MessageKind::Progress]);
    tell(&mut story, RULE, MessageKind::Progress).expect("it is owed");
    assert_eq!((owed(&story), due(&story)), (Vec::new(), Some(at("2026-03-17 00:00"))));
    // Silence is a breach that people hear of, but no matter for a higher tier.
    story.must(AGENT, Command::Escalate { to: Tier::EscalationTeam, form: super::form() });
    story.at("2026-03-17 09:00");
    let events = story.tick();
    let of_progress = |event: &Event| match event {
        Event::ClockBreached { alarm } => alarm.clock == ClockId::Progress,
        _ => false,
    };
    let place = events.iter().position(of_progress).expect("people hear of it");
    let next = events.get(place + 1);
    assert!(!matches!(next, Some(Event::Escalated { .. })), "{next:?}");
}
