//! Models change places under load, and no complaint notices.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::Arc,
    sync::atomic::{AtomicBool, Ordering},
};

use fenzhen::registry::{Action, BundleWriter, Change, Live, Registry};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::blend::write_blend;
use crate::server::{NOW, Server, Setup, test_models};

/// How often another model goes live.
const N_SWAPS: usize = 6;
/// How many clients send complaints, one after the other each.
const N_CLIENTS: usize = 4;

/// The shipped model under another name.
fn rename(models: &Path, name: &str) -> Live {
    let shipped = Registry::open(&test_models()).unwrap().live().unwrap();
    let mut writer = BundleWriter::create(&models.join(name)).unwrap();
    for file in &shipped.manifest().files {
        writer.add(&file.name, &shipped.read(&file.name).unwrap()).unwrap();
    }
    Live::of(&writer.finish(shipped.manifest().clone()).unwrap())
}

pub(crate) fn go_live(registry: &Registry, to: &Live) {
    let change = Change {
        at: NOW.parse().unwrap(),
        action: Action::Promote,
        by: "test".to_owned(),
        why: "to and fro".to_owned(),
        from: registry.find_live().unwrap(),
        to: to.clone(),
        forced: false,
        metrics: BTreeMap::new(),
        checks: Vec::new(),
    };
    registry.change(&change).unwrap();
}

/// Sends complaints until it is told to stop; what each was answered goes to `answers`.
async fn send(
    server: Arc<Server>,
    client: usize,
    done: Arc<AtomicBool>,
    answers: mpsc::UnboundedSender<(StatusCode, Value)>,
) {
    for number in 0.. {
        if done.load(Ordering::Relaxed) {
            return;
        }
        let body = json!({
            "text": format!("第{client}家店的第{number}单，快递五天没送到，客服也不回"),
            "channel": "chat",
            "external_id": format!("{client}-{number}"),
        });
        answers.send(server.submit("/v1/cases", &body).await).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_complaint_is_lost_while_models_change_places() {
    let models = tempfile::tempdir().unwrap();
    // One answers on the spot, the others through the queue of their encoders.
    let (a, b) = (rename(models.path(), "a"), write_blend(models.path(), "b"));
    let c = write_blend(models.path(), "c");
    let registry = Registry::open(models.path()).unwrap();
    go_live(&registry, &a);
    let mut setup = Setup::default();
    setup.sources.models = models.path().to_owned();
    let server = Arc::new(Server::start_with(setup).await);
    let done = Arc::new(AtomicBool::new(false));
    let (sender, mut answers) = mpsc::unbounded_channel();
    for client in 0..N_CLIENTS {
        tokio::spawn(send(Arc::clone(&server), client, Arc::clone(&done), sender.clone()));
    }
    drop(sender);

    // The next model goes live as soon as an answer names the last one.
    let mut waiting = [&b, &c, &a].into_iter().cycle().take(N_SWAPS);
    let mut expected = a.version();
    let mut by_version: BTreeMap<String, usize> = BTreeMap::new();
    let mut ids = Vec::new();
    while let Some((status, case)) = answers.recv().await {
        assert_eq!(status, StatusCode::CREATED, "{case}");
        assert_eq!(case["classification"]["fallback"], false);
        let version = case["classification"]["model"]["version"].as_str().unwrap();
        *by_version.entry(version.to_owned()).or_default() += 1;
        ids.push(case["id"].as_str().unwrap().to_owned());
        if version == expected {
            match waiting.next() {
                Some(next) => {
                    go_live(&registry, next);
                    expected = next.version();
                }
                None => done.store(true, Ordering::Relaxed),
            }
        }
    }
    let versions: Vec<&String> = by_version.keys().collect();
    assert_eq!(versions, [&a.version(), &b.version(), &c.version()]);
    for id in &ids {
        server.get_json(&format!("/v1/cases/{id}")).await;
    }
    assert_eq!(registry.history().unwrap().len(), N_SWAPS + 1);
    assert!(fs::exists(models.path().join("history.jsonl")).unwrap());
}
