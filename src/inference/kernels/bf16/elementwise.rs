//! What happens between the products: biases, GELU, layer normalization, dropout and the step of
//! the optimizer. Every pass reads and writes each number once.

use half::bf16;

use crate::inference::kernels::bf16::math::{cumulative_normal, round, sum};
use crate::inference::kernels::bf16::per_isa;

/// Which numbers training drops: a hash of the place decides, so that the way back knows without
/// having kept anything.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Dropout {
    /// Another seed drops others.
    pub(crate) seed: u32,
    /// The share that is dropped, below one.
    pub(crate) share: f32,
}

impl Dropout {
    /// Zero for what is dropped; the others make up for it.
    #[inline(always)]
    pub(crate) fn factor(self, index: u32) -> f32 {
        // The finalizer of MurmurHash3 (Appleby 2011).
        let mut hash = index.wrapping_mul(0x9e37_79b1) ^ self.seed;
        hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
        hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
        let place = ((hash ^ (hash >> 16)) >> 8) as f32 / (1_u32 << 24) as f32;
        if place < self.share { 0.0 } else { 1.0 / (1.0 - self.share) }
    }
}

/// Layer normalization.
#[derive(Clone, Copy)]
pub(crate) struct Norm<'a> {
    pub(crate) gain: &'a [f32],
    pub(crate) bias: &'a [f32],
    pub(crate) eps: f32,
}

/// What layer normalization writes.
pub(crate) struct NormOut<'a> {
    /// The result, and the same in 16 bits for the products that follow.
    pub(crate) out: &'a mut [f32],
    pub(crate) out16: &'a mut [bf16],
    /// For the way back: before gain and bias, and what each row was multiplied with.
    pub(crate) normalized: &'a mut [bf16],
    pub(crate) scales: &'a mut [f32],
}

/// The output of a dense layer on its way to a sum: still without its bias and dropout.
#[derive(Clone, Copy)]
pub(crate) struct Branch<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) bias: &'a [f32],
    pub(crate) dropout: Dropout,
    /// The place of the first value, for dropout.
    pub(crate) first_index: u32,
}

/// What layer normalization kept for the way back.
#[derive(Clone, Copy)]
pub(crate) struct NormKept<'a> {
    pub(crate) normalized: &'a [bf16],
    pub(crate) scales: &'a [f32],
    pub(crate) gain: &'a [f32],
    pub(crate) dropout: Dropout,
}

/// Where the gradients of layer normalization go.
pub(crate) struct NormGradients<'a> {
    /// Of its input, which is that of the residual.
    pub(crate) residual: &'a mut [f32],
    /// Of the dense layer's output.
    pub(crate) branch: &'a mut [bf16],
    /// Added to: of gain and bias, and of the dense layer's bias.
    pub(crate) gain: &'a mut [f32],
    pub(crate) bias: &'a mut [f32],
    pub(crate) dense_bias: &'a mut [f32],
}

/// One step of `AdamW` (Loshchilov & Hutter 2019).
#[derive(Clone, Copy, Debug)]
pub struct AdamStep {
    /// The rate of learning.
    pub rate: f32,
    /// How much of the first moment stays.
    pub beta1: f32,
    /// How much of the second moment stays.
    pub beta2: f32,
    /// 1 − beta1^t and 1 − beta2^t, which make up for the moments' start at zero.
    pub corrections: (f32, f32),
    /// What is added to the root of the second moment.
    pub eps: f32,
    /// How much weights decay, times the rate.
    pub decay: f32,
    /// What gradients are multiplied with, to clip them.
    pub scale: f32,
}

per_isa! {
    /// Sixteen bits of each value.
    pub(crate) fn to_bf16(values: &[f32], out: &mut [bf16]) {
        for (out, &value) in out.iter_mut().zip(values) {
            *out = round(value);
        }
    }
}

per_isa! {
    /// Rows with a bias added, in 16 bits.
    pub(crate) fn add_bias(values: &[f32], bias: &[f32], out: &mut [bf16]) {
        let n = bias.len();
        for (out, row) in out.chunks_exact_mut(n).zip(values.chunks_exact(n)) {
            for ((out, &value), &bias) in out.iter_mut().zip(row).zip(bias) {
                *out = round(value + bias);
            }
        }
    }
}

per_isa! {
    /// Rows with a bias added, and their GELU (Hendrycks & Gimpel 2016) by the exact formula.
    pub(crate) fn gelu(values: &[f32], bias: &[f32], before: &mut [bf16], after: &mut [bf16]) {
        let n = bias.len();
        let rows = values.chunks_exact(n);
        let outs = before.chunks_exact_mut(n).zip(after.chunks_exact_mut(n));
        for (row, (before, after)) in rows.zip(outs) {
            for column in 0..n {
                before[column] = round(row[column] + bias[column]);
                let x = f32::from_bits(u32::from(before[column].to_bits()) << 16);
                after[column] = round(x * cumulative_normal(x).0);
            }
        }
    }
}

