//! `/v1/sessions`: people come in and go.

use std::net::SocketAddr;

use axum::{
    Json,
    extract::{ConnectInfo, Extension, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::{QueueId, StaffRole};
use crate::http::Service;
use crate::http::caller::Caller;
use crate::http::error::{ApiError, Problem};
use crate::http::extract::JsonOf;
use crate::identity::{LogIn, Opened, Password};

/// Somebody who wants in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LogInBody {
    /// The user's name.
    name: String,
    /// The user's password.
    password: String,
}

/// A session.
#[derive(Serialize, ToSchema)]
pub(super) struct SessionAnswer {
    /// Send it as `Authorization: Bearer …`.
    token: String,
    /// When it ends at the latest; it ends before when it is not used.
    #[schema(value_type = String)]
    expires_at: Timestamp,
    /// Who has come in.
    name: String,
    /// The name for people.
    display_name: String,
    /// What they do for the firm.
    #[schema(value_type = Vec<String>)]
    roles: Vec<StaffRole>,
    /// The only queue that the front line sees.
    #[schema(value_type = Option<String>)]
    queue: Option<QueueId>,
}

/// Logs in
///
/// After five failures of a user, or thirty of an address, the next attempt has to wait: half a
/// minute, then twice as long each time, a quarter of an hour at most.
#[utoipa::path(
    post,
    operation_id = "open_session",
    path = "/v1/sessions",
    tag = "access",
    request_body = LogInBody,
    responses(
        (status = 201, description = "The session", body = SessionAnswer),
        (status = 401, description = "Name or password is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many failures, with Retry-After", body = Problem, content_type = "application/problem+json"),
    ),
    security(())
)]
pub(super) async fn open(
    State(service): State<Service>,
    address: Option<Extension<ConnectInfo<SocketAddr>>>,
    JsonOf(LogInBody { name, password }): JsonOf<LogInBody>,
) -> Result<Response, ApiError> {
    let address = address.map_or_else(String::new, |Extension(it)| it.0.ip().to_string());
    let log_in = LogIn { name, password: Password::claim(password), address };
    let opened = service.identity.log_in(log_in, (service.clock)()).await?;
    let Opened { user, token, expires_at } = opened;
    let answer = SessionAnswer {
        token: token.reveal(),
        expires_at,
        name: user.name,
        display_name: user.display_name,
        roles: user.roles,
        queue: user.queue,
    };
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// Logs out
#[utoipa::path(
    delete,
    operation_id = "close_session",
    path = "/v1/sessions",
    tag = "access",
    responses(
        (status = 204, description = "The session is over"),
        (status = 404, description = "The request has no session", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn close(
    State(service): State<Service>,
    caller: Caller,
) -> Result<StatusCode, ApiError> {
    service.identity.log_out(&caller.principal, (service.clock)()).await?;
    Ok(StatusCode::NO_CONTENT)
}
