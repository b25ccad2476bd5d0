//! From JSON to a correction, and what a stored one looks like in JSON.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::{Actor, Certainty, LabelId, Labels, QueueId, RouteChoice, StaffRole};
use crate::store::Correction;
use crate::triage::Knowledge;
use crate::triage::fields::{Fields, Mistake, mistake};

/// What a person says about a case, and which version of it they have read.
pub struct CorrectionRequest {
    /// The version of the case.
    pub version: u32,
    /// Who says it.
    pub by: Actor,
    /// How sure they are.
    pub certainty: Certainty,
    /// Why.
    pub reason: String,
    /// Labels, of the heads that they speak of.
    pub labels: Labels,
    /// Where the case belongs, as far as they say.
    pub route: RouteChoice,
}

/// A label, or several for a head that may have any number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Named {
    One(String),
    Many(Vec<String>),
}

impl CorrectionRequest {
    /// Reads a correction; labels and queues must be some that are live.
    pub fn parse(value: Value, knowledge: &Knowledge) -> Result<Self, Vec<Mistake>> {
        let Some(mut fields) = Fields::open(value) else {
            return Err(vec![mistake("", "send a JSON object with `labels` or a `route`")]);
        };
        let request = Self {
            version: fields.version(),
            by: fields.actor(),
            certainty: fields
                .read("sure", "send 2 (clear), 1 (arguable) or 0 (a guess)")
                .unwrap_or_default(),
            reason: fields.required("reason", "say why"),
            labels: fields.labels(knowledge),
            route: fields.route(knowledge),
        };
        fields.refuse_unknown(&["version", "by", "reason", "labels", "route", "sure"]);
        let says_nothing = request.labels.is_empty() && request.route == RouteChoice::default();
        if says_nothing && fields.mistakes.is_empty() {
            fields.mistakes.push(mistake("", "correct a label or the route: send one at least"));
        }
        if fields.mistakes.is_empty() { Ok(request) } else { Err(fields.mistakes) }
    }

    /// Reads a new route alone, with its fields at the top.
    pub fn parse_route(value: Value, knowledge: &Knowledge) -> Result<Self, Vec<Mistake>> {
        let Some(mut fields) = Fields::open(value) else {
            return Err(vec![mistake("", "send a JSON object with a `queue`")]);
        };
        let request = Self {
            version: fields.version(),
            by: fields.actor(),
            certainty: Certainty::default(),
            reason: fields.required("reason", "say why"),
            labels: Labels::default(),
            route: fields.route_choice(knowledge),
        };
        fields.refuse_unknown(&["version", "by", "reason", "queue", "tier", "executive_review"]);
        if request.route == RouteChoice::default() && fields.mistakes.is_empty() {
            fields.mistakes.push(mistake("/queue", "send a `queue`, a `tier` or both"));
        }
        if fields.mistakes.is_empty() { Ok(request) } else { Err(fields.mistakes) }
    }
}

/// What somebody asks for with a reason alone.
pub struct ReasonRequest {
    /// Who asks.
    pub by: Actor,
    /// Why.
    pub reason: String,
}

impl ReasonRequest {
    /// Reads a reason.
    pub fn parse(value: Value) -> Result<Self, Vec<Mistake>> {
        let Some(mut fields) = Fields::open(value) else {
            return Err(vec![mistake("", "send a JSON object with a `reason`")]);
        };
        let request = Self { by: fields.actor(), reason: fields.required("reason", "say why") };
        fields.refuse_unknown(&["by", "reason"]);
        if fields.mistakes.is_empty() { Ok(request) } else { Err(fields.mistakes) }
    }
}

/// Reads who does something, from JSON with `by`.
pub fn parse_actor(value: Value) -> Result<Actor, Vec<Mistake>> {
    let Some(mut fields) = Fields::open(value) else {
        return Err(vec![mistake("/by", "send JSON with `name` and `role`")]);
    };
    let actor = fields.actor();
    if fields.mistakes.is_empty() { Ok(actor) } else { Err(fields.mistakes) }
}

impl Fields {
    /// The version of the case that the sender has read.
    pub(super) fn version(&mut self) -> u32 {
        let expected = "send the `version` of the case that you have read";
        let before = self.mistakes.len();
        self.read("version", expected).unwrap_or_else(|| {
            if self.mistakes.len() == before {
                self.wrong("version", expected);
            }
            0
        })
    }

    /// A text that must be there.
    pub(super) fn required(&mut self, name: &str, expected: &str) -> String {
        let before = self.mistakes.len();
        self.short(name).unwrap_or_else(|| {
            if self.mistakes.len() == before {
                self.wrong(name, expected);
            }
            String::new()
        })
    }

