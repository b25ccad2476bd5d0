//! `ModernBERT` (Warner et al. 2024), which we do not write ourselves: candle-transformers computes
//! it, in 32 bits and text by text, so that a text gets the same vector alone and beside others.
//! Nothing here was made to be fast, as [`EncoderEngine`](super::EncoderEngine) was, and layers are
//! not trained; heads are.

use std::{collections::HashMap, fmt, path::Path};

use candle_core::{DType, Device, Result as CandleResult, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::modernbert;
use serde::{Deserialize, Serialize};

use crate::inference::encoder::Parameters;
use crate::inference::encoder::config::{Shape, checked_size};
use crate::inference::encoder::error::Error;
use crate::inference::encoder::family::{Claim, Family};

/// The shape of a `ModernBERT`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModernConfig {
    /// How many tokens it knows.
    pub vocab_size: usize,
    /// The length of the vector of a token.
    pub hidden_size: usize,
    /// How many layers it has.
    pub n_layers: usize,
    /// How many heads share the hidden size in attention.
    pub n_heads: usize,
    /// The width of either half of the layer between the two dense ones.
    pub intermediate_size: usize,
    /// How many tokens of a text it can take.
    pub max_tokens: usize,
    /// What layer normalization adds to the variance.
    pub layer_norm_eps: f64,
    /// One of so many layers, the first to begin with, looks at the whole text.
    pub global_every: usize,
    /// The base of the rotations in these layers.
    pub global_theta: f64,
    /// How many tokens the other layers look at.
    pub window: usize,
    /// The base of the rotations in these.
    pub local_theta: f64,
}

/// The file as it is written, with all that concerns us.
#[derive(Deserialize)]
struct Source {
    vocab_size: Option<usize>,
    hidden_size: Option<usize>,
    num_hidden_layers: Option<usize>,
    num_attention_heads: Option<usize>,
    intermediate_size: Option<usize>,
    max_position_embeddings: Option<usize>,
    norm_eps: Option<f64>,
    layer_norm_eps: Option<f64>,
    global_attn_every_n_layers: Option<usize>,
    global_rope_theta: Option<f64>,
    local_attention: Option<usize>,
    local_rope_theta: Option<f64>,
    hidden_activation: Option<String>,
    attention_bias: Option<bool>,
    mlp_bias: Option<bool>,
    norm_bias: Option<bool>,
}

impl ModernConfig {
    /// Reads the text of a `config.json`; `path` is for messages.
    pub fn parse(text: &[u8], path: &Path) -> Result<Self, Error> {
        let mut mistakes = Vec::new();
        let family = Claim::parse(text, path)?.family(&mut mistakes);
        if family.is_some_and(|family| family != Family::ModernBert) {
            mistakes.push("is not of type `modernbert`".to_owned());
        }
        let source: Source = serde_json::from_slice(text).map_err(|error| Error::File {
            path: path.to_owned(),
            why: format!("is no JSON: {error}"),
        })?;
        let config = source.check(&mut mistakes);
        if mistakes.is_empty() {
            return Ok(config);
        }
        Err(Error::Mistakes { path: path.to_owned(), mistakes })
    }

    /// The names and shapes of all tensors.
    pub(super) fn shapes(&self) -> Vec<(String, Vec<usize>)> {
        let (hidden, inner) = (self.hidden_size, self.intermediate_size);
        let mut shapes = vec![
            ("embeddings.tok_embeddings.weight".to_owned(), vec![self.vocab_size, hidden]),
            ("embeddings.norm.weight".to_owned(), vec![hidden]),
            ("final_norm.weight".to_owned(), vec![hidden]),
        ];
        for layer in 0..self.n_layers {
            let mut add = |part: &str, shape: Vec<usize>| {
                shapes.push((format!("layers.{layer}.{part}.weight"), shape));
            };
            // What goes into the first layer has been normalized already.
            if 0 < layer {
                add("attn_norm", vec![hidden]);
            }
            add("attn.Wqkv", vec![3 * hidden, hidden]);
            add("attn.Wo", vec![hidden, hidden]);
            add("mlp_norm", vec![hidden]);
            add("mlp.Wi", vec![2 * inner, hidden]);
            add("mlp.Wo", vec![hidden, inner]);
        }
        shapes
    }

    fn theirs(&self) -> modernbert::Config {
        modernbert::Config {
            vocab_size: self.vocab_size,
            hidden_size: self.hidden_size,
            num_hidden_layers: self.n_layers,
            num_attention_heads: self.n_heads,
            intermediate_size: self.intermediate_size,
            max_position_embeddings: self.max_tokens,
            layer_norm_eps: self.layer_norm_eps,
            // Texts are never padded.
            pad_token_id: 0,
            global_attn_every_n_layers: self.global_every,
            global_rope_theta: self.global_theta,
            local_attention: self.window,
            local_rope_theta: self.local_theta,
            classifier_config: None,
        }
    }
}

