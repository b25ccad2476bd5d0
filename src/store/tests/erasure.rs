//! Erasure: what is about a person is gone from every table, and the figures stay.

use jiff::Timestamp;
use serde_json::json;
use sqlx::AssertSqlSafe;

use crate::domain::{Elements, MessageKind, Money, StaffRole, Tier};
use crate::store::tests::evidence::{add, file};
use crate::store::tests::messages::{message, send};
use crate::store::tests::{case, id, intake, minutes_later, noon, on_both_engines};
use crate::store::{
    Archived, Deferral, Erasable, Erasure, Filed, Inserted, Intake, LibraryChange, LibraryFilter,
    Message, NewAudit, NewEntry, NewEvent, Person, Progress, Recipient, Revised, StatsFilter,
    Store, StoredVector,
};

on_both_engines!(
    an_erasure_reaches_the_library_the_outbox_and_what_tells_whose_it_is,
    an_open_case_and_one_that_has_changed_are_not_erased,
    what_is_over_and_what_was_asked_for_is_due,
);

const MODEL: i64 = 7;
const CONTACT: &str = "contact:13912345678";

fn audit(number: u64) -> NewAudit {
    NewAudit {
        at: minutes_later(500),
        actor: "zhao.min".to_owned(),
        role: StaffRole::ServiceDirector,
        action: "personal_data.erased".to_owned(),
        subject: id(number).to_string(),
        data: json!({}),
    }
}

fn event(kind: &str, at: Timestamp, data: serde_json::Value) -> NewEvent {
    let (actor, role) = ("li.lei".to_owned(), StaffRole::TriageLead);
    NewEvent { at, actor, role, kind: kind.to_owned(), data }
}

fn erasure(number: u64, version: u32) -> Erasure {
    Erasure {
        case_id: id(number),
        version,
        blank: "（已删除）",
        events: vec![(5, json!({ "summary": "（已删除）" }))],
        event: event("case.erased", minutes_later(500), json!({ "reason": "other_law" })),
        audit: audit(number),
    }
}

/// A case of 欧阳若兰 with an evidence file that is archived so many minutes after noon, with an entry in the library
/// and a vector.
async fn archive(store: &Store, number: u64, minutes: i64) {
    let mut case = case(number);
    case.complaint.text = "欧阳若兰的紫砂壶裂了".parse().expect("it is not blank");
    case.elements = Elements {
        customer_id: Some(format!("c-{number}")),
        customer_contact: Some("139-1234-5678".to_owned()),
        ..Elements::default()
    };
    let sightings = store.find_sightings(&[CONTACT.to_owned()], 99).await.expect("looked up");
    let repeats = if number == 1 { Vec::new() } else { vec![id(number - 1)] };
    let intake = Intake { sightings, repeats, ..intake(case) };
    let inserted = store.insert_case(intake).await.expect("it is correct");
    assert_eq!(inserted, Inserted::Created);
    let filed = add(store, number, 1, file(100 + number, "aa")).await;
    assert_eq!(filed, Filed::Revised(Revised::Done(2)));
    let mut told = message(MessageKind::Result);
    told.text = "欧阳若兰您好".to_owned();
    assert_eq!(send(store, number, 2, told).await, Revised::Done(4));
    let archived = Archived {
        case_id: id(number),
        archived_at: minutes_later(minutes),
        received_at: noon(),
        settled_at: Some(minutes_later(60)),
        category: None,
        severity: "normal".parse().expect("it is a name"),
        department: "物流合作部".to_owned(),
        liability: Some("company".to_owned()),
        outcome: vec!["refund".to_owned()],
        compensation: Money::default(),
        refund: Money::from_fen(39_900),
        satisfaction: Some(4),
        n_reopened: 0,
        category_right: Some(true),
        severity_right: None,
        summary: "欧阳若兰满意".to_owned(),
    };
    let terms = ["欧", "阳", "欧阳", "zishahu0077"].map(ToOwned::to_owned).to_vec();
    let progress = Progress {
        case_id: id(number),
        version: 4,
        status: "archived".to_owned(),
        is_open: false,
        tier: Tier::FrontLine,
        owner: None,
        first_due_at: noon(),
        resolution_due_at: noon(),
        alarm_at: None,
        events: vec![event(
            "case.archived",
            minutes_later(minutes),
            json!({ "summary": "欧阳若兰满意" }),
        )],
        final_labels: None,
        library: LibraryChange::Put(Box::new(NewEntry { archived, terms })),
    };
    assert_eq!(store.advance_case(progress).await.expect("it is current"), Revised::Done(5));
}

