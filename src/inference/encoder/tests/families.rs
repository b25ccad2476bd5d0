//! Architectures that are BERT under another name, and `ModernBERT`, which is not: each against
//! candle-transformers, in folders that are made here. Wrong ones are refused by name.

use std::{collections::HashMap, fs, path::Path};

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::{distilbert, modernbert, xlm_roberta};
use serde_json::{Value, json};

use super::tiny;
use crate::inference::encoder::modern::ModernConfig;
use crate::inference::encoder::tests::blend;
use crate::inference::encoder::{
    Batch, Bert, CONFIG_FILE, Drops, EncoderConfig, EncoderFolder, EncoderHeads,
    FOLDER_WEIGHTS_FILE, Parameters, PlainEncoder, mean_pool,
};
use crate::inference::tests::ANALYZER;
use crate::inference::{Isa, load};
use crate::registry::{Architecture, BlendEncoder, BlendWeights, Bundle};

const TEXTS: [&str; 3] =
    ["退款还没到账", "app", "还没到账。1 apple 退款还没到账，还没到账还没到账"];

fn tensors(parameters: &Parameters, name: impl Fn(&str) -> String) -> VarBuilder<'static> {
    let tensors = parameters.iter().map(|(tensor, it)| {
        let values = Tensor::from_slice(&it.values, it.shape.as_slice(), &Device::Cpu).unwrap();
        (name(tensor), values)
    });
    VarBuilder::from_tensors(tensors.collect::<HashMap<_, _>>(), DType::F32, &Device::Cpu)
}

/// The greatest difference between two vectors, as a share of the greatest value.
fn distance(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let largest = b.iter().fold(0.0_f32, |most, it| most.max(it.abs()));
    a.iter().zip(b).fold(0.0_f32, |most, (a, b)| most.max((a - b).abs())) / largest
}

/// The mean vectors of texts by our definition.
fn ours(folder: &EncoderFolder) -> Vec<Vec<f32>> {
    let bert = Bert::from_parameters(&folder.config, &folder.parameters, &Device::Cpu).unwrap();
    let ids = TEXTS.map(|text| folder.tokenizer.encode(text).unwrap().ids);
    let batch = Batch::new(ids.iter().map(Vec::as_slice));
    let vectors = bert.forward(&batch, Drops::default()).unwrap();
    mean_pool(&vectors, &batch).unwrap().to_vec2().unwrap()
}

/// The mean vectors of texts by another's.
fn theirs(encoder: &PlainEncoder, forward: impl Fn(&Tensor) -> Result<Tensor>) -> Vec<Vec<f32>> {
    let vectors = TEXTS.iter().map(|text| {
        let ids = encoder.tokenizer().encode(text).unwrap().ids;
        let ids = Tensor::new(ids.as_slice(), &Device::Cpu)?.unsqueeze(0)?;
        forward(&ids)?.squeeze(0)?.mean(0)?.to_vec1()
    });
    vectors.collect::<Result<_>>().unwrap()
}

fn check_close(found: &[Vec<f32>], expected: &[Vec<f32>], tolerance: f32) {
    for (found, expected) in found.iter().zip(expected) {
        let distance = distance(found, expected);
        assert!(distance < tolerance, "{distance}");
    }
}

/// Heads that say nothing.
fn no_heads(hidden: usize) -> EncoderHeads {
    EncoderHeads {
        means: vec![0.0; hidden],
        deviations: vec![1.0; hidden],
        weights: Vec::new(),
        biases: Vec::new(),
    }
}

fn served(encoder: &PlainEncoder) -> Vec<Vec<f32>> {
    let heads = no_heads(encoder.hidden_size());
    encoder.serve(&heads, Isa::best()).unwrap().pool(&TEXTS)
}

fn write(dir: &Path, config: &Value, weights: &[u8]) {
    fs::write(dir.join(CONFIG_FILE), config.to_string()).unwrap();
    fs::write(dir.join("vocab.txt"), tiny::VOCAB).unwrap();
    fs::write(dir.join(FOLDER_WEIGHTS_FILE), weights).unwrap();
}

fn xlm_config() -> Value {
    let mut config: Value = serde_json::from_str(tiny::CONFIG).unwrap();
    config["model_type"] = json!("xlm-roberta");
    config["architectures"] = json!(["XLMRobertaModel"]);
    config["type_vocab_size"] = json!(1);
    config
}

