//! Why a bundle is no classifier.

use crate::registry;

/// Why a bundle is no classifier.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of the bundle cannot be read or trusted.
    #[error(transparent)]
    Bundle(#[from] registry::Error),
    /// The weights are no safetensors file.
    #[error("the weights are not readable: {0}")]
    Format(String),
    /// A tensor is missing or has another type or shape than the manifest implies.
    #[error("tensor `{tensor}` {why}")]
    Tensor {
        /// The tensor.
        tensor: String,
        /// What is wrong with it.
        why: String,
    },
    /// The encoder's shape or tokenizer cannot be used.
    #[error("the encoder's `{file}` {why}")]
    Encoder {
        /// The file.
        file: &'static str,
        /// What is wrong with it.
        why: String,
    },
}
