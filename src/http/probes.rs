//! What operators and their machines ask: alive, ready, metrics, documentation.

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;
use utoipa::openapi::OpenApi;

use crate::http::Service;
use crate::triage::ModelState;

/// The paths beside the API.
pub(super) fn routes(documentation: &OpenApi) -> Router<Service> {
    let documentation = documentation.to_json().expect("the documentation is plain data");
    let openapi =
        move || async move { ([(header::CONTENT_TYPE, "application/json")], documentation) };
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/openapi.json", get(openapi))
}

/// Whether each part can work. Without a model the service is ready, because rules still answer
/// and refusing complaints would lose them; `model` then says what is wrong.
#[derive(Serialize)]
struct Readiness {
    status: &'static str,
    model: String,
    rules: String,
    database: &'static str,
}

async fn ready(State(service): State<Service>) -> Response {
    let knowledge = service.desk.engine().knowledge();
    let (model, has_model) = match &knowledge.model {
        ModelState::Live { version, .. } => (version.clone(), true),
        ModelState::Missing { problem } => (format!("rules alone answer: {problem}"), false),
    };
    let database = service.desk.ping().await;
    if let Err(error) = &database {
        tracing::error!(error = error as &dyn std::error::Error, "the database does not answer");
    }
    let (status, word) = match (&database, has_model) {
        (Err(_), _) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        (Ok(()), false) => (StatusCode::OK, "degraded"),
        (Ok(()), true) => (StatusCode::OK, "ready"),
    };
    let body = Readiness {
        status: word,
        model,
        rules: knowledge.rules.version().to_owned(),
        database: if database.is_ok() { "ok" } else { "does not answer" },
    };
    (status, Json(body)).into_response()
}

async fn metrics(State(service): State<Service>) -> Response {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], service.metrics.render()).into_response()
}
