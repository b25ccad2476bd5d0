//! The weights of an encoder as 32-bit numbers under one set of names, whatever dialect of the
//! layout the file was written in. Other tensors of the file (poolers, heads) are left alone.

use std::{collections::BTreeMap, path::Path};

use half::{bf16, f16};
use safetensors::{
    Dtype, SafeTensors,
    tensor::{TensorView, serialize},
};

use crate::inference::encoder::config::EncoderConfig;
use crate::inference::encoder::error::Error;

/// The name of the file.
pub const WEIGHTS_FILE: &str = "model.safetensors";

/// What may stand before the names of the encoder's own tensors.
const PREFIXES: [&str; 5] = ["", "bert.", "roberta.", "distilbert.", "model."];

/// What BERT and `DistilBERT` call the parts of a layer.
const OF_DISTIL: [(&str, &str); 8] = [
    ("attention.self.query", "attention.q_lin"),
    ("attention.self.key", "attention.k_lin"),
    ("attention.self.value", "attention.v_lin"),
    ("attention.output.dense", "attention.out_lin"),
    ("attention.output.LayerNorm", "sa_layer_norm"),
    ("intermediate.dense", "ffn.lin1"),
    ("output.dense", "ffn.lin2"),
    ("output.LayerNorm", "output_layer_norm"),
];

/// The one tensor that `DistilBERT` does without.
const SEGMENTS: &str = "embeddings.token_type_embeddings.weight";

/// One tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its values, row by row.
    pub values: Vec<f32>,
}

/// The weights of an encoder by name: `embeddings.word_embeddings.weight`,
/// `encoder.layer.0.attention.self.query.weight` and so on.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters(BTreeMap<String, Parameter>);

impl Parameters {
    /// Reads the bytes of a weight file; `path` is for messages. Every tensor that an encoder of
    /// this shape needs is there, has its shape and holds numbers.
    pub fn parse(bytes: &[u8], config: &EncoderConfig, path: &Path) -> Result<Self, Error> {
        let file = open(bytes, path)?;
        let is_distil = file.names().iter().any(|name| name.contains("transformer.layer."));
        if !is_distil {
            return Self::read(&file, shapes(config), path);
        }
        // A DistilBERT is a BERT whose only segment adds nothing.
        let needed = shapes(config).into_iter().filter(|(name, _)| name != SEGMENTS);
        let needed = needed.map(|(name, shape)| (distil_name(&name), shape)).collect();
        let Self(mut theirs) = Self::read(&file, needed, path)?;
        let ours = shapes(config).into_iter().map(|(name, shape)| {
            let n_values = shape.iter().product();
            let found = theirs.remove(&distil_name(&name));
            (name, found.unwrap_or_else(|| Parameter { shape, values: vec![0.0; n_values] }))
        });
        Ok(Self(ours.collect()))
    }

    /// Reads the tensors of these names and shapes, of which the first is that of the words.
    pub(super) fn parse_shapes(
        bytes: &[u8],
        shapes: Vec<(String, Vec<usize>)>,
        path: &Path,
    ) -> Result<Self, Error> {
        Self::read(&open(bytes, path)?, shapes, path)
    }

    fn read(
        file: &SafeTensors<'_>,
        shapes: Vec<(String, Vec<usize>)>,
        path: &Path,
    ) -> Result<Self, Error> {
        let names: BTreeMap<String, &str> =
            file.names().into_iter().map(|name| (current_name(name), name)).collect();
        let words = &shapes[0].0;
        let is_prefix = |prefix: &&str| names.contains_key(&format!("{prefix}{words}"));
        let prefix = PREFIXES.into_iter().find(is_prefix).unwrap_or_default();
        let mut mistakes = Vec::new();
        let mut parameters = BTreeMap::new();
        for (name, shape) in shapes {
            let found = names.get(&format!("{prefix}{name}"));
            let view = found.map(|name| file.tensor(name).expect("the name comes from the file"));
            match read(&name, view.as_ref(), shape) {
                Ok(parameter) => {
                    parameters.insert(name, parameter);
                }
                Err(mistake) => mistakes.push(mistake),
            }
        }
        if mistakes.is_empty() {
            return Ok(Self(parameters));
        }
        // A file of another model lacks everything; the first few say so as well as 200.
        let n_mistakes = mistakes.len();
        if 8 < n_mistakes {
            mistakes.truncate(8);
            mistakes.push(format!("… and {} more", n_mistakes - 8));
        }
        Err(Error::Mistakes { path: path.to_owned(), mistakes })
    }

    /// Weights that somebody has computed: every tensor that an encoder of this shape needs.
    ///
    /// # Panics
    /// When one is missing or has another number of values.
    pub fn new(config: &EncoderConfig, mut values: impl FnMut(&str) -> Vec<f32>) -> Self {
        Self::of_shapes(shapes(config), |name, _| values(name))
    }

    /// Weights of these names and shapes.
    pub(super) fn of_shapes(
        shapes: Vec<(String, Vec<usize>)>,
        mut values: impl FnMut(&str, &[usize]) -> Vec<f32>,
    ) -> Self {
        let parameter = |(name, shape): (String, Vec<usize>)| {
            let values = values(&name, &shape);
            assert_eq!(values.len(), shape.iter().product::<usize>(), "{name}");
            (name, Parameter { shape, values })
        };
        Self(shapes.into_iter().map(parameter).collect())
    }