#[test]
fn xlm_roberta_agrees_with_candle_transformers() {
    let dir = tempfile::tempdir().unwrap();
    let shape = EncoderConfig::parse(xlm_config().to_string().as_bytes(), dir.path()).unwrap();
    let parameters = tiny::parameters(&shape);
    write(dir.path(), &xlm_config(), &parameters.to_bytes(false));
    let encoder = PlainEncoder::read(dir.path()).unwrap();
    let mut config = xlm_config();
    config["position_embedding_type"] = json!("absolute");
    config["attention_probs_dropout_prob"] = json!(0.0);
    config["hidden_dropout_prob"] = json!(0.0);
    let config = serde_json::from_value(config).unwrap();
    let weights = tensors(&parameters, str::to_owned);
    let model = xlm_roberta::XLMRobertaModel::new(&config, weights).unwrap();
    let expected = theirs(&encoder, |ids| {
        let all = Tensor::ones(ids.shape(), DType::F32, &Device::Cpu)?;
        model.forward(ids, &all, &ids.zeros_like()?, None, None, None)
    });
    check_close(&ours(&EncoderFolder::read(dir.path()).unwrap()), &expected, 1e-4);
    check_close(&served(&encoder), &expected, 5e-2);
    assert_eq!(encoder.architecture(), Architecture::Bert);
}

/// What `DistilBERT` calls a tensor of BERT.
fn distil_name(name: &str) -> String {
    let name = name.replace("encoder.layer", "transformer.layer");
    let name = name.replace("attention.output.dense", "attention.out_lin");
    let name = name.replace("attention.output.LayerNorm", "sa_layer_norm");
    let name = name.replace("output.LayerNorm", "output_layer_norm");
    let name = name.replace("intermediate.dense", "ffn.lin1").replace("output.dense", "ffn.lin2");
    let name = name.replace("attention.self.query", "attention.q_lin");
    name.replace("attention.self.key", "attention.k_lin")
        .replace("attention.self.value", "attention.v_lin")
}

fn distil_config() -> Value {
    json!({
        "model_type": "distilbert", "architectures": ["DistilBertForMaskedLM"], "vocab_size": 14,
        "dim": 64, "n_layers": 2, "n_heads": 2, "hidden_dim": 96, "activation": "gelu",
        "max_position_embeddings": 40, "initializer_range": 0.02, "pad_token_id": 0,
        "dropout": 0.1, "attention_dropout": 0.1,
    })
}

/// A `DistilBERT` with the weights of the tiny BERT, as its file names them.
fn write_distil(dir: &Path, keep: impl Fn(&str) -> bool) -> Parameters {
    let shape = EncoderConfig { n_segments: 1, ..tiny::config() };
    let tiny = tiny::parameters(&shape);
    let parameters = Parameters::new(&shape, |name| {
        if name.contains("token_type") { vec![0.0; 64] } else { tiny.get(name).to_vec() }
    });
    let data: Vec<_> = parameters
        .iter()
        .filter(|(name, _)| !name.contains("token_type"))
        .map(|(name, it)| (format!("distilbert.{}", distil_name(name)), it))
        .filter(|(name, _)| keep(name))
        .map(|(name, it)| {
            let bytes: Vec<u8> = it.values.iter().flat_map(|it| it.to_le_bytes()).collect();
            (name, it.shape.clone(), bytes)
        })
        .collect();
    let views = data.iter().map(|(name, shape, bytes)| {
        let dtype = safetensors::Dtype::F32;
        (name, safetensors::tensor::TensorView::new(dtype, shape.clone(), bytes).unwrap())
    });
    write(dir, &distil_config(), &safetensors::serialize(views, None).unwrap());
    parameters
}

#[test]
fn distilbert_agrees_with_candle_transformers() {
    let dir = tempfile::tempdir().unwrap();
    let parameters = write_distil(dir.path(), |_| true);
    let folder = EncoderFolder::read(dir.path()).unwrap();
    assert_eq!(folder.parameters, parameters);
    let encoder = PlainEncoder::read(dir.path()).unwrap();
    let config = serde_json::from_value(distil_config()).unwrap();
    let weights = tensors(&parameters, distil_name);
    let model = distilbert::DistilBertModel::load(weights, &config).unwrap();
    let expected = theirs(&encoder, |ids| {
        let none = Tensor::zeros((1, 1, 1, ids.dim(1)?), DType::U8, &Device::Cpu)?;
        model.forward(ids, &none)
    });
    // candle's DistilBERT takes the approximation of GELU by tanh; the model's own is the exact one.
    check_close(&ours(&folder), &expected, 5e-3);
    check_close(&served(&encoder), &expected, 5e-2);
}

