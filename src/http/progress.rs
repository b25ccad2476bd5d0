//! `/v1/cases/{id}/progress` and the steps of a case's life.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::HeaderMap,
    response::{IntoResponse, Response},
};

use crate::http::Service;
use crate::http::cases::request_id;
use crate::http::error::{ApiError, Problem};
use crate::http::extract::{CaseId, Signed};
use crate::http::schema::StepBody;
use crate::triage::{ProgressAnswer, STEPS, StepRequest};

/// Shows where a case stands, what can be done and which clocks run
#[utoipa::path(
    get,
    operation_id = "show_case_progress",
    path = "/v1/cases/{id}/progress",
    tag = "cases",
    params(("id" = String, Path, description = "The case")),
    responses(
        (status = 200, description = "Where it stands", body = ProgressAnswer),
        (status = 404, description = "No such case", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn show(
    State(service): State<Service>,
    CaseId(id): CaseId,
) -> Result<Response, ApiError> {
    let life = service.desk.case_life(id).await?;
    let knowledge = service.desk.engine().knowledge();
    let answer = ProgressAnswer::new(&life, &knowledge, (service.clock)());
    Ok(Json(answer).into_response())
}

/// Moves a case on
///
/// Each step takes the `version` of the case that was read, `by` (who does it) and:
///
/// | step | fields |
/// | --- | --- |
/// | `acceptance` 受理确认 | `contact_person` |
/// | `assignment` 分派 | `department` |
/// | `owner` | `owner`, to whom a lead hands the case; without it the sender takes it over 首问负责制 |
/// | `reviews` 复核 | `finding` |
/// | `investigation` 调查 | `lead`, `departments` |
/// | `opinions` 部门意见 | `department`, `opinion` |
/// | `evidence` | `item` |
/// | `conclusion` | `liability`, `findings`, `claim` (`grounds`, `exceptions`, `price`, `loss`, `delayed_hours`) |
/// | `proposals` 方案 | `offers`, each with `remedies` (`kind`, `amount`, `words`, `basis`) and, above the standard, a `special_case` |
/// | `choices` 协商 | `offer`: its number, from 1 |
/// | `revisions` | `reason`: the customer wants something else |
/// | `final-answers` | `explanation`, `recourse`: when every revision is used up |
/// | `approvals` 审批 | `granted`, and a `reason` when it is not |
/// | `executions` 执行 | `note`, `tracking_number` |
/// | `contacts` | `purpose` (`progress`, `result`, `confirmation`), `answered`, `note` |
/// | `close` 客户确认 | `satisfied`, with `satisfaction` 1 to 5, or a `reason` when not |
/// | `archive` 归档 | `summary`, and the final `labels` with `sure` |
/// | `reopenings` | `reason` |
/// | `escalations` 升级 | `to` (2 or 3), `customer`, `description`, `tried`, `expectation`; to 3 also a `report` (`background`, `process`, `problem`, `solution`) |
/// | `send-backs` | `reason` |
/// | `pauses` | `paused`, and a `reason` when it is true |
///
/// A step that is not possible is refused with the reason and the moves that are. Compensation is
/// never granted by the service: somebody other than the proposer approves.
#[utoipa::path(
    post,
    operation_id = "step_case",
    path = "/v1/cases/{id}/{step}",
    tag = "cases",
    request_body = StepBody,
    params(
        ("id" = String, Path, description = "The case"),
        ("step" = String, Path, description = "The step, as listed above"),
    ),
    responses(
        (status = 200, description = "Where the case stands now", body = ProgressAnswer),
        (status = 403, description = "The step is not for this role", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such case or step", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The case has another `version`, or is not at this step: see `moves`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Every mistake", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn step(
    State(service): State<Service>,
    CaseId(id): CaseId,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
    Signed(value): Signed,
) -> Result<Response, ApiError> {
    let Path((_, step)) = path.map_err(ApiError::Path)?;
    if !STEPS.contains(&step.as_str()) {
        return Err(ApiError::Missing("step of a case"));
    }
    let desk = Arc::clone(&service.desk);
    let knowledge = desk.engine().knowledge();
    let request = StepRequest::parse(&step, value, &knowledge).map_err(ApiError::Mistakes)?;
    let now = (service.clock)();
    let life = desk.act(id, request, request_id(&headers), now).await?;
    Ok(Json(ProgressAnswer::new(&life, &knowledge, now)).into_response())
}
