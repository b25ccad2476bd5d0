//! `/v1/library`: archived cases, found by their words and by likeness.

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use utoipa::{IntoParams, ToSchema};

use crate::http::Service;
use crate::http::error::{ApiError, Problem};
use crate::http::extract::{AnyJson, CaseId};
use crate::triage::{LibraryAnswer, LibraryRequest, SimilarAnswer, SimilarRequest};

/// What a search asks for.
#[derive(IntoParams)]
#[expect(dead_code, reason = "documentation alone; reading it is the use case's work")]
pub(super) struct LibraryParameters {
    /// Words of any length, all of which a case must hold; what stands in quotes is looked for as
    /// it stands. At most 200 characters.
    q: Option<String>,
    /// Only cases about this.
    category: Option<String>,
    /// Only cases this severe.
    severity: Option<String>,
    /// Only cases that ended with this remedy: `refund`, `exchange`, `repair`, `compensation`,
    /// `voucher`, `apology`, `improvement`, or `none`.
    outcome: Option<String>,
    /// Only cases archived then or later: a day or an RFC 3339 time.
    from: Option<String>,
    /// Only cases archived before then.
    until: Option<String>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many, 1 to 200; 20 if not given.
    limit: Option<u16>,
}

/// Searches archived cases, the last archived first
///
/// Words are found in what the customer wrote and wants, in product, shop and resolution, in
/// either script, width and case. Personal data that answers mask cannot be searched for.
#[utoipa::path(
    get,
    operation_id = "search_library",
    path = "/v1/library",
    tag = "library",
    params(LibraryParameters),
    responses(
        (status = 200, description = "A page of archived cases", body = LibraryAnswer),
        (status = 422, description = "Every mistake", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn search(
    State(service): State<Service>,
    pairs: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<Json<LibraryAnswer>, ApiError> {
    let Query(pairs) = pairs.map_err(ApiError::Query)?;
    let desk = &service.desk;
    let request = LibraryRequest::parse(pairs, &desk.engine().knowledge());
    let request = request.map_err(ApiError::Mistakes)?;
    Ok(Json(desk.search_library(&request).await?))
}

/// A text to find like cases for.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documentation alone")]
pub(super) struct SimilarBody {
    /// The text.
    text: String,
    /// How many cases, 1 to 50; 10 if not given.
    limit: Option<u16>,
}

/// Finds archived cases like a text, most alike first
#[utoipa::path(
    post,
    operation_id = "find_cases_like_text",
    path = "/v1/library/similar",
    tag = "library",
    request_body = SimilarBody,
    responses(
        (status = 200, description = "Archived cases with their resolutions", body = SimilarAnswer),
        (status = 422, description = "Every mistake", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "No model that compares texts is live", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn similar_to_text(
    State(service): State<Service>,
    AnyJson(value): AnyJson,
) -> Result<Json<SimilarAnswer>, ApiError> {
    let request = SimilarRequest::parse(value).map_err(ApiError::Mistakes)?;
    Ok(Json(service.desk.similar_to_text(request).await?))
}

/// How many.
#[derive(IntoParams)]
#[expect(dead_code, reason = "documentation alone")]
pub(super) struct SimilarParameters {
    /// How many cases, 1 to 50; 10 if not given.
    limit: Option<u16>,
}

/// Finds archived cases like a case, most alike first
#[utoipa::path(
    get,
    operation_id = "find_cases_like_case",
    path = "/v1/cases/{id}/similar",
    tag = "cases",
    params(("id" = String, Path, description = "The case"), SimilarParameters),
    responses(
        (status = 200, description = "Archived cases with their resolutions", body = SimilarAnswer),
        (status = 404, description = "No such case", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Every mistake", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "No model that compares texts is live", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn similar_to_case(
    State(service): State<Service>,
    CaseId(id): CaseId,
    pairs: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<Json<SimilarAnswer>, ApiError> {
    let Query(pairs) = pairs.map_err(ApiError::Query)?;
    let limit = SimilarRequest::parse_limit(pairs).map_err(ApiError::Mistakes)?;
    Ok(Json(service.desk.similar_to_case(id, limit).await?))
}