pub(super) fn modern_config() -> Value {
    json!({
        "model_type": "modernbert", "architectures": ["ModernBertForMaskedLM"], "vocab_size": 14,
        "hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2,
        "intermediate_size": 48, "max_position_embeddings": 40, "norm_eps": 1e-5,
        "layer_norm_eps": 1e-5, "pad_token_id": 0, "global_attn_every_n_layers": 3,
        "global_rope_theta": 160_000.0, "local_attention": 8, "local_rope_theta": 10_000.0,
        "hidden_activation": "gelu", "attention_bias": false, "mlp_bias": false,
        "norm_bias": false,
    })
}

fn modern_parameters(config: &Value) -> Parameters {
    let path = Path::new(CONFIG_FILE);
    let shape = ModernConfig::parse(config.to_string().as_bytes(), path).unwrap();
    Parameters::of_shapes(shape.shapes(), |name, shape| {
        let mut noise =
            tiny::noise(name.len() as u64 * 131 + name.bytes().map(u64::from).sum::<u64>());
        let middle = if name.contains("norm") { 1.0 } else { 0.0 };
        (0..shape.iter().product()).map(|_| middle + noise() * 0.2).collect()
    })
}

fn write_modern(dir: &Path) -> Parameters {
    let parameters = modern_parameters(&modern_config());
    write(dir, &modern_config(), &parameters.to_bytes(false));
    parameters
}

#[test]
fn modernbert_agrees_with_candle_transformers() {
    let dir = tempfile::tempdir().unwrap();
    let parameters = write_modern(dir.path());
    let encoder = PlainEncoder::read(dir.path()).unwrap();
    assert_eq!(encoder.architecture(), Architecture::ModernBert);
    // Their reading of the file, not ours.
    let config: modernbert::Config = serde_json::from_value(modern_config()).unwrap();
    let weights = tensors(&parameters, |name| format!("model.{name}"));
    let model = modernbert::ModernBert::load(weights, &config).unwrap();
    let expected = theirs(&encoder, |ids| {
        model.forward(ids, &Tensor::ones(ids.shape(), DType::F32, &Device::Cpu)?)
    });
    let found = served(&encoder);
    // Bundles keep 16 bits.
    check_close(&found, &expected, 5e-3);
    assert!(0.05 < distance(&found[0], &found[1]), "texts differ");
}

#[test]
fn a_text_has_the_same_modern_vector_alone_and_is_cut_where_it_is_too_long() {
    let dir = tempfile::tempdir().unwrap();
    write_modern(dir.path());
    let encoder = PlainEncoder::read(dir.path()).unwrap();
    let heads = no_heads(32);
    let engine = encoder.serve(&heads, Isa::best()).unwrap();
    let together = engine.pool(&TEXTS);
    for (text, vector) in TEXTS.iter().zip(&together) {
        assert_eq!(&engine.pool(&[text])[0], vector);
    }
    let short = encoder.cut(5).unwrap().serve(&heads, Isa::best()).unwrap();
    assert_eq!(short.pool(&["退款还没到账"]), short.pool(&["退款还账到没"]));
    assert_eq!(short.pool(&["app"]), engine.pool(&["app"]));
}

#[test]
fn a_blend_with_a_modernbert_is_served_and_gives_its_encoder_back() {
    let dir = tempfile::tempdir().unwrap();
    write_modern(dir.path());
    let encoder = PlainEncoder::read(dir.path()).unwrap();
    let heads = EncoderHeads { weights: vec![0.1; 5 * 32], biases: vec![0.2; 5], ..no_heads(32) };
    let both = BlendWeights { linear: 0.5, encoder: 0.5 };
    let write = |name: &str, architecture: Architecture| -> Bundle {
        let mut manifest = blend::blend(both, 0.5);
        let parts = manifest.blend.as_mut().unwrap();
        parts.encoder = Some(BlendEncoder { architecture, learned: None });
        let files = [
            (crate::inference::ENCODER_FILE, encoder.pack(&heads)),
            (crate::inference::ENCODER_CONFIG_FILE, encoder.shape_json()),
            (crate::inference::TOKENIZER_FILE, encoder.tokenizer().to_json().unwrap().into_bytes()),
        ];
        blend::write_files(&dir.path().join(name), manifest, &files)
    };
    let bundle = write("modern", Architecture::ModernBert);
    let classifier = load(&bundle).unwrap();
    let document = ANALYZER.analyze(TEXTS[0]);
    assert_eq!(
        classifier.classify(&document),
        classifier.classify_all(std::slice::from_ref(&document))[0]
    );
    assert_eq!(classifier.embed(&document).unwrap().len(), 32);
    let again = PlainEncoder::from_bundle(&bundle).unwrap();
    assert_eq!(again.pack(&heads), encoder.pack(&heads));
    let text = fs::read_to_string(bundle.path().join("bundle.toml")).unwrap();
    assert!(text.contains("architecture = \"modern_bert\""), "{text}");
    let error = load(&write("wrong", Architecture::Bert)).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("`encoder.json`"), "{error}");
}

