//! Classification: one complaint in, prediction, rule hits and decision out.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, OnceLock},
};

use arc_swap::ArcSwap;
use tokio::sync::oneshot;

use crate::domain::{Complaint, Decision, LabelId, Labels, Prediction, Role, Verdict};
use crate::inference::{BatchLimits, Batcher, Classifier, Job, give_back_memory};
use crate::routing::{self, Matter};
use crate::rules::{Hit, Situation};
use crate::text::{Document, Facts};
use crate::triage::meters::Meters;
use crate::triage::{Knowledge, LoadError, Sources};

/// The share of Han characters among letters below which a text cannot be judged.
const READABLE_HAN_SHARE: f32 = 0.3;

/// Texts longer than this, in bytes, take any model milliseconds.
const LONG_TEXT: usize = 8_192;

/// Encoders read no more than about this.
const MAX_TOKENS: usize = 512;

/// Classifies complaints with the knowledge that is live. Shared by all threads; replacing the
/// knowledge neither blocks nor disturbs those who are at work with the old one.
#[derive(Debug)]
pub struct Engine {
    knowledge: Arc<ArcSwap<Knowledge>>,
    options: EngineOptions,
    /// Where slow models work; there from the first slow answer on.
    queue: OnceLock<Batcher<Inquiry>>,
    meters: Meters,
}

/// How slow models are used.
#[derive(Clone, Copy, Debug)]
pub struct EngineOptions {
    /// Complaints that wait before the next is refused.
    pub max_waiting: usize,
    /// Tokens that a thread takes at once.
    pub batch_tokens: usize,
    /// From so many waiting complaints on, a part of the model that is fast answers the easy ones
    /// alone, if the model has such a part; nothing: never.
    pub cascade_from: Option<usize>,
}

impl Default for EngineOptions {
    fn default() -> Self {
        let BatchLimits { max_waiting, max_tokens, .. } = BatchLimits::default();
        Self { max_waiting, batch_tokens: max_tokens, cascade_from: None }
    }
}

impl EngineOptions {
    /// Says so where a cascade is asked for that the model does not have.
    fn check_cascade(self, knowledge: &Knowledge) {
        let lacks = |it: &dyn Classifier| it.is_slow() && !it.knows_easy();
        if self.cascade_from.is_some() && knowledge.classifier().is_some_and(lacks) {
            tracing::warn!(
                "`FENZHEN_CASCADE_FROM` does nothing: no part of this model was calibrated to \
                 answer easy complaints alone"
            );
        }
    }
}

/// Too many complaints wait for the model: nothing was done with this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many complaints wait for the model")]
pub struct Busy;

/// A complaint on its way through the queue.
struct Inquiry {
    complaint: Complaint,
    verdict: Option<Verdict>,
    reply: oneshot::Sender<Classification>,
    meters: Meters,
}

impl Job for Inquiry {
    /// Most tokens are a character or longer.
    fn n_tokens(&self) -> usize {
        self.complaint.text.as_str().chars().take(MAX_TOKENS).count() + 2
    }

    fn is_cancelled(&self) -> bool {
        self.reply.is_closed()
    }

    fn cancel(&self) {
        self.meters.cancelled();
    }
}

/// Everything that was found out about one complaint.
#[derive(Debug)]
pub struct Classification {
    /// What it was judged with.
    pub knowledge: Arc<Knowledge>,
    /// What the model says; nothing when there is none or it failed.
    pub prediction: Option<Prediction>,
    /// Whether a part of the model answered alone, because the text was easy and many waited.
    pub is_cascaded: bool,
    /// The rules that fired.
    pub hits: Vec<Hit>,
    /// The numbers that the text states.
    pub facts: Facts,
    /// What is done.
    pub decision: Decision,
}

impl Classification {
    /// Whether rules alone decided.
    pub const fn is_fallback(&self) -> bool {
        self.prediction.is_none()
    }

    /// What the model says; empty when rules alone decided.
    pub fn model_labels(&self) -> Labels {
        self.prediction.as_ref().map(Labels::of).unwrap_or_default()
    }

    /// The labels that count: the model's, with what the rules added.
    pub fn labels(&self) -> Labels {
        let mut labels = self.model_labels();
        let taxonomy = &self.knowledge.taxonomy;
        let mut count = |role: Role, chosen: &[&str]| {
            if let Some((_, head)) = taxonomy.role(role) {
                labels.insert(head, chosen).expect("a decision names labels of the taxonomy");
            }
        };
        count(Role::Severity, &[self.decision.severity.label.as_str()]);
        if let Some(category) = &self.decision.category {
            count(Role::Category, &[category.as_str()]);
        }
        let said = self.model_labels();
        let by_model = said.find(Role::Signals.head_name()).unwrap_or_default();
        let by_rules = self.hits.iter().flat_map(|hit| &hit.effect.signals);
        let signals: Vec<_> = by_model.iter().chain(by_rules).map(LabelId::as_str).collect();
        count(Role::Signals, &signals);
        labels
    }

