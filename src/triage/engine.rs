//! Classification: one complaint in, prediction, rule hits and decision out.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use arc_swap::ArcSwap;

use crate::domain::{Complaint, Decision, Prediction};
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
        };
        let decision = routing::route(&knowledge.policy, &knowledge.calendar, &matter);
        let facts = document.into_facts();
        Classification { knowledge, prediction, hits, facts, decision }
    }
}
