//! `/v1/alerts` and `/v1/improvements`: early warnings, and what the firm does about them.

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::StatusCode,
};
use utoipa::{IntoParams, ToSchema};

use crate::http::Service;
use crate::http::cases::new_id;
use crate::http::error::{ApiError, Problem};
use crate::http::extract::{AlertId, ImprovementId, Signed};
use crate::http::schema::ActorBody;
use crate::triage::{
    AlertAnswer, AlertsAnswer, ImprovementAnswer, ImprovementRequest, ImprovementsAnswer,
    ReviewList, ReviewStep,
};

type Pairs = Result<Query<Vec<(String, String)>>, QueryRejection>;

/// Which page of which.
#[derive(IntoParams)]
#[expect(dead_code, reason = "documentation alone; reading it is the use case's work")]
pub(super) struct ReviewParameters {
    /// Only those in this state.
    state: Option<String>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many, 1 to 200; 20 if not given.
    limit: Option<u16>,
}

/// A step of an alert or an improvement.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documentation alone")]
pub(super) struct ReviewStepBody {
    /// The version that was read.
    version: u32,
    /// Who does it; who has logged in may leave it out.
    by: Option<ActorBody>,
    /// Where it leads: an alert to `acknowledged` or `closed`, an improvement to `open`,
    /// `in_progress`, `done` or `dropped`.
    state: String,
    /// Why, or what was done; whoever closes, finishes or drops must say.
    note: Option<String>,
}

/// Something that shall become better.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documentation alone")]
pub(super) struct ImprovementBody {
    /// What shall become better.
    title: String,
    /// The department that does it.
    department: String,
    /// The person who answers for it.
    owner: String,
    /// By when, such as 2026-12-31.
    due_on: String,
    /// The alert that led to it.
    alert_id: Option<String>,
    /// The category that it is about.
    category: Option<String>,
    /// Who writes it down; who has logged in may leave it out.
    by: Option<ActorBody>,
    /// Why.
    note: Option<String>,
}

/// Lists alerts, the newest first
#[utoipa::path(
    get,
    operation_id = "list_alerts",
    path = "/v1/alerts",
    tag = "review",
    params(ReviewParameters),
    responses((status = 200, description = "A page of alerts", body = AlertsAnswer))
)]
pub(super) async fn alerts(
    State(service): State<Service>,
    pairs: Pairs,
) -> Result<Json<AlertsAnswer>, ApiError> {
    let Query(pairs) = pairs.map_err(ApiError::Query)?;
    let list = ReviewList::parse_alerts(pairs).map_err(ApiError::Mistakes)?;
    Ok(Json(service.desk.list_alerts(&list).await?))
}

/// Shows an alert with the cases behind it
#[utoipa::path(
    get,
    operation_id = "show_alert",
    path = "/v1/alerts/{id}",
    tag = "review",
    params(("id" = String, Path, description = "The alert")),
    responses(
        (status = 200, description = "The alert", body = AlertAnswer),
        (status = 404, description = "No such alert", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn alert(
    State(service): State<Service>,
    AlertId(id): AlertId,
) -> Result<Json<AlertAnswer>, ApiError> {
    Ok(Json(service.desk.find_alert(id).await?))
}

/// Acknowledges or closes an alert
#[utoipa::path(
    post,
    operation_id = "step_alert",
    path = "/v1/alerts/{id}",
    tag = "review",
    request_body = ReviewStepBody,
    params(("id" = String, Path, description = "The alert")),
    responses(
        (status = 200, description = "The alert as it stands now", body = AlertAnswer),
        (status = 403, description = "The role only looks on", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such alert", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It has another `version`, or is closed", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Every mistake", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn step_alert(
    State(service): State<Service>,
    AlertId(id): AlertId,
    Signed(value): Signed,
) -> Result<Json<AlertAnswer>, ApiError> {
    let step = ReviewStep::parse_alert(value, (service.clock)());
    Ok(Json(service.desk.step_alert(id, step.map_err(ApiError::Mistakes)?).await?))
}

/// Lists improvements, the newest first
#[utoipa::path(
    get,
    operation_id = "list_improvements",
    path = "/v1/improvements",
    tag = "review",
    params(ReviewParameters),
    responses((status = 200, description = "A page of improvements", body = ImprovementsAnswer))
)]
pub(super) async fn improvements(
    State(service): State<Service>,
    pairs: Pairs,
) -> Result<Json<ImprovementsAnswer>, ApiError> {
    let Query(pairs) = pairs.map_err(ApiError::Query)?;
    let list = ReviewList::parse_improvements(pairs).map_err(ApiError::Mistakes)?;
    Ok(Json(service.desk.list_improvements(&list, (service.clock)()).await?))
}

/// Writes an improvement down
#[utoipa::path(
    post,
    operation_id = "add_improvement",
    path = "/v1/improvements",
    tag = "review",
    request_body = ImprovementBody,
    responses(
        (status = 201, description = "The improvement", body = ImprovementAnswer),
        (status = 403, description = "The role only looks on", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such alert", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Every mistake", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn add_improvement(
    State(service): State<Service>,
    Signed(value): Signed,
) -> Result<(StatusCode, Json<ImprovementAnswer>), ApiError> {
    let request = ImprovementRequest::parse(value, new_id(), (service.clock)());
    let request = request.map_err(ApiError::Mistakes)?;
    Ok((StatusCode::CREATED, Json(service.desk.add_improvement(request).await?)))
}

/// Shows an improvement with what was done
#[utoipa::path(
    get,
    operation_id = "show_improvement",
    path = "/v1/improvements/{id}",
    tag = "review",
    params(("id" = String, Path, description = "The improvement")),
    responses(
        (status = 200, description = "The improvement", body = ImprovementAnswer),
        (status = 404, description = "No such improvement", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn improvement(
    State(service): State<Service>,
    ImprovementId(id): ImprovementId,
) -> Result<Json<ImprovementAnswer>, ApiError> {
    Ok(Json(service.desk.find_improvement(id, (service.clock)()).await?))
}

/// Takes an improvement a step on
#[utoipa::path(
    post,
    operation_id = "step_improvement",
    path = "/v1/improvements/{id}",
    tag = "review",
    request_body = ReviewStepBody,
    params(("id" = String, Path, description = "The improvement")),
    responses(
        (status = 200, description = "The improvement as it stands now", body = ImprovementAnswer),
        (status = 403, description = "The role only looks on", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such improvement", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It has another `version`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Every mistake", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn step_improvement(
    State(service): State<Service>,
    ImprovementId(id): ImprovementId,
    Signed(value): Signed,
) -> Result<Json<ImprovementAnswer>, ApiError> {
    let step = ReviewStep::parse_improvement(value, (service.clock)());
    Ok(Json(service.desk.step_improvement(id, step.map_err(ApiError::Mistakes)?).await?))
}