    /// Name and digest of the model that answered; nothing when rules alone did.
    pub fn model_version(&self) -> Option<&str> {
        self.knowledge.model_version().filter(|_| !self.is_fallback())
    }
}

impl Engine {
    /// Starts with this knowledge.
    pub fn new(knowledge: Knowledge) -> Self {
        Self::with_options(knowledge, EngineOptions::default())
    }

    /// Starts with this knowledge and these options.
    pub fn with_options(knowledge: Knowledge, options: EngineOptions) -> Self {
        options.check_cascade(&knowledge);
        // What loading it has left behind.
        give_back_memory();
        let knowledge = Arc::new(ArcSwap::from_pointee(knowledge));
        Self { knowledge, options, queue: OnceLock::new(), meters: Meters::new() }
    }

    /// The knowledge that is live now.
    pub fn knowledge(&self) -> Arc<Knowledge> {
        self.knowledge.load_full()
    }

    /// Reads the sources again. On an error the old knowledge stays live, and a model that answers
    /// is no more given up for a broken one than for broken rules.
    pub fn reload(&self, sources: &Sources) -> Result<Arc<Knowledge>, LoadError> {
        let knowledge = Arc::new(self.knowledge().load_again(sources)?);
        match knowledge.model_problem() {
            Some(problem) if self.knowledge().model_version().is_some() => {
                return Err(LoadError::Model(problem.to_owned()));
            }
            _ => {}
        }
        self.options.check_cascade(&knowledge);
        self.knowledge.store(Arc::clone(&knowledge));
        give_back_memory();
        Ok(knowledge)
    }

    /// Judges a complaint on this thread. A model that panics costs its answer, not the complaint.
    pub fn classify(&self, complaint: &Complaint) -> Classification {
        self.judged(judge(&self.knowledge(), complaint, None))
    }

    /// Judges complaints on this thread, side by side: a slow model reads its weights once for many
    /// texts. Everyone's answer is the one that it would get alone.
    pub fn classify_all(&self, complaints: &[&Complaint]) -> Vec<Classification> {
        let matters: Vec<_> = complaints.iter().map(|&complaint| (complaint, None)).collect();
        let judged = judge_all(&self.knowledge(), &matters);
        for classification in &judged {
            self.meters.judged(classification);
        }
        judged
    }

    /// Judges a complaint without holding the thread up: slow models answer on threads of their own,
    /// and long texts are judged on others. Who stops waiting for a slow one is not computed.
    pub async fn classify_soon(&self, complaint: &Complaint) -> Result<Classification, Busy> {
        self.judge_soon(complaint, None).await
    }

    /// Judges a complaint that people have spoken about: their word counts more than the model's
    /// and the rules'. Rules are those of the day on which it came in.
    pub async fn reconsider(
        &self,
        complaint: &Complaint,
        verdict: &Verdict,
    ) -> Result<Classification, Busy> {
        self.judge_soon(complaint, Some(verdict)).await
    }

    async fn judge_soon(
        &self,
        complaint: &Complaint,
        verdict: Option<&Verdict>,
    ) -> Result<Classification, Busy> {
        let knowledge = self.knowledge();
        let is_long = LONG_TEXT < complaint.text.as_str().len();
        if !knowledge.classifier().is_some_and(Classifier::is_slow) {
            let judged = if is_long {
                judge_elsewhere(&knowledge, complaint, verdict).await
            } else {
                judge(&knowledge, complaint, verdict)
            };
            return Ok(self.judged(judged));
        }
        let queue = self.queue.get_or_init(|| self.start_queue());
        if !is_long
            && self.options.cascade_from.is_some_and(|from| from <= queue.n_waiting())
            && let Some(classification) = judge_easy(&knowledge, complaint, verdict)
        {
            return Ok(self.judged(classification));
        }
        let (reply, answer) = oneshot::channel();
        let meters = self.meters.clone();
        let inquiry =
            Inquiry { complaint: complaint.clone(), verdict: verdict.cloned(), reply, meters };
        // Before a worker can take it.
        self.meters.queued();
        queue.submit(inquiry).map_err(|_| {
            self.meters.taken(1);
            self.meters.refused();
            Busy
        })?;
        // A worker that broke leaves the complaint to the rules.
        let answer = answer.await;
        Ok(self.judged(answer.unwrap_or_else(|_| judge_by_rules(&knowledge, complaint, verdict))))
    }

    fn judged(&self, classification: Classification) -> Classification {
        self.meters.judged(&classification);
        classification
    }

    /// The knowledge is that of the moment in which a batch begins.
    fn start_queue(&self) -> Batcher<Inquiry> {
        let (knowledge, meters) = (Arc::clone(&self.knowledge), self.meters.clone());
        let EngineOptions { max_waiting, batch_tokens, .. } = self.options;
        let limits =
            BatchLimits { max_waiting, max_tokens: batch_tokens, ..BatchLimits::default() };
        Batcher::start(limits, move |batch: Vec<Inquiry>| {
            meters.taken(batch.len());
            let matters: Vec<_> =
                batch.iter().map(|it| (&it.complaint, it.verdict.as_ref())).collect();
            let answers = judge_all(&knowledge.load_full(), &matters);
            for (inquiry, answer) in batch.into_iter().zip(answers) {
                // Who has left meanwhile needs no answer.
                drop(inquiry.reply.send(answer));
            }
        })
    }
}

