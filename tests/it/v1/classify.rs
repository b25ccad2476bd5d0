//! `POST /v1/classify`

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::server::{Server, Setup, problem};

#[tokio::test]
async fn a_complaint_gets_a_decision_with_reasons() {
    let server = Server::start().await;
    let text = "昨天在你们平台买的酸奶，孩子喝了以后半夜上吐下泻送了急诊，花了1200块，要求赔偿！";
    let (status, answer) = server.submit("/v1/classify", &json!({ "text": text })).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["category"]["label"], "safety");
    assert_eq!(answer["severity"]["label"], "critical");
    assert_eq!(answer["decision"]["executive_review"], true);
    assert_eq!(answer["decision"]["queue"], "executive");
    assert_eq!(answer["decision"]["tier"], 3);
    assert_eq!(answer["fallback"], false);
    assert_eq!(answer["facts"]["amounts"][0]["yuan"], 1200.0);
    assert_eq!(answer["decision"]["deadlines"]["acceptance"]["due_at"], "2026-11-09T02:00:00Z");
    assert!(!answer["decision"]["reasons"].as_array().unwrap().is_empty());
    assert!(!answer["rules"]["fired"].as_array().unwrap().is_empty());
    let terms = answer["decision"]["priority_terms"].as_array().unwrap();
    let sum: f64 = terms.iter().map(|term| term["points"].as_f64().unwrap()).sum();
    assert!((sum - answer["decision"]["priority"].as_f64().unwrap()).abs() < 1e-9);
}

#[tokio::test]
async fn evidence_points_into_the_original_text() {
    let server = Server::start().await;
    let text = "😡😡我媽媽用了你們的電熱毯，半夜起火，被子都燒著了！！！！ＴＭＤ";
    let (_, answer) = server.submit("/v1/classify", &json!({ "text": text })).await;
    let mut n_places = 0;
    for signal in answer["signals"].as_array().unwrap() {
        assert!(!signal["evidence"].as_array().unwrap().is_empty(), "{signal}");
        for place in signal["evidence"].as_array().unwrap() {
            let (start, end) = (place["start"].as_u64().unwrap(), place["end"].as_u64().unwrap());
            let words: String =
                text.chars().skip(start as usize).take((end - start) as usize).collect();
            assert_eq!(place["text"], words);
            n_places += 1;
        }
    }
    assert!(0 < n_places, "{answer}");
}

#[tokio::test]
async fn fields_beside_the_text_raise_the_alarm() {
    let server = Server::start().await;
    let text = "包裹到现在还没送到，麻烦查一下";
    let (_, plain) = server.submit("/v1/classify", &json!({ "text": text })).await;
    assert_eq!(plain["decision"]["executive_review"], false);
    for fields in [
        json!({ "text": text, "amount": 10000 }),
        json!({ "text": text, "amount": "3000.00", "customer_tier": "vip" }),
        json!({ "text": text, "channel": "regulator" }),
    ] {
        let (_, raised) = server.submit("/v1/classify", &fields).await;
        assert_eq!(raised["decision"]["executive_review"], true, "{fields}");
        assert_eq!(raised["category"], plain["category"], "a rule fakes no confidence");
        assert_eq!(raised["severity"]["predicted"], plain["severity"]["predicted"]);
    }
}

#[tokio::test]
async fn every_mistake_is_listed_with_its_place() {
    let server = Server::start().await;
    let body = json!({ "text": "", "channel": "pigeon", "amount": "much", "colour": "red" });
    let response = server.post("/v1/classify").json(&body).send().await.unwrap();
    let problem = problem(response, StatusCode::UNPROCESSABLE_ENTITY).await;
    let pointers: Vec<&Value> =
        problem["errors"].as_array().unwrap().iter().map(|it| &it["pointer"]).collect();
    assert_eq!(pointers, ["/text", "/channel", "/amount", "/colour"]);
}

