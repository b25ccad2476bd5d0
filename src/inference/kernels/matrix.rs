//! Products of 8-bit rows with an 8-bit matrix, summed up exactly in 32 bits.

use crate::inference::kernels::isa::Level;
use crate::inference::kernels::rows::{GROUP, ZERO};
use crate::inference::kernels::{Isa, Lines, Pass, Rows, gelu};

#[cfg(target_arch = "x86_64")]
use crate::inference::kernels::{amx, avx2, avx512};

/// Columns stand in blocks of this many: a vector of sums for each group of four rows.
pub(super) const BLOCK: usize = 16;

/// A matrix in 8 bits with a scale and a bias per column, in the order in which it is read: blocks
/// of [`BLOCK`] columns; in them groups of [`GROUP`] rows; in them the columns.
#[derive(Clone, Debug, Default)]
pub(in crate::inference) struct Matrix {
    pub(super) values: Lines<i8>,
    pub(super) n_inputs: usize,
    pub(super) n_outputs: usize,
    pub(super) columns: Columns,
}

/// What belongs to each column, padded to whole blocks.
#[derive(Clone, Debug, Default)]
pub(super) struct Columns {
    pub(super) scales: Lines<f32>,
    pub(super) biases: Lines<f32>,
    /// What the sums start from. Activations are bytes with [`ZERO`] for zero, so that each sum has
    /// `ZERO` × the column's sum too much.
    pub(super) starts: Lines<i32>,
}

/// Where a product goes.
#[derive(Debug)]
pub(in crate::inference) struct Output<'o> {
    /// From the first value of the first row on.
    pub(in crate::inference) values: &'o mut [f32],
    /// From a row to the next.
    pub(in crate::inference) row_len: usize,
}

/// How a product comes to its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::inference) enum Put {
    /// It replaces what is there.
    Replace,
    /// It is added to what is there.
    Add,
    /// Its [`gelu`] replaces what is there.
    Gelu,
}

/// A block of the product that a kernel computes: a few rows, a few blocks of columns.
///
/// The places are pointers because the same memory is read in several steps: a kernel reads
/// `n_rows` rows and `n_blocks` blocks and writes their sums, and nothing else.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    /// Groups of four values in a row.
    pub(super) n_groups: usize,
    /// The first block of columns.
    pub(super) block: usize,
    /// How many blocks.
    pub(super) n_blocks: usize,
    /// Where the first sum goes.
    pub(super) output: *mut f32,
    /// From a row of sums to the next.
    pub(super) output_len: usize,
    /// How many columns there are from the first block on.
    pub(super) n_columns: usize,
    /// How they come there.
    pub(super) put: Put,
}

impl Matrix {
    /// A matrix of `scales.len()` outputs, each a row of `values` in units of its scale.
    ///
    /// # Panics
    /// When the lengths do not fit one another.
    pub(in crate::inference) fn new(values: &[i8], scales: &[f32], biases: &[f32]) -> Self {
        let n_outputs = scales.len();
        assert_eq!(biases.len(), n_outputs, "one bias per output");
        assert!(values.len().is_multiple_of(n_outputs), "rows are whole");
        let n_inputs = values.len() / n_outputs;
        let (n_blocks, n_groups) = (n_outputs.div_ceil(BLOCK), n_inputs.div_ceil(GROUP));
        let mut packed = zeros(n_blocks * n_groups * BLOCK * GROUP);
        let mut starts = zeros(n_blocks * BLOCK);
        for (output, row) in values.chunks_exact(n_inputs).enumerate() {
            let (block, column) = (output / BLOCK, output % BLOCK);
            for (group, group_values) in row.chunks(GROUP).enumerate() {
                let start = ((block * n_groups + group) * BLOCK + column) * GROUP;
                packed[start..start + group_values.len()].copy_from_slice(group_values);
            }
            let sum: i32 = row.iter().map(|&value| i32::from(value)).sum();
            starts[output] = -i32::from(ZERO) * sum;
        }
        let padded = |list: &[f32]| {
            let mut padded = zeros(n_blocks * BLOCK);
            padded[..list.len()].copy_from_slice(list);
            padded
        };
        let columns = Columns { scales: padded(scales), biases: padded(biases), starts };
        Self { values: packed, n_inputs, n_outputs, columns }
    }

    /// How many values a row of the product has.
    pub(in crate::inference) const fn n_outputs(&self) -> usize {
        self.n_outputs
    }

