//! `encoder.safetensors`: the weights of an encoder and its heads, as bundles hold them: in 8 bits
//! what we compute ourselves, in 16 what candle-transformers does.
//! Plain row-major tensors; the order in which this CPU wants them is made when they are loaded.

use std::collections::BTreeMap;

use half::f16;
use safetensors::{
    Dtype, SafeTensors,
    tensor::{TensorView, serialize},
};

use crate::inference::Error;
use crate::inference::encoder::modern::ModernConfig;
use crate::inference::encoder::{EncoderConfig, Parameters};

/// What stands before the names of the tensors of a `ModernBERT`.
const MODERN: &str = "modern_bert.";

/// The name of the file with the weights of an encoder and its heads.
pub const ENCODER_FILE: &str = "encoder.safetensors";

/// The name of the file with the shape of the encoder: an [`EncoderConfig`] or a [`ModernConfig`]
/// as JSON.
pub const ENCODER_CONFIG_FILE: &str = "encoder.json";

/// One dense layer from the vector of a text to every output of every head.
#[derive(Clone, Debug, PartialEq)]
pub struct EncoderHeads {
    /// What is taken away from each dimension of the vector.
    pub means: Vec<f32>,
    /// What each dimension is divided by after that.
    pub deviations: Vec<f32>,
    /// A row per output, heads in the taxonomy's order.
    pub weights: Vec<f32>,
    /// One per output.
    pub biases: Vec<f32>,
}

/// The bytes of [`ENCODER_FILE`]; the same for the same weights.
///
/// Each row of a matrix gets a scale of its own, so that its largest weight is 127 steps; so does
/// each word. Queries are scaled for attention, and positions get the first segment's vector.
///
/// # Panics
/// When the lengths in `heads` do not fit the encoder.
pub fn pack(config: &EncoderConfig, parameters: &Parameters, heads: &EncoderHeads) -> Vec<u8> {
    let hidden = config.hidden_size;
    let n_outputs = heads.biases.len();
    assert_eq!(heads.means.len(), hidden, "one mean per dimension");
    assert_eq!(heads.deviations.len(), hidden, "one deviation per dimension");
    assert_eq!(heads.weights.len(), n_outputs * hidden, "one row of weights per output");
    let mut file = Writer::default();
    file.add_rows("embeddings.words", parameters.get("embeddings.word_embeddings.weight"), hidden);
    let segment = &parameters.get("embeddings.token_type_embeddings.weight")[..hidden];
    let positions = parameters.get("embeddings.position_embeddings.weight");
    let positions = positions.chunks(hidden).skip(config.first_position).take(config.max_tokens);
    let positions: Vec<f32> =
        positions.flat_map(|row| row.iter().zip(segment).map(|(a, b)| a + b)).collect();
    file.add("embeddings.positions", vec![config.max_tokens, hidden], &positions);
    let norm = |file: &mut Writer, name: &str, source: &str| {
        let of = |part: &str| parameters.get(&format!("{source}.{part}"));
        file.add(&format!("{name}.scales"), vec![hidden], of("weight"));
        file.add(&format!("{name}.shifts"), vec![hidden], of("bias"));
    };
    norm(&mut file, "embeddings.norm", "embeddings.LayerNorm");
    for layer in 0..config.n_layers {
        let (name, source) = (format!("layers.{layer}"), format!("encoder.layer.{layer}"));
        let projection = |part: &str| {
            let factor = (config.head_size() as f32).sqrt().recip();
            let query = parameters.get(&format!("{source}.attention.self.query.{part}"));
            let mut values: Vec<f32> = query.iter().map(|value| value * factor).collect();
            for other in ["key", "value"] {
                values.extend(parameters.get(&format!("{source}.attention.self.{other}.{part}")));
            }
            values
        };
        let at = format!("{name}.attention.projection");
        file.add_rows(&at, &projection("weight"), hidden);
        file.add(&format!("{at}.biases"), vec![3 * hidden], &projection("bias"));
        for (at, source, n_inputs) in [
            ("attention.output", "attention.output.dense", hidden),
            ("inner", "intermediate.dense", hidden),
            ("outer", "output.dense", config.intermediate_size),
        ] {
            let of = |part: &str| parameters.get(&format!("encoder.layer.{layer}.{source}.{part}"));
            file.add_rows(&format!("{name}.{at}"), of("weight"), n_inputs);
            file.add(&format!("{name}.{at}.biases"), vec![of("bias").len()], of("bias"));
        }
        let source = format!("encoder.layer.{layer}");
        norm(
            &mut file,
            &format!("{name}.attention.norm"),
            &format!("{source}.attention.output.LayerNorm"),
        );
        norm(&mut file, &format!("{name}.norm"), &format!("{source}.output.LayerNorm"));
    }
    file.add_heads(heads);
    file.finish()
}

