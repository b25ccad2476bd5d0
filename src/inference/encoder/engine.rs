//! The encoder as it serves: 8-bit weights, texts of any lengths side by side without padding, one
//! thread. It computes what the reference computes but for the rounding to 8 bits.

use std::ops::Range;

use crate::inference::Error;
use crate::inference::encoder::EncoderConfig;
use crate::inference::encoder::packed::{PackedRows, Reader};
use crate::inference::kernels::{
    Attention, HeadShape, Isa, Lines, Matrix, Output, Pass, Put, Rows, normalize,
};

/// So many tokens go through the layers together: enough to read the weights seldom, few enough to
/// stay in the cache. A longer text goes alone.
const GROUP_TOKENS: usize = 256;

/// So many columns are computed before what needs them: they stay in the cache, whereas those of a
/// whole layer would push its weights out.
const PART: usize = 384;

/// An encoder that is ready to answer. Shared by all threads, each with a [`Workspace`] of its own.
#[derive(Clone, Debug)]
pub struct EncoderEngine {
    isa: Isa,
    hidden_size: usize,
    epsilon: f32,
    words: PackedRows,
    positions: Vec<f32>,
    norm: Norm,
    layers: Vec<Layer>,
    /// Those of all layers, in the order in which they are read.
    matrices: Vec<Matrix>,
}

/// What an encoder computes in between. Kept from one batch to the next, so that nothing is
/// allocated.
#[derive(Debug, Default)]
pub struct Workspace {
    hidden: Lines<f32>,
    projected: Lines<f32>,
    context: Lines<f32>,
    inner: Lines<f32>,
    rows: Rows,
    inner_rows: Rows,
    attention: Attention,
}

#[derive(Clone, Debug)]
struct Layer {
    /// Each has a matrix of queries, keys and values of these heads.
    projections: Vec<HeadShape>,
    attention_norm: Norm,
    /// Each has a matrix of some of the inner columns, and one of what they add to the outer ones.
    n_dense: usize,
    norm: Norm,
}

#[derive(Clone, Debug)]
struct Norm {
    scales: Vec<f32>,
    shifts: Vec<f32>,
}

/// A dense layer as the file has it.
struct Dense {
    rows: PackedRows,
    biases: Vec<f32>,
}

