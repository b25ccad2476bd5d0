//! The encoder's definition (Devlin et al. 2019) over candle tensors: one constructor for learning
//! and for the reference that the fast paths must agree with. The service computes the same from
//! 8-bit weights (`engine.rs`). Texts of a batch lie one after the other, without padding.

use std::collections::HashMap;

use candle_core::{D, DType, Device, Result, Tensor, Var};
use candle_nn::{VarBuilder, ops};
use rayon::prelude::*;

use crate::inference::encoder::dropout::{Drops, LayerDrops};
use crate::inference::encoder::fused::{FusedLayer, PackedLayer};
use crate::inference::encoder::layout::{self, Parts};
use crate::inference::encoder::{EncoderConfig, Parameters};
use crate::inference::kernels::bf16::Dropout;

/// The tokens of several texts, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    ids: Vec<u32>,
    lengths: Vec<usize>,
}

/// An encoder.
#[derive(Clone, Debug)]
pub struct Bert {
    config: EncoderConfig,
    words: Tensor,
    positions: Tensor,
    segment: Tensor,
    gain: Tensor,
    bias: Tensor,
    layers: Vec<Tensor>,
}

/// Layers prepared for a pass; to be made anew when weights have changed.
#[derive(Clone, Debug)]
pub struct Packed(Layers);

/// How the layers are computed.
#[derive(Clone, Debug)]
enum Layers {
    /// By the fused operations of the CPU.
    Fused(Vec<std::sync::Arc<PackedLayer>>),
    /// By plain tensor operations, which any device has; so many of the topmost learn.
    Plain(usize),
}

impl Packed {
    /// Layers by plain operations, of which the topmost `n_trained` learn.
    pub const fn plain(n_trained: usize) -> Self {
        Self(Layers::Plain(n_trained))
    }
}

impl Batch {
    /// The tokens of these texts; none may be empty.
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a [u32]>) -> Self {
        let mut batch = Self::default();
        for ids in texts {
            assert!(!ids.is_empty(), "a text has its special tokens");
            batch.ids.extend_from_slice(ids);
            batch.lengths.push(ids.len());
        }
        batch
    }

    /// The tokens.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// How many tokens each text has.
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }
}

impl Bert {
    /// The encoder whose tensors `weights` has under the names of the Hugging Face layout.
    pub fn new(config: &EncoderConfig, weights: &VarBuilder<'_>) -> Result<Self> {
        let hidden = config.hidden_size;
        let embeddings = weights.pp("embeddings");
        let n_positions = config.max_tokens + config.first_position;
        let table = |name: &str, n_rows: usize| embeddings.pp(name).get((n_rows, hidden), "weight");
        let layer = |layer: usize| {
            let weights = weights.pp(format!("encoder.layer.{layer}"));
            let part = |(name, shape): (&str, Vec<usize>)| weights.get(shape, name)?.flatten_all();
            let parts = layout::tensors(config).map(part).collect::<Result<Vec<_>>>()?;
            Tensor::cat(&parts, 0)
        };
        Ok(Self {
            words: table("word_embeddings", config.vocab_size)?,
            positions: table("position_embeddings", n_positions)?,
            segment: table("token_type_embeddings", config.n_segments)?.get(0)?,
            gain: embeddings.get(hidden, "LayerNorm.weight")?,
            bias: embeddings.get(hidden, "LayerNorm.bias")?,
            layers: (0..config.n_layers).map(layer).collect::<Result<_>>()?,
            config: config.clone(),
        })
    }

    /// The encoder with these weights, on this device.
    pub fn from_parameters(
        config: &EncoderConfig,
        parameters: &Parameters,
        device: &Device,
    ) -> Result<Self> {
        let tensor = |(name, it): (&str, &crate::inference::encoder::Parameter)| {
            let tensor = Tensor::from_slice(&it.values, it.shape.as_slice(), device)?;
            Ok((name.to_owned(), tensor))
        };
        let tensors = parameters.iter().map(tensor).collect::<Result<HashMap<_, _>>>()?;
        Self::new(config, &VarBuilder::from_tensors(tensors, DType::F32, device))
    }

    /// Its weights by name.
    pub fn to_parameters(&self) -> Result<Parameters> {
        let flat = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
        let mut values: HashMap<String, Vec<f32>> = HashMap::new();
        for (name, tensor) in [
            ("word_embeddings.weight", &self.words),
            ("position_embeddings.weight", &self.positions),
            ("LayerNorm.weight", &self.gain),
            ("LayerNorm.bias", &self.bias),
        ] {
            values.insert(format!("embeddings.{name}"), flat(tensor)?);
        }
        // Nothing but the first segment is ever used.
        let segments = flat(&self.segment)?.repeat(self.config.n_segments);
        values.insert("embeddings.token_type_embeddings.weight".to_owned(), segments);
        for (layer, block) in self.layers.iter().enumerate() {
            let (block, mut start) = (flat(block)?, 0);
            for (name, shape) in layout::tensors(&self.config) {
                let end = start + shape.iter().product::<usize>();
                values.insert(format!("encoder.layer.{layer}.{name}"), block[start..end].to_vec());
                start = end;
            }
        }
        let take = |name: &str| values.remove(name).expect("the encoder has every tensor");
        Ok(Parameters::new(&self.config, take))
    }

