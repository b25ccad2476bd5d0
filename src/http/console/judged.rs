//! What the service said about a case at intake, read back from the answer that is stored with it.
//! Everything may be missing: answers of older versions and of the rules alone show what they have.

use serde::Deserialize;

/// A stored answer.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Judged {
    pub(super) category: Option<Choice>,
    pub(super) severity: Choice,
    pub(super) sentiment: Option<Choice>,
    pub(super) signals: Vec<Choice>,
    pub(super) decision: Decided,
    pub(super) rules: Rules,
    pub(super) fallback: bool,
}

/// A label with its confidence and its places in the text.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Choice {
    pub(super) label: String,
    pub(super) name: String,
    pub(super) confidence: Option<f64>,
    pub(super) alternatives: Vec<Alternative>,
    pub(super) evidence: Vec<Place>,
}

/// Another label that it may be.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Alternative {
    pub(super) label: String,
    pub(super) name: String,
    pub(super) confidence: f64,
}

/// A place in the text, in characters.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(super) struct Place {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What was decided.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Decided {
    pub(super) priority_terms: Vec<PriorityTerm>,
    pub(super) reasons: Vec<Reason>,
}

/// One summand of the priority.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct PriorityTerm {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) points: f64,
}

/// Why it was decided so.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Reason {
    pub(super) source: String,
    pub(super) message: String,
}

/// The rules that fired.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Rules {
    pub(super) fired: Vec<Fired>,
}

/// A rule that fired.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Fired {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) reason: String,
    pub(super) executive_review: bool,
    pub(super) evidence: Vec<Place>,
}

impl Judged {
    /// Reads a stored answer; one that cannot be read says nothing.
    pub(super) fn read(answer: &str) -> Self {
        serde_json::from_str(answer).unwrap_or_default()
    }
}
