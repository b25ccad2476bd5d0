//! The way through a layer and back, for one thread.

use half::bf16;

use crate::inference::Isa;
use crate::inference::encoder::EncoderConfig;
use crate::inference::encoder::dropout::LayerDrops;
use crate::inference::encoder::fused::dense::{PackedLayer, Products};
use crate::inference::encoder::layout::{self, Parts};
use crate::inference::kernels::bf16::{
    Attention, AttentionKept, AttentionShape, Branch, Matrix, Norm, NormGradients, NormKept,
    NormOut, Out, add_bias, add_columns, gelu, gelu_gradient, multiply, normalize,
    normalize_gradient, to_bf16,
};

/// A layer with what it is applied to.
pub(super) struct Applied<'a> {
    pub(super) isa: Isa,
    pub(super) config: &'a EncoderConfig,
    pub(super) packed: &'a PackedLayer,
    pub(super) block: &'a [f32],
    pub(super) lengths: &'a [usize],
    pub(super) drops: LayerDrops,
}

/// What the way there leaves for the way back.
pub(super) struct Kept {
    input: Vec<bf16>,
    qkv: Vec<bf16>,
    probabilities: Vec<bf16>,
    mixed: Vec<bf16>,
    attention_norm: KeptNorm,
    middle: Vec<bf16>,
    before_gelu: Vec<bf16>,
    after_gelu: Vec<bf16>,
    norm: KeptNorm,
}

/// What a layer normalization leaves.
struct KeptNorm {
    normalized: Vec<bf16>,
    scales: Vec<f32>,
}

impl KeptNorm {
    fn new(n_rows: usize, n_columns: usize) -> Self {
        Self { normalized: zeros16(n_rows * n_columns), scales: vec![0.0; n_rows] }
    }
}

fn zeros16(len: usize) -> Vec<bf16> {
    vec![bf16::ZERO; len]
}

