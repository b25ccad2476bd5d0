//! `/v1/privacy`: what is kept about one person, handed out or taken out. Whom it is about stands
//! in the body, never in a path, because paths reach logs.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use utoipa::ToSchema;

use crate::http::Service;
use crate::http::caller::Unmasked;
use crate::http::error::{ApiError, Problem};
use crate::http::extract::Signed;
use crate::http::schema::ActorBody;
use crate::triage::{ErasureAnswer, ErasureRequest, ExportAnswer, PersonRequest};

/// Whom it is about.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documentation alone")]
pub(super) struct PersonBody {
    /// Your id of the customer, as cases have it.
    customer_id: Option<String>,
    /// How the customer is reached, in any way of writing. With both, cases with either are meant.
    contact: Option<String>,
    /// Who asks; who has logged in may leave it out.
    by: Option<ActorBody>,
}

/// Whom to forget, and why.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documentation alone")]
pub(super) struct ErasureBody {
    /// Your id of the customer, as cases have it.
    customer_id: Option<String>,
    /// How the customer is reached, in any way of writing. With both, cases with either are meant.
    contact: Option<String>,
    /// As of 《个人信息保护法》第四十七条: `purpose_achieved`, `retention_over`,
    /// `consent_withdrawn`, `unlawful` or `other_law`.
    ground: String,
    /// Who asks; who has logged in may leave it out.
    by: Option<ActorBody>,
}

/// Hands out everything that is kept about a person
///
/// Every case with its events, corrections and messages, as it is. The audit log has a row for
/// each case.
#[utoipa::path(
    post,
    operation_id = "export_personal_data",
    path = "/v1/privacy/exports",
    tag = "privacy",
    request_body = PersonBody,
    responses(
        (status = 200, description = "What is kept", body = ExportAnswer),
        (status = 422, description = "Every mistake", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn export(
    State(service): State<Service>,
    Signed(value): Signed,
) -> Result<Response, ApiError> {
    let request = PersonRequest::parse(value, &service.desk.engine().knowledge());
    let request = request.map_err(ApiError::Mistakes)?;
    let answer = service.desk.export_person(&request, (service.clock)()).await?;
    let mut response = Json(answer).into_response();
    response.extensions_mut().insert(Unmasked);
    Ok(response)
}

/// Erases what is kept about a person
///
/// Words, names, contacts, numbers and links of their archived cases go for good; labels, figures
/// and what happened when stay. A case that is open, or that the law demands, is kept and listed
/// with the reason, and erased by itself when its time is over.
#[utoipa::path(
    post,
    operation_id = "erase_personal_data",
    path = "/v1/privacy/erasures",
    tag = "privacy",
    request_body = ErasureBody,
    responses(
        (status = 200, description = "What was erased, and what is kept for now and why", body = ErasureAnswer),
        (status = 422, description = "Every mistake", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn erase(
    State(service): State<Service>,
    Signed(value): Signed,
) -> Result<Json<ErasureAnswer>, ApiError> {
    let request = ErasureRequest::parse(value, &service.desk.engine().knowledge());
    let request = request.map_err(ApiError::Mistakes)?;
    Ok(Json(service.desk.erase_person(&request, (service.clock)()).await?))
}