#[tokio::test]
async fn what_cannot_be_read_gets_a_clear_problem() {
    let server = Server::start().await;
    let megabyte = format!("{{\"text\": \"{}\"}}", "长".repeat(400_000));
    let cases: Vec<(Vec<u8>, StatusCode)> = vec![
        (b"".to_vec(), StatusCode::BAD_REQUEST),
        (b"{".to_vec(), StatusCode::BAD_REQUEST),
        (b"\xff\xfe\x00\x01".to_vec(), StatusCode::BAD_REQUEST),
        (b"{\"text\": \"\xc3\x28\"}".to_vec(), StatusCode::BAD_REQUEST),
        (b"[]".to_vec(), StatusCode::UNPROCESSABLE_ENTITY),
        (b"{\"text\": \"a\\u0000b\"}".to_vec(), StatusCode::UNPROCESSABLE_ENTITY),
        (b"{\"text\": 12}".to_vec(), StatusCode::UNPROCESSABLE_ENTITY),
        (megabyte.into_bytes(), StatusCode::PAYLOAD_TOO_LARGE),
    ];
    for (body, status) in cases {
        let request = server.post("/v1/classify").header("content-type", "application/json");
        let is_empty = body.is_empty();
        let told = problem(request.body(body).send().await.unwrap(), status).await;
        let detail = told["detail"].as_str().unwrap();
        assert_eq!(detail.contains("there is nothing: send JSON"), is_empty, "{detail}");
    }
    let response = server.post("/v1/classify").body("text=x").header("content-type", "text/plain");
    problem(response.send().await.unwrap(), StatusCode::UNSUPPORTED_MEDIA_TYPE).await;
    problem(server.get("/v1/classify").send().await.unwrap(), StatusCode::METHOD_NOT_ALLOWED).await;
    problem(server.get("/v1/nothing").send().await.unwrap(), StatusCode::NOT_FOUND).await;
}

#[tokio::test]
async fn a_text_that_cannot_be_judged_goes_to_a_person() {
    let server = Server::start().await;
    for text in
        ["😡😡😡", "The parcel never arrived and nobody answers my calls.", "……!!!", "12345"]
    {
        let (status, answer) = server.submit("/v1/classify", &json!({ "text": text })).await;
        assert_eq!(status, StatusCode::OK, "{text}");
        assert_eq!(answer["decision"]["needs_triage"], true, "{text}");
        assert_eq!(answer["decision"]["queue"], "triage_desk", "{text}");
    }
}

#[tokio::test]
async fn a_long_text_is_judged() {
    let server = Server::start().await;
    let text = "快递三天没有更新，客服一直让我等。".repeat(5_000);
    let (status, answer) = server.submit("/v1/classify", &json!({ "text": text })).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["category"]["label"], "logistics");
}

#[tokio::test]
async fn without_a_model_rules_alone_answer_and_say_so() {
    let mut setup = Setup::default();
    let folder = tempfile::tempdir().unwrap();
    setup.sources.models = folder.path().to_owned();
    let server = Server::start_with(setup).await;
    let text = "充电宝突然爆炸，手被烧伤了";
    let (status, answer) = server.submit("/v1/classify", &json!({ "text": text })).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["fallback"], true);
    assert_eq!(answer["model"]["version"], Value::Null);
    assert_eq!(answer["category"]["confidence"], Value::Null);
    assert_eq!(answer["severity"]["predicted"], Value::Null);
    assert_eq!(answer["decision"]["executive_review"], true);
    let sources: Vec<&Value> = answer["decision"]["reasons"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reason| &reason["source"])
        .collect();
    assert!(sources.contains(&&json!("fallback")), "{sources:?}");
    let ready = server.get_json("/readyz").await;
    assert_eq!(ready["status"], "degraded");
}

#[tokio::test]
async fn a_broken_model_degrades_to_rules() {
    let mut setup = Setup::default();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("live.toml"), "name = \"nobody\"\n").unwrap();
    setup.sources.models = folder.path().to_owned();
    let server = Server::start_with(setup).await;
    let (status, answer) = server.submit("/v1/classify", &json!({ "text": "快递丢了" })).await;
    assert_eq!((status, &answer["fallback"]), (StatusCode::OK, &json!(true)));
}
