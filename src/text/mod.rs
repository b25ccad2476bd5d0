//! Reading Chinese: normalization, words, facts and masking. Every place that this module names
//! is a place in the original text. It does not judge what the words mean.

mod document;
mod error;
mod facts;
mod features;
mod lexicon;
mod mask;
mod normalize;
mod personal;
mod terms;

pub use document::{Analyzer, Document};
pub use error::{Error, LineError};
pub use facts::{AmountFact, CountFact, DateFact, Facts, OrderNumberFact};
pub use features::{Feature, FeatureSpec};
pub use mask::{Hidden, find_personal, hidden, mask, mask_name};
pub use normalize::Normalized;
pub use terms::{Query, QueryError, terms};
