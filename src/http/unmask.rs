//! `POST /v1/cases/{id}/unmask`: personal data for those who say why they need it.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use utoipa::ToSchema;

use crate::http::Service;
use crate::http::caller::Unmasked;
use crate::http::error::{ApiError, Problem};
use crate::http::extract::{CaseId, Signed};
use crate::http::schema::ActorBody;
use crate::triage::{CaseAnswer, ReasonRequest};

/// Why somebody must see personal data.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documentation alone")]
pub(super) struct UnmaskBody {
    /// Who asks; who has logged in may leave it out.
    by: Option<ActorBody>,
    /// Why.
    reason: String,
}

/// Shows a case with its personal data
///
/// For those to whom it is shown masked. Every time the case gets an event, with the reason, and
/// the audit log a row.
#[utoipa::path(
    post,
    operation_id = "unmask_case",
    path = "/v1/cases/{id}/unmask",
    tag = "cases",
    request_body = UnmaskBody,
    params(("id" = String, Path, description = "The case")),
    responses(
        (status = 200, description = "The case as it is", body = CaseAnswer<'static>),
        (status = 404, description = "No such case", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Every mistake", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn unmask(
    State(service): State<Service>,
    CaseId(id): CaseId,
    Signed(value): Signed,
) -> Result<Response, ApiError> {
    let ReasonRequest { by, reason } = ReasonRequest::parse(value).map_err(ApiError::Mistakes)?;
    let case = service.desk.unmask(id, by, &reason, (service.clock)()).await?;
    let matter = service.desk.find_matter(id).await?;
    let mut response = Json(CaseAnswer::new(&case, &matter)).into_response();
    response.extensions_mut().insert(Unmasked);
    Ok(response)
}
