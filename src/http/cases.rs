//! `/v1/cases`: complaints that are kept.

use std::sync::{Arc, LazyLock};

use axum::{
    Json,
    body::Bytes,
    extract::{
        Query, State,
        rejection::{BytesRejection, QueryRejection},
    },
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::cases::Stage;
use crate::domain::{Channel, LabelId, QueueId, Role};
use crate::http::Service;
use crate::http::caller::Caller;
use crate::http::classify::{json_response, read_submission};
use crate::http::error::{ApiError, Problem};
use crate::http::extract::CaseId;
use crate::http::layers::REQUEST_ID;
use crate::http::schema::SubmissionBody;
use crate::registry::Digest;
use crate::store::{CaseFilter, StoredResponse};
use crate::triage::{CaseAnswer, CaseSummary, Desk, Knowledge, Mistake, Parameters, Receipt};

/// The longest idempotency key, in bytes.
const MAX_KEY_BYTES: usize = 255;

/// Receives a complaint as a case
///
/// Judges it like `/v1/classify` and stores it. The same complaint again under its `channel` and
/// `external_id` answers the case that is there; another text, demand, amount, customer, object or
/// evidence under them is refused with 409, which names that case and stores nothing. The same
/// `Idempotency-Key` again answers as the first time. What the same customer, or somebody with the
/// same order, sends again in near-same words within days is joined to the first case: `joined_as`
/// names it in the case's `joined`. Another complaint about the same order or product is a case of
/// its own, listed in `repeats` of both and counted in `prior_contacts`.
#[utoipa::path(
    post,
    operation_id = "receive_case",
    path = "/v1/cases",
    tag = "cases",
    request_body = SubmissionBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "Up to 255 visible ASCII characters")),
    responses(
        (status = 201, description = "A new case", body = CaseAnswer<'static>, headers(("Location" = String))),
        (status = 200, description = "The case that was there, or that it is joined to", body = CaseAnswer<'static>),
        (status = 400, description = "Not JSON, or no `Idempotency-Key` that can be one", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "A request with this key is in work, or the channel has sent another complaint with this `external_id`: `case_id` names its case, and nothing was stored", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not JSON by its content type", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Every mistake, or a key with another body", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Busy, with Retry-After", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn receive(
    State(service): State<Service>,
    caller: Caller,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    let key = idempotency_key(&headers, body.as_ref().map_or(&[], |body| body))?;
    // What one client calls a request is not what another does.
    let key = key.map(|(key, digest)| (caller.namespace() + &key, digest));
    let submission = read_submission(&service, &headers, body)?;
    submission.check_storable().map_err(ApiError::Mistakes)?;
    let id = new_id();
    let receipt = Receipt {
        submission,
        by: caller.receiver(),
        key,
        id,
        request_id: request_id(&headers).map(ToOwned::to_owned),
        now: (service.clock)(),
    };
    let StoredResponse { status, body } = service.desk.receive(receipt).await?;
    let location = location(&body);
    let mut response = json_response(body.into_bytes());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    if let Some(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// The id under which operators find a request.
pub(super) fn request_id(headers: &HeaderMap) -> Option<&str> {
    headers.get(REQUEST_ID).and_then(|it| it.to_str().ok())
}

/// An id that nothing else has.
#[expect(clippy::disallowed_methods, reason = "this is the edge that makes ids")]
pub(super) fn new_id() -> Uuid {
    Uuid::now_v7()
}

/// The path of the case that an answer shows; a replayed answer has one too.
fn location(body: &str) -> Option<HeaderValue> {
    #[derive(Deserialize)]
    struct WithId<'a> {
        id: &'a str,
    }
    let WithId { id } = serde_json::from_str(body).ok()?;
    HeaderValue::from_str(&format!("/v1/cases/{id}")).ok()
}

/// The key with a digest of the body that it belongs to.
fn idempotency_key(headers: &HeaderMap, body: &[u8]) -> Result<Option<(String, String)>, ApiError> {
    let Some(key) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let key = key.to_str().unwrap_or_default().trim();
    if key.is_empty() || MAX_KEY_BYTES < key.len() {
        let detail = "send an `Idempotency-Key` of 1 to 255 visible ASCII characters";
        return Err(ApiError::Parameter(detail.to_owned()));
    }
    let digest = Digest::of(body).to_string();
    Ok(Some((key.to_owned(), digest)))
}

/// Which cases to list.
#[derive(IntoParams)]
#[expect(dead_code, reason = "documentation alone; every mistake is listed")]
pub(super) struct ListParameters {
    /// Only cases on this queue.
    queue: Option<String>,
    /// Only cases in this status.
    status: Option<String>,
    /// Only cases about this.
    category: Option<String>,
    /// Only cases this severe.
    severity: Option<String>,
    /// Only cases from this channel.
    channel: Option<String>,
    /// Only cases that executives must see, or only others.
    executive_review: Option<bool>,
    /// Only cases that a person must label first, or only others.
    needs_triage: Option<bool>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many, 1 to 200; 50 if not given.
    limit: Option<u16>,
}

/// A page of cases.
#[derive(Serialize, ToSchema)]
pub(super) struct CasesAnswer<'a> {
    cases: Vec<CaseSummary<'a>>,
    /// Send it as `cursor` for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// Lists cases, newest first
#[utoipa::path(
    get,
    operation_id = "list_cases",
    path = "/v1/cases",
    tag = "cases",
    params(ListParameters),
    responses(
        (status = 200, description = "A page of cases", body = CasesAnswer<'static>),
        (status = 422, description = "Every mistake", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    pairs: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(pairs) = pairs.map_err(ApiError::Query)?;
    let mut parameters = Parameters::new(pairs);
    let channel = parameters.one_of("channel", &Channel::ALL.map(Channel::as_str));
    let status = parameters.one_of("status", &Stage::ALL.map(Stage::as_str));
    let filter = CaseFilter {
        alert: None,
        queue: parameters.parse("queue"),
        status: status.map(ToOwned::to_owned),
        category: parameters.parse("category"),
        severity: parameters.parse("severity"),
        executive_review: parameters.flag("executive_review"),
        needs_triage: parameters.flag("needs_triage"),
        channel: Channel::ALL.into_iter().find(|it| Some(it.as_str()) == channel),
        reach: Some(caller.principal.reach()),
    };
    let (after, limit) = (parameters.parse("cursor"), parameters.limit(50));
    let strange = || strange_names(&filter, &desk.engine().knowledge());
    let known: Vec<&str> = DOCUMENTED.iter().map(String::as_str).collect();
    if let Err(mut mistakes) = parameters.finish(&known) {
        mistakes.extend(strange());
        return Err(ApiError::Mistakes(mistakes));
    }
    let page = desk.list_cases(&filter, after, limit).await?;
    // Cases from before a change of taxonomy or policy are found by the names of their time.
    if page.items.is_empty() {
        let strange = strange();
        if !strange.is_empty() {
            return Err(ApiError::Mistakes(strange));
        }
    }
    let answer = CasesAnswer {
        cases: page.items.iter().map(CaseSummary::new).collect(),
        next_cursor: page.next.map(|cursor| cursor.to_string()),
    };
    Ok(Json(answer).into_response())
}

/// The names of the parameters of a listing.
static DOCUMENTED: LazyLock<Vec<String>> = LazyLock::new(|| {
    let documented = ListParameters::into_params(|| None).into_iter();
    documented.map(|parameter| parameter.name).collect()
});

/// Names that a filter asks for and that neither the live taxonomy nor the live policy has.
fn strange_names(filter: &CaseFilter, knowledge: &Knowledge) -> Vec<Mistake> {
    let labels = |role: Role| -> Vec<&str> {
        let head = knowledge.taxonomy.role(role).map(|(_, head)| &head.labels);
        head.into_iter().flatten().map(|label| label.id.as_str()).collect()
    };
    let queues = knowledge.policy.queues().iter().map(|queue| queue.id.as_str()).collect();
    let asked = [
        ("queue", filter.queue.as_ref().map(QueueId::as_str), queues),
        ("category", filter.category.as_ref().map(LabelId::as_str), labels(Role::Category)),
        ("severity", filter.severity.as_ref().map(LabelId::as_str), labels(Role::Severity)),
    ];
    let strange = asked
        .into_iter()
        .filter(|(_, name, known)| name.is_some_and(|name| !known.contains(&name)));
    let mistake = |(name, _, known): (&str, _, Vec<&str>)| Mistake {
        pointer: format!("/{name}"),
        detail: format!("there is no such {name}: send one of {}", known.join(", ")),
    };
    strange.map(mistake).collect()
}

/// Shows a case
#[utoipa::path(
    get,
    operation_id = "show_case",
    path = "/v1/cases/{id}",
    tag = "cases",
    params(("id" = String, Path, description = "The case")),
    responses(
        (status = 200, description = "The case", body = CaseAnswer<'static>),
        (status = 404, description = "No such case", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    CaseId(id): CaseId,
) -> Result<Response, ApiError> {
    let case = desk.find_case(id).await?.ok_or(ApiError::Missing("case"))?;
    let matter = desk.find_matter(id).await?;
    Ok(Json(CaseAnswer::new(&case, &matter)).into_response())
}

/// Something that happened to a case.
#[derive(Serialize, ToSchema)]
pub(super) struct EventAnswer {
    /// Its number within the case, from 1.
    seq: u32,
    /// When.
    #[schema(value_type = String)]
    at: Timestamp,
    /// Who did it.
    actor: String,
    /// What they do for the firm; `system` is the service itself.
    role: &'static str,
    /// What happened.
    kind: String,
    /// What changed and why.
    #[schema(value_type = Object)]
    data: serde_json::Value,
}

/// Lists what happened to a case, oldest first
#[utoipa::path(
    get,
    operation_id = "list_case_events",
    path = "/v1/cases/{id}/events",
    tag = "cases",
    params(("id" = String, Path, description = "The case")),
    responses(
        (status = 200, description = "The events", body = Vec<EventAnswer>),
        (status = 404, description = "No such case", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn events(
    State(desk): State<Arc<Desk>>,
    CaseId(id): CaseId,
) -> Result<Json<Vec<EventAnswer>>, ApiError> {
    let events = desk.list_events(id).await?;
    // A case has an event at least: that it was received.
    if events.is_empty() {
        return Err(ApiError::Missing("case"));
    }
    let show = |event: crate::store::Event| EventAnswer {
        seq: event.seq,
        at: event.record.at,
        actor: event.record.actor,
        role: event.record.role.as_str(),
        kind: event.record.kind,
        data: event.record.data,
    };
    Ok(Json(events.into_iter().map(show).collect()))
}
