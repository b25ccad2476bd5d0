//! How urgent a case is, as a sum that people can read. Every term is zero or more, so nothing
//! that is learned about a case can move it down.

use jiff::Timestamp;

use crate::domain::{CustomerTier, LabelDefinition, Priority, PriorityTerm, Role};
use crate::routing::{Matter, Policy};

/// The priority of a matter whose severity is settled. Terms of no points are left out, but for
/// the severity.
pub(super) fn prioritize(
    policy: &Policy,
    matter: &Matter<'_>,
    severity: &LabelDefinition,
) -> Priority {
    let weights = &policy.weights;
    let points = weights.severity.get(&severity.id).copied().unwrap_or_default();
    let mut terms = vec![PriorityTerm { name: "severity", value: severity.name.clone(), points }];
    let others = [
        signals(policy, matter),
        sentiment(policy, matter),
        customer_tier(policy, matter),
        amount(policy, matter),
        prior_contacts(policy, matter),
    ];
    terms.extend(others.into_iter().flatten());
    Priority { terms }
}

/// What passing time adds: nothing at the start of the period that ends at `due`, all its points
/// when the time is up. It is computed when a queue is shown, because it changes by the minute.
pub fn aging(policy: &Policy, start: Timestamp, due: Timestamp, now: Timestamp) -> PriorityTerm {
    let whole = due.duration_since(start).as_secs_f64();
    let passed = now.duration_since(start).as_secs_f64();
    let share = if due <= now { 1.0 } else { (passed / whole).max(0.0) };
    let value = if due < now {
        "已超出办结时限".to_owned()
    } else {
        format!("办结时限已过 {}%", (share * 100.0) as u8)
    };
    PriorityTerm { name: "deadline", value, points: policy.weights.aging * share }
}

/// A term to a tenth of a point: more would only look exact.
fn term(name: &'static str, points: f64, value: impl FnOnce() -> String) -> Option<PriorityTerm> {
    let points = (points * 10.0).round() / 10.0;
    (0.0 < points).then(|| PriorityTerm { name, value: value(), points })
}

/// The signals that the text states, heaviest first.
fn signals(policy: &Policy, matter: &Matter<'_>) -> Option<PriorityTerm> {
    let (_, head) = matter.taxonomy.role(Role::Signals)?;
    let mut names = String::new();
    let mut sum = 0.0;
    for (label, points) in &policy.weights.signals {
        if !matter.states(label) {
            continue;
        }
        names.push_str(if names.is_empty() { "涉及" } else { "、" });
        let name = head.label_idx(label.as_str()).map(|idx| head.labels[idx].name.as_str());
        names.push_str(name.unwrap_or(label.as_str()));
        sum += points;
    }
    term("signals", sum.min(policy.weights.signals_at_most), || names)
}

fn sentiment(policy: &Policy, matter: &Matter<'_>) -> Option<PriorityTerm> {
    let label = matter.sentiment()?;
    let points = policy.weights.sentiment.get(&label.id).copied()?;
    term("sentiment", points, || label.name.clone())
}

fn customer_tier(policy: &Policy, matter: &Matter<'_>) -> Option<PriorityTerm> {
    let tier = matter.complaint.customer_tier;
    let name = match tier {
        CustomerTier::Standard => "普通客户",
        CustomerTier::Member => "会员",
        CustomerTier::Vip => "VIP 客户",
    };
    term("customer_tier", policy.weights.customer_tier[tier as usize], || name.to_owned())
}

/// The amount in dispute as the intake system states it, else the largest that the text names
/// or adds up.
fn amount(policy: &Policy, matter: &Matter<'_>) -> Option<PriorityTerm> {
    let named = || matter.facts.largest_amount().map(|fact| fact.amount);
    let amount = matter.complaint.amount.or_else(named)?;
    term("amount", policy.weights.amount.points(amount.yuan()), || format!("涉及金额 {amount} 元"))
}

/// The larger of what the intake system counts and what the text states.
fn prior_contacts(policy: &Policy, matter: &Matter<'_>) -> Option<PriorityTerm> {
    let stated = matter.facts.prior_contacts.as_ref().map(|fact| fact.count);
    let count = matter.complaint.prior_contacts.max(stated)?;
    let points = policy.weights.prior_contacts * f64::from(count);
    term("prior_contacts", points.min(policy.weights.prior_contacts_at_most), || {
        format!("此前已联系 {count} 次")
    })
}
