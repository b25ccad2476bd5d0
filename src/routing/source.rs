//! Reads a policy file. Names stay text until they are checked against the taxonomy, so that one
//! pass lists every mistake.

use std::collections::{BTreeMap, HashMap};

use rustc_hash::FxBuildHasher;
use serde::Deserialize;

use crate::calendar::Period;
use crate::domain::{
    CustomerTier, DeadlineKind, Head, LabelDefinition, LabelId, QueueId, Role, Taxonomy,
};
use crate::routing::policy::{AmountScale, Clock, ClockKind, Policy, Queue, Weights};

/// Why a policy file is refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not TOML, or not of this shape.
    #[error("the routing policy cannot be read")]
    Syntax(#[from] toml::de::Error),
    /// Everything that is wrong with what it says.
    #[error("the routing policy has mistakes: {}", .0.join("; "))]
    Mistakes(Vec<String>),
}

/// The file as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicySource {
    default_severity: String,
    complex_from: String,
    close_alternative: f32,
    triage_queue: String,
    executive_queue: String,
    queues: Vec<QueueSource>,
    clocks: ClocksSource,
    priority: PrioritySource,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QueueSource {
    id: String,
    name: String,
    department: String,
    #[serde(default)]
    categories: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClocksSource {
    ordinary: ClockSource,
    complex: ClockSource,
    safety_critical: ClockSource,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockSource {
    acceptance: String,
    first_response: String,
    resolution: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PrioritySource {
    severity: BTreeMap<String, f64>,
    signals: BTreeMap<String, f64>,
    signals_at_most: f64,
    sentiment: BTreeMap<String, f64>,
    customer_tier: BTreeMap<String, f64>,
    amount: AmountSource,
    prior_contacts: CountSource,
    aging: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AmountSource {
    from: f64,
    to: f64,
    points: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CountSource {
    points: f64,
    at_most: f64,
}

/// Reads and checks a policy file.
pub(super) fn parse(text: &str, taxonomy: &Taxonomy) -> Result<Policy, Error> {
    let source: PolicySource = toml::from_str(text)?;
    let mut checker = Checker { taxonomy, mistakes: Vec::new() };
    let default_severity =
        checker.label(Role::Severity, &source.default_severity, "default_severity");
    let complex_from = checker.label(Role::Severity, &source.complex_from, "complex_from");
    if !(0.0..=1.0).contains(&source.close_alternative) {
        checker.mistake("`close_alternative` is a share from 0 to 1".to_owned());
    }
    let queues = checker.queues(&source.queues);
    let routes = checker.routes(&source.queues);
    let triage_queue = checker.queue_idx(&source.queues, &source.triage_queue, "triage_queue");
    let executive_queue =
        checker.queue_idx(&source.queues, &source.executive_queue, "executive_queue");
    let ClocksSource { ordinary, complex, safety_critical } = &source.clocks;
    let clocks = [
        checker.clock(ordinary, ClockKind::Ordinary),
        checker.clock(complex, ClockKind::Complex),
        checker.clock(safety_critical, ClockKind::SafetyCritical),
    ];
    let weights = checker.weights(&source.priority);
    let (
        true,
        Some(default_severity),
        Some(complex_from),
        [Some(ordinary), Some(complex), Some(safety)],
    ) = (checker.mistakes.is_empty(), default_severity, complex_from, clocks)
    else {
        return Err(Error::Mistakes(checker.mistakes));
    };
    Ok(Policy {
        queues,
        routes,
        triage_queue,
        executive_queue,
        default_severity,
        complex_from: complex_from.id,
        close_alternative: source.close_alternative,
        clocks: [ordinary, complex, safety],
        weights,
    })
}

/// Collects what is wrong. What it returns for a wrong part is never used: mistakes refuse all.
struct Checker<'t> {
    taxonomy: &'t Taxonomy,
    mistakes: Vec<String>,
}

impl Checker<'_> {
    fn mistake(&mut self, mistake: String) {
        self.mistakes.push(mistake);
    }

    fn head(&self, role: Role) -> Option<&Head> {
        self.taxonomy.role(role).map(|(_, head)| head)
    }

    /// A label of the head that plays a role.
    fn label(&mut self, role: Role, id: &str, place: &str) -> Option<LabelDefinition> {
        let head = self.head(role);
        let label = head.and_then(|head| Some(head.labels[head.label_idx(id)?].clone()));
        if label.is_none() {
            self.mistake(format!(
                "`{place}` names `{id}`, which is no {} of the taxonomy",
                role.head_name()
            ));
        }
        label
    }

    fn queues(&mut self, sources: &[QueueSource]) -> Vec<Queue> {
        let mut queues: Vec<Queue> = Vec::new();
        for QueueSource { id, name, department, .. } in sources {
            if queues.iter().any(|queue| queue.id.as_str() == id) {
                self.mistake(format!("queue `{id}` is given twice"));
            }
            if name.trim().is_empty() || department.trim().is_empty() {
                self.mistake(format!("queue `{id}` needs a name and a department"));
            }
            match id.parse::<QueueId>() {
                Ok(id) => {
                    queues.push(Queue { id, name: name.clone(), department: department.clone() });
                }
                Err(error) => self.mistake(format!("queue {error}")),
            }
        }
        queues
    }

    fn routes(&mut self, sources: &[QueueSource]) -> HashMap<LabelId, usize, FxBuildHasher> {
        let mut routes: HashMap<LabelId, usize, FxBuildHasher> = HashMap::default();
        for (queue_idx, queue) in sources.iter().enumerate() {
            for id in &queue.categories {
                let Some(category) =
                    self.label(Role::Category, id, &format!("queues.{}", queue.id))
                else {
                    continue;
                };
                if let Some(before) = routes.insert(category.id, queue_idx) {
                    let before = &sources[before].id;
                    self.mistake(format!(
                        "category `{id}` is routed to `{before}` and to `{}`",
                        queue.id
                    ));
                }
            }
        }
        let categories =
            self.head(Role::Category).map(|head| head.labels.as_slice()).unwrap_or_default();
        let missing: Vec<_> = categories
            .iter()
            .filter(|label| !routes.contains_key(&label.id))
            .map(|label| format!("category `{}` has no queue", label.id))
            .collect();
        self.mistakes.extend(missing);
        routes
    }

    fn queue_idx(&mut self, sources: &[QueueSource], id: &str, place: &str) -> usize {
        sources.iter().position(|queue| queue.id == id).unwrap_or_else(|| {
            self.mistake(format!("`{place}` names `{id}`, which is no queue"));
            0
        })
    }

    fn clock(&mut self, source: &ClockSource, kind: ClockKind) -> Option<Clock> {
        let acceptance = self.period(&source.acceptance, kind)?;
        let first_response = self.period(&source.first_response, kind)?;
        let resolution = self.period(&source.resolution, kind)?;
        let summary = format!(
            "按{}计时：{acceptance}内确认受理，{first_response}内首次响应，{resolution}内办结",
            kind.name()
        );
        let periods = [
            (DeadlineKind::Acceptance, acceptance),
            (DeadlineKind::FirstResponse, first_response),
            (DeadlineKind::Resolution, resolution),
        ];
        Some(Clock { periods, summary })
    }

    fn period(&mut self, text: &str, kind: ClockKind) -> Option<Period> {
        match text.parse() {
            Ok(period) => Some(period),
            Err(error) => {
                self.mistake(format!("`{}`: {error}", kind.code().replacen('_', "s.", 1)));
                None
            }
        }
    }

    fn weights(&mut self, source: &PrioritySource) -> Weights {
        let severity: HashMap<_, _, _> =
            self.labels(Role::Severity, &source.severity).into_iter().collect();
        self.rising(&severity);
        let mut signals = self.labels(Role::Signals, &source.signals);
        signals.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        let sentiment = self.labels(Role::Sentiment, &source.sentiment).into_iter().collect();
        let customer_tier =
            CustomerTier::ALL.map(|tier| source.customer_tier.get(tier.as_str()).copied());
        for (name, &points) in &source.customer_tier {
            if !CustomerTier::ALL.iter().any(|tier| tier.as_str() == name) {
                self.mistake(format!(
                    "`priority.customer_tier` names `{name}`, which is no customer tier"
                ));
            }
            self.points(points, "customer_tier");
        }
        let AmountSource { from, to, points } = source.amount;
        if !(0.0 < from && from < to && to.is_finite()) {
            self.mistake(
                "`priority.amount` goes `from` more than 0 yuan `to` a larger amount".to_owned(),
            );
        }
        Weights {
            severity,
            signals,
            signals_at_most: self.points(source.signals_at_most, "signals_at_most"),
            sentiment,
            customer_tier: customer_tier.map(Option::unwrap_or_default),
            amount: AmountScale { from, to, points: self.points(points, "amount") },
            prior_contacts: self.points(source.prior_contacts.points, "prior_contacts"),
            prior_contacts_at_most: self.points(source.prior_contacts.at_most, "prior_contacts"),
            aging: self.points(source.aging, "aging"),
        }
    }

    /// The points of labels.
    fn labels(&mut self, role: Role, points: &BTreeMap<String, f64>) -> Vec<(LabelId, f64)> {
        let place = format!("priority.{}", role.head_name());
        let mut labels = Vec::new();
        for (id, &points) in points {
            let points = self.points(points, role.head_name());
            labels.extend(self.label(role, id, &place).map(|label| (label.id, points)));
        }
        labels
    }

    /// A higher severity must not weigh less, or an alarm would move a case down.
    fn rising(&mut self, severity: &HashMap<LabelId, f64, FxBuildHasher>) {
        let labels = self.head(Role::Severity).map(|head| head.labels.clone()).unwrap_or_default();
        for pair in labels.windows(2) {
            let points = |idx: usize| severity.get(&pair[idx].id).copied().unwrap_or_default();
            if points(1) < points(0) {
                let (lower, higher) = (&pair[0].id, &pair[1].id);
                self.mistake(format!("`priority.severity`: `{higher}` weighs less than `{lower}`"));
            }
        }
    }

    /// A number of points: none may take priority away.
    fn points(&mut self, points: f64, place: &str) -> f64 {
        if !(points.is_finite() && 0.0 <= points) {
            self.mistake(format!("`priority.{place}` has `{points}` points: use 0 or more"));
        }
        points
    }
}
