//! What a decision costs: an ordinary one, one that rules have raised, and one without a model.
//! The target is 3 µs.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use fenzhen::calendar::Calendar;
use fenzhen::domain::{
    Complaint, CustomerTier, HeadKind, HeadPrediction, Money, Prediction, Taxonomy,
};
use fenzhen::routing::{Matter, Policy, route};
use fenzhen::rules::{Effect, Hit};
use fenzhen::text::Facts;

/// A prediction that chooses the label at one position of every head.
fn predict(taxonomy: &Arc<Taxonomy>, label_idx: usize) -> Prediction {
    let answers = taxonomy.heads().iter().map(|head| {
        let mut probabilities = vec![0.1 / head.labels.len() as f32; head.labels.len()];
        probabilities[label_idx] = 0.9;
        let chosen = if head.kind == HeadKind::MultiLabel { vec![0, 4] } else { vec![label_idx] };
        HeadPrediction { probabilities, chosen, abstains: false, evidence: Vec::new() }
    });
    Prediction::new(Arc::clone(taxonomy), answers.collect())
}

/// A rule that asks for all there is.
fn hit(rule: &str) -> Hit {
    Hit {
        rule: rule.parse().expect("it is a name"),
        name: "用电伤害".to_owned(),
        reason: "产品漏电伤人，须立即停售并由高层跟进".to_owned(),
        owner: "质量部".to_owned(),
        safety_critical: true,
        effect: Effect {
            severity: Some("critical".parse().expect("it is a name")),
            executive_review: true,
            signals: vec!["injury".parse().expect("it is a name")],
            ..Effect::default()
        },
        evidence: Vec::new(),
    }
}

fn routing(criterion: &mut Criterion) {
    let taxonomy: Taxonomy = toml::from_str(include_str!("../datasets/taxonomy.toml"))
        .expect("the shipped taxonomy is correct");
    let taxonomy = Arc::new(taxonomy);
    let policy = Policy::parse(Policy::DEFAULT, &taxonomy).expect("the shipped policy is correct");
    let calendar = Calendar::china();
    let complaint = Complaint {
        text: "电热毯漏电，把老人烫伤了".parse().expect("it is not blank"),
        channel: None,
        amount: Some(Money::from_yuan(399)),
        customer_tier: CustomerTier::Vip,
        prior_contacts: Some(2),
        received_at: "2026-09-29T10:00:00+08:00".parse().expect("it is a time"),
    };
    let facts = Facts::default();
    let prediction = predict(&taxonomy, 1);
    let hits = [hit("safety.electric_shock"), hit("safety.burn")];
    let ordinary = Matter {
        complaint: &complaint,
        taxonomy: &taxonomy,
        prediction: Some(&prediction),
        hits: &[],
        facts: &facts,
        readable: true,
        verdict: None,
    };
    let raised = Matter { hits: &hits, ..ordinary };
    let fallback = Matter { prediction: None, ..raised };
    let mut group = criterion.benchmark_group("route");
    for (name, matter) in
        [("ordinary", ordinary), ("raised_by_2_rules", raised), ("fallback", fallback)]
    {
        group.bench_function(name, |bencher| {
            bencher.iter(|| route(&policy, &calendar, black_box(&matter)));
        });
    }
    group.finish();
    let period = "7 working_days".parse().expect("it is a period");
    criterion.bench_function("due/7_working_days_over_a_holiday", |bencher| {
        bencher.iter(|| calendar.due(black_box(complaint.received_at), period, &[]));
    });
}

criterion_group!(benches, routing);
criterion_main!(benches);
