//! The tasks that work while nobody asks: clocks strike, the outbox is carried, metrics are tended,
//! old keys are forgotten, files of no case are swept, what has been kept long enough is erased,
//! clusters of complaints are looked for, figures of days that are over are added up, open pages are
//! told of changes. Replicas run all of them side by side; the store sees to it that nothing is done
//! twice.

use std::{sync::Arc, time::Duration};

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at};

use crate::http::console;
use crate::http::{Clock, Parts, Service};
use crate::identity::Identity;
use crate::triage::{Courier, Desk, Struck};

/// How often the gauges of what waits are taken.
const GAUGE_PERIOD: Duration = Duration::from_secs(5);

/// Starts all tasks, which end when the set is dropped.
pub(super) fn start(service: &Service, period: Duration) -> JoinSet<()> {
    let Parts { desk, identity, courier, clock, metrics, .. } = (**service).clone();
    let mut tasks = JoinSet::new();
    tasks.spawn(strike(Arc::clone(&desk), Arc::clone(&clock), period));
    tasks.spawn(carry(Arc::clone(&courier), Arc::clone(&clock), period));
    tasks.spawn(measure(courier, Arc::clone(&desk), Arc::clone(&clock)));
    tasks.spawn(tend_metrics(metrics));
    tasks.spawn(tend_shelf(Arc::clone(&desk)));
    tasks.spawn(sweep_files(Arc::clone(&desk), Arc::clone(&clock)));
    tasks.spawn(erase(Arc::clone(&desk), Arc::clone(&clock)));
    tasks.spawn(watch(Arc::clone(&desk), Arc::clone(&clock), period));
    tasks.spawn(add_up(Arc::clone(&desk), Arc::clone(&clock), period));
    tasks.spawn(forget(desk, identity, clock));
    tasks.spawn(console::follow(service.clone()));
    tasks
}

/// Lets clocks strike as they fall due. After a time without the service all that fell due
/// meanwhile strikes at once, the oldest first.
async fn strike(desk: Arc<Desk>, clock: Clock, period: Duration) {
    // Not at once: whoever has just started answers first.
    let mut ticks = interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        loop {
            match desk.strike(clock()).await {
                Ok(struck) if struck == Struck::default() => break,
                Ok(struck) => {
                    let counts = [
                        ("warned", struck.warned),
                        ("breached", struck.breached),
                        ("escalated", struck.escalated),
                        ("failed", struck.failed),
                    ];
                    for (outcome, n) in counts {
                        metrics::counter!("fenzhen_clock_alarms_total", "outcome" => outcome)
                            .increment(u64::from(n));
                    }
                }
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "clocks cannot strike now");
                    break;
                }
            }
        }
    }
}

/// Sends what is due in the outbox.
async fn carry(courier: Arc<Courier>, clock: Clock, period: Duration) {
    // Not at once: whoever has just started answers first.
    let mut ticks = interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let clock = Arc::clone(&clock);
        if let Err(error) = courier.begin(move || clock()).await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "the outbox cannot be worked now");
        }
    }
}

/// Tells how much waits, and for how long.
async fn measure(courier: Arc<Courier>, desk: Arc<Desk>, clock: Clock) {
    let mut ticks = interval(GAUGE_PERIOD);
    loop {
        ticks.tick().await;
        let now = clock();
        let age = |since: Option<jiff::Timestamp>| {
            since.map_or(0.0, |since| now.duration_since(since).as_secs_f64().max(0.0))
        };
        if let Ok((due, oldest)) = desk.count_due_alarms(now).await {
            metrics::gauge!("fenzhen_clock_alarms_due").set(due as f64);
            metrics::gauge!("fenzhen_clock_alarms_lag_seconds").set(age(oldest));
        }
        for count in courier.count_outbox().await.unwrap_or_default() {
            let topic = count.topic.as_str();
            metrics::gauge!("fenzhen_outbox_pending", "topic" => topic).set(count.pending as f64);
            metrics::gauge!("fenzhen_outbox_dead", "topic" => topic).set(count.dead as f64);
            let oldest = age(count.oldest_at);
            metrics::gauge!("fenzhen_outbox_oldest_age_seconds", "topic" => topic).set(oldest);
        }
    }
}

/// Keeps the vectors of the library up to date: as long as there is something to do without a
/// rest, then every second.
async fn tend_shelf(desk: Arc<Desk>) {
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        loop {
            match desk.tend_shelf().await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "the vectors of the library cannot be kept up now");
                    break;
                }
            }
        }
    }
}

/// Deletes evidence files that no case knows of, every hour.
async fn sweep_files(desk: Arc<Desk>, clock: Clock) {
    let mut ticks = interval(Duration::from_hours(1));
    loop {
        ticks.tick().await;
        match desk.sweep_evidence(clock()).await {
            Ok(0) => {}
            Ok(n_swept) => tracing::info!(n_swept, "evidence files of no case are deleted"),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "evidence files cannot be swept now");
            }
        }
    }
}

/// Empties the buffers of the metrics every few seconds.
async fn tend_metrics(metrics: PrometheusHandle) {
    let mut ticks = interval(Duration::from_secs(5));
    loop {
        ticks.tick().await;
        metrics.run_upkeep();
    }
}

/// Erases what has been kept long enough, when its turn comes round.
async fn erase(desk: Arc<Desk>, clock: Clock) {
    let mut ticks = interval(Duration::from_mins(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match desk.sweep(clock()).await {
            Ok(Some(n_erased)) if 0 < n_erased => {
                tracing::info!(n_erased, "cases whose time was over are erased");
                metrics::counter!("fenzhen_cases_erased_total").increment(n_erased);
            }
            Ok(_) => {}
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "what has been kept long enough cannot be erased now");
            }
        }
    }
}

/// Looks for clusters of complaints when its turn comes round.
async fn watch(desk: Arc<Desk>, clock: Clock, period: Duration) {
    // Not at once: whoever has just started answers first.
    let mut ticks = interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match desk.watch(clock()).await {
            Ok(n_new) => {
                let n_new = n_new.unwrap_or_default() as u64;
                metrics::counter!("fenzhen_alerts_opened_total").increment(n_new);
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "clusters cannot be looked for now");
            }
        }
    }
}

/// Adds up the figures of days that are over when its turn comes round.
async fn add_up(desk: Arc<Desk>, clock: Clock, period: Duration) {
    // Not at once: whoever has just started answers first.
    let mut ticks = interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = desk.roll_up(clock()).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "figures cannot be added up now");
        }
    }
}

/// Forgets sessions and idempotency keys whose time is over, every hour.
async fn forget(desk: Arc<Desk>, identity: Arc<Identity>, clock: Clock) {
    let mut ticks = interval(Duration::from_hours(1));
    loop {
        ticks.tick().await;
        if let Err(error) = identity.forget_sessions(clock()).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "old sessions cannot be forgotten now");
        }
        if let Err(error) = desk.forget_keys(clock()).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "old idempotency keys cannot be forgotten now");
        }
    }
}
