//! Review 复盘: alerts that people answer, and improvements that are followed until they are done.

mod alerts;
mod improvements;
mod watch;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::store::{CaseCursor, NewStep};
use crate::triage::Mistake;
use crate::triage::fields::{Fields, mistake};
use crate::triage::parameters::Parameters;

pub use alerts::{AlertAnswer, AlertsAnswer};
pub use improvements::{ImprovementAnswer, ImprovementRequest, ImprovementsAnswer};

/// The states of alerts that people can bring about.
const ALERT_STATES: [&str; 2] = ["acknowledged", "closed"];
/// The states of improvements.
const IMPROVEMENT_STATES: [&str; 4] = ["open", "in_progress", "done", "dropped"];

/// So many open alerts are counted at most.
const MAX_OPEN: u16 = 200;

/// What a list of alerts or improvements asks for.
#[derive(Clone, Debug)]
pub struct ReviewList {
    state: Option<&'static str>,
    after: Option<CaseCursor>,
    limit: u16,
}

impl ReviewList {
    /// Reads the query parameters of a list of alerts, or lists every mistake.
    pub fn parse_alerts(pairs: Vec<(String, String)>) -> Result<Self, Vec<Mistake>> {
        Self::parse(pairs, &["open", "acknowledged", "closed"])
    }

    /// Reads the query parameters of a list of improvements, or lists every mistake.
    pub fn parse_improvements(pairs: Vec<(String, String)>) -> Result<Self, Vec<Mistake>> {
        Self::parse(pairs, &IMPROVEMENT_STATES)
    }

    /// The alerts that nobody has answered yet.
    pub const fn open_alerts() -> Self {
        Self { state: Some("open"), after: None, limit: MAX_OPEN }
    }

    fn parse(pairs: Vec<(String, String)>, states: &[&'static str]) -> Result<Self, Vec<Mistake>> {
        let mut parameters = Parameters::new(pairs);
        let state = parameters.one_of("state", states);
        let (after, limit) = (parameters.parse("cursor"), parameters.limit(20));
        parameters.finish(&["state", "cursor", "limit"])?;
        Ok(Self { state, after, limit })
    }
}

/// A step of an alert or an improvement.
#[derive(Clone, Debug)]
pub struct ReviewStep {
    version: u32,
    step: NewStep,
}

impl ReviewStep {
    /// Reads a body with the `state` that it leads to, or lists every mistake.
    pub fn parse_alert(value: Value, now: Timestamp) -> Result<Self, Vec<Mistake>> {
        Self::parse(value, &ALERT_STATES, now)
    }

    /// The same for an improvement.
    pub fn parse_improvement(value: Value, now: Timestamp) -> Result<Self, Vec<Mistake>> {
        Self::parse(value, &IMPROVEMENT_STATES, now)
    }

    fn parse(value: Value, states: &[&str], now: Timestamp) -> Result<Self, Vec<Mistake>> {
        let Some(mut fields) = Fields::open(value) else {
            return Err(vec![mistake("", "send a JSON object with `version`, `by` and `state`")]);
        };
        let version = fields.version();
        let expected = format!("send one of {}", states.join(", "));
        let state = fields.required("state", &expected);
        if !state.is_empty() && !states.contains(&state.as_str()) {
            fields.wrong("state", expected);
        }
        let step = read_step(&mut fields, state, now);
        fields.refuse_unknown(&["version", "by", "state", "note"]);
        if fields.mistakes.is_empty() { Ok(Self { version, step }) } else { Err(fields.mistakes) }
    }
}

fn read_step(fields: &mut Fields, state: String, now: Timestamp) -> NewStep {
    let actor = fields.actor();
    // Who ends something says why.
    let note = match state.as_str() {
        "closed" | "done" | "dropped" => fields.required("note", "say why, or what was done"),
        _ => fields.short("note").unwrap_or_default(),
    };
    NewStep { at: now, actor, state, note }
}

/// What was done to an alert or an improvement.
#[derive(Debug, Serialize, ToSchema)]
pub struct StepAnswer {
    /// When.
    #[schema(value_type = String)]
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What they do for the firm.
    pub role: &'static str,
    /// The state that it led to.
    pub state: String,
    /// Why, or what was done.
    pub note: String,
}

impl StepAnswer {
    fn new(step: NewStep) -> Self {
        let NewStep { at, actor, state, note } = step;
        Self { at, actor: actor.name, role: actor.role.as_str(), state, note }
    }
}
