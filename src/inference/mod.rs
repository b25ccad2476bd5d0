//! From a bundle to a classifier, and from a document to a prediction with evidence. Pure once
//! loaded: no clock, no randomness, no input or output. It knows no label by name.

mod batcher;
mod blend;
mod calibration;
mod encoder;
mod error;
mod evidence;
mod features;
mod kernels;
mod linear;
mod projection;
mod vocabulary;
mod weights;

use std::sync::Arc;

use crate::domain::{Prediction, Taxonomy};
use crate::registry::{Bundle, Kind};
use crate::text::Document;

pub use batcher::{BatchLimits, Batcher, Job};
pub use blend::BlendClassifier;
pub use calibration::{Choice, confidence, decide, expected_rank, logistic, probabilities};
pub use encoder::{
    AdamStep, Batch, Bert, CONFIG_FILE, Drops, ENCODER_CONFIG_FILE, ENCODER_FILE, Encoder,
    EncoderConfig, EncoderEngine, EncoderError, EncoderFolder, EncoderHeads, EncoderTokenizer,
    FOLDER_WEIGHTS_FILE, ModernConfig, Moments, Packed, Parameter, Parameters, PlainEncoder,
    TOKENIZER_FILE, Tokens, VariableMoments, Workspace, mean_pool, pack, unpack,
};
pub use error::Error;
pub use features::Features;
pub use kernels::{Isa, MappedFile, dot, give_back_memory, signed};
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

    /// Reads several documents, which may be faster than one after the other. Each gets the answer
    /// that it would get alone.
    fn classify_all(&self, documents: &[Document<'_>]) -> Vec<Prediction> {
        documents.iter().map(|document| self.classify(document)).collect()
    }

    /// Whether an answer takes milliseconds, so that nobody should wait for it on a thread that
    /// serves others.
    fn is_slow(&self) -> bool {
        false
    }

    /// Whether there are cheaper answers to easy documents.
    fn knows_easy(&self) -> bool {
        false
    }

    /// A cheaper answer, where there is one and the document is easy.
    fn classify_easy(&self, _document: &Document<'_>) -> Option<Prediction> {
        None
    }

    /// Where the document stands among others: a vector of length one whose product with another
    /// tells how alike they are. Nothing from models without one.
    fn embed(&self, _document: &Document<'_>) -> Option<Vec<f32>> {
        None
    }
}

/// Makes the classifier that a bundle holds, for the best instructions of this CPU.
pub fn load(bundle: &Bundle) -> Result<Box<dyn Classifier>, Error> {
    load_for(bundle, Isa::best())
}

/// Makes the classifier that a bundle holds, for these instructions.
pub fn load_for(bundle: &Bundle, isa: Isa) -> Result<Box<dyn Classifier>, Error> {
    let weights = LinearWeights::from_bytes(&bundle.read(WEIGHTS_FILE)?)?;
    let linear = LinearClassifier::new(bundle.manifest(), weights)?;
    match bundle.manifest().kind {
        Kind::Linear => Ok(Box::new(linear)),
        Kind::Blend => {
            let encoder = Encoder::from_bundle(bundle, isa)?;
            Ok(Box::new(BlendClassifier::new(bundle.manifest(), linear, encoder)?))
        }
    }
}
