//! `POST /v1/classify/batch`

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::server::{Server, Setup, problem};

#[tokio::test]
async fn an_array_is_answered_item_by_item() {
    let server = Server::start().await;
    let body = json!([
        { "id": "a", "text": "快递丢了三天没人管" },
        { "id": "b", "text": "", "amount": -1 },
        "no object",
        { "text": "退款一直没到账" },
    ]);
    let (status, answers) = server.submit("/v1/classify/batch", &body).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answers.as_array().unwrap().len(), 4);
    assert_eq!(answers[0]["id"], "a");
    assert_eq!(answers[0]["category"]["label"], "logistics");
    assert_eq!(answers[1]["id"], "b");
    assert_eq!(answers[1]["errors"].as_array().unwrap().len(), 2);
    assert_eq!(answers[2]["errors"][0]["pointer"], "");
    assert_eq!(answers[3]["index"], 3);
    assert_eq!(answers[3]["category"]["label"], "refund_payment");
}

#[tokio::test]
async fn lines_are_answered_in_order_whatever_is_wrong_with_some() {
    let server = Server::start().await;
    let mut body = Vec::new();
    for number in 0..1_000 {
        match number % 100 {
            7 => body.extend(b"{broken\n"),
            8 => body.extend(b"{\"text\": \"\xff\xff\"}\n"),
            _ => body
                .extend(format!("{{\"id\": {number}, \"text\": \"快递丢了{number}\"}}\n").bytes()),
        }
    }
    let response = server
        .post("/v1/classify/batch")
        .header("content-type", "application/x-ndjson")
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let answers = response.text().await.unwrap();
    let answers: Vec<Value> =
        answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), 1_000);
    for (number, answer) in answers.iter().enumerate() {
        assert_eq!(answer["index"], number);
        match number % 100 {
            7 | 8 => assert!(answer["errors"].is_array(), "{answer}"),
            _ => assert_eq!(answer["id"], number),
        }
    }
}

#[tokio::test]
async fn a_broken_array_and_an_empty_batch_are_answered_clearly() {
    let server = Server::start().await;
    let post = |body: &'static str| {
        let request = server.post("/v1/classify/batch").header("content-type", "application/json");
        request.body(body).send()
    };
    problem(post("[{\"text\": \"快递\"},").await.unwrap(), StatusCode::BAD_REQUEST).await;
    assert_eq!(post("[]").await.unwrap().text().await.unwrap(), "[]");
    assert_eq!(post("\n\n").await.unwrap().text().await.unwrap(), "");
}

#[tokio::test]
async fn more_batches_than_there_are_places_are_put_off_and_who_reads_nothing_loses_his_place() {
    let mut setup = Setup::default();
    setup.http.max_batches = 1;
    setup.http.timeout_s = 1;
    let server = Server::start_with(setup).await;
    let post = |n_lines: usize| {
        let request = server
            .post("/v1/classify/batch")
            .header("content-type", "application/x-ndjson")
            .header("accept-encoding", "identity");
        request.body("x\n".repeat(n_lines)).send()
    };
    // Some 27 MB of answers, far more than all buffers on the way hold.
    let unread = post(300_000).await.unwrap();
    assert_eq!(unread.status(), StatusCode::OK);
    let refused = post(1).await.unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()["retry-after"], "1");
    let mut answered = post(1).await.unwrap();
    for _ in 0..200 {
        if answered.status() == StatusCode::OK {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        answered = post(1).await.unwrap();
    }
    assert_eq!(answered.text().await.unwrap().lines().count(), 1);
    // What was cut short does not pass for a whole answer.
    unread.text().await.unwrap_err();
}
