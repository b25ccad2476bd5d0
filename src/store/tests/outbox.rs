//! The outbox: announced with the event or not at all, leased by one, in order within a case.

use serde_json::json;
use uuid::Uuid;

use crate::domain::StaffRole;
use crate::store::tests::{case, id, insert, intake, minutes_later, noon, on_both_engines};
use crate::store::{
    ClaimOutcome, Completion, Delivery, Endpoint, Error, Inserted, Intake, NewEvent, Settlement,
    Store, StoredResponse, Topic,
};

on_both_engines!(
    every_event_waits_for_every_endpoint_that_wants_it,
    an_event_that_was_not_written_is_not_announced,
    of_many_carriers_one_has_a_message_and_a_case_keeps_its_order,
    a_dead_letter_can_be_replayed,
    endpoints_change_and_go,
);

fn endpoint(number: u64, kinds: &[&str]) -> Endpoint {
    Endpoint {
        id: id(1000 + number),
        url: "https://crm.example.com/".to_owned(),
        kinds: kinds.iter().map(|it| (*it).to_owned()).collect(),
        with_words: false,
        secret: "whsec_new".to_owned(),
        old_secret: None,
        enabled: true,
        problem: None,
        created_at: noon(),
    }
}

async fn add(store: &Store, number: u64, kinds: &[&str]) -> String {
    store.insert_endpoint(endpoint(number, kinds)).await.expect("it is new");
    id(1000 + number).to_string()
}

async fn note(store: &Store, case_id: Uuid) -> u32 {
    let event = NewEvent {
        at: minutes_later(1),
        actor: "li.lei".to_owned(),
        role: StaffRole::FrontLine,
        kind: "case.taken".to_owned(),
        data: json!({}),
    };
    store.insert_event(case_id, event).await.expect("the case is there")
}

/// Leases what is due an hour later, until the next one.
async fn lease(store: &Store, target: &str, minutes: i64) -> Vec<Delivery> {
    let due = (Topic::Webhook, target);
    let (now, until) = (minutes_later(minutes), minutes_later(minutes + 60));
    store.lease_deliveries(due, now, until, 10).await.expect("it is answered")
}

fn seqs(deliveries: &[Delivery]) -> Vec<(Uuid, u32)> {
    deliveries.iter().map(|it| (it.record.case_id, it.record.seq)).collect()
}

async fn every_event_waits_for_every_endpoint_that_wants_it(store: Store) {
    let all = add(&store, 1, &[]).await;
    let taken = add(&store, 2, &["case.taken"]).await;
    let off = add(&store, 3, &[]).await;
    assert!(store.disable_endpoint(id(1003), Some("410")).await.expect("it is written"));
    insert(&store, case(1)).await;
    note(&store, id(1)).await;
    assert_eq!(seqs(&lease(&store, &all, 60).await), [(id(1), 1)]);
    assert_eq!(seqs(&lease(&store, &taken, 60).await), [(id(1), 2)]);
    assert!(lease(&store, &off, 60).await.is_empty());
    let counts = store.count_outbox().await.expect("it can be counted");
    let webhooks = counts.iter().find(|it| it.topic == Topic::Webhook).expect("it is listed");
    assert_eq!((webhooks.pending, webhooks.dead), (3, 0));
    assert_eq!(webhooks.oldest_at, Some(noon()));
}

async fn an_event_that_was_not_written_is_not_announced(store: Store) {
    let target = add(&store, 1, &[]).await;
    // The case, its event and the announcement are written, then the key turns out to be lost.
    let ClaimOutcome::Claimed(claim) = store.claim("k", "d", noon()).await.expect("answered")
    else {
        panic!("the key is new");
    };
    store.release(claim.clone()).await.expect("it is ours");
    let response = StoredResponse { status: 201, body: "{}".to_owned() };
    let completion = Some(Completion { claim, response });
    let lost = store.insert_case(Intake { completion, ..intake(case(1)) }).await;
    assert!(matches!(lost, Err(Error::ClaimLost)), "{lost:?}");
    assert!(lease(&store, &target, 60).await.is_empty());
    // The same complaint twice is one case and one event.
    insert(&store, case(2)).await;
    let again = store.insert_case(intake(case(2))).await.expect("it is answered");
    assert!(matches!(again, Inserted::Existing(_)));
    assert_eq!(seqs(&lease(&store, &target, 60).await), [(id(2), 1)]);
}

