//! `/v1/cases/{id}/messages`: what customers are told in writing.

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use utoipa::{IntoParams, ToSchema};

use crate::domain::MessageChannel;
use crate::http::Service;
use crate::http::cases::request_id;
use crate::http::error::{ApiError, Problem};
use crate::http::extract::{CaseId, Signed};
use crate::http::schema::ActorBody;
use crate::triage::{MessageAnswer, MessageRequest, MessagesAnswer, Parameters};

/// For which channel to draft.
#[derive(IntoParams)]
#[expect(dead_code, reason = "documentation alone; every mistake is listed")]
pub(super) struct DraftParameters {
    /// `sms`, `chat` or `email`; what the contact looks like if not given.
    channel: Option<String>,
}

/// Lists what can be said to the customer now, and what was
///
/// Drafts are made from the case as it stands and from the firm's templates, in words that fit the
/// customer's mood; `owed` says what the customer is to hear now.
#[utoipa::path(
    get,
    operation_id = "list_messages",
    path = "/v1/cases/{id}/messages",
    tag = "messages",
    params(("id" = String, Path, description = "The case"), DraftParameters),
    responses(
        (status = 200, description = "Drafts and messages", body = MessagesAnswer),
        (status = 404, description = "No such case", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Every mistake", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    State(service): State<Service>,
    CaseId(id): CaseId,
    pairs: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(pairs) = pairs.map_err(ApiError::Query)?;
    let mut parameters = Parameters::new(pairs);
    let name = parameters.one_of("channel", &MessageChannel::ALL.map(MessageChannel::as_str));
    parameters.finish(&["channel"]).map_err(ApiError::Mistakes)?;
    let channel = MessageChannel::ALL.into_iter().find(|it| Some(it.as_str()) == name);
    let now = (service.clock)();
    Ok(Json(service.desk.list_messages(id, channel, now).await?).into_response())
}

/// Whom a message goes to.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documentation alone")]
pub(super) struct RecipientBody {
    /// Their name.
    recipient: Option<String>,
    /// A telephone number, an address, an account.
    contact: String,
    /// What they are to the customer, such as 子女; nothing for the customer.
    relation: Option<String>,
}

/// A message to send.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documentation alone")]
pub(super) struct MessageBody {
    /// The version of the case that was read.
    version: u32,
    /// Who sends it; who has logged in may leave it out.
    by: Option<ActorBody>,
    /// `acknowledgement`, `progress`, `proposal`, `result` or `satisfaction`.
    kind: String,
    /// `sms`, `chat` or `email`; what the contact looks like if not given.
    channel: Option<String>,
    /// Whom, such as a relative of somebody old; later messages go there too. The customer, if
    /// nobody was ever named.
    to: Option<RecipientBody>,
    /// Whom the customer can ask; the sender, if nobody is named yet.
    contact_person: Option<String>,
    /// The subject of an e-mail; that of the draft if not given.
    subject: Option<String>,
    /// The words; the draft if not given.
    text: Option<String>,
}

/// Sends a message to the customer
///
/// Over the firm's gateway for the channel. An acknowledgement accepts the case, a result stops the
/// report clock. A gateway that fails is tried again for about a day; then the case has the event
/// `case.message_failed`.
#[utoipa::path(
    post,
    operation_id = "send_message",
    path = "/v1/cases/{id}/messages",
    tag = "messages",
    request_body = MessageBody,
    params(("id" = String, Path, description = "The case")),
    responses(
        (status = 201, description = "It is on its way", body = MessageAnswer),
        (status = 404, description = "No such case", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The case has another `version`, is not at this step, or the channel has no gateway", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Every mistake", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn send(
    State(service): State<Service>,
    CaseId(id): CaseId,
    headers: HeaderMap,
    Signed(value): Signed,
) -> Result<Response, ApiError> {
    let request = MessageRequest::parse(value).map_err(ApiError::Mistakes)?;
    let now = (service.clock)();
    let sent = service.desk.send_message(id, request, request_id(&headers), now).await?;
    Ok((StatusCode::CREATED, Json(sent)).into_response())
}
