//! What happens while a page is open, as server-sent events. One reader for all pages asks the
//! database every few seconds; a page that was away gets the whole state again, so that nothing
//! is missed when a connection breaks.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::{sync::watch, time::MissedTickBehavior};
use tokio_stream::{StreamExt, wrappers::WatchStream};

use crate::domain::QueueId;
use crate::http::Service;
use crate::http::console::Failure;
use crate::http::console::executive::undecided;
use crate::http::console::review::unreviewed;
use crate::http::console::visitor::Visitor;
use crate::store::{CaseFilter, QueueCount};
use crate::triage::{DeskError, Knowledge, ReviewList};

/// How often the database is asked.
const PERIOD: Duration = Duration::from_secs(2);

/// How the desk stands.
#[derive(Clone, Debug, Default, PartialEq)]
struct Standing {
    queues: Vec<QueueCount>,
    /// Cases that wait for a person's labels.
    n_unreviewed: u64,
    /// Cases that wait for executives.
    n_undecided: u64,
    /// Alerts that nobody has answered yet: each with how many complain.
    alerts: Vec<String>,
    /// The newest case.
    newest: Option<String>,
    /// Whether the service stops.
    is_over: bool,
}

/// Where open pages learn of changes.
#[derive(Debug, Default)]
pub(crate) struct Live(watch::Sender<Arc<Standing>>);

impl Live {
    /// Ends all streams, which never end by themselves.
    pub(crate) fn end(&self) {
        self.0.send_replace(Arc::new(Standing { is_over: true, ..Standing::default() }));
    }
}

/// Follows the database while somebody listens.
pub(crate) async fn follow(service: Service) {
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if service.live.0.receiver_count() == 0 {
            continue;
        }
        match look(&service, (service.clock)()).await {
            Ok(standing) => {
                service.live.0.send_if_modified(|last| {
                    let changed = **last != standing;
                    if changed {
                        *last = Arc::new(standing);
                    }
                    changed
                });
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "pages are not told of changes now");
            }
        }
    }
}

async fn look(service: &Service, now: Timestamp) -> Result<Standing, DeskError> {
    let desk = &service.desk;
    let queues = desk.count_queues(now).await?;
    let triage = desk.engine().knowledge().policy.triage_queue().id.clone();
    let n_unreviewed = desk.count_work(&unreviewed(&triage), u32::MAX).await?;
    let n_undecided = desk.count_work(&undecided(), u32::MAX).await?;
    let newest = desk.list_cases(&CaseFilter::default(), None, 1).await?;
    let newest = newest.items.first().map(|case| case.record.id.to_string());
    let alerts = desk.list_alerts(&ReviewList::open_alerts()).await?.alerts;
    let alerts = alerts.iter().map(|it| format!("{} {}", it.id, it.count)).collect();
    Ok(Standing { queues, n_unreviewed, n_undecided, alerts, newest, is_over: false })
}

/// What a page shows of it: the badges of the navigation, and a word that changes with the state.
fn counts(standing: &Standing, visitor: &Visitor, knowledge: &Knowledge) -> Value {
    let own = standing.queues.iter().filter(|it| visitor.sees_queue(&it.queue, knowledge));
    let own: Vec<&QueueCount> = own.collect();
    let policy = &knowledge.policy;
    // Who may not see the page has no count of it.
    let of = |queue: &QueueId, n: u64| if visitor.sees_queue(queue, knowledge) { n } else { 0 };
    let state = own.iter().map(|it| {
        let due = it.earliest_due_at.as_second();
        format!("{} {} {} {} {due}", it.queue, it.open, it.overdue, it.executive)
    });
    json!({
        "review": of(&policy.triage_queue().id, standing.n_unreviewed),
        "executive": of(&policy.executive_queue().id, standing.n_undecided),
        "open": own.iter().map(|it| it.open).sum::<u64>(),
        "alerts": standing.alerts.len(),
        "state": state.chain(standing.newest.clone()).chain(standing.alerts.iter().cloned()).collect::<Vec<_>>().join(","),
    })
}

/// Streams the state now and whenever it changes.
pub(super) async fn stream(
    State(service): State<Service>,
    visitor: Visitor,
) -> Result<Response, Failure> {
    // Who has just come sees what is there now, not what was there when somebody last listened.
    let standing = look(&service, (service.clock)()).await?;
    let receiver = service.live.0.subscribe();
    let first = tokio_stream::once(Arc::new(standing));
    let events = first
        .chain(WatchStream::from_changes(receiver))
        .take_while(|standing| !standing.is_over)
        .map(move |standing| {
            let knowledge = service.desk.engine().knowledge();
            let data = counts(&standing, &visitor, &knowledge).to_string();
            Ok::<_, Infallible>(Event::default().event("counts").data(data))
        });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}
