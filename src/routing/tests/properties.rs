//! What holds for every matter, whatever the model says and whichever rules fire.

use proptest::prelude::*;

use crate::domain::{
    Decision, LabelId, Labels, QueueId, ReasonSource, Role, RouteChoice, Tier, Verdict,
};
use crate::routing::ClockKind;
use crate::routing::tests::{CALENDAR, Case, POLICY, TAXONOMY, predict};
use crate::rules::Effect;

fn labels(role: Role) -> impl Strategy<Value = LabelId> {
    let (_, head) = TAXONOMY.role(role).expect("the taxonomy has every role");
    prop::sample::select(head.labels.iter().map(|label| label.id.clone()).collect::<Vec<_>>())
}

fn queues() -> impl Strategy<Value = (QueueId, i32)> {
    let ids: Vec<_> = POLICY.queues().iter().map(|queue| queue.id.clone()).collect();
    (prop::sample::select(ids), -3..3i32)
}

fn tiers() -> impl Strategy<Value = Tier> {
    prop::sample::select(vec![Tier::FrontLine, Tier::EscalationTeam, Tier::Executive])
}

fn effects() -> impl Strategy<Value = Effect> {
    (
        prop::option::of(labels(Role::Severity)),
        prop::option::of(tiers()),
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
    fn a_persons_word_counts_and_resets_no_clock(
        case in cases(),
        category in labels(Role::Category),
        severity in labels(Role::Severity),
        queue in prop::option::of(queues()),
        tier in prop::option::of(tiers()),
        reviewed in prop::option::of(any::<bool>()),
    ) {
        let before = case.route();
        let mut said = Labels::default();
        for (role, label) in [(Role::Category, &category), (Role::Severity, &severity)] {
            let (_, head) = TAXONOMY.role(role).expect("the taxonomy has every role");
            said.insert(head, &[label.as_str()]).expect("it is a label of the head");
        }
        let queue = queue.map(|(queue, _)| queue);
        let route = RouteChoice { queue: queue.clone(), tier, executive_review: reviewed };
        let mut verdict = Verdict { needed_triage: before.needs_triage, ..Verdict::default() };
        verdict.take(&said, &route);
        let after = Case { verdict: Some(verdict), ..case.clone() }.route();
        prop_assert_eq!(after.category.as_ref(), Some(&category));
        prop_assert_eq!(&after.severity.label, &severity);
        prop_assert_eq!(&after.severity.predicted, &before.severity.predicted);
        prop_assert_eq!(after.executive_review, reviewed.unwrap_or(before.executive_review));
        prop_assert!(!after.needs_triage);
        prop_assert!(queue.is_none_or(|queue| after.queue == queue));
        prop_assert!(tier.is_none_or(|tier| after.tier == tier));
        // Every deadline is one that the policy gives from reception on, whatever was corrected.
        for deadline in &after.deadlines {
            let of_policy = ClockKind::ALL.iter().flat_map(|&kind| POLICY.clock(kind).periods);
            let mut of_policy = of_policy.filter(|(kind, _)| *kind == deadline.kind);
            let received_at = case.complaint.received_at;
            prop_assert!(of_policy.any(|(_, it)| CALENDAR.due(received_at, it, &[]).at == deadline.due_at));
        }
        let persons = after.reasons.iter().filter(|it| it.source == ReasonSource::Person).count();
        prop_assert!(2 <= persons);
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
