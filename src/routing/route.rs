//! From what the model predicts and what rules demand to a decision, one question at a time: what
//! is it about, how severe, must a person look first, who handles it, by when, how urgent.

use crate::calendar::Calendar;
use crate::domain::{
    Complaint, Deadline, Decision, Head, HeadPrediction, LabelDefinition, LabelId, Prediction,
    Role, Severity, Taxonomy, Tier, Verdict,
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
    /// What people have said since it came in, which counts more than model and rules.
    pub verdict: Option<&'m Verdict>,
}

impl<'m> Matter<'m> {
    /// The label that counts for the head of a role by people's word, and whether a person chose
    /// it; nothing while nobody has corrected the case.
    fn said(&self, role: Role) -> Option<(&'m LabelDefinition, bool)> {
        let verdict = self.verdict?;
        let (_, head) = self.taxonomy.role(role)?;
        let label_idx = head.label_idx(verdict.labels.role(role)?.as_str())?;
        Some((&head.labels[label_idx], verdict.people.role(role).is_some()))
    }

    /// Whether the text states a risk, by people's word or else by model and rules.
    pub(super) fn states(&self, signal: &LabelId) -> bool {
        let said = self.verdict.and_then(|it| it.labels.find(Role::Signals.head_name()));
        if let Some(said) = said {
            return said.contains(signal);
        }
        let predicted = self.prediction.and_then(|prediction| prediction.role(Role::Signals));
        let by_model = predicted.is_some_and(|(head, answer)| {
            answer.chosen.iter().any(|&label_idx| head.labels[label_idx].id == *signal)
        });
        by_model || self.hits.iter().any(|hit| hit.effect.signals.contains(signal))
    }

    /// The writer's mood.
    pub(super) fn sentiment(&self) -> Option<&'m LabelDefinition> {
        let predicted = || Some(self.prediction?.chosen_label(Role::Sentiment)?.0);
        self.said(Role::Sentiment).map(|(label, _)| label).or_else(predicted)
    }
}

/// Decides who handles a complaint, by when, how urgent it is, and why.
pub fn route(policy: &Policy, calendar: &Calendar, matter: &Matter<'_>) -> Decision {
    let mut why = Explanation::start(policy, matter);
    let category = find_category(matter, &mut why);
    let (severity, level) = find_severity(policy, matter, &mut why);
    let route = matter.verdict.map(|verdict| &verdict.route);
    let reviewed = route.and_then(|route| route.executive_review);
    let executive_review =
        reviewed.unwrap_or_else(|| matter.hits.iter().any(|hit| hit.effect.executive_review));
    let category_queue = category.and_then(|label| policy.category_queue(&label.id));
    let needs_triage = match matter.verdict {
        Some(verdict) => verdict.needs_triage(),
        None => needs_triage(matter, category, category_queue, &mut why),
    };
    let chosen = route.and_then(|route| policy.find_queue(route.queue.as_ref()?));
    let owner = category.zip(category_queue);
    // Who says what it is about says whose it is, whatever a rule made of the words.
    let person = matter.said(Role::Category).is_some_and(|(_, by_person)| by_person);
    let by_rule = rule_queue(policy, matter.hits).filter(|_| !person);
    let queue = match (chosen, owner, by_rule) {
        (Some(queue), _, _) => why.person_route(queue),
        _ if reviewed == Some(true) => why.person_review(policy.executive_queue()),
        _ if executive_review => why.executive_route(policy.executive_queue()),
        _ if needs_triage => why.triage_route(policy.triage_queue()),
        (None, _, Some((queue, hit))) => why.rule_route(queue, hit),
        (None, Some((label, queue)), None) => why.category_route(queue, label),
        (None, None, None) => why.triage_route(policy.triage_queue()),
    };
    let tier = find_tier(matter, executive_review, &level, &mut why);
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

/// A person's category, else the model's, unless it is unsure and a rule suggests one.
fn find_category<'m>(matter: &Matter<'m>, why: &mut Explanation) -> Option<&'m LabelDefinition> {
    if let Some((label, by_person)) = matter.said(Role::Category) {
        return Some(why.said_category(label, by_person));
    }
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

/// A person's severity; else the model's or, without a model, the policy's, raised to the highest
/// that a rule asks. Rules raise no severity above a person's: lowering an alarm is their act.
fn find_severity<'m>(
    policy: &'m Policy,
    matter: &Matter<'m>,
    why: &mut Explanation,
) -> (Severity, Level<'m>) {
    let predicted =
        matter.prediction.and_then(|prediction| prediction.chosen_label(Role::Severity));
    let said = matter.said(Role::Severity);
    let start = match (said, predicted) {
        (Some((label, by_person)), _) => why.said_severity(label, by_person),
        (None, Some((label, confidence))) => {
            let likelier = matter.prediction.and_then(|it| it.likelier_label(Role::Severity));
            why.model_severity(label, confidence, likelier)
        }
        (None, None) => why.default_severity(&policy.default_severity),
    };
    let rank = |label: &LabelId| rank(matter.taxonomy, label);
    let floors = matter.hits.iter().filter_map(|hit| floor(matter, hit));
    let highest = floors.max().filter(|_| said.is_none());
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

/// A person's tier, else the highest that rules, review or severity ask for.
fn find_tier(
    matter: &Matter<'_>,
    executive_review: bool,
    level: &Level<'_>,
    why: &mut Explanation,
) -> Tier {
    if let Some(tier) = matter.verdict.and_then(|verdict| verdict.route.tier) {
        return why.person_tier(tier);
    }
    let asked = matter.hits.iter().filter_map(|hit| hit.effect.tier).max().unwrap_or_default();
    let least = match (executive_review, level.complex) {
        (true, _) => Tier::Executive,
        (false, true) => Tier::EscalationTeam,
        (false, false) => Tier::FrontLine,
    };
    let tier = asked.max(least);
    why.tier(tier, executive_review, level.complex.then_some(level.label));
    tier
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
