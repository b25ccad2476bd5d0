//! What a rule asks for → checked effects.

use crate::domain::{LabelId, QueueId, Role, Tier};
use crate::rules::Effect;
use crate::rules::compile::{Vocabulary, check_keys};
use crate::rules::mistake::{Findings, Place, suggest};
use crate::rules::source::EffectSource;

const EFFECT_KEYS: [&str; 8] = [
    "severity",
    "tier",
    "executive_review",
    "needs_triage",
    "queue",
    "rank",
    "category",
    "signals",
];

/// Checks what a rule asks for; what is wrong is left out.
pub(super) fn check_effect(
    source: EffectSource,
    vocabulary: Vocabulary<'_>,
    place: &Place,
    findings: &mut Findings,
) -> Effect {
    check_keys(&source.unknown, &EFFECT_KEYS, place, findings);
    let n_before = findings.mistakes.len();
    let mut label = |role, name: &str| find_label(vocabulary, role, name, (place, findings));
    let severity = source.severity.and_then(|name| label(Role::Severity, &name));
    let category = source.category.and_then(|name| label(Role::Category, &name));
    let signals = source.signals.iter().filter_map(|name| label(Role::Signals, name)).collect();
    if let Some(label) = &severity
        && is_lowest(vocabulary, label)
    {
        let message = format!("`then.severity`: `{label}` is the lowest and raises nothing");
        findings.warn(place, message, "leave it out, or name a higher one");
    }
    let effect = Effect {
        severity,
        tier: check_tier(source.tier, place, findings),
        executive_review: source.executive_review,
        needs_triage: source.needs_triage,
        queue: check_queue(source.queue, source.rank, vocabulary, (place, findings)),
        category,
        signals,
    };
    if effect == Effect::default() && n_before == findings.mistakes.len() {
        findings.mistake(place, "the rule has no effect", "say in `then` what it asks for");
    }
    effect
}

fn find_label(
    vocabulary: Vocabulary<'_>,
    role: Role,
    name: &str,
    (place, findings): (&Place, &mut Findings),
) -> Option<LabelId> {
    let key = role.head_name();
    let Some((_, head)) = vocabulary.taxonomy.role(role) else {
        let message = format!("`then.{key}`: the taxonomy has no head that is used as `{key}`");
        findings.mistake(place, message, format!("remove `{key}` from the rule"));
        return None;
    };
    let label_idx = head.label_idx(name);
    if label_idx.is_none() {
        let hint = suggest(name, head.labels.iter().map(|label| label.id.as_str()));
        findings.mistake(place, format!("`then.{key}`: unknown label `{name}`"), hint);
    }
    label_idx.map(|idx| head.labels[idx].id.clone())
}

fn is_lowest(vocabulary: Vocabulary<'_>, label: &LabelId) -> bool {
    let severity = vocabulary.taxonomy.role(Role::Severity);
    severity.is_some_and(|(_, head)| head.label_idx(label.as_str()) == Some(0))
}

fn check_tier(number: Option<u8>, place: &Place, findings: &mut Findings) -> Option<Tier> {
    match Tier::try_from(number?) {
        // Every case reaches the front line anyway.
        Ok(Tier::FrontLine) => {
            findings.mistake(
                place,
                "`then.tier`: every case starts at tier `1`",
                "use 2 or 3, or leave it out",
            );
            None
        }
        Ok(tier) => Some(tier),
        Err(error) => {
            findings.mistake(place, format!("`then.tier`: {error}"), "use 2 or 3");
            None
        }
    }
}

fn check_queue(
    name: Option<String>,
    rank: Option<i32>,
    vocabulary: Vocabulary<'_>,
    (place, findings): (&Place, &mut Findings),
) -> Option<(QueueId, i32)> {
    match (name, rank) {
        (Some(name), Some(rank)) => {
            let queue = vocabulary.queues.iter().find(|queue| queue.as_str() == name);
            if queue.is_none() {
                let hint = suggest(&name, vocabulary.queues.iter().map(QueueId::as_str));
                findings.mistake(place, format!("`then.queue`: unknown queue `{name}`"), hint);
            }
            Some((queue?.clone(), rank))
        }
        (None, None) => None,
        (Some(_), None) => {
            findings.mistake(
                place,
                "`then.queue` has no `rank`",
                "give one; the highest rank wins",
            );
            None
        }
        (None, Some(_)) => {
            findings.mistake(
                place,
                "`then.rank` has no `queue`",
                "name the queue, or remove the rank",
            );
            None
        }
    }
}