    /// The file's bytes, in 16 bits where `half` says so.
    pub fn to_bytes(&self, half: bool) -> Vec<u8> {
        let dtype = if half { Dtype::F16 } else { Dtype::F32 };
        let bytes = |values: &[f32]| -> Vec<u8> {
            if half {
                values.iter().flat_map(|&value| f16::from_f32(value).to_le_bytes()).collect()
            } else {
                values.iter().flat_map(|value| value.to_le_bytes()).collect()
            }
        };
        let data: Vec<_> =
            self.0.iter().map(|(name, it)| (name, &it.shape, bytes(&it.values))).collect();
        let views = data.iter().map(|(name, shape, bytes)| {
            let view = TensorView::new(dtype, (*shape).clone(), bytes);
            (name.as_str(), view.expect("the shape is the data's own"))
        });
        serialize(views, None).expect("plain tensors have no offset overflow")
    }

    /// The values of a tensor.
    ///
    /// # Panics
    /// When no encoder has a tensor of this name.
    pub fn get(&self, name: &str) -> &[f32] {
        &self.0[name].values
    }

    /// All tensors by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Parameter)> {
        self.0.iter().map(|(name, parameter)| (name.as_str(), parameter))
    }
}

/// The names and shapes of all tensors of an encoder.
fn shapes(config: &EncoderConfig) -> Vec<(String, Vec<usize>)> {
    let EncoderConfig { hidden_size: hidden, intermediate_size: inner, .. } = *config;
    let n_positions = config.max_tokens + config.first_position;
    let mut shapes = vec![
        ("embeddings.word_embeddings.weight".to_owned(), vec![config.vocab_size, hidden]),
        ("embeddings.position_embeddings.weight".to_owned(), vec![n_positions, hidden]),
        ("embeddings.token_type_embeddings.weight".to_owned(), vec![config.n_segments, hidden]),
        ("embeddings.LayerNorm.weight".to_owned(), vec![hidden]),
        ("embeddings.LayerNorm.bias".to_owned(), vec![hidden]),
    ];
    for layer in 0..config.n_layers {
        let mut add = |part: &str, n_outputs: usize, n_inputs: Option<usize>| {
            let name = format!("encoder.layer.{layer}.{part}");
            let weight: Vec<usize> = [n_outputs].into_iter().chain(n_inputs).collect();
            shapes.push((format!("{name}.weight"), weight));
            shapes.push((format!("{name}.bias"), vec![n_outputs]));
        };
        add("attention.self.query", hidden, Some(hidden));
        add("attention.self.key", hidden, Some(hidden));
        add("attention.self.value", hidden, Some(hidden));
        add("attention.output.dense", hidden, Some(hidden));
        add("attention.output.LayerNorm", hidden, None);
        add("intermediate.dense", inner, Some(hidden));
        add("output.dense", hidden, Some(inner));
        add("output.LayerNorm", hidden, None);
    }
    shapes
}

fn open<'b>(bytes: &'b [u8], path: &Path) -> Result<SafeTensors<'b>, Error> {
    SafeTensors::deserialize(bytes).map_err(|error| Error::File {
        path: path.to_owned(),
        why: format!("is no complete safetensors file ({error}); fetch it again"),
    })
}

/// What `DistilBERT` calls a tensor of BERT.
fn distil_name(name: &str) -> String {
    let Some(rest) = name.strip_prefix("encoder.layer.") else { return name.to_owned() };
    let (layer, part) = rest.split_once('.').expect("a layer has a number");
    let (part, kind) = part.rsplit_once('.').expect("a part has weights and biases");
    let renamed = OF_DISTIL.iter().find(|(ours, _)| *ours == part).map_or(part, |(_, it)| it);
    format!("transformer.layer.{layer}.{renamed}.{kind}")
}

/// The first BERT called the two halves of layer normalization gamma and beta.
fn current_name(name: &str) -> String {
    match name.rsplit_once('.') {
        Some((rest, "gamma")) => format!("{rest}.weight"),
        Some((rest, "beta")) => format!("{rest}.bias"),
        _ => name.to_owned(),
    }
}

fn read(name: &str, view: Option<&TensorView<'_>>, shape: Vec<usize>) -> Result<Parameter, String> {
    let Some(view) = view else { return Err(format!("has no tensor `{name}`")) };
    if view.shape() != shape {
        let found = view.shape();
        return Err(format!("has tensor `{name}` of shape {found:?} instead of {shape:?}"));
    }
    let halves = || view.data().as_chunks::<2>().0.iter();
    let values: Vec<f32> = match view.dtype() {
        Dtype::F32 => {
            let (chunks, _) = view.data().as_chunks::<4>();
            chunks.iter().map(|&chunk| f32::from_le_bytes(chunk)).collect()
        }
        Dtype::F16 => halves().map(|&chunk| f16::from_le_bytes(chunk).to_f32()).collect(),
        Dtype::BF16 => halves().map(|&chunk| bf16::from_le_bytes(chunk).to_f32()).collect(),
        other => return Err(format!("has tensor `{name}` of type {other:?}, which is no float")),
    };
    if !values.iter().all(|value| value.is_finite()) {
        return Err(format!("has tensor `{name}` with values that are no numbers"));
    }
    Ok(Parameter { shape, values })
}
