//! How many cases a SQLite file takes in per second when each is acknowledged only once it is on
//! disk: one sender after another, and 64 at a time. A case has 300 characters and an answer of
//! 2,000 bytes. The figures are those of the disk as much as of the code.

use std::sync::atomic::{AtomicU64, Ordering};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use fenzhen::domain::{Complaint, CustomerTier, Elements, Labels, StaffRole, Tier};
use fenzhen::store::{
    ClaimOutcome, Completion, Intake, NewCase, NewEvent, Sightings, Store, StoreOptions,
    StoredResponse, Triage,
};
use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Runtime;
use uuid::Uuid;

static NUMBERS: AtomicU64 = AtomicU64::new(1);

fn intake(received_at: Timestamp) -> Intake {
    let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
    let triage = Triage {
        queue: "logistics".parse().expect("it is a name"),
        department: "物流合作部".to_owned(),
        tier: Tier::FrontLine,
        category: Some("logistics".parse().expect("it is a name")),
        severity: "normal".parse().expect("it is a name"),
        severity_rank: 1,
        sentiment: Some("angry".parse().expect("it is a name")),
        executive_review: false,
        needs_triage: false,
        priority: (number % 300) as f64,
        first_due_at: received_at,
        resolution_due_at: received_at + SignedDuration::from_secs(number.cast_signed()),
        model_version: Some("2026-03".to_owned()),
        rules_version: "1".to_owned(),
        fallback: false,
        model_labels: Labels::default(),
        labels: Labels::default(),
        answer: "x".repeat(2000),
    };
    let case = NewCase {
        id: Uuid::from_u64_pair((number << 16) | 0x7000, 1 << 63),
        external_id: Some(format!("T-{number}")),
        complaint: Complaint {
            text: "快递三天没有动静，催了也没人理。".repeat(19).parse().expect("it is not blank"),
            channel: None,
            amount: None,
            customer_tier: CustomerTier::Standard,
            prior_contacts: None,
            received_at,
        },
        elements: Elements::default(),
        occurred_at: None,
        created_at: received_at,
        owner: None,
        triage,
    };
    let event = NewEvent {
        at: received_at,
        actor: "key:bench".to_owned(),
        role: StaffRole::System,
        kind: "case.received".to_owned(),
        data: serde_json::json!({}),
    };
    let (alarm_at, sightings) = (Some(case.triage.first_due_at), Sightings::default());
    Intake { case, event, alarm_at, sightings, repeats: Vec::new(), completion: None }
}

/// Claims a key first and stores the answer under it, as a request with an idempotency key does.
async fn insert_with_key(store: Store, mut intake: Intake) {
    let now = intake.case.created_at;
    let key = intake.case.id.to_string();
    let ClaimOutcome::Claimed(claim) = store.claim(&key, "d", now).await.expect("it answers")
    else {
        panic!("the key is new");
    };
    let response = StoredResponse { status: 201, body: intake.case.triage.answer.clone() };
    intake.completion = Some(Completion { claim, response });
    store.insert_case(intake).await.expect("the case is new");
}

fn inserts(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime can be made");
    let folder = tempfile::tempdir().expect("a folder can be made");
    let address = format!("sqlite:{}", folder.path().join("cases.sqlite").display());
    let store = runtime.block_on(async {
        let store = Store::connect(&address, StoreOptions::default()).await.expect("it opens");
        store.migrate().await.expect("it is empty");
        store
    });
    let received_at: Timestamp = "2026-09-29T10:00:00+08:00".parse().expect("it is a time");
    let mut group = criterion.benchmark_group("store_sqlite_insert_300_chars");
    for n_senders in [1, 64] {
        let intakes = || (0..n_senders).map(|_| intake(received_at)).collect::<Vec<_>>();
        group.throughput(Throughput::Elements(n_senders));
        group.bench_function(format!("{n_senders}_at_a_time"), |bencher| {
            let insert = |intakes: Vec<Intake>| {
                runtime.block_on(async {
                    let sends = intakes.into_iter().map(|intake| {
                        let store = store.clone();
                        tokio::spawn(async move { store.insert_case(intake).await })
                    });
                    for send in sends.collect::<Vec<_>>() {
                        send.await.expect("it does not panic").expect("the case is new");
                    }
                });
            };
            bencher.iter_batched(intakes, insert, BatchSize::SmallInput);
        });
        group.bench_function(format!("{n_senders}_at_a_time_with_key"), |bencher| {
            let insert = |intakes: Vec<Intake>| {
                runtime.block_on(async {
                    let sends = intakes
                        .into_iter()
                        .map(|intake| tokio::spawn(insert_with_key(store.clone(), intake)));
                    for send in sends.collect::<Vec<_>>() {
                        send.await.expect("it does not panic");
                    }
                });
            };
            bencher.iter_batched(intakes, insert, BatchSize::SmallInput);
        });
    }
    group.finish();
}

criterion_group!(benches, inserts);
criterion_main!(benches);
