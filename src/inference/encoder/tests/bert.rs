//! The definition against that of candle-transformers, and the fused layers against the
//! definition: what they compute, their gradients, and finite differences.

use std::{collections::HashMap, path::Path};

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::BertModel;

use super::tiny;
use crate::inference::encoder::{Batch, Bert, Drops, EncoderConfig, Packed, Parameters, mean_pool};

const DROPS: Drops = Drops { seed: 5, hidden: 0.2, attention: 0.3 };

fn tiny_bert() -> Bert {
    let config = tiny::config();
    Bert::from_parameters(&config, &tiny::parameters(&config), &Device::Cpu).unwrap()
}

/// Texts of odd, even, least and largest length, more tokens than are computed at once.
fn texts() -> Vec<Vec<u32>> {
    let short = [vec![2, 4, 5, 6, 7, 8, 9, 3], vec![2, 10, 3], vec![2]];
    let long = (34..40).map(|len| (0..len).map(|n| n * len % 14).collect());
    short.into_iter().chain(long).collect()
}

fn batch() -> Batch {
    let texts = texts();
    Batch::new(texts.iter().map(Vec::as_slice))
}

/// The length of the difference, as a share of the length of the second.
fn distance(a: &Tensor, b: &Tensor) -> f32 {
    let length = |tensor: Tensor| tensor.sqr()?.sum_all()?.sqrt()?.to_scalar::<f32>();
    let difference = a.sub(b).and_then(length).unwrap();
    difference / length(b.clone()).unwrap()
}

/// The vectors of the last layer by candle-transformers, text by text.
fn oracle(config: &EncoderConfig, parameters: &Parameters, texts: &[Vec<u32>]) -> Tensor {
    let tensors = parameters.iter().map(|(name, it)| {
        let tensor = Tensor::from_slice(&it.values, it.shape.as_slice(), &Device::Cpu);
        (name.to_owned(), tensor.unwrap())
    });
    let tensors: HashMap<String, Tensor> = tensors.collect();
    let source = serde_json::json!({
        "vocab_size": config.vocab_size, "hidden_size": config.hidden_size,
        "num_hidden_layers": config.n_layers, "num_attention_heads": config.n_heads,
        "intermediate_size": config.intermediate_size, "hidden_act": "gelu",
        "hidden_dropout_prob": 0.0, "max_position_embeddings": config.max_tokens,
        "type_vocab_size": config.n_segments, "initializer_range": 0.02,
        "layer_norm_eps": config.layer_norm_eps, "pad_token_id": 0, "model_type": "bert",
    });
    let weights = VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu);
    let model = BertModel::load(weights, &serde_json::from_value(source).unwrap()).unwrap();
    let vectors = texts.iter().map(|ids| {
        let ids = Tensor::new(ids.as_slice(), &Device::Cpu)?.unsqueeze(0)?;
        model.forward(&ids, &ids.zeros_like()?, None)?.squeeze(0)
    });
    Tensor::cat(&vectors.collect::<Result<Vec<_>>>().unwrap(), 0).unwrap()
}

/// A number that depends on every vector.
fn loss(vectors: &Tensor, batch: &Batch) -> Result<Tensor> {
    let pooled = mean_pool(vectors, batch)?;
    let mut noise = tiny::noise(9);
    let factors: Vec<f32> = (0..pooled.elem_count()).map(|_| noise()).collect();
    pooled.mul(&Tensor::from_vec(factors, pooled.shape(), &Device::Cpu)?)?.sum_all()
}

fn fused(bert: &Bert, n_trained: usize, drops: Drops) -> Result<Tensor> {
    by(bert, &bert.pack(n_trained)?, drops)
}

fn by(bert: &Bert, packed: &Packed, drops: Drops) -> Result<Tensor> {
    let vectors = bert.embed(bert.words(), &batch(), drops)?;
    bert.forward_packed(packed, &vectors, &batch(), drops)
}

#[test]
fn the_definition_agrees_with_candle_transformers() {
    let expected = oracle(&tiny::config(), &tiny::parameters(&tiny::config()), &texts());
    let found = tiny_bert().forward(&batch(), Drops::default()).unwrap();
    assert!(distance(&found, &expected) < 1e-5);
}

#[test]
fn fused_layers_agree_with_the_definition() {
    let bert = tiny_bert();
    for drops in [Drops::default(), DROPS] {
        let expected = bert.forward(&batch(), drops).unwrap();
        for n_trained in [0, 2] {
            let distance = distance(&fused(&bert, n_trained, drops).unwrap(), &expected);
            assert!(distance < 1e-2, "{distance}");
        }
    }
}

#[test]
fn gradients_of_fused_layers_agree_with_those_of_stock_candle() {
    let mut bert = tiny_bert();
    let mut variables = bert.train_layers(2).unwrap();
    variables.extend(bert.train_embeddings().unwrap());
    for drops in [Drops::default(), DROPS] {
        let stock = bert.forward(&batch(), drops).unwrap();
        let stock = loss(&stock, &batch()).unwrap().backward().unwrap();
        let ours = fused(&bert, 2, drops).unwrap();
        let ours = loss(&ours, &batch()).unwrap().backward().unwrap();
        for variable in &variables {
            let of = |gradients: &candle_core::backprop::GradStore| {
                gradients.get(variable).expect("every variable has one").clone()
            };
            let distance = distance(&of(&ours), &of(&stock));
            assert!(distance < 3e-2, "{distance} for {:?}", variable.shape());
        }
    }
}

