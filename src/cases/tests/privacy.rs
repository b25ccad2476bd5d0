//! How long things are kept, and what is left of an event whose words are gone.

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::cases::tests::at;
use crate::cases::{ERASED, Event, Retention, RetentionError, blank_words};
use crate::domain::{MessageChannel, MessageKind};

fn shanghai() -> TimeZone {
    TimeZone::fixed(jiff::tz::offset(8))
}

fn policy(legal_months: u16, keep_months: u16) -> Result<Retention, RetentionError> {
    let file = format!(
        "[archived_cases]\nlegal_months = {legal_months}\nkeep_months = {keep_months}\n\
         basis = '《电子商务法》第三十一条'"
    );
    Retention::parse(&file)
}

#[test]
fn the_policy_that_ships_keeps_what_the_law_demands() {
    let policy = Retention::parse(Retention::DEFAULT).expect("the shipped policy is correct");
    let archived = at("2023-02-28 10:00");
    assert_eq!(policy.legal_until(archived, &shanghai()), at("2026-02-28 10:00"));
    assert!(archived < policy.erasable_before(at("2026-02-28 10:01"), &shanghai()));
    assert!(archived >= policy.erasable_before(at("2026-02-28 10:00"), &shanghai()));
    assert_eq!(policy.over_before(at("2027-02-28 10:00"), &shanghai()), archived);
    assert_eq!(policy.basis(), "《电子商务法》第三十一条");
}

#[test]
fn a_policy_that_is_shorter_than_the_law_is_refused_with_the_reason() {
    let Err(RetentionError::Mistakes(mistakes)) = policy(12, 6) else { panic!("it is refused") };
    assert_eq!(mistakes.len(), 2, "{mistakes:?}");
    assert!(mistakes[0].contains("《电子商务法》第三十一条"), "{mistakes:?}");
    assert!(mistakes[0].contains("three years"), "{mistakes:?}");
    let Err(RetentionError::Mistakes(mistakes)) = policy(60, 48) else { panic!("it is refused") };
    assert!(mistakes[0].contains("until 60 months"), "{mistakes:?}");
    assert!(policy(60, 60).is_ok(), "a firm may be bound to more");
    assert!(policy(36, 9_999).is_err());
    assert!(matches!(Retention::parse("keep_months = 48"), Err(RetentionError::Syntax(_))));
}

#[test]
fn what_people_wrote_goes_and_what_they_chose_stays() {
    let mut data = json!({
        "request_id": "r-1", "summary": "王小明满意", "satisfaction": 4, "answered": true,
        "labels": { "category": "logistics", "signals": ["injury"] },
        "form": { "customer": "王小明", "report": { "background": "三次来电" } },
        "proposal": { "offers": [{ "remedies": [
            { "kind": "refund", "amount": 399.0, "words": "退给王小明" }
        ] }] },
        "repeats": ["01958888-6666-7000-8000-138123412345"],
        "a_new_field": ["王小明"],
    });
    blank_words(&mut data);
    let expected = json!({
        "request_id": "r-1", "summary": ERASED, "satisfaction": 4, "answered": true,
        "labels": { "category": "logistics", "signals": ["injury"] },
        "form": { "customer": ERASED, "report": { "background": ERASED } },
        "proposal": { "offers": [{ "remedies": [
            { "kind": "refund", "amount": 399.0, "words": ERASED }
        ] }] },
        "repeats": [ERASED],
        "a_new_field": [ERASED],
    });
    assert_eq!(data, expected);
    let mut nothing = Value::Null;
    blank_words(&mut nothing);
    assert_eq!(nothing, Value::Null);
}

#[test]
fn what_tells_of_messages_and_files_can_be_read_after_an_erasure() {
    let events = [
        Event::MessageSent { message_kind: MessageKind::Result, channel: MessageChannel::Sms },
        Event::FileAdded {
            file: "0199c0de".to_owned(),
            media_type: "image/png".to_owned(),
            size: 600,
            sha256: "aa".to_owned(),
        },
    ];
    for event in events {
        let mut erased = serde_json::to_value(&event).expect("plain data");
        blank_words(&mut erased["data"]);
        let read: Event = serde_json::from_value(erased).expect("an erased event can be read");
        match read {
            Event::FileAdded { sha256, size, .. } => assert_eq!((&*sha256, size), (ERASED, 600)),
            read => assert_eq!(read, event, "it holds no words"),
        }
    }
}
