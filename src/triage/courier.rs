//! Carries the outbox: leases what is due, sends it, and settles it. Every target has a worker of
//! its own, so a slow or dead system holds up nobody else. A message that fails is sent again,
//! later each time, and is dead after [`MAX_ATTEMPTS`]; a target that fails rests before it is
//! tried again, so that a thousand waiting messages do not knock on a closed door one by one.
//!
//! Delivery is at least once: who dies between sending and settling sends again, under the same id.
//! Messages of one case arrive in the order of its events, unless one before has died; messages
//! of different cases in any order.

use std::{
    collections::HashMap,
    hash::Hasher,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use rustc_hash::FxHasher;

use crate::outbound::Outbound;
use crate::store::{Delivery, OutboxCount, Settlement, Topic};
use crate::triage::{Desk, DeskError};

/// After how many attempts a message is dead, about twenty hours after the first.
pub const MAX_ATTEMPTS: u32 = 10;
/// How long a worker has for what it has leased: longer than a call may take.
const LEASE: Duration = Duration::from_mins(2);
/// How many messages a worker sends at once.
const BATCH: u16 = 16;
/// How long a target rests at most after it has failed.
const LONGEST_REST: Duration = Duration::from_mins(5);

/// Carries messages to other systems; shared by all tasks.
#[derive(Debug)]
pub struct Courier {
    pub(super) desk: Arc<Desk>,
    pub(super) outbound: Outbound,
    targets: Mutex<HashMap<(Topic, String), Target>>,
}

/// How sending to a target goes.
#[derive(Clone, Copy, Debug, Default)]
struct Target {
    at_work: bool,
    failures: u32,
    rests_until: Option<Timestamp>,
}

/// How an attempt went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// It has arrived.
    Arrived,
    /// It has not, for this reason, which quotes nobody.
    Failed(String),
    /// Nothing will ever arrive there again.
    Gone(&'static str),
}

impl Courier {
    /// A courier that calls systems through `outbound`.
    pub fn new(desk: Arc<Desk>, outbound: Outbound) -> Self {
        Self { desk, outbound, targets: Mutex::default() }
    }

    /// Begins to send what is due: a task for each target that rests no more and has none. The
    /// tasks end when nothing is due.
    pub async fn begin<C>(self: &Arc<Self>, clock: C) -> Result<(), DeskError>
    where
        C: Fn() -> Timestamp + Clone + Send + Sync + 'static,
    {
        for target in self.list_targets().await? {
            if self.enter(&target, clock()) {
                let (courier, clock) = (Arc::clone(self), clock.clone());
                tokio::spawn(async move { courier.work(target, clock).await });
            }
        }
        Ok(())
    }

    /// How the outbox stands.
    pub async fn count_outbox(&self) -> Result<Vec<OutboxCount>, DeskError> {
        Ok(self.desk.store.count_outbox().await?)
    }

    /// Where messages go now.
    async fn list_targets(&self) -> Result<Vec<(Topic, String)>, DeskError> {
        let endpoints = self.desk.store.list_endpoints().await?;
        let enabled = endpoints.into_iter().filter(|it| it.enabled);
        let webhooks = enabled.map(|it| (Topic::Webhook, it.id.to_string()));
        let channels = self.desk.gateways.channels();
        let messages = channels.map(|it| (Topic::Message, it.as_str().to_owned()));
        Ok(webhooks.chain(messages).collect())
    }

    async fn work<C>(self: Arc<Self>, target: (Topic, String), clock: C)
    where
        C: Fn() -> Timestamp + Clone + Send + Sync + 'static,
    {
        loop {
            match self.carry(&target, &clock).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(
                        error,
                        topic = target.0.as_str(),
                        "the outbox cannot be worked"
                    );
                    break;
                }
            }
        }
        self.leave(&target);
    }

    /// Sends a batch; whether there may be more to send now.
    async fn carry<C>(
        self: &Arc<Self>,
        target: &(Topic, String),
        clock: &C,
    ) -> Result<bool, DeskError>
    where
        C: Fn() -> Timestamp + Clone + Send + Sync + 'static,
    {
        let now = clock();
        let until = now.checked_add(LEASE).unwrap_or(Timestamp::MAX);
        let due = (target.0, target.1.as_str());
        let deliveries = self.desk.store.lease_deliveries(due, now, until, BATCH).await?;
        if deliveries.is_empty() {
            return Ok(false);
        }
        let mut attempts = tokio::task::JoinSet::new();
        for delivery in deliveries {
            let (courier, clock) = (Arc::clone(self), clock.clone());
            attempts.spawn(async move { courier.attempt(delivery, clock).await });
        }
        let mut well = true;
        while let Some(outcome) = attempts.join_next().await {
            // An attempt that panicked has lost its lease, and is made again later.
            well &= outcome.unwrap_or(Ok(false))?;
        }
        Ok(self.note(target, well, clock()))
    }

    /// Sends one message and settles it; whether it has arrived.
    async fn attempt<C>(&self, delivery: Delivery, clock: C) -> Result<bool, DeskError>
    where
        C: Fn() -> Timestamp,
    {
        let topic = delivery.record.topic;
        let sent = match topic {
            Topic::Webhook => self.send_webhook(&delivery, clock()).await?,
            Topic::Message => self.send_message(&delivery, clock()).await?,
        };
        let (outcome, settlement) = settlement(&delivery, &sent, clock());
        let labels = [("topic", topic.as_str()), ("outcome", outcome)];
        metrics::counter!("fenzhen_outbox_attempts_total", &labels).increment(1);
        if let Settlement::Again(_, problem) | Settlement::Dead(_, problem) = &settlement {
            let (id, attempt) = (&delivery.record.id, delivery.attempts + 1);
            tracing::warn!(id, attempt, problem, outcome, "a message has not arrived");
        }
        let failed = (topic == Topic::Message && matches!(settlement, Settlement::Dead(..)))
            .then_some((delivery.record.case_id, delivery.record.seq));
        self.desk.store.settle(delivery, settlement).await?;
        if let Some((case_id, seq)) = failed {
            self.desk.note_failed_message(case_id, seq, clock()).await?;
        }
        Ok(sent == Sent::Arrived)
    }

    /// Takes a target, if nobody has and it rests no more.
    fn enter(&self, target: &(Topic, String), now: Timestamp) -> bool {
        let mut targets = self.targets.lock().unwrap_or_else(PoisonError::into_inner);
        let state = targets.entry(target.clone()).or_default();
        let free = !state.at_work && state.rests_until.is_none_or(|until| until <= now);
        state.at_work |= free;
        free
    }

    /// Lets a target go. What rests no more is forgotten, or deleted endpoints would pile up.
    fn leave(&self, target: &(Topic, String)) {
        let mut targets = self.targets.lock().unwrap_or_else(PoisonError::into_inner);
        match targets.get_mut(target) {
            Some(state) if state.rests_until.is_some() => state.at_work = false,
            _ => drop(targets.remove(target)),
        }
    }

    /// Notes how a batch went; whether to go on at once.
    fn note(&self, target: &(Topic, String), well: bool, now: Timestamp) -> bool {
        let mut targets = self.targets.lock().unwrap_or_else(PoisonError::into_inner);
        let state = targets.entry(target.clone()).or_default();
        state.failures = if well { 0 } else { state.failures.saturating_add(1) };
        let rest = backoff(state.failures, &target.1).min(LONGEST_REST);
        state.rests_until = if well { None } else { now.checked_add(rest).ok() };
        well
    }
}