per_isa! {
    /// The gradient before GELU from the one after it; `sums` gets the bias's share added.
    pub(crate) fn gelu_gradient(
        gradient: &[f32],
        before: &[bf16],
        out: &mut [bf16],
        sums: &mut [f32],
    ) {
        let n = sums.len();
        let rows = gradient.chunks_exact(n).zip(before.chunks_exact(n));
        for ((gradient, before), out) in rows.zip(out.chunks_exact_mut(n)) {
            for column in 0..n {
                let x = f32::from_bits(u32::from(before[column].to_bits()) << 16);
                let (cumulative, density) = cumulative_normal(x);
                let value = gradient[column] * (cumulative + x * density);
                out[column] = round(value);
                sums[column] += value;
            }
        }
    }
}

per_isa! {
    /// Layer normalization (Ba et al. 2016) of a residual and the branch that is added to it.
    pub(crate) fn normalize(branch: Branch<'_>, residual: &[f32], norm: Norm<'_>, to: NormOut<'_>) {
        let n = norm.gain.len();
        let inputs = branch.values.chunks_exact(n).zip(residual.chunks_exact(n));
        let outs = to.out.chunks_exact_mut(n).zip(to.out16.chunks_exact_mut(n));
        let kept = to.normalized.chunks_exact_mut(n).zip(to.scales);
        for (row, (((values, residual), (out, out16)), (normalized, scale))) in
            (0_u32..).zip(inputs.zip(outs).zip(kept))
        {
            let first = branch.first_index.wrapping_add(row * n as u32);
            for column in 0..n {
                let factor = branch.dropout.factor(first.wrapping_add(column as u32));
                out[column] = residual[column] + (values[column] + branch.bias[column]) * factor;
            }
            let mean = sum(out, |value| value) / n as f32;
            let variance = sum(out, |value| (value - mean) * (value - mean)) / n as f32;
            *scale = 1.0 / (variance + norm.eps).sqrt();
            for column in 0..n {
                let value = (out[column] - mean) * *scale;
                normalized[column] = round(value);
                out[column] = value * norm.gain[column] + norm.bias[column];
                out16[column] = round(out[column]);
            }
        }
    }
}

per_isa! {
    /// The way back through layer normalization, dropout and the dense layer's bias.
    pub(crate) fn normalize_gradient(
        gradient: &[f32],
        kept: NormKept<'_>,
        first_index: u32,
        to: NormGradients<'_>,
    ) {
        let n = kept.gain.len();
        let inputs = gradient.chunks_exact(n).zip(kept.normalized.chunks_exact(n)).zip(kept.scales);
        let outs = to.residual.chunks_exact_mut(n).zip(to.branch.chunks_exact_mut(n));
        for (row, (((gradient, normalized), &scale), (residual, branch))) in
            (0_u32..).zip(inputs.zip(outs))
        {
            // `residual` first holds the gradient of the normalized row.
            for column in 0..n {
                let x = f32::from_bits(u32::from(normalized[column].to_bits()) << 16);
                to.gain[column] += gradient[column] * x;
                to.bias[column] += gradient[column];
                residual[column] = gradient[column] * kept.gain[column];
            }
            let mean = sum(residual, |value| value) / n as f32;
            let mut lanes = [0.0_f32; 16];
            for (residual, normalized) in residual.chunks(16).zip(normalized.chunks(16)) {
                for ((lane, value), x) in lanes.iter_mut().zip(residual).zip(normalized) {
                    *lane += value * f32::from_bits(u32::from(x.to_bits()) << 16);
                }
            }
            let slope = lanes.iter().sum::<f32>() / n as f32;
            let first = first_index.wrapping_add(row * n as u32);
            for column in 0..n {
                let x = f32::from_bits(u32::from(normalized[column].to_bits()) << 16);
                let value = (residual[column] - mean - x * slope) * scale;
                residual[column] = value;
                let value = value * kept.dropout.factor(first.wrapping_add(column as u32));
                branch[column] = round(value);
                to.dense_bias[column] += value;
            }
        }
    }
}

per_isa! {
    /// Adds the columns of 16-bit rows up.
    pub(crate) fn add_columns(rows: &[bf16], sums: &mut [f32]) {
        for row in rows.chunks_exact(sums.len()) {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += f32::from_bits(u32::from(value.to_bits()) << 16);
            }
        }
    }
}

/// Weights with the moments of their gradients.
pub(crate) struct Moving<'a> {
    pub(crate) weights: &'a mut [f32],
    pub(crate) first: &'a mut [f32],
    pub(crate) second: &'a mut [f32],
}

per_isa! {
    /// Moves weights one step.
    pub(crate) fn update_with_adam(moving: Moving<'_>, gradients: &[f32], step: &AdamStep) {
        let moments = moving.first.iter_mut().zip(moving.second.iter_mut());
        for ((weight, (first, second)), &gradient) in
            moving.weights.iter_mut().zip(moments).zip(gradients)
        {
            let gradient = gradient * step.scale;
            *first = step.beta1 * *first + (1.0 - step.beta1) * gradient;
            *second = step.beta2 * *second + (1.0 - step.beta2) * gradient * gradient;
            let change = (*first / step.corrections.0)
                / ((*second / step.corrections.1).sqrt() + step.eps);
            *weight -= step.rate * change + step.decay * *weight;
        }
    }
}