impl Shape for ModernConfig {
    fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    fn contradiction(&self) -> Option<String> {
        let Self { hidden_size, n_heads, max_tokens, global_every, window, .. } = *self;
        // Rotations turn pairs of numbers.
        if n_heads == 0 || !hidden_size.is_multiple_of(2 * n_heads) {
            return Some(format!(
                "shares a hidden size of {hidden_size} between {n_heads} heads, which does not \
                 come out even"
            ));
        }
        let looks = max_tokens.min(global_every).min(window);
        (looks == 0).then(|| "has layers that look at no token".to_owned())
    }
}

impl Source {
    /// The checked shape; where there are mistakes it means nothing.
    fn check(&self, mistakes: &mut Vec<String>) -> ModernConfig {
        if let Some(other) = self.hidden_activation.as_deref().filter(|&it| it != "gelu") {
            mistakes.push(format!("has `hidden_activation` `{other}`; only `gelu` is supported"));
        }
        for (name, value) in [
            ("attention_bias", self.attention_bias),
            ("mlp_bias", self.mlp_bias),
            ("norm_bias", self.norm_bias),
        ] {
            if value == Some(true) {
                mistakes.push(format!("has `{name}`, which is not supported"));
            }
        }
        let layer_norm_eps = self.norm_eps.or(self.layer_norm_eps).unwrap_or(1e-5);
        for (name, value, (least, most)) in [
            ("norm_eps", Some(layer_norm_eps), (1e-20, 0.1)),
            ("global_rope_theta", self.global_rope_theta, (1.0, 1e9)),
            ("local_rope_theta", self.local_rope_theta, (1.0, 1e9)),
        ] {
            match value {
                None => mistakes.push(format!("has no `{name}`")),
                Some(value) if !(least..=most).contains(&value) => mistakes
                    .push(format!("has `{name}` {value}, which is not between {least} and {most}")),
                Some(_) => {}
            }
        }
        let mut size = |name, value, largest| checked_size(name, value, largest, mistakes);
        let config = ModernConfig {
            vocab_size: size("vocab_size", self.vocab_size, 1 << 24),
            hidden_size: size("hidden_size", self.hidden_size, 1 << 14),
            n_layers: size("num_hidden_layers", self.num_hidden_layers, 1 << 8),
            n_heads: size("num_attention_heads", self.num_attention_heads, 1 << 10),
            intermediate_size: size("intermediate_size", self.intermediate_size, 1 << 16),
            max_tokens: size("max_position_embeddings", self.max_position_embeddings, 1 << 16),
            layer_norm_eps,
            global_every: size(
                "global_attn_every_n_layers",
                self.global_attn_every_n_layers,
                1 << 8,
            ),
            global_theta: self.global_rope_theta.unwrap_or(1.0),
            window: size("local_attention", self.local_attention, 1 << 16),
            local_theta: self.local_rope_theta.unwrap_or(1.0),
        };
        mistakes.extend(config.contradiction());
        config
    }
}

/// A `ModernBERT` that is ready to answer.
#[derive(Clone)]
pub(super) struct ModernEngine {
    model: modernbert::ModernBert,
    hidden_size: usize,
    max_tokens: usize,
}

impl ModernEngine {
    /// An engine with these weights, which have the shapes of the configuration.
    pub(super) fn new(config: &ModernConfig, parameters: &Parameters) -> CandleResult<Self> {
        let tensors = parameters.iter().map(|(name, it)| {
            let tensor = Tensor::from_slice(&it.values, it.shape.as_slice(), &Device::Cpu)?;
            Ok((format!("model.{name}"), tensor))
        });
        let tensors = tensors.collect::<CandleResult<HashMap<_, _>>>()?;
        let weights = VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu);
        Ok(Self {
            model: modernbert::ModernBert::load(weights, &config.theirs())?,
            hidden_size: config.hidden_size,
            max_tokens: config.max_tokens,
        })
    }

    /// The last layer of a text, cut to what the encoder takes: a row per token.
    pub(super) fn read(&self, ids: &[u32]) -> CandleResult<Vec<f32>> {
        let ids = &ids[..ids.len().min(self.max_tokens)];
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let tokens = Tensor::new(ids, &Device::Cpu)?.unsqueeze(0)?;
        let all = Tensor::ones(tokens.shape(), DType::F32, &Device::Cpu)?;
        self.model.forward(&tokens, &all)?.flatten_all()?.to_vec1()
    }
}

impl fmt::Debug for ModernEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModernEngine")
            .field("hidden_size", &self.hidden_size)
            .finish_non_exhaustive()
    }
}