/// The bytes of [`ENCODER_FILE`] for a `ModernBERT`: its weights in 16 bits, the heads in 32.
pub(super) fn pack_modern(parameters: &Parameters, heads: &EncoderHeads) -> Vec<u8> {
    let mut file = Writer::default();
    for (name, parameter) in parameters.iter() {
        let halves = parameter.values.iter().flat_map(|&it| f16::from_f32(it).to_le_bytes());
        let name = format!("{MODERN}{name}");
        file.tensors.push((name, Dtype::F16, parameter.shape.clone(), halves.collect()));
    }
    file.add_heads(heads);
    file.finish()
}

/// The weights that [`pack_modern`] has written.
pub(super) fn unpack_modern(file: &[u8], config: &ModernConfig) -> Result<Parameters, Error> {
    let file = Reader::new(file)?;
    let mut failure = None;
    let parameters = Parameters::of_shapes(config.shapes(), |name, shape| {
        file.halves(&format!("{MODERN}{name}"), shape).unwrap_or_else(|error| {
            failure.get_or_insert(error);
            vec![0.0; shape.iter().product()]
        })
    });
    failure.map_or(Ok(parameters), Err)
}

impl EncoderHeads {
    /// The heads in the bytes of [`ENCODER_FILE`].
    pub(super) fn read(file: &Reader<'_>, hidden: usize) -> Result<Self, Error> {
        let n_outputs = file.len_of("heads.biases")?;
        let heads = Self {
            means: file.numbers("heads.means", &[hidden])?,
            deviations: file.numbers("heads.deviations", &[hidden])?,
            weights: file.numbers("heads.weights", &[n_outputs, hidden])?,
            biases: file.numbers("heads.biases", &[n_outputs])?,
        };
        if heads.deviations.contains(&0.0) {
            let why = "has a deviation of zero, which nothing can be divided by";
            return Err(wrong("heads.deviations", why));
        }
        Ok(heads)
    }

    /// How scores change with the vector: `weight` of an output times its score, added up over
    /// `outputs`, is the product of the vector, less the means, with the result.
    pub(super) fn gradient(&self, outputs: impl Iterator<Item = (usize, f32)>) -> Vec<f32> {
        let hidden = self.means.len();
        let mut gradient = vec![0.0; hidden];
        for (output, weight) in outputs {
            let row = &self.weights[output * hidden..][..hidden];
            for ((sum, value), deviation) in gradient.iter_mut().zip(row).zip(&self.deviations) {
                *sum += weight * value / deviation;
            }
        }
        gradient
    }

    /// The score of every output for a vector, heads in the taxonomy's order.
    pub fn scores(&self, pooled: &[f32]) -> Vec<f32> {
        let Self { means, deviations, weights, biases } = self;
        let lines = pooled.iter().zip(means.iter().zip(deviations));
        let standard: Vec<f32> = lines.map(|(x, (mean, scale))| (x - mean) / scale).collect();
        let rows = weights.chunks_exact(standard.len()).zip(biases);
        let product = |row: &[f32]| row.iter().zip(&standard).map(|(a, b)| a * b).sum::<f32>();
        rows.map(|(row, bias)| product(row) + bias).collect()
    }
}