    /// Who sends it.
    pub(super) fn actor(&mut self) -> Actor {
        let mut by = self.nested("by");
        let name = by.required("name", "name the person, such as a user name");
        let role: String = by.required("role", "name what the person does for the firm");
        let known = StaffRole::PEOPLE.into_iter().find(|known| known.as_str() == role);
        if known.is_none() && !role.is_empty() {
            let names = StaffRole::PEOPLE.map(StaffRole::as_str).join(", ");
            by.wrong("role", format!("send one of {names}"));
        }
        by.refuse_unknown(&["name", "role"]);
        self.mistakes.append(&mut by.mistakes);
        // A wrong role has been noted as a mistake, so this one is never used.
        Actor { name, role: known.unwrap_or(StaffRole::Auditor) }
    }

    /// Labels by head; every head may be left out.
    pub(super) fn labels(&mut self, knowledge: &Knowledge) -> Labels {
        let mut fields = self.nested("labels");
        let mut labels = Labels::default();
        for head in knowledge.taxonomy.heads() {
            let expected = "send a label, or an array for a head with any number of labels";
            let Some(named) = fields.read::<Named>(head.id.as_str(), expected) else { continue };
            let named: Vec<&str> = match &named {
                Named::One(label) => vec![label],
                Named::Many(labels) => labels.iter().map(String::as_str).collect(),
            };
            if let Err(error) = labels.insert(head, &named) {
                fields.wrong(head.id.as_str(), error.to_string());
            }
        }
        let heads: Vec<_> = knowledge.taxonomy.heads().iter().map(|it| it.id.as_str()).collect();
        fields.refuse_unknown(&heads);
        self.mistakes.append(&mut fields.mistakes);
        labels
    }

    fn route(&mut self, knowledge: &Knowledge) -> RouteChoice {
        let mut fields = self.nested("route");
        let route = fields.route_choice(knowledge);
        fields.refuse_unknown(&["queue", "tier", "executive_review"]);
        self.mistakes.append(&mut fields.mistakes);
        route
    }

    fn route_choice(&mut self, knowledge: &Knowledge) -> RouteChoice {
        let queue: Option<QueueId> = self.read("queue", "send the name of a queue");
        if queue.as_ref().is_some_and(|queue| knowledge.policy.find_queue(queue).is_none()) {
            let queues = knowledge.policy.queues().iter().map(|queue| queue.id.as_str());
            let names = queues.collect::<Vec<_>>().join(", ");
            self.wrong("queue", format!("there is no such queue: send one of {names}"));
        }
        RouteChoice {
            queue,
            tier: self.read("tier", "send 1, 2 or 3"),
            executive_review: self.read("executive_review", "send true or false"),
        }
    }
}

/// A stored correction.
#[derive(Debug, Serialize, ToSchema)]
pub struct CorrectionAnswer<'a> {
    /// The number of its event within the case.
    seq: u32,
    /// When.
    #[schema(value_type = String)]
    at: Timestamp,
    /// Who.
    by: &'a str,
    /// What they do for the firm.
    role: &'static str,
    /// `correction`, or `archive` for the labels with which the case was closed.
    source: &'static str,
    /// 2 clear, 1 arguable, 0 a guess.
    sure: u8,
    /// Why.
    reason: &'a str,
    /// The labels that were given, by head.
    #[schema(value_type = Object)]
    labels: BTreeMap<&'a str, LabelsAnswer<'a>>,
    /// Where the case was put.
    route: RouteAnswer<'a>,
}

/// What was given for a head, beside what the model had said.
#[derive(Debug, Serialize, ToSchema)]
struct LabelsAnswer<'a> {
    /// The person's labels.
    given: Vec<&'a str>,
    /// The model's labels when the case came in; null without a model.
    model: Option<Vec<&'a str>>,
}

/// Where a person put a case; null where they said nothing.
#[derive(Debug, Serialize, ToSchema)]
pub struct RouteAnswer<'a> {
    queue: Option<&'a str>,
    tier: Option<u8>,
    executive_review: Option<bool>,
}

impl<'a> CorrectionAnswer<'a> {
    /// Shows a correction beside what the model had said.
    pub fn new(correction: &'a Correction, model: &'a Labels) -> Self {
        let record = &correction.record;
        let names = |labels: &'a [LabelId]| labels.iter().map(LabelId::as_str).collect();
        let labels = record.labels.iter().map(|(head, given)| {
            let model = model.find(head.as_str()).map(names);
            (head.as_str(), LabelsAnswer { given: names(given), model })
        });
        Self {
            seq: correction.seq,
            at: record.at,
            by: &record.actor.name,
            role: record.actor.role.as_str(),
            source: record.source.as_str(),
            sure: record.certainty.into(),
            reason: &record.reason,
            labels: labels.collect(),
            route: RouteAnswer {
                queue: record.route.queue.as_ref().map(QueueId::as_str),
                tier: record.route.tier.map(u8::from),
                executive_review: record.route.executive_review,
            },
        }
    }
}
