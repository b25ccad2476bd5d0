//! How long the default rules take, from files to rules and from a text to its hits.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use fenzhen::domain::{QueueId, Taxonomy};
use fenzhen::rules::{RuleSet, Situation, Vocabulary, explain};
use fenzhen::text::Analyzer;
use jiff::civil::Date;

const TODAY: Date = Date::constant(2026, 11, 21);

/// About sixty characters each: nothing to find, words that guards take back, and a real alarm.
const TEXTS: [(&str, &str); 3] = [
    (
        "quiet",
        "上周三在你们店里买的裤子,颜色和图片上差得有点多,腰围也偏大,想换一条小一码的,联系客服两天了一直说在登记,请尽快给个准信。",
    ),
    (
        "guarded",
        "气死我了,等快递等到花儿都谢了!幸好没有人受伤,箱子也没有起火,会不会爆炸啊?电池说是防爆的,买之前问过会过敏吗,客服不回。",
    ),
    (
        "alarm",
        "昨晚吃了你们家的外卖,全家上吐下泻,孩子送急诊挂水,医生说是食物中毒,我要找律师和市场监管投诉,还要发抖音曝光,给个说法!",
    ),
];

/// The queues that the default rules name.
const QUEUES: [&str; 11] = [
    "merchant_quality",
    "safety_response",
    "order_operations",
    "logistics",
    "after_sales",
    "finance_pricing",
    "customer_service",
    "platform_governance",
    "information_security",
    "triage_desk",
    "executive",
];

fn rules(criterion: &mut Criterion) {
    let taxonomy: Taxonomy = toml::from_str(include_str!("../datasets/taxonomy.toml"))
        .expect("the default taxonomy is right");
    let files = RuleSet::default_files();
    let queues: Vec<QueueId> =
        QUEUES.iter().map(|id| id.parse().expect("these are names")).collect();
    let vocabulary = Vocabulary { taxonomy: &taxonomy, queues: &queues };
    let analyzer = Analyzer::default();
    let parse =
        || RuleSet::parse(&files, &vocabulary, &analyzer).expect("the default rules are right");
    let rules = parse();

    let mut group = criterion.benchmark_group("rules");
    for (name, text) in TEXTS {
        let document = analyzer.analyze(text);
        let situation = Situation::of_words(&document);
        group.bench_function(
            format!("evaluate/{name}/{}_chars", text.chars().count()),
            |bencher| {
                bencher.iter(|| rules.evaluate(black_box(&situation), TODAY));
            },
        );
    }
    let document = analyzer.analyze(TEXTS[2].1);
    group.bench_function("explain/alarm", |bencher| {
        bencher.iter(|| explain(&rules, black_box(&Situation::of_words(&document)), TODAY));
    });
    group.sample_size(10);
    group.bench_function(format!("parse/{}_rules", rules.len()), |bencher| bencher.iter(parse));
    group.finish();
}

criterion_group!(benches, rules);
criterion_main!(benches);
