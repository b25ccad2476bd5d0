//! From a bundle to a classifier, and from a document to a prediction with evidence. Pure once
//! loaded: no clock, no randomness, no input or output. It knows no label by name.

mod calibration;
mod encoder;
mod error;
mod evidence;
mod features;
mod kernels;
mod linear;
mod vocabulary;
mod weights;

use std::sync::Arc;

use crate::domain::{Prediction, Taxonomy};
use crate::registry::{Bundle, Kind};
use crate::text::Document;

pub use calibration::{Choice, decide, expected_rank, logistic, probabilities};
pub use encoder::{
    AdamStep, Batch, Bert, CONFIG_FILE, Drops, EncoderConfig, EncoderError, EncoderFolder,
    EncoderTokenizer, FOLDER_WEIGHTS_FILE, Moments, Packed, Parameter, Parameters, TOKENIZER_FILE,
    Tokens, mean_pool,
};
pub use error::Error;
pub use features::Features;
pub use linear::LinearClassifier;
pub use vocabulary::{Entry, Vector, Vocabulary};
pub use weights::{LinearWeights, WEIGHTS_FILE, n_outputs};

#[cfg(test)]
mod tests;

/// Answers every head of its taxonomy for a document.
pub trait Classifier: Send + Sync {
    /// The labels it chooses from.
    fn taxonomy(&self) -> &Arc<Taxonomy>;

    /// Reads a document.
    fn classify(&self, document: &Document<'_>) -> Prediction;
}

/// Makes the classifier that a bundle holds.
pub fn load(bundle: &Bundle) -> Result<Box<dyn Classifier>, Error> {
    match bundle.manifest().kind {
        Kind::Linear => {
            let weights = LinearWeights::from_bytes(&bundle.read(WEIGHTS_FILE)?)?;
            Ok(Box::new(LinearClassifier::new(bundle.manifest(), weights)?))
        }
    }
}
