//! Events and corrections are append-only in the database itself, whoever asks.

use serde_json::json;
use sqlx::AssertSqlSafe;

use crate::domain::{Actor, Certainty, Labels, RouteChoice, StaffRole};
use crate::store::tests::{case, id, insert, minutes_later, on_both_engines};
use crate::store::{
    FinalLabels, LabelSource, LibraryChange, NewCorrection, NewEvent, Progress, Revised, Store,
    Triage,
};

on_both_engines!(
    what_was_said_cannot_be_changed_or_deleted,
    an_erasure_blanks_words_and_nothing_else,
    the_guard_survives_another_start,
);

async fn said(store: &Store) {
    insert(store, case(1)).await;
    let labels: Labels = serde_json::from_value(json!({ "severity": "high" })).expect("labels");
    let Triage { severity, first_due_at, resolution_due_at, tier, .. } = case(1).triage;
    let correction = NewCorrection {
        at: minutes_later(5),
        actor: Actor { name: "wang.fang".to_owned(), role: StaffRole::FrontLine },
        source: LabelSource::Archive,
        certainty: Certainty::Clear,
        reason: "王女士说的".to_owned(),
        labels: labels.clone(),
        route: RouteChoice::default(),
    };
    let event = NewEvent {
        at: minutes_later(5),
        actor: "wang.fang".to_owned(),
        role: StaffRole::FrontLine,
        kind: "case.archived".to_owned(),
        data: json!({ "summary": "王女士满意" }),
    };
    let progress = Progress {
        case_id: id(1),
        version: 1,
        status: "archived".to_owned(),
        is_open: false,
        tier,
        owner: None,
        first_due_at,
        resolution_due_at,
        alarm_at: None,
        events: vec![event],
        library: LibraryChange::None,
        final_labels: Some(FinalLabels {
            correction,
            labels,
            category: None,
            severity,
            severity_rank: 1,
            sentiment: None,
        }),
    };
    assert_eq!(store.advance_case(progress).await.expect("it is current"), Revised::Done(2));
}

/// Runs statements as somebody with the database's password would.
async fn run(store: &Store, sql: &str) -> Result<(), sqlx::Error> {
    let mut transaction = store.write_pool.begin().await?;
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut *transaction).await?;
    transaction.commit().await
}

async fn refused(store: &Store, sql: &str) {
    let error = run(store, sql).await.expect_err(sql);
    assert!(error.to_string().contains("append-only"), "{sql}: {error}");
}

async fn what_was_said_cannot_be_changed_or_deleted(store: Store) {
    said(&store).await;
    let before = store.list_events(id(1)).await.expect("they can be read");
    for table in ["events", "corrections"] {
        refused(&store, &format!("DELETE FROM {table}")).await;
        refused(&store, &format!("DELETE FROM {table} WHERE seq = 2")).await;
        refused(&store, &format!("UPDATE {table} SET at = 0")).await;
        refused(&store, &format!("UPDATE {table} SET actor = 'x' WHERE seq = 2")).await;
    }
    refused(&store, "UPDATE events SET data = '{}'").await;
    refused(&store, "UPDATE corrections SET reason = ''").await;
    assert_eq!(store.list_events(id(1)).await.expect("they can be read"), before);
    assert_eq!(store.list_corrections(id(1)).await.expect("they can be read").len(), 1);
}

async fn an_erasure_blanks_words_and_nothing_else(store: Store) {
    said(&store).await;
    let within = |statement: &str| {
        format!(
            "INSERT INTO erasing (case_id) VALUES ('{0}'); {statement}; \
             DELETE FROM erasing WHERE case_id = '{0}'",
            id(1)
        )
    };
    run(&store, &within("UPDATE events SET data = '{}' WHERE seq = 2")).await.expect("allowed");
    run(&store, &within("UPDATE corrections SET reason = ''")).await.expect("allowed");
    let events = store.list_events(id(1)).await.expect("they can be read");
    assert_eq!(events[1].record.data, json!({}));
    assert_eq!(store.list_corrections(id(1)).await.expect("read")[0].record.reason, "");
    refused(&store, &within("UPDATE events SET actor = 'x'")).await;
    refused(&store, &within("UPDATE corrections SET labels = '{}'")).await;
    refused(&store, &within("DELETE FROM events")).await;
    refused(&store, "UPDATE events SET data = '{\"a\":1}'").await;
}

async fn the_guard_survives_another_start(store: Store) {
    said(&store).await;
    store.migrate().await.expect("it is up to date");
    refused(&store, "DELETE FROM events").await;
}
