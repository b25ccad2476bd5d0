//! `/v1/queues`

use reqwest::StatusCode;
use serde_json::json;

use crate::server::{Server, problem};

#[tokio::test]
async fn a_queue_shows_the_most_urgent_case_first() {
    let server = Server::start().await;
    for text in [
        "包装有点旧，建议改进一下",
        "充电宝突然爆炸，手被烧伤了",
        "快递丢了三天没人管",
        "全家吃了你们的外卖上吐下泻，孩子住院了",
    ] {
        let (status, _) = server.submit("/v1/cases", &json!({ "text": text })).await;
        assert_eq!(status, StatusCode::CREATED);
    }
    let executive = server.get_json("/v1/queues/executive").await;
    let priorities: Vec<f64> = executive["cases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|case| case["priority"].as_f64().unwrap())
        .collect();
    assert_eq!(priorities.len(), 2);
    assert!(priorities.is_sorted_by(|a, b| a >= b));
    let queues = server.get_json("/v1/queues").await;
    let queues = queues["queues"].as_array().unwrap();
    let open: u64 = queues.iter().map(|queue| queue["open"].as_u64().unwrap()).sum();
    assert_eq!(open, 4);
    let executive = &queues[0];
    assert_eq!(executive["id"], "executive", "the queue with the most urgent case comes first");
    assert_eq!(executive["next"].as_array().unwrap().len(), 2);
    assert!(11 <= queues.len(), "empty queues are shown too");
    assert_eq!((&executive["open"], &executive["executive"]), (&json!(2), &json!(2)));
}

#[tokio::test]
async fn an_unknown_queue_is_not_found() {
    let server = Server::start().await;
    let response = server.get("/v1/queues/nobody").send().await.unwrap();
    problem(response, StatusCode::NOT_FOUND).await;
    let response = server.get("/v1/queues/logistics?cursor=x").send().await.unwrap();
    problem(response, StatusCode::UNPROCESSABLE_ENTITY).await;
}
