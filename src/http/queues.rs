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
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::domain::{QueueId, Reach};
use crate::http::Service;
use crate::http::caller::Caller;
use crate::http::error::{ApiError, Problem};
use crate::routing::Queue;
use crate::triage::{CaseSummary, Desk, Knowledge, Parameters};

/// How many cases a list of queues shows of each.
const N_NEXT: u16 = 3;

/// How a queue stands.
#[derive(Serialize, ToSchema)]
pub(super) struct QueueAnswer<'a> {
    /// The queue.
    id: &'a str,
    /// Its name for people.
    name: &'a str,
    /// The department that answers for it.
    department: &'a str,
    /// Open cases.
    open: u64,
    /// Of these, cases whose resolution is overdue.
    overdue: u64,
    /// Of these, cases that executives must see.
    executive: u64,
    /// When the next case must be settled.
    #[schema(value_type = Option<String>)]
    earliest_due_at: Option<Timestamp>,
    /// Its most urgent cases.
    next: Vec<CaseSummary<'a>>,
}

/// Every queue.
#[derive(Serialize, ToSchema)]
pub(super) struct QueuesAnswer<'a> {
    /// The queue with the most urgent case first; empty ones last, in the order of the policy.
    queues: Vec<QueueAnswer<'a>>,
}

/// Lists the queues, how they stand and their most urgent cases
#[utoipa::path(
    get,
    operation_id = "list_queues",
    path = "/v1/queues",
    tag = "queues",
    responses((status = 200, description = "Every queue", body = QueuesAnswer<'static>))
)]
pub(super) async fn list(
    State(service): State<Service>,
    caller: Caller,
) -> Result<Response, ApiError> {
    let desk = &service.desk;
    let knowledge = desk.engine().knowledge();
    let reach = caller.principal.reach();
    let mut counts = desk.count_queues((service.clock)()).await?;
    counts.retain(|count| is_within(&reach, &count.queue, &knowledge));
    let mut next = Vec::with_capacity(counts.len());
    for count in &counts {
        next.push(desk.list_queue(&count.queue, None, N_NEXT).await?.items);
    }
    let standing = counts.iter().zip(&next).map(|(count, cases)| {
        // A queue that the policy no longer names still holds its cases, and nobody may lose
        // sight of them.
        let queue = knowledge.policy.find_queue(&count.queue);
        QueueAnswer {
            id: count.queue.as_str(),
            name: queue.map_or(count.queue.as_str(), |queue| &queue.name),
            department: queue.map_or("", |queue| &queue.department),
            open: count.open,
            overdue: count.overdue,
            executive: count.executive,
            earliest_due_at: Some(count.earliest_due_at),
            next: cases.iter().map(CaseSummary::new).collect(),
        }
    });
    let mut queues: Vec<_> = standing.collect();
    queues.sort_by(|a, b| top_priority(b).total_cmp(&top_priority(a)));
    let has_cases = |id: &QueueId| counts.iter().any(|count| count.queue == *id);
    let is_empty =
        |queue: &&Queue| !has_cases(&queue.id) && is_within(&reach, &queue.id, &knowledge);
    let empty = knowledge.policy.queues().iter().filter(is_empty);
    queues.extend(empty.map(|queue| QueueAnswer {
        id: queue.id.as_str(),
        name: &queue.name,
        department: &queue.department,
        open: 0,
        overdue: 0,
        executive: 0,
        earliest_due_at: None,
        next: Vec::new(),
    }));
    Ok(Json(QueuesAnswer { queues }).into_response())
}

/// Whether a queue is shown to somebody who sees so far. Executives find cases of theirs that are
/// on other queues in `/v1/cases`.
pub(super) fn is_within(reach: &Reach, queue: &QueueId, knowledge: &Knowledge) -> bool {
    match reach {
        Reach::All => true,
        Reach::Queue(own) => own == queue,
        Reach::Executive => knowledge.policy.executive_queue().id == *queue,
        Reach::ReceivedBy(_) => false,
    }
}

fn top_priority(queue: &QueueAnswer<'_>) -> f64 {
    queue.next.first().map_or(f64::MIN, CaseSummary::priority)
}

/// Which page of a queue.
#[derive(IntoParams)]
#[expect(dead_code, reason = "documentation alone; every mistake is listed")]
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
    operation_id = "show_queue",
    path = "/v1/queues/{queue}",
    tag = "queues",
    params(("queue" = String, Path, description = "The queue"), QueueParameters),
    responses(
        (status = 200, description = "A page of the queue", body = QueuePage<'static>),
        (status = 404, description = "No such queue", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Every mistake", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    queue: Result<Path<String>, PathRejection>,
    pairs: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Path(queue) = queue.map_err(ApiError::Path)?;
    let Query(pairs) = pairs.map_err(ApiError::Query)?;
    let mut parameters = Parameters::new(pairs);
    let (after, limit) = (parameters.parse("cursor"), parameters.limit(50));
    parameters.finish(&["cursor", "limit"]).map_err(ApiError::Mistakes)?;
    let queue: QueueId = queue.parse().map_err(|_| ApiError::Missing("queue"))?;
    if !is_within(&caller.principal.reach(), &queue, &desk.engine().knowledge()) {
        return Err(ApiError::Forbidden("the queue is none of yours".to_owned()));
    }
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
