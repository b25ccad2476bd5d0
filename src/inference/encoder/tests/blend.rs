//! Blends from bundle to answer, on a small linear model and the tiny encoder.

use std::{collections::BTreeMap, path::Path};

use super::tiny;
use crate::domain::Prediction;
use crate::inference::encoder::tests::engine::heads;
use crate::inference::evidence::{Direction, Heat};
use crate::inference::tests::{ANALYZER, manifest, weights};
use crate::inference::{
    Classifier, ENCODER_CONFIG_FILE, ENCODER_FILE, Encoder, EncoderConfig, EncoderEngine, Isa,
    LinearClassifier, TOKENIZER_FILE, WEIGHTS_FILE, Workspace, decide, load, load_for, pack,
};
use crate::registry::{
    Blend, BlendWeights, Bundle, BundleWriter, Calibration, Cascade, Kind, Manifest,
};

const TEXTS: [&str; 3] = ["快递没到，退款！", "被烫伤了", "app"];

pub(super) fn blend(weights: BlendWeights, easy_from: f32) -> Manifest {
    let linear = manifest();
    let ids = linear.taxonomy.heads().iter().map(|head| head.id.to_string());
    let cascade = Cascade {
        easy_from: BTreeMap::from([("category".to_owned(), easy_from)]),
        decisions: linear.decisions.clone(),
    };
    let weights = ids.map(|id| (id, weights)).collect();
    Manifest {
        kind: Kind::Blend,
        blend: Some(Blend { weights, encoder: None, cascade: Some(cascade) }),
        ..linear
    }
}

fn write(dir: &Path, manifest: Manifest, n_outputs: usize) -> Bundle {
    let config = tiny::config();
    let packed = pack(&config, &tiny::parameters(&config), &heads(&config, n_outputs));
    let files = [
        (ENCODER_FILE, packed),
        (ENCODER_CONFIG_FILE, serde_json::to_vec(&config).unwrap()),
        (TOKENIZER_FILE, tiny::folder().tokenizer.to_json().unwrap().into_bytes()),
    ];
    write_files(&dir.join(format!("small-{n_outputs}")), manifest, &files)
}

/// A blend with these files of its encoder.
pub(super) fn write_files(dir: &Path, manifest: Manifest, files: &[(&str, Vec<u8>)]) -> Bundle {
    let mut writer = BundleWriter::create(dir).unwrap();
    writer.add(WEIGHTS_FILE, &weights().to_bytes()).unwrap();
    for (name, bytes) in files {
        writer.add(name, bytes).unwrap();
    }
    writer.finish(manifest).unwrap()
}

fn numbers(prediction: &Prediction) -> Vec<f32> {
    prediction.heads().flat_map(|(_, answer)| answer.probabilities.clone()).collect()
}

#[test]
fn scores_of_both_members_are_added_up_by_their_weights() {
    let dir = tempfile::tempdir().unwrap();
    let joined = BlendWeights { linear: 0.7, encoder: 0.2 };
    let bundle = write(dir.path(), blend(joined, 0.5), 5);
    let linear = LinearClassifier::new(&manifest(), weights()).unwrap();
    for isa in Isa::available() {
        let classifier = load_for(&bundle, isa).unwrap();
        let encoder = Encoder::from_bundle(&bundle, isa).unwrap();
        let documents: Vec<_> = TEXTS.iter().map(|text| ANALYZER.analyze(text)).collect();
        let together = classifier.classify_all(&documents);
        for (document, together) in documents.iter().zip(&together) {
            let found = classifier.classify(document);
            assert_eq!(&found, together);
            let of_encoder = encoder.scores(&encoder.pool(&[document.normalized()])[0]);
            let of_linear = linear.scores(&linear.read(document).vector);
            let scores: Vec<f32> =
                of_linear.iter().zip(of_encoder).map(|(a, b)| 0.7 * a + 0.2 * b).collect();
            let category = decide(&manifest().decisions["category"], &scores[..2]);
            let (_, answer) = found.find_head("category").unwrap();
            for (found, expected) in answer.probabilities.iter().zip(category.probabilities) {
                assert!((found - expected).abs() < 1e-5, "{found} {expected}");
            }
        }
    }
}