impl Applied<'_> {
    /// The vectors after the layer.
    pub(super) fn forward(&self, input: &[f32]) -> (Vec<f32>, Kept) {
        let (hidden, inner) = (self.config.hidden_size, self.config.intermediate_size);
        let n = input.len() / hidden;
        let mut products = Products::new(self.isa);
        let mut kept = Kept {
            input: zeros16(n * hidden),
            qkv: zeros16(n * 3 * hidden),
            probabilities: Vec::new(),
            mixed: zeros16(n * hidden),
            attention_norm: KeptNorm::new(n, hidden),
            middle: zeros16(n * hidden),
            before_gelu: zeros16(n * inner),
            after_gelu: zeros16(n * inner),
            norm: KeptNorm::new(n, hidden),
        };
        let middle = self.attention_half(input, &mut products, &mut kept);
        let out = self.dense_half(&middle, &mut products, &mut kept);
        (out, kept)
    }

    /// From the layer's input to the sum after attention.
    fn attention_half(&self, input: &[f32], products: &mut Products, kept: &mut Kept) -> Vec<f32> {
        let hidden = self.config.hidden_size;
        let n = input.len() / hidden;
        let parts = Parts::of(self.config, self.block);
        let eps = self.config.layer_norm_eps as f32;
        to_bf16(self.isa, input, &mut kept.input);
        let rows = Matrix::new(&kept.input, hidden);
        products.by_blocks(rows, &self.packed.qkv.forward, |tile, rows| {
            let range = rows.start * 3 * hidden..rows.end * 3 * hidden;
            add_bias(self.isa, tile, parts.qkv_bias, &mut kept.qkv[range]);
        });
        self.attend(kept);
        let mut middle = vec![0.0; n * hidden];
        products.by_blocks(
            Matrix::new(&kept.mixed, hidden),
            &self.packed.out.forward,
            |tile, rows| {
                let range = rows.start * hidden..rows.end * hidden;
                let (values, bias) = (tile, parts.out_bias);
                let first_index = range.start as u32;
                let branch = Branch { values, bias, dropout: self.drops.out, first_index };
                let norm = Norm { gain: parts.attention_gain, bias: parts.attention_bias, eps };
                let to = NormOut {
                    out: &mut middle[range.clone()],
                    out16: &mut kept.middle[range.clone()],
                    normalized: &mut kept.attention_norm.normalized[range.clone()],
                    scales: &mut kept.attention_norm.scales[rows],
                };
                normalize(self.isa, branch, &input[range], norm, to);
            },
        );
        middle
    }

    /// From the sum after attention to the layer's output.
    fn dense_half(&self, middle: &[f32], products: &mut Products, kept: &mut Kept) -> Vec<f32> {
        let (hidden, inner) = (self.config.hidden_size, self.config.intermediate_size);
        let n = middle.len() / hidden;
        let parts = Parts::of(self.config, self.block);
        let eps = self.config.layer_norm_eps as f32;
        products.by_blocks(
            Matrix::new(&kept.middle, hidden),
            &self.packed.up.forward,
            |tile, rows| {
                let range = rows.start * inner..rows.end * inner;
                let before = &mut kept.before_gelu[range.clone()];
                gelu(self.isa, tile, parts.up_bias, before, &mut kept.after_gelu[range]);
            },
        );
        let mut out = vec![0.0; n * hidden];
        // The next layer rounds its input by itself; it may not be one of ours.
        let mut unused = zeros16(n * hidden);
        let rows = Matrix::new(&kept.after_gelu, inner);
        products.by_blocks(rows, &self.packed.down.forward, |tile, rows| {
            let range = rows.start * hidden..rows.end * hidden;
            let (values, bias) = (tile, parts.down_bias);
            let first_index = range.start as u32;
            let branch = Branch { values, bias, dropout: self.drops.down, first_index };
            let to = NormOut {
                out: &mut out[range.clone()],
                out16: &mut unused[range.clone()],
                normalized: &mut kept.norm.normalized[range.clone()],
                scales: &mut kept.norm.scales[rows],
            };
            let norm = Norm { gain: parts.gain, bias: parts.bias, eps };
            normalize(self.isa, branch, &middle[range], norm, to);
        });
        out
    }

    const fn attention(&self) -> AttentionShape {
        AttentionShape {
            n_heads: self.config.n_heads,
            head_size: self.config.head_size(),
            dropout: self.drops.attention,
        }
    }

    fn attend(&self, kept: &mut Kept) {
        let hidden = self.config.hidden_size;
        let shape = self.attention();
        let n_probabilities = self.lengths.iter().map(|&n| shape.n_probabilities(n)).sum();
        kept.probabilities = zeros16(n_probabilities);
        let mut attention = Attention::new(self.isa);
        let (mut start, mut first) = (0, 0);
        for &n in self.lengths {
            let end = start + n;
            let probabilities = &mut kept.probabilities[first..first + shape.n_probabilities(n)];
            let qkv = &kept.qkv[start * 3 * hidden..end * 3 * hidden];
            let mixed = &mut kept.mixed[start * hidden..end * hidden];
            attention.forward(shape, qkv, (probabilities, first as u32), mixed);
            (start, first) = (end, first + shape.n_probabilities(n));
        }
    }

    /// The gradients of the layer's input and of its block of weights.
    pub(super) fn backward(&self, gradient: &[f32], kept: &Kept) -> (Vec<f32>, Vec<f32>) {
        let (hidden, inner) = (self.config.hidden_size, self.config.intermediate_size);
        let n = gradient.len() / hidden;
        let parts = Parts::of(self.config, self.block);
        let mut of_block = vec![0.0; layout::block_len(self.config)];
        let of = Parts::of_mut(self.config, &mut of_block);
        let mut products = Products::new(self.isa);

        // Down, GELU and up.
        let (mut of_middle, mut of_branch) = (vec![0.0; n * hidden], zeros16(n * hidden));
        let (normalized, scales) = (&kept.norm.normalized[..], &kept.norm.scales[..]);
        let norm = NormKept { normalized, scales, gain: parts.gain, dropout: self.drops.down };
        let to = NormGradients {
            residual: &mut of_middle,
            branch: &mut of_branch,
            gain: of.gain,
            bias: of.bias,
            dense_bias: of.down_bias,
        };
        normalize_gradient(self.isa, gradient, norm, 0, to);
        let rows = Matrix::new(&of_branch, hidden);
        products.matrix_gradient(rows, Matrix::new(&kept.after_gelu, inner), of.down);
        let mut of_up = zeros16(n * inner);
        products.by_blocks(rows, &self.packed.down.backward, |tile, rows| {
            let range = rows.start * inner..rows.end * inner;
            let before = &kept.before_gelu[range.clone()];
            gelu_gradient(self.isa, tile, before, &mut of_up[range], of.up_bias);
        });
        let rows = Matrix::new(&of_up, inner);
        products.matrix_gradient(rows, Matrix::new(&kept.middle, hidden), of.up);
        let adds = Out { values: &mut of_middle, stride: hidden, adds: true };
        multiply(self.isa, rows, &self.packed.up.backward, adds);

        // Attention and what it is made from.
        let mut of_input = vec![0.0; n * hidden];
        let kept_norm = &kept.attention_norm;
        let (normalized, scales) = (&kept_norm.normalized[..], &kept_norm.scales[..]);
        let gain = parts.attention_gain;
        let norm = NormKept { normalized, scales, gain, dropout: self.drops.out };
        let to = NormGradients {
            residual: &mut of_input,
            branch: &mut of_branch,
            gain: of.attention_gain,
            bias: of.attention_bias,
            dense_bias: of.out_bias,
        };
        normalize_gradient(self.isa, &of_middle, norm, 0, to);
        let rows = Matrix::new(&of_branch, hidden);
        products.matrix_gradient(rows, Matrix::new(&kept.mixed, hidden), of.out);
        let mut of_mixed = zeros16(n * hidden);
        products.by_blocks(rows, &self.packed.out.backward, |tile, rows| {
            to_bf16(self.isa, tile, &mut of_mixed[rows.start * hidden..rows.end * hidden]);
        });
        let of_qkv = self.attend_back(kept, &of_mixed);
        add_columns(self.isa, &of_qkv, of.qkv_bias);
        let rows = Matrix::new(&of_qkv, 3 * hidden);
        products.matrix_gradient(rows, Matrix::new(&kept.input, hidden), of.qkv);
        let adds = Out { values: &mut of_input, stride: hidden, adds: true };
        multiply(self.isa, rows, &self.packed.qkv.backward, adds);
        (of_input, of_block)
    }

    fn attend_back(&self, kept: &Kept, of_mixed: &[bf16]) -> Vec<bf16> {
        let hidden = self.config.hidden_size;
        let shape = self.attention();
        let mut of_qkv = zeros16(kept.qkv.len());
        let mut attention = Attention::new(self.isa);
        let (mut start, mut first) = (0, 0);
        for &n in self.lengths {
            let end = start + n;
            let qkv = start * 3 * hidden..end * 3 * hidden;
            let probabilities = &kept.probabilities[first..first + shape.n_probabilities(n)];
            let first_index = first as u32;
            let of_text = AttentionKept { qkv: &kept.qkv[qkv.clone()], probabilities, first_index };
            let gradient = &of_mixed[start * hidden..end * hidden];
            attention.backward(shape, of_text, gradient, &mut of_qkv[qkv]);
            (start, first) = (end, first + shape.n_probabilities(n));
        }
        of_qkv
    }
}