    /// `rows` × this + biases.
    ///
    /// # Panics
    /// When the rows have another width than the matrix inputs, were quantized for another CPU, or
    /// the product has no place in the output.
    pub(in crate::inference) fn multiply(
        &self,
        rows: &Rows,
        output: &mut Output<'_>,
        put: Put,
        pass: &mut Pass<'_>,
    ) {
        let isa = pass.isa;
        assert_eq!(rows.width, self.n_inputs, "rows are as wide as the matrix is high");
        assert!(rows.are_for(isa), "rows were made for this CPU");
        let Some(n_before) = rows.len().checked_sub(1) else {
            return pass.read(self.values.len());
        };
        assert!(self.n_outputs <= output.row_len, "rows do not overlap");
        let n_needed = n_before * output.row_len + self.n_outputs;
        assert!(n_needed <= output.values.len(), "the product has its place");
        let n_blocks = self.n_outputs.div_ceil(BLOCK);
        let max_blocks = match isa.0 {
            #[cfg(target_arch = "x86_64")]
            Level::Amx if amx::takes(rows) => n_blocks,
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 | Level::Amx => avx512::MAX_BLOCKS,
            _ => 1,
        };
        // Columns outside, rows inside: what is read of the matrix stays in the nearest cache.
        for block in (0..n_blocks).step_by(max_blocks) {
            let column = block * BLOCK;
            let tile = Tile {
                n_groups: rows.row_len() / GROUP,
                block,
                n_blocks: (n_blocks - block).min(max_blocks),
                output: output.values[column..].as_mut_ptr(),
                output_len: output.row_len,
                n_columns: self.n_outputs - column,
                put,
            };
            match isa.0 {
                Level::Portable => portable(self, rows, output, tile),
                #[cfg(target_arch = "x86_64")]
                // SAFETY: an `Isa` exists only for what the CPU has; rows, matrix and output have
                // the lengths that were checked above, and the blocks are blocks of the matrix.
                Level::Avx2 => unsafe { avx2::multiply(self, rows, tile) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above, and there are whole tiles of rows.
                Level::Amx if amx::takes(rows) => unsafe {
                    amx::multiply(self, rows, tile, pass);
                },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                Level::Avx512 | Level::Amx => unsafe { avx512::multiply(self, rows, tile) },
            }
        }
        if is_tiled(isa, rows) {
            return;
        }
        pass.read(self.values.len());
        if put == Put::Gelu {
            for row in output.values[..n_needed].chunks_mut(output.row_len) {
                gelu(isa, &mut row[..self.n_outputs]);
            }
        }
    }
}

fn zeros<T: Clone + Default>(n: usize) -> Lines<T> {
    std::iter::repeat_n(T::default(), n).collect()
}

/// Whether a product is computed on tiles: these read it as they go, and take the [`gelu`] of its
/// values on the way.
const fn is_tiled(isa: Isa, rows: &Rows) -> bool {
    match isa.0 {
        #[cfg(target_arch = "x86_64")]
        Level::Amx => amx::takes(rows),
        _ => false,
    }
}

/// One block of columns without any vector instruction.
fn portable(matrix: &Matrix, rows: &Rows, output: &mut Output<'_>, tile: Tile) {
    let Columns { scales, biases, starts } = &matrix.columns;
    let row_len = rows.row_len();
    let block_len = row_len * BLOCK;
    let (start, column) = (tile.block * block_len, tile.block * BLOCK);
    let weights = &matrix.values[start..start + block_len];
    let n_columns = BLOCK.min(tile.n_columns);
    let output_rows = output.values.chunks_mut(output.row_len).zip(&*rows.scales);
    for (row, (output_row, row_scale)) in output_rows.enumerate() {
        let mut sums = [0_i32; BLOCK];
        sums.copy_from_slice(&starts[column..column + BLOCK]);
        for (group, weights) in weights.as_chunks::<{ BLOCK * GROUP }>().0.iter().enumerate() {
            let bytes = &rows.bytes[row * rows.row_step + group * rows.group_step..][..GROUP];
            for (sum, weights) in sums.iter_mut().zip(weights.as_chunks::<GROUP>().0) {
                for (&byte, &weight) in bytes.iter().zip(weights) {
                    *sum += i32::from(byte) * i32::from(weight);
                }
            }
        }
        for (idx, place) in output_row[column..column + n_columns].iter_mut().enumerate() {
            let scale = row_scale * scales[column + idx];
            let value = sums[idx] as f32 * scale + biases[column + idx];
            *place = if tile.put == Put::Add { *place + value } else { value };
        }
    }
}
