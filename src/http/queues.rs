//! `/v1/queues`: open cases in the order in which they want to be worked.

use std::sync::Arc;

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::QueueId;
use crate::http::Service;
use crate::http::error::{ApiError, Problem};
use crate::http::page::PageParameters;
use crate::triage::{CaseSummary, Desk};

/// How a queue stands.
#[derive(Serialize, ToSchema)]
pub(super) struct QueueAnswer {
    /// The queue.
    id: String,
    /// Its name for people.
    name: String,
    /// The department that answers for it.
    department: String,
    /// Open cases.
    open: u64,
    /// Of these, cases whose resolution is overdue.
    overdue: u64,
    /// Of these, cases that executives must see.
    executive: u64,
    /// When the next case must be settled.
    #[schema(value_type = Option<String>)]
    earliest_due_at: Option<Timestamp>,
}

/// Every queue.
#[derive(Serialize, ToSchema)]
pub(super) struct QueuesAnswer {
    queues: Vec<QueueAnswer>,
}

/// Lists the queues and how they stand
#[utoipa::path(
    get,
    path = "/v1/queues",
    tag = "queues",
    responses((status = 200, description = "Every queue", body = QueuesAnswer))
)]
pub(super) async fn list(State(service): State<Service>) -> Result<Json<QueuesAnswer>, ApiError> {
    let counts = service.desk.count_queues((service.clock)()).await?;
    let knowledge = service.desk.engine().knowledge();
    let mut queues: Vec<QueueAnswer> = knowledge
        .policy
        .queues()
        .iter()
        .map(|queue| {
            let count = counts.iter().find(|count| count.queue == queue.id);
            QueueAnswer {
                id: queue.id.to_string(),
                name: queue.name.clone(),
                department: queue.department.clone(),
                open: count.map_or(0, |it| it.open),
                overdue: count.map_or(0, |it| it.overdue),
                executive: count.map_or(0, |it| it.executive),
                earliest_due_at: count.map(|it| it.earliest_due_at),
            }
        })
        .collect();
    // A queue that the policy no longer names still holds its cases, and nobody may lose sight of
    // them.
    for count in counts {
        if knowledge.policy.find_queue(&count.queue).is_none() {
            queues.push(QueueAnswer {
                id: count.queue.to_string(),
                name: count.queue.to_string(),
                department: String::new(),
                open: count.open,
                overdue: count.overdue,
                executive: count.executive,
                earliest_due_at: Some(count.earliest_due_at),
            });
        }
    }
    Ok(Json(QueuesAnswer { queues }))
}

/// Which page of a queue.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct QueueParameters {
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many, 1 to 200; 50 if not given.
    limit: Option<u16>,
}

/// A page of a queue.
#[derive(Serialize, ToSchema)]
pub(super) struct QueuePage<'a> {
    /// The queue.
    queue: String,
    /// Its open cases, highest priority first, then by deadline, then by age.
    cases: Vec<CaseSummary<'a>>,
    /// Send it as `cursor` for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// Lists the open cases of a queue, most urgent first
#[utoipa::path(
    get,
    path = "/v1/queues/{queue}",
    tag = "queues",
    params(("queue" = String, Path, description = "The queue"), QueueParameters),
    responses(
        (status = 200, description = "A page of the queue", body = QueuePage<'static>),
        (status = 404, description = "No such queue", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    queue: Result<Path<String>, PathRejection>,
    parameters: Result<Query<QueueParameters>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Path(queue) = queue.map_err(ApiError::Path)?;
    let Query(QueueParameters { cursor, limit }) = parameters.map_err(ApiError::Query)?;
    let page = PageParameters { cursor, limit };
    let (after, limit) = (page.cursor()?, page.limit()?);
    let queue: QueueId = queue.parse().map_err(|_| ApiError::Missing("queue"))?;
    let page = desk.list_queue(&queue, after, limit).await?;
    if page.items.is_empty() && desk.engine().knowledge().policy.find_queue(&queue).is_none() {
        return Err(ApiError::Missing("queue"));
    }
    let answer = QueuePage {
        queue: queue.to_string(),
        cases: page.items.iter().map(CaseSummary::new).collect(),
        next_cursor: page.next.map(|cursor| cursor.to_string()),
    };
    Ok(Json(answer).into_response())
}
