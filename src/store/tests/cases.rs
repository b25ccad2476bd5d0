//! Storing, finding and listing cases and their events.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::json;

use crate::domain::{Channel, CustomerTier, Elements, Money, StaffRole, Tier};
use crate::store::tests::{case, id, insert, intake, minutes_later, noon, on_both_engines};
use crate::store::{
    CaseCursor, CaseFilter, Constraint, Error, Inserted, NewCase, NewEvent, RECEIVED, Store,
    StoreOptions,
};

on_both_engines!(
    a_case_reads_back_as_it_was_written,
    the_tables_are_migrated_once,
    a_case_that_is_sent_twice_is_stored_once,
    concurrent_senders_of_one_case_store_it_once,
    a_wrong_case_does_not_take_others_along,
    errors_do_not_quote_people,
    lists_are_filtered,
    pages_neither_repeat_nor_miss_cases_while_others_come_in,
    events_are_numbered,
);

/// A case with every column set.
fn full_case() -> NewCase {
    let mut case = case(1);
    case.complaint.amount = Some(Money::from_fen(39_950));
    case.complaint.customer_tier = CustomerTier::Vip;
    case.complaint.prior_contacts = Some(2);
    case.elements = Elements {
        customer_id: Some("u-7".to_owned()),
        customer_name: Some("张三丰".to_owned()),
        customer_contact: Some("138****1234".to_owned()),
        product: Some("电热毯".to_owned()),
        shop: None,
        employee: None,
        order_number: Some("SO-1".to_owned()),
        demand: Some("退款".to_owned()),
        evidence: vec!["https://example.com/1.jpg".to_owned()],
    };
    case.occurred_at = Some(minutes_later(-600));
    case.owner = Some("wang.fang".to_owned());
    case.triage.tier = Tier::Executive;
    case.triage.category = Some("safety".parse().expect("it is a name"));
    case.triage.sentiment = Some("angry".parse().expect("it is a name"));
    case.triage.executive_review = true;
    case.triage.needs_triage = true;
    case.triage.priority = 321.125;
    case.triage.model_version = Some("2026-03".to_owned());
    case.triage.fallback = false;
    case.triage.answer = json!({ "queue": "高层评审" }).to_string();
    case
}

async fn a_case_reads_back_as_it_was_written(store: Store) {
    for case in [full_case(), case(2)] {
        insert(&store, case.clone()).await;
        let found = store.find_case(case.id).await.expect("it can be read").expect("it is there");
        assert_eq!(found.status, RECEIVED);
        assert!(found.record == case, "case {} differs", case.id);
    }
    assert_eq!(store.find_case(id(3)).await.expect("it can be asked"), None);
}

async fn the_tables_are_migrated_once(store: Store) {
    store.migrate().await.expect("there is nothing to do");
    store.ping().await.expect("the database answers");
    let version = store.schema_version().await.expect("there are tables");
    assert_eq!(version, Store::expected_schema_version());
}

async fn a_case_that_is_sent_twice_is_stored_once(store: Store) {
    insert(&store, case(1)).await;
    let again = NewCase { id: id(2), ..case(1) };
    let inserted = store.insert_case(intake(again)).await.expect("it is known");
    let Inserted::Existing(existing) = inserted else { panic!("it was stored twice") };
    assert_eq!(existing.record.id, id(1));
    assert_eq!(store.find_case(id(2)).await.expect("it can be asked"), None);
    assert_eq!(store.list_events(id(1)).await.expect("they can be read").len(), 1);

    // Another channel counts for itself, and so does a case without an external id.
    let mut elsewhere = NewCase { id: id(3), ..case(1) };
    elsewhere.complaint.channel = None;
    insert(&store, elsewhere.clone()).await;
    for number in [4, 5] {
        insert(&store, NewCase { id: id(number), external_id: None, ..case(1) }).await;
    }
    let again = store.insert_case(intake(NewCase { id: id(6), ..elsewhere })).await;
    assert!(matches!(again, Ok(Inserted::Existing(_))), "{again:?}");
}

async fn concurrent_senders_of_one_case_store_it_once(store: Store) {
    let senders: Vec<_> = (1..=24)
        .map(|number| {
            let store = store.clone();
            let case = NewCase { id: id(number), ..case(1) };
            tokio::spawn(
                async move { store.insert_case(intake(case)).await.expect("it is correct") },
            )
        })
        .collect();
    let mut n_created = 0;
    let mut ids = HashSet::new();
    for sender in senders {
        match sender.await.expect("it does not panic") {
            Inserted::Created => n_created += 1,
            Inserted::Existing(case) => {
                ids.insert(case.record.id);
            }
            Inserted::Changed => panic!("nothing was looked up"),
        }
    }
    assert_eq!((n_created, ids.len()), (1, 1));
    let page = store.list_cases(&CaseFilter::default(), None, 50).await.expect("it can be listed");
    assert_eq!(page.items.iter().map(|case| case.record.id).collect::<HashSet<_>>(), ids);
}

