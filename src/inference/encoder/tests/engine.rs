//! The engine against plain loops over the unpacked weights, on every path of this CPU.

use std::path::Path;

use proptest::prelude::*;

use super::tiny;
use crate::inference::encoder::packed::{pack, unpack};
use crate::inference::encoder::{
    Encoder, EncoderConfig, EncoderEngine, EncoderHeads, Parameters, Workspace,
};
use crate::inference::{Error, Isa};

const N_OUTPUTS: usize = 3;

pub(super) fn heads(config: &EncoderConfig, n_outputs: usize) -> EncoderHeads {
    let mut noise = tiny::noise(7);
    let mut numbers = |n: usize| (0..n).map(|_| noise()).collect::<Vec<f32>>();
    EncoderHeads {
        means: numbers(config.hidden_size),
        deviations: vec![2.0; config.hidden_size],
        weights: numbers(n_outputs * config.hidden_size),
        biases: numbers(n_outputs),
    }
}

fn packed() -> Vec<u8> {
    let config = tiny::config();
    pack(&config, &tiny::parameters(&config), &heads(&config, N_OUTPUTS))
}

fn engine(isa: Isa) -> EncoderEngine {
    EncoderEngine::from_bytes(&packed(), &tiny::config(), isa).unwrap()
}

/// What an encoder is by definition (Devlin et al. 2019), a token at a time.
fn plain_vector(config: &EncoderConfig, parameters: &Parameters, ids: &[u32]) -> Vec<f32> {
    let width = config.hidden_size;
    let row = |name: &str, row: usize| &parameters.get(name)[row * width..][..width];
    let mut hidden: Vec<Vec<f32>> = Vec::new();
    for (position, &id) in ids.iter().enumerate() {
        let word = row("embeddings.word_embeddings.weight", id as usize);
        let position = row("embeddings.position_embeddings.weight", position);
        let segment = row("embeddings.token_type_embeddings.weight", 0);
        let sum: Vec<f32> =
            word.iter().zip(position).zip(segment).map(|((a, b), c)| a + b + c).collect();
        hidden.push(normal(config, parameters, "embeddings.LayerNorm", &sum));
    }
    for layer in 0..config.n_layers {
        let at = format!("encoder.layer.{layer}");
        let dense = |part: &str, x: &[f32]| {
            let weights = parameters.get(&format!("{at}.{part}.weight"));
            let biases = parameters.get(&format!("{at}.{part}.bias"));
            let lines = weights.chunks(x.len()).zip(biases);
            let line = |(row, bias): (&[f32], &f32)| dot(row, x) + bias;
            lines.map(line).collect::<Vec<f32>>()
        };
        let [queries, keys, values] = ["query", "key", "value"].map(|part| {
            let part = format!("attention.self.{part}");
            hidden.iter().map(|x| dense(&part, x)).collect::<Vec<_>>()
        });
        for (token, x) in hidden.iter_mut().enumerate() {
            let mut context = vec![0.0; width];
            for start in (0..width).step_by(config.head_size()) {
                let head = start..start + config.head_size();
                let factor = (config.head_size() as f32).sqrt();
                let score = |key: &Vec<f32>| {
                    dot(&queries[token][head.clone()], &key[head.clone()]) / factor
                };
                let weights: Vec<f32> = keys.iter().map(|key| score(key).exp()).collect();
                let sum: f32 = weights.iter().sum();
                for column in head.clone() {
                    let products =
                        weights.iter().zip(&values).map(|(it, value)| it * value[column]);
                    context[column] = products.sum::<f32>() / sum;
                }
            }
            let added = add(&dense("attention.output.dense", &context), x);
            let x1 =
                normal(config, parameters, &format!("{at}.attention.output.LayerNorm"), &added);
            let mut inner = dense("intermediate.dense", &x1);
            for it in &mut inner {
                *it *= 0.5 * (1.0 + error_function(*it / 2_f32.sqrt()));
            }
            let added = add(&dense("output.dense", &inner), &x1);
            *x = normal(config, parameters, &format!("{at}.output.LayerNorm"), &added);
        }
    }
    let column = |idx: usize| hidden.iter().map(|x| x[idx]).sum::<f32>() / ids.len() as f32;
    (0..width).map(column).collect()
}

