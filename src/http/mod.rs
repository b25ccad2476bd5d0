//! The JSON API: routes, their documentation, and the layers around them. The only module that
//! knows axum. It holds no business rule: handlers parse, call a use case, and show its outcome.

mod batch;
mod cases;
mod classify;
mod corrections;
mod error;
mod knowledge;
mod layers;
mod page;
mod probes;
mod progress;
mod queues;
mod schema;
mod webhooks;

use std::sync::Arc;

use axum::{Router, extract::FromRef, http::StatusCode, response::IntoResponse};
use jiff::Timestamp;
use metrics_exporter_prometheus::PrometheusHandle;
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::config::HttpConfig;
use crate::http::error::Problem;
use crate::triage::{Courier, Desk};

/// Tells the time; tests turn its hands.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What handlers work with.
#[derive(Clone)]
pub struct Service {
    /// The use cases.
    pub desk: Arc<Desk>,
    /// Carries messages to other systems.
    pub courier: Arc<Courier>,
    /// Tells the time.
    pub clock: Clock,
    /// What `/metrics` shows.
    pub metrics: PrometheusHandle,
}

impl FromRef<Service> for Arc<Desk> {
    fn from_ref(service: &Service) -> Self {
        Self::clone(&service.desk)
    }
}

#[derive(OpenApi)]
#[openapi(info(
    title = "Fenzhen 分诊",
    description = "Reads Chinese complaints: category, severity, sentiment, risk signals, route, deadlines, and why."
))]
struct Documentation;

/// The whole API with its layers.
pub fn router(service: Service, config: &HttpConfig) -> Router {
    let single = OpenApiRouter::with_openapi(Documentation::openapi())
        .routes(routes!(classify::classify))
        .routes(routes!(cases::receive, cases::list))
        .routes(routes!(cases::show))
        .routes(routes!(cases::events))
        .routes(routes!(corrections::correct, corrections::list))
        .routes(routes!(corrections::reroute))
        .routes(routes!(progress::show))
        .routes(routes!(progress::step))
        .routes(routes!(queues::list))
        .routes(routes!(queues::show))
        .routes(routes!(knowledge::rules))
        .routes(routes!(knowledge::models))
        .routes(routes!(webhooks::create, webhooks::list))
        .routes(routes!(webhooks::show, webhooks::delete))
        .routes(routes!(webhooks::rotate))
        .routes(routes!(webhooks::enable))
        .routes(routes!(webhooks::disable))
        .routes(routes!(webhooks::dead_letters))
        .routes(routes!(webhooks::replay))
        .layer(axum::extract::DefaultBodyLimit::max(config.max_body_bytes));
    let batch = OpenApiRouter::new()
        .routes(routes!(batch::classify))
        .layer(axum::extract::DefaultBodyLimit::max(config.max_batch_bytes));
    let (api, documentation) = single.merge(batch).split_for_parts();
    let api = layers::limit_load(api, config);
    // Probes stay outside the limits: an operator must see a busy service, not a shed probe.
    let router = api
        .merge(probes::routes(&documentation))
        .fallback(|| async { Problem::of_status(StatusCode::NOT_FOUND).into_response() })
        .method_not_allowed_fallback(|| async {
            Problem::of_status(StatusCode::METHOD_NOT_ALLOWED).into_response()
        });
    layers::observe(router).with_state(service)
}
