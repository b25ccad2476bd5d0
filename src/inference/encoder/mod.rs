//! The encoder: a BERT-family transformer that is loaded from a folder in the layout of Hugging
//! Face. What a folder must hold is checked here, and what is wrong with one is said by name.

mod bert;
mod config;
mod dropout;
mod error;
mod folder;
mod fused;
mod layout;
mod optimizer;
mod parameters;
#[cfg(test)]
mod tests;
mod tokenizer;

pub use bert::{Batch, Bert, Packed, mean_pool};
pub use config::{CONFIG_FILE, EncoderConfig};
pub use dropout::Drops;
pub use error::Error as EncoderError;
pub use folder::EncoderFolder;
pub use optimizer::{AdamStep, Moments};
pub use parameters::{Parameter, Parameters, WEIGHTS_FILE as FOLDER_WEIGHTS_FILE};
pub use tokenizer::{EncoderTokenizer, TOKENIZER_FILE, Tokens};
