//! Submissions that belong together: found by what names them, joined, linked, separated, and
//! never by two at once.

use std::collections::HashSet;

use uuid::Uuid;

use crate::domain::{StaffRole, Tier};
use crate::store::tests::{case, id, intake, minutes_later, noon, on_both_engines};
use crate::store::{
    Inserted, Intake, JoinedSubmission, Joining, LibraryChange, NewCase, NewEvent, Progress,
    Revised, Separation, Sightings, Store,
};

on_both_engines!(
    a_submission_is_found_by_each_of_its_identifiers,
    of_many_who_saw_the_same_one_writes,
    what_is_joined_is_kept_found_and_separated_again,
    a_joined_submission_that_is_sent_again_is_its_case,
    links_stand_on_both_sides,
    an_identifier_that_everybody_has_names_nobody,
);

const MANY: u32 = 1_000;

fn keys(names: &[&str]) -> Vec<String> {
    names.iter().map(|&it| it.to_owned()).collect()
}

async fn look(store: &Store, names: &[&str]) -> Sightings {
    store.find_sightings(&keys(names), MANY).await.expect("they can be looked up")
}

/// The submissions with one of the identifiers.
async fn found(store: &Store, names: &[&str]) -> Vec<(Uuid, Uuid)> {
    let sightings = look(store, names).await;
    let earlier = store.list_earlier(&sightings, minutes_later(-60)).await.expect("they are there");
    earlier.iter().map(|it| (it.submission_id, it.related.id)).collect()
}

async fn take_in(store: &Store, number: u64, sightings: Sightings) -> Inserted {
    let intake = Intake { sightings, ..intake(case(number)) };
    store.insert_case(intake).await.expect("it is correct")
}

fn event(kind: &str) -> NewEvent {
    NewEvent {
        at: noon(),
        actor: "intake".to_owned(),
        role: StaffRole::System,
        kind: kind.to_owned(),
        data: serde_json::json!({}),
    }
}

fn progress(number: u64, version: u32, kind: &str) -> Progress {
    Progress {
        case_id: id(number),
        version,
        status: "received".to_owned(),
        is_open: true,
        tier: Tier::FrontLine,
        owner: None,
        first_due_at: minutes_later(120),
        resolution_due_at: minutes_later(4_320),
        alarm_at: None,
        events: vec![event(kind)],
        final_labels: None,
        library: LibraryChange::None,
    }
}

/// Submission `number` to join to case 1.
fn joining(number: u64, version: u32, sightings: Sightings) -> Joining {
    let NewCase { id, external_id, complaint, elements, occurred_at, created_at, .. } =
        case(number);
    let submission = JoinedSubmission {
        id,
        external_id,
        complaint,
        elements,
        occurred_at,
        created_at,
        similarity: 0.75,
    };
    Joining {
        submission,
        sightings,
        progress: progress(1, version, "case.joined"),
        completion: None,
    }
}

async fn join(store: &Store, joining: Joining) -> Inserted {
    store.join_submission(joining).await.expect("it is correct")
}

async fn a_submission_is_found_by_each_of_its_identifiers(store: Store) {
    assert!(look(&store, &["order:1"]).await.is_first());
    let sightings = look(&store, &["order:1", "customer:7"]).await;
    assert_eq!(take_in(&store, 1, sightings).await, Inserted::Created);
    for names in [&["order:1"][..], &["customer:7", "order:2"], &["order:1", "customer:7"]] {
        assert_eq!(found(&store, names).await, [(id(1), id(1))], "{names:?}");
    }
    assert_eq!(found(&store, &["contact:1"]).await, []);
    let sightings = look(&store, &["order:1"]).await;
    let none = store.list_earlier(&sightings, minutes_later(1)).await.expect("it can be asked");
    assert!(none.is_empty(), "it was received before");
}

async fn of_many_who_saw_the_same_one_writes(store: Store) {
    let sightings = look(&store, &["order:1", "customer:7"]).await;
    let senders = (1..=16).map(|number| {
        let (store, sightings) = (store.clone(), sightings.clone());
        tokio::spawn(async move { take_in(&store, number, sightings).await })
    });
    let mut n_created = 0;
    for sender in senders.collect::<Vec<_>>() {
        match sender.await.expect("it does not panic") {
            Inserted::Created => n_created += 1,
            Inserted::Changed => {}
            Inserted::Existing(case) => panic!("{case:?}"),
        }
    }
    assert_eq!(n_created, 1);
    assert_eq!(found(&store, &["order:1", "customer:7"]).await.len(), 1);

    // One identifier that others have used is enough, and the other is not counted for it.
    let stale = look(&store, &["order:2", "customer:7"]).await;
    let fresh = look(&store, &["customer:7"]).await;
    assert_eq!(take_in(&store, 30, fresh).await, Inserted::Created);
    assert_eq!(take_in(&store, 31, stale).await, Inserted::Changed);
    assert!(look(&store, &["order:2"]).await.is_first());
}

