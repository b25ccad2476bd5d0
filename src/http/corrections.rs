//! `/v1/cases/{id}/corrections`: what people say over what the model and the rules say.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use uuid::Uuid;

use crate::http::Service;
use crate::http::cases::request_id;
use crate::http::error::{ApiError, Problem};
use crate::http::extract::{CaseId, Signed};
use crate::http::schema::{CorrectionBody, RerouteBody};
use crate::triage::{CaseAnswer, CorrectionAnswer, CorrectionRequest, Desk, Mistake};

/// Corrects a case's labels or route
///
/// The person's word counts from now on and stands beside the model's, which is kept. Queue, tier,
/// priority and deadlines follow by the routing policy; deadlines count from when the complaint
/// was received, as before. Send a label that is right as well to confirm it: people's labels
/// train the next model.
#[utoipa::path(
    post,
    operation_id = "correct_case",
    path = "/v1/cases/{id}/corrections",
    tag = "cases",
    request_body = CorrectionBody,
    params(("id" = String, Path, description = "The case")),
    responses(
        (status = 200, description = "The case as it stands now", body = CaseAnswer<'static>),
        (status = 403, description = "The role does not work cases", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such case", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The case has another `version`, which the problem names: read it again", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Every mistake", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn correct(
    State(service): State<Service>,
    CaseId(id): CaseId,
    headers: HeaderMap,
    Signed(value): Signed,
) -> Result<Response, ApiError> {
    let request = CorrectionRequest::parse(value, &service.desk.engine().knowledge());
    apply(&service, id, &headers, request).await
}

/// Sends a case to another queue or tier
///
/// A correction of the route alone. No clock starts again.
#[utoipa::path(
    post,
    operation_id = "reroute_case",
    path = "/v1/cases/{id}/reroute",
    tag = "cases",
    request_body = RerouteBody,
    params(("id" = String, Path, description = "The case")),
    responses(
        (status = 200, description = "The case as it stands now", body = CaseAnswer<'static>),
        (status = 403, description = "The role does not work cases", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such case", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The case has another `version`, which the problem names: read it again", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Every mistake", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn reroute(
    State(service): State<Service>,
    CaseId(id): CaseId,
    headers: HeaderMap,
    Signed(value): Signed,
) -> Result<Response, ApiError> {
    let request = CorrectionRequest::parse_route(value, &service.desk.engine().knowledge());
    apply(&service, id, &headers, request).await
}

async fn apply(
    service: &Service,
    id: Uuid,
    headers: &HeaderMap,
    request: Result<CorrectionRequest, Vec<Mistake>>,
) -> Result<Response, ApiError> {
    let request = request.map_err(ApiError::Mistakes)?;
    let now = (service.clock)();
    let case = service.desk.correct(id, request, request_id(headers), now).await?;
    let matter = service.desk.find_matter(id).await?;
    Ok(Json(CaseAnswer::new(&case, &matter)).into_response())
}

/// Lists what people said about a case's labels and route, oldest first
#[utoipa::path(
    get,
    operation_id = "list_corrections",
    path = "/v1/cases/{id}/corrections",
    tag = "cases",
    params(("id" = String, Path, description = "The case")),
    responses(
        (status = 200, description = "The corrections", body = Vec<CorrectionAnswer<'static>>),
        (status = 404, description = "No such case", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    State(desk): State<Arc<Desk>>,
    CaseId(id): CaseId,
) -> Result<Response, ApiError> {
    let case = desk.find_case(id).await?.ok_or(ApiError::Missing("case"))?;
    let corrections = desk.list_corrections(id).await?;
    let model = &case.record.triage.model_labels;
    let answers: Vec<_> =
        corrections.iter().map(|correction| CorrectionAnswer::new(correction, model)).collect();
    Ok(Json(answers).into_response())
}
