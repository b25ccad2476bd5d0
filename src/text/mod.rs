//! Reading Chinese: normalization, words, facts and masking. Every place that this module names
//! is a place in the original text. It does not judge what the words mean.

mod document;
mod error;
mod facts;
mod lexicon;
mod normalize;

pub use document::{Analyzer, Document};
pub use error::{Error, LineError};
pub use facts::{AmountFact, CountFact, DateFact, Facts, OrderNumberFact};
pub use normalize::Normalized;
