//! `POST /v1/classify`: one complaint, one explained decision, nothing stored: neither the complaint
//! nor the answer reaches the database, a log or the outbox, with `do_not_store` or without.

use axum::{
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};

use crate::http::Service;
use crate::http::error::{ApiError, Problem};
use crate::http::extract::read_json;
use crate::http::schema::SubmissionBody;
use crate::triage::{Answer, Classification, DeskError, Submission, parse_submission};

/// Most answers are shorter than this, in bytes.
const USUAL_ANSWER: usize = 4_096;

/// Judges a complaint
///
/// Answers category, severity, sentiment, risk signals with their evidence, the rules that fired,
/// the decision and its reasons. Nothing is stored, whether `do_not_store` is sent or not.
#[utoipa::path(
    post,
    operation_id = "classify",
    path = "/v1/classify",
    tag = "classify",
    request_body = SubmissionBody,
    responses(
        (status = 200, description = "The decision", body = Answer<'static>),
        (status = 400, description = "Not JSON", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not JSON by its content type", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Every mistake of the submission", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Busy, with Retry-After", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn classify(
    State(service): State<Service>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    let submission = read_submission(&service, &headers, body)?;
    let classification = service.desk.engine().classify_soon(&submission.complaint).await;
    let classification = classification.map_err(DeskError::from)?;
    Ok(json_response(show(&submission, &classification)))
}

fn show(submission: &Submission, classification: &Classification) -> Vec<u8> {
    let answer = Answer::new(submission.complaint.text.as_str(), classification);
    let mut json = Vec::with_capacity(USUAL_ANSWER);
    serde_json::to_writer(&mut json, &answer).expect("an answer is plain data");
    json
}

/// Reads one submission out of a body.
pub(super) fn read_submission(
    service: &Service,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Submission, ApiError> {
    let body = body.map_err(ApiError::Body)?;
    let value = read_json(headers, &body)?;
    parse_submission(value, (service.clock)()).map_err(ApiError::Mistakes)
}

/// JSON that has been written already.
pub(super) fn json_response(json: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], json).into_response()
}
