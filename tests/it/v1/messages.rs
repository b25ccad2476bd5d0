//! `/v1/cases/{id}/messages`: what customers are told, drafted, sent by people and by rule, over a
//! gateway of the firm.

use fenzhen::config::WorkConfig;
use fenzhen::messages::Templates;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::receiver::Receiver;
use crate::server::{Server, Setup, eventually, problem};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A service whose text messages go to this gateway.
fn setup(gateway: &Receiver) -> Setup {
    let mut setup = Setup::default();
    setup.http.work = WorkConfig {
        work_ms: 10,
        outbound_networks: vec!["127.0.0.1".parse().unwrap()],
        gateways: vec![format!("sms={}", gateway.url).parse().unwrap()],
        gateway_secret: Some(SECRET.parse().unwrap()),
        ..WorkConfig::default()
    };
    setup
}

/// The same, with these kinds sent by rule.
fn by_rule(gateway: &Receiver, kinds: &str, folder: &tempfile::TempDir) -> Setup {
    let mut setup = setup(gateway);
    let file = folder.path().join("messages.toml");
    let text = Templates::DEFAULT.replacen("automatic = []", &format!("automatic = {kinds}"), 1);
    std::fs::write(&file, text).unwrap();
    setup.sources.messages = Some(file);
    setup
}

async fn submit(server: &Server, text: &str) -> String {
    let customer = json!({ "name": "王女士", "contact": "13800001111" });
    let body = json!({ "text": text, "channel": "hotline", "customer": customer });
    let (status, case) = server.submit("/v1/cases", &body).await;
    assert_eq!(status, StatusCode::CREATED, "{case}");
    format!("/v1/cases/{}", case["id"].as_str().unwrap())
}

fn message(version: u32, kind: &str, fields: Value) -> Value {
    let by = json!({ "name": "zhao.min", "role": "front_line" });
    let mut body = json!({ "version": version, "by": by, "kind": kind });
    let Value::Object(fields) = fields else { panic!("fields of an object") };
    body.as_object_mut().unwrap().extend(fields);
    body
}

async fn send(server: &Server, path: &str, body: &Value) -> Value {
    let (status, sent) = server.submit(&format!("{path}/messages"), body).await;
    assert_eq!(status, StatusCode::CREATED, "{sent}");
    sent
}

/// The kinds of a case's events.
async fn kinds(server: &Server, path: &str) -> Vec<String> {
    let events = server.get_json(&format!("{path}/events")).await;
    let events = events.as_array().unwrap().iter();
    events.map(|it| it["kind"].as_str().unwrap().to_owned()).collect()
}