async fn figures(store: &Store) -> String {
    let filter = StatsFilter {
        from: minutes_later(-9),
        until: minutes_later(999),
        department: None,
        category: None,
    };
    let received = store.count_received(&filter, 0).await.expect("they are counted");
    let archived = store.count_archived(&filter).await.expect("they are counted");
    format!("{received:?} {archived:?}")
}

async fn count(store: &Store, sql: &'static str) -> i64 {
    let count = sqlx::query_scalar(sql).fetch_one(&store.pool).await;
    count.expect("it is counted")
}

async fn an_erasure_reaches_the_library_the_outbox_and_what_tells_whose_it_is(store: Store) {
    for number in 1..=2 {
        archive(&store, number, 100).await;
        let vector = vec![StoredVector { number: number.cast_signed(), vector: vec![7; 384] }];
        store.insert_vectors(MODEL, vector).await.expect("it fits the table");
    }
    let before = figures(&store).await;
    let waiting = "SELECT COUNT(*) FROM outbox WHERE topic = 'message'";
    assert_eq!(count(&store, waiting).await, 2);
    assert_eq!(store.erase_case(erasure(1, 5)).await.expect("answered"), Revised::Done(6));
    store.purge().await.expect("the database is tidied");
    assert_eq!(figures(&store).await, before);
    let found = store.find_case(id(1)).await.expect("it is read").expect("it is there");
    assert_eq!((found.version, found.record.complaint.text.as_str()), (6, "（已删除）"));
    assert_eq!(found.record.elements, Elements::default());
    // The library shows the other case alone, on every road.
    let filter = |term: &str| LibraryFilter { terms: vec![term.to_owned()], ..Default::default() };
    for filter in [filter("欧阳"), filter("zishahu0077"), LibraryFilter::default()] {
        let page = store.search_library(&filter, None, 1).await.expect("it is read");
        assert_eq!(page.items.len(), 1, "{filter:?}");
        assert_eq!(page.items[0].number, 2);
        assert!(page.next.is_none());
        assert_eq!(store.count_library(&filter).await.expect("counted").value, 1);
    }
    assert!(store.find_archived(&[1]).await.expect("it is read").is_empty());
    // Vectors: none is left, none is written late, and copies are known to be stale.
    let late = vec![StoredVector { number: 1, vector: vec![7; 384] }];
    store.insert_vectors(MODEL + 1, late).await.expect("it fits the table");
    for model in [MODEL, MODEL + 1] {
        let vectors = store.list_vectors(model, (1, 1), 9).await.expect("they are read");
        assert_eq!(vectors[0].vector, Vec::<u8>::new(), "of model {model}");
    }
    assert_eq!(store.count_erased_entries().await.expect("it is read"), 1);
    // The file is gone from this case, and its bytes are the other's alone.
    assert!(store.list_evidence(id(1)).await.expect("they are read").is_empty());
    assert_eq!(store.list_evidence(id(2)).await.expect("they are read").len(), 1);
    assert!(store.has_evidence("aa").await.expect("it is read"));
    // Nothing tells any more whose it was.
    assert_eq!(count(&store, waiting).await, 1);
    let told = store.find_message(id(1), 4).await.expect("it is read").expect("it stays");
    let to = Recipient { contact: String::new(), name: None, relation: None };
    assert_eq!(told, Message { to, text: String::new(), ..message(MessageKind::Result) });
    assert_eq!(count(&store, "SELECT COUNT(*) FROM case_links").await, 0);
    let sightings = store.find_sightings(&[CONTACT.to_owned()], 99).await.expect("looked up");
    let person = Person { sightings, ..Person::default() };
    assert_eq!(store.list_cases_of_person(&person).await.expect("they are read"), [id(2)]);
    assert_eq!(store.erase_case(erasure(2, 5)).await.expect("answered"), Revised::Done(6));
    assert_eq!(count(&store, "SELECT COUNT(*) FROM identifiers").await, 0);
    assert!(!store.has_evidence("aa").await.expect("it is read"));
    assert_eq!(count(&store, "SELECT COUNT(*) FROM erasing").await, 0);
}

