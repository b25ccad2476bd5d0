//! Corrections: stored with their event and the case or not at all, and read for learning.

use serde_json::json;

use crate::domain::{Actor, Certainty, Labels, RouteChoice, StaffRole, Tier};
use crate::store::tests::{case, id, insert, minutes_later, on_both_engines};
use crate::store::{
    CaseCursor, LabelSource, LibraryChange, NewCorrection, NewEvent, Revised, Revision, Store,
};

on_both_engines!(
    a_correction_its_event_and_the_case_change_together,
    who_has_read_an_old_version_is_told_the_current_one,
    of_many_correctors_of_one_version_one_wins,
    human_labels_are_read_page_by_page,
    a_case_can_be_corrected_after_an_event_was_added,
);

fn labels(value: serde_json::Value) -> Labels {
    serde_json::from_value(value).expect("a test's labels are well-formed")
}

/// A correction of a plain case to this severity.
fn revision(number: u64, version: u32, severity: &str) -> Revision {
    let at = minutes_later(i64::from(version));
    let mut triage = case(number).triage;
    triage.queue = "after_sales".parse().expect("it is a name");
    triage.department = "售后服务部".to_owned();
    triage.tier = Tier::EscalationTeam;
    triage.severity = severity.parse().expect("it is a name");
    triage.severity_rank = 2;
    triage.priority = 200.0;
    triage.needs_triage = false;
    triage.labels = labels(json!({ "severity": severity, "signals": ["legal"] }));
    let correction = NewCorrection {
        at,
        actor: Actor { name: "li.lei".to_owned(), role: StaffRole::TriageLead },
        source: LabelSource::Correction,
        certainty: Certainty::Arguable,
        reason: "客户已报案".to_owned(),
        labels: labels(json!({ "severity": severity })),
        route: RouteChoice { tier: Some(Tier::EscalationTeam), ..RouteChoice::default() },
    };
    let event = NewEvent {
        at,
        actor: "li.lei".to_owned(),
        role: StaffRole::TriageLead,
        kind: "case.corrected".to_owned(),
        data: json!({ "severity": severity }),
    };
    Revision {
        case_id: id(number),
        version,
        correction,
        triage,
        alarm_at: None,
        event,
        library: LibraryChange::None,
    }
}

async fn a_correction_its_event_and_the_case_change_together(store: Store) {
    let mut before = case(1);
    before.triage.model_labels = labels(json!({ "severity": "normal" }));
    before.triage.labels = before.triage.model_labels.clone();
    insert(&store, before.clone()).await;
    let first = revision(1, 1, "high");
    assert_eq!(store.revise_case(first.clone()).await.expect("it is current"), Revised::Done(2));
    let case = store.find_case(id(1)).await.expect("it can be read").expect("it is there");
    assert_eq!(case.version, 2);
    let mut expected = before;
    expected.triage = first.triage.clone();
    // What was said at intake is not written again.
    expected.triage.model_labels = labels(json!({ "severity": "normal" }));
    assert!(case.record == expected, "the case is not as corrected");
    let events = store.list_events(id(1)).await.expect("they can be read");
    assert_eq!(events[1].record, first.event);
    let corrections = store.list_corrections(id(1)).await.expect("they can be read");
    assert_eq!(corrections.len(), 1);
    assert_eq!((corrections[0].seq, &corrections[0].record), (2, &first.correction));
}

async fn who_has_read_an_old_version_is_told_the_current_one(store: Store) {
    insert(&store, case(1)).await;
    store.revise_case(revision(1, 1, "high")).await.expect("it is current");
    for version in [1, 3] {
        let revised = store.revise_case(revision(1, version, "low")).await;
        assert_eq!(revised.expect("it is answered"), Revised::Stale(2), "version {version}");
    }
    let revised = store.revise_case(revision(9, 1, "low")).await;
    assert_eq!(revised.expect("it is answered"), Revised::Missing);
    let case = store.find_case(id(1)).await.expect("it can be read").expect("it is there");
    assert_eq!(case.record.triage.severity.as_str(), "high");
    assert_eq!(store.list_events(id(1)).await.expect("they can be read").len(), 2);
    assert_eq!(store.list_corrections(id(1)).await.expect("they can be read").len(), 1);
}

async fn of_many_correctors_of_one_version_one_wins(store: Store) {
    insert(&store, case(1)).await;
    let correctors: Vec<_> = (0..16)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.revise_case(revision(1, 1, "high")).await })
        })
        .collect();
    let mut n_done = 0;
    for corrector in correctors {
        match corrector.await.expect("it does not panic").expect("it is answered") {
            Revised::Done(2) => n_done += 1,
            Revised::Stale(2) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(n_done, 1);
    assert_eq!(store.list_events(id(1)).await.expect("they can be read").len(), 2);
}

async fn human_labels_are_read_page_by_page(store: Store) {
    for number in 1..=9 {
        let mut case = case(number);
        case.triage.model_version = Some("linear@1".to_owned());
        case.triage.model_labels = labels(json!({ "severity": "low", "category": "other" }));
        insert(&store, case).await;
    }
    for number in [2, 3, 5, 7] {
        store.revise_case(revision(number, 1, "high")).await.expect("it is current");
    }
    // A route alone says nothing about labels.
    let mut route_alone = revision(8, 1, "low");
    route_alone.correction.labels = Labels::default();
    store.revise_case(route_alone).await.expect("it is current");
    let mut last = revision(3, 2, "critical");
    last.correction.source = LabelSource::Archive;
    last.correction.labels = labels(json!({ "severity": "critical", "signals": [] }));
    store.revise_case(last).await.expect("it is current");

    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = store.list_human_labels(after, 3).await.expect("it can be read");
        seen.extend(page.items);
        let Some(next) = page.next else { break };
        after = Some(next.to_string().parse::<CaseCursor>().expect("a cursor reads back"));
    }
    assert_eq!(seen.iter().map(|case| case.id).collect::<Vec<_>>(), [2, 3, 5, 7].map(id));
    let case = &seen[1];
    assert_eq!(case.text.as_str(), "快递三天没有动静");
    assert_eq!(case.model_version.as_deref(), Some("linear@1"));
    assert_eq!(case.model_labels, labels(json!({ "category": "other", "severity": "low" })));
    assert_eq!(case.human_labels(), labels(json!({ "severity": "critical", "signals": [] })));
    assert_eq!(case.statements.len(), 2);
    let newest = case.find_statement("severity").expect("somebody said it");
    assert_eq!(newest.record.source, LabelSource::Archive);
    assert_eq!(newest.record.certainty, Certainty::Arguable);
    assert_eq!(newest.record.actor.role, StaffRole::TriageLead);
    assert_eq!(case.find_statement("category"), None);
}

async fn a_case_can_be_corrected_after_an_event_was_added(store: Store) {
    insert(&store, case(1)).await;
    let event = revision(1, 1, "low").event;
    store.insert_event(id(1), event).await.expect("the case is there");
    let revised = store.revise_case(revision(1, 1, "high")).await.expect("it is answered");
    assert_eq!(revised, Revised::Stale(2));
    let revised = store.revise_case(revision(1, 2, "high")).await.expect("it is answered");
    assert_eq!(revised, Revised::Done(3));
}
