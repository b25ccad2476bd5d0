//! What holds for every matter, whatever the model says and whichever rules fire.

use proptest::prelude::*;

use crate::domain::{Decision, LabelId, QueueId, Role, Tier};
use crate::routing::tests::{Case, POLICY, TAXONOMY, predict};
use crate::rules::Effect;

fn labels(role: Role) -> impl Strategy<Value = LabelId> {
    let (_, head) = TAXONOMY.role(role).expect("the taxonomy has every role");
    prop::sample::select(head.labels.iter().map(|label| label.id.clone()).collect::<Vec<_>>())
}

fn queues() -> impl Strategy<Value = (QueueId, i32)> {
    let ids: Vec<_> = POLICY.queues().iter().map(|queue| queue.id.clone()).collect();
    (prop::sample::select(ids), -3..3i32)
}

fn effects() -> impl Strategy<Value = Effect> {
    let tiers = prop::sample::select(vec![Tier::FrontLine, Tier::EscalationTeam, Tier::Executive]);
    (
        prop::option::of(labels(Role::Severity)),
        prop::option::of(tiers),
        any::<(bool, bool)>(),
        prop::option::of(queues()),
        prop::option::of(labels(Role::Category)),
        prop::collection::vec(labels(Role::Signals), 0..3),
    )
        .prop_map(
            |(severity, tier, (executive_review, needs_triage), queue, category, signals)| Effect {
                severity,
                tier,
                executive_review,
                needs_triage,
                queue,
                category,
                signals,
            },
        )
}

fn cases() -> impl Strategy<Value = Case> {
    let unsure = prop::sample::select(vec!["", "category", "severity", "category severity"]);
    let prediction = (labels(Role::Category), labels(Role::Severity), 0.2..1.0f32, unsure)
        .prop_map(|(category, severity, confidence, unsure)| {
            predict(category.as_str(), severity.as_str(), confidence, unsure)
        });
    (prop::option::of(prediction), prop::collection::vec((effects(), any::<bool>()), 0..4))
        .prop_map(|(prediction, effects)| {
            let case = Case { prediction, ..Case::fallback() };
            effects
                .into_iter()
                .enumerate()
                .fold(case, |case, (rule_idx, effect)| add(case, rule_idx, effect))
        })
}

fn add(case: Case, rule_idx: usize, (effect, safety_critical): (Effect, bool)) -> Case {
    case.hit(&format!("rule.{rule_idx}"), |hit| {
        hit.effect = effect;
        hit.safety_critical = safety_critical;
    })
}

proptest! {
    #[test]
    fn one_more_hit_never_lowers_an_alarm(case in cases(), more in (effects(), any::<bool>())) {
        let before = case.route();
        let after = add(case, 9, more).route();
        let rank = |decision: &Decision| {
            let (_, head) = TAXONOMY.role(Role::Severity).expect("the taxonomy has severities");
            head.label_idx(decision.severity.label.as_str())
        };
        prop_assert!(rank(&before) <= rank(&after));
        prop_assert!(before.tier <= after.tier);
        prop_assert!(before.executive_review <= after.executive_review);
        prop_assert!(before.priority.terms[0].points <= after.priority.terms[0].points);
        prop_assert!(before.priority.score() <= after.priority.score());
        prop_assert_eq!(before.severity.predicted, after.severity.predicted);
    }

    #[test]
    fn every_decision_is_explained_and_repeatable(case in cases()) {
        let decision = case.route();
        prop_assert!(decision.reasons.iter().all(|reason| !reason.message.is_empty()));
        prop_assert!(decision.reasons.iter().count() >= 4);
        prop_assert_eq!(decision.deadlines.len(), 3);
        prop_assert!(decision.executive_review || !decision.needs_triage || decision.queue == POLICY.triage_queue().id);
        for hit in &case.hits {
            prop_assert!(decision.reasons.iter().any(|reason| reason.code == hit.rule.as_str()));
        }
        prop_assert_eq!(decision, case.route());
    }
}
