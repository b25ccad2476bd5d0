//! The bare baseline of the load test: an axum handler that reads the body and answers a constant.
//! What it costs is what HTTP costs; everything above is ours.

use axum::{Router, body::Bytes, http::header, response::IntoResponse, routing::post};

#[tokio::main]
async fn main() -> Result<(), std::io::Error> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8081".to_owned());
    let router = Router::new().route("/v1/classify", post(answer));
    axum::serve(tokio::net::TcpListener::bind(address).await?, router).await
}

async fn answer(body: Bytes) -> impl IntoResponse {
    drop(body);
    ([(header::CONTENT_TYPE, "application/json")], "{\"category\":null}")
}