async fn what_is_joined_is_kept_found_and_separated_again(store: Store) {
    let sightings = look(&store, &["order:1"]).await;
    take_in(&store, 1, sightings).await;
    let sightings = look(&store, &["order:1", "contact:5"]).await;
    let late = joining(3, 1, Sightings::default());
    let first = joining(2, 1, sightings);
    assert_eq!(join(&store, first.clone()).await, Inserted::Created);
    assert_eq!(join(&store, late).await, Inserted::Changed, "the case has moved");
    let matter = store.find_matter(id(1)).await.expect("it is there");
    assert_eq!(matter.joined, [first.submission]);
    assert_eq!(store.list_events(id(1)).await.expect("they are there").len(), 2);
    // Who has only the contact of the second submission finds the case as well.
    assert_eq!(found(&store, &["contact:5"]).await, [(id(2), id(1))]);

    let new = NewCase { id: id(9), ..case(2) };
    let intake = Intake { repeats: vec![id(1)], ..intake(new) };
    let separation =
        Separation { submission_id: id(2), progress: progress(1, 2, "case.separated"), intake };
    let done = store.separate_submission(separation.clone()).await.expect("it is correct");
    assert_eq!(done, Revised::Done(3));
    let again = store.separate_submission(separation).await.expect("it can be asked");
    assert_eq!(again, Revised::Stale(3));
    let matter = store.find_matter(id(1)).await.expect("it is there");
    assert_eq!(matter.joined, []);
    assert_eq!(matter.repeats.iter().map(|it| it.id).collect::<Vec<_>>(), [id(9)]);
    assert_eq!(found(&store, &["contact:5"]).await, [(id(2), id(9))]);
    assert!(store.find_joined(id(1), id(2)).await.expect("it can be asked").is_none());
}

async fn a_joined_submission_that_is_sent_again_is_its_case(store: Store) {
    take_in(&store, 1, Sightings::default()).await;
    assert_eq!(join(&store, joining(2, 1, Sightings::default())).await, Inserted::Created);
    let mut again = joining(2, 2, Sightings::default());
    again.submission.id = id(8);
    let known = [
        join(&store, again).await,
        store.insert_case(intake(NewCase { id: id(9), ..case(2) })).await.expect("it is known"),
    ];
    for inserted in known {
        let Inserted::Existing(case) = inserted else { panic!("{inserted:?}") };
        assert_eq!(case.record.id, id(1));
    }
    assert_eq!(store.find_matter(id(1)).await.expect("it is there").joined.len(), 1);
}

async fn links_stand_on_both_sides(store: Store) {
    for number in [1, 2] {
        take_in(&store, number, Sightings::default()).await;
    }
    let third = Intake { repeats: vec![id(1), id(2)], ..intake(case(3)) };
    assert_eq!(store.insert_case(third).await.expect("it is correct"), Inserted::Created);
    for (number, others) in [(1, vec![3]), (2, vec![3]), (3, vec![2, 1])] {
        let matter = store.find_matter(id(number)).await.expect("it is there");
        let found: Vec<_> = matter.repeats.iter().map(|it| it.id).collect();
        assert_eq!(found, others.into_iter().map(id).collect::<Vec<_>>(), "{number}");
    }
}

async fn an_identifier_that_everybody_has_names_nobody(store: Store) {
    for number in 1..=3 {
        let sightings = look(&store, &["contact:400"]).await;
        take_in(&store, number, sightings).await;
    }
    let common = store.find_sightings(&keys(&["contact:400", "order:1"]), 3).await.expect("it is");
    let earlier = store.list_earlier(&common, minutes_later(-60)).await.expect("it can be asked");
    assert!(earlier.is_empty());
    // They no longer wait for each other either.
    for number in 4..=6 {
        let sightings = store.find_sightings(&keys(&["contact:400"]), 3).await.expect("it is");
        assert_eq!(sightings, Sightings::default());
        assert_eq!(take_in(&store, number, sightings).await, Inserted::Created);
    }
    let ids: HashSet<_> = found(&store, &["contact:400"]).await.into_iter().collect();
    assert_eq!(ids.len(), 3);
}