#[test]
fn tokens_carry_the_encoders_part_of_a_score() {
    let dir = tempfile::tempdir().unwrap();
    let joined = BlendWeights { linear: 0.7, encoder: 0.2 };
    let encoder = Encoder::from_bundle(&write(dir.path(), blend(joined, 0.5), 5), Isa::best());
    let (encoder, text) = (encoder.unwrap(), "快递没到,退款!");
    let read = encoder.read(&[text]).remove(0);
    let config = tiny::config();
    let packed = pack(&config, &tiny::parameters(&config), &heads(&config, 5));
    let engine = EncoderEngine::from_bytes(&packed, &config, Isa::best()).unwrap();
    let tokens = tiny::folder().tokenizer.encode(text).unwrap();
    let mut rows = Vec::new();
    engine.read(&[&tokens.ids], &mut Workspace::default(), |layer| rows = layer.to_vec());
    let heads = heads(&config, 5);
    // The third output up, the fifth down, as for a label in the middle of an order.
    let label = Direction { up: Some(2), down: Some(4) };
    let mut heat = Heat::new(text.len());
    encoder.explain(&read, &[label], &[joined; 5], &mut heat);
    let sums = heat.running_sums();
    let hidden = config.hidden_size;
    let counts = |row: &[f32], output: usize| {
        let weights = &heads.weights[output * hidden..][..hidden];
        let lines = row.iter().zip(&heads.means).zip(&heads.deviations).zip(weights);
        lines.map(|(((x, mean), scale), weight)| (x - mean) / scale * weight).sum::<f32>()
    };
    let n_tokens = tokens.ids.len() as f32;
    let (mut in_text, mut in_all) = (0.0, 0.0);
    for (row, range) in rows.chunks_exact(hidden).zip(&tokens.ranges) {
        let expected = 0.2 * (counts(row, 2) - counts(row, 4)) / n_tokens;
        let found = sums[range.end][0] - sums[range.start][0];
        in_all += expected;
        if !range.is_empty() {
            in_text += expected;
            assert!((found - expected).abs() < 1e-4, "{range:?}: {found} {expected}");
        }
    }
    assert!((sums[text.len()][0] - in_text).abs() < 1e-4);
    let scores = encoder.scores(&read.vector);
    let biases = heads.biases[2] - heads.biases[4];
    assert!((0.2 * (scores[2] - scores[4] - biases) - in_all).abs() < 1e-4);
}

#[test]
fn a_signal_never_stands_without_a_place() {
    let dir = tempfile::tempdir().unwrap();
    // The encoder decides against all that n-grams say.
    let against = BlendWeights { linear: -5.0, encoder: 1e-3 };
    let mut manifest = blend(against, 0.5);
    let decision = manifest.decisions.get_mut("signals").unwrap();
    let Calibration::Sigmoid { thresholds, .. } = &mut decision.calibration else { panic!() };
    thresholds.fill(0.0);
    let classifier = load(&write(dir.path(), manifest, 5)).unwrap();
    for text in TEXTS {
        let found = classifier.classify(&ANALYZER.analyze(text));
        let (_, answer) = found.find_head("signals").unwrap();
        assert!(!answer.chosen.is_empty());
        for label in &answer.chosen {
            assert!(answer.evidence.iter().any(|it| it.label_idx == *label), "{text}");
        }
    }
}

#[test]
fn a_blend_without_its_encoder_answers_like_the_linear_member() {
    let dir = tempfile::tempdir().unwrap();
    let alone = BlendWeights { linear: 1.0, encoder: 0.0 };
    let classifier = load(&write(dir.path(), blend(alone, 0.5), 5)).unwrap();
    let linear = LinearClassifier::new(&manifest(), weights()).unwrap();
    for text in TEXTS {
        let document = ANALYZER.analyze(text);
        assert_eq!(classifier.classify(&document), linear.classify(&document));
    }
    assert!(classifier.is_slow() && !linear.is_slow());
    assert!(classifier.knows_easy() && !linear.knows_easy());
}

#[test]
fn the_linear_member_answers_alone_where_it_is_sure() {
    let dir = tempfile::tempdir().unwrap();
    let both = BlendWeights { linear: 1.0, encoder: 1.0 };
    let linear = LinearClassifier::new(&manifest(), weights()).unwrap();
    let document = ANALYZER.analyze("快递太慢");
    let sure = linear.classify(&document);
    let probability = sure.find_head("category").unwrap().1.probabilities[0];
    for (n, easy_from) in [(0, probability - 0.01), (1, probability + 0.01)] {
        let dir = dir.path().join(n.to_string());
        let classifier = load(&write(&dir, blend(both, easy_from), 5)).unwrap();
        let found = classifier.classify_easy(&document);
        assert_eq!(found, (n == 0).then(|| sure.clone()), "{easy_from}");
        assert_ne!(numbers(&classifier.classify(&document)), numbers(&sure));
    }
}

