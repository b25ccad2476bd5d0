//! From what the model predicts and what rules demand to a decision, one question at a time: what
//! is it about, how severe, must a person look first, who handles it, by when, how urgent.

use crate::calendar::Calendar;
use crate::domain::{
    Complaint, Deadline, Decision, Head, HeadPrediction, LabelDefinition, LabelId, Prediction,
    Role, Severity, Taxonomy, Tier,
};
use crate::routing::policy::{ClockKind, Policy, Queue};
use crate::routing::priority::prioritize;
use crate::routing::reasons::Explanation;
use crate::rules::Hit;
use crate::text::Facts;

/// Everything that is known about a complaint when it is routed.
#[derive(Clone, Copy, Debug)]
pub struct Matter<'m> {
    /// What the customer says, and what the intake system knows.
    pub complaint: &'m Complaint,
    /// The labels of the prediction or, without one, of the policy.
    pub taxonomy: &'m Taxonomy,
    /// What the model says; nothing when it is missing, broken or slow.
    pub prediction: Option<&'m Prediction>,
    /// The rules that fired.
    pub hits: &'m [Hit],
    /// What the text states in numbers.
    pub facts: &'m Facts,
    /// Whether the text is one that models and rules can judge: Chinese, in words.
    pub readable: bool,
}

/// Decides who handles a complaint, by when, how urgent it is, and why.
pub fn route(policy: &Policy, calendar: &Calendar, matter: &Matter<'_>) -> Decision {
    let mut why = Explanation::start(policy, matter);
    let category = find_category(matter, &mut why);
    let (severity, level) = find_severity(policy, matter, &mut why);
    let executive_review = matter.hits.iter().any(|hit| hit.effect.executive_review);
    let category_queue = category.and_then(|label| policy.category_queue(&label.id));
    let needs_triage = needs_triage(matter, category, category_queue, &mut why);
    let queue = match (category.zip(category_queue), rule_queue(policy, matter.hits)) {
        _ if executive_review => why.executive_route(policy.executive_queue()),
        _ if needs_triage => why.triage_route(policy.triage_queue()),
        (_, Some((queue, hit))) => why.rule_route(queue, hit),
        (Some((label, queue)), None) => why.category_route(queue, label),
        (None, None) => why.triage_route(policy.triage_queue()),
    };
    let tier = find_tier(matter.hits, executive_review, level.complex);
    why.tier(tier, executive_review, level.complex.then_some(level.label));
    Decision {
        category: category.map(|label| label.id.clone()),
        severity,
        queue: queue.id.clone(),
        department: queue.department.clone(),
        tier,
        executive_review,
        needs_triage,
        priority: prioritize(policy, matter, level.label),
        deadlines: find_deadlines(policy, calendar, matter, tier, &mut why),
        reasons: why.into_reasons(),
    }
}

/// The model's category, unless it is unsure and a rule suggests one.
fn find_category<'m>(matter: &Matter<'m>, why: &mut Explanation) -> Option<&'m LabelDefinition> {
    let predicted = matter.prediction.and_then(|prediction| prediction.role(Role::Category));
    let label = predicted.and_then(|(head, answer)| Some(&head.labels[*answer.chosen.first()?]));
    if label.is_some() && !abstains(predicted) {
        return label;
    }
    let Some((suggested, hit)) = suggested_category(matter) else {
        return label;
    };
    why.rule_category(suggested, hit);
    Some(suggested)
}

/// The category that a rule suggests; of several the one of the gravest rule, then the first.
fn suggested_category<'m>(matter: &Matter<'m>) -> Option<(&'m LabelDefinition, &'m Hit)> {
    let (_, head) = matter.taxonomy.role(Role::Category)?;
    let suggestions = matter.hits.iter().filter_map(|hit| {
        let label_idx = head.label_idx(hit.effect.category.as_ref()?.as_str())?;
        Some((&head.labels[label_idx], hit))
    });
    // Of equals `max_by_key` takes the last.
    suggestions.rev().max_by_key(|(_, hit)| floor(matter, hit))
}

/// The severity that counts.
struct Level<'m> {
    label: &'m LabelDefinition,
    /// Whether it alone makes a case complex.
    complex: bool,
}

