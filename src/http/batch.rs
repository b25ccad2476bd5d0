//! `POST /v1/classify/batch`: many complaints, answered in order while they are judged. A bad item
//! is answered with its mistakes and costs nothing but itself.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    extract::{State, rejection::BytesRejection},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use rayon::prelude::*;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::http::Service;

use crate::http::error::{ApiError, Problem};
use crate::http::extract::require_json;
use crate::http::schema::SubmissionBody;
use crate::triage::{Answer, BulkItem, Desk, Place, answer_items};

/// Items judged at once: enough to keep every core busy, few enough to answer early.
const CHUNK: usize = 128;

/// Judges many complaints
///
/// Send a JSON array, or NDJSON (`application/x-ndjson`) with one submission a line; the answer
/// has the same form and order, one object an item with its `index`, the item's `id`, and either
/// the fields of a single answer or `errors`.
#[utoipa::path(
    post,
    path = "/v1/classify/batch",
    tag = "classify",
    request_body = Vec<SubmissionBody>,
    responses(
        (status = 200, description = "An answer or the mistakes of each item", body = Vec<Answer<'static>>),
        (status = 400, description = "Not a JSON array", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn classify(
    State(service): State<Service>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    require_json(&headers)?;
    let body = body.map_err(ApiError::Body)?;
    let (desk, now) = (Arc::clone(&service.desk), (service.clock)());
    let (sender, receiver) = mpsc::channel::<Result<Bytes, std::io::Error>>(4);
    let is_array = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    let (content_type, form) = if is_array {
        // Looked through once before the first byte of the answer, so that a broken array is a 400.
        serde_json::from_slice::<Vec<&RawValue>>(&body).map_err(ApiError::Json)?;
        ("application/json", Form::Array)
    } else {
        ("application/x-ndjson", Form::Lines)
    };
    tokio::task::spawn_blocking(move || answer_all(&desk, &body, form, now, &sender));
    let stream = Body::from_stream(ReceiverStream::new(receiver));
    Ok(([(header::CONTENT_TYPE, content_type)], stream).into_response())
}

/// How a batch is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Array,
    Lines,
}

type Sender = mpsc::Sender<Result<Bytes, std::io::Error>>;

/// Judges the items chunk by chunk and stops when nobody listens any more.
fn answer_all(desk: &Desk, body: &[u8], form: Form, now: Timestamp, sender: &Sender) {
    let items: Vec<&[u8]> = match form {
        Form::Array => serde_json::from_slice::<Vec<&RawValue>>(body)
            .expect("the handler has parsed it")
            .into_iter()
            .map(|item| item.get().as_bytes())
            .collect(),
        Form::Lines => {
            body.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).collect()
        }
    };
    let send = |bytes: Vec<u8>| sender.blocking_send(Ok(bytes.into())).is_ok();
    if form == Form::Array && !send(b"[".to_vec()) {
        return;
    }
    for (chunk_idx, chunk) in items.chunks(CHUNK).enumerate() {
        let first = chunk_idx * CHUNK;
        let read = |(offset, item): (usize, &&[u8])| {
            BulkItem::from_json(Place::Index(first + offset), item, now)
        };
        let answers = answer_items(desk.engine(), chunk.par_iter().enumerate().map(read));
        let mut bytes = Vec::with_capacity(answers.iter().map(|it| it.json.len() + 1).sum());
        for (offset, answer) in answers.into_iter().enumerate() {
            if form == Form::Array && 0 < first + offset {
                bytes.push(b',');
            }
            bytes.extend(answer.json);
            if form == Form::Lines {
                bytes.push(b'\n');
            }
        }
        if !send(bytes) {
            return;
        }
    }
    if form == Form::Array {
        send(b"]".to_vec());
    }
}
