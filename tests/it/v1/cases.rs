//! `/v1/cases`

use std::collections::HashSet;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::server::{Server, problem};

#[tokio::test]
async fn a_complaint_becomes_a_case_that_can_be_found() {
    let server = Server::start().await;
    let body = json!({
        "text": "热水器漏电，洗澡时手被电麻了，家里有老人", "channel": "hotline", "external_id": "H-1",
        "customer": { "id": "c-9", "name": "王某", "contact": "wang@example.cn" },
        "object": { "product": "热水器", "order_number": "202611010001" },
        "demand": "退货并检测", "evidence": ["https://example.cn/1.jpg"], "amount": 1299,
    });
    let response = server.post("/v1/cases").json(&body).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let created: Value = response.json().await.unwrap();
    assert_eq!(location, format!("/v1/cases/{}", created["id"].as_str().unwrap()));
    assert_eq!(server.get_json(&location).await, created);
    assert_eq!(created["status"], "received");
    assert_eq!(created["missing"], json!([]));
    assert_eq!(created["classification"]["decision"]["queue"], created["queue"]);
    let events = server.get_json(&format!("{location}/events")).await;
    assert_eq!(events.as_array().unwrap().len(), 1);
    assert_eq!((&events[0]["seq"], &events[0]["kind"]), (&json!(1), &json!("case.received")));
    assert!(!events.to_string().contains("热水器"), "events hold no words of customers");
}

#[tokio::test]
async fn what_is_missing_is_listed_and_not_refused() {
    let server = Server::start().await;
    let (status, case) = server.submit("/v1/cases", &json!({ "text": "😡" })).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(case["queue"], "triage_desk");
    let missing = json!(["customer", "contact", "object", "demand", "evidence"]);
    assert_eq!(case["missing"], missing);
}

#[tokio::test]
async fn the_same_external_id_of_a_channel_is_the_same_case() {
    let server = Server::start().await;
    let body =
        |channel: &str| json!({ "text": "快递丢了", "channel": channel, "external_id": "7" });
    let (first_status, first) = server.submit("/v1/cases", &body("chat")).await;
    let (second_status, second) = server.submit("/v1/cases", &body("chat")).await;
    let (other_status, other) = server.submit("/v1/cases", &body("email")).await;
    assert_eq!((first_status, second_status), (StatusCode::CREATED, StatusCode::OK));
    assert_eq!(first, second);
    assert_eq!(other_status, StatusCode::CREATED);
    assert_ne!(first["id"], other["id"]);
}

/// The same words again find their case; another complaint under the same name is told so.
async fn no_other_complaint_is_lost(server: Server) {
    let body = |text: &str| json!({ "text": text, "channel": "chat", "external_id": "7" });
    let (_, first) = server.submit("/v1/cases", &body("快递慢")).await;
    let mut with_demand = body("快递慢");
    with_demand["demand"] = json!("退运费");
    for other in [body("充电宝爆炸烧伤"), with_demand] {
        let send = || {
            let request = server.post("/v1/cases").header("idempotency-key", "k-7");
            request.json(&other).send()
        };
        // Nothing is kept under the key either.
        for _ in 0..2 {
            let refused = problem(send().await.unwrap(), StatusCode::CONFLICT).await;
            assert_eq!(refused["case_id"], first["id"]);
            assert!(refused["detail"].as_str().unwrap().contains("`external_id`"), "{refused}");
        }
    }
    let (status, again) = server.submit("/v1/cases", &body("快递慢")).await;
    assert_eq!((status, &again), (StatusCode::OK, &first));
    let mut elsewhere = body("充电宝爆炸烧伤");
    elsewhere["external_id"] = json!("8");
    let (status, own) = server.submit("/v1/cases", &elsewhere).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_ne!(own["id"], first["id"]);
}

#[tokio::test]
async fn another_complaint_under_a_taken_external_id_is_not_lost_on_sqlite() {
    no_other_complaint_is_lost(Server::start().await).await;
}

#[tokio::test]
async fn another_complaint_under_a_taken_external_id_is_not_lost_on_postgresql() {
    if let Some(server) = Server::start_on_postgres().await {
        no_other_complaint_is_lost(server).await;
    }
}

