//! `/v1/cases/{id}/evidence`: files as they come and go, never whole in memory.

use std::{fmt::Write, sync::Arc};

use axum::{
    Json,
    body::{Body, to_bytes},
    extract::{
        FromRequest, Multipart, Path, Request, State,
        multipart::{Field, MultipartError},
        rejection::PathRejection,
    },
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::Actor;
use crate::http::Service;
use crate::http::caller::{Caller, Unmasked};
use crate::http::cases::{new_id, request_id};
use crate::http::error::{ApiError, Problem};
use crate::http::extract::{CaseId, Signed, read_json};
use crate::http::progress;
use crate::http::unmask::UnmaskBody;
use crate::store::EvidenceFile;
use crate::triage::{Desk, DeskError, FileAnswer, Mistake, NewFile, ReasonRequest, parse_actor};

/// The largest body of the step that only names a piece of evidence, in bytes.
const MAX_STEP_BYTES: usize = 1 << 20;
/// The largest part of a form that says who adds a file, in bytes.
const MAX_BY_BYTES: usize = 4 << 10;
/// What a form may have beside the file itself, in bytes.
pub(super) const FORM_BYTES: usize = 64 << 10;

/// Lists the evidence files of a case
#[utoipa::path(
    get,
    operation_id = "list_evidence",
    path = "/v1/cases/{id}/evidence",
    tag = "evidence",
    params(("id" = String, Path, description = "The case")),
    responses(
        (status = 200, description = "The files, oldest first", body = Vec<FileAnswer>),
        (status = 404, description = "No such case", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    CaseId(id): CaseId,
) -> Result<Response, ApiError> {
    let files = desk.list_evidence(id).await?;
    let files: Vec<_> = files.into_iter().map(FileAnswer::new).collect();
    Ok(Json(files).into_response())
}

/// A file with who adds it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documentation alone")]
pub(super) struct FileForm {
    /// JSON with `name` and `role`, before the file; who has logged in and intake systems leave it
    /// out.
    by: Option<String>,
    /// The file, with its name.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Adds evidence to a case
///
/// A file comes as `multipart/form-data`. What it is, its bytes say: images, PDF, audio, video,
/// office documents and plain text are kept, each of at most `--max-evidence-bytes`. As
/// `application/json` this is the step `evidence` of an investigation, which only names a piece
/// (`version`, `by`, `item`).
#[utoipa::path(
    post,
    operation_id = "add_evidence",
    path = "/v1/cases/{id}/evidence",
    tag = "evidence",
    params(("id" = String, Path, description = "The case")),
    request_body(content = FileForm, content_type = "multipart/form-data", description = "`by`, then `file`"),
    responses(
        (status = 201, description = "The file is kept", body = FileAnswer),
        (status = 200, description = "Of the step: where the case stands now"),
        (status = 403, description = "The role does not work cases", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such case", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The file, or all files of the case, would be too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The file is of no type that is kept", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Every mistake", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn add(
    State(service): State<Service>,
    caller: Caller,
    CaseId(case_id): CaseId,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, ApiError> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    if !content_type.is_some_and(|it| it.starts_with("multipart/form-data")) {
        let body = to_bytes(request.into_body(), MAX_STEP_BYTES).await;
        let mut value = read_json(&headers, &body.map_err(|_| ApiError::TooLarge)?)?;
        caller.sign(&mut value)?;
        let path = Ok(Path((case_id.to_string(), "evidence".to_owned())));
        return progress::step(State(service), CaseId(case_id), path, headers, Signed(value)).await;
    }
    let mut parts = Multipart::from_request(request, &())
        .await
        .map_err(|_| form("", "send `multipart/form-data` with a boundary"))?;
    let mut part = parts.next_field().await.map_err(|it| broken(&it))?;
    let by = match part {
        Some(said) if said.name() == Some("by") => {
            let by = who(said, &caller).await?;
            part = parts.next_field().await.map_err(|it| broken(&it))?;
            by
        }
        _ => caller.receiver(),
    };
    let file = match part {
        Some(part) if part.name() == Some("file") => part,
        _ => return Err(form("/file", "send the file, after `by` if you send that")),
    };
    let file = take_in(&service, case_id, (by, file), request_id(&headers)).await?;
    Ok((StatusCode::CREATED, Json(file)).into_response())
}

/// Who the form says adds the file.
async fn who(mut part: Field<'_>, caller: &Caller) -> Result<Actor, ApiError> {
    let mut text = Vec::new();
    while let Some(piece) = part.chunk().await.map_err(|it| broken(&it))? {
        text.extend_from_slice(&piece);
        if MAX_BY_BYTES < text.len() {
            return Err(ApiError::TooLarge);
        }
    }
    let by: Value = serde_json::from_slice(&text).map_err(ApiError::Json)?;
    let mut value = json!({ "by": by });
    caller.sign(&mut value)?;
    parse_actor(value).map_err(ApiError::Mistakes)
}

/// Takes a file of a form in, piece by piece.
pub(super) async fn take_in(
    service: &Service,
    case_id: Uuid,
    (by, mut file): (Actor, Field<'_>),
    request_id: Option<&str>,
) -> Result<FileAnswer, ApiError> {
    let id = new_id();
    let name = file.file_name().unwrap_or_default().to_owned();
    let mut upload = service.desk.begin_file(case_id, id, &by).await?;
    let problem = loop {
        match file.chunk().await {
            Ok(None) => break None,
            Ok(Some(piece)) => match upload.write(&piece).await {
                Ok(()) => {}
                Err(error) => break Some(ApiError::from(DeskError::from(error))),
            },
            Err(error) => break Some(broken(&error)),
        }
    };
    if let Some(problem) = problem {
        // If even this fails the object is swept tomorrow.
        drop(upload.abort().await);
        return Err(problem);
    }
    let stored = upload.finish().await.map_err(DeskError::from)?;
    let request_id = request_id.map(ToOwned::to_owned);
    let new = NewFile { id, name, stored, by, request_id, now: (service.clock)() };
    Ok(FileAnswer::new(service.desk.file_evidence(case_id, new).await?))
}

/// Gives an evidence file out
///
/// As an attachment always, which no browser shows or runs, and to those alone who see personal
/// data, because bytes cannot be masked.
#[utoipa::path(
    get,
    operation_id = "show_evidence",
    path = "/v1/cases/{id}/evidence/{file}",
    tag = "evidence",
    params(
        ("id" = String, Path, description = "The case"),
        ("file" = String, Path, description = "The file"),
    ),
    responses(
        (status = 200, description = "The bytes", content_type = "application/octet-stream"),
        (status = 403, description = "For those who see personal data", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such case or file", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    CaseId(id): CaseId,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Response, ApiError> {
    let Path((_, file)) = path.map_err(ApiError::Path)?;
    let found = desk.find_evidence(id, &file).await?;
    give_out(&desk, &found.ok_or(ApiError::Missing("file of the case"))?).await
}

/// Gives an evidence file out for a reason
///
/// To those to whom cases are shown masked. Every time the case gets an event, with the reason, and
/// the audit log a row.
#[utoipa::path(
    post,
    operation_id = "unmask_evidence",
    path = "/v1/cases/{id}/evidence/{file}/unmask",
    tag = "evidence",
    request_body = UnmaskBody,
    params(
        ("id" = String, Path, description = "The case"),
        ("file" = String, Path, description = "The file"),
    ),
    responses(
        (status = 200, description = "The bytes", content_type = "application/octet-stream"),
        (status = 404, description = "No such case or file", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Every mistake", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn unmask(
    State(service): State<Service>,
    CaseId(id): CaseId,
    path: Result<Path<(String, String)>, PathRejection>,
    Signed(value): Signed,
) -> Result<Response, ApiError> {
    let Path((_, file)) = path.map_err(ApiError::Path)?;
    let request = ReasonRequest::parse(value).map_err(ApiError::Mistakes)?;
    let desk = &service.desk;
    let found = desk.find_evidence(id, &file).await?;
    let found = found.ok_or(ApiError::Missing("file of the case"))?;
    desk.unmask_file(id, &found, request, (service.clock)()).await?;
    let mut response = give_out(desk, &found).await?;
    response.extensions_mut().insert(Unmasked);
    Ok(response)
}

/// The bytes of a file, as an attachment that no browser shows or runs.
pub(super) async fn give_out(desk: &Desk, file: &EvidenceFile) -> Result<Response, ApiError> {
    let bytes = desk.vault().read(&file.digest).await.map_err(DeskError::from)?;
    let mut response = Body::from_stream(bytes).into_response();
    let headers = response.headers_mut();
    let value = |text: &str| HeaderValue::from_str(text).expect("it is visible ASCII");
    headers.insert(header::CONTENT_TYPE, value(&file.media_type));
    headers.insert(header::CONTENT_LENGTH, file.n_bytes.into());
    headers.insert(header::CONTENT_DISPOSITION, value(&disposition(&file.name)));
    for (name, text) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox; frame-ancestors 'none'"),
        (header::CACHE_CONTROL, "private, no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(text));
    }
    Ok(response)
}

/// The name as of RFC 6266 and RFC 8187: every byte but plain letters and digits is escaped.
fn disposition(name: &str) -> String {
    let mut text = "attachment; filename*=UTF-8''".to_owned();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => {
                text.push(char::from(byte));
            }
            _ => write!(text, "%{byte:02X}").expect("text takes everything"),
        }
    }
    text
}

fn form(pointer: &str, detail: &str) -> ApiError {
    ApiError::Mistakes(vec![Mistake { pointer: pointer.to_owned(), detail: detail.to_owned() }])
}

fn broken(error: &MultipartError) -> ApiError {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::TooLarge,
        _ => form("", "the form broke off or has mistakes: send it again"),
    }
}