/// The model's severity or, without a model, the policy's, raised to the highest that a rule asks.
fn find_severity<'m>(
    policy: &'m Policy,
    matter: &Matter<'m>,
    why: &mut Explanation,
) -> (Severity, Level<'m>) {
    let predicted =
        matter.prediction.and_then(|prediction| prediction.chosen_label(Role::Severity));
    let start = match predicted {
        Some((label, confidence)) => why.model_severity(label, confidence),
        None => why.default_severity(&policy.default_severity),
    };
    let rank = |label: &LabelId| rank(matter.taxonomy, label);
    let highest = matter.hits.iter().filter_map(|hit| floor(matter, hit)).max();
    let raised = highest.filter(|&floor| rank(&start.id) < Some(floor));
    for hit in matter.hits {
        why.hit(hit);
    }
    let raised_by: Vec<_> = matter
        .hits
        .iter()
        .filter(|hit| raised.is_some() && floor(matter, hit) == raised)
        .map(|hit| hit.rule.clone())
        .collect();
    let label = match raised.zip(matter.taxonomy.role(Role::Severity)) {
        Some((label_idx, (_, head))) => why.severity_raised(start, &head.labels[label_idx]),
        None => start,
    };
    let complex = rank(&policy.complex_from) <= rank(&label.id);
    let predicted = predicted.map(|(label, _)| label.id.clone());
    (Severity { label: label.id.clone(), predicted, raised_by }, Level { label, complex })
}

/// The rank of a severity, lowest first.
fn rank(taxonomy: &Taxonomy, severity: &LabelId) -> Option<usize> {
    taxonomy.role(Role::Severity)?.1.label_idx(severity.as_str())
}

/// The rank of the severity that a rule asks for at least.
fn floor(matter: &Matter<'_>, hit: &Hit) -> Option<usize> {
    rank(matter.taxonomy, hit.effect.severity.as_ref()?)
}

/// Whether a person must label the case first, because nobody knows or a rule says so.
fn needs_triage(
    matter: &Matter<'_>,
    category: Option<&LabelDefinition>,
    queue: Option<&Queue>,
    why: &mut Explanation,
) -> bool {
    let unsure = [Role::Category, Role::Severity]
        .map(|role| abstains(matter.prediction.and_then(|prediction| prediction.role(role))));
    let rule = matter.hits.iter().find(|hit| hit.effect.needs_triage);
    if !matter.readable {
        why.unreadable();
    }
    if unsure[0] {
        why.category_unsure();
    }
    if unsure[1] {
        why.severity_unsure();
    }
    match (category, queue) {
        (None, _) => why.no_category(),
        (Some(label), None) => why.category_unrouted(label),
        (Some(_), Some(_)) => {}
    }
    if let Some(hit) = rule {
        why.rule_triage(hit);
    }
    !matter.readable || unsure.contains(&true) || queue.is_none() || rule.is_some()
}

fn abstains(answer: Option<(&Head, &HeadPrediction)>) -> bool {
    answer.is_some_and(|(_, answer)| answer.abstains)
}

/// The queue that a rule of the highest rank names; of equals the first.
fn rule_queue<'m>(policy: &'m Policy, hits: &'m [Hit]) -> Option<(&'m Queue, &'m Hit)> {
    let named = hits.iter().filter_map(|hit| {
        let (id, rank) = hit.effect.queue.as_ref()?;
        Some((policy.find_queue(id)?, hit, *rank))
    });
    named.rev().max_by_key(|&(_, _, rank)| rank).map(|(queue, hit, _)| (queue, hit))
}

fn find_tier(hits: &[Hit], executive_review: bool, complex: bool) -> Tier {
    let asked = hits.iter().filter_map(|hit| hit.effect.tier).max().unwrap_or_default();
    let least = match (executive_review, complex) {
        (true, _) => Tier::Executive,
        (false, true) => Tier::EscalationTeam,
        (false, false) => Tier::FrontLine,
    };
    asked.max(least)
}

fn find_deadlines(
    policy: &Policy,
    calendar: &Calendar,
    matter: &Matter<'_>,
    tier: Tier,
    why: &mut Explanation,
) -> Vec<Deadline> {
    let kind = match tier {
        _ if matter.hits.iter().any(|hit| hit.safety_critical) => ClockKind::SafetyCritical,
        Tier::FrontLine => ClockKind::Ordinary,
        Tier::EscalationTeam | Tier::Executive => ClockKind::Complex,
    };
    let clock = policy.clock(kind);
    why.clock(kind, clock);
    let deadlines = clock.periods.map(|(kind, period)| {
        let due = calendar.due(matter.complaint.received_at, period, &[]);
        Deadline { kind, due_at: due.at, period: period.to_string(), provisional: due.provisional }
    });
    if deadlines.iter().any(|deadline| deadline.provisional) {
        why.provisional();
    }
    deadlines.into()
}
