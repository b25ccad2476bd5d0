//! The bare baselines of the load test. `/constant` drops the body and answers 17 bytes: what HTTP
//! alone costs. `/json` parses the body and writes an answer as long as ours: what the contract
//! costs before anybody has thought about the complaint. Everything above is ours.

use std::sync::Arc;

use axum::{
    Json, Router, body::Bytes, extract::State, http::header, response::IntoResponse, routing,
};
use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().ok_or("usage: bare ADDRESS ANSWER.json")?;
    let answer = arguments.next().ok_or("usage: bare ADDRESS ANSWER.json")?;
    let answer: Arc<Value> = Arc::new(serde_json::from_slice(&std::fs::read(answer)?)?);
    let router = Router::new()
        .route("/constant", routing::post(constant))
        .route("/json", routing::post(json))
        .with_state(answer);
    axum::serve(tokio::net::TcpListener::bind(address).await?, router).await?;
    Ok(())
}

async fn constant(body: Bytes) -> impl IntoResponse {
    drop(body);
    ([(header::CONTENT_TYPE, "application/json")], "{\"category\":null}")
}

async fn json(State(answer): State<Arc<Value>>, Json(complaint): Json<Value>) -> impl IntoResponse {
    drop(complaint);
    Json(answer)
}
