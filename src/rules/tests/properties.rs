//! What holds for every complaint.

use std::sync::Arc;

use proptest::{option, prelude::*, sample::select};

use super::{ANALYZER, SAMPLE, TODAY, file, ids, parse, taxonomy};
use crate::domain::{Channel, CustomerTier, HeadKind, HeadPrediction, Money, Prediction, RuleId};
use crate::rules::{RuleSet, Situation, explain};

/// What may stand beside a text.
#[derive(Clone, Debug)]
struct Fields {
    amount: Option<f64>,
    channel: Option<Channel>,
    customer_tier: CustomerTier,
    prior_contacts: Option<u32>,
    score: Option<f32>,
}

fn fields() -> impl Strategy<Value = Fields> {
    let tiers = select(CustomerTier::ALL.to_vec());
    let channels = option::of(select(Channel::ALL.to_vec()));
    (option::of(0.0..1e5), channels, tiers, option::of(any::<u32>()), option::of(0.0_f32..=1.0))
        .prop_map(|(amount, channel, customer_tier, prior_contacts, score)| Fields {
            amount,
            channel,
            customer_tier,
            prior_contacts,
            score,
        })
}

/// Words of the sample among anything else.
fn texts() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        select(vec!["爆炸", "炸了", "气炸了", "没有", "吗", "充电宝", "烫伤", "退款", "，", "。"])
            .prop_map(ToOwned::to_owned),
        "\\PC{0,8}",
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(pieces, 0..12).prop_map(|pieces| pieces.concat())
}

/// Failures are fixed and become plain tests; no file remembers them.
fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

/// An answer that gives every label the same probability and chooses the last ones.
fn prediction(score: f32) -> Prediction {
    let taxonomy = Arc::new(taxonomy());
    let heads = taxonomy.heads().iter().map(|head| HeadPrediction {
        probabilities: vec![score; head.labels.len()],
        chosen: if head.kind == HeadKind::MultiLabel && score < 0.5 {
            Vec::new()
        } else {
            vec![head.labels.len() - 1]
        },
        abstains: false,
        evidence: Vec::new(),
    });
    Prediction::new(Arc::clone(&taxonomy), heads.collect())
}

fn with_fields<'a>(situation: Situation<'a>, fields: &Fields) -> Situation<'a> {
    Situation {
        amount: fields.amount.and_then(|yuan| Money::try_from(yuan).ok()),
        channel: fields.channel,
        customer_tier: fields.customer_tier,
        prior_contacts: fields.prior_contacts,
        ..situation
    }
}

fn sample() -> RuleSet {
    parse(&[file(SAMPLE)]).unwrap()
}

#[test]
fn every_complaint_gets_an_answer_and_the_explanation_agrees() {
    let rules = sample();
    proptest!(config(), |(text in texts(), fields in fields())| {
        let document = ANALYZER.analyze(&text);
        let prediction = fields.score.map(prediction);
        let situation = with_fields(Situation { prediction: prediction.as_ref(), ..Situation::of_words(&document) }, &fields);

        let hits = rules.evaluate(&situation, TODAY);
        let report = explain(&rules, &situation, TODAY);

        let fired: Vec<_> = report.fired.iter().map(RuleId::as_str).collect();
        prop_assert_eq!(ids(&hits), fired);
        prop_assert!(!report.to_string().is_empty());
        for span in hits.iter().flat_map(|hit| &hit.evidence) {
            prop_assert!(!span.slice(&text).is_empty());
        }
    });
}

#[test]
fn fields_never_change_a_rule_that_asks_only_for_words() {
    let rules = sample();
    let explodes = |situation: &Situation<'_>| {
        rules
            .evaluate(situation, TODAY)
            .into_iter()
            .find(|hit| hit.rule.as_str() == "safety.explosion")
    };
    proptest!(config(), |(text in texts(), fields in fields())| {
        let document = ANALYZER.analyze(&text);
        let prediction = fields.score.map(prediction);
        let bare = Situation::of_words(&document);
        let full = with_fields(Situation { prediction: prediction.as_ref(), ..Situation::of_words(&document) }, &fields);

        prop_assert_eq!(explodes(&bare), explodes(&full));
    });
}