/// What is said of a folder that `break_it` has broken.
fn refusal(write: impl Fn(&Path), break_it: impl Fn(&Path)) -> String {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path());
    break_it(dir.path());
    PlainEncoder::read(dir.path()).unwrap_err().to_string()
}

fn set(key: &'static str, value: Value) -> impl Fn(&Path) {
    move |dir| {
        let path = dir.join(CONFIG_FILE);
        let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        match &value {
            Value::Null => drop(config.as_object_mut().unwrap().remove(key)),
            value => config[key] = value.clone(),
        }
        fs::write(path, config.to_string()).unwrap();
    }
}

#[test]
fn broken_folders_of_each_family_are_refused_by_name() {
    let modern = |dir: &Path| drop(write_modern(dir));
    let distil = |dir: &Path| drop(write_distil(dir, |_| true));
    let check = |message: &str, expected: &str| assert!(message.contains(expected), "{message}");
    check(&refusal(modern, set("global_rope_theta", Value::Null)), "has no `global_rope_theta`");
    check(&refusal(modern, set("mlp_bias", json!(true))), "has `mlp_bias`, which is not");
    check(&refusal(modern, set("hidden_activation", json!("relu"))), "`hidden_activation` `relu`");
    check(&refusal(modern, set("num_attention_heads", json!(3))), "between 3 heads");
    check(
        &refusal(modern, set("num_hidden_layers", json!(5))),
        "has no tensor `layers.4.attn_norm.weight`",
    );
    check(&refusal(modern, set("intermediate_size", json!(50))), "of shape [96, 32] instead of");
    check(&refusal(modern, set("model_type", json!("bert"))), "a `ModernBertForMaskedLM`, which");
    check(&refusal(distil, set("dim", Value::Null)), "has no `dim`");
    check(&refusal(distil, set("activation", json!("relu"))), "`activation` `relu`");
    check(&refusal(distil, set("model_type", json!("albert"))), "is of type `albert`; known are");
    let part = |dir: &Path| drop(write_distil(dir, |name| !name.contains("1.ffn.lin2.bias")));
    check(&refusal(part, |_| ()), "has no tensor `transformer.layer.1.ffn.lin2.bias`");
    let cut = |dir: &Path| {
        let path = dir.join(FOLDER_WEIGHTS_FILE);
        let bytes = fs::read(&path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    };
    for message in [refusal(modern, cut), refusal(distil, cut)] {
        check(&message, "is no complete safetensors file");
    }
}

#[test]
fn the_class_counts_where_the_type_is_missing_and_the_tokenizer_never_does() {
    let dir = tempfile::tempdir().unwrap();
    write_distil(dir.path(), |_| true);
    set("model_type", Value::Null)(dir.path());
    PlainEncoder::read(dir.path()).unwrap();
    set("architectures", json!(["AlbertModel"]))(dir.path());
    let error = PlainEncoder::read(dir.path()).unwrap_err().to_string();
    assert!(error.contains("has no `model_type` and is a `AlbertModel`"), "{error}");
    // A BERT with the tokenizer of XLM-R, as multilingual E5 is: positions count from zero.
    let dir = tempfile::tempdir().unwrap();
    tiny::write(dir.path());
    set("tokenizer_class", json!("XLMRobertaTokenizer"))(dir.path());
    set("architectures", json!(["BertModel"]))(dir.path());
    assert_eq!(EncoderFolder::read(dir.path()).unwrap().config.first_position, 0);
}
