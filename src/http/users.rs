//! `/v1/users`: people and their roles, for administrators.

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::{QueueId, StaffRole};
use crate::http::Service;
use crate::http::caller::Caller;
use crate::http::error::{ApiError, Problem};
use crate::http::extract::JsonOf;
use crate::identity::{NewUser, QueueChange, UserChange};
use crate::store::User;
use crate::triage::Mistake;

/// A user to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserBody {
    /// The name to log in with, which events carry: lower-case letters, digits, dots, dashes,
    /// underscores.
    name: String,
    /// The name for people.
    display_name: String,
    /// `intake`, `front_line`, `triage_lead`, `escalation_team`, `department_head`,
    /// `service_director`, `executive`, `data_scientist`, `administrator` or `auditor`.
    #[schema(value_type = Vec<String>)]
    roles: Vec<StaffRole>,
    /// The only queue that the front line sees; every one without it.
    #[schema(value_type = Option<String>)]
    queue: Option<QueueId>,
    /// At least 12 characters; without one the user cannot log in.
    password: Option<String>,
}

/// What to change about a user; what is not sent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserChangeBody {
    /// The name for people.
    display_name: Option<String>,
    /// The roles, all of them.
    #[schema(value_type = Option<Vec<String>>)]
    roles: Option<Vec<StaffRole>>,
    /// The only queue that the front line sees; null for all.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    queue: Option<Value>,
    /// Whether the user is shut out.
    disabled: Option<bool>,
    /// A new password.
    password: Option<String>,
}

/// Tells null from nothing.
fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(value).map(Some)
}

/// A user.
#[derive(Serialize, ToSchema)]
pub(super) struct UserAnswer {
    /// The name to log in with.
    name: String,
    /// The name for people.
    display_name: String,
    /// What they do for the firm.
    #[schema(value_type = Vec<String>)]
    roles: Vec<StaffRole>,
    /// The only queue that the front line sees.
    #[schema(value_type = Option<String>)]
    queue: Option<QueueId>,
    /// Whether they have a password.
    can_log_in: bool,
    /// When they were added.
    #[schema(value_type = String)]
    created_at: Timestamp,
    /// When they were shut out.
    #[schema(value_type = Option<String>)]
    disabled_at: Option<Timestamp>,
}

impl From<User> for UserAnswer {
    fn from(user: User) -> Self {
        let can_log_in = user.password_hash.is_some() && user.disabled_at.is_none();
        let User { name, display_name, roles, queue, created_at, disabled_at, .. } = user;
        Self { name, display_name, roles, queue, can_log_in, created_at, disabled_at }
    }
}

/// Lists the users by name
#[utoipa::path(
    get,
    operation_id = "list_users",
    path = "/v1/users",
    tag = "access",
    responses((status = 200, description = "Every user", body = Vec<UserAnswer>))
)]
pub(super) async fn list(
    State(service): State<Service>,
) -> Result<Json<Vec<UserAnswer>>, ApiError> {
    let users = service.identity.list_users().await?;
    Ok(Json(users.into_iter().map(UserAnswer::from).collect()))
}

/// Adds a user
#[utoipa::path(
    post,
    operation_id = "create_user",
    path = "/v1/users",
    tag = "access",
    request_body = UserBody,
    responses(
        (status = 201, description = "The user", body = UserAnswer),
        (status = 422, description = "Every mistake", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn create(
    State(service): State<Service>,
    caller: Caller,
    JsonOf(body): JsonOf<UserBody>,
) -> Result<Response, ApiError> {
    let UserBody { name, display_name, roles, queue, password } = body;
    let new = NewUser { name, display_name, roles, queue, password };
    let user = service.identity.create_user(new, &caller.principal, (service.clock)()).await?;
    Ok((StatusCode::CREATED, Json(UserAnswer::from(user))).into_response())
}

/// Changes a user
///
/// Roles, queue, password, or whether they are shut out. Ends the user's sessions.
#[utoipa::path(
    patch,
    operation_id = "change_user",
    path = "/v1/users/{name}",
    tag = "access",
    request_body = UserChangeBody,
    params(("name" = String, Path, description = "The user")),
    responses(
        (status = 200, description = "The user as they are now", body = UserAnswer),
        (status = 404, description = "No such user", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Every mistake", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn change(
    State(service): State<Service>,
    caller: Caller,
    name: Result<Path<String>, PathRejection>,
    JsonOf(body): JsonOf<UserChangeBody>,
) -> Result<Json<UserAnswer>, ApiError> {
    let Path(name) = name.map_err(ApiError::Path)?;
    let UserChangeBody { display_name, roles, queue, disabled, password } = body;
    let expected = "send the name of a queue, or null for all";
    let wrong = |_| {
        let pointer = "/queue".to_owned();
        ApiError::Mistakes(vec![Mistake { pointer, detail: expected.to_owned() }])
    };
    let queue = queue.map(serde_json::from_value).transpose().map_err(wrong)?;
    let queue = queue.map_or(QueueChange::Keep, QueueChange::Set);
    let change = UserChange { display_name, roles, queue, disabled, password };
    let now = (service.clock)();
    let user = service.identity.change_user(&name, change, &caller.principal, now).await?;
    Ok(Json(user.into()))
}