#[tokio::test]
async fn an_idempotency_key_replays_the_first_answer_and_guards_its_body() {
    let server = Server::start().await;
    let send = |text: &str| {
        let request = server.post("/v1/cases").header("idempotency-key", "k-1");
        request.json(&json!({ "text": text })).send()
    };
    let first = send("快递丢了").await.unwrap();
    let second = send("快递丢了").await.unwrap();
    assert_eq!((first.status(), second.status()), (StatusCode::CREATED, StatusCode::CREATED));
    assert_eq!(first.headers()["location"], second.headers()["location"]);
    assert_eq!(first.text().await.unwrap(), second.text().await.unwrap());
    problem(send("退款没到账").await.unwrap(), StatusCode::UNPROCESSABLE_ENTITY).await;
    let cases = server.get_json("/v1/cases").await;
    assert_eq!(cases["cases"].as_array().unwrap().len(), 1);
    let long = server.post("/v1/cases").header("idempotency-key", "k".repeat(256));
    let response = long.json(&json!({ "text": "快递丢了" })).send().await.unwrap();
    problem(response, StatusCode::BAD_REQUEST).await;
}

#[tokio::test]
async fn many_senders_of_one_complaint_make_one_case() {
    let server = Server::start().await;
    let send = || async {
        let body = json!({ "text": "快递丢了", "channel": "form", "external_id": "same" });
        server.submit("/v1/cases", &body).await
    };
    let answers = futures(16, send).await;
    let ids: HashSet<String> = answers.iter().map(|(_, case)| case["id"].to_string()).collect();
    let created = answers.iter().filter(|(status, _)| *status == StatusCode::CREATED).count();
    assert_eq!((ids.len(), created), (1, 1));
}

/// Runs `n` futures at once.
async fn futures<T, F: Future<Output = T>>(n: usize, make: impl Fn() -> F) -> Vec<T> {
    let mut pending: Vec<_> = (0..n).map(|_| Box::pin(make())).collect();
    let mut done = Vec::new();
    std::future::poll_fn(|context| {
        pending.retain_mut(|future| match future.as_mut().poll(context) {
            std::task::Poll::Ready(value) => {
                done.push(value);
                false
            }
            std::task::Poll::Pending => true,
        });
        if pending.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done
}

#[tokio::test]
async fn lists_are_paged_and_filtered() {
    let server = Server::start().await;
    for number in 0..7 {
        let body = json!({ "text": format!("快递丢了{number}"), "channel": "chat" });
        server.submit("/v1/cases", &body).await;
    }
    server.submit("/v1/cases", &json!({ "text": "退款没到账", "channel": "email" })).await;
    let (mut path, mut seen) = ("/v1/cases?limit=3&channel=chat".to_owned(), Vec::new());
    loop {
        let page = server.get_json(&path).await;
        seen.extend(page["cases"].as_array().unwrap().iter().map(|case| case["id"].to_string()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/cases?limit=3&channel=chat&cursor={cursor}");
    }
    assert_eq!(seen.len(), 7);
    assert_eq!(seen.iter().collect::<HashSet<_>>().len(), 7);
    assert!(seen.is_sorted_by(|a, b| a >= b), "newest first");
}

async fn mistakes(server: &Server, path: &str) -> Vec<String> {
    let response = server.get(path).send().await.unwrap();
    let found = problem(response, StatusCode::UNPROCESSABLE_ENTITY).await;
    let pointers = found["errors"].as_array().unwrap().iter().map(|it| &it["pointer"]);
    let mut pointers: Vec<_> = pointers.map(|it| it.as_str().unwrap().to_owned()).collect();
    pointers.sort_unstable();
    pointers
}

#[tokio::test]
async fn every_mistake_of_a_list_is_told() {
    let server = Server::start().await;
    server.submit("/v1/cases", &json!({ "text": "快递丢了" })).await;
    for (path, expected) in [
        ("/v1/cases?limit=0", &["/limit"][..]),
        ("/v1/cases?limit=201", &["/limit"]),
        ("/v1/cases?cursor=?", &["/cursor"]),
        ("/v1/cases?category=nonsense", &["/category"]),
        ("/v1/cases?limit=x&needs_triage=maybe&bogus=1", &["/bogus", "/limit", "/needs_triage"]),
        (
            "/v1/cases?queue=q&severity=s&status=done&channel=pigeon&category=a b&colour=red",
            &["/category", "/channel", "/colour", "/queue", "/severity", "/status"],
        ),
        ("/v1/queues/logistics?cursor=x&limit=x&y=1", &["/cursor", "/limit", "/y"]),
        ("/v1/audit?from=soon&cursor=x&limit=0&who=me", &["/cursor", "/from", "/limit", "/who"]),
    ] {
        assert_eq!(mistakes(&server, path).await, expected, "{path}");
    }
    let right = "/v1/cases?category=logistics&status=received&needs_triage=false&queue=logistics";
    server.get_json(right).await;
}

#[tokio::test]
async fn an_unknown_case_is_not_found() {
    let server = Server::start().await;
    for path in ["/v1/cases/nobody", "/v1/cases/018f2b6e-0000-7000-8000-000000000000/events"] {
        problem(server.get(path).send().await.unwrap(), StatusCode::NOT_FOUND).await;
    }
}
