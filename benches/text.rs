//! How long reading a text takes, by its length: `cargo bench --bench text`.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fenzhen::text::{Analyzer, FeatureSpec, Normalized, mask};

/// An invented complaint of 70 characters with everything that there is to read.
const COMPLAINT: &str = "3月5日花了1,299元买的掃地機，才用兩天就不轉了！！！打了三次客服电话都没人接，\
                         订单号A202603050017，再不退款我就打12315投诉。";

/// Our complaint, repeated or cut to a number of characters.
fn text_of(n_chars: usize) -> String {
    COMPLAINT.chars().cycle().take(n_chars).collect()
}

fn reading(criterion: &mut Criterion) {
    let analyzer = Analyzer::default();
    let spec = FeatureSpec { char_ngrams: (1, 3), words: true };
    let mut group = criterion.benchmark_group("text");
    for n_chars in [35, 210, 2000] {
        let text = text_of(n_chars);
        let text = text.as_str();
        group.throughput(Throughput::Elements(n_chars as u64));
        group.bench_with_input(BenchmarkId::new("normalize", n_chars), text, |bencher, text| {
            bencher.iter(|| Normalized::new(black_box(text)));
        });
        group.bench_with_input(BenchmarkId::new("analyze", n_chars), text, |bencher, text| {
            bencher.iter(|| analyzer.analyze(black_box(text)));
        });
        group.bench_with_input(BenchmarkId::new("mask", n_chars), text, |bencher, text| {
            bencher.iter(|| mask(black_box(text)));
        });
        let document = analyzer.analyze(text);
        let mut features = Vec::new();
        group.bench_with_input(
            BenchmarkId::new("features", n_chars),
            &document,
            |bencher, document| {
                bencher.iter(|| {
                    features.clear();
                    spec.extract(black_box(document), &mut features);
                    features.len()
                });
            },
        );
    }
    group.finish();
}

criterion_group!(benches, reading);
criterion_main!(benches);