async fn a_draft_is_sent_by_a_person(server: Server, gateway: Receiver) {
    let path = submit(&server, "你们太过分了！快递丢了三天没人管，气死我了，必须给说法！").await;
    let messages = server.get_json(&format!("{path}/messages")).await;
    let draft = &messages["drafts"][0];
    assert_eq!((&draft["kind"], &draft["channel"]), (&json!("acknowledgement"), &json!("sms")));
    assert_eq!((&draft["owed"], &draft["can_send"]), (&json!(true), &json!(true)));
    let clocks = server.get_json(&format!("{path}/progress")).await["clocks"].clone();
    assert_eq!(
        (&clocks[0]["clock"], &clocks[0]["due_at"]),
        (&json!("acceptance"), &draft["due_at"])
    );
    assert_eq!(draft["to"]["contact"], "13800001111");
    let text = draft["text"].as_str().unwrap();
    assert!(text.contains("王女士") && text.contains("日24时前办结"), "{text}");
    let email = server.get_json(&format!("{path}/messages?channel=email")).await;
    assert!(email["drafts"][0]["subject"].as_str().unwrap().contains("已受理"));

    let sent = send(&server, &path, &message(1, "acknowledgement", json!({}))).await;
    assert_eq!((&sent["seq"], &sent["by"]), (&json!(3), &json!("zhao.min")));
    assert!(sent["text"].as_str().unwrap().contains("联系人：zhao.min"), "{sent}");
    eventually("it arrives", async || !gateway.calls().is_empty()).await;
    let call = &gateway.calls()[0];
    assert!(call.is_signed_by(SECRET));
    let data = &call.json()["data"];
    assert_eq!((&data["kind"], &data["channel"]), (&json!("acknowledgement"), &json!("sms")));
    assert_eq!(data["to"], json!({ "contact": "13800001111", "name": "王女士" }));
    assert_eq!((&data["text"], &data["id"]), (&sent["text"], &json!(call.header("webhook-id"))));
    let expected = ["case.received", "case.accepted", "case.message_sent"];
    assert_eq!(kinds(&server, &path).await, expected);
    let progress = server.get_json(&format!("{path}/progress")).await;
    assert_eq!((&progress["stage"], &progress["version"]), (&json!("accepted"), &json!(3)));
    eventually("the gateway has it", async || {
        server.get_json(&format!("{path}/messages")).await["sent"][0]["state"] == "delivered"
    })
    .await;
    let events = server.get_json(&format!("{path}/events")).await.to_string();
    assert!(!events.contains("13800001111") && !events.contains("办结"), "{events}");

    // A relative is named, in words of the sender's own; later messages go there too.
    let to = json!({ "recipient": "王强", "contact": "13900002222", "relation": "子女" });
    let body = message(3, "progress", json!({ "to": to, "text": "王强您好，正在查找包裹。" }));
    assert_eq!(send(&server, &path, &body).await["text"], "王强您好，正在查找包裹。");
    eventually("it arrives", async || gateway.calls().len() == 2).await;
    assert_eq!(gateway.calls()[1].json()["data"]["to"]["contact"], "13900002222");
    let messages = server.get_json(&format!("{path}/messages")).await;
    assert_eq!(messages["drafts"][0]["to"], to);
    assert_eq!(messages["sent"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_is_sent_by_a_person_on_sqlite() {
    let gateway = Receiver::start().await;
    a_draft_is_sent_by_a_person(Server::start_with(setup(&gateway)).await, gateway).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_is_sent_by_a_person_on_postgres() {
    let gateway = Receiver::start().await;
    if let Some(server) = Server::start_on_postgres_with(setup(&gateway)).await {
        a_draft_is_sent_by_a_person(server, gateway).await;
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_with_the_reason() {
    let gateway = Receiver::start().await;
    let server = Server::start_with(setup(&gateway)).await;
    let path = submit(&server, "快递丢了").await;
    let at = format!("{path}/messages");
    let long = "长".repeat(336);
    for (body, status, pointer) in [
        (message(9, "acknowledgement", json!({})), StatusCode::CONFLICT, ""),
        (message(1, "result", json!({ "text": "已退款" })), StatusCode::CONFLICT, ""),
        (message(1, "acknowledgement", json!({ "channel": "email" })), StatusCode::CONFLICT, ""),
        (message(1, "result", json!({})), StatusCode::UNPROCESSABLE_ENTITY, "/text"),
        (
            message(1, "acknowledgement", json!({ "text": long })),
            StatusCode::UNPROCESSABLE_ENTITY,
            "/text",
        ),
        (message(1, "poem", json!({})), StatusCode::UNPROCESSABLE_ENTITY, "/kind"),
        (
            message(1, "acknowledgement", json!({ "to": { "name": "王强" } })),
            StatusCode::UNPROCESSABLE_ENTITY,
            "/to/contact",
        ),
    ] {
        let response = server.post(&at).json(&body).send().await.unwrap();
        let found = problem(response, status).await;
        if !pointer.is_empty() {
            assert_eq!(found["errors"][0]["pointer"], pointer, "{found}");
        }
    }
    let (_, nameless) = server.submit("/v1/cases", &json!({ "text": "快递丢了两天" })).await;
    let at = format!("/v1/cases/{}/messages", nameless["id"].as_str().unwrap());
    let body = message(1, "acknowledgement", json!({}));
    let response = server.post(&at).json(&body).send().await.unwrap();
    let found = problem(response, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(found["errors"][0]["pointer"], "/to");
    assert_eq!(kinds(&server, &path).await, ["case.received"]);
    assert!(gateway.calls().is_empty());
}

#[tokio::test]
async fn without_a_gateway_messages_are_drafted_and_nothing_is_sent() {
    let server = Server::start().await;
    let path = submit(&server, "快递丢了").await;
    let draft = server.get_json(&format!("{path}/messages")).await["drafts"][0].clone();
    assert_eq!((&draft["owed"], &draft["can_send"]), (&json!(true), &json!(false)));
    let body = message(1, "acknowledgement", json!({}));
    let response = server.post(&format!("{path}/messages")).json(&body).send().await.unwrap();
    problem(response, StatusCode::CONFLICT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_firm_says_by_rule_goes_out_by_itself_and_once() {
    let (gateway, folder) = (Receiver::start().await, tempfile::tempdir().unwrap());
    let kinds_by_rule = r#"["acknowledgement", "progress"]"#;
    let server = Server::start_with(by_rule(&gateway, kinds_by_rule, &folder)).await;
    let path = submit(&server, "快递丢了").await;
    eventually("it arrives", async || !gateway.calls().is_empty()).await;
    let text = gateway.calls()[0].json()["data"]["text"].as_str().unwrap().to_owned();
    assert!(text.contains("联系人：客服值班组"), "{text}");
    let case = server.get_json(&path).await;
    assert_eq!((&case["status"], &case["version"]), (&json!("accepted"), &json!(3)));
    let events = server.get_json(&format!("{path}/events")).await;
    assert_eq!((&events[2]["actor"], &events[2]["role"]), (&json!("rule"), &json!("system")));
    // Monday's word lasts until Wednesday afternoon.
    server.set_time("2026-11-11T15:00:00+08:00");
    eventually("progress is told", async || gateway.calls().len() == 2).await;
    assert_eq!(gateway.calls()[1].json()["data"]["kind"], "progress");
    let kinds = kinds(&server, &path).await;
    assert_eq!(kinds.iter().filter(|it| *it == "case.message_sent").count(), 2, "{kinds:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_hands_a_case_in_is_told_how_it_stands_after_the_rule() {
    let (gateway, folder) = (Receiver::start().await, tempfile::tempdir().unwrap());
    let server = Server::start_with(by_rule(&gateway, r#"["acknowledgement"]"#, &folder)).await;
    let customer = json!({ "name": "王女士", "contact": "13800001111" });
    let body = json!({ "text": "快递丢了", "channel": "hotline", "customer": customer });
    let ask = async |key: &str| {
        let request = server.post("/v1/cases").header("idempotency-key", key).json(&body);
        let response = request.send().await.unwrap();
        (response.status(), response.json::<Value>().await.unwrap())
    };
    let (status, told) = ask("a").await;
    assert_eq!(status, StatusCode::CREATED, "{told}");
    assert_eq!((&told["status"], &told["version"]), (&json!("accepted"), &json!(3)));
    let path = format!("/v1/cases/{}", told["id"].as_str().unwrap());
    assert_eq!(server.get_json(&path).await, told, "it is told as it stands");
    assert_eq!(ask("a").await, (StatusCode::CREATED, told), "and again");
}

/// A gateway that takes nothing is tried again, and then somebody has to call; when it is back, the
/// message can be sent again.
#[tokio::test]
async fn a_message_that_never_arrives_is_an_event_of_the_case() {
    let gateway = Receiver::start().await;
    gateway.answer(500);
    let server = Server::start_with(setup(&gateway)).await;
    let path = submit(&server, "快递丢了").await;
    send(&server, &path, &message(1, "acknowledgement", json!({}))).await;
    let hours = std::cell::Cell::new(0);
    eventually("it fails for good", async || {
        hours.set(hours.get() + 1);
        let start: jiff::Timestamp = crate::server::NOW.parse().unwrap();
        server.set_time(&(start + jiff::SignedDuration::from_hours(hours.get())).to_string());
        kinds(&server, &path).await.contains(&"case.message_failed".to_owned())
    })
    .await;
    assert_eq!(gateway.calls().len(), 10);
    let sent = server.get_json(&format!("{path}/messages")).await["sent"][0].clone();
    assert_eq!(
        (&sent["state"], &sent["problem"]),
        (&json!("failed"), &json!("the gateway answered 500"),)
    );
    let letters = "/v1/gateways/sms/dead-letters";
    let dead = server.get_json(letters).await;
    assert_eq!((dead.as_array().unwrap().len(), &dead[0]["attempts"]), (1, &json!(10)));
    assert!(path.ends_with(dead[0]["case_id"].as_str().unwrap()));
    assert!(!dead.to_string().contains("13800001111"), "{dead}");
    gateway.answer(200);
    for (at, body, expected) in [
        ("email", json!({}), json!(0)),
        ("sms", json!({ "ids": ["msg_of_nobody"] }), json!(0)),
        ("sms", json!({ "ids": [dead[0]["id"]] }), json!(1)),
    ] {
        let at = format!("/v1/gateways/{at}/dead-letters/replay");
        let (status, answer) = server.submit(&at, &body).await;
        assert_eq!((status, &answer["replayed"]), (StatusCode::OK, &expected), "{body}");
    }
    eventually("it arrives", async || {
        hours.set(hours.get() + 1);
        let start: jiff::Timestamp = crate::server::NOW.parse().unwrap();
        server.set_time(&(start + jiff::SignedDuration::from_hours(hours.get())).to_string());
        server.get_json(&format!("{path}/messages")).await["sent"][0]["state"] == "delivered"
    })
    .await;
    assert_eq!(gateway.calls().len(), 11);
    assert_eq!(server.get_json(letters).await, json!([]));
    let unknown = server.get("/v1/gateways/fax/dead-letters").send().await.unwrap();
    problem(unknown, StatusCode::NOT_FOUND).await;
    let wrong = server.post(&format!("{letters}/replay")).json(&json!({ "ids": 7 }));
    problem(wrong.send().await.unwrap(), StatusCode::UNPROCESSABLE_ENTITY).await;
}
