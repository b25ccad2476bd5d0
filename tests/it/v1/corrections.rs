//! `/v1/cases/{id}/corrections`

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::server::{Server, problem};

/// A case, and the path of its corrections.
async fn receive(server: &Server, text: &str) -> (Value, String) {
    let body =
        json!({ "text": text, "channel": "chat", "received_at": "2026-11-06T16:00:00+08:00" });
    let (status, case) = server.submit("/v1/cases", &body).await;
    assert_eq!(status, StatusCode::CREATED);
    let path = format!("/v1/cases/{}/corrections", case["id"].as_str().unwrap());
    (case, path)
}

fn correction(version: &Value, body: &Value) -> Value {
    let mut whole = json!({
        "version": version, "reason": "核对了订单", "by": { "name": "li.lei", "role": "triage_lead" },
    });
    whole.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    whole
}

#[tokio::test]
async fn a_persons_label_counts_and_the_models_answer_stays_beside_it() {
    let server = Server::start().await;
    let (case, path) = receive(&server, "快递丢了三天，客服一直不回复").await;
    let labels = json!({ "category": "after_sales", "severity": "high", "signals": ["repeat"] });
    let body = correction(&case["version"], &json!({ "labels": labels, "sure": 1 }));
    let (status, corrected) = server.submit(&path, &body).await;
    assert_eq!(status, StatusCode::OK, "{corrected}");
    assert_eq!(corrected["version"], 2);
    assert_eq!((&corrected["queue"], &corrected["tier"]), (&json!("after_sales"), &json!(2)));
    assert_eq!(corrected["labels"]["category"], "after_sales");
    assert_eq!(corrected["labels"]["signals"], json!(["repeat"]));
    assert_eq!(corrected["labels"]["sentiment"], case["labels"]["sentiment"]);
    assert_eq!(corrected["model_labels"], case["model_labels"]);
    assert_eq!(corrected["classification"], case["classification"]);
    // Friday 16:00, seven working days of a complex case: until the end of Tuesday 11-17.
    assert_eq!(corrected["resolution_due_at"], "2026-11-17T16:00:00Z");
    assert_eq!(server.get_json(path.strip_suffix("/corrections").unwrap()).await, corrected);

    let list = server.get_json(&path).await;
    let first = &list[0];
    assert_eq!((&first["by"], &first["role"]), (&json!("li.lei"), &json!("triage_lead")));
    assert_eq!((&first["sure"], &first["source"]), (&json!(1), &json!("correction")));
    assert_eq!(first["labels"]["category"]["given"], json!(["after_sales"]));
    assert_eq!(first["labels"]["category"]["model"], json!([case["model_labels"]["category"]]));
    assert!(first["labels"]["sentiment"].is_null(), "nothing was said about it");
}

#[tokio::test]
async fn what_counts_now_can_be_derived_from_the_events() {
    let server = Server::start().await;
    let (case, path) = receive(&server, "退款一直没到账，已经催了好几次").await;
    let steps = [
        json!({ "labels": { "category": "refund_payment", "severity": "critical" } }),
        json!({ "labels": { "sentiment": "anxious" }, "route": { "queue": "customer_service" } }),
        json!({ "labels": { "severity": "low", "signals": [] } }),
        json!({ "route": { "executive_review": true } }),
    ];
    let mut last = case;
    for step in &steps {
        let (status, case) = server.submit(&path, &correction(&last["version"], step)).await;
        assert_eq!(status, StatusCode::OK, "{case}");
        last = case;
    }
    let events = server.get_json(&path.replace("corrections", "events")).await;
    let events = events.as_array().unwrap();
    assert_eq!(last["version"], events.len());
    let mut labels = events[0]["data"]["labels"].as_object().unwrap().clone();
    for (step, event) in steps.iter().zip(&events[1..]) {
        assert_eq!(event["kind"], "case.corrected");
        assert_eq!((&event["actor"], &event["role"]), (&json!("li.lei"), &json!("triage_lead")));
        assert_eq!(event["data"]["reason"], "核对了订单");
        let before = serde_json::to_value(&labels).unwrap();
        assert_eq!(event["data"]["before"]["labels"], before);
        labels.extend(event["data"]["labels"].as_object().unwrap().clone());
        assert_eq!(event["data"]["labels"], step.get("labels").cloned().unwrap_or(json!({})));
    }
    assert_eq!(last["labels"], serde_json::to_value(&labels).unwrap());
    let after = &events.last().unwrap()["data"]["after"];
    for field in ["queue", "tier", "executive_review", "needs_triage", "resolution_due_at"] {
        assert_eq!(last[field], after[field], "{field}");
    }
    // The queue that a person chose stands; what it is about was not said anew.
    assert_eq!((&last["queue"], &last["tier"]), (&json!("customer_service"), &json!(3)));
}

#[tokio::test]
async fn a_case_for_the_triage_desk_goes_on_once_a_person_says_what_it_is_about() {
    let server = Server::start().await;
    let (case, path) = receive(&server, "😡").await;
    assert_eq!((&case["queue"], &case["needs_triage"]), (&json!("triage_desk"), &json!(true)));
    let body = json!({ "labels": { "category": "logistics", "severity": "normal" } });
    let (_, corrected) = server.submit(&path, &correction(&json!(1), &body)).await;
    let expected = (&json!("logistics"), &json!(false), &json!(1));
    let found = (&corrected["queue"], &corrected["needs_triage"], &corrected["tier"]);
    assert_eq!(found, expected);
}

