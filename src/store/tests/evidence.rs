//! Evidence files: a row with its event, within the limit of the case. How they go stands in
//! `erasure`.

use serde_json::json;
use sqlx::AssertSqlSafe;

use crate::domain::{Actor, StaffRole, Tier};
use crate::store::tests::{case, id, insert, minutes_later, on_both_engines};
use crate::store::{
    EvidenceFile, Filed, Filing, LibraryChange, NewEvent, Progress, Revised, Store,
};

on_both_engines!(
    a_file_and_its_event_are_written_together,
    files_above_the_limit_of_a_case_are_refused,
    nothing_changes_or_deletes_a_file,
);

pub(super) fn file(number: u64, digest: &str) -> EvidenceFile {
    EvidenceFile {
        id: id(number),
        name: "屏幕.png".to_owned(),
        media_type: "image/png".to_owned(),
        n_bytes: 600,
        digest: digest.to_owned(),
        at: minutes_later(5),
        by: Actor { name: "wang.fang".to_owned(), role: StaffRole::FrontLine },
    }
}

/// Adds a file to the case with this number, as of a version.
pub(super) async fn add(store: &Store, case: u64, version: u32, file: EvidenceFile) -> Filed {
    let event = NewEvent {
        at: file.at,
        actor: file.by.name.clone(),
        role: file.by.role,
        kind: "case.file_added".to_owned(),
        data: json!({ "file": file.id, "sha256": file.digest }),
    };
    let progress = Progress {
        case_id: id(case),
        version,
        status: "received".to_owned(),
        is_open: true,
        tier: Tier::FrontLine,
        owner: None,
        first_due_at: minutes_later(30),
        resolution_due_at: minutes_later(60),
        alarm_at: None,
        events: vec![event],
        final_labels: None,
        library: LibraryChange::None,
    };
    let filing = Filing { file, progress, most_bytes: 1_500 };
    store.file_evidence(filing).await.expect("it is answered")
}

async fn a_file_and_its_event_are_written_together(store: Store) {
    insert(&store, case(1)).await;
    assert!(!store.find_matter(id(1)).await.expect("it can be read").has_files);
    assert_eq!(add(&store, 1, 1, file(101, "aa")).await, Filed::Revised(Revised::Done(2)));
    assert_eq!(add(&store, 1, 1, file(102, "bb")).await, Filed::Revised(Revised::Stale(2)));
    assert_eq!(add(&store, 9, 1, file(103, "cc")).await, Filed::Revised(Revised::Missing));
    let files = store.list_evidence(id(1)).await.expect("they can be read");
    assert_eq!(files, [file(101, "aa")]);
    let events = store.list_events(id(1)).await.expect("they can be read");
    assert_eq!((events.len(), events[1].record.kind.as_str()), (2, "case.file_added"));
    assert!(store.find_matter(id(1)).await.expect("it can be read").has_files);
    assert!(store.has_evidence("aa").await.expect("it can be read"));
    assert!(!store.has_evidence("bb").await.expect("it can be read"));
}

async fn files_above_the_limit_of_a_case_are_refused(store: Store) {
    insert(&store, case(1)).await;
    add(&store, 1, 1, file(101, "aa")).await;
    add(&store, 1, 2, file(102, "aa")).await;
    assert_eq!(add(&store, 1, 3, file(103, "aa")).await, Filed::Full);
    assert_eq!(store.list_evidence(id(1)).await.expect("they can be read").len(), 2);
    assert_eq!(store.list_events(id(1)).await.expect("they can be read").len(), 3);
}

async fn nothing_changes_or_deletes_a_file(store: Store) {
    insert(&store, case(1)).await;
    add(&store, 1, 1, file(101, "aa")).await;
    for sql in ["DELETE FROM evidence_files", "UPDATE evidence_files SET name = 'x'"] {
        let mut connection = store.write_pool.acquire().await.expect("there is a connection");
        let outcome = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await;
        let error = outcome.expect_err(sql);
        assert!(error.to_string().contains("append-only"), "{sql}: {error}");
    }
}