fn normal(config: &EncoderConfig, parameters: &Parameters, name: &str, x: &[f32]) -> Vec<f32> {
    let n = x.len() as f32;
    let mean = x.iter().sum::<f32>() / n;
    let variance = x.iter().map(|it| (it - mean).powi(2)).sum::<f32>() / n;
    let factor = (variance + config.layer_norm_eps as f32).sqrt().recip();
    let of = |part: &str| parameters.get(&format!("{name}.{part}"));
    let lines = x.iter().zip(of("weight").iter().zip(of("bias")));
    lines.map(|(it, (scale, shift))| (it - mean) * factor * scale + shift).collect()
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

/// Abramowitz & Stegun 7.1.26, good to 10⁻⁷ × 1.5.
fn error_function(x: f32) -> f32 {
    let t = (1.0 + 0.327_591_1 * x.abs()).recip();
    let factors = [1.061_405_4, -1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6];
    let sum = factors.into_iter().fold(0.0, |sum, factor| sum * t + factor) * t;
    (1.0 - sum * (-x * x).exp()).copysign(x)
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_path_agrees_with_the_definition_whatever_stands_beside_a_text(
        texts in prop::collection::vec(prop::collection::vec(0_u32..14, 1..41), 1..9),
    ) {
        let config = tiny::config();
        let parameters = tiny::parameters(&config);
        let batch: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        for isa in Isa::available() {
            let engine = engine(isa);
            let mut space = Workspace::default();
            let together = engine.pool(&batch, &mut space);
            for (ids, found) in batch.iter().zip(&together) {
                let alone = &engine.pool(&[ids], &mut space)[0];
                prop_assert_eq!(alone, found, "{}", isa);
                let plain = plain_vector(&config, &parameters, ids);
                let cosine = cosine(&plain, found);
                prop_assert!(0.998 < cosine, "{}: {} for {:?}", isa, cosine, ids);
            }
        }
    }
}

#[test]
fn layers_that_are_computed_in_parts_are_whole() {
    // Three parts of two heads, 384 and 16 inner columns, and a text that is a group of its own.
    let mut json = tiny::CONFIG.to_owned();
    for (from, to) in [
        ("\"hidden_size\": 64", "\"hidden_size\": 384"),
        ("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1"),
        ("\"num_attention_heads\": 2", "\"num_attention_heads\": 6"),
        ("\"intermediate_size\": 96", "\"intermediate_size\": 400"),
        ("\"max_position_embeddings\": 40", "\"max_position_embeddings\": 300"),
    ] {
        assert!(json.contains(from), "{from}");
        json = json.replace(from, to);
    }
    let config = EncoderConfig::parse(json.as_bytes(), Path::new("config.json")).unwrap();
    let parameters = tiny::parameters(&config);
    let bytes = pack(&config, &parameters, &heads(&config, N_OUTPUTS));
    let text = |n: u32| (0..n).map(|at| (at * at + n) % 14).collect::<Vec<u32>>();
    let texts = [text(1), text(30), text(97), text(270)];
    let batch: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
    let plain = batch.iter().map(|ids| plain_vector(&config, &parameters, ids));
    let plain: Vec<Vec<f32>> = plain.collect();
    for isa in Isa::available() {
        let engine = EncoderEngine::from_bytes(&bytes, &config, isa).unwrap();
        let found = engine.pool(&batch, &mut Workspace::default());
        for (plain, found) in plain.iter().zip(&found) {
            let cosine = cosine(plain, found);
            assert!(0.998 < cosine, "{isa}: {cosine}");
        }
    }
}

#[test]
fn texts_without_tokens_and_texts_that_are_too_long_get_a_vector() {
    let engine = engine(Isa::best());
    let long = vec![5; 100];
    let vectors = engine.pool(&[&[], &long, &long[..40], &[]], &mut Workspace::default());
    for nothing in [&vectors[0], &vectors[3]] {
        assert!(nothing.iter().all(|&value| value == 0.0));
    }
    assert_eq!(vectors[1], vectors[2]);
    assert!(engine.pool(&[], &mut Workspace::default()).is_empty());
}

#[test]
fn scores_are_the_dense_layer_over_the_standardized_vector() {
    let (config, folder) = (tiny::config(), tiny::folder());
    let encoder = Encoder::new(&config, &packed(), folder.tokenizer, Isa::best()).unwrap();
    let pooled = encoder.pool(&["退款还没到账"]).remove(0);
    let EncoderHeads { means, deviations, weights, biases } = heads(&config, N_OUTPUTS);
    for (output, score) in encoder.scores(&pooled).into_iter().enumerate() {
        let mut expected = biases[output];
        for (idx, value) in pooled.iter().enumerate() {
            expected +=
                (value - means[idx]) / deviations[idx] * weights[output * pooled.len() + idx];
        }
        assert!((score - expected).abs() < 1e-4, "{score} {expected}");
    }
}

#[test]
fn weights_that_were_unpacked_and_packed_again_are_the_same() {
    let config = tiny::config();
    let once = unpack(&packed(), &config).unwrap();
    let original = tiny::parameters(&config);
    let mut n_compared = 0;
    for (name, kept) in once.iter().filter(|(name, _)| !name.starts_with("embeddings.p")) {
        let largest = original.get(name).iter().fold(0.0_f32, |most, it| most.max(it.abs()));
        let is_close = |(a, b): (&f32, &f32)| (a - b).abs() <= largest / 200.0;
        let is_segment = name.contains("token_type");
        assert!(is_segment || kept.values.iter().zip(original.get(name)).all(is_close), "{name}");
        n_compared += 1;
    }
    assert!(20 < n_compared);
    let twice = pack(&config, &once, &heads(&config, N_OUTPUTS));
    let engine = |bytes: &[u8]| EncoderEngine::from_bytes(bytes, &config, Isa::best()).unwrap();
    let vectors = |bytes| engine(bytes).pool(&[&[2, 7, 9, 3]], &mut Workspace::default());
    let (first, second) = (vectors(&packed()), vectors(&twice));
    let differs = |(a, b): (&f32, &f32)| 1e-4 < (a - b).abs();
    assert!(!first[0].iter().zip(&second[0]).any(differs), "{first:?} {second:?}");
}

#[test]
fn weights_that_do_not_fit_are_refused_by_name() {
    let bytes = packed();
    let check = |config: &EncoderConfig, bytes: &[u8], expected: &str| {
        let error = EncoderEngine::from_bytes(bytes, config, Isa::best()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    let config = tiny::config();
    check(&config, &bytes[..bytes.len() - 9], "the weights are not readable");
    let deeper = EncoderConfig { n_layers: 3, ..config.clone() };
    check(&deeper, &bytes, "tensor `layers.2.attention.projection` is missing");
    let wider = EncoderConfig { intermediate_size: 128, ..config.clone() };
    check(&wider, &bytes, "tensor `layers.0.inner` has shape [96, 64] instead of [128, 64]");
    let mut wild = heads(&config, N_OUTPUTS);
    wild.deviations[3] = 0.0;
    let bytes = pack(&config, &tiny::parameters(&config), &wild);
    let error = Encoder::new(&config, &bytes, tiny::folder().tokenizer, Isa::best()).unwrap_err();
    assert!(matches!(error, Error::Tensor { tensor, .. } if tensor == "heads.deviations"));
}
