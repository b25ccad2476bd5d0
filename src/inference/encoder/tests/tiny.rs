//! A tiny encoder with invented weights, as objects and as a folder.

use std::{fs, path::Path};

use crate::inference::encoder::{EncoderConfig, EncoderFolder, Parameters};

/// The pieces of the tiny encoder, a line each.
pub(super) const VOCAB: &str =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n退\n款\n还\n没\n到\n账\napp\n##le\n1\n。";

/// Its `config.json`.
pub(super) const CONFIG: &str = r#"{
  "model_type": "bert", "vocab_size": 14, "hidden_size": 64, "num_hidden_layers": 2,
  "num_attention_heads": 2, "intermediate_size": 96, "max_position_embeddings": 40,
  "type_vocab_size": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-12, "pad_token_id": 0
}"#;

/// Its shape.
pub(super) fn config() -> EncoderConfig {
    EncoderConfig::parse(CONFIG.as_bytes(), Path::new("config.json")).unwrap()
}

/// Numbers between −1 and 1 that look random and are the same everywhere.
pub(super) fn noise(seed: u64) -> impl FnMut() -> f32 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1_u32 << 23) as f32 - 1.0
    }
}

/// Its weights: small noise, and noise around one where layer normalization multiplies.
pub(super) fn parameters(config: &EncoderConfig) -> Parameters {
    let sizes = |name: &str| -> usize {
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        match name {
            "embeddings.word_embeddings.weight" => config.vocab_size * hidden,
            "embeddings.position_embeddings.weight" => {
                (config.max_tokens + config.first_position) * hidden
            }
            "embeddings.token_type_embeddings.weight" => config.n_segments * hidden,
            name if name.ends_with("intermediate.dense.weight") => inner * hidden,
            name if name.ends_with("intermediate.dense.bias") => inner,
            name if name.contains("LayerNorm") || name.contains("bias") => hidden,
            name if name.ends_with("attention.output.dense.weight") => hidden * hidden,
            name if name.ends_with("output.dense.weight") => hidden * inner,
            _ => hidden * hidden,
        }
    };
    Parameters::new(config, |name| {
        let mut noise = noise(name.len() as u64 * 131 + name.bytes().map(u64::from).sum::<u64>());
        let middle = if name.ends_with("LayerNorm.weight") { 1.0 } else { 0.0 };
        (0..sizes(name)).map(|_| middle + noise() * 0.2).collect()
    })
}

/// Writes its folder.
pub(super) fn write(dir: &Path) {
    fs::write(dir.join("config.json"), CONFIG).unwrap();
    fs::write(dir.join("vocab.txt"), VOCAB).unwrap();
    fs::write(dir.join("model.safetensors"), parameters(&config()).to_bytes(false)).unwrap();
}

/// Writes and reads its folder.
pub(super) fn folder() -> EncoderFolder {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path());
    EncoderFolder::read(dir.path()).unwrap()
}
