//! `config.json`: the shape of an encoder, checked.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::inference::encoder::error::Error;

/// The name of the file.
pub const CONFIG_FILE: &str = "config.json";

/// The shape of an encoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncoderConfig {
    /// How many tokens it knows.
    pub vocab_size: usize,
    /// The length of the vector of a token.
    pub hidden_size: usize,
    /// How many layers it has.
    pub n_layers: usize,
    /// How many heads share the hidden size in attention.
    pub n_heads: usize,
    /// The width of the layer between the two dense ones.
    pub intermediate_size: usize,
    /// How many tokens of a text it can take.
    pub max_tokens: usize,
    /// The position of the first token: `RoBERTa` begins after its padding token.
    pub first_position: usize,
    /// How many kinds of segments there are; all of our tokens are of the first.
    pub n_segments: usize,
    /// What layer normalization adds to the variance.
    pub layer_norm_eps: f64,
    /// The share of a layer's output that training drops.
    pub hidden_dropout: f32,
    /// The share of attention that training drops.
    pub attention_dropout: f32,
}

/// The file as it is written, with all that concerns us.
#[derive(Deserialize)]
struct Source {
    model_type: Option<String>,
    vocab_size: Option<usize>,
    hidden_size: Option<usize>,
    num_hidden_layers: Option<usize>,
    num_attention_heads: Option<usize>,
    intermediate_size: Option<usize>,
    max_position_embeddings: Option<usize>,
    type_vocab_size: Option<usize>,
    hidden_act: Option<String>,
    layer_norm_eps: Option<f64>,
    pad_token_id: Option<usize>,
    position_embedding_type: Option<String>,
    hidden_dropout_prob: Option<f32>,
    attention_probs_dropout_prob: Option<f32>,
}

/// The architectures whose tokens count positions from zero, and from after the padding token.
const BERT_TYPES: [&str; 1] = ["bert"];
const ROBERTA_TYPES: [&str; 3] = ["roberta", "xlm-roberta", "camembert"];

impl EncoderConfig {
    /// Reads the text of a `config.json`; `path` is for messages.
    pub fn parse(text: &[u8], path: &Path) -> Result<Self, Error> {
        let path = path.to_owned();
        let source: Source = match serde_json::from_slice(text) {
            Ok(source) => source,
            Err(error) => return Err(Error::File { path, why: format!("is no JSON: {error}") }),
        };
        let mut mistakes = Vec::new();
        let config = source.check(&mut mistakes);
        if mistakes.is_empty() { Ok(config) } else { Err(Error::Mistakes { path, mistakes }) }
    }

    /// The length of the vector of a token in one attention head.
    pub const fn head_size(&self) -> usize {
        self.hidden_size / self.n_heads
    }
}

impl Source {
    /// The checked shape; where there are mistakes it means nothing.
    fn check(&self, mistakes: &mut Vec<String>) -> EncoderConfig {
        let model_type = self.model_type.as_deref().unwrap_or("bert");
        let is_roberta = ROBERTA_TYPES.contains(&model_type);
        if !is_roberta && !BERT_TYPES.contains(&model_type) {
            let known = [&BERT_TYPES[..], &ROBERTA_TYPES].concat().join("`, `");
            mistakes.push(format!("is of type `{model_type}`; known are `{known}`"));
        }
        self.check_variants(mistakes);
        let mut size = |name: &str, value: Option<usize>, largest: usize| match value {
            None => {
                mistakes.push(format!("has no `{name}`"));
                1
            }
            Some(value) if value < 1 || largest < value => {
                mistakes
                    .push(format!("has `{name}` {value}, which is not between 1 and {largest}"));
                1
            }
            Some(value) => value,
        };
        let first_position = if is_roberta { self.pad_token_id.unwrap_or(1) + 1 } else { 0 };
        let n_positions = size("max_position_embeddings", self.max_position_embeddings, 1 << 16);
        let config = EncoderConfig {
            vocab_size: size("vocab_size", self.vocab_size, 1 << 24),
            hidden_size: size("hidden_size", self.hidden_size, 1 << 14),
            n_layers: size("num_hidden_layers", self.num_hidden_layers, 1 << 8),
            n_heads: size("num_attention_heads", self.num_attention_heads, 1 << 10),
            intermediate_size: size("intermediate_size", self.intermediate_size, 1 << 16),
            max_tokens: n_positions.saturating_sub(first_position),
            first_position,
            n_segments: size("type_vocab_size", self.type_vocab_size.or(Some(1)), 1 << 8),
            layer_norm_eps: self.layer_norm_eps.unwrap_or(1e-12),
            hidden_dropout: self.hidden_dropout_prob.unwrap_or(0.1),
            attention_dropout: self.attention_probs_dropout_prob.unwrap_or(0.1),
        };
        if !config.hidden_size.is_multiple_of(config.n_heads) {
            let EncoderConfig { hidden_size, n_heads, .. } = config;
            mistakes.push(format!("shares a hidden size of {hidden_size} between {n_heads} heads"));
        }
        if config.max_tokens < 3 {
            mistakes.push(format!("has only {n_positions} positions"));
        }
        config
    }

    /// Variants that exist elsewhere and that nobody should find out about from bad answers.
    fn check_variants(&self, mistakes: &mut Vec<String>) {
        for (name, value, ours) in [
            ("hidden_act", self.hidden_act.as_deref(), "gelu"),
            ("position_embedding_type", self.position_embedding_type.as_deref(), "absolute"),
        ] {
            if let Some(other) = value.filter(|&value| value != ours) {
                mistakes.push(format!("has `{name}` `{other}`; only `{ours}` is supported"));
            }
        }
        let is_eps = |eps: f64| 0.0 < eps && eps < 0.1;
        if let Some(eps) = self.layer_norm_eps.filter(|&eps| !is_eps(eps)) {
            mistakes.push(format!("has `layer_norm_eps` {eps}, which is not between 0 and 0.1"));
        }
        for (name, share) in [
            ("hidden_dropout_prob", self.hidden_dropout_prob),
            ("attention_probs_dropout_prob", self.attention_probs_dropout_prob),
        ] {
            if let Some(share) = share.filter(|share| !(0.0..1.0).contains(share)) {
                mistakes.push(format!("has `{name}` {share}, which is not a share"));
            }
        }
    }
}
