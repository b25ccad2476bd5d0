//! What the store promises, on both engines. The PostgreSQL half wants a server, whose address
//! stands in `FENZHEN_TEST_POSTGRES`; each test works in a schema of its own.

mod alarms;
mod alerts;
mod cases;
mod corrections;
mod erasure;
mod evidence;
mod guard;
mod idempotency;
mod jobs;
mod library;
mod lists;
mod matters;
mod messages;
mod migrations;
mod outbox;
mod progress;
mod queues;
mod stats;

use std::io::{self, Write};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use uuid::Uuid;

use crate::domain::{Channel, Complaint, CustomerTier, Elements, Labels, StaffRole, Tier};
use crate::store::{Inserted, Intake, NewCase, NewEvent, Sightings, Store, StoreOptions, Triage};

/// Runs every test on both engines.
macro_rules! on_both_engines {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let folder = tempfile::tempdir().expect("a folder can be made");
                super::$test(crate::store::tests::sqlite(&folder).await).await;
            })+
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                if let Some(store) = crate::store::tests::postgres().await {
                    super::$test(store).await;
                }
            })+
        }
    };
}
use on_both_engines;

/// A file without tables.
async fn sqlite_file(folder: &TempDir) -> Store {
    let address = format!("sqlite:{}", folder.path().join("cases.sqlite").display());
    Store::connect(&address, StoreOptions::default()).await.expect("the file can be made")
}

async fn sqlite(folder: &TempDir) -> Store {
    let store = sqlite_file(folder).await;
    store.migrate().await.expect("an empty database can be migrated");
    store
}

/// Counts the schemas of this process.
static SCHEMAS: AtomicU32 = AtomicU32::new(0);

async fn postgres() -> Option<Store> {
    let store = postgres_schema().await?;
    store.migrate().await.expect("an empty schema can be migrated");
    Some(store)
}

/// A schema without tables.
#[expect(clippy::disallowed_methods, reason = "tests alone read this variable")]
async fn postgres_schema() -> Option<Store> {
    let Ok(server) = std::env::var("FENZHEN_TEST_POSTGRES") else {
        // Once, and past the harness, which shows nobody what a test prints that passes.
        static SKIPPED: Once = Once::new();
        let notice = "SKIPPED on PostgreSQL: set FENZHEN_TEST_POSTGRES to a server's address";
        SKIPPED.call_once(|| drop(writeln!(io::stderr(), "{notice}")));
        return None;
    };
    let number = SCHEMAS.fetch_add(1, Ordering::Relaxed);
    let schema = format!("fenzhen_test_{}_{number}", std::process::id());
    let mut connection = PgConnection::connect(&server).await.expect("the server answers");
    let sql = format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .execute(&mut connection)
        .await
        .expect("a schema can be made");
    let separator = if server.contains('?') { '&' } else { '?' };
    let address = format!("{server}{separator}options[search_path]={schema}");
    Some(Store::connect(&address, StoreOptions::default()).await.expect("the server answers"))
}

#[test]
fn who_has_no_postgresql_is_told_once_that_tests_were_skipped() {
    let tests = std::env::current_exe().expect("this is one");
    let mut tests = std::process::Command::new(tests);
    let output = tests
        .args(["store::tests::cases::postgres", "--test-threads=2"])
        .env_remove("FENZHEN_TEST_POSTGRES")
        .output()
        .expect("it can be run again");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    assert_eq!(told.matches("SKIPPED on PostgreSQL").count(), 1, "{told}");
}

fn noon() -> Timestamp {
    "2026-03-09T12:00:00+08:00".parse().expect("it is a time")
}

fn minutes_later(minutes: i64) -> Timestamp {
    noon() + SignedDuration::from_mins(minutes)
}

/// Ids that sort by their number, as v7 ids sort by time.
fn id(number: u64) -> Uuid {
    Uuid::from_u64_pair((number << 16) | 0x7000, 1 << 63)
}

/// A plain case.
fn case(number: u64) -> NewCase {
    NewCase {
        id: id(number),
        external_id: Some(format!("T-{number}")),
        complaint: Complaint {
            text: "快递三天没有动静".parse().expect("it is not blank"),
            channel: Some(Channel::Chat),
            amount: None,
            customer_tier: CustomerTier::Standard,
            prior_contacts: None,
            received_at: noon(),
        },
        elements: Elements::default(),
        occurred_at: None,
        created_at: noon(),
        owner: None,
        triage: Triage {
            queue: "logistics".parse().expect("it is a name"),
            department: "物流合作部".to_owned(),
            tier: Tier::FrontLine,
            category: None,
            severity: "normal".parse().expect("it is a name"),
            severity_rank: 1,
            sentiment: None,
            executive_review: false,
            needs_triage: false,
            priority: 100.0,
            first_due_at: minutes_later(120),
            resolution_due_at: minutes_later(3 * 24 * 60),
            model_version: None,
            rules_version: "1".to_owned(),
            fallback: true,
            model_labels: Labels::default(),
            labels: Labels::default(),
            answer: "{}".to_owned(),
        },
    }
}

fn intake(case: NewCase) -> Intake {
    let event = NewEvent {
        at: case.created_at,
        actor: "key:test".to_owned(),
        role: StaffRole::System,
        kind: "case.received".to_owned(),
        data: json!({ "queue": case.triage.queue.as_str() }),
    };
    let sightings = Sightings::default();
    Intake { case, event, alarm_at: None, sightings, repeats: Vec::new(), completion: None }
}

async fn insert(store: &Store, case: NewCase) {
    let inserted = store.insert_case(intake(case)).await.expect("the case is correct");
    assert_eq!(inserted, Inserted::Created);
}
