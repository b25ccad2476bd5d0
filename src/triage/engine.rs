//! Classification: one complaint in, prediction, rule hits and decision out.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use arc_swap::ArcSwap;

use crate::domain::{Complaint, Decision, LabelId, Labels, Prediction, Role, Verdict};
use crate::routing::{self, Matter};
use crate::rules::{Hit, Situation};
use crate::text::Facts;
use crate::triage::{Knowledge, LoadError, Sources};

/// The share of Han characters among letters below which a text cannot be judged.
const READABLE_HAN_SHARE: f32 = 0.3;

/// Classifies complaints with the knowledge that is live. Shared by all threads; replacing the
/// knowledge neither blocks nor disturbs those who are at work with the old one.
#[derive(Debug)]
pub struct Engine {
    knowledge: ArcSwap<Knowledge>,
}

/// Everything that was found out about one complaint.
#[derive(Debug)]
pub struct Classification {
    /// What it was judged with.
    pub knowledge: Arc<Knowledge>,
    /// What the model says; nothing when there is none or it failed.
    pub prediction: Option<Prediction>,
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
        Self { knowledge: ArcSwap::from_pointee(knowledge) }
    }

    /// The knowledge that is live now.
    pub fn knowledge(&self) -> Arc<Knowledge> {
        self.knowledge.load_full()
    }

    /// Reads the sources again. On an error the old knowledge stays live, and a model that answers
    /// is no more given up for a broken one than for broken rules.
    pub fn reload(&self, sources: &Sources) -> Result<Arc<Knowledge>, LoadError> {
        let knowledge = Arc::new(Knowledge::load(sources)?);
        match knowledge.model_problem() {
            Some(problem) if self.knowledge().model_version().is_some() => {
                return Err(LoadError::Model(problem.to_owned()));
            }
            _ => {}
        }
        self.knowledge.store(Arc::clone(&knowledge));
        Ok(knowledge)
    }

    /// Judges a complaint. A model that panics costs its answer, not the complaint.
    pub fn classify(&self, complaint: &Complaint) -> Classification {
        self.judge(complaint, None)
    }

    /// Judges a complaint that people have spoken about: their word counts more than the model's
    /// and the rules'. Rules are those of the day on which it came in.
    pub fn reconsider(&self, complaint: &Complaint, verdict: &Verdict) -> Classification {
        self.judge(complaint, Some(verdict))
    }

    fn judge(&self, complaint: &Complaint, verdict: Option<&Verdict>) -> Classification {
        let knowledge = self.knowledge();
        let document = knowledge.analyzer.analyze(complaint.text.as_str());
        let prediction = knowledge.classifier().and_then(|classifier| {
            // Nothing is shared with the closure that a panic could leave half changed.
            let answer = catch_unwind(AssertUnwindSafe(|| classifier.classify(&document)));
            answer.inspect_err(|_| tracing::error!("the model panicked: rules alone answer")).ok()
        });
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
        let facts = document.into_facts();
        Classification { knowledge, prediction, hits, facts, decision }
    }
}
