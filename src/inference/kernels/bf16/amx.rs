//! Products of whole tiles with AMX: 16 rows of 16 pairs times 16 pairs of 16 columns in one
//! instruction.

use std::arch::asm;

use crate::inference::kernels::amx::{DEPTH, release_tiles, shape_tiles};
use crate::inference::kernels::bf16::panels::{Panels, WIDTH};
use crate::inference::kernels::bf16::product::{Strip, Tile};
use crate::inference::kernels::rows::TILE_ROWS;

/// Rows of a tile.
pub(super) const ROWS: usize = TILE_ROWS;

/// Pairs in a row of a tile.
pub(super) const PAIRS: usize = DEPTH / size_of::<u32>();

/// Multiplies.
///
/// # Safety
/// The process may use tiles; `tile.n_rows` is a multiple of [`ROWS`], `tile.width` of [`WIDTH`]
/// and `strip.n_pairs` of [`PAIRS`], none of them zero; strip, panels and tile have so many.
pub(super) unsafe fn multiply(strip: Strip, right: &Panels, tile: Tile) {
    // SAFETY: the process may use tiles.
    unsafe { shape_tiles() };
    let block = |first_row: usize, first_column: usize| {
        let two = ROWS < tile.n_rows - first_row;
        // SAFETY: row and column lie in the strip, in the panels and in the tile.
        unsafe {
            let product = TileProduct {
                left: strip.start.add(first_row * strip.stride),
                left_len: strip.stride * size_of::<u32>(),
                panel: right.panel(first_column / WIDTH).as_ptr(),
                n_steps: strip.n_pairs / PAIRS,
                out: tile.start.add(first_row * tile.stride + first_column),
                out_len: tile.stride * size_of::<f32>(),
            };
            match (two, tile.adds) {
                (true, true) => product.two_tiles_added(),
                (true, false) => product.two_tiles(),
                (false, true) => product.one_tile_added(),
                (false, false) => product.one_tile(),
            }
        }
    };
    let (rows, columns) = ((0..tile.n_rows).step_by(2 * ROWS), (0..tile.width).step_by(WIDTH));
    // What is smaller stays in the cache while what is larger goes by once.
    if tile.n_rows < tile.width {
        columns.for_each(|column| rows.clone().for_each(|row| block(row, column)));
    } else {
        rows.for_each(|row| columns.clone().for_each(|column| block(row, column)));
    }
    // SAFETY: the process may use tiles.
    unsafe { release_tiles() };
}

/// One or two tiles of rows times two of columns: what is multiplied, and where the product goes.
pub(in super::super) struct TileProduct {
    pub(in super::super) left: *const u32,
    /// Bytes from a row to the next.
    pub(in super::super) left_len: usize,
    /// Rows of [`WIDTH`] units.
    pub(in super::super) panel: *const u32,
    /// Tiles in a row, one at least.
    pub(in super::super) n_steps: usize,
    pub(in super::super) out: *mut f32,
    /// Bytes from a row to the next.
    pub(in super::super) out_len: usize,
}

/// Defines a product of one tile of rows with the two tiles of columns of a panel.
macro_rules! one_tile {
    ($name:ident, $first:literal, $second:literal) => {
        /// # Safety
        /// Tiles have their shapes, and there are rows, pairs and a place for the product.
        pub(in super::super) unsafe fn $name(&self) {
            // SAFETY: as the caller promises.
            unsafe {
                asm!(
                    $first, $second,
                    "2:",
                    "tileloadd tmm4, [{left} + {left_len}]",
                    "tileloadd tmm6, [{panel} + {panel_len}]",
                    "tdpbf16ps tmm0, tmm4, tmm6",
                    "tileloadd tmm7, [{panel} + {panel_len} + 64]",
                    "tdpbf16ps tmm1, tmm4, tmm7",
                    "add {left}, 64", "add {panel}, 2048",
                    "dec {n}", "jnz 2b",
                    "tilestored [{out} + {out_len}], tmm0",
                    "tilestored [{out} + {out_len} + 64], tmm1",
                    left = inout(reg) self.left => _,
                    left_len = in(reg) self.left_len,
                    panel = inout(reg) self.panel => _,
                    panel_len = in(reg) WIDTH * size_of::<u32>(),
                    n = inout(reg) self.n_steps => _,
                    out = in(reg) self.out,
                    out_len = in(reg) self.out_len,
                    options(nostack),
                );
            }
        }
    };
}

/// Defines a product of two tiles of rows with the two tiles of columns of a panel.
macro_rules! two_tiles {
    ($name:ident, $first:literal, $second:literal, $third:literal, $fourth:literal) => {
        /// # Safety
        /// As for one tile.
        pub(in super::super) unsafe fn $name(&self) {
            // SAFETY: as the caller promises.
            unsafe {
                asm!(
                    $first, $second, $third, $fourth,
                    "2:",
                    "tileloadd tmm4, [{left} + {left_len}]",
                    "tileloadd tmm6, [{panel} + {panel_len}]",
                    "tdpbf16ps tmm0, tmm4, tmm6",
                    "tileloadd tmm7, [{panel} + {panel_len} + 64]",
                    "tdpbf16ps tmm1, tmm4, tmm7",
                    "tileloadd tmm5, [{next_left} + {left_len}]",
                    "tdpbf16ps tmm2, tmm5, tmm6",
                    "tdpbf16ps tmm3, tmm5, tmm7",
                    "add {left}, 64", "add {next_left}, 64", "add {panel}, 2048",
                    "dec {n}", "jnz 2b",
                    "tilestored [{out} + {out_len}], tmm0",
                    "tilestored [{out} + {out_len} + 64], tmm1",
                    "tilestored [{next_out} + {out_len}], tmm2",
                    "tilestored [{next_out} + {out_len} + 64], tmm3",
                    left = inout(reg) self.left => _,
                    next_left = inout(reg) self.left.byte_add(ROWS * self.left_len) => _,
                    left_len = in(reg) self.left_len,
                    panel = inout(reg) self.panel => _,
                    panel_len = in(reg) WIDTH * size_of::<u32>(),
                    n = inout(reg) self.n_steps => _,
                    out = in(reg) self.out,
                    next_out = in(reg) self.out.byte_add(ROWS * self.out_len),
                    out_len = in(reg) self.out_len,
                    options(nostack),
                );
            }
        }
    };
}

impl TileProduct {
    one_tile!(one_tile, "tilezero tmm0", "tilezero tmm1");
    one_tile!(
        one_tile_added,
        "tileloadd tmm0, [{out} + {out_len}]",
        "tileloadd tmm1, [{out} + {out_len} + 64]"
    );
    two_tiles!(two_tiles, "tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3");
    two_tiles!(
        two_tiles_added,
        "tileloadd tmm0, [{out} + {out_len}]",
        "tileloadd tmm1, [{out} + {out_len} + 64]",
        "tileloadd tmm2, [{next_out} + {out_len}]",
        "tileloadd tmm3, [{next_out} + {out_len} + 64]"
    );
}
