//! `/v1/stats`: the figures of a period.

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use utoipa::IntoParams;

use crate::http::Service;
use crate::http::error::{ApiError, Problem};
use crate::triage::{StatsAnswer, StatsRequest};

/// Which period, and whose cases.
#[derive(IntoParams)]
#[expect(dead_code, reason = "documentation alone; reading it is the use case's work")]
pub(super) struct StatsParameters {
    /// The first moment: a day or an RFC 3339 time; 30 days before `until` if not given.
    from: Option<String>,
    /// The moment after the last; now if not given.
    until: Option<String>,
    /// Only cases of this department.
    department: Option<String>,
    /// Only cases about this.
    category: Option<String>,
}

/// Shows the figures of a period
///
/// Frequent categories and peak hours count what came in; liable parties, time to settle,
/// satisfaction, reopened share, compensation and model agreement count what was archived.
#[utoipa::path(
    get,
    operation_id = "show_statistics",
    path = "/v1/stats",
    tag = "review",
    params(StatsParameters),
    responses(
        (status = 200, description = "The figures", body = StatsAnswer),
        (status = 422, description = "Every mistake", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn show(
    State(service): State<Service>,
    pairs: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<Json<StatsAnswer>, ApiError> {
    let Query(pairs) = pairs.map_err(ApiError::Query)?;
    let desk = &service.desk;
    let now = (service.clock)();
    let request = StatsRequest::parse(pairs, &desk.engine().knowledge(), now);
    Ok(Json(desk.stats(&request.map_err(ApiError::Mistakes)?).await?))
}
