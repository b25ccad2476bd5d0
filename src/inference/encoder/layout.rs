//! A layer's weights in one block, so that the optimizer and the fused operation see one tensor.

use std::mem;

use crate::inference::encoder::EncoderConfig;

/// The parts of a layer's block, in the order in which they lie there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts<T> {
    /// Queries, keys and values, one below the other.
    pub(super) qkv: T,
    pub(super) qkv_bias: T,
    pub(super) out: T,
    pub(super) out_bias: T,
    pub(super) attention_gain: T,
    pub(super) attention_bias: T,
    pub(super) up: T,
    pub(super) up_bias: T,
    pub(super) down: T,
    pub(super) down_bias: T,
    pub(super) gain: T,
    pub(super) bias: T,
}

/// Which named tensors a layer's block holds, in order.
const NAMES: [&str; 16] = [
    "attention.self.query.weight",
    "attention.self.key.weight",
    "attention.self.value.weight",
    "attention.self.query.bias",
    "attention.self.key.bias",
    "attention.self.value.bias",
    "attention.output.dense.weight",
    "attention.output.dense.bias",
    "attention.output.LayerNorm.weight",
    "attention.output.LayerNorm.bias",
    "intermediate.dense.weight",
    "intermediate.dense.bias",
    "output.dense.weight",
    "output.dense.bias",
    "output.LayerNorm.weight",
    "output.LayerNorm.bias",
];

/// The names of the tensors of a layer's block in order, with their shapes.
pub(super) fn tensors(config: &EncoderConfig) -> impl Iterator<Item = (&'static str, Vec<usize>)> {
    let (hidden, inner) = (config.hidden_size, config.intermediate_size);
    NAMES.into_iter().map(move |name| {
        let shape = match name {
            "intermediate.dense.weight" => vec![inner, hidden],
            "intermediate.dense.bias" => vec![inner],
            "output.dense.weight" => vec![hidden, inner],
            name if name.contains("LayerNorm") || name.contains("bias") => vec![hidden],
            _ => vec![hidden, hidden],
        };
        (name, shape)
    })
}

impl<T> Parts<T> {
    /// Makes every part from its size, in order.
    pub(super) fn make(config: &EncoderConfig, mut part: impl FnMut(usize) -> T) -> Self {
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        Self {
            qkv: part(3 * hidden * hidden),
            qkv_bias: part(3 * hidden),
            out: part(hidden * hidden),
            out_bias: part(hidden),
            attention_gain: part(hidden),
            attention_bias: part(hidden),
            up: part(inner * hidden),
            up_bias: part(inner),
            down: part(hidden * inner),
            down_bias: part(hidden),
            gain: part(hidden),
            bias: part(hidden),
        }
    }
}

impl<'a> Parts<&'a [f32]> {
    pub(super) fn of(config: &EncoderConfig, mut block: &'a [f32]) -> Self {
        Parts::make(config, |len| {
            let (part, rest) = block.split_at(len);
            block = rest;
            part
        })
    }
}

impl<'a> Parts<&'a mut [f32]> {
    pub(super) fn of_mut(config: &EncoderConfig, mut block: &'a mut [f32]) -> Self {
        Parts::make(config, |len| {
            let (part, rest) = mem::take(&mut block).split_at_mut(len);
            block = rest;
            part
        })
    }
}

/// How many numbers a layer's block holds.
pub(super) fn block_len(config: &EncoderConfig) -> usize {
    let mut total = 0;
    Parts::make(config, |len| total += len);
    total
}
