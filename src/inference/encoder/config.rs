//! `config.json`: the shape of an encoder, checked.

use std::path::Path;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::inference::encoder::error::Error;
use crate::inference::encoder::family::{Claim, Family};

/// The name of the file.
pub const CONFIG_FILE: &str = "config.json";

/// The shape of an encoder of any architecture, as bundles hold it.
pub(super) trait Shape: DeserializeOwned {
    /// How many tokens of a text it takes.
    fn max_tokens(&self) -> usize;

    /// What makes it of no use, whatever the weights are.
    fn contradiction(&self) -> Option<String>;
}

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

/// The file as it is written, with all that concerns us: what BERT and `RoBERTa` call it, and what
/// `DistilBERT` does.
#[derive(Deserialize)]
struct Source {
    #[serde(flatten)]
    claim: Claim,
    vocab_size: Option<usize>,
    hidden_size: Option<usize>,
    dim: Option<usize>,
    num_hidden_layers: Option<usize>,
    n_layers: Option<usize>,
    num_attention_heads: Option<usize>,
    n_heads: Option<usize>,
    intermediate_size: Option<usize>,
    hidden_dim: Option<usize>,
    max_position_embeddings: Option<usize>,
    type_vocab_size: Option<usize>,
    hidden_act: Option<String>,
    activation: Option<String>,
    layer_norm_eps: Option<f64>,
    pad_token_id: Option<usize>,
    position_embedding_type: Option<String>,
    hidden_dropout_prob: Option<f32>,
    dropout: Option<f32>,
    attention_probs_dropout_prob: Option<f32>,
    attention_dropout: Option<f32>,
}

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

impl Shape for EncoderConfig {
    fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    fn contradiction(&self) -> Option<String> {
        let Self { hidden_size, n_heads, max_tokens, layer_norm_eps, .. } = *self;
        if n_heads == 0 || !hidden_size.is_multiple_of(n_heads) {
            return Some(format!("shares a hidden size of {hidden_size} between {n_heads} heads"));
        }
        if max_tokens < 3 {
            return Some(format!("takes only {max_tokens} tokens of a text"));
        }
        let is_eps = 0.0 < layer_norm_eps && layer_norm_eps < 0.1;
        (!is_eps).then(|| {
            format!("has `layer_norm_eps` {layer_norm_eps}, which is not between 0 and 0.1")
        })
    }
}

impl Source {
    /// The checked shape; where there are mistakes it means nothing.
    fn check(self, mistakes: &mut Vec<String>) -> EncoderConfig {
        let family = self.claim.family(mistakes);
        if family == Some(Family::ModernBert) {
            mistakes
                .push("is of type `modernbert`, of which heads alone can be trained".to_owned());
        }
        let source = if family == Some(Family::DistilBert) { self.renamed() } else { self };
        source.check_variants(mistakes);
        let is_distil = family == Some(Family::DistilBert);
        let mut size = |[name, of_distil]: [&str; 2], value: Option<usize>, largest: usize| {
            let name = if is_distil { of_distil } else { name };
            checked_size(name, value, largest, mistakes)
        };
        let is_roberta = family == Some(Family::Roberta);
        let first_position = if is_roberta { source.pad_token_id.unwrap_or(1) + 1 } else { 0 };
        let n_positions =
            size(["max_position_embeddings"; 2], source.max_position_embeddings, 1 << 16);
        let config = EncoderConfig {
            vocab_size: size(["vocab_size"; 2], source.vocab_size, 1 << 24),
            hidden_size: size(["hidden_size", "dim"], source.hidden_size, 1 << 14),
            n_layers: size(["num_hidden_layers", "n_layers"], source.num_hidden_layers, 1 << 8),
            n_heads: size(["num_attention_heads", "n_heads"], source.num_attention_heads, 1 << 10),
            intermediate_size: size(
                ["intermediate_size", "hidden_dim"],
                source.intermediate_size,
                1 << 16,
            ),
            max_tokens: n_positions.saturating_sub(first_position),
            first_position,
            n_segments: size(["type_vocab_size"; 2], source.type_vocab_size.or(Some(1)), 1 << 8),
            layer_norm_eps: source.layer_norm_eps.unwrap_or(1e-12),
            hidden_dropout: source.hidden_dropout_prob.unwrap_or(0.1),
            attention_dropout: source.attention_probs_dropout_prob.unwrap_or(0.1),
        };
        mistakes.extend(config.contradiction());
        config
    }

    /// What `DistilBERT` says in its own words, in those of BERT: it is one without segments.
    fn renamed(self) -> Self {
        Self {
            hidden_size: self.dim,
            num_hidden_layers: self.n_layers,
            num_attention_heads: self.n_heads,
            intermediate_size: self.hidden_dim,
            type_vocab_size: None,
            hidden_act: self.activation.clone(),
            // It has no setting of it.
            layer_norm_eps: Some(1e-12),
            hidden_dropout_prob: self.dropout,
            attention_probs_dropout_prob: self.attention_dropout,
            ..self
        }
    }

    /// Variants that exist elsewhere and that nobody should find out about from bad answers.
    fn check_variants(&self, mistakes: &mut Vec<String>) {
        let activation = if self.activation.is_some() { "activation" } else { "hidden_act" };
        for (name, value, ours) in [
            (activation, self.hidden_act.as_deref(), "gelu"),
            ("position_embedding_type", self.position_embedding_type.as_deref(), "absolute"),
        ] {
            if let Some(other) = value.filter(|&value| value != ours) {
                mistakes.push(format!("has `{name}` `{other}`; only `{ours}` is supported"));
            }
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

/// A size that must be there and be no more than `largest`; one where it is not.
pub(super) fn checked_size(
    name: &str,
    value: Option<usize>,
    largest: usize,
    mistakes: &mut Vec<String>,
) -> usize {
    match value {
        None => {
            mistakes.push(format!("has no `{name}`"));
            1
        }
        Some(value) if value < 1 || largest < value => {
            mistakes.push(format!("has `{name}` {value}, which is not between 1 and {largest}"));
            1
        }
        Some(value) => value,
    }
}
