//! An encoder with its tokenizer and its heads: from texts to vectors, and from those to scores.

use std::cell::RefCell;

use crate::inference::encoder::folder::read_shape;
use crate::inference::encoder::modern::{ModernConfig, ModernEngine};
use crate::inference::encoder::packed::{Reader, unpack_modern};
use crate::inference::encoder::{
    ENCODER_FILE, EncoderConfig, EncoderEngine, EncoderHeads, EncoderTokenizer, TOKENIZER_FILE,
    Workspace,
};
use crate::inference::{Error, Isa, n_outputs};
use crate::registry::{Architecture, Bundle};

thread_local! {
    /// What a thread computes in. A few megabytes that would otherwise be asked for and given back
    /// with every text.
    static SPACE: RefCell<Workspace> = RefCell::default();
}

/// An encoder that is ready to answer.
#[derive(Clone, Debug)]
pub struct Encoder {
    tokenizer: EncoderTokenizer,
    engine: Engine,
    heads: EncoderHeads,
}

/// What computes vectors.
#[derive(Clone, Debug)]
enum Engine {
    Bert(EncoderEngine),
    ModernBert(ModernEngine),
}

impl Encoder {
    /// Reads the bytes of [`ENCODER_FILE`] of an encoder that we compute ourselves.
    pub fn new(
        config: &EncoderConfig,
        weights: &[u8],
        tokenizer: EncoderTokenizer,
        isa: Isa,
    ) -> Result<Self, Error> {
        let engine = Engine::Bert(EncoderEngine::from_bytes(weights, config, isa)?);
        let heads = EncoderHeads::read(&Reader::new(weights)?, config.hidden_size)?;
        check_pieces(&tokenizer, config.vocab_size)?;
        Ok(Self { tokenizer, engine, heads })
    }

    /// Reads the bytes of [`ENCODER_FILE`] of a `ModernBERT`.
    pub(super) fn modern(
        config: &ModernConfig,
        weights: &[u8],
        tokenizer: EncoderTokenizer,
    ) -> Result<Self, Error> {
        let engine = ModernEngine::new(config, &unpack_modern(weights, config)?);
        let engine = Engine::ModernBert(engine.map_err(|error| Error::Format(error.to_string()))?);
        let heads = EncoderHeads::read(&Reader::new(weights)?, config.hidden_size)?;
        check_pieces(&tokenizer, config.vocab_size)?;
        Ok(Self { tokenizer, engine, heads })
    }

    /// Reads the files of a bundle.
    pub fn from_bundle(bundle: &Bundle, isa: Isa) -> Result<Self, Error> {
        let weights = bundle.read(ENCODER_FILE)?;
        let encoder = match bundle.manifest().architecture() {
            Architecture::Bert => {
                let (config, tokenizer) =
                    read_shape(bundle, |config: &EncoderConfig| config.max_tokens)?;
                Self::new(&config, &weights, tokenizer, isa)?
            }
            Architecture::ModernBert => {
                let (config, tokenizer) =
                    read_shape(bundle, |config: &ModernConfig| config.max_tokens)?;
                Self::modern(&config, &weights, tokenizer)?
            }
        };
        let expected: usize = bundle.manifest().taxonomy.heads().iter().map(n_outputs).sum();
        let found = encoder.heads.biases.len();
        if found != expected {
            let why = format!("has {found} values instead of {expected}");
            return Err(Error::Tensor { tensor: "heads.biases".to_owned(), why });
        }
        Ok(encoder)
    }

    /// The vector of each normalized text: the mean over its tokens.
    ///
    /// # Panics
    /// When the tokenizer or candle fails, which those that were loaded have no reason to.
    pub fn pool(&self, texts: &[&str]) -> Vec<Vec<f32>> {
        let tokens = texts.iter().map(|text| self.tokenizer.encode(text));
        let tokens: Vec<Vec<u32>> =
            tokens.map(|it| it.expect("a tokenizer takes every text").ids).collect();
        match &self.engine {
            Engine::Bert(engine) => {
                let ids: Vec<&[u32]> = tokens.iter().map(Vec::as_slice).collect();
                SPACE.with_borrow_mut(|space| engine.pool(&ids, space))
            }
            Engine::ModernBert(engine) => {
                let vectors = tokens.iter().map(|ids| engine.pool(ids));
                vectors.map(|it| it.expect("shapes and tokens were checked")).collect()
            }
        }
    }

    /// The score of every output for a vector, heads in the taxonomy's order.
    pub fn scores(&self, pooled: &[f32]) -> Vec<f32> {
        self.heads.scores(pooled)
    }
}

/// Whether the encoder has a vector for every piece.
fn check_pieces(tokenizer: &EncoderTokenizer, n_words: usize) -> Result<(), Error> {
    let n_ids = tokenizer.n_ids();
    if n_words < n_ids {
        let why = format!("has {n_ids} pieces, but the encoder knows {n_words}");
        return Err(Error::Encoder { file: TOKENIZER_FILE, why });
    }
    Ok(())
}
