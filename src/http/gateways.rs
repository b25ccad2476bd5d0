//! `/v1/gateways/{channel}/dead-letters`: messages to customers that a gateway of the firm did not
//! take, sent again when it is back. Gateways themselves are settings and are not changed here.

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    response::{IntoResponse, Response},
};

use crate::domain::MessageChannel;
use crate::http::Service;
use crate::http::error::{ApiError, Problem};
use crate::http::extract::AnyJson;
use crate::http::schema::ReplayBody;
use crate::http::webhooks::{ReplayAnswer, chosen_letters};
use crate::store::Topic;
use crate::triage::DeadLetterAnswer;

/// Lists messages that a gateway did not take, oldest first, 200 at most
#[utoipa::path(
    get,
    operation_id = "list_gateway_dead_letters",
    path = "/v1/gateways/{channel}/dead-letters",
    tag = "messages",
    params(("channel" = String, Path, description = "`sms`, `chat` or `email`")),
    responses(
        (status = 200, description = "The dead letters", body = Vec<DeadLetterAnswer>),
        (status = 404, description = "No such channel", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn dead_letters(
    State(service): State<Service>,
    channel: Result<Path<String>, PathRejection>,
) -> Result<Response, ApiError> {
    let channel = known(channel)?;
    let letters = service.courier.list_dead_letters((Topic::Message, channel.as_str())).await?;
    Ok(Json(letters).into_response())
}

/// Sends messages again that a gateway did not take
///
/// All of them, or those whose `ids` are sent, under the ids and in the words that they had: have a
/// look at the cases first, whose customers may have been called since. Messages of cases that were
/// erased are gone.
#[utoipa::path(
    post,
    operation_id = "replay_gateway_dead_letters",
    path = "/v1/gateways/{channel}/dead-letters/replay",
    tag = "messages",
    request_body = ReplayBody,
    params(("channel" = String, Path, description = "`sms`, `chat` or `email`")),
    responses(
        (status = 200, description = "How many are sent again", body = ReplayAnswer),
        (status = 404, description = "No such channel", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Every mistake", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn replay(
    State(service): State<Service>,
    channel: Result<Path<String>, PathRejection>,
    AnyJson(value): AnyJson,
) -> Result<Response, ApiError> {
    let channel = known(channel)?;
    let letters = chosen_letters(value)?;
    let (place, now) = ((Topic::Message, channel.as_str()), (service.clock)());
    let replayed = service.courier.replay_dead_letters(place, letters, now).await?;
    Ok(Json(ReplayAnswer { replayed }).into_response())
}

fn known(name: Result<Path<String>, PathRejection>) -> Result<MessageChannel, ApiError> {
    let Path(name) = name.map_err(ApiError::Path)?;
    let channel = MessageChannel::ALL.into_iter().find(|channel| channel.as_str() == name);
    channel.ok_or(ApiError::Missing("channel"))
}
