//! What operators see of the model at work. Counts, never words.

use metrics::{Counter, Gauge, counter, gauge};

use crate::triage::Classification;

/// The meters of an engine.
#[derive(Clone, Debug)]
pub(super) struct Meters {
    by_model: Counter,
    by_cascade: Counter,
    by_rules: Counter,
    waiting: Gauge,
    refused: Counter,
    cancelled: Counter,
}

impl Meters {
    /// Those of this process; they count nothing where metrics were not started before.
    pub(super) fn new() -> Self {
        let by = |who: &'static str| counter!("fenzhen_classifications_total", "by" => who);
        Self {
            by_model: by("model"),
            by_cascade: by("cascade"),
            by_rules: by("rules"),
            waiting: gauge!("fenzhen_model_queue_waiting"),
            refused: counter!("fenzhen_model_queue_refused_total"),
            cancelled: counter!("fenzhen_model_queue_cancelled_total"),
        }
    }

    /// A complaint was judged.
    pub(super) fn judged(&self, classification: &Classification) {
        let Self { by_model, by_cascade, by_rules, .. } = self;
        let by = match classification {
            it if it.is_fallback() => by_rules,
            it if it.is_cascaded => by_cascade,
            _ => by_model,
        };
        by.increment(1);
    }

    /// A complaint waits for the model.
    pub(super) fn queued(&self) {
        self.waiting.increment(1.0);
    }

    /// So many do no longer: it is at work on them.
    pub(super) fn taken(&self, n: usize) {
        self.waiting.decrement(n as f64);
    }

    /// Nobody waits any more for one that was queued.
    pub(super) fn cancelled(&self) {
        self.taken(1);
        self.cancelled.increment(1);
    }

    /// A complaint found the queue full.
    pub(super) fn refused(&self) {
        self.refused.increment(1);
    }
}
