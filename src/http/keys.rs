//! `/v1/keys`: the keys of systems, for administrators.

use std::time::Duration;

use axum::{
    Json,
    body::Bytes,
    extract::{
        Path, State,
        rejection::{BytesRejection, PathRejection},
    },
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::{Scope, StaffRole};
use crate::http::Service;
use crate::http::caller::Caller;
use crate::http::error::{ApiError, Problem};
use crate::http::extract::{JsonOf, read_json, read_value};
use crate::identity::{Granted, NewKey};
use crate::store::ApiKey;

/// A key to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyBody {
    /// The system that will hold it: lower-case letters, digits, dots, dashes, underscores.
    name: String,
    /// What it is good for: `classify`, `intake`, `cases`, `personal_data`, `statistics`, `audit`
    /// or `administration`.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    scopes: Vec<Scope>,
    /// The roles of the people for whom it acts, whom the system has authenticated itself.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    act_as: Vec<StaffRole>,
    /// When it ends by itself, RFC 3339.
    #[schema(value_type = Option<String>)]
    expires_at: Option<Timestamp>,
}

/// How a key is followed by another.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RotationBody {
    /// For so many seconds both are good; a day if not given.
    overlap_s: Option<u32>,
}

/// A key, without its secret.
#[derive(Serialize, ToSchema)]
pub(super) struct KeyAnswer {
    /// The part of the key that is not secret.
    id: String,
    /// The system that holds it.
    name: String,
    /// What it is good for.
    #[schema(value_type = Vec<String>)]
    scopes: Vec<Scope>,
    /// The roles of the people for whom it acts.
    #[schema(value_type = Vec<String>)]
    act_as: Vec<StaffRole>,
    /// When it was made.
    #[schema(value_type = String)]
    created_at: Timestamp,
    /// Who made it.
    created_by: String,
    /// When it ends by itself.
    #[schema(value_type = Option<String>)]
    expires_at: Option<Timestamp>,
    /// When it was taken back.
    #[schema(value_type = Option<String>)]
    revoked_at: Option<Timestamp>,
    /// When it was last used, to the hour.
    #[schema(value_type = Option<String>)]
    last_used_at: Option<Timestamp>,
    /// The key whose successor it is.
    replaces: Option<String>,
    /// The whole key, shown once: when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

impl From<ApiKey> for KeyAnswer {
    fn from(key: ApiKey) -> Self {
        let ApiKey { id, name, scopes, act_as, created_at, created_by, .. } = key;
        let ApiKey { expires_at, revoked_at, last_used_at, replaces, .. } = key;
        Self {
            id,
            name,
            scopes,
            act_as,
            created_at,
            created_by,
            expires_at,
            revoked_at,
            last_used_at,
            replaces,
            key: None,
        }
    }
}

fn granted(granted: Granted) -> Response {
    let key = Some(granted.token.reveal());
    (StatusCode::CREATED, Json(KeyAnswer { key, ..granted.key.into() })).into_response()
}

/// Lists the keys, newest first
#[utoipa::path(
    get,
    operation_id = "list_keys",
    path = "/v1/keys",
    tag = "access",
    responses((status = 200, description = "Every key", body = Vec<KeyAnswer>))
)]
pub(super) async fn list(State(service): State<Service>) -> Result<Json<Vec<KeyAnswer>>, ApiError> {
    let keys = service.identity.list_keys().await?;
    Ok(Json(keys.into_iter().map(KeyAnswer::from).collect()))
}

/// Makes a key
#[utoipa::path(
    post,
    operation_id = "create_key",
    path = "/v1/keys",
    tag = "access",
    request_body = KeyBody,
    responses(
        (status = 201, description = "The key; its secret is shown now or never", body = KeyAnswer),
        (status = 422, description = "Every mistake", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn create(
    State(service): State<Service>,
    caller: Caller,
    JsonOf(body): JsonOf<KeyBody>,
) -> Result<Response, ApiError> {
    let KeyBody { name, scopes, act_as, expires_at } = body;
    let new = NewKey { name, scopes, act_as, expires_at };
    let now = (service.clock)();
    Ok(granted(service.identity.create_key(new, &caller.principal, now).await?))
}

/// Makes the successor of a key
///
/// It is good for the same. The old one ends after the overlap, so that a system can change over
/// without a gap.
#[utoipa::path(
    post,
    operation_id = "rotate_key",
    path = "/v1/keys/{id}/rotate",
    tag = "access",
    request_body = RotationBody,
    params(("id" = String, Path, description = "The key's id")),
    responses(
        (status = 201, description = "The new key; its secret is shown now or never", body = KeyAnswer),
        (status = 404, description = "No such key that is good", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn rotate(
    State(service): State<Service>,
    caller: Caller,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    let Path(id) = id.map_err(ApiError::Path)?;
    let body = body.map_err(ApiError::Body)?;
    let RotationBody { overlap_s } = if body.is_empty() {
        RotationBody::default()
    } else {
        read_value(read_json(&headers, &body)?)?
    };
    let overlap = Duration::from_secs(overlap_s.map_or(24 * 60 * 60, u64::from));
    let now = (service.clock)();
    Ok(granted(service.identity.rotate_key(&id, overlap, &caller.principal, now).await?))
}

/// Takes a key back
///
/// It ends at once, and on other replicas within five seconds.
#[utoipa::path(
    delete,
    operation_id = "revoke_key",
    path = "/v1/keys/{id}",
    tag = "access",
    params(("id" = String, Path, description = "The key's id")),
    responses(
        (status = 204, description = "It is taken back"),
        (status = 404, description = "No such key that is good", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn revoke(
    State(service): State<Service>,
    caller: Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, ApiError> {
    let Path(id) = id.map_err(ApiError::Path)?;
    service.identity.revoke_key(&id, &caller.principal, (service.clock)()).await?;
    Ok(StatusCode::NO_CONTENT)
}
