//! The encoder as it serves: 8-bit weights, texts of any lengths side by side without padding, one
//! thread. It computes what the reference computes but for the rounding to 8 bits.

use crate::inference::Error;
use crate::inference::encoder::EncoderConfig;
use crate::inference::encoder::packed::{PackedRows, Reader};
use crate::inference::kernels::{Attention, HeadShape, Isa, Matrix, Output, Rows, gelu, normalize};

/// So many tokens go through a layer together: enough to read its weights seldom, few enough to
/// stay in the cache. A longer text goes alone.
const GROUP_TOKENS: usize = 128;

/// So many tokens go through the dense layers together.
const BLOCK_TOKENS: usize = 64;

/// An encoder that is ready to answer. Shared by all threads, each with a [`Workspace`] of its own.
#[derive(Clone, Debug)]
pub struct EncoderEngine {
    isa: Isa,
    hidden_size: usize,
    heads: HeadShape,
    epsilon: f32,
    words: PackedRows,
    positions: Vec<f32>,
    norm: Norm,
    layers: Vec<Layer>,
}

/// What an encoder computes in between. Kept from one batch to the next, so that nothing is
/// allocated.
#[derive(Debug, Default)]
pub struct Workspace {
    hidden: Vec<f32>,
    projected: Vec<f32>,
    context: Vec<f32>,
    inner: Vec<f32>,
    rows: Rows,
    attention: Attention,
}

#[derive(Clone, Debug)]
struct Layer {
    projection: Matrix,
    output: Matrix,
    attention_norm: Norm,
    inner: Matrix,
    outer: Matrix,
    norm: Norm,
}

#[derive(Clone, Debug)]
struct Norm {
    scales: Vec<f32>,
    shifts: Vec<f32>,
}

impl EncoderEngine {
    /// Reads the bytes of [`ENCODER_FILE`](crate::inference::encoder::ENCODER_FILE) for these
    /// instructions.
    pub fn from_bytes(bytes: &[u8], config: &EncoderConfig, isa: Isa) -> Result<Self, Error> {
        let file = Reader::new(bytes)?;
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let norm = |name: &str| -> Result<Norm, Error> {
            Ok(Norm {
                scales: file.numbers(&format!("{name}.scales"), &[hidden])?,
                shifts: file.numbers(&format!("{name}.shifts"), &[hidden])?,
            })
        };
        let matrix = |name: &str, n_outputs: usize, n_inputs: usize| -> Result<Matrix, Error> {
            let rows = file.rows(name, n_outputs, n_inputs)?;
            let biases = file.numbers(&format!("{name}.biases"), &[n_outputs])?;
            Ok(Matrix::new(&rows.values, &rows.scales, &biases))
        };
        let layer = |layer: usize| -> Result<Layer, Error> {
            let at = |part: &str| format!("layers.{layer}.{part}");
            Ok(Layer {
                projection: matrix(&at("attention.projection"), 3 * hidden, hidden)?,
                output: matrix(&at("attention.output"), hidden, hidden)?,
                attention_norm: norm(&at("attention.norm"))?,
                inner: matrix(&at("inner"), inner, hidden)?,
                outer: matrix(&at("outer"), hidden, inner)?,
                norm: norm(&at("norm"))?,
            })
        };
        Ok(Self {
            isa,
            hidden_size: hidden,
            heads: HeadShape { number: config.n_heads, size: config.head_size() },
            epsilon: config.layer_norm_eps as f32,
            words: file.rows("embeddings.words", config.vocab_size, hidden)?,
            positions: file.numbers("embeddings.positions", &[config.max_tokens, hidden])?,
            norm: norm("embeddings.norm")?,
            layers: (0..config.n_layers).map(layer).collect::<Result<_, _>>()?,
        })
    }

    /// What instructions it runs on.
    pub const fn isa(&self) -> Isa {
        self.isa
    }

    /// The length of a text's vector.
    pub const fn hidden_size(&self) -> usize {
        self.hidden_size
    }

    /// The mean of the last layer over the tokens of each text. What is longer than the encoder
    /// takes is cut.
    ///
    /// # Panics
    /// When a token is none of the encoder's.
    pub fn pool(&self, texts: &[&[u32]], space: &mut Workspace) -> Vec<Vec<f32>> {
        let max_tokens = self.positions.len() / self.hidden_size;
        let lengths: Vec<usize> = texts.iter().map(|ids| ids.len().min(max_tokens)).collect();
        self.embed_tokens(texts, &lengths, space);
        for layer in &self.layers {
            let mut first = 0;
            for group in groups(&lengths) {
                let n_tokens: usize = group.iter().sum();
                self.attend(layer, first, group, space);
                for block in (first..first + n_tokens).step_by(BLOCK_TOKENS) {
                    let n_here = (first + n_tokens - block).min(BLOCK_TOKENS);
                    self.transform(layer, [first, block, n_here], space);
                }
                first += n_tokens;
            }
        }
        let mut rows = space.hidden.chunks_exact(self.hidden_size);
        lengths.iter().map(|&length| self.mean(&mut rows, length)).collect()
    }

