//! Webhooks: a system of the firm hears of every event, signed, in order, and of no words; what
//! it does not take is tried again, dies, and is replayed.

use std::cell::Cell;

use fenzhen::config::WorkConfig;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::receiver::Receiver;
use crate::server::{NOW, Server, Setup, eventually, problem};

/// A service that looks at its outbox often and may call this machine.
fn setup() -> Setup {
    let mut setup = Setup::default();
    setup.http.work = WorkConfig {
        work_ms: 10,
        outbound_networks: vec!["127.0.0.1".parse().unwrap()],
        outbound_timeout_s: 5,
        ..WorkConfig::default()
    };
    setup
}

async fn add(server: &Server, receiver: &Receiver, fields: Value) -> (String, String) {
    let mut body = json!({ "url": receiver.url });
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let (status, answer) = server.submit("/v1/webhooks", &body).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    let text = |name: &str| answer[name].as_str().unwrap().to_owned();
    (format!("/v1/webhooks/{}", text("id")), text("secret"))
}

async fn submit(server: &Server, text: &str) -> String {
    let customer = json!({ "name": "王小红", "contact": "13800001111" });
    let body = json!({ "text": text, "channel": "chat", "customer": customer });
    let (status, case) = server.submit("/v1/cases", &body).await;
    assert_eq!(status, StatusCode::CREATED, "{case}");
    case["id"].as_str().unwrap().to_owned()
}

