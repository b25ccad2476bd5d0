//! An encoder with its tokenizer and its heads: from texts to vectors, and from those to scores.

use std::{cell::RefCell, ops::Range};

use crate::inference::encoder::engine::mean;
use crate::inference::encoder::folder::read_shape;
use crate::inference::encoder::modern::{ModernConfig, ModernEngine};
use crate::inference::encoder::packed::{Reader, unpack_modern};
use crate::inference::encoder::{
    ENCODER_FILE, EncoderConfig, EncoderEngine, EncoderHeads, EncoderTokenizer, TOKENIZER_FILE,
    Tokens, Workspace,
};
use crate::inference::evidence::{Direction, HEAT_LANES, Heat};
use crate::inference::{Error, Isa, n_outputs};
use crate::registry::{Architecture, BlendWeights, Bundle};

thread_local! {
    /// What a thread computes in. A few megabytes that would otherwise be asked for and given back
    /// with every text.
    static SPACE: RefCell<Workspace> = RefCell::default();
}

/// A text as an encoder has read it.
#[derive(Clone, Debug)]
pub(in crate::inference) struct Encoded {
    /// The mean over its tokens.
    pub(in crate::inference) vector: Vec<f32>,
    /// The last layer: a row per token.
    rows: Vec<f32>,
    /// Where each token stands in the normalized text; those that stand for nothing are empty.
    ranges: Vec<Range<usize>>,
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
                let (config, tokenizer) = read_shape::<EncoderConfig>(bundle)?;
                Self::new(&config, &weights, tokenizer, isa)?
            }
            Architecture::ModernBert => {
                let (config, tokenizer) = read_shape::<ModernConfig>(bundle)?;
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
        self.read(texts).into_iter().map(|encoded| encoded.vector).collect()
    }

    /// Reads normalized texts.
    ///
    /// # Panics
    /// As [`Self::pool`].
    pub(in crate::inference) fn read(&self, texts: &[&str]) -> Vec<Encoded> {
        let tokens = texts.iter().map(|text| self.tokenizer.encode(text));
        let tokens: Vec<Tokens> =
            tokens.map(|it| it.expect("a tokenizer takes every text")).collect();
        let mut rows = Vec::with_capacity(texts.len());
        match &self.engine {
            Engine::Bert(engine) => {
                let ids: Vec<&[u32]> = tokens.iter().map(|it| it.ids.as_slice()).collect();
                SPACE.with_borrow_mut(|space| {
                    engine.read(&ids, space, |layer| rows.push(layer.to_vec()));
                });
            }
            Engine::ModernBert(engine) => {
                let layers = tokens.iter().map(|it| engine.read(&it.ids));
                rows.extend(layers.map(|it| it.expect("shapes and tokens were checked")));
            }
        }
        let texts = rows.into_iter().zip(tokens);
        let vector = |rows: &[f32]| mean(rows, self.heads.means.len());
        texts
            .map(|(rows, Tokens { ranges, .. })| Encoded { vector: vector(&rows), rows, ranges })
            .collect()
    }

    /// Adds what each token counts in favor of some labels, its encoder's share of a blend. A text's
    /// vector is a mean over tokens and a score linear in it, so that the score is a sum over tokens:
    /// class activation mapping (Zhou et al. 2016).
    pub(in crate::inference) fn explain(
        &self,
        encoded: &Encoded,
        labels: &[Direction],
        weights: &[BlendWeights],
        heat: &mut Heat,
    ) {
        let hidden = self.heads.means.len();
        let mut gradients = vec![[0.0; HEAT_LANES]; hidden];
        for (lane, label) in labels.iter().enumerate() {
            let signed = |output: Option<usize>, sign: f32| {
                output.map(|output| (output, sign * weights[output].encoder))
            };
            let outputs = signed(label.up, 1.0).into_iter().chain(signed(label.down, -1.0));
            let column = self.heads.gradient(outputs);
            gradients.iter_mut().zip(column).for_each(|(row, value)| row[lane] = value);
        }
        let share = ((encoded.rows.len() / hidden).max(1) as f32).recip();
        for (row, range) in encoded.rows.chunks_exact(hidden).zip(&encoded.ranges) {
            let mut sums = [0.0; HEAT_LANES];
            for ((value, mean), gradient) in row.iter().zip(&self.heads.means).zip(&gradients) {
                for (sum, gradient) in sums.iter_mut().zip(gradient) {
                    *sum += (value - mean) * gradient;
                }
            }
            heat.add(range, &sums.map(|sum| sum * share));
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