/// What becomes of a message, and the name of the outcome.
fn settlement(delivery: &Delivery, sent: &Sent, now: Timestamp) -> (&'static str, Settlement) {
    let attempts = delivery.attempts + 1;
    match sent {
        Sent::Arrived => ("delivered", Settlement::Delivered),
        Sent::Failed(problem) if attempts < MAX_ATTEMPTS => {
            let wait = backoff(attempts, &delivery.record.id);
            let at = now.checked_add(wait).unwrap_or(Timestamp::MAX);
            ("failed", Settlement::Again(at, problem.clone()))
        }
        Sent::Failed(problem) => ("dead", Settlement::Dead(now, problem.clone())),
        Sent::Gone(problem) => ("dead", Settlement::Dead(now, (*problem).to_owned())),
    }
}

/// How long to wait after so many failures: 5 s, 20 s, 80 s … at most 6 h, and up to a quarter
/// more or less. The jitter comes from the id, so that messages which failed together do not come
/// again together.
fn backoff(failures: u32, id: &str) -> Duration {
    let whole = 5_u64.saturating_mul(4_u64.saturating_pow(failures.saturating_sub(1)));
    let mut hasher = FxHasher::default();
    hasher.write(id.as_bytes());
    hasher.write_u32(failures);
    let jitter = (hasher.finish() >> 32) as f64 / f64::from(u32::MAX);
    Duration::from_secs(whole.min(6 * 3600)).mul_f64(0.75 + 0.5 * jitter)
}

#[cfg(test)]
mod tests {
    use super::{MAX_ATTEMPTS, backoff};

    #[test]
    fn waits_grow_fourfold_with_jitter_up_to_six_hours() {
        let mut seen = std::collections::BTreeSet::new();
        for failures in 1..=MAX_ATTEMPTS {
            let whole = (5.0 * 4_f64.powi(failures.cast_signed() - 1)).min(21_600.0);
            for id in 0..100 {
                let wait = backoff(failures, &format!("evt_{id}")).as_secs_f64();
                assert!(0.75 * whole <= wait && wait <= 1.25 * whole, "{failures}: {wait}");
                seen.insert((wait * 1000.0) as u64);
            }
        }
        assert!(900 < seen.len(), "messages that failed together come again apart: {}", seen.len());
        assert!(backoff(u32::MAX, "").as_secs() <= 27_000);
    }
}