/// The weights in the bytes of [`ENCODER_FILE`], as far as 8 bits have kept them: packed once more,
/// they are the same.
pub fn unpack(file: &[u8], config: &EncoderConfig) -> Result<Parameters, Error> {
    let file = Reader::new(file)?;
    let (hidden, inner) = (config.hidden_size, config.intermediate_size);
    let mut tensors = Tensors::new();
    let words = file.rows("embeddings.words", config.vocab_size, hidden)?;
    tensors.insert("embeddings.word_embeddings.weight".to_owned(), words.to_numbers(hidden));
    // The first segment's vector is part of the positions by now; all of our tokens have it.
    let segments = vec![0.0; config.n_segments * hidden];
    tensors.insert("embeddings.token_type_embeddings.weight".to_owned(), segments);
    let mut positions = vec![0.0; config.first_position * hidden];
    positions.extend(file.numbers("embeddings.positions", &[config.max_tokens, hidden])?);
    tensors.insert("embeddings.position_embeddings.weight".to_owned(), positions);
    let norm = |tensors: &mut Tensors, name: &str, source: &str| -> Result<(), Error> {
        let of = |part: &str| file.numbers(&format!("{source}.{part}"), &[hidden]);
        tensors.insert(format!("{name}.weight"), of("scales")?);
        tensors.insert(format!("{name}.bias"), of("shifts")?);
        Ok(())
    };
    norm(&mut tensors, "embeddings.LayerNorm", "embeddings.norm")?;
    for layer in 0..config.n_layers {
        let (name, source) = (format!("encoder.layer.{layer}"), format!("layers.{layer}"));
        let at = format!("{source}.attention.projection");
        let weights = file.rows(&at, 3 * hidden, hidden)?.to_numbers(hidden);
        let biases = file.numbers(&format!("{at}.biases"), &[3 * hidden])?;
        for (values, part) in [(weights, "weight"), (biases, "bias")] {
            let factors = [(config.head_size() as f32).sqrt(), 1.0, 1.0];
            let thirds = values.chunks_exact(values.len() / 3).zip(factors);
            for ((values, factor), of) in thirds.zip(["query", "key", "value"]) {
                let values = values.iter().map(|value| value * factor).collect();
                tensors.insert(format!("{name}.attention.self.{of}.{part}"), values);
            }
        }
        for (at, of, [n_outputs, n_inputs]) in [
            ("attention.output", "attention.output.dense", [hidden, hidden]),
            ("inner", "intermediate.dense", [inner, hidden]),
            ("outer", "output.dense", [hidden, inner]),
        ] {
            let at = format!("{source}.{at}");
            let weights = file.rows(&at, n_outputs, n_inputs)?.to_numbers(n_inputs);
            tensors.insert(format!("{name}.{of}.weight"), weights);
            let biases = file.numbers(&format!("{at}.biases"), &[n_outputs])?;
            tensors.insert(format!("{name}.{of}.bias"), biases);
        }
        let of_attention = format!("{name}.attention.output.LayerNorm");
        norm(&mut tensors, &of_attention, &format!("{source}.attention.norm"))?;
        norm(&mut tensors, &format!("{name}.output.LayerNorm"), &format!("{source}.norm"))?;
    }
    Ok(Parameters::new(config, |name| tensors.remove(name).expect("every tensor was read")))
}

type Tensors = BTreeMap<String, Vec<f32>>;

/// Collects tensors.
#[derive(Default)]
struct Writer {
    tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)>,
}

impl Writer {
    fn add(&mut self, name: &str, shape: Vec<usize>, values: &[f32]) {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensors.push((name.to_owned(), Dtype::F32, shape, bytes));
    }

    /// A matrix in 8 bits, with its scales beside it.
    fn add_rows(&mut self, name: &str, values: &[f32], width: usize) {
        let n_rows = values.len() / width;
        let (mut bytes, mut scales) =
            (Vec::with_capacity(values.len()), Vec::with_capacity(n_rows));
        for row in values.chunks_exact(width) {
            let largest = row.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
            let scale = largest.max(1e-20) / 127.0;
            scales.push(scale);
            bytes.extend(row.iter().map(|value| ((value / scale).round() as i8).cast_unsigned()));
        }
        self.tensors.push((name.to_owned(), Dtype::I8, vec![n_rows, width], bytes));
        self.add(&format!("{name}.scales"), vec![n_rows], &scales);
    }