#[test]
fn gradients_of_fused_layers_agree_with_finite_differences() {
    let mut bert = tiny_bert();
    let variables = bert.train_layers(2).unwrap();
    let ours = fused(&bert, 2, DROPS).unwrap();
    let gradients = loss(&ours, &batch()).unwrap().backward().unwrap();
    // Uphill by a random half of the directions, then by the others, so that each counts alone.
    for (variable, half) in variables.iter().flat_map(|it| [(it, true), (it, false)]) {
        let gradient = gradients.get(variable).unwrap();
        let mut noise = tiny::noise(3);
        let chosen = |_| f32::from(u8::from((0.0 < noise()) == half));
        let chosen: Vec<f32> = (0..gradient.elem_count()).map(chosen).collect();
        let chosen = Tensor::from_vec(chosen, gradient.shape(), &Device::Cpu).unwrap();
        let gradient = (gradient * chosen).unwrap();
        let square = gradient.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap();
        let start = variable.as_tensor().copy().unwrap();
        // By so much that 16 bits can tell, and so little that the slope stays the same.
        let step = 0.05 / square.sqrt();
        let at = |sign: f32| {
            let way = (&gradient * f64::from(sign * step)).unwrap();
            variable.set(&start.add(&way).unwrap()).unwrap();
            let vectors = fused(&bert, 2, DROPS).unwrap();
            loss(&vectors, &batch()).unwrap().to_scalar::<f32>().unwrap()
        };
        let slope = (at(1.0) - at(-1.0)) / (2.0 * step);
        variable.set(&start).unwrap();
        assert!((slope / square - 1.0).abs() < 0.05, "{slope} {square}");
    }
}

#[test]
fn frozen_layers_get_no_gradient_and_the_others_keep_theirs() {
    let mut bert = tiny_bert();
    let all = bert.train_layers(2).unwrap();
    let below = bert.train_embeddings().unwrap();
    let gradients = |packed: &Packed| {
        let vectors = by(&bert, packed, DROPS).unwrap();
        loss(&vectors, &batch()).unwrap().backward().unwrap()
    };
    for (whole, top) in
        [(bert.pack(2).unwrap(), bert.pack(1).unwrap()), (Packed::plain(2), Packed::plain(1))]
    {
        let (whole, top) = (gradients(&whole), gradients(&top));
        assert!(top.get(&all[1]).is_none());
        assert!(below.iter().all(|it| top.get(it).is_none() && whole.get(it).is_some()));
        let distance = distance(top.get(&all[0]).unwrap(), whole.get(&all[0]).unwrap());
        assert!(distance < 1e-6, "{distance}");
    }
}

#[test]
fn an_encoder_gives_its_weights_back() {
    let mut expected: HashMap<String, Vec<f32>> = HashMap::new();
    let parameters = tiny::parameters(&tiny::config());
    for (name, parameter) in parameters.iter() {
        expected.insert(name.to_owned(), parameter.values.clone());
    }
    // All segments are the first one's now: no other is ever used.
    let segments = "embeddings.token_type_embeddings.weight";
    expected.insert(segments.to_owned(), parameters.get(segments)[..64].repeat(2));
    for (name, parameter) in tiny_bert().to_parameters().unwrap().iter() {
        assert_eq!(parameter.values, expected[name], "{name}");
    }
}

#[test]
fn the_folder_that_a_variable_names_agrees_too() {
    #[expect(clippy::disallowed_methods, reason = "a folder that is too large for the repository")]
    let Ok(dir) = std::env::var("FENZHEN_TEST_ENCODER") else { return };
    let folder = crate::inference::encoder::EncoderFolder::read(Path::new(&dir)).unwrap();
    let texts =
        ["退款三天了还没到账，客服一直不回。", "味道不错", "收到的奶粉有异味，孩子喝了住院！"];
    let texts: Vec<Vec<u32>> =
        texts.iter().map(|text| folder.tokenizer.encode(text).unwrap().ids).collect();
    let batch = Batch::new(texts.iter().map(Vec::as_slice));
    let bert = Bert::from_parameters(&folder.config, &folder.parameters, &Device::Cpu).unwrap();
    let expected = oracle(&folder.config, &folder.parameters, &texts);
    let plain = bert.forward(&batch, Drops::default()).unwrap();
    assert!(distance(&plain, &expected) < 1e-4);
    let vectors = bert.embed(bert.words(), &batch, Drops::default()).unwrap();
    let packed = bert.pack(0).unwrap();
    let fused = bert.forward_packed(&packed, &vectors, &batch, Drops::default()).unwrap();
    assert!(distance(&fused, &expected) < 2e-2);
}
