//! Databases of earlier versions are brought up to date with their cases.

use sqlx::migrate::Migrator;

use crate::domain::StaffRole;
use crate::store::tests::{id, postgres_schema, sqlite_file};
use crate::store::{MIGRATIONS, Store};

/// A case and two events as the first version wrote them.
const FIRST_VERSION: &str = "
    INSERT INTO cases VALUES ('00000000-0001-7000-8000-000000000000', 'chat', 'T-1', '快递丢了',
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '[]', NULL, 'standard', NULL, NULL,
        0, 0, 'received', 1, 'logistics', '物流合作部', 1, 'logistics', 'normal', 1, NULL,
        0, 0, 100.0, 0, 0, 'm@1', '1', 0, '{}');
    INSERT INTO events (case_id, seq, at, actor, kind, data) VALUES
        ('00000000-0001-7000-8000-000000000000', 1, 0, 'intake', 'case.received', '{}'),
        ('00000000-0001-7000-8000-000000000000', 2, 0, 'li.lei', 'case.noted', '{}');";

#[tokio::test]
async fn a_sqlite_file_of_the_first_version_keeps_its_cases() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    check(sqlite_file(&folder).await).await;
}

#[tokio::test]
async fn a_postgresql_schema_of_the_first_version_keeps_its_cases() {
    if let Some(store) = postgres_schema().await {
        check(store).await;
    }
}

async fn check(store: Store) {
    let first = MIGRATIONS.iter().filter(|it| it.version == 1).cloned().collect::<Vec<_>>();
    let first = Migrator { migrations: first.into(), ..Migrator::DEFAULT };
    first.run(&store.write_pool).await.expect("an empty database can be migrated");
    sqlx::raw_sql(FIRST_VERSION).execute(&store.write_pool).await.expect("it fits the tables");
    store.migrate().await.expect("the first version can be brought up to date");
    let case = store.find_case(id(1)).await.expect("it can be read").expect("it is there");
    assert_eq!(case.version, 2);
    let labels = serde_json::to_string(&case.record.triage.labels).expect("it is plain data");
    assert_eq!(labels, r#"{"category":"logistics","severity":"normal"}"#);
    assert!(case.record.triage.model_labels.is_empty());
    let events = store.list_events(id(1)).await.expect("they can be read");
    assert!(events.iter().all(|event| event.record.role == StaffRole::System));
    assert!(store.list_corrections(id(1)).await.expect("they can be read").is_empty());
}