#[test]
fn the_linear_member_does_not_answer_alone_where_it_may_have_missed_a_label_of_many() {
    let dir = tempfile::tempdir().unwrap();
    let both = BlendWeights { linear: 1.0, encoder: 1.0 };
    let linear = LinearClassifier::new(&manifest(), weights()).unwrap();
    let document = ANALYZER.analyze("快递太慢");
    let sure = linear.classify(&document);
    let signals = sure.find_head("signals").unwrap().1;
    assert!(signals.chosen.is_empty(), "no injury: {signals:?}");
    let absent = 1.0 - signals.probabilities[0];
    for (n, easy_from) in [(0, absent - 0.01), (1, absent + 0.01)] {
        let mut manifest = blend(both, 0.0);
        let cascade = manifest.blend.as_mut().unwrap().cascade.as_mut().unwrap();
        cascade.easy_from.insert("signals".to_owned(), easy_from);
        let classifier = load(&write(&dir.path().join(n.to_string()), manifest, 5)).unwrap();
        assert_eq!(classifier.classify_easy(&document).is_some(), n == 0, "{easy_from}");
    }
}

#[test]
fn vectors_have_length_one_and_like_texts_are_close() {
    let dir = tempfile::tempdir().unwrap();
    let both = BlendWeights { linear: 1.0, encoder: 1.0 };
    let classifier = load(&write(dir.path(), blend(both, 0.5), 5)).unwrap();
    let vector = |text: &str| classifier.embed(&ANALYZER.analyze(text)).unwrap();
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let (refund, same, other) = (vector("退款还没到账"), vector("退款还没到账。"), vector("app"));
    assert!((product(&refund, &refund) - 1.0).abs() < 1e-5);
    assert!(product(&refund, &other) < product(&refund, &same));
}

#[test]
fn a_shape_that_no_weights_could_have_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let both = BlendWeights { linear: 1.0, encoder: 1.0 };
    let check = |change: fn(&mut EncoderConfig), expected: &str| {
        let mut config = tiny::config();
        let packed = pack(&config, &tiny::parameters(&config), &heads(&config, 5));
        change(&mut config);
        let files = [
            (ENCODER_FILE, packed),
            (ENCODER_CONFIG_FILE, serde_json::to_vec(&config).unwrap()),
            (TOKENIZER_FILE, tiny::folder().tokenizer.to_json().unwrap().into_bytes()),
        ];
        let name = format!("{}-{}", config.n_heads, config.max_tokens);
        let bundle = write_files(&dir.path().join(name), blend(both, 0.5), &files);
        let error = load(&bundle).map(|_| ()).unwrap_err().to_string();
        assert!(error.starts_with("the encoder's `encoder.json`"), "{error}");
        assert!(error.contains(expected), "{error}");
    };
    check(|it| it.n_heads = 0, "between 0 heads");
    check(|it| it.max_tokens = 2, "takes only 2 tokens");
    check(|it| it.layer_norm_eps = 0.0, "`layer_norm_eps` 0");
}

#[test]
fn blends_that_do_not_fit_together_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let both = BlendWeights { linear: 1.0, encoder: 1.0 };
    let bundle = write(dir.path(), blend(both, 0.5), 4);
    let error = load(&bundle).map(|_| ()).unwrap_err().to_string();
    assert_eq!(error, "tensor `heads.biases` has 4 values instead of 5");
    let check = |change: fn(&mut Manifest), expected: &str| {
        let mut manifest = blend(both, 0.5);
        change(&mut manifest);
        let error = manifest.check().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(|it| it.blend = None, "a blend has no table `blend`");
    check(|it| it.kind = Kind::Linear, "a linear model has a table `blend`");
    let weights = |it: &mut Manifest| it.blend.as_mut().unwrap().weights.clear();
    check(weights, "head `category` has no weights in `blend`");
    let easy =
        |it: &mut Manifest| it.blend.as_mut().unwrap().cascade.as_mut().unwrap().easy_from.clear();
    check(easy, "takes every text as easy");
    let stranger = |it: &mut Manifest| {
        let cascade = it.blend.as_mut().unwrap().cascade.as_mut().unwrap();
        cascade.easy_from.insert("mood".to_owned(), 0.5);
    };
    check(stranger, "`blend` speaks of `mood`, which is no head");
}
