//! Products of bytes with AMX tiles: 16 rows of 64 bytes times 64 rows of 16 columns, and their
//! sums, in one instruction. Written as assembly, because the compiler's names for these
//! instructions are not stable yet.

use std::arch::asm;
use std::arch::x86_64::__cpuid_count;
use std::sync::LazyLock;

use crate::inference::kernels::Rows;
use crate::inference::kernels::avx512::Epilogue;
use crate::inference::kernels::matrix::{BLOCK, Matrix, Tile};
use crate::inference::kernels::rows::{GROUP, TILE_ROWS};

/// Bytes of a row of a tile.
pub(super) const DEPTH: usize = 64;

/// Tiles of rows, and blocks of columns, that are multiplied together: four tiles of sums, two of
/// rows and two of columns are the eight that there are.
const TILES: usize = 2;

/// Whether the CPU has tiles for bytes and 16-bit numbers, and the kernel lets this process use
/// them, which it is asked once.
pub(super) fn is_permitted() -> bool {
    static PERMITTED: LazyLock<bool> = LazyLock::new(|| {
        const BF16_TILE_INT8: u32 = 1 << 22 | 1 << 24 | 1 << 25;
        __cpuid_count(7, 0).edx & BF16_TILE_INT8 == BF16_TILE_INT8 && ask_for_tiles()
    });
    *PERMITTED
}

/// Tiles make a thread's state 8 KB larger, so that Linux wants to be asked (`arch_prctl(2)`).
#[cfg(target_os = "linux")]
fn ask_for_tiles() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const XFEATURE_XTILEDATA: libc::c_long = 18;
    // SAFETY: the call takes two numbers and touches no memory of ours.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0 }
}

#[cfg(not(target_os = "linux"))]
const fn ask_for_tiles() -> bool {
    false
}

/// What `ldtilecfg` loads: the shapes of the eight tiles.
#[repr(C)]
struct Shapes {
    palette: u8,
    first_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    n_rows: [u8; 16],
}

/// Tiles 0 to 3 are sums, 4 and 5 rows of `depth` bytes, 6 and 7 columns of as many.
///
/// # Safety
/// The process may use tiles.
pub(super) unsafe fn shape_tiles(depth: usize) {
    let mut shapes =
        Shapes { palette: 1, first_row: 0, reserved: [0; 14], row_bytes: [0; 16], n_rows: [0; 16] };
    let sums = (TILE_ROWS, DEPTH);
    let (rows, columns) = ((TILE_ROWS, depth), (depth / GROUP, DEPTH));
    let all = [sums, sums, sums, sums, rows, rows, columns, columns];
    for (idx, (n_rows, row_bytes)) in all.into_iter().enumerate() {
        (shapes.n_rows[idx], shapes.row_bytes[idx]) = (n_rows as u8, row_bytes as u16);
    }
    // SAFETY: the caller says that it may; the instruction reads the 64 bytes there.
    unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const shapes, options(nostack, readonly)) };
}

/// Empties the tiles, without which a thread is cheaper to switch.
///
/// # Safety
/// The process may use tiles.
pub(super) unsafe fn release_tiles() {
    // SAFETY: the caller says that it may.
    unsafe { asm!("tilerelease", options(nostack, nomem)) };
}

/// Whether rows of so many bytes are cut into tiles without a rest.
pub(super) const fn takes(row_len: usize) -> bool {
    row_len <= DEPTH || row_len.is_multiple_of(DEPTH)
}

/// All rows times all columns.
///
/// # Safety
/// As for [`avx512::multiply`](super::avx512::multiply) with all blocks of the matrix; the process
/// may use tiles, [`takes`] says yes to the rows, and `rows.bytes` has whole tiles of them.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) unsafe fn multiply(matrix: &Matrix, rows: &Rows, tile: Tile) {
    let row_len = tile.n_groups * GROUP;
    let block_len = row_len * BLOCK;
    let depth = row_len.min(DEPTH);
    let mut sums = Sums([[0; TILE_ROWS * BLOCK]; TILES * TILES]);
    // SAFETY: the process may use tiles.
    unsafe { shape_tiles(depth) };
    for block in (0..tile.n_blocks).step_by(TILES) {
        let n_blocks = (tile.n_blocks - block).min(TILES);
        // SAFETY: the blocks are blocks of the matrix.
        let columns = unsafe { matrix.values.as_ptr().add(block * block_len) };
        for (part, scales) in rows.scales.chunks(TILES * TILE_ROWS).enumerate() {
            let first = part * TILES * TILE_ROWS;
            // Every part of the rows fetches one of the next two blocks, a single part both.
            let ahead = [part, if scales.len() == rows.len() { 1 } else { part }].map(|idx| {
                let there = idx < TILES && block + TILES + idx < tile.n_blocks;
                columns.wrapping_add(if there { (TILES + idx) * block_len } else { 0 })
            });
            let operands = Operands {
                // SAFETY: these are rows that exist.
                rows: unsafe { rows.bytes.as_ptr().add(first * row_len) },
                row_len,
                columns,
                // Where there is one block, it stands for two.
                next_columns: columns.wrapping_add((n_blocks - 1) * block_len),
                ahead,
            };
            // SAFETY: tiles of rows, if begun, are whole, and so are blocks of columns; the blocks
            // are blocks of the matrix, and the rows rows of the product.
            unsafe {
                if scales.len() <= TILE_ROWS {
                    operands.multiply_one(&mut sums);
                } else {
                    operands.multiply_two(&mut sums);
                }
                for idx in 0..n_blocks {
                    let epilogue = Epilogue::new(matrix, tile, block + idx);
                    let parts = scales.chunks(TILE_ROWS).zip(sums.0[idx..].iter().step_by(TILES));
                    for (part, (scales, sums)) in parts.enumerate() {
                        epilogue.put_tile(first + part * TILE_ROWS, scales, sums);
                    }
                }
            }
        }
    }
    // SAFETY: the process may use tiles.
    unsafe { release_tiles() };
}