/// What a model says about a document.
struct Said<'d> {
    document: Document<'d>,
    prediction: Option<Prediction>,
    is_cascaded: bool,
}

fn judge(
    knowledge: &Arc<Knowledge>,
    complaint: &Complaint,
    verdict: Option<&Verdict>,
) -> Classification {
    let document = knowledge.analyzer.analyze(complaint.text.as_str());
    let prediction = guard(knowledge, |classifier| classifier.classify(&document));
    conclude(knowledge, complaint, verdict, Said { document, prediction, is_cascaded: false })
}

/// On a thread that nobody else waits for.
async fn judge_elsewhere(
    knowledge: &Arc<Knowledge>,
    complaint: &Complaint,
    verdict: Option<&Verdict>,
) -> Classification {
    let (held, own, said) = (Arc::clone(knowledge), complaint.clone(), verdict.cloned());
    let judged = tokio::task::spawn_blocking(move || judge(&held, &own, said.as_ref())).await;
    judged.unwrap_or_else(|_| judge_by_rules(knowledge, complaint, verdict))
}

fn judge_all(
    knowledge: &Arc<Knowledge>,
    matters: &[(&Complaint, Option<&Verdict>)],
) -> Vec<Classification> {
    let texts = matters.iter().map(|(complaint, _)| complaint.text.as_str());
    let documents: Vec<_> = texts.map(|text| knowledge.analyzer.analyze(text)).collect();
    let predictions = predict_all(knowledge, &documents);
    let said = predictions.into_iter().zip(documents).map(|(prediction, document)| Said {
        document,
        prediction,
        is_cascaded: false,
    });
    let judged = matters.iter().zip(said);
    judged
        .map(|(&(complaint, verdict), said)| conclude(knowledge, complaint, verdict, said))
        .collect()
}

/// By the fast part of the model alone, if it has one and finds the text easy.
fn judge_easy(
    knowledge: &Arc<Knowledge>,
    complaint: &Complaint,
    verdict: Option<&Verdict>,
) -> Option<Classification> {
    let document = knowledge.analyzer.analyze(complaint.text.as_str());
    let prediction = guard(knowledge, |classifier| classifier.classify_easy(&document))??;
    let said = Said { document, prediction: Some(prediction), is_cascaded: true };
    Some(conclude(knowledge, complaint, verdict, said))
}

/// Rules alone.
fn judge_by_rules(
    knowledge: &Arc<Knowledge>,
    complaint: &Complaint,
    verdict: Option<&Verdict>,
) -> Classification {
    let document = knowledge.analyzer.analyze(complaint.text.as_str());
    conclude(knowledge, complaint, verdict, Said { document, prediction: None, is_cascaded: false })
}

/// One prediction per document. Where one breaks the model, the others still get theirs.
fn predict_all(knowledge: &Knowledge, documents: &[Document<'_>]) -> Vec<Option<Prediction>> {
    match guard(knowledge, |classifier| classifier.classify_all(documents)) {
        Some(predictions) => predictions.into_iter().map(Some).collect(),
        None => documents
            .iter()
            .map(|document| guard(knowledge, |classifier| classifier.classify(document)))
            .collect(),
    }
}

/// Asks the model, if there is one. When it panics there is no answer.
fn guard<T>(knowledge: &Knowledge, ask: impl FnOnce(&dyn Classifier) -> T) -> Option<T> {
    let classifier = knowledge.classifier()?;
    // Nothing is shared with the closure that a panic could leave half changed.
    let answer = catch_unwind(AssertUnwindSafe(|| ask(classifier)));
    answer.inspect_err(|_| tracing::error!("the model panicked: rules alone answer")).ok()
}

/// Everything after the model.
fn conclude(
    knowledge: &Arc<Knowledge>,
    complaint: &Complaint,
    verdict: Option<&Verdict>,
    Said { document, prediction, is_cascaded }: Said<'_>,
) -> Classification {
    let situation = Situation::new(complaint, &document, prediction.as_ref());
    let today = knowledge.calendar.date(complaint.received_at);
    let hits = knowledge.rules.evaluate(&situation, today);
    let matter = Matter {
        complaint,
        taxonomy: &knowledge.taxonomy,
        prediction: prediction.as_ref(),
        hits: &hits,
        facts: document.facts(),
        readable: READABLE_HAN_SHARE <= document.han_share(),
        verdict,
    };
    let decision = routing::route(&knowledge.policy, &knowledge.calendar, &matter);
    let (knowledge, facts) = (Arc::clone(knowledge), document.into_facts());
    Classification { knowledge, prediction, is_cascaded, hits, facts, decision }
}
