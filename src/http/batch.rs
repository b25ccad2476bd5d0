//! `POST /v1/classify/batch`: many complaints, answered in order while they are judged. A bad item
//! is answered with its mistakes and costs nothing but itself.

use std::{io, sync::Arc, time::Duration};

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::{State, rejection::BytesRejection},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use rayon::prelude::*;
use serde_json::value::RawValue;
use tokio::{
    runtime::Handle,
    sync::{
        Semaphore,
        mpsc::{self, OwnedPermit},
    },
    time::timeout,
};
use tokio_stream::wrappers::ReceiverStream;

use crate::config::HttpConfig;
use crate::http::Service;
use crate::http::error::{ApiError, Problem};
use crate::http::extract::require_json;
use crate::http::schema::{BatchItem, SubmissionBody};
use crate::triage::{BulkItem, Busy, Desk, DeskError, Place, answer_items};

/// Items judged at once: enough to keep every core busy, few enough to answer early.
const CHUNK: usize = 128;

/// Chunks that are judged before the client has read the first.
const AHEAD: usize = 4;

/// How many batches are in work at once, which single complaints share the cores with.
#[derive(Clone, Debug)]
pub(super) struct Admission {
    places: Arc<Semaphore>,
    /// A client that reads nothing for so long gives up its place.
    patience: Duration,
}

impl Admission {
    pub(super) fn new(config: &HttpConfig) -> Self {
        Self { places: Arc::new(Semaphore::new(config.max_batches)), patience: config.timeout() }
    }
}

/// Judges many complaints
///
/// Send a JSON array, or NDJSON (`application/x-ndjson`) with one submission a line; the answer
/// has the same form and order, one object an item with its `index`, the item's `id`, and either
/// the fields of a single answer or `errors`.
#[utoipa::path(
    post,
    operation_id = "classify_batch",
    path = "/v1/classify/batch",
    tag = "classify",
    request_body(content(
        (Vec<SubmissionBody> = "application/json"),
        (SubmissionBody = "application/x-ndjson"),
    )),
    responses(
        (status = 200, description = "An answer or the mistakes of each item, in order; of NDJSON one a line", content(
            (Vec<BatchItem<'static>> = "application/json"),
            (BatchItem<'static> = "application/x-ndjson"),
        )),
        (status = 400, description = "Not a JSON array", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not JSON by its content type", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Busy, with Retry-After", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn classify(
    State(service): State<Service>,
    Extension(admission): Extension<Admission>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    require_json(&headers)?;
    let body = body.map_err(ApiError::Body)?;
    let busy = |_| DeskError::from(Busy);
    let place = admission.places.try_acquire_owned().map_err(busy)?;
    let (desk, now) = (Arc::clone(&service.desk), (service.clock)());
    let (sender, receiver) = mpsc::channel(AHEAD + 1);
    let is_array = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    let (content_type, form) = if is_array {
        // Looked through once before the first byte of the answer, so that a broken array is a 400.
        serde_json::from_slice::<Vec<&RawValue>>(&body).map_err(ApiError::Json)?;
        ("application/json", Form::Array)
    } else {
        ("application/x-ndjson", Form::Lines)
    };
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        let mut end = End::of(&sender);
        let send = |bytes: Vec<u8>| {
            let sent = runtime.block_on(timeout(admission.patience, sender.send(Ok(bytes.into()))));
            matches!(sent, Ok(Ok(())))
        };
        if answer_all(&desk, &body, form, now, send) {
            end.complete();
        }
        drop(place);
    });
    let stream = Body::from_stream(ReceiverStream::new(receiver));
    Ok(([(header::CONTENT_TYPE, content_type)], stream).into_response())
}

/// How a batch is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Array,
    Lines,
}

/// A piece of a streamed answer.
type Piece = io::Result<Bytes>;

/// Breaks an answer off with an error unless it was completed: cut short it may look whole.
struct End(Option<OwnedPermit<Piece>>);

impl End {
    /// Keeps a place for the error.
    fn of(sender: &mpsc::Sender<Piece>) -> Self {
        Self(sender.clone().try_reserve_owned().ok())
    }

    fn complete(&mut self) {
        self.0 = None;
    }
}

impl Drop for End {
    fn drop(&mut self) {
        if let Some(place) = self.0.take() {
            place.send(Err(io::Error::other("the batch was given up")));
        }
    }
}

/// Judges the items chunk by chunk, and tells whether it came to the end: it stops when nobody
/// listens any more, which `send` tells.
fn answer_all(
    desk: &Desk,
    body: &[u8],
    form: Form,
    now: Timestamp,
    send: impl Fn(Vec<u8>) -> bool,
) -> bool {
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
    if form == Form::Array && !send(b"[".to_vec()) {
        return false;
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
            return false;
        }
    }
    form == Form::Lines || send(b"]".to_vec())
}