    fn embed_tokens(&self, texts: &[&[u32]], lengths: &[usize], space: &mut Workspace) {
        let width = self.hidden_size;
        space.hidden.clear();
        for (ids, &length) in texts.iter().zip(lengths) {
            for (&id, position) in ids[..length].iter().zip(self.positions.chunks_exact(width)) {
                let scale = self.words.scales[id as usize];
                let word = &self.words.values[id as usize * width..][..width];
                let sums = word
                    .iter()
                    .zip(position)
                    .map(|(&it, position)| f32::from(it) * scale + position);
                space.hidden.extend(sums);
            }
        }
        self.normalize(&mut space.hidden, &self.norm);
    }

    /// Projects the tokens of some texts, and lets those of each text look at one another.
    fn attend(&self, layer: &Layer, first: usize, lengths: &[usize], space: &mut Workspace) {
        let width = self.hidden_size;
        let n_tokens: usize = lengths.iter().sum();
        let hidden = &space.hidden[first * width..][..n_tokens * width];
        space.rows.quantize(self.isa, hidden, width, width);
        space.projected.resize(n_tokens * 3 * width, 0.0);
        self.multiply(&layer.projection, &space.rows, &mut space.projected, false);
        space.context.resize(n_tokens * width, 0.0);
        let mut start = 0;
        for length in lengths {
            let end = start + length * width;
            let projected = &space.projected[3 * start..3 * end];
            space.attention.attend(self.isa, projected, self.heads, &mut space.context[start..end]);
            start = end;
        }
    }

    /// The dense layers for a block of tokens in a group: `[group's first token, block's first
    /// token, tokens in the block]`.
    fn transform(
        &self,
        layer: &Layer,
        [first, block, n_tokens]: [usize; 3],
        space: &mut Workspace,
    ) {
        let width = self.hidden_size;
        let Workspace { hidden, context, inner, rows, .. } = space;
        let hidden = &mut hidden[block * width..][..n_tokens * width];
        let context = &context[(block - first) * width..][..n_tokens * width];
        rows.quantize(self.isa, context, width, width);
        self.multiply(&layer.output, rows, hidden, true);
        self.normalize(hidden, &layer.attention_norm);
        rows.quantize(self.isa, hidden, width, width);
        let inner_width = layer.inner.n_outputs();
        inner.resize(n_tokens * inner_width, 0.0);
        self.multiply(&layer.inner, rows, inner, false);
        gelu(self.isa, inner);
        rows.quantize(self.isa, inner, inner_width, inner_width);
        self.multiply(&layer.outer, rows, hidden, true);
        self.normalize(hidden, &layer.norm);
    }

    fn multiply(&self, matrix: &Matrix, rows: &Rows, values: &mut [f32], adds: bool) {
        let row_len = matrix.n_outputs();
        matrix.multiply(self.isa, rows, &mut Output { values, row_len, adds });
    }

    fn normalize(&self, rows: &mut [f32], norm: &Norm) {
        normalize(self.isa, rows, &norm.scales, &norm.shifts, self.epsilon);
    }

    /// The mean of the next rows; zeros for a text without tokens.
    fn mean<'r>(&self, rows: &mut impl Iterator<Item = &'r [f32]>, n_rows: usize) -> Vec<f32> {
        let mut sum = vec![0.0; self.hidden_size];
        for row in rows.take(n_rows) {
            for (sum, value) in sum.iter_mut().zip(row) {
                *sum += value;
            }
        }
        let factor = (n_rows.max(1) as f32).recip();
        for value in &mut sum {
            *value *= factor;
        }
        sum
    }
}

/// Runs of texts with at most [`GROUP_TOKENS`] tokens together, and longer texts alone.
fn groups(lengths: &[usize]) -> impl Iterator<Item = &[usize]> {
    let mut rest = lengths;
    std::iter::from_fn(move || {
        let mut n_tokens = *rest.first()?;
        let fits = |length: &&usize| {
            n_tokens += **length;
            n_tokens <= GROUP_TOKENS
        };
        let n_texts = 1 + rest[1..].iter().take_while(fits).count();
        let (group, others) = rest.split_at(n_texts);
        rest = others;
        Some(group)
    })
}