impl Dense {
    /// The part with these outputs and inputs. The part with the first inputs has the biases.
    fn packed(&self, outputs: impl Iterator<Item = usize>, inputs: Range<usize>) -> Matrix {
        let n_inputs = self.rows.values.len() / self.rows.scales.len();
        let (mut values, mut scales, mut biases) = (Vec::new(), Vec::new(), Vec::new());
        for output in outputs {
            values.extend(&self.rows.values[output * n_inputs..][inputs.clone()]);
            scales.push(self.rows.scales[output]);
            biases.push(if inputs.start == 0 { self.biases[output] } else { 0.0 });
        }
        Matrix::new(&values, &scales, &biases)
    }
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
        let heads = HeadShape { number: config.n_heads, size: config.head_size() };
        let matrix = |name: &str, n_outputs: usize, n_inputs: usize| -> Result<Dense, Error> {
            let rows = file.rows(name, n_outputs, n_inputs)?;
            Ok(Dense { rows, biases: file.numbers(&format!("{name}.biases"), &[n_outputs])? })
        };
        let mut matrices = Vec::new();
        let mut layer = |layer: usize| -> Result<Layer, Error> {
            let at = |part: &str| format!("layers.{layer}.{part}");
            let projection = matrix(&at("attention.projection"), 3 * hidden, hidden)?;
            let up = matrix(&at("inner"), inner, hidden)?;
            let down = matrix(&at("outer"), hidden, inner)?;
            let parts = |n: usize, len: usize| {
                (0..n).step_by(len).map(move |start| start..n.min(start + len))
            };
            let mut some_heads = |part: Range<usize>| {
                let columns = part.start * heads.size..part.end * heads.size;
                let thirds = (0..3).flat_map(|it| columns.clone().map(move |of| it * hidden + of));
                matrices.push(projection.packed(thirds, 0..hidden));
                HeadShape { number: part.len(), size: heads.size }
            };
            let n_heads = (PART / 3 / heads.size).max(1);
            let projections = parts(heads.number, n_heads).map(&mut some_heads).collect();
            let output = matrix(&at("attention.output"), hidden, hidden)?;
            matrices.push(output.packed(0..hidden, 0..hidden));
            for part in parts(inner, PART) {
                matrices.push(up.packed(part.clone(), 0..hidden));
                matrices.push(down.packed(0..hidden, part));
            }
            Ok(Layer {
                projections,
                attention_norm: norm(&at("attention.norm"))?,
                n_dense: parts(inner, PART).count(),
                norm: norm(&at("norm"))?,
            })
        };
        let layers = (0..config.n_layers).map(&mut layer).collect::<Result<_, _>>()?;
        Ok(Self {
            isa,
            hidden_size: hidden,
            epsilon: config.layer_norm_eps as f32,
            words: file.rows("embeddings.words", config.vocab_size, hidden)?,
            positions: file.numbers("embeddings.positions", &[config.max_tokens, hidden])?,
            norm: norm("embeddings.norm")?,
            layers,
            matrices,
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
        let mut vectors = Vec::with_capacity(texts.len());
        self.read(texts, space, |rows| vectors.push(mean(rows, self.hidden_size)));
        vectors
    }

    /// Lets the last layer of each text be seen, text by text: a row per token.
    ///
    /// # Panics
    /// As [`Self::pool`].
    pub(super) fn read(
        &self,
        texts: &[&[u32]],
        space: &mut Workspace,
        mut see: impl FnMut(&[f32]),
    ) {
        let max_tokens = self.positions.len() / self.hidden_size;
        let lengths: Vec<usize> = texts.iter().map(|ids| ids.len().min(max_tokens)).collect();
        let mut n_read = 0;
        // Group by group through all layers: the vectors of a group stay in the cache.
        for group in groups(&lengths) {
            self.embed_tokens(&texts[n_read..], group, space);
            let mut pass = Pass::new(self.isa, &self.matrices);
            for layer in &self.layers {
                self.attend(layer, group, space, &mut pass);
                self.transform(layer, space, &mut pass);
            }
            let mut rest = &space.hidden[..];
            for length in group {
                let (rows, others) = rest.split_at(length * self.hidden_size);
                rest = others;
                see(rows);
            }
            n_read += group.len();
        }
    }

    fn embed_tokens(&self, texts: &[&[u32]], lengths: &[usize], space: &mut Workspace) {
        let width = self.hidden_size;
        space.hidden.resize(lengths.iter().sum::<usize>() * width, 0.0);
        let mut rows = space.hidden.chunks_exact_mut(width);
        for (ids, &length) in texts.iter().zip(lengths) {
            let positions = self.positions.chunks_exact(width);
            for ((&id, position), row) in ids[..length].iter().zip(positions).zip(&mut rows) {
                let scale = self.words.scales[id as usize];
                let word = &self.words.values[id as usize * width..][..width];
                for ((place, &value), position) in row.iter_mut().zip(word).zip(position) {
                    *place = f32::from(value) * scale + position;
                }
            }
        }
        self.normalize(&mut space.hidden, &self.norm);
    }

    /// Projects the tokens of some texts, and lets those of each text look at one another.
    fn attend(&self, layer: &Layer, lengths: &[usize], space: &mut Workspace, pass: &mut Pass<'_>) {
        let width = self.hidden_size;
        space.rows.quantize(self.isa, &space.hidden, width, width);
        space.context.resize(space.rows.len() * width, 0.0);
        let mut column = 0;
        for heads in &layer.projections {
            let part = multiply(&space.rows, &mut space.projected, Put::Replace, pass);
            let mut token = 0;
            for length in lengths.iter().filter(|&&length| length != 0) {
                let projected = &space.projected[token * part..(token + length) * part];
                let values = &mut space.context[token * width + column..];
                let mut output = Output { values, row_len: width };
                space.attention.attend(projected, *heads, &mut output, pass);
                token += length;
            }
            column += heads.number * heads.size;
        }
    }

    /// The dense layers.
    fn transform(&self, layer: &Layer, space: &mut Workspace, pass: &mut Pass<'_>) {
        let width = self.hidden_size;
        let Workspace { hidden, context, inner, rows, inner_rows, .. } = space;
        rows.quantize(self.isa, context, width, width);
        multiply(rows, hidden, Put::Add, pass);
        self.normalize(hidden, &layer.attention_norm);
        rows.quantize(self.isa, hidden, width, width);
        for _ in 0..layer.n_dense {
            let part = multiply(rows, inner, Put::Gelu, pass);
            inner_rows.quantize(self.isa, inner, part, part);
            multiply(inner_rows, hidden, Put::Add, pass);
        }
        self.normalize(hidden, &layer.norm);
    }

    fn normalize(&self, rows: &mut [f32], norm: &Norm) {
        normalize(self.isa, rows, &norm.scales, &norm.shifts, self.epsilon);
    }
}

/// The rows times the next matrix; returns how many values a row of `values` has then.
fn multiply(rows: &Rows, values: &mut Lines<f32>, put: Put, pass: &mut Pass<'_>) -> usize {
    let matrix = pass.next();
    let row_len = matrix.n_outputs();
    values.resize(rows.len() * row_len, 0.0);
    matrix.multiply(rows, &mut Output { values, row_len }, put, pass);
    row_len
}

/// The mean of the rows; zeros for a text without tokens.
pub(super) fn mean(rows: &[f32], width: usize) -> Vec<f32> {
    let mut sum = vec![0.0; width];
    for row in rows.chunks_exact(width) {
        for (sum, value) in sum.iter_mut().zip(row) {
            *sum += value;
        }
    }
    let factor = ((rows.len() / width).max(1) as f32).recip();
    for value in &mut sum {
        *value *= factor;
    }
    sum
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
