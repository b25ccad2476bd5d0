//! An encoder in full precision, whichever of the known architectures it has: as it is read from a
//! folder or a bundle, and written into a bundle with heads.

use std::path::Path;

use crate::inference;
use crate::inference::Isa;
use crate::inference::encoder::family::{Claim, Family};
use crate::inference::encoder::folder::{EncoderFolder, read_config, read_shape};
use crate::inference::encoder::modern::ModernConfig;
use crate::inference::encoder::packed::{pack_modern, unpack_modern};
use crate::inference::encoder::{
    ENCODER_FILE, Encoder, EncoderError, EncoderHeads, EncoderTokenizer, pack,
};
use crate::registry::{Architecture, Bundle};

/// An encoder with its weights in 32 bits.
#[derive(Clone, Debug)]
pub enum PlainEncoder {
    /// BERT, `RoBERTa`, `XLM-RoBERTa` and `DistilBERT`, which we compute ourselves.
    Bert(EncoderFolder),
    /// `ModernBERT`, which candle-transformers computes.
    ModernBert(EncoderFolder<ModernConfig>),
}

impl PlainEncoder {
    /// Reads a folder in the layout of Hugging Face.
    pub fn read(dir: &Path) -> Result<Self, EncoderError> {
        let (text, path) = read_config(dir)?;
        // What is wrong with the claim is said together with all else.
        match Claim::parse(&text, &path)?.family(&mut Vec::new()) {
            Some(Family::ModernBert) => Ok(Self::ModernBert(EncoderFolder::read_modern(dir)?)),
            _ => Ok(Self::Bert(EncoderFolder::read(dir)?)),
        }
    }

    /// The encoder of a blend, as far as the bundle has kept its weights: what a model that is live
    /// has learned is what the next one begins with.
    pub fn from_bundle(bundle: &Bundle) -> Result<Self, inference::Error> {
        match bundle.manifest().architecture() {
            Architecture::Bert => Ok(Self::Bert(EncoderFolder::from_bundle(bundle)?)),
            Architecture::ModernBert => {
                let (config, tokenizer) = read_shape::<ModernConfig>(bundle)?;
                let parameters = unpack_modern(&bundle.read(ENCODER_FILE)?, &config)?;
                Ok(Self::ModernBert(EncoderFolder { config, parameters, tokenizer }))
            }
        }
    }

    /// Which of the architectures it has.
    pub const fn architecture(&self) -> Architecture {
        match self {
            Self::Bert(_) => Architecture::Bert,
            Self::ModernBert(_) => Architecture::ModernBert,
        }
    }

    /// Its tokenizer.
    pub const fn tokenizer(&self) -> &EncoderTokenizer {
        match self {
            Self::Bert(folder) => &folder.tokenizer,
            Self::ModernBert(folder) => &folder.tokenizer,
        }
    }

    /// The length of a text's vector.
    pub const fn hidden_size(&self) -> usize {
        match self {
            Self::Bert(folder) => folder.config.hidden_size,
            Self::ModernBert(folder) => folder.config.hidden_size,
        }
    }

    /// The same encoder, which takes no more than so many tokens of a text.
    pub fn cut(mut self, max_tokens: usize) -> Result<Self, EncoderError> {
        let (most, tokenizer) = match &mut self {
            Self::Bert(folder) => (&mut folder.config.max_tokens, &mut folder.tokenizer),
            Self::ModernBert(folder) => (&mut folder.config.max_tokens, &mut folder.tokenizer),
        };
        // Positions that no text reaches any more stay: weights are never changed here.
        *most = (*most).min(max_tokens);
        let json = tokenizer.to_json()?;
        *tokenizer =
            EncoderTokenizer::from_json(json.as_bytes(), *most).map_err(EncoderError::Tokenizer)?;
        Ok(self)
    }

    /// The bytes of [`ENCODER_FILE`] with these heads.
    pub fn pack(&self, heads: &EncoderHeads) -> Vec<u8> {
        match self {
            Self::Bert(folder) => pack(&folder.config, &folder.parameters, heads),
            Self::ModernBert(folder) => pack_modern(&folder.parameters, heads),
        }
    }

    /// The text of [`ENCODER_CONFIG_FILE`](crate::inference::ENCODER_CONFIG_FILE).
    pub fn shape_json(&self) -> Vec<u8> {
        let json = match self {
            Self::Bert(folder) => serde_json::to_vec_pretty(&folder.config),
            Self::ModernBert(folder) => serde_json::to_vec_pretty(&folder.config),
        };
        json.expect("a shape has nothing that JSON lacks")
    }

    /// The encoder as a bundle with these heads would serve it.
    pub fn serve(&self, heads: &EncoderHeads, isa: Isa) -> Result<Encoder, inference::Error> {
        let (bytes, tokenizer) = (self.pack(heads), self.tokenizer().clone());
        match self {
            Self::Bert(folder) => Encoder::new(&folder.config, &bytes, tokenizer, isa),
            Self::ModernBert(folder) => Encoder::modern(&folder.config, &bytes, tokenizer),
        }
    }
}