async fn a_wrong_case_does_not_take_others_along(store: Store) {
    insert(&store, case(1)).await;
    let senders: Vec<_> = (2..=40)
        .map(|number| {
            let store = store.clone();
            // Every third has an id that is taken.
            let id = if number % 3 == 0 { id(1) } else { id(number) };
            let case = NewCase { id, ..case(number) };
            tokio::spawn(async move { (number, store.insert_case(intake(case)).await) })
        })
        .collect();
    for sender in senders {
        let (number, inserted) = sender.await.expect("it does not panic");
        match inserted {
            Ok(inserted) => {
                assert_eq!((inserted, number % 3 == 0), (Inserted::Created, false));
                assert!(store.find_case(id(number)).await.expect("it can be read").is_some());
            }
            Err(error) => {
                assert!(matches!(error, Error::Broken(Constraint::CaseId)), "{error:?}");
                assert_eq!(number % 3, 0);
            }
        }
    }
}

async fn errors_do_not_quote_people(store: Store) {
    insert(&store, full_case()).await;
    let mut again = full_case();
    again.external_id = None;
    let taken = store.insert_case(intake(again.clone())).await.expect_err("the id is taken");
    again.id = id(9);
    again.triage.rules_version = "\0".to_owned();
    let refused = store.insert_case(intake(again)).await;
    for error in [Err(taken), refused].into_iter().filter_map(Result::<Inserted, _>::err) {
        let source = std::error::Error::source(&error).map(|source| format!("{source} {source:?}"));
        let words = format!("{error} {error:?} {source:?}");
        assert!(!words.contains("张三丰") && !words.contains("快递"), "{words}");
    }
}

async fn lists_are_filtered(store: Store) {
    let mut other = full_case();
    other.id = id(2);
    other.external_id = Some("T-2".to_owned());
    other.complaint.channel = Some(Channel::Regulator);
    other.triage.queue = "executive".parse().expect("it is a name");
    other.triage.severity = "critical".parse().expect("it is a name");
    insert(&store, case(1)).await;
    insert(&store, other).await;
    let name = |text: &str| Some(text.parse().expect("it is a name"));
    let all = CaseFilter::default;
    let filters = [
        (all(), 2),
        (CaseFilter { queue: Some("executive".parse().expect("it is a name")), ..all() }, 1),
        (CaseFilter { status: Some("closed".to_owned()), ..all() }, 0),
        (CaseFilter { status: Some(RECEIVED.to_owned()), ..all() }, 2),
        (CaseFilter { category: name("safety"), ..all() }, 1),
        (CaseFilter { severity: name("critical"), ..all() }, 1),
        (CaseFilter { executive_review: Some(false), ..all() }, 1),
        (CaseFilter { needs_triage: Some(true), severity: name("normal"), ..all() }, 0),
        (CaseFilter { channel: Some(Channel::Regulator), needs_triage: Some(true), ..all() }, 1),
    ];
    for (filter, expected) in filters {
        let page = store.list_cases(&filter, None, 10).await.expect("it can be listed");
        assert_eq!(page.items.len(), expected, "{filter:?}");
        assert_eq!(page.next, None);
    }
}

async fn pages_neither_repeat_nor_miss_cases_while_others_come_in(store: Store) {
    for number in 1..=25 {
        insert(&store, case(number)).await;
    }
    let mut seen = Vec::new();
    let mut after = None;
    let mut newer = 100;
    loop {
        let page =
            store.list_cases(&CaseFilter::default(), after, 10).await.expect("it can be listed");
        seen.extend(page.items.iter().map(|case| case.record.id));
        insert(&store, case(newer)).await;
        newer += 1;
        let Some(next) = page.next else { break };
        after = Some(next.to_string().parse::<CaseCursor>().expect("a cursor reads back"));
    }
    assert_eq!(seen, (1..=25).rev().map(id).collect::<Vec<_>>());
}

async fn events_are_numbered(store: Store) {
    insert(&store, case(1)).await;
    let event = NewEvent {
        at: noon(),
        actor: "agent-7".to_owned(),
        role: StaffRole::FrontLine,
        kind: "case.corrected".to_owned(),
        data: json!({ "severity": ["normal", "high"] }),
    };
    assert_eq!(store.insert_event(id(1), event.clone()).await.expect("the case is there"), 2);
    let events = store.list_events(id(1)).await.expect("they can be read");
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(events[0].record, intake(case(1)).event);
    assert_eq!(events[1].record, event);
    let lost = store.insert_event(id(2), event).await;
    assert!(matches!(lost, Err(Error::Broken(Constraint::EventCase))), "{lost:?}");
}

#[tokio::test]
async fn a_file_keeps_what_was_acknowledged_when_the_process_just_ends() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let store = crate::store::tests::sqlite(&folder).await;
    insert(&store, case(1)).await;
    // Nobody closes the first store: a second process opens the file beside it.
    let beside = crate::store::tests::sqlite(&folder).await;
    assert!(beside.find_case(id(1)).await.expect("it can be read").is_some());
    store.close().await;
    assert!(matches!(store.insert_case(intake(case(2))).await, Err(Error::Closed)));
}

#[tokio::test]
async fn only_addresses_of_databases_that_keep_cases_are_opened() {
    for address in
        ["sqlite::memory:", "sqlite:x?mode=memory", "mysql://localhost/x", "cases.db", ""]
    {
        let opened = Store::connect(address, StoreOptions::default()).await;
        assert!(matches!(opened, Err(Error::Address)), "`{address}`");
    }
    let secret = "postgres://fenzhen:geheim@127.0.0.1:1/x";
    let options = StoreOptions { timeout: Duration::from_millis(200), ..StoreOptions::default() };
    let error = Store::connect(secret, options).await.expect_err("nobody listens");
    assert!(!format!("{error} {error:?}").contains("geheim"));
}
