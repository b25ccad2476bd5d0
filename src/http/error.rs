//! The only place that turns errors into statuses. Clients get RFC 9457 problem details that list
//! every mistake; what went wrong inside goes to the log, never to a client.

use axum::{
    body::Body,
    extract::rejection::{BytesRejection, PathRejection, QueryRejection},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::cases::{Refusal, RefusalReason};
use crate::evidence;
use crate::identity;
use crate::store;
use crate::triage::{DeskError, Mistake, why_not_json};

/// Problem details as of RFC 9457.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// A URI that names the kind of problem.
    #[serde(rename = "type")]
    kind: String,
    /// The kind of problem in words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The case that is in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    case_id: Option<String>,
    /// The version that the case has by now.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    /// What can be done with the case instead.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    moves: Vec<String>,
    /// When to try again, in seconds.
    #[serde(skip)]
    retry_after_s: u64,
    /// Every mistake that was found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Mistake>,
}

impl Problem {
    /// A problem with the usual words for its status.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let detail = match status {
            StatusCode::NOT_FOUND => "there is nothing at this path: see /openapi.json",
            StatusCode::METHOD_NOT_ALLOWED => "this path has other methods: see /openapi.json",
            StatusCode::PAYLOAD_TOO_LARGE => "send less at once, or a batch in several parts",
            StatusCode::TOO_MANY_REQUESTS => "the service is busy: try again after `Retry-After`",
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "send `content-type: application/json`",
            StatusCode::SERVICE_UNAVAILABLE => "the request took too long: try again later",
            _ => "the service failed: the operator finds the cause by the request id",
        };
        Self {
            kind: "about:blank".to_owned(),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail: Some(detail.to_owned()),
            case_id: None,
            version: None,
            retry_after_s: 1,
            moves: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Replaces the advice.
    pub(crate) fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// A step that is not possible, with those that are.
    fn of_refusal(refusal: &Refusal) -> Self {
        let status = match refusal.reason {
            RefusalReason::Role { .. }
            | RefusalReason::ApprovalOrder(_)
            | RefusalReason::OwnProposal
            | RefusalReason::ExecutiveReviewDue => StatusCode::FORBIDDEN,
            _ => StatusCode::CONFLICT,
        };
        let moves = refusal.legal.iter().map(ToString::to_string).collect();
        Self { moves, ..Self::of_status(status).with_detail(refusal.to_string()) }
    }

    /// A complaint under the external id of another.
    fn of_other_complaint(case_id: Uuid) -> Self {
        let detail = "nothing was stored: this `external_id` belongs to the case `case_id`, which \
                      says something else. Send this under an `external_id` of its own";
        let problem = Self::of_status(StatusCode::CONFLICT).with_detail(detail);
        Self { case_id: Some(case_id.to_string()), ..problem }
    }

    /// A submission with mistakes.
    pub(crate) fn of_mistakes(errors: Vec<Mistake>) -> Self {
        let detail = format!("{} mistake(s): see `errors`", errors.len());
        Self { errors, ..Self::of_status(StatusCode::UNPROCESSABLE_ENTITY).with_detail(detail) }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).expect("made from a status code");
        let body = serde_json::to_vec(&self).expect("a problem is plain data");
        let mut response = (status, Body::from(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            headers.insert(header::RETRY_AFTER, self.retry_after_s.into());
        }
        response
    }
}

/// The media type of problem details.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// Why a request is not answered.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// The submission has mistakes.
    Mistakes(Vec<Mistake>),
    /// The body cannot be read.
    Body(BytesRejection),
    /// The body is larger than it may be.
    TooLarge,
    /// The body is not JSON.
    Json(serde_json::Error),
    /// The media type is not one we read.
    MediaType,
    /// A query parameter is wrong.
    Query(QueryRejection),
    /// A part of the path is wrong.
    Path(PathRejection),
    /// A parameter is wrong.
    Parameter(String),
    /// There is no such thing.
    Missing(&'static str),
    /// The use case failed.
    Desk(DeskError),
    /// A background task died.
    Task(tokio::task::JoinError),
    /// Nobody has said who they are.
    Unauthenticated,
    /// Whoever it is may not do this; why.
    Forbidden(String),
    /// Keys, users or sessions refused.
    Identity(identity::Error),
}

impl From<identity::Error> for ApiError {
    fn from(error: identity::Error) -> Self {
        Self::Identity(error)
    }
}

impl From<DeskError> for ApiError {
    fn from(error: DeskError) -> Self {
        Self::Desk(error)
    }
}

