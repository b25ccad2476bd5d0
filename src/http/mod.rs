//! The JSON API and the console: routes, their documentation, and the layers around them. The only
//! module that knows axum. It holds no business rule: handlers parse, call a use case, and show its
//! outcome.

mod audit;
mod batch;
mod caller;
mod cases;
mod classify;
pub(crate) mod console;
mod corrections;
mod error;
mod evidence;
mod extract;
mod gateways;
mod keys;
mod knowledge;
mod layers;
mod library;
mod messages;
mod permissions;
mod privacy;
mod probes;
mod progress;
mod queues;
mod reviews;
mod schema;
mod separation;
mod sessions;
mod stats;
mod unmask;
mod users;
mod webhooks;

use std::{ops::Deref, sync::Arc};

use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, FromRef},
    http::StatusCode,
    middleware,
    response::IntoResponse,
};
use jiff::Timestamp;
use metrics_exporter_prometheus::PrometheusHandle;
use tower::ServiceBuilder;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::config::HttpConfig;
use crate::http::caller::Door;
use crate::http::console::{Gate, Live};
use crate::http::error::Problem;
use crate::http::permissions::Permissions;
use crate::identity::Identity;
use crate::triage::{Courier, Desk};

/// Tells the time; tests turn its hands.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What handlers work with. Every layer and handler has its own: that costs one count, however much
/// there is of it.
#[derive(Clone)]
pub struct Service(Arc<Parts>);

/// Everything that handlers work with.
#[derive(Clone)]
pub struct Parts {
    /// The use cases.
    pub desk: Arc<Desk>,
    /// Who is who.
    pub identity: Arc<Identity>,
    /// Carries messages to other systems.
    pub courier: Arc<Courier>,
    /// Tells open pages of the console what changes.
    pub(crate) live: Arc<Live>,
    /// Tells the time.
    pub clock: Clock,
    /// What `/metrics` shows.
    pub metrics: PrometheusHandle,
}

impl From<Parts> for Service {
    fn from(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for Service {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl FromRef<Service> for Arc<Desk> {
    fn from_ref(service: &Service) -> Self {
        Self::clone(&service.desk)
    }
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Fenzhen 分诊",
        description = "Reads Chinese complaints: category, severity, sentiment, risk signals, route, deadlines, and why."
    ),
    modifiers(&Bearer),
    security(("bearer" = []))
)]
struct Documentation;

/// How callers say who they are.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "A key (`fz_…`) or the token of a session (`fzs_…`). An open service, which \
                 listens on its own machine alone, answers without.",
            ))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    }
}

/// The whole API with its layers.
pub fn router(service: Service, config: &HttpConfig) -> Router {
    let closed = config.access.is_closed(config.listen);
    let door = Door { service: service.clone(), permissions: Arc::new(Permissions::new()), closed };
    let admit = middleware::from_fn_with_state(door, caller::admit);
    // Each call of `layer` boxes what it wraps, so those that belong together are one.
    let up_to = |n_bytes: usize| {
        ServiceBuilder::new().layer(admit.clone()).layer(DefaultBodyLimit::max(n_bytes))
    };
    let single = OpenApiRouter::with_openapi(Documentation::openapi())
        .merge(case_routes())
        .merge(access_routes())
        .layer(up_to(config.max_body_bytes));
    let batch = OpenApiRouter::new()
        .routes(routes!(batch::classify))
        .layer(Extension(batch::Admission::new(config)))
        .layer(up_to(config.max_batch_bytes));
    let (api, mut documentation) = single.merge(batch).split_for_parts();
    let files = file_routes().layer(up_to(form_bytes(config)));
    let (files, of_files) = files.split_for_parts();
    documentation.merge(of_files);
    let secure = !config.listen.ip().is_loopback();
    let gate = Gate { service: service.clone(), closed, secure };
    let api = api.merge(console::routes(gate.clone()));
    let api = layers::limit_load(api, config, config.timeout());
    // A large file takes its time, and keeps nobody else out meanwhile.
    let timeout = config.evidence.upload_timeout();
    let pages = console::file_routes(gate).layer(DefaultBodyLimit::max(form_bytes(config)));
    let files = layers::limit_load(files.merge(pages), config, timeout);
    // Probes stay outside the limits: an operator must see a busy service, not a shed probe.
    let router = api
        .merge(files)
        .merge(probes::routes(&documentation))
        .fallback(|| async { Problem::of_status(StatusCode::NOT_FOUND).into_response() })
        .method_not_allowed_fallback(|| async {
            Problem::of_status(StatusCode::METHOD_NOT_ALLOWED).into_response()
        });
    layers::observe(router).with_state(service)
}

/// Cases, what is learned from them, and what they are judged with.
fn case_routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(classify::classify))
        .routes(routes!(cases::receive, cases::list))
        .routes(routes!(cases::show))
        .routes(routes!(cases::events))
        .routes(routes!(corrections::correct, corrections::list))
        .routes(routes!(corrections::reroute))
        .routes(routes!(separation::separate))
        .routes(routes!(progress::show))
        .routes(routes!(progress::step))
        .routes(routes!(messages::list, messages::send))
        .routes(routes!(library::search))
        .routes(routes!(library::similar_to_text))
        .routes(routes!(library::similar_to_case))
        .routes(routes!(stats::show))
        .routes(routes!(reviews::alerts))
        .routes(routes!(reviews::alert, reviews::step_alert))
        .routes(routes!(reviews::improvements, reviews::add_improvement))
        .routes(routes!(reviews::improvement, reviews::step_improvement))
        .routes(routes!(privacy::export))
        .routes(routes!(privacy::erase))
        .routes(routes!(queues::list))
        .routes(routes!(queues::show))
        .routes(routes!(knowledge::rules))
        .routes(routes!(knowledge::models))
        .routes(routes!(unmask::unmask))
}

/// Who may come in, and which systems hear of events.
fn access_routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::rotate))
        .routes(routes!(keys::revoke))
        .routes(routes!(users::list, users::create))
        .routes(routes!(users::change))
        .routes(routes!(sessions::open, sessions::close))
        .routes(routes!(audit::list))
        .routes(routes!(webhooks::create, webhooks::list))
        .routes(routes!(webhooks::show, webhooks::delete))
        .routes(routes!(webhooks::rotate))
        .routes(routes!(webhooks::enable))
        .routes(routes!(webhooks::disable))
        .routes(routes!(webhooks::dead_letters))
        .routes(routes!(webhooks::replay))
        .routes(routes!(gateways::dead_letters))
        .routes(routes!(gateways::replay))
}

/// The routes of evidence files, whose bodies are larger than others.
fn file_routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(evidence::list, evidence::add))
        .routes(routes!(evidence::show))
        .routes(routes!(evidence::unmask))
}

/// The largest form with a file, in bytes.
fn form_bytes(config: &HttpConfig) -> usize {
    let file_bytes = usize::try_from(config.evidence.max_evidence_bytes).unwrap_or(usize::MAX);
    file_bytes.saturating_add(evidence::FORM_BYTES)
}