async fn an_open_case_and_one_that_has_changed_are_not_erased(store: Store) {
    archive(&store, 1, 100).await;
    let open = Intake { ..intake(case(2)) };
    store.insert_case(open).await.expect("it is correct");
    assert_eq!(store.erase_case(erasure(1, 4)).await.expect("answered"), Revised::Stale(5));
    assert_eq!(store.erase_case(erasure(2, 1)).await.expect("answered"), Revised::Stale(1));
    assert_eq!(store.erase_case(erasure(3, 1)).await.expect("answered"), Revised::Missing);
    assert_eq!(store.erase_case(erasure(1, 5)).await.expect("answered"), Revised::Done(6));
    assert_eq!(store.erase_case(erasure(1, 6)).await.expect("answered"), Revised::Stale(6));
    let events = store.list_events(id(1)).await.expect("they are read");
    assert_eq!(events.len(), 6, "it is erased once");
    assert_eq!(events[4].record.data, json!({ "summary": "（已删除）" }));
    let sql = "SELECT COUNT(*) FROM audit";
    assert_eq!(count(&store, sql).await, 1);
}

async fn what_is_over_and_what_was_asked_for_is_due(store: Store) {
    for (number, minutes) in [(1, 100), (2, 200), (3, 300), (4, 300)] {
        archive(&store, number, minutes).await;
    }
    let deferral = Deferral { case_id: id(3), audit: audit(3) };
    store.defer_erasure(deferral).await.expect("it is written");
    let due = async |over: i64, asked: i64| {
        let due = Erasable { over_before: minutes_later(over), asked_before: minutes_later(asked) };
        store.list_erasable(due, 9).await.expect("it is read")
    };
    assert!(due(100, 300).await.is_empty());
    assert_eq!(due(101, 300).await, [id(1)]);
    assert_eq!(due(101, 301).await, [id(1), id(3)]);
    assert_eq!(due(301, 301).await, [id(1), id(2), id(3), id(4)]);
    store.erase_case(erasure(1, 5)).await.expect("answered");
    assert_eq!(due(101, 301).await, [id(3)]);
}

/// What was deleted from a file can be read from it until it is overwritten.
#[tokio::test]
async fn the_bytes_of_a_sqlite_file_hold_nothing_that_was_erased() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let store = crate::store::tests::sqlite(&folder).await;
    for number in 1..=20 {
        archive(&store, number, 100).await;
    }
    let holds = |word: &str| {
        ["cases.sqlite", "cases.sqlite-wal"].into_iter().any(|name| {
            let bytes = std::fs::read(folder.path().join(name)).unwrap_or_default();
            bytes.windows(word.len()).any(|window| window == word.as_bytes())
        })
    };
    let planted = ["欧阳若兰的紫砂壶", "139-1234-5678", "欧阳若兰满意", "ishahu0077"];
    for word in planted {
        assert!(holds(word), "the file can be searched for {word}");
    }
    for number in 1..=20 {
        store.erase_case(erasure(number, 5)).await.expect("answered");
    }
    store.purge().await.expect("the database is tidied");
    for word in planted {
        assert!(!holds(word), "{word} is left");
    }
    let sql = "INSERT INTO archive_terms (archive_terms) VALUES ('integrity-check')";
    let whole = sqlx::query(AssertSqlSafe(sql)).execute(&store.write_pool).await;
    whole.expect("the index is whole");
}
