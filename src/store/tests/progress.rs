//! Moves: their events and the case change together, and of two at once one wins.

use serde_json::json;

use crate::domain::{Actor, Certainty, Labels, RouteChoice, StaffRole, Tier};
use crate::store::tests::{case, id, insert, minutes_later, on_both_engines};
use crate::store::{
    CaseFilter, FinalLabels, LabelSource, LibraryChange, NewCorrection, NewEvent, Progress,
    Revised, Store,
};

on_both_engines!(
    a_move_writes_its_events_and_the_case,
    of_many_movers_of_one_version_one_wins,
    a_closed_case_leaves_its_queue_and_keeps_its_final_labels,
);

fn event(kind: &str) -> NewEvent {
    NewEvent {
        at: minutes_later(5),
        actor: "wang.fang".to_owned(),
        role: StaffRole::FrontLine,
        kind: kind.to_owned(),
        data: json!({ "note": kind }),
    }
}

fn progress(version: u32, status: &str, kinds: &[&str]) -> Progress {
    Progress {
        case_id: id(1),
        version,
        status: status.to_owned(),
        is_open: status != "archived",
        tier: Tier::EscalationTeam,
        owner: None,
        first_due_at: minutes_later(30),
        resolution_due_at: minutes_later(60),
        alarm_at: None,
        events: kinds.iter().map(|kind| event(kind)).collect(),
        final_labels: None,
        library: LibraryChange::None,
    }
}

async fn a_move_writes_its_events_and_the_case(store: Store) {
    insert(&store, case(1)).await;
    let accepted = progress(1, "accepted", &["case.accepted", "case.escalated"]);
    let revised = store.advance_case(accepted.clone()).await.expect("it is current");
    assert_eq!(revised, Revised::Done(3));
    let found = store.find_case(id(1)).await.expect("it can be read").expect("it is there");
    assert_eq!((found.version, found.status.as_str()), (3, "accepted"));
    assert_eq!(found.record.triage.tier, Tier::EscalationTeam);
    assert_eq!(found.record.triage.resolution_due_at, minutes_later(60));
    let events = store.list_events(id(1)).await.expect("they can be read");
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(events[2].record, accepted.events[1]);
    let stale = store.advance_case(progress(1, "assigned", &["case.assigned"])).await;
    assert_eq!(stale.expect("it is answered"), Revised::Stale(3));
    assert_eq!(store.list_events(id(1)).await.expect("they can be read").len(), 3);
}

async fn of_many_movers_of_one_version_one_wins(store: Store) {
    insert(&store, case(1)).await;
    let movers: Vec<_> = (0..16)
        .map(|_| {
            let store = store.clone();
            let accepted = progress(1, "accepted", &["case.accepted"]);
            tokio::spawn(async move { store.advance_case(accepted).await })
        })
        .collect();
    let mut n_done = 0;
    for mover in movers {
        match mover.await.expect("it does not panic").expect("it is answered") {
            Revised::Done(2) => n_done += 1,
            Revised::Stale(2) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(n_done, 1);
    assert_eq!(store.list_events(id(1)).await.expect("they can be read").len(), 2);
}

async fn a_closed_case_leaves_its_queue_and_keeps_its_final_labels(store: Store) {
    insert(&store, case(1)).await;
    let labels: Labels = serde_json::from_value(json!({ "severity": "high" })).expect("labels");
    let mut closed = progress(1, "archived", &["case.archived"]);
    closed.final_labels = Some(FinalLabels {
        correction: NewCorrection {
            at: minutes_later(5),
            actor: Actor { name: "wang.fang".to_owned(), role: StaffRole::FrontLine },
            source: LabelSource::Archive,
            certainty: Certainty::Clear,
            reason: "结案".to_owned(),
            labels: labels.clone(),
            route: RouteChoice::default(),
        },
        labels: labels.clone(),
        category: None,
        severity: "high".parse().expect("it is a name"),
        severity_rank: 2,
        sentiment: None,
    });
    assert_eq!(store.advance_case(closed).await.expect("it is current"), Revised::Done(2));
    let queue = "logistics".parse().expect("it is a name");
    assert!(store.list_queue(&queue, None, 10).await.expect("it can be read").items.is_empty());
    let filter = CaseFilter { status: Some("archived".to_owned()), ..CaseFilter::default() };
    let page = store.list_cases(&filter, None, 10).await.expect("it can be listed");
    assert_eq!(page.items[0].record.triage.severity.as_str(), "high");
    let page = store.list_human_labels(None, 10).await.expect("it can be read");
    assert_eq!(page.items[0].labels, labels);
    assert_eq!(page.items[0].statements[0].record.source, LabelSource::Archive);
}