impl From<ApiError> for Problem {
    fn from(error: ApiError) -> Self {
        let bad_request = || Self::of_status(StatusCode::BAD_REQUEST);
        match error {
            ApiError::Mistakes(mistakes) => Self::of_mistakes(mistakes),
            ApiError::Body(rejection) => match rejection.status() {
                StatusCode::PAYLOAD_TOO_LARGE => Self::of_status(StatusCode::PAYLOAD_TOO_LARGE),
                _ => bad_request().with_detail("the body broke off: send it again"),
            },
            ApiError::TooLarge => Self::of_status(StatusCode::PAYLOAD_TOO_LARGE),
            ApiError::Json(error) => {
                bad_request().with_detail(format!("the body is wrong: {}", why_not_json(&error)))
            }
            ApiError::MediaType => Self::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE),
            ApiError::Query(rejection) => bad_request().with_detail(rejection.body_text()),
            ApiError::Path(rejection) => bad_request().with_detail(rejection.body_text()),
            ApiError::Parameter(detail) => bad_request().with_detail(detail),
            ApiError::Missing(what) => Self::of_status(StatusCode::NOT_FOUND)
                .with_detail(format!("there is no such {what}")),
            ApiError::Desk(error) => Self::from(error),
            ApiError::Unauthenticated => Self::unauthenticated(),
            ApiError::Forbidden(why) => Self::of_status(StatusCode::FORBIDDEN).with_detail(why),
            ApiError::Identity(error) => Self::from(error),
            ApiError::Task(error) => {
                tracing::error!(%error, "a background task died");
                Self::of_status(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

impl From<identity::Error> for Problem {
    fn from(error: identity::Error) -> Self {
        let detail = error.to_string();
        match error {
            identity::Error::BadToken | identity::Error::LogIn => {
                Self::of_status(StatusCode::UNAUTHORIZED).with_detail(detail)
            }
            identity::Error::TooMany { wait_s } => Self {
                retry_after_s: wait_s,
                ..Self::of_status(StatusCode::TOO_MANY_REQUESTS)
                    .with_detail(format!("{detail}: try again in {wait_s} seconds"))
            },
            identity::Error::Missing(what) => ApiError::Missing(what).into(),
            identity::Error::Mistakes(mistakes) => {
                let mistake = |(field, detail): (&str, String)| Mistake {
                    pointer: format!("/{field}"),
                    detail,
                };
                Self::of_mistakes(mistakes.into_iter().map(mistake).collect())
            }
            identity::Error::Store(error) => DeskError::Store(error).into(),
        }
    }
}

impl From<evidence::Error> for Problem {
    fn from(error: evidence::Error) -> Self {
        let status = match error {
            evidence::Error::TooLarge(_) | evidence::Error::CaseFull(_) => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            evidence::Error::Type => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            evidence::Error::Empty => StatusCode::UNPROCESSABLE_ENTITY,
            evidence::Error::Lost
            | evidence::Error::Store(_)
            | evidence::Error::Bucket(_)
            | evidence::Error::Folder(_) => {
                tracing::error!(error = &error as &dyn std::error::Error, "evidence failed");
                return Self::of_status(StatusCode::INTERNAL_SERVER_ERROR);
            }
        };
        Self::of_status(status).with_detail(error.to_string())
    }
}

impl From<DeskError> for Problem {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::KeyBodyDiffers => Self::of_status(StatusCode::UNPROCESSABLE_ENTITY)
                .with_detail("this `Idempotency-Key` belongs to another body: take a new key"),
            DeskError::KeyInFlight => Self::of_status(StatusCode::CONFLICT)
                .with_detail("the first request with this key is in work: try again in a moment"),
            DeskError::OtherComplaint(case_id) => Self::of_other_complaint(case_id),
            DeskError::Busy(_) => Self::of_status(StatusCode::TOO_MANY_REQUESTS),
            DeskError::Missing(what) => ApiError::Missing(what).into(),
            DeskError::Ended(what) => Self::of_status(StatusCode::CONFLICT)
                .with_detail(format!("the {what} is closed: nothing can be done with it")),
            DeskError::NoCase => {
                Self::of_status(StatusCode::NOT_FOUND).with_detail("there is no such case")
            }
            DeskError::NoSubmission => Self::of_status(StatusCode::NOT_FOUND)
                .with_detail("no such submission is joined to the case"),
            DeskError::Erased => Self::of_status(StatusCode::CONFLICT)
                .with_detail("the case was erased: its labels and figures are all that is left"),
            DeskError::Stale(version) => Self {
                version: Some(version),
                ..Self::of_status(StatusCode::CONFLICT).with_detail(format!(
                    "it has version {version} by now: read it again, then decide"
                ))
            },
            DeskError::Refused(refusal) => Self::of_refusal(&refusal),
            DeskError::NotAllowed(role) => Self::of_status(StatusCode::FORBIDDEN)
                .with_detail(format!("the role `{}` may not do this", role.as_str())),
            DeskError::NoVectors => Self::of_status(StatusCode::SERVICE_UNAVAILABLE)
                .with_detail("no model that compares texts is live yet: try again later"),
            DeskError::Shelf(error) => {
                tracing::error!(%error, "the file of vectors cannot be used");
                Self::of_status(StatusCode::INTERNAL_SERVER_ERROR)
            }
            DeskError::NoGateway(channel) => {
                let name = channel.as_str();
                Self::of_status(StatusCode::CONFLICT).with_detail(format!(
                    "there is no gateway for `{name}`: send it yourself and record the contact"
                ))
            }
            DeskError::Mistakes(mistakes) => Self::of_mistakes(mistakes),
            DeskError::Evidence(error) => Self::from(error),
            DeskError::Store(store::Error::Cursor(error)) => {
                Self::of_status(StatusCode::BAD_REQUEST).with_detail(error.to_string())
            }
            DeskError::Store(store::Error::Busy | store::Error::Closed) => {
                Self::of_status(StatusCode::SERVICE_UNAVAILABLE)
                    .with_detail("the database is busy: try again later")
            }
            DeskError::Store(store::Error::ClaimLost) => Self::of_status(StatusCode::CONFLICT)
                .with_detail("another request with this key was faster: try again"),
            DeskError::Store(store::Error::Broken(constraint)) => {
                Self::of_status(StatusCode::CONFLICT)
                    .with_detail(format!("the request breaks `{}`", constraint.name()))
            }
            DeskError::Store(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the store failed");
                Self::of_status(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }
}