#[tokio::test]
async fn lowering_an_alarm_is_a_persons_act_and_leaves_the_rules_on_record() {
    let server = Server::start().await;
    let (case, path) = receive(&server, "充电宝突然爆炸，手被烧伤了").await;
    assert_eq!((&case["queue"], &case["severity"]), (&json!("executive"), &json!("critical")));
    let body = json!({ "labels": { "severity": "normal" } });
    let (_, lower) = server.submit(&path, &correction(&json!(1), &body)).await;
    assert_eq!((&lower["queue"], &lower["severity"]), (&json!("executive"), &json!("normal")));
    let body =
        json!({ "route": { "executive_review": false, "tier": 1, "queue": "merchant_quality" } });
    let (_, moved) = server.submit(&path, &correction(&json!(2), &body)).await;
    assert_eq!((&moved["queue"], &moved["tier"]), (&json!("merchant_quality"), &json!(1)));
    assert_eq!(moved["executive_review"], false);
    assert_eq!(moved["classification"]["rules"], case["classification"]["rules"]);
    // Correcting starts no clock again: all three deadlines still count from reception.
    for case in [&case, &lower, &moved] {
        assert_eq!(case["first_due_at"], "2026-11-06T09:00:00Z", "one hour for matters of safety");
    }
}

#[tokio::test]
async fn who_has_read_an_old_version_is_told_the_current_one() {
    let server = Server::start().await;
    let (_, path) = receive(&server, "快递丢了").await;
    let body = correction(&json!(1), &json!({ "labels": { "severity": "high" } }));
    assert_eq!(server.submit(&path, &body).await.0, StatusCode::OK);
    let response = server.post(&path).json(&body).send().await.unwrap();
    let stale = problem(response, StatusCode::CONFLICT).await;
    assert_eq!(stale["version"], 2);
    assert_eq!(server.get_json(&path).await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn every_mistake_of_a_correction_is_listed() {
    let server = Server::start().await;
    let (_, path) = receive(&server, "快递丢了").await;
    let body = json!({
        "version": "one", "by": { "role": "king" }, "sure": 3, "colour": "red",
        "labels": { "category": "weather", "severity": ["low", "high"], "signals": ["rain"], "mood": "x" },
        "route": { "queue": "nowhere", "tier": 4 },
    });
    let response = server.post(&path).json(&body).send().await.unwrap();
    let problem_details = problem(response, StatusCode::UNPROCESSABLE_ENTITY).await;
    let mut pointers: Vec<_> = problem_details["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["pointer"].as_str().unwrap())
        .collect();
    pointers.sort_unstable();
    let expected = [
        "/by/name",
        "/by/role",
        "/colour",
        "/labels/category",
        "/labels/mood",
        "/labels/severity",
        "/labels/signals",
        "/reason",
        "/route/queue",
        "/route/tier",
        "/sure",
        "/version",
    ];
    assert_eq!(pointers, expected);
    let nothing = server.post(&path).json(&correction(&json!(1), &json!({}))).send().await.unwrap();
    problem(nothing, StatusCode::UNPROCESSABLE_ENTITY).await;
}

#[tokio::test]
async fn only_those_who_work_cases_correct_them() {
    let server = Server::start().await;
    let (_, path) = receive(&server, "快递丢了").await;
    let label =
        json!({ "labels": { "severity": "high" }, "by": { "name": "a", "role": "auditor" } });
    let response = server.post(&path).json(&correction(&json!(1), &label)).send().await.unwrap();
    problem(response, StatusCode::FORBIDDEN).await;
    let body = correction(&json!(1), &json!({ "labels": { "severity": "high" } }));
    for path in [
        "/v1/cases/nobody/corrections",
        "/v1/cases/018f2b6e-0000-7000-8000-000000000000/corrections",
    ] {
        let response = server.post(path).json(&body).send().await.unwrap();
        problem(response, StatusCode::NOT_FOUND).await;
        problem(server.get(path).send().await.unwrap(), StatusCode::NOT_FOUND).await;
    }
}

#[tokio::test]
async fn a_case_is_sent_to_another_queue() {
    let server = Server::start().await;
    let (case, path) = receive(&server, "快递丢了三天，客服一直不回复").await;
    let path = path.replace("corrections", "reroute");
    let (status, moved) = server
        .submit(&path, &correction(&case["version"], &json!({ "queue": "after_sales", "tier": 2 })))
        .await;
    assert_eq!(status, StatusCode::OK, "{moved}");
    assert_eq!((&moved["queue"], &moved["tier"]), (&json!("after_sales"), &json!(2)));
    assert_eq!(moved["labels"], case["labels"]);
    // Who says what it is about says whose it is.
    let (_, path) = receive(&server, "快递丢了，一直没收到包裹").await;
    let body = correction(&json!(1), &json!({ "labels": { "category": "after_sales" } }));
    assert_eq!(server.submit(&path, &body).await.1["queue"], "after_sales");
    let path = path.replace("corrections", "reroute");
    for wrong in [json!({}), json!({ "queue": "nowhere" }), json!({ "labels": {} })] {
        let response =
            server.post(&path).json(&correction(&json!(2), &wrong)).send().await.unwrap();
        problem(response, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
}
