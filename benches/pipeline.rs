//! The whole pipeline without HTTP: from a complaint to the JSON of its answer, with the shipped
//! model, rules, policy and calendar.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fenzhen::{
    domain::{Complaint, CustomerTier},
    triage::{Answer, Engine, Knowledge, Sources},
};

const SHORT: &str = "快递三天没动静，客服让我继续等，打了两次电话都没人管";
const LONG: &str = "客户来电反映：十一月三日在平台某某旗舰店购买电热水壶一台，实付399元，订单号202611030018。\
使用第二天壶底漏电，老人倒水时手被电麻，幸好及时松手没有受伤。客户当天联系在线客服，客服要求拍视频举证，\
视频发过去后两天没有回复；五日再次致电，坐席称需要厂家鉴定，鉴定费由客户自己承担。客户认为产品存在安全隐患，\
要求退货退款并赔偿，同时要求书面说明同批次产品是否召回，否则将向12315投诉。";

fn complaint(text: &str) -> Complaint {
    Complaint {
        text: text.parse().expect("it is no blank text"),
        channel: None,
        amount: None,
        customer_tier: CustomerTier::Standard,
        prior_contacts: None,
        received_at: "2026-11-09T09:00:00+08:00".parse().expect("it is a time"),
    }
}

fn pipeline(criterion: &mut Criterion) {
    let sources = Sources { models: "models".into(), ..Sources::default() };
    let engine = Engine::new(Knowledge::load(&sources).expect("what ships is right"));
    assert!(engine.knowledge().model_version().is_some(), "the shipped model is live");
    let mut group = criterion.benchmark_group("pipeline");
    for text in [SHORT, LONG] {
        let complaint = complaint(text);
        let n_chars = text.chars().count();
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("classify_{n_chars}_characters"), |bencher| {
            bencher.iter(|| engine.classify(black_box(&complaint)));
        });
        let classification = engine.classify(&complaint);
        group.bench_function(format!("answer_{n_chars}_characters"), |bencher| {
            bencher.iter(|| serde_json::to_vec(&Answer::new(text, black_box(&classification))));
        });
    }
    group.finish();
}

criterion_group!(benches, pipeline);
criterion_main!(benches);
