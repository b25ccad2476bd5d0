//! `/v1/webhooks`: systems of the firm that hear of events.

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::Service;
use crate::http::cases::new_id;
use crate::http::error::{ApiError, Problem};
use crate::http::extract::{AnyJson, WebhookId};
use crate::http::schema::{ReplayBody, WebhookBody};
use crate::store::Topic;
use crate::triage::{DeadLetterAnswer, Mistake, WebhookAnswer, WebhookRequest};

/// Adds a system that hears of events
///
/// Every event of a case is posted to `url` as `{"type", "timestamp", "data"}`, signed as of
/// [Standard Webhooks](https://www.standardwebhooks.com): `webhook-id`, `webhook-timestamp` and
/// `webhook-signature` are headers, and the answer shows the secret, once. Answer 2xx within ten
/// seconds; anything else is tried again for about a day, later each time. An event may arrive
/// twice under the same `webhook-id`. Events of one case arrive in order, those of several cases
/// in any. 410 disables the endpoint.
///
/// The body carries ids and what changed. With `with_words` it carries as well what people wrote:
/// the complaint and all notes.
#[utoipa::path(
    post,
    operation_id = "create_webhook",
    path = "/v1/webhooks",
    tag = "webhooks",
    request_body = WebhookBody,
    responses(
        (status = 201, description = "The endpoint with its secret", body = WebhookAnswer),
        (status = 422, description = "Every mistake", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn create(
    State(service): State<Service>,
    AnyJson(value): AnyJson,
) -> Result<Response, ApiError> {
    let request = WebhookRequest::parse(value, &service.courier).map_err(ApiError::Mistakes)?;
    let (id, now) = (new_id(), (service.clock)());
    let answer = service.courier.add_webhook(request, id, new_secret(), now).await?;
    let mut response = (StatusCode::CREATED, Json(answer)).into_response();
    let location = HeaderValue::try_from(format!("/v1/webhooks/{id}"));
    response.headers_mut().insert(header::LOCATION, location.expect("an id is ASCII"));
    Ok(response)
}

/// Lists the systems that hear of events
#[utoipa::path(
    get,
    operation_id = "list_webhooks",
    path = "/v1/webhooks",
    tag = "webhooks",
    responses((status = 200, description = "The endpoints, oldest first", body = Vec<WebhookAnswer>))
)]
pub(super) async fn list(State(service): State<Service>) -> Result<Response, ApiError> {
    Ok(Json(service.courier.list_webhooks().await?).into_response())
}

