//! The encoder: a BERT-family transformer that is loaded from a folder in the layout of Hugging
//! Face. What a folder must hold is checked here, and what is wrong with one is said by name.
//!
//! A bundle holds it in 8 bits ([`pack`]), and an [`EncoderEngine`] computes it: the mean of the last
//! layer over all tokens of the normalized text. Of `ModernBERT`, which is another architecture, a
//! bundle holds 16 bits, and candle-transformers computes it. [`Encoder`] adds the heads: the vector, less its
//! means and divided by its deviations, goes through one dense layer to a score per output of every
//! head, in the taxonomy's order. That is all there is between an encoder and the calibration.

mod bert;
mod config;
mod dropout;
mod engine;
mod error;
mod family;
mod folder;
mod fused;
mod layout;
mod member;
mod modern;
mod optimizer;
mod packed;
mod parameters;
mod plain;
#[cfg(test)]
mod tests;
mod tokenizer;

pub use bert::{Batch, Bert, Packed, mean_pool};
pub use config::{CONFIG_FILE, EncoderConfig};
pub use dropout::Drops;
pub use engine::{EncoderEngine, Workspace};
pub use error::Error as EncoderError;
pub use folder::EncoderFolder;
pub(super) use member::Encoded;
pub use member::Encoder;
pub use modern::ModernConfig;
pub use optimizer::{AdamStep, Moments, VariableMoments};
pub use packed::{ENCODER_CONFIG_FILE, ENCODER_FILE, EncoderHeads, pack, unpack};
pub use parameters::{Parameter, Parameters, WEIGHTS_FILE as FOLDER_WEIGHTS_FILE};
pub use plain::PlainEncoder;
pub use tokenizer::{EncoderTokenizer, TOKENIZER_FILE, Tokens};