async fn of_many_carriers_one_has_a_message_and_a_case_keeps_its_order(store: Store) {
    let target = add(&store, 1, &[]).await;
    for number in 1..=5 {
        insert(&store, case(number)).await;
        note(&store, id(number)).await;
        note(&store, id(number)).await;
    }
    let carriers: Vec<_> = (0..6)
        .map(|_| {
            let (store, target) = (store.clone(), target.clone());
            tokio::spawn(async move {
                let mut carried = Vec::new();
                for _ in 0..20 {
                    for delivery in lease(&store, &target, 60).await {
                        carried.push((delivery.record.case_id, delivery.record.seq));
                        store.settle(delivery, Settlement::Delivered).await.expect("written");
                    }
                }
                carried
            })
        })
        .collect();
    let mut carried = Vec::new();
    for carrier in carriers {
        let ours = carrier.await.expect("it does not panic");
        for number in 1..=5 {
            let of_case = ours.iter().filter(|it| it.0 == id(number));
            assert!(of_case.is_sorted(), "in the order of the case's events");
        }
        carried.extend(ours);
    }
    carried.sort_unstable();
    let expected: Vec<_> =
        (1..=5).flat_map(|number| (1..=3).map(move |seq| (id(number), seq))).collect();
    assert_eq!(carried, expected, "each once");
}

async fn a_dead_letter_can_be_replayed(store: Store) {
    let target = add(&store, 1, &[]).await;
    insert(&store, case(1)).await;
    note(&store, id(1)).await;
    let first = lease(&store, &target, 60).await.remove(0);
    let problem = "the endpoint answered 500".to_owned();
    let again = Settlement::Again(minutes_later(70), problem.clone());
    store.settle(first.clone(), again).await.expect("it is written");
    assert!(lease(&store, &target, 69).await.is_empty(), "the next of the case waits for it");
    let second = lease(&store, &target, 70).await.remove(0);
    assert_eq!((second.attempts, second.record.seq), (1, 1));
    // Who has lost the lease changes nothing.
    let late = Settlement::Dead(minutes_later(71), "late".to_owned());
    store.settle(first, late).await.expect("it is answered");
    assert!(store.list_dead((Topic::Webhook, &target), 10).await.expect("listed").is_empty());
    let dead = Settlement::Dead(minutes_later(71), problem.clone());
    store.settle(second, dead).await.expect("it is written");
    let letters = store.list_dead((Topic::Webhook, &target), 10).await.expect("it can be read");
    assert_eq!((letters[0].attempts, &letters[0].problem), (2, &Some(problem)));
    assert_eq!(seqs(&lease(&store, &target, 72).await), [(id(1), 2)], "the dead hold up nobody");
    let due = (Topic::Webhook, target.as_str());
    let other = store.replay(due, vec!["evt_other".to_owned()], minutes_later(200)).await;
    assert_eq!(other.expect("it is answered"), 0);
    let ids = vec![letters[0].record.id.clone()];
    assert_eq!(store.replay(due, ids, minutes_later(200)).await.expect("it is written"), 1);
    let replayed = lease(&store, &target, 200).await;
    assert_eq!((replayed[0].attempts, &replayed[0].record.id), (0, &letters[0].record.id));
}

async fn endpoints_change_and_go(store: Store) {
    add(&store, 1, &["case.taken"]).await;
    let mut expected = endpoint(1, &["case.taken"]);
    assert_eq!(store.list_endpoints().await.expect("they can be read"), [expected.clone()]);
    let until = minutes_later(5);
    assert!(store.rotate_secret(id(1001), "whsec_2".to_owned(), until).await.expect("written"));
    assert!(store.disable_endpoint(id(1001), Some("410")).await.expect("written"));
    expected.old_secret =
        Some((std::mem::replace(&mut expected.secret, "whsec_2".to_owned()), until));
    (expected.enabled, expected.problem) = (false, Some("410".to_owned()));
    let found = store.find_endpoint(id(1001)).await.expect("it can be read");
    assert_eq!(found, Some(expected));
    assert!(store.enable_endpoint(id(1001)).await.expect("written"));
    insert(&store, case(1)).await;
    note(&store, id(1)).await;
    assert!(store.delete_endpoint(id(1001)).await.expect("written"));
    assert!(!store.delete_endpoint(id(1001)).await.expect("answered"));
    let counts = store.count_outbox().await.expect("it can be counted");
    assert!(counts.iter().all(|it| it.pending == 0), "nothing waits for nobody");
}
