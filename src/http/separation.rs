//! `/v1/cases/{id}/joined/{submission}/separation`: what was joined wrongly.

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use uuid::Uuid;

use crate::http::Service;
use crate::http::cases::{new_id, request_id};
use crate::http::error::{ApiError, Problem};
use crate::http::extract::{CaseId, Signed};
use crate::http::schema::SeparationBody;
use crate::triage::{CaseAnswer, DeskError, Parting, SeparationRequest};

/// Makes a joined submission a case of its own
///
/// For what was joined wrongly. The new case keeps the time at which the submission was received,
/// and each case lists the other in `repeats`.
#[utoipa::path(
    post,
    operation_id = "separate_submission",
    path = "/v1/cases/{id}/joined/{submission}/separation",
    tag = "cases",
    request_body = SeparationBody,
    params(
        ("id" = String, Path, description = "The case"),
        ("submission" = String, Path, description = "The submission, as `joined` names it"),
    ),
    responses(
        (status = 201, description = "The new case", body = CaseAnswer<'static>, headers(("Location" = String))),
        (status = 403, description = "The role does not work cases", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such case, or no such submission of it", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The case has another `version`, which the problem names: read it again", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Every mistake", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn separate(
    State(service): State<Service>,
    CaseId(case_id): CaseId,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
    Signed(value): Signed,
) -> Result<Response, ApiError> {
    let Path((_, submission)) = path.map_err(ApiError::Path)?;
    let submission_id = Uuid::try_parse(&submission).map_err(|_| DeskError::NoSubmission)?;
    let request = SeparationRequest::parse(value).map_err(ApiError::Mistakes)?;
    let parting = Parting {
        case_id,
        submission_id,
        new_id: new_id(),
        request_id: request_id(&headers).map(ToOwned::to_owned),
        now: (service.clock)(),
    };
    let case = service.desk.separate(parting, request).await?;
    let matter = service.desk.find_matter(case.record.id).await?;
    let location = format!("/v1/cases/{}", case.record.id);
    let answer = Json(CaseAnswer::new(&case, &matter));
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], answer).into_response())
}
