//! What stands around every route: load limits, timeouts, request ids, logs, metrics, compression,
//! and a net for panics.

use std::{
    any::Any,
    cell::RefCell,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    BoxError, Router,
    error_handling::HandleErrorLayer,
    extract::{MatchedPath, Request},
    http::{HeaderName, HeaderValue, Method, StatusCode},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use metrics::Histogram;
use rustc_hash::FxHashMap;
use tower::{ServiceBuilder, limit::GlobalConcurrencyLimitLayer, load_shed::LoadShedLayer};
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::CompressionLayer,
    decompression::RequestDecompressionLayer,
    request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer},
    timeout::TimeoutLayer,
};

use crate::config::HttpConfig;
use crate::http::Service;
use crate::http::error::Problem;

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers 429 when too many requests are in work and 503 when one takes too long.
pub(super) fn limit_load(
    router: Router<Service>,
    config: &HttpConfig,
    timeout: Duration,
) -> Router<Service> {
    router.layer(
        ServiceBuilder::new()
            .layer(HandleErrorLayer::new(|_: BoxError| async {
                Problem::of_status(StatusCode::TOO_MANY_REQUESTS).into_response()
            }))
            .layer(LoadShedLayer::new())
            .layer(GlobalConcurrencyLimitLayer::new(config.max_in_flight))
            .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, timeout))
            .layer(RequestDecompressionLayer::new()),
    )
}

/// Measures, names and logs every request, and shows every failure as a problem.
pub(super) fn observe(router: Router<Service>) -> Router<Service> {
    router.layer(
        ServiceBuilder::new()
            .layer(SetRequestIdLayer::new(REQUEST_ID, CountedIds::new()))
            .layer(PropagateRequestIdLayer::new(REQUEST_ID))
            .layer(CompressionLayer::new())
            .layer(middleware::from_fn(record))
            .layer(CatchPanicLayer::custom(panicked)),
    )
}

fn panicked(_payload: Box<dyn Any + Send>) -> Response {
    // The panic's words may quote a complaint, so they go nowhere; the hook has told the place.
    Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR).into_response()
}

/// Request ids that are unique among replicas without asking for randomness each time: a random
/// part for the process, then a count.
#[derive(Clone)]
struct CountedIds {
    process: u64,
    next: Arc<AtomicU64>,
}

impl CountedIds {
    fn new() -> Self {
        Self { process: RandomState::new().hash_one("request ids"), next: Arc::default() }
    }
}

impl MakeRequestId for CountedIds {
    fn make_request_id<B>(&mut self, _request: &axum::http::Request<B>) -> Option<RequestId> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let id = format!("{:016x}-{number:x}", self.process);
        HeaderValue::from_str(&id).ok().map(RequestId::new)
    }
}

/// The histograms of a route by method and status.
type OfRoute = Vec<(&'static str, StatusCode, Histogram)>;

/// Adds a request to its histogram. Looking a histogram up by its labels costs half a dozen
/// allocations; each thread keeps those that it has used.
fn record_duration(route: &str, method: &'static str, status: StatusCode, duration: Duration) {
    thread_local! {
        static KNOWN: RefCell<FxHashMap<String, OfRoute>> = RefCell::default();
    }
    KNOWN.with_borrow_mut(|known| {
        if !known.contains_key(route) {
            known.insert(route.to_owned(), OfRoute::new());
        }
        let of_route = known.get_mut(route).expect("it is there by now");
        let found = of_route.iter().position(|it| it.0 == method && it.1 == status);
        let place = found.unwrap_or_else(|| {
            let labels = [
                ("method", method.to_owned()),
                ("route", route.to_owned()),
                ("status", status.as_u16().to_string()),
            ];
            let histogram = metrics::histogram!("fenzhen_http_request_duration_seconds", &labels);
            of_route.push((method, status, histogram));
            of_route.len() - 1
        });
        of_route[place].2.record(duration.as_secs_f64());
    });
}

/// A client may invent methods, but no metrics.
fn name_of(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}

/// Times the request, logs a failure, and turns a bare error into a problem.
async fn record(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    // The route, not the path: ids would make a new metric each.
    let route = request.extensions().get::<MatchedPath>().cloned();
    let request_id = request.headers().get(REQUEST_ID).cloned();
    let response = next.run(request).await;
    let status = response.status();
    let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    record_duration(route, name_of(&method), status, started.elapsed());
    if status.is_server_error() {
        tracing::error!(%method, route, status = status.as_u16(), ?request_id, "request failed");
    }
    // The timeout layer and axum's own refusals have no body of ours; pages of the console do.
    let is_bare = (status.is_client_error() || status.is_server_error())
        && response
            .headers()
            .get("content-type")
            .is_none_or(|it| it.as_bytes().starts_with(b"text/plain"));
    if is_bare { Problem::of_status(status).into_response() } else { response }
}