    /// Its shape.
    pub const fn config(&self) -> &EncoderConfig {
        &self.config
    }

    /// Where its weights lie.
    pub fn device(&self) -> &Device {
        self.words.device()
    }

    /// The vectors of its words, a row each.
    pub const fn words(&self) -> &Tensor {
        &self.words
    }

    /// The same encoder with other vectors of words.
    #[must_use]
    pub fn with_words(self, words: Tensor) -> Self {
        Self { words, ..self }
    }

    /// Makes the upper layers variables of training, from the topmost down.
    pub fn train_layers(&mut self, n_layers: usize) -> Result<Vec<Var>> {
        let trained = self.layers.iter_mut().rev().take(n_layers);
        trained.map(as_variable).collect()
    }

    /// Makes everything below the layers but the words variables of training. The words are
    /// trained row by row: see [`Bert::embed`].
    pub fn train_embeddings(&mut self) -> Result<Vec<Var>> {
        let parts = [&mut self.positions, &mut self.segment, &mut self.gain, &mut self.bias];
        parts.into_iter().map(as_variable).collect()
    }

    /// The vectors of tokens before the first layer, a row each. The ids of the batch are rows of
    /// `words`, which are [`Bert::words`] or those of them that occur.
    pub fn embed(&self, words: &Tensor, batch: &Batch, drops: Drops) -> Result<Tensor> {
        let rows = |ids: Vec<u32>| Tensor::new(ids, words.device());
        let first = self.config.first_position as u32;
        let places = batch.lengths.iter().flat_map(|&n| first..first + n as u32).collect();
        let vectors = words.index_select(&rows(batch.ids.clone())?, 0)?;
        let vectors = vectors.add(&self.positions.index_select(&rows(places)?, 0)?)?;
        let vectors = vectors.broadcast_add(&self.segment)?;
        let eps = self.config.layer_norm_eps as f32;
        let vectors = ops::layer_norm_slow(&vectors, &self.gain, &self.bias, eps)?;
        drop_some(&vectors, drops.embeddings(), 0)
    }

    /// The vectors of tokens after the last layer, a row each, by plain tensor operations.
    pub fn forward(&self, batch: &Batch, drops: Drops) -> Result<Tensor> {
        let vectors = self.embed(&self.words, batch, drops)?;
        self.forward_plain(self.layers.len(), &vectors, batch, drops)
    }

    fn forward_plain(
        &self,
        n_trained: usize,
        vectors: &Tensor,
        batch: &Batch,
        drops: Drops,
    ) -> Result<Tensor> {
        let n_frozen = self.layers.len().saturating_sub(n_trained);
        let mut vectors = vectors.clone();
        for (layer, block) in self.layers.iter().enumerate() {
            let drops = drops.layer(layer);
            vectors = if n_frozen <= layer {
                self.layer(block, &vectors, batch, drops)?
            } else {
                self.layer(&block.detach(), &vectors.detach(), batch, drops)?
            };
        }
        Ok(vectors)
    }

    fn layer(
        &self,
        block: &Tensor,
        input: &Tensor,
        batch: &Batch,
        drops: LayerDrops,
    ) -> Result<Tensor> {
        let (hidden, inner) = (self.config.hidden_size, self.config.intermediate_size);
        let mut start = 0;
        let parts = Parts::make(&self.config, |len| {
            start += len;
            block.narrow(0, start - len, len)
        });
        let eps = self.config.layer_norm_eps as f32;
        let qkv = dense(input, &parts.qkv?.reshape((3 * hidden, hidden))?, &parts.qkv_bias?)?;
        let mixed = self.attend(&qkv, batch, drops.attention)?;
        let out = dense(&mixed, &parts.out?.reshape((hidden, hidden))?, &parts.out_bias?)?;
        let sum = input.add(&drop_some(&out, drops.out, 0)?)?;
        let (gain, bias) = (parts.attention_gain?, parts.attention_bias?);
        let middle = ops::layer_norm_slow(&sum, &gain, &bias, eps)?;
        let up = dense(&middle, &parts.up?.reshape((inner, hidden))?, &parts.up_bias?)?;
        let down = parts.down?.reshape((hidden, inner))?;
        let down = dense(&up.gelu_erf()?, &down, &parts.down_bias?)?;
        let sum = middle.add(&drop_some(&down, drops.down, 0)?)?;
        ops::layer_norm_slow(&sum, &parts.gain?, &parts.bias?, eps)
    }