/// The sums of two tiles of rows and two blocks of columns: both blocks of the first rows, then
/// those of the second.
#[repr(align(64))]
struct Sums([[i32; TILE_ROWS * BLOCK]; TILES * TILES]);

/// What is multiplied.
#[derive(Clone, Copy)]
struct Operands {
    rows: *const u8,
    /// A multiple of [`DEPTH`] unless less.
    row_len: usize,
    columns: *const i8,
    next_columns: *const i8,
    /// What is fetched into the cache meanwhile.
    ahead: [*const i8; TILES],
}

/// Fetches as much as a tile holds.
macro_rules! fetch {
    ($place:literal) => {
        concat!(
            fetch!($place: "0" "64" "128" "192" "256" "320" "384" "448"),
            fetch!($place: "512" "576" "640" "704" "768" "832" "896" "960"),
        )
    };
    ($place:literal: $($offset:literal)*) => {
        concat!($("prefetcht1 [{", $place, "} + ", $offset, "]\n"),*)
    };
}

impl Operands {
    /// One tile of rows.
    ///
    /// # Safety
    /// Tiles have their shapes, and there are so many rows and blocks, all of `row_len`.
    unsafe fn multiply_one(self, sums: &mut Sums) {
        // SAFETY: as the caller promises; what is written has its place in `sums`.
        unsafe {
            asm!(
                "tilezero tmm0", "tilezero tmm1",
                "2:",
                "tileloadd tmm4, [{rows} + {row_len}]",
                "tileloadd tmm6, [{columns} + {width}]",
                "tdpbusd tmm0, tmm4, tmm6",
                fetch!("ahead"),
                "tileloadd tmm7, [{next_columns} + {width}]",
                "tdpbusd tmm1, tmm4, tmm7",
                fetch!("next_ahead"),
                "add {rows}, 64", "add {columns}, 1024", "add {next_columns}, 1024",
                "add {ahead}, 1024", "add {next_ahead}, 1024",
                "dec {n}", "jnz 2b",
                "tilestored [{sums} + {width}], tmm0",
                "tilestored [{sums} + {width} + 1024], tmm1",
                rows = inout(reg) self.rows => _,
                row_len = in(reg) self.row_len,
                columns = inout(reg) self.columns => _,
                next_columns = inout(reg) self.next_columns => _,
                ahead = inout(reg) self.ahead[0] => _,
                next_ahead = inout(reg) self.ahead[1] => _,
                width = in(reg) DEPTH,
                n = inout(reg) self.row_len.div_ceil(DEPTH) => _,
                sums = in(reg) sums.0.as_mut_ptr(),
                options(nostack),
            );
        }
    }

    /// Two tiles of rows.
    ///
    /// # Safety
    /// As for one.
    unsafe fn multiply_two(self, sums: &mut Sums) {
        // SAFETY: as the caller promises; what is written has its place in `sums`.
        unsafe {
            asm!(
                "tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3",
                "2:",
                "tileloadd tmm4, [{rows} + {row_len}]",
                "tileloadd tmm6, [{columns} + {width}]",
                "tdpbusd tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{next_columns} + {width}]",
                "tdpbusd tmm1, tmm4, tmm7",
                fetch!("ahead"),
                "tileloadd tmm5, [{next_rows} + {row_len}]",
                "tdpbusd tmm2, tmm5, tmm6",
                fetch!("next_ahead"),
                "tdpbusd tmm3, tmm5, tmm7",
                "add {rows}, 64", "add {next_rows}, 64",
                "add {columns}, 1024", "add {next_columns}, 1024",
                "add {ahead}, 1024", "add {next_ahead}, 1024",
                "dec {n}", "jnz 2b",
                "tilestored [{sums} + {width}], tmm0",
                "tilestored [{sums} + {width} + 1024], tmm1",
                "tilestored [{sums} + {width} + 2048], tmm2",
                "tilestored [{sums} + {width} + 3072], tmm3",
                rows = inout(reg) self.rows => _,
                next_rows = inout(reg) self.rows.add(TILE_ROWS * self.row_len) => _,
                row_len = in(reg) self.row_len,
                columns = inout(reg) self.columns => _,
                next_columns = inout(reg) self.next_columns => _,
                ahead = inout(reg) self.ahead[0] => _,
                next_ahead = inout(reg) self.ahead[1] => _,
                width = in(reg) DEPTH,
                n = inout(reg) self.row_len.div_ceil(DEPTH) => _,
                sums = in(reg) sums.0.as_mut_ptr(),
                options(nostack),
            );
        }
    }
}
