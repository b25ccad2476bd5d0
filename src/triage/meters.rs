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

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::{Arc, Mutex, mpsc};

    use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
    use tokio::task::{JoinHandle, yield_now};

    use crate::domain::{Complaint, CustomerTier, Prediction, Taxonomy};
    use crate::inference::{BatchLimits, Classifier};
    use crate::text::Document;
    use crate::triage::{Busy, Engine, EngineOptions, Knowledge, ModelState, Sources};

    /// Works on a text once it is let go, and breaks at some.
    struct Held {
        model: Arc<dyn Classifier>,
        go: Mutex<mpsc::Receiver<()>>,
        begun: mpsc::Sender<()>,
    }

    impl Classifier for Held {
        fn taxonomy(&self) -> &Arc<Taxonomy> {
            self.model.taxonomy()
        }

        fn classify(&self, document: &Document<'_>) -> Prediction {
            assert!(!document.original().contains("坏"), "this one breaks");
            self.begun.send(()).unwrap();
            // An error: nobody holds it back any more.
            self.go.lock().unwrap().recv().unwrap_err();
            self.model.classify(document)
        }

        fn is_slow(&self) -> bool {
            true
        }
    }

    struct Office {
        engine: Arc<Engine>,
        meters: PrometheusHandle,
        go: Mutex<Option<mpsc::Sender<()>>>,
        begun: Mutex<mpsc::Receiver<()>>,
    }

    type Call = JoinHandle<Result<(), Busy>>;

    impl Office {
        fn new(max_waiting: usize) -> Self {
            let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models");
            let mut knowledge = Knowledge::load(&Sources { models, ..Sources::default() }).unwrap();
            let ModelState::Live { classifier, .. } = &mut knowledge.model else {
                panic!("the model of the tests is live")
            };
            let ((go, wait), (tell, begun)) = (mpsc::channel(), mpsc::channel());
            let model = Arc::clone(classifier);
            let held = Held { model, go: Mutex::new(wait), begun: tell };
            *classifier = Arc::new(held);
            let recorder = PrometheusBuilder::new().build_recorder();
            let meters = recorder.handle();
            let options = EngineOptions { max_waiting, ..EngineOptions::default() };
            let engine = metrics::with_local_recorder(&recorder, || {
                Engine::with_options(knowledge, options)
            });
            Self {
                engine: Arc::new(engine),
                meters,
                go: Mutex::new(Some(go)),
                begun: Mutex::new(begun),
            }
        }

        fn call(&self, text: &str) -> Call {
            let complaint = Complaint {
                text: text.to_owned().try_into().unwrap(),
                channel: None,
                amount: None,
                customer_tier: CustomerTier::default(),
                prior_contacts: None,
                received_at: "2026-11-09T09:00:00+08:00".parse().unwrap(),
            };
            let engine = Arc::clone(&self.engine);
            tokio::spawn(async move { engine.classify_soon(&complaint).await.map(drop) })
        }

        fn meter(&self, name: &str) -> i64 {
            let meters = self.meters.render();
            let found = meters.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            found.map_or(0, |value| value.parse().unwrap())
        }

        fn let_go(&self) {
            *self.go.lock().unwrap() = None;
        }

        fn by(&self, who: &str) -> i64 {
            self.meter(&format!("fenzhen_classifications_total{{by=\"{who}\"}}"))
        }

        /// Until the queue has so many.
        async fn until_waiting(&self, n: i64) {
            while self.meter("fenzhen_model_queue_waiting") != n {
                yield_now().await;
            }
        }

        /// One complaint for every worker, which they keep.
        async fn occupy(&self) -> Vec<Call> {
            let mut calls = Vec::new();
            for _ in 0..BatchLimits::default().n_workers.get() {
                calls.push(self.call("快递三天没有动静"));
                // It waits first, and then a worker has it.
                self.begun.lock().unwrap().recv().unwrap();
            }
            self.until_waiting(0).await;
            calls
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn every_complaint_is_counted_once_and_none_waits_in_the_end() {
        let office = Office::new(2);
        let mut calls = office.occupy().await;
        let n_workers = i64::try_from(calls.len()).unwrap();
        calls.push(office.call("退款没有到账"));
        office.until_waiting(1).await;
        let leaving = office.call("客服一直不回");
        office.until_waiting(2).await;
        assert_eq!(office.call("还有一件").await.unwrap(), Err(Busy));
        assert_eq!(office.meter("fenzhen_model_queue_refused_total"), 1);
        leaving.abort();
        assert!(leaving.await.unwrap_err().is_cancelled());
        office.let_go();
        for call in calls {
            call.await.unwrap().unwrap();
        }
        assert_eq!(office.meter("fenzhen_model_queue_cancelled_total"), 1);
        assert_eq!(office.meter("fenzhen_model_queue_waiting"), 0);
        let by = ["model", "cascade", "rules"].map(|who| office.by(who));
        assert_eq!(by, [n_workers + 1, 0, 0]);
    }

    #[tokio::test]
    async fn a_model_that_breaks_is_seen() {
        let office = Office::new(2);
        office.call("这台机器坏了").await.unwrap().unwrap();
        assert_eq!(["model", "rules"].map(|who| office.by(who)), [0, 1]);
    }
}
