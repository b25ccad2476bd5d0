//! What handlers take out of a request. What cannot be taken is refused here, with a problem that
//! says what to send.

use std::collections::HashMap;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::{HeaderMap, header, request::Parts},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::triage::Mistake;

/// The body, as JSON of any shape.
pub(super) struct AnyJson(pub(super) Value);

/// The body, as JSON that says truly in `by` who acts: see [`Caller::sign`].
pub(super) struct Signed(pub(super) Value);

/// The body, as JSON of a known shape. What is wrong is told with its place, and never quoted: a
/// password may stand there.
pub(super) struct JsonOf<T>(pub(super) T);

/// What `{id}` of a path names, one type for each kind of thing. What is no id belongs to nothing.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $what:literal;)*) => {$(
        $(#[$doc])*
        pub(super) struct $name(pub(super) Uuid);

        impl<S: Send + Sync> FromRequestParts<S> for $name {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
                let path = Path::<HashMap<String, String>>::from_request_parts(parts, state).await;
                let Path(path) = path.map_err(ApiError::Path)?;
                let id = path.get("id").and_then(|id| Uuid::try_parse(id).ok());
                id.map(Self).ok_or(ApiError::Missing($what))
            }
        }
    )*};
}

ids! {
    /// The case that a path names.
    CaseId = "case";
    /// The webhook that a path names.
    WebhookId = "webhook";
    /// The alert that a path names.
    AlertId = "alert";
    /// The improvement that a path names.
    ImprovementId = "improvement";
}

impl<S: Send + Sync> FromRequest<S> for AnyJson {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        require_json(request.headers())?;
        let body = Bytes::from_request(request, state).await.map_err(ApiError::Body)?;
        serde_json::from_slice(&body).map(Self).map_err(ApiError::Json)
    }
}

impl<S: Send + Sync> FromRequest<S> for Signed {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let caller = Caller::of(request.extensions())?;
        let AnyJson(mut value) = AnyJson::from_request(request, state).await?;
        caller.sign(&mut value)?;
        Ok(Self(value))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonOf<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let AnyJson(value) = AnyJson::from_request(request, state).await?;
        read_value(value).map(Self)
    }
}

/// Reads JSON out of a body.
pub(super) fn read_json(headers: &HeaderMap, body: &[u8]) -> Result<Value, ApiError> {
    require_json(headers)?;
    serde_json::from_slice(body).map_err(ApiError::Json)
}

/// Reads a known shape out of JSON.
pub(super) fn read_value<T: DeserializeOwned>(value: Value) -> Result<T, ApiError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let pointer = match error.path().to_string().as_str() {
            "." => String::new(),
            path => format!("/{}", path.replace('.', "/")),
        };
        let why = error.inner().to_string();
        // These two name fields of ours; the others quote what was sent.
        let names_fields = ["missing field", "unknown field"].iter().any(|it| why.starts_with(it));
        let other = || "this has another form: see /openapi.json".to_owned();
        let detail = if names_fields { why } else { other() };
        ApiError::Mistakes(vec![Mistake { pointer, detail }])
    })
}

/// Refuses a body that says to be something else than JSON.
pub(super) fn require_json(headers: &HeaderMap) -> Result<(), ApiError> {
    match headers.get(header::CONTENT_TYPE).map(|it| it.to_str().unwrap_or_default()) {
        Some(kind) if !kind.contains("json") => Err(ApiError::MediaType),
        _ => Ok(()),
    }
}
