//! An encoder with its tokenizer and its heads: from texts to vectors, and from those to scores.

use std::cell::RefCell;

use crate::inference::encoder::folder::read_shape;
use crate::inference::encoder::packed::Reader;
use crate::inference::encoder::{
    ENCODER_FILE, EncoderConfig, EncoderEngine, EncoderHeads, EncoderTokenizer, TOKENIZER_FILE,
    Workspace,
};
use crate::inference::{Error, Isa, n_outputs};
use crate::registry::Bundle;

thread_local! {
    /// What a thread computes in. A few megabytes that would otherwise be asked for and given back
    /// with every text.
    static SPACE: RefCell<Workspace> = RefCell::default();
}

/// An encoder that is ready to answer.
#[derive(Clone, Debug)]
pub struct Encoder {
    tokenizer: EncoderTokenizer,
    engine: EncoderEngine,
    heads: EncoderHeads,
}

impl Encoder {
    /// Reads the bytes of [`ENCODER_FILE`].
    pub fn new(
        config: &EncoderConfig,
        weights: &[u8],
        tokenizer: EncoderTokenizer,
        isa: Isa,
    ) -> Result<Self, Error> {
        let engine = EncoderEngine::from_bytes(weights, config, isa)?;
        let (file, hidden) = (Reader::new(weights)?, config.hidden_size);
        let n_outputs = file.len_of("heads.biases")?;
        let heads = EncoderHeads {
            means: file.numbers("heads.means", &[hidden])?,
            deviations: file.numbers("heads.deviations", &[hidden])?,
            weights: file.numbers("heads.weights", &[n_outputs, hidden])?,
            biases: file.numbers("heads.biases", &[n_outputs])?,
        };
        if heads.deviations.contains(&0.0) {
            let why = "has a deviation of zero, which nothing can be divided by".to_owned();
            return Err(Error::Tensor { tensor: "heads.deviations".to_owned(), why });
        }
        if config.vocab_size < tokenizer.n_ids() {
            let (n_ids, n_words) = (tokenizer.n_ids(), config.vocab_size);
            let why = format!("has {n_ids} pieces, but the encoder knows {n_words}");
            return Err(Error::Encoder { file: TOKENIZER_FILE, why });
        }
        Ok(Self { tokenizer, engine, heads })
    }

    /// Reads the files of a bundle.
    pub fn from_bundle(bundle: &Bundle, isa: Isa) -> Result<Self, Error> {
        let (config, tokenizer) = read_shape(bundle)?;
        let encoder = Self::new(&config, &bundle.read(ENCODER_FILE)?, tokenizer, isa)?;
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
    /// When the tokenizer fails, which one that was loaded has no reason to.
    pub fn pool(&self, texts: &[&str]) -> Vec<Vec<f32>> {
        let tokens = texts.iter().map(|text| self.tokenizer.encode(text));
        let tokens: Vec<Vec<u32>> =
            tokens.map(|it| it.expect("a tokenizer takes every text").ids).collect();
        let ids: Vec<&[u32]> = tokens.iter().map(Vec::as_slice).collect();
        SPACE.with_borrow_mut(|space| self.engine.pool(&ids, space))
    }

    /// The score of every output for a vector, heads in the taxonomy's order.
    pub fn scores(&self, pooled: &[f32]) -> Vec<f32> {
        let EncoderHeads { means, deviations, weights, biases } = &self.heads;
        let lines = pooled.iter().zip(means.iter().zip(deviations));
        let standard: Vec<f32> = lines.map(|(x, (mean, scale))| (x - mean) / scale).collect();
        let rows = weights.chunks_exact(standard.len()).zip(biases);
        let product = |row: &[f32]| row.iter().zip(&standard).map(|(a, b)| a * b).sum::<f32>();
        rows.map(|(row, bias)| product(row) + bias).collect()
    }
}
