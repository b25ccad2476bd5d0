//! `kill -9` in the middle of intake under load: every acknowledged case is there afterwards, and
//! none is there twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{BuildHasher, RandomState},
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use fenzhen::store::{CaseFilter, Store, StoreOptions};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use crate::server::{eventually, postgres_schema, root, test_models};

const N_CLIENTS: usize = 8;
const N_ROUNDS: usize = 5;

/// The real binary, which dies with the test.
struct Process {
    child: Child,
    address: String,
}

impl Process {
    fn start(database: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_fenzhen"))
            .env("FENZHEN_MODELS", test_models())
            .args(["serve", "--listen", "127.0.0.1:0", "--database", database, "--log", "off"])
            .current_dir(root())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
        let address =
            line.trim().strip_prefix("fenzhen listens on ").unwrap_or_else(|| panic!("{line}"));
        Self { address: address.to_owned(), child }
    }
}

impl Drop for Process {
    /// SIGKILL: nothing is finished, nothing is flushed.
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Sends one complaint after the other, each under its own key, until one is not answered. What
/// was acknowledged by now: the id of the case by its key.
async fn flood(
    address: Arc<str>,
    keys: Vec<String>,
    n_acknowledged: Arc<AtomicUsize>,
) -> BTreeMap<String, String> {
    let client = Client::new();
    let mut acknowledged = BTreeMap::new();
    for key in keys {
        let Ok(id) = send(&client, &address, &key).await else { break };
        n_acknowledged.fetch_add(1, Ordering::Relaxed);
        acknowledged.insert(key, id);
    }
    acknowledged
}

/// The id of the case, once the service has acknowledged it.
async fn send(client: &Client, address: &str, key: &str) -> reqwest::Result<String> {
    let body = json!({ "text": format!("快递丢了，单号{key}"), "channel": "chat" });
    let request = client.post(format!("{address}/v1/cases")).header("idempotency-key", key);
    let response = request.json(&body).send().await?;
    let status = response.status();
    let case: Value = response.json().await?;
    assert_eq!(status, StatusCode::CREATED, "{case}");
    Ok(case["id"].as_str().unwrap().to_owned())
}

async fn kill_and_count(database: &str) {
    // The service has chosen the cryptography; this process may not have.
    drop(rustls::crypto::ring::default_provider().install_default());
    let mut acknowledged = BTreeMap::new();
    let mut sent = BTreeSet::new();
    for round in 0..N_ROUNDS {
        let process = Process::start(database);
        let address: Arc<str> = process.address.as_str().into();
        let n_acknowledged = Arc::new(AtomicUsize::new(0));
        let floods: Vec<_> = (0..N_CLIENTS)
            .map(|client| {
                let key = |number| format!("{round}-{client}-{number}");
                let keys: Vec<_> = (0..1000).map(key).collect();
                tokio::spawn(flood(Arc::clone(&address), keys, Arc::clone(&n_acknowledged)))
            })
            .collect();
        // At a moment that nobody can foresee, by what has been acknowledged and not by a clock.
        let enough = 20 + RandomState::new().hash_one(round) as usize % 300;
        eventually("the load", async || enough <= n_acknowledged.load(Ordering::Relaxed)).await;
        drop(process);
        for (client, flood) in floods.into_iter().enumerate() {
            let answered = flood.await.unwrap();
            // The one after the last answer is in doubt; the others were never sent.
            sent.insert(format!("{round}-{client}-{}", answered.len()));
            acknowledged.extend(answered);
        }
    }
    assert!(N_ROUNDS * N_CLIENTS < acknowledged.len(), "only {} cases", acknowledged.len());
    let process = Process::start(database);
    let client = Client::new();
    let mut in_doubt = BTreeMap::new();
    for key in &sent {
        // Nobody knows whether it was received: it is sent again under its key. A claim of the
        // process that died holds for a minute at most, so 409 means that it did not get there.
        if let Ok(id) = resend(&client, &process.address, key).await {
            in_doubt.insert(key.clone(), id);
        }
    }
    // What was acknowledged is acknowledged again with the same case.
    for (key, id) in acknowledged.iter().step_by(7) {
        assert_eq!(&send(&client, &process.address, key).await.unwrap(), id, "{key}");
    }
    check(database, &acknowledged, &in_doubt).await;
}

async fn resend(client: &Client, address: &str, key: &str) -> Result<String, StatusCode> {
    let body = json!({ "text": format!("快递丢了，单号{key}"), "channel": "chat" });
    let request = client.post(format!("{address}/v1/cases")).header("idempotency-key", key);
    let response = request.json(&body).send().await.unwrap();
    let status = response.status();
    assert!([StatusCode::CREATED, StatusCode::CONFLICT].contains(&status), "{status}");
    let case: Value = response.json().await.unwrap();
    case["id"].as_str().map(ToOwned::to_owned).ok_or(status)
}

/// Reads every case from the database itself.
async fn check(
    database: &str,
    acknowledged: &BTreeMap<String, String>,
    in_doubt: &BTreeMap<String, String>,
) {
    let store = Store::connect(database, StoreOptions::default()).await.unwrap();
    let mut stored = BTreeMap::new();
    let mut after = None;
    loop {
        let page = store.list_cases(&CaseFilter::default(), after, 200).await.unwrap();
        for case in page.items {
            let text = case.record.complaint.text.as_str();
            let key = text.rsplit_once("单号").unwrap().1.to_owned();
            let id = case.record.id.to_string();
            assert_eq!(store.list_events(case.record.id).await.unwrap().len(), 1);
            assert_eq!(stored.insert(key.clone(), id), None, "`{key}` is there twice");
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    for (key, id) in acknowledged.iter().chain(in_doubt) {
        assert_eq!(stored.remove(key).as_ref(), Some(id), "`{key}` was acknowledged");
    }
    assert!(stored.is_empty(), "cases that nobody was told of: {stored:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_case_is_lost_or_doubled_by_a_kill_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    kill_and_count(&format!("sqlite://{}/cases.sqlite", folder.path().display())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_case_is_lost_or_doubled_by_a_kill_on_postgresql() {
    if let Some(database) = postgres_schema().await {
        kill_and_count(&database).await;
    }
}