    fn add_heads(&mut self, heads: &EncoderHeads) {
        let (n_outputs, hidden) = (heads.biases.len(), heads.means.len());
        self.add("heads.means", vec![hidden], &heads.means);
        self.add("heads.deviations", vec![hidden], &heads.deviations);
        self.add("heads.weights", vec![n_outputs, hidden], &heads.weights);
        self.add("heads.biases", vec![n_outputs], &heads.biases);
    }

    fn finish(self) -> Vec<u8> {
        let views = self.tensors.iter().map(|(name, dtype, shape, bytes)| {
            let view = TensorView::new(*dtype, shape.clone(), bytes);
            (name.as_str(), view.expect("the shape is the data's own"))
        });
        serialize(views, None).expect("plain tensors have no offset overflow")
    }
}

/// Reads tensors and checks what they are.
pub(super) struct Reader<'f> {
    file: SafeTensors<'f>,
}

/// A matrix in 8 bits with a scale per row.
#[derive(Clone, Debug)]
pub(super) struct PackedRows {
    pub(super) values: Vec<i8>,
    pub(super) scales: Vec<f32>,
}

impl PackedRows {
    fn to_numbers(&self, width: usize) -> Vec<f32> {
        let rows = self.values.chunks_exact(width).zip(&self.scales);
        rows.flat_map(|(row, scale)| row.iter().map(move |&it| f32::from(it) * scale)).collect()
    }
}

impl<'f> Reader<'f> {
    pub(super) fn new(bytes: &'f [u8]) -> Result<Self, Error> {
        let file = SafeTensors::deserialize(bytes).map_err(|e| Error::Format(e.to_string()))?;
        Ok(Self { file })
    }

    /// Numbers of this shape, all of them finite.
    pub(super) fn numbers(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, Error> {
        let (chunks, _) = self.tensor(name, Dtype::F32, shape)?.as_chunks::<4>();
        let values: Vec<f32> = chunks.iter().map(|&chunk| f32::from_le_bytes(chunk)).collect();
        if !values.iter().all(|value| value.is_finite()) {
            return Err(wrong(name, "has a value that is no number"));
        }
        Ok(values)
    }

    /// Numbers of this shape in 16 bits, all of them finite.
    fn halves(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, Error> {
        let (chunks, _) = self.tensor(name, Dtype::F16, shape)?.as_chunks::<2>();
        let values: Vec<f32> =
            chunks.iter().map(|&chunk| f16::from_le_bytes(chunk).to_f32()).collect();
        if !values.iter().all(|value| value.is_finite()) {
            return Err(wrong(name, "has a value that is no number"));
        }
        Ok(values)
    }

    /// The length of a list.
    pub(super) fn len_of(&self, name: &str) -> Result<usize, Error> {
        let found = self.file.tensor(name).map_err(|_| wrong(name, "is missing"))?;
        Ok(found.shape().iter().product())
    }

    /// A matrix in 8 bits.
    pub(super) fn rows(
        &self,
        name: &str,
        n_rows: usize,
        width: usize,
    ) -> Result<PackedRows, Error> {
        let bytes = self.tensor(name, Dtype::I8, &[n_rows, width])?;
        let scales = self.numbers(&format!("{name}.scales"), &[n_rows])?;
        Ok(PackedRows { values: bytes.iter().map(|byte| byte.cast_signed()).collect(), scales })
    }

    fn tensor(&self, name: &str, dtype: Dtype, shape: &[usize]) -> Result<&'f [u8], Error> {
        let found = self.file.tensor(name).map_err(|_| wrong(name, "is missing"))?;
        if found.dtype() != dtype {
            return Err(wrong(name, format!("has type {:?} instead of {dtype:?}", found.dtype())));
        }
        if found.shape() != shape {
            return Err(wrong(name, format!("has shape {:?} instead of {shape:?}", found.shape())));
        }
        Ok(found.data())
    }
}

fn wrong(tensor: &str, why: impl Into<String>) -> Error {
    Error::Tensor { tensor: tensor.to_owned(), why: why.into() }
}
