//! Early warnings: people are counted and not cases, and of many replicas one opens an alert.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::domain::{Actor, Elements, StaffRole};
use crate::store::tests::{case, id, insert, minutes_later, noon, on_both_engines};
use crate::store::{
    Alert, AlertKind, AlertStep, Cluster, Endpoint, NewStep, Revised, Store, Topic,
};

on_both_engines!(
    people_are_counted_by_subject_and_window,
    of_many_replicas_one_opens_an_alert_with_the_cases_behind_it,
    a_closed_alert_stays_quiet_for_a_while,
);

const DAY: SignedDuration = SignedDuration::from_hours(24);

async fn complain(store: &Store, number: u64, customer: Option<&str>, hours_ago: i64) {
    let mut case = case(number);
    case.complaint.received_at = minutes_later(-60 * hours_ago);
    case.elements = Elements {
        customer_id: customer.map(ToOwned::to_owned),
        product: Some("喵呜机".to_owned()),
        ..Elements::default()
    };
    insert(store, case).await;
}

fn cluster(number: u64, minutes: i64) -> Cluster {
    Cluster {
        id: id(5_000 + number),
        kind: AlertKind::Product,
        subject: "喵呜机".to_owned(),
        seen_at: minutes_later(minutes),
        window: DAY,
        n_complainants: 7,
        expected: 0.5,
        threshold: 5,
        quiet: DAY,
    }
}

fn step(version: u32, state: &str, at: Timestamp) -> AlertStep {
    let actor = Actor { name: "li.lei".to_owned(), role: StaffRole::TriageLead };
    let step = NewStep { at, actor, state: state.to_owned(), note: "已停售".to_owned() };
    AlertStep { id: id(5_001), version, step }
}

async fn people_are_counted_by_subject_and_window(store: Store) {
    for (number, customer, hours_ago) in [
        (1, Some("a"), 0),
        (2, Some("a"), 1),
        (3, Some("b"), 23),
        (4, None, 2),
        (5, None, 3),
        (6, Some("a"), 24),
        (7, Some("a"), 49),
    ] {
        complain(&store, number, customer, hours_ago).await;
    }
    let count = async |kind| {
        let counts = store.count_complainants(kind, noon(), (DAY, 2)).await.expect("counted");
        let mut counts: Vec<_> =
            counts.into_iter().map(|it| (it.subject, it.window_idx, it.n_complainants)).collect();
        counts.sort_unstable();
        counts
    };
    let subject = Some("喵呜机".to_owned());
    let expected = [(subject.clone(), 0, 4), (subject, 1, 1)];
    assert_eq!(count(Some(AlertKind::Product)).await, expected);
    assert_eq!(count(None).await, [(None, 0, 4), (None, 1, 1)]);
    assert!(count(Some(AlertKind::Shop)).await.is_empty(), "no case names a shop");
}

async fn of_many_replicas_one_opens_an_alert_with_the_cases_behind_it(store: Store) {
    let endpoint = Endpoint {
        id: id(9_000),
        url: "https://crm.example.com/".to_owned(),
        kinds: vec![Alert::EVENTS[0].to_owned()],
        with_words: false,
        secret: "whsec_new".to_owned(),
        old_secret: None,
        enabled: true,
        problem: None,
        created_at: noon(),
    };
    store.insert_endpoint(endpoint).await.expect("it is new");
    complain(&store, 1, None, 0).await;
    complain(&store, 2, None, 25).await;
    let replicas = (1..=8).map(|number| {
        let store = store.clone();
        tokio::spawn(async move { store.put_cluster(cluster(number, 0)).await.expect("written") })
    });
    let mut n_new = 0;
    for replica in replicas.collect::<Vec<_>>() {
        n_new += u32::from(replica.await.expect("it does not panic"));
    }
    assert_eq!(n_new, 1);
    let alerts = store.list_alerts(None, None, 9).await.expect("they are read").items;
    assert_eq!(alerts.len(), 1);
    let alert = &alerts[0];
    assert_eq!((alert.state.as_str(), alert.version, alert.n_complainants), ("open", 1, 7));
    let behind = async |id: Uuid| store.list_alert_cases(id).await.expect("they are read");
    assert_eq!(behind(alert.id).await, [id(1)], "the other is older than the window");
    let due = (Topic::Webhook, id(9_000).to_string());
    let due = store.lease_deliveries((due.0, &due.1), noon(), minutes_later(9), 9).await;
    let told: Vec<_> = due.expect("leased").iter().map(|it| it.record.case_id).collect();
    assert_eq!(told, [alert.id], "the alert is told once");
    // It grows, and is told no more.
    complain(&store, 3, None, -1).await;
    let grown = Cluster { n_complainants: 9, ..cluster(99, 60) };
    assert!(!store.put_cluster(grown).await.expect("written"));
    assert_eq!(behind(alert.id).await, [id(1), id(3)]);
    let alert = store.find_alert(alert.id).await.expect("read").expect("it is there");
    assert_eq!((alert.n_complainants, alert.seen_at), (9, minutes_later(60)));
}

async fn a_closed_alert_stays_quiet_for_a_while(store: Store) {
    assert!(store.put_cluster(cluster(1, 0)).await.expect("written"));
    let stale = store.step_alert(step(9, "closed", minutes_later(5))).await.expect("answered");
    assert_eq!(stale, Revised::Stale(1));
    let seen = store.step_alert(step(1, "acknowledged", minutes_later(5))).await.expect("answered");
    assert_eq!(seen, Revised::Done(2));
    assert!(!store.put_cluster(cluster(2, 6)).await.expect("written"), "somebody has seen it");
    let closed = store.step_alert(step(2, "closed", minutes_later(10))).await.expect("answered");
    assert_eq!(closed, Revised::Done(3));
    let day = 24 * 60;
    assert!(!store.put_cluster(cluster(3, day)).await.expect("written"), "it is quiet for a day");
    assert!(store.put_cluster(cluster(4, day + 11)).await.expect("written"));
    let open = store.list_alerts(Some("open"), None, 9).await.expect("they are read").items;
    assert_eq!(open.iter().map(|it| it.id).collect::<Vec<_>>(), [id(5_004)]);
    let steps = store.list_steps(id(5_001)).await.expect("they are read");
    let states: Vec<_> = steps.iter().map(|it| it.state.as_str()).collect();
    assert_eq!(states, ["open", "acknowledged", "closed"]);
}
