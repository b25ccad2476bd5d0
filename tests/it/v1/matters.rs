//! Submissions that belong together: joined, linked and counted, whoever is first.

use std::sync::Arc;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::server::{NOW, Server, problem};

const TEXT: &str = "九月十二号买的洗衣机第三次漏水，师傅说下周再来，我要求退货退款";

fn complaint(channel: &str, external_id: &str) -> Value {
    json!({
        "text": TEXT, "channel": channel, "external_id": external_id,
        "customer": { "id": "C-88", "contact": "138 0013 8000" },
        "object": { "order_number": "SO-20260912-7", "product": "洗衣机" },
    })
}

fn path_of(case: &Value) -> String {
    format!("/v1/cases/{}", case["id"].as_str().unwrap())
}

async fn events(server: &Server, case: &Value) -> Vec<Value> {
    let events = server.get_json(&format!("{}/events", path_of(case))).await;
    events.as_array().unwrap().clone()
}

#[tokio::test]
async fn the_same_complaint_over_another_channel_is_joined_and_nothing_of_it_is_lost() {
    let server = Server::start().await;
    let mut first = complaint("chat", "T-1");
    first["customer"] = json!({ "id": "C-88" });
    let (_, first) = server.submit("/v1/cases", &first).await;
    assert_eq!(first["missing"], json!(["contact", "demand", "evidence"]));
    let mut again = complaint("email", "M-1");
    again["text"] = json!(format!("{TEXT}，请尽快处理！"));
    again["evidence"] = json!(["https://example.cn/leak.jpg"]);
    let (status, joined) = server.submit("/v1/cases", &again).await;
    assert_eq!((status, &joined["id"]), (StatusCode::OK, &first["id"]));
    assert_eq!((&joined["version"], &joined["missing"]), (&json!(2), &json!(["demand"])));
    let submission = &joined["joined"][0];
    assert_eq!(submission["id"], joined["joined_as"]);
    assert_eq!((&submission["channel"], &submission["text"]), (&json!("email"), &again["text"]));
    assert_eq!(submission["external_id"], "M-1");
    assert_eq!(submission["elements"]["evidence"], again["evidence"]);
    let mut shown = joined.clone();
    shown.as_object_mut().unwrap().remove("joined_as");
    assert_eq!(server.get_json(&path_of(&first)).await, shown);
    let events = events(&server, &first).await;
    assert_eq!(events[1]["kind"], "case.joined");
    assert!(!events[1].to_string().contains("洗衣机"), "events hold no words of customers");
    // The channel that sends it again finds the case, with nothing added.
    let (status, known) = server.submit("/v1/cases", &again).await;
    assert_eq!((status, &known), (StatusCode::OK, &shown));
    // With other words it is refused, and told which case has its name.
    again["text"] = json!("充电宝爆炸烧伤");
    let (status, refused) = server.submit("/v1/cases", &again).await;
    assert_eq!((status, &refused["case_id"]), (StatusCode::CONFLICT, &first["id"]));
    assert_eq!(server.get_json("/v1/cases").await["cases"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_idempotency_key_replays_that_a_submission_was_joined() {
    let server = Server::start().await;
    server.submit("/v1/cases", &complaint("chat", "T-1")).await;
    let mut answers = Vec::new();
    for _ in 0..2 {
        let request = server.post("/v1/cases").header("idempotency-key", "k-1");
        let response = request.json(&complaint("form", "F-1")).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        answers.push(response.json::<Value>().await.unwrap());
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0]["joined"].as_array().unwrap().len(), 1);
}

async fn many_at_once(server: Server) {
    let server = Arc::new(server);
    let senders = (0..12).map(|number| {
        let server = Arc::clone(&server);
        let channel = ["chat", "email", "form", "hotline"][number % 4];
        let body = complaint(channel, &format!("X-{number}"));
        tokio::spawn(async move { server.submit("/v1/cases", &body).await })
    });
    let mut n_created = 0;
    for sender in senders.collect::<Vec<_>>() {
        let (status, case) = sender.await.unwrap();
        assert!(status.is_success(), "{case}");
        n_created += usize::from(status == StatusCode::CREATED);
    }
    assert_eq!(n_created, 1);
    let cases = server.get_json("/v1/cases").await;
    let cases = cases["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 1);
    let case = server.get_json(&path_of(&cases[0])).await;
    assert_eq!((&case["version"], case["joined"].as_array().unwrap().len()), (&json!(12), 11));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_channels_that_send_one_complaint_at_once_one_makes_the_case_on_sqlite() {
    many_at_once(Server::start().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_channels_that_send_one_complaint_at_once_one_makes_the_case_on_postgres() {
    if let Some(server) = Server::start_on_postgres().await {
        many_at_once(server).await;
    }
}

#[tokio::test]
async fn another_complaint_about_the_same_order_is_linked_both_ways_and_counted() {
    let server = Server::start().await;
    let (_, first) = server.submit("/v1/cases", &complaint("chat", "T-1")).await;
    server.submit("/v1/cases", &complaint("email", "M-1")).await;
    let mut other = complaint("chat", "T-2");
    other["text"] = json!("发票抬头开错了，联系客服不理人，至今没有解决");
    let (status, second) = server.submit("/v1/cases", &other).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(second["repeats"][0]["id"], first["id"]);
    assert_eq!(second["prior_contacts"], 2, "a case and what was joined to it");
    let fired = second["classification"]["rules"]["fired"].as_array().unwrap();
    assert!(fired.iter().any(|rule| rule["id"] == "repeat.prior_contacts"), "{fired:?}");
    let first = server.get_json(&path_of(&first)).await;
    assert_eq!(first["repeats"][0]["id"], second["id"]);
    other["external_id"] = json!("T-3");
    other["text"] = json!("安装师傅态度很差，还收了一百块上门费");
    other["prior_contacts"] = json!(9);
    let (_, third) = server.submit("/v1/cases", &other).await;
    assert_eq!(third["prior_contacts"], 9, "the sender knows of more");
    assert_eq!(third["repeats"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_raises_the_alarm_is_not_joined() {
    let server = Server::start().await;
    let (_, first) = server.submit("/v1/cases", &complaint("chat", "T-1")).await;
    let mut graver = complaint("chat", "T-2");
    graver["text"] = json!(format!("{TEXT}，刚才漏电，孩子被电击送急诊了"));
    let (status, second) = server.submit("/v1/cases", &graver).await;
    assert_eq!((status, &second["executive_review"]), (StatusCode::CREATED, &json!(true)));
    assert_eq!(second["repeats"][0]["id"], first["id"]);
}

#[tokio::test]
async fn a_person_makes_a_joined_submission_a_case_of_its_own_with_its_own_time() {
    let server = Server::start().await;
    let (_, first) = server.submit("/v1/cases", &complaint("chat", "T-1")).await;
    let (_, joined) = server.submit("/v1/cases", &complaint("email", "M-1")).await;
    server.set_time("2026-11-10T09:00:00+08:00");
    let submission = joined["joined_as"].as_str().unwrap();
    let path = format!("{}/joined/{submission}/separation", path_of(&first));
    let by = json!({ "name": "li.lei", "role": "triage_lead" });
    let wrong = server.post(&path).json(&json!({ "by": by, "reason": "" })).send().await.unwrap();
    let wrong = problem(wrong, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(wrong["errors"].as_array().unwrap().len(), 2);
    let body = json!({ "version": 2, "by": by, "reason": "两台洗衣机" });
    let (status, second) = server.submit(&path, &body).await;
    assert_eq!(status, StatusCode::CREATED, "{second}");
    assert_eq!((&second["text"], &second["channel"]), (&json!(TEXT), &json!("email")));
    assert_eq!((&second["external_id"], &second["version"]), (&json!("M-1"), &json!(1)));
    let received_at: jiff::Timestamp = NOW.parse().unwrap();
    assert_eq!(second["received_at"], received_at.to_string(), "no clock starts again");
    assert_eq!(second["repeats"][0]["id"], first["id"]);
    let first = server.get_json(&path_of(&first)).await;
    assert_eq!((&first["joined"], &first["repeats"][0]["id"]), (&json!([]), &second["id"]));
    assert_eq!(events(&server, &first).await[2]["kind"], "case.separated");
    server.get_json(&format!("{}/progress", path_of(&second))).await;
    let (status, again) = server.submit("/v1/cases", &complaint("email", "M-1")).await;
    assert_eq!((status, &again["id"]), (StatusCode::OK, &second["id"]));
    let gone = server.post(&path).json(&json!({ "version": 3, "by": by, "reason": "再来" }));
    problem(gone.send().await.unwrap(), StatusCode::NOT_FOUND).await;
}

#[tokio::test]
async fn who_took_it_in_owns_it_until_somebody_else_takes_it() {
    let server = Server::start().await;
    let mut body = complaint("store", "S-1");
    body["received_by"] = json!("chen.xia");
    let (_, case) = server.submit("/v1/cases", &body).await;
    let progress = format!("{}/progress", path_of(&case));
    assert_eq!(server.get_json(&progress).await["owner"], "chen.xia");
    let by = json!({ "name": "wang.fang", "role": "front_line" });
    let accept = json!({ "version": 1, "by": by, "contact_person": "王芳" });
    let (_, accepted) = server.submit(&format!("{}/acceptance", path_of(&case)), &accept).await;
    assert_eq!(accepted["owner"], "chen.xia", "who confirms it has not taken it over");
    let take = json!({ "version": 2, "by": by });
    let (_, taken) = server.submit(&format!("{}/owner", path_of(&case)), &take).await;
    assert_eq!(taken["owner"], "wang.fang");
}
