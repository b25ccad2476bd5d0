//! What a linear answer costs, with the live model of this repository. Reading the text
//! (normalization, words, facts) is measured by the `text` bench and not here.

use std::{hint::black_box, path::Path};

use criterion::{Criterion, criterion_group, criterion_main};
use fenzhen::inference::load;
use fenzhen::registry::Registry;
use fenzhen::text::Analyzer;

/// 35 characters.
const SHORT: &str = "上周三买的电饭煲用了两次就漏电，我被电了一下，客服说等通知一直没人管。";
/// 210 characters.
const LONG: &str = "我三月十二号在你们平台下单买了一台洗衣机，付了两千三百九十九元，页面写着送货上门包安装。\
    结果快递员把箱子扔在楼下就走，我和七十岁的母亲两个人抬上六楼，拆开发现外壳凹进去一大块。\
    当天就联系客服，客服说要拍照，拍了三次都说不清楚；第二天换了一个人，又让我从头说一遍。\
    到今天已经半个月，退货申请被驳回两次，理由是已经拆封。第三次打电话，对方直接挂断。\
    要求全额退款并上门取走，不然我就打12315投诉。";

fn classify(criterion: &mut Criterion) {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let bundle = Registry::open(&models).and_then(|registry| registry.live());
    let bundle = bundle.expect("the repository ships a live model");
    let classifier = load(&bundle).expect("the live model loads");
    let analyzer = Analyzer::default();
    for text in [SHORT, LONG] {
        let document = analyzer.analyze(text);
        let name = format!("classify with evidence, {} characters", text.chars().count());
        criterion.bench_function(&name, |bencher| {
            bencher.iter(|| classifier.classify(black_box(&document)));
        });
    }
    criterion.bench_function("load and verify the bundle", |bencher| {
        bencher.iter(|| {
            let live = Registry::open(&models).and_then(|registry| registry.live());
            load(&live.expect("it was there")).expect("it did load")
        });
    });
}

criterion_group!(benches, classify);
criterion_main!(benches);