async fn step(server: &Server, id: &str, version: u32, step: &str, fields: Value) {
    let mut body = json!({ "version": version, "by": { "name": "li.lei", "role": "front_line" } });
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let (status, answer) = server.submit(&format!("/v1/cases/{id}/{step}"), &body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

async fn heard(receiver: &Receiver, n: usize) {
    eventually("the receiver hears of it", async || n <= receiver.calls().len()).await;
    assert_eq!(receiver.calls().len(), n);
}

#[tokio::test]
async fn every_event_arrives_signed_in_order_and_without_words() {
    let (server, receiver) = (Server::start_with(setup()).await, Receiver::start().await);
    let (path, secret) = add(&server, &receiver, json!({})).await;
    let id = submit(&server, "快递丢了，王小红很生气").await;
    step(&server, &id, 1, "acceptance", json!({ "contact_person": "王芳" })).await;
    let note = json!({ "purpose": "progress", "answered": true, "note": "王小红说家里没人" });
    step(&server, &id, 2, "contacts", note).await;
    heard(&receiver, 3).await;
    let calls = receiver.calls();
    let kinds: Vec<_> = calls.iter().map(crate::receiver::Call::kind).collect();
    assert_eq!(kinds, ["case.received", "case.accepted", "case.contacted"]);
    for (idx, call) in calls.iter().enumerate() {
        assert!(call.is_signed_by(&secret));
        let body = call.json();
        assert_eq!((&body["data"]["case_id"], &body["data"]["seq"]), (&json!(id), &json!(idx + 1)));
        assert_eq!(call.header("content-type"), "application/json");
        let text = String::from_utf8(call.bytes.to_vec()).unwrap();
        for word in ["王小红", "王芳", "快递", "13800001111", "note", "contact_person"] {
            assert!(!text.contains(word), "{text}");
        }
    }
    assert_eq!(
        calls[2].json()["data"]["change"],
        json!({ "purpose": "progress", "answered": true })
    );
    let shown = server.get_json(&path).await;
    assert_eq!(shown["secret"], Value::Null, "a secret is shown once");
    assert!(!server.get_json("/v1/webhooks").await.to_string().contains("whsec_"));
}

#[tokio::test]
async fn an_endpoint_may_want_words_or_some_kinds() {
    let (server, receiver) = (Server::start_with(setup()).await, Receiver::start().await);
    let wanted = json!({ "kinds": ["case.received", "case.taken"], "with_words": true });
    add(&server, &receiver, wanted).await;
    let id = submit(&server, "快递丢了").await;
    step(&server, &id, 1, "acceptance", json!({ "contact_person": "王芳" })).await;
    step(&server, &id, 2, "owner", json!({})).await;
    heard(&receiver, 2).await;
    let calls = receiver.calls();
    assert_eq!(calls[0].json()["data"]["text"], "快递丢了");
    assert_eq!(calls[1].kind(), "case.taken");
}

/// From the first failure to the last attempt, and back from the dead.
#[tokio::test]
async fn what_is_not_taken_is_tried_again_later_dies_and_is_replayed() {
    let (server, receiver) = (Server::start_with(setup()).await, Receiver::start().await);
    // Of this alone: as time flies, the clocks of the case strike as well.
    let intake = json!({ "kinds": ["case.received"] });
    let (path, secret) = add(&server, &receiver, intake).await;
    receiver.answer(302);
    submit(&server, "快递丢了").await;
    let letters = format!("{path}/dead-letters");
    let now = Cell::new(NOW.parse::<Timestamp>().unwrap());
    eventually("it dies", async || {
        // Time flies, however long the waits between attempts become.
        now.set(now.get() + SignedDuration::from_hours(1));
        server.set_time(&now.get().to_string());
        server.get_json(&letters).await != json!([])
    })
    .await;
    assert_eq!(receiver.calls().len(), 10);
    let dead = server.get_json(&letters).await;
    assert_eq!((&dead[0]["attempts"], &dead[0]["seq"]), (&json!(10), &json!(1)));
    assert_eq!(dead[0]["problem"], "the endpoint answered 302");
    receiver.answer(200);
    server.set_time(&(now.get() + SignedDuration::from_hours(1)).to_string());
    let (status, answer) = server.submit(&format!("{letters}/replay"), &json!({})).await;
    assert_eq!((status, &answer["replayed"]), (StatusCode::OK, &json!(1)));
    heard(&receiver, 11).await;
    let calls = receiver.calls();
    assert!(calls.iter().all(|it| it.header("webhook-id") == calls[0].header("webhook-id")));
    assert!(calls.iter().all(|it| it.bytes == calls[0].bytes && it.is_signed_by(&secret)));
    assert_ne!(calls[10].header("webhook-timestamp"), calls[0].header("webhook-timestamp"));
    eventually("nothing is dead", async || server.get_json(&letters).await == json!([])).await;
    let metrics = server.get("/metrics").send().await.unwrap().text().await.unwrap();
    for name in ["pending", "dead", "oldest_age_seconds", "attempts_total"] {
        assert!(metrics.contains(&format!("fenzhen_outbox_{name}")), "{name}");
    }
}

#[tokio::test]
async fn a_new_secret_signs_beside_the_old_one_for_a_day() {
    let (server, receiver) = (Server::start_with(setup()).await, Receiver::start().await);
    let (path, old) = add(&server, &receiver, json!({})).await;
    let rotated = server.submit(&format!("{path}/rotate"), &json!({})).await.1;
    let new = rotated["secret"].as_str().unwrap();
    submit(&server, "快递丢了").await;
    heard(&receiver, 1).await;
    server.set_time("2026-11-10T09:00:01+08:00");
    submit(&server, "快递又丢了").await;
    heard(&receiver, 2).await;
    let calls = receiver.calls();
    assert!(calls[0].is_signed_by(&old) && calls[0].is_signed_by(new));
    assert!(!calls[1].is_signed_by(&old) && calls[1].is_signed_by(new));
}

#[tokio::test]
async fn endpoints_are_disabled_enabled_and_deleted() {
    let (server, receiver) = (Server::start_with(setup()).await, Receiver::start().await);
    let (path, _) = add(&server, &receiver, json!({})).await;
    let (status, off) = server.submit(&format!("{path}/disable"), &json!({})).await;
    assert_eq!((status, &off["enabled"]), (StatusCode::OK, &json!(false)));
    submit(&server, "快递丢了").await;
    server.submit(&format!("{path}/enable"), &json!({})).await;
    receiver.answer(410);
    submit(&server, "快递又丢了").await;
    eventually("410 disables", async || server.get_json(&path).await["enabled"] == false).await;
    assert_eq!(receiver.calls().len(), 1, "what happened while it was disabled is not told");
    assert_eq!(server.get_json(&path).await["problem"], "the endpoint answered 410 Gone");
    let deleted = server.request(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
    for method in [Method::GET, Method::DELETE] {
        problem(server.request(method, &path).send().await.unwrap(), StatusCode::NOT_FOUND).await;
    }
}

#[tokio::test]
async fn every_mistake_is_listed_and_inner_addresses_are_refused() {
    let server = Server::start().await;
    let wrong = json!({ "url": "http://169.254.169.254/", "kinds": ["case.eaten"], "colour": 1 });
    let response = server.post("/v1/webhooks").json(&wrong).send().await.unwrap();
    let found = problem(response, StatusCode::UNPROCESSABLE_ENTITY).await;
    let pointers = found["errors"].as_array().unwrap().iter();
    let mut pointers: Vec<_> = pointers.map(|it| it["pointer"].as_str().unwrap()).collect();
    pointers.sort_unstable();
    assert_eq!(pointers, ["/colour", "/kinds", "/url"]);
    for url in ["https://127.0.0.1/", "https://10.0.0.1/", "https://[::1]/", "ftp://a.example/"] {
        let response = server.post("/v1/webhooks").json(&json!({ "url": url })).send().await;
        problem(response.unwrap(), StatusCode::UNPROCESSABLE_ENTITY).await;
    }
}

#[tokio::test]
async fn a_dead_system_holds_up_no_other() {
    let (server, other) = (Server::start_with(setup()).await, Receiver::start().await);
    // A door that opens and nobody answers.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let (status, _) = server.submit("/v1/webhooks", &json!({ "url": url })).await;
    assert_eq!(status, StatusCode::CREATED);
    add(&server, &other, json!({})).await;
    for number in 0..40 {
        submit(&server, &format!("第{number}单快递丢了")).await;
    }
    let (_stream, _) = silent.accept().await.unwrap();
    heard(&other, 40).await;
}
