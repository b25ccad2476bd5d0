//! A service's database with cases that people have labelled, made by the service's own use cases.

use std::path::Path;

use fenzhen::domain::{Actor, StaffRole};
use fenzhen::evidence::{Limits, Place, Vault};
use fenzhen::store::{Store, StoreOptions};
use fenzhen::triage::{
    CorrectionRequest, Desk, Engine, Knowledge, Receipt, Shelf, Sources, parse_submission,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::workplace::Workplace;

/// When the first case comes in; the others follow by the hour.
const START: &str = "2026-11-01T01:00:00Z";

/// Fills the database of a workplace with these texts and says what people say of every
/// `labelled_each`-th; returns its address.
pub(crate) fn fill(place: &Workplace, texts: &[Value], labelled_each: usize) -> String {
    let address = format!("sqlite://{}", place.path("cases.sqlite").display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(fill_store(&address, &place.models(), texts, labelled_each));
    address
}

async fn fill_store(address: &str, models: &Path, texts: &[Value], labelled_each: usize) {
    let store = Store::connect(address, StoreOptions::default()).await.unwrap();
    store.migrate().await.unwrap();
    let sources = Sources { models: models.to_owned(), ..Sources::default() };
    let engine = Engine::new(Knowledge::load(&sources).unwrap());
    let limits = Limits { file_bytes: 1 << 20, case_bytes: 1 << 20 };
    let place = Place::Folder(models.with_file_name("evidence"));
    let vault = Vault::open(&place, limits).unwrap();
    let desk = Desk::new(engine, store, Shelf::new(models.join("vectors")), vault);
    let start: Timestamp = START.parse().unwrap();
    for (number, text) in (0_i64..).zip(texts) {
        let now = start + SignedDuration::from_hours(number);
        let body = json!({ "text": text["text"], "channel": "chat" });
        let submission = parse_submission(body, now).map_err(|_| "a submission").unwrap();
        let id = format!("{:08x}-0000-7000-8000-{number:012x}", 0x0190_0000 + number);
        let id = id.parse().unwrap();
        let by = Actor { name: "intake".to_owned(), role: StaffRole::System };
        let receipt = Receipt { submission, by, key: None, id, request_id: None, now };
        let answer = desk.receive(receipt).await.unwrap();
        assert_eq!(answer.status, 201);
        if !(number as usize).is_multiple_of(labelled_each) {
            continue;
        }
        let heads = ["category", "severity", "sentiment", "signals"];
        let labels: serde_json::Map<String, Value> =
            heads.iter().map(|head| ((*head).to_owned(), text[*head].clone())).collect();
        let body = json!({
            "version": 1, "reason": "read it", "labels": labels,
            "by": { "name": "li.lei", "role": "triage_lead" },
        });
        let request = CorrectionRequest::parse(body, &desk.engine().knowledge());
        let request = request.map_err(|_| "a correction").unwrap();
        desk.correct(id, request, None, now + SignedDuration::from_mins(5)).await.unwrap();
    }
    desk.close().await;
}