/// Shows a system that hears of events
#[utoipa::path(
    get,
    operation_id = "show_webhook",
    path = "/v1/webhooks/{id}",
    tag = "webhooks",
    params(("id" = String, Path, description = "The endpoint")),
    responses(
        (status = 200, description = "The endpoint", body = WebhookAnswer),
        (status = 404, description = "No such endpoint", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn show(
    State(service): State<Service>,
    WebhookId(id): WebhookId,
) -> Result<Response, ApiError> {
    answer(&service, id).await
}

/// Gives an endpoint a new secret
///
/// The answer shows it, once. For 24 hours the old one signs as well.
#[utoipa::path(
    post,
    operation_id = "rotate_webhook_secret",
    path = "/v1/webhooks/{id}/rotate",
    tag = "webhooks",
    params(("id" = String, Path, description = "The endpoint")),
    responses(
        (status = 200, description = "The endpoint with its new secret", body = WebhookAnswer),
        (status = 404, description = "No such endpoint", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn rotate(
    State(service): State<Service>,
    WebhookId(id): WebhookId,
) -> Result<Response, ApiError> {
    let now = (service.clock)();
    let answer = service.courier.rotate_webhook(id, new_secret(), now).await?;
    Ok(Json(answer.ok_or(ApiError::Missing("webhook"))?).into_response())
}

/// Lets an endpoint hear of events again
///
/// What waited for it goes out; events of the time between are not told.
#[utoipa::path(
    post,
    operation_id = "enable_webhook",
    path = "/v1/webhooks/{id}/enable",
    tag = "webhooks",
    params(("id" = String, Path, description = "The endpoint")),
    responses(
        (status = 200, description = "The endpoint", body = WebhookAnswer),
        (status = 404, description = "No such endpoint", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn enable(
    State(service): State<Service>,
    WebhookId(id): WebhookId,
) -> Result<Response, ApiError> {
    service.courier.enable_webhook(id).await?;
    answer(&service, id).await
}

/// Tells an endpoint nothing any more
#[utoipa::path(
    post,
    operation_id = "disable_webhook",
    path = "/v1/webhooks/{id}/disable",
    tag = "webhooks",
    params(("id" = String, Path, description = "The endpoint")),
    responses(
        (status = 200, description = "The endpoint", body = WebhookAnswer),
        (status = 404, description = "No such endpoint", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn disable(
    State(service): State<Service>,
    WebhookId(id): WebhookId,
) -> Result<Response, ApiError> {
    service.courier.disable_webhook(id).await?;
    answer(&service, id).await
}

/// Removes an endpoint with everything that waits for it
#[utoipa::path(
    delete,
    operation_id = "delete_webhook",
    path = "/v1/webhooks/{id}",
    tag = "webhooks",
    params(("id" = String, Path, description = "The endpoint")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "No such endpoint", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn delete(
    State(service): State<Service>,
    WebhookId(id): WebhookId,
) -> Result<StatusCode, ApiError> {
    let found = service.courier.delete_webhook(id).await?;
    if found { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::Missing("webhook")) }
}

/// Lists what could not be delivered, oldest first, 200 at most
#[utoipa::path(
    get,
    operation_id = "list_webhook_dead_letters",
    path = "/v1/webhooks/{id}/dead-letters",
    tag = "webhooks",
    params(("id" = String, Path, description = "The endpoint")),
    responses(
        (status = 200, description = "The dead letters", body = Vec<DeadLetterAnswer>),
        (status = 404, description = "No such endpoint", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn dead_letters(
    State(service): State<Service>,
    WebhookId(id): WebhookId,
) -> Result<Response, ApiError> {
    service.courier.find_webhook(id).await?.ok_or(ApiError::Missing("webhook"))?;
    let letters = service.courier.list_dead_letters((Topic::Webhook, &id.to_string())).await?;
    Ok(Json(letters).into_response())
}

/// How many dead letters are due again.
#[derive(Serialize, ToSchema)]
pub(super) struct ReplayAnswer {
    /// How many.
    pub(super) replayed: u64,
}

/// Sends dead letters again
///
/// All of them, or those whose `ids` are sent, under the ids that they had.
#[utoipa::path(
    post,
    operation_id = "replay_webhook_dead_letters",
    path = "/v1/webhooks/{id}/dead-letters/replay",
    tag = "webhooks",
    request_body = ReplayBody,
    params(("id" = String, Path, description = "The endpoint")),
    responses(
        (status = 200, description = "How many are sent again", body = ReplayAnswer),
        (status = 404, description = "No such endpoint", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Every mistake", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn replay(
    State(service): State<Service>,
    WebhookId(id): WebhookId,
    AnyJson(value): AnyJson,
) -> Result<Response, ApiError> {
    let letters = chosen_letters(value)?;
    service.courier.find_webhook(id).await?.ok_or(ApiError::Missing("webhook"))?;
    let (target, now) = (id.to_string(), (service.clock)());
    let place = (Topic::Webhook, target.as_str());
    let replayed = service.courier.replay_dead_letters(place, letters, now).await?;
    Ok(Json(ReplayAnswer { replayed }).into_response())
}

/// Which dead letters to send again; none stands for all.
pub(super) fn chosen_letters(value: Value) -> Result<Vec<String>, ApiError> {
    match value {
        Value::Object(fields) if fields.is_empty() => Ok(Vec::new()),
        value => serde_json::from_value(value["ids"].clone()).map_err(|_| {
            let detail = "send an array of ids of dead letters, or `{}` for all".to_owned();
            ApiError::Mistakes(vec![Mistake { pointer: "/ids".to_owned(), detail }])
        }),
    }
}

async fn answer(service: &Service, id: Uuid) -> Result<Response, ApiError> {
    let found = service.courier.find_webhook(id).await?;
    Ok(Json(found.ok_or(ApiError::Missing("webhook"))?).into_response())
}

/// Bytes that nobody can guess.
fn new_secret() -> [u8; 32] {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the system has randomness, or no TLS would work either");
    bytes
}