    /// Every text attends to itself alone.
    fn attend(&self, qkv: &Tensor, batch: &Batch, dropout: Dropout) -> Result<Tensor> {
        let (hidden, size, n_heads) =
            (self.config.hidden_size, self.config.head_size(), self.config.n_heads);
        let (mut start, mut first_index) = (0, 0_u32);
        let mut texts = Vec::with_capacity(batch.lengths.len());
        for &n in &batch.lengths {
            let rows = qkv.narrow(0, start, n)?;
            start += n;
            let part = |of: usize| {
                let part = rows.narrow(1, of * hidden, hidden)?.reshape((n, n_heads, size))?;
                part.transpose(0, 1)?.contiguous()
            };
            let scores = part(0)?.matmul(&part(1)?.transpose(1, 2)?.contiguous()?)?;
            let shares = ops::softmax(&(scores / (size as f64).sqrt())?, D::Minus1)?;
            // The fused operation keeps rows of whole pairs, and counts places in those.
            let stride = n.next_multiple_of(2);
            let padded = shares.pad_with_zeros(2, 0, stride - n)?;
            let shares = drop_some(&padded, dropout, first_index)?.narrow(2, 0, n)?.contiguous()?;
            first_index += (n_heads * n * stride) as u32;
            texts.push(shares.matmul(&part(2)?)?.transpose(0, 1)?.reshape((n, hidden))?);
        }
        Tensor::cat(&texts, 0)
    }

    /// Prepares the layers for [`Bert::forward_packed`], in parallel: the topmost `n_trained` for
    /// the way back too. On the CPU they are fused; other devices have the plain operations.
    pub fn pack(&self, n_trained: usize) -> Result<Packed> {
        if !self.device().is_cpu() {
            return Ok(Packed::plain(n_trained));
        }
        let n_frozen = self.layers.len().saturating_sub(n_trained);
        let pack = |(layer, block): (usize, &Tensor)| {
            PackedLayer::new(&self.config, block, n_frozen <= layer).map(std::sync::Arc::new)
        };
        let layers = self.layers.par_iter().enumerate().map(pack).collect::<Result<_>>()?;
        Ok(Packed(Layers::Fused(layers)))
    }

    /// The vectors of tokens after the last layer from those before the first, by layers as they
    /// were prepared. Those that do not learn keep nothing and get no gradient.
    pub fn forward_packed(
        &self,
        packed: &Packed,
        vectors: &Tensor,
        batch: &Batch,
        drops: Drops,
    ) -> Result<Tensor> {
        let layers = match &packed.0 {
            Layers::Fused(layers) => layers,
            Layers::Plain(n_trained) => {
                return self.forward_plain(*n_trained, vectors, batch, drops);
            }
        };
        let mut vectors = vectors.clone();
        let lengths: std::sync::Arc<[usize]> = batch.lengths.as_slice().into();
        for (layer, (block, packed)) in self.layers.iter().zip(layers).enumerate() {
            let (packed, lengths) = (packed.clone(), lengths.clone());
            let learns = packed.learns();
            let op = FusedLayer::new(&self.config, packed, lengths, drops.layer(layer));
            vectors = if learns {
                vectors.apply_op2(block, op)?
            } else {
                vectors.detach().apply_op2_no_bwd(block, &op)?
            };
        }
        Ok(vectors)
    }
}

/// The mean vector of each text, a row each.
pub fn mean_pool(vectors: &Tensor, batch: &Batch) -> Result<Tensor> {
    let (n_texts, n_tokens) = (batch.lengths.len(), batch.ids.len());
    let mut shares = vec![0.0_f32; n_texts * n_tokens];
    let mut start = 0;
    for (text, &n) in batch.lengths.iter().enumerate() {
        shares[text * n_tokens + start..][..n].fill(1.0 / n as f32);
        start += n;
    }
    Tensor::from_vec(shares, (n_texts, n_tokens), vectors.device())?.matmul(vectors)
}

fn as_variable(tensor: &mut Tensor) -> Result<Var> {
    let variable = Var::from_tensor(tensor)?;
    *tensor = variable.as_tensor().clone();
    Ok(variable)
}

fn dense(input: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    input.matmul(&weight.t()?)?.broadcast_add(bias)
}

fn drop_some(values: &Tensor, dropout: Dropout, first_index: u32) -> Result<Tensor> {
    if dropout.share == 0.0 {
        return Ok(values.clone());
    }
    let indices = first_index..first_index + values.elem_count() as u32;
    let factors: Vec<f32> = indices.into_par_iter().map(|index| dropout.factor(index)).collect();
    values.mul(&Tensor::from_vec(factors, values.shape(), values.device())?)
}
