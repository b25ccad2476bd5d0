//! Products of bytes with AMX tiles: 16 rows of 64 bytes times 64 rows of 16 columns, and their
//! sums, in one instruction. Written as assembly, because the compiler's names for these
//! instructions are not stable yet.

use std::arch::asm;
use std::arch::x86_64::{__cpuid_count, _mm512_add_epi32};
use std::sync::LazyLock;

use crate::inference::kernels::Rows;
use crate::inference::kernels::avx512::{Epilogue, integers};
use crate::inference::kernels::matrix::{BLOCK, Matrix, Tile};
use crate::inference::kernels::rows::{GROUP, TILE};

/// Rows of a tile.
const TILE_ROWS: usize = TILE;

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
    let mut sums = Sums([0; TILES * TILE_ROWS * TILES * BLOCK]);
    // SAFETY: the process may use tiles.
    unsafe { shape_tiles(depth) };
    for block in (0..tile.n_blocks).step_by(TILES) {
        let n_blocks = (tile.n_blocks - block).min(TILES);
        // SAFETY: the blocks are blocks of the matrix.
        let columns = unsafe { matrix.values.as_ptr().add(block * block_len) };
        // SAFETY: as above.
        let epilogues =
            [0, n_blocks - 1].map(|it| unsafe { Epilogue::new(matrix, tile, block + it) });
        for first in (0..rows.len()).step_by(TILES * TILE_ROWS) {
            let n_rows = (rows.len() - first).min(TILES * TILE_ROWS);
            let operands = Operands {
                // SAFETY: these are rows that exist.
                rows: unsafe { rows.bytes.as_ptr().add(first * row_len) },
                row_len,
                columns,
                // Where there is one block, it stands for two.
                next_columns: (n_blocks - 1) * block_len,
                depth,
            };
            // SAFETY: tiles of rows, if begun, are whole, and so are blocks of columns.
            unsafe {
                if n_rows <= TILE_ROWS {
                    operands.multiply_one(&mut sums);
                } else {
                    operands.multiply_two(&mut sums);
                }
            }
            for (idx, epilogue) in epilogues[..n_blocks].iter().enumerate() {
                let starts = &matrix.columns.starts[(tile.block + block + idx) * BLOCK..][..BLOCK];
                let sums = sums.0[idx * BLOCK..].chunks(TILES * BLOCK);
                for (row, sums) in (first..first + n_rows).zip(sums) {
                    // SAFETY: sixteen numbers lie in each place, and the row is a row.
                    unsafe {
                        let sums =
                            _mm512_add_epi32(integers(sums.as_ptr()), integers(starts.as_ptr()));
                        epilogue.put(row, rows.scales[row], sums);
                    }
                }
            }
        }
    }
    // SAFETY: the process may use tiles.
    unsafe { release_tiles() };
}

/// The sums of two tiles of rows and two blocks of columns, row by row.
#[repr(align(64))]
struct Sums([i32; TILES * TILE_ROWS * TILES * BLOCK]);

/// From a row of [`Sums`] to the next, in bytes.
const SUMS_LEN: usize = TILES * BLOCK * size_of::<i32>();

/// What is multiplied.
#[derive(Clone, Copy)]
struct Operands {
    rows: *const u8,
    row_len: usize,
    columns: *const i8,
    /// From the first block of columns to the second.
    next_columns: usize,
    /// Bytes of a row that go into a tile.
    depth: usize,
}

impl Operands {
    /// One tile of rows.
    ///
    /// # Safety
    /// Tiles have their shapes, and there are so many rows and blocks, all of `row_len`, which is a
    /// multiple of `depth`.
    unsafe fn multiply_one(self, sums: &mut Sums) {
        // SAFETY: as the caller promises; what is written has its place in `sums`.
        unsafe {
            asm!(
                "tilezero tmm0", "tilezero tmm1",
                "2:",
                "tileloadd tmm4, [{rows} + {row_len}]",
                "tileloadd tmm6, [{columns} + {width}]",
                "tdpbusd tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{next_columns} + {width}]",
                "tdpbusd tmm1, tmm4, tmm7",
                "add {rows}, {depth}", "add {columns}, {step}", "add {next_columns}, {step}",
                "dec {n}", "jnz 2b",
                "tilestored [{sums} + {sums_len}], tmm0",
                "tilestored [{sums} + {sums_len} + 64], tmm1",
                rows = inout(reg) self.rows => _,
                row_len = in(reg) self.row_len,
                columns = inout(reg) self.columns => _,
                next_columns = inout(reg) self.columns.add(self.next_columns) => _,
                width = in(reg) DEPTH,
                depth = in(reg) self.depth,
                step = in(reg) self.depth * BLOCK,
                n = inout(reg) self.row_len / self.depth => _,
                sums = in(reg) sums.0.as_mut_ptr(),
                sums_len = in(reg) SUMS_LEN,
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
                "tileloadd tmm5, [{next_rows} + {row_len}]",
                "tdpbusd tmm2, tmm5, tmm6",
                "tdpbusd tmm3, tmm5, tmm7",
                "add {rows}, {depth}", "add {next_rows}, {depth}",
                "add {columns}, {step}", "add {next_columns}, {step}",
                "dec {n}", "jnz 2b",
                "tilestored [{sums} + {sums_len}], tmm0",
                "tilestored [{sums} + {sums_len} + 64], tmm1",
                "tilestored [{next_sums} + {sums_len}], tmm2",
                "tilestored [{next_sums} + {sums_len} + 64], tmm3",
                rows = inout(reg) self.rows => _,
                next_rows = inout(reg) self.rows.add(TILE_ROWS * self.row_len) => _,
                row_len = in(reg) self.row_len,
                columns = inout(reg) self.columns => _,
                next_columns = inout(reg) self.columns.add(self.next_columns) => _,
                width = in(reg) DEPTH,
                depth = in(reg) self.depth,
                step = in(reg) self.depth * BLOCK,
                n = inout(reg) self.row_len / self.depth => _,
                sums = in(reg) sums.0.as_mut_ptr(),
                next_sums = in(reg) sums.0.as_mut_ptr().byte_add(TILE_ROWS * SUMS_LEN),
                sums_len = in(reg) SUMS_LEN,
                options(nostack),
            );
        }
    }
}
