//! A layer's matrices laid out for products, and the products over blocks of rows that stay in the
//! cache until their epilogue has run.

use std::ops::Range;

use candle_core::{Result, Tensor};
use half::bf16;

use crate::inference::Isa;
use crate::inference::encoder::EncoderConfig;
use crate::inference::encoder::layout::Parts;
use crate::inference::kernels::bf16::{Matrix, Out, Panels, Turned, multiply, to_bf16};

/// Rows of a product that are finished before the next ones begin.
const BLOCK: usize = 96;

/// A matrix of weights for the products of both ways.
#[derive(Clone, Debug, Default)]
pub(super) struct PackedMatrix {
    pub(super) forward: Panels,
    pub(super) backward: Panels,
}

/// The matrices of a layer.
#[derive(Clone, Debug)]
pub(in crate::inference::encoder) struct PackedLayer {
    pub(super) qkv: PackedMatrix,
    pub(super) out: PackedMatrix,
    pub(super) up: PackedMatrix,
    pub(super) down: PackedMatrix,
    learns: bool,
}

impl PackedLayer {
    /// Lays the matrices of a block out, for the way back too if the layer learns.
    pub(in crate::inference::encoder) fn new(
        config: &EncoderConfig,
        block: &Tensor,
        learns: bool,
    ) -> Result<Self> {
        let (storage, layout) = block.storage_and_layout();
        let candle_core::Storage::Cpu(storage) = &*storage else {
            return Err(candle_core::Error::Msg("the fused layers run on the CPU".to_owned()));
        };
        let parts = Parts::of(config, super::contiguous(storage, layout)?);
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let isa = Isa::best();
        let pack = |values: &[f32], n_columns: usize| {
            let mut rounded = vec![bf16::ZERO; values.len()];
            to_bf16(isa, values, &mut rounded);
            let rows = Matrix::new(&rounded, n_columns);
            let mut packed = PackedMatrix::default();
            packed.forward.pack_columns(rows);
            if learns {
                packed.backward.pack_rows(isa, rows);
            }
            packed
        };
        Ok(Self {
            qkv: pack(parts.qkv, hidden),
            out: pack(parts.out, hidden),
            up: pack(parts.up, hidden),
            down: pack(parts.down, inner),
            learns,
        })
    }

    pub(in crate::inference::encoder) const fn learns(&self) -> bool {
        self.learns
    }
}

/// Room for products.
#[derive(Debug)]
pub(super) struct Products {
    isa: Isa,
    tile: Vec<f32>,
    left: Turned,
    right: Panels,
}

impl Products {
    pub(super) fn new(isa: Isa) -> Self {
        Self { isa, tile: Vec::new(), left: Turned::default(), right: Panels::default() }
    }

    /// Multiplies rows with a matrix, block by block, and hands every block over.
    pub(super) fn by_blocks(
        &mut self,
        rows: Matrix<'_, bf16>,
        matrix: &Panels,
        mut then: impl FnMut(&[f32], Range<usize>),
    ) {
        let stride = matrix.n_columns();
        self.tile.resize(BLOCK * stride, 0.0);
        for start in (0..rows.n_rows).step_by(BLOCK) {
            let block = start..rows.n_rows.min(start + BLOCK);
            let part = rows.rows(block.clone());
            let out = Out { values: &mut self.tile, stride, adds: false };
            multiply(self.isa, part, matrix, out);
            then(&self.tile[..block.len() * stride], block);
        }
    }

    /// The gradient of a matrix: that of its outputs, transposed, times its inputs.
    pub(super) fn matrix_gradient(
        &mut self,
        outputs: Matrix<'_, bf16>,
        inputs: Matrix<'_, bf16>,
        gradient: &mut [f32],
    ) {
        self.left.turn(self.isa, outputs);
        self.right.pack_rows(self.isa, inputs);
        let out = Out { values: gradient, stride: inputs.n_columns, adds: false };
        multiply(self.isa, self.left.rows(), &self.right, out);
    }
}
