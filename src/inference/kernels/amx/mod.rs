//! Tiles (AMX): products of bytes, 16 rows of 64 times 64 rows of 16 columns and their sums in one
//! instruction, and attention in 16 bits. Written as assembly, because the compiler's names for these
//! instructions are not stable yet.

mod attention;

use std::arch::asm;
use std::arch::x86_64::__cpuid_count;
use std::sync::LazyLock;

pub(super) use attention::Place;

use crate::inference::kernels::avx512::Epilogue;
use crate::inference::kernels::matrix::{BLOCK, Matrix, Tile};
use crate::inference::kernels::rows::{GROUP, TILE_ROWS};
use crate::inference::kernels::{Pass, Rows};

/// Bytes of a row of a tile.
pub(super) const DEPTH: usize = 64;

/// Bytes of a tile.
const TILE_LEN: usize = DEPTH * TILE_ROWS;

/// Tiles of rows, and blocks of columns, that are multiplied together: four tiles of sums, two of
/// rows and two of columns are the eight that there are.
const TILES: usize = 2;

/// With fewer bytes ahead than this, twice what two blocks of 384 rows have, a product asks for as
/// many as it reads. This and the next two are the fastest of several that were measured.
const FEW: usize = 24 * 1024;

/// Otherwise a step asks for as much as the memory sends in its time, and what needs no weights for
/// the rest.
const BESIDE_STEP: usize = 768;

/// Bytes that are asked for before sums become numbers.
const BESIDE_SUMS: usize = 1024;

/// Whether the CPU has tiles for bytes and 16-bit numbers, and vectors of the latter, and the kernel
/// lets this process use tiles, which it is asked once.
pub(super) fn is_permitted() -> bool {
    static PERMITTED: LazyLock<bool> = LazyLock::new(|| {
        const BF16_TILE_INT8: u32 = 1 << 22 | 1 << 24 | 1 << 25;
        __cpuid_count(7, 0).edx & BF16_TILE_INT8 == BF16_TILE_INT8
            && is_x86_feature_detected!("avx512bf16")
            && ask_for_tiles()
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

/// Gives all tiles their whole size.
///
/// # Safety
/// The process may use tiles.
pub(super) unsafe fn shape_tiles() {
    const N_TILES: usize = 8;
    let mut shapes =
        Shapes { palette: 1, first_row: 0, reserved: [0; 14], row_bytes: [0; 16], n_rows: [0; 16] };
    shapes.row_bytes[..N_TILES].fill(DEPTH as u16);
    shapes.n_rows[..N_TILES].fill(TILE_ROWS as u8);
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

/// Whether these rows lie one after another and are cut into tiles without a rest.
pub(super) const fn takes(rows: &Rows) -> bool {
    rows.group_step == GROUP && rows.row_step.is_multiple_of(DEPTH)
}

/// All rows times all columns.
///
/// # Safety
/// As for [`avx512::multiply`](super::avx512::multiply) with all blocks of the matrix; the process
/// may use tiles, [`takes`] says yes to the rows, and `rows.bytes` has whole tiles of them.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) unsafe fn multiply(matrix: &Matrix, rows: &Rows, tile: Tile, pass: &mut Pass<'_>) {
    let row_len = tile.n_groups * GROUP;
    let block_len = row_len * BLOCK;
    let n_steps = row_len / DEPTH;
    let n_parts = rows.len().div_ceil(TILES * TILE_ROWS);
    // What each step asks for of later blocks, so that all parts of the rows ask for as much as they
    // read.
    let share = (TILES * TILE_LEN).div_ceil(n_parts).next_multiple_of(DEPTH);
    let mut sums = Sums([[0; TILES * BLOCK]; TILES * TILE_ROWS]);
    // SAFETY: the process may use tiles.
    unsafe { shape_tiles() };
    for block in (0..tile.n_blocks).step_by(TILES) {
        let n_blocks = (tile.n_blocks - block).min(TILES);
        let share = if pass.lead() < FEW { share } else { share.min(BESIDE_STEP) };
        // SAFETY: the blocks are blocks of the matrix.
        let columns = unsafe { matrix.values.as_ptr().add(block * block_len) };
        // Where there is one, it stands for two.
        let second = n_blocks - 1;
        // SAFETY: the columns are padded to whole blocks, and the tile has these.
        let (starts, epilogues) = unsafe {
            let starts = matrix.columns.starts.as_ptr().add((tile.block + block) * BLOCK);
            let left = Epilogue::new(matrix, tile, block);
            let right = Epilogue::new(matrix, tile, block + second);
            let epilogues = [left, if second == 0 { right.silent() } else { right }];
            ([starts, starts.add(second * BLOCK)], epilogues)
        };
        for (part, scales) in rows.scales.chunks(TILES * TILE_ROWS).enumerate() {
            let first = part * TILES * TILE_ROWS;
            // SAFETY: tiles of rows, if begun, are whole, and so are blocks of columns; the blocks
            // are blocks of the matrix, and the rows rows of the product.
            unsafe {
                let operands = Operands {
                    rows: rows.bytes.as_ptr().add(first * row_len),
                    row_len,
                    columns,
                    next_columns: columns.add(second * block_len),
                };
                begin(starts);
                for step in 0..n_steps {
                    if scales.len() <= TILE_ROWS {
                        operands.multiply_one(step);
                    } else {
                        operands.multiply_two(step);
                    }
                    pass.fetch(share);
                }
                end(&mut sums);
                pass.fetch(BESIDE_SUMS);
                Epilogue::put_pair(&epilogues, tile.put, first, scales, &sums.0);
            }
        }
        pass.read(n_blocks * block_len);
    }
    // SAFETY: the process may use tiles.
    unsafe { release_tiles() };
}

/// The sums of two tiles of rows and two blocks of columns.
#[repr(align(64))]
struct Sums([[i32; TILES * BLOCK]; TILES * TILE_ROWS]);

/// What is multiplied.
#[derive(Clone, Copy)]
struct Operands {
    rows: *const u8,
    /// A multiple of [`DEPTH`].
    row_len: usize,
    columns: *const i8,
    next_columns: *const i8,
}

/// Begins the sums of both blocks, in all rows.
///
/// # Safety
/// Tiles have their shapes, and a block of numbers lies at each place.
unsafe fn begin([starts, next_starts]: [*const i32; TILES]) {
    // SAFETY: as the caller promises; every row of a tile reads the same numbers.
    unsafe {
        asm!(
            "tileloadd tmm0, [{starts} + {none}]", "tileloadd tmm1, [{next_starts} + {none}]",
            "tileloadd tmm2, [{starts} + {none}]", "tileloadd tmm3, [{next_starts} + {none}]",
            starts = in(reg) starts,
            next_starts = in(reg) next_starts,
            none = in(reg) 0_usize,
            options(nostack, readonly, preserves_flags),
        );
    }
}

/// Takes the sums out of their tiles.
///
/// # Safety
/// Tiles have their shapes.
unsafe fn end(sums: &mut Sums) {
    // SAFETY: the four tiles have their places in `sums`.
    unsafe {
        asm!(
            "tilestored [{sums} + {width}], tmm0", "tilestored [{sums} + {width} + 64], tmm1",
            "tilestored [{sums} + {width} + 2048], tmm2", "tilestored [{sums} + {width} + 2112], tmm3",
            sums = in(reg) sums.0.as_mut_ptr(),
            width = in(reg) TILES * DEPTH,
            options(nostack, preserves_flags),
        );
    }
}

impl Operands {
    /// One tile of rows.
    ///
    /// # Safety
    /// Tiles have their shapes, and there are so many rows and blocks, all of `row_len`.
    #[inline(always)]
    unsafe fn multiply_one(self, step: usize) {
        // SAFETY: as the caller promises.
        unsafe {
            asm!(
                "tileloadd tmm4, [{rows} + {row_len}]",
                "tileloadd tmm6, [{columns} + {width}]",
                "tdpbusd tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{next_columns} + {width}]",
                "tdpbusd tmm1, tmm4, tmm7",
                rows = in(reg) self.rows.add(step * DEPTH),
                row_len = in(reg) self.row_len,
                columns = in(reg) self.columns.add(step * TILE_LEN),
                next_columns = in(reg) self.next_columns.add(step * TILE_LEN),
                width = in(reg) DEPTH,
                options(nostack, readonly, preserves_flags),
            );
        }
    }

    /// Two tiles of rows.
    ///
    /// # Safety
    /// As for one.
    #[inline(always)]
    unsafe fn multiply_two(self, step: usize) {
        // SAFETY: as the caller promises.
        unsafe {
            let rows = self.rows.add(step * DEPTH);
            asm!(
                "tileloadd tmm4, [{rows} + {row_len}]",
                "tileloadd tmm6, [{columns} + {width}]",
                "tdpbusd tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{next_columns} + {width}]",
                "tdpbusd tmm1, tmm4, tmm7",
                "tileloadd tmm5, [{next_rows} + {row_len}]",
                "tdpbusd tmm2, tmm5, tmm6",
                "tdpbusd tmm3, tmm5, tmm7",
                rows = in(reg) rows,
                next_rows = in(reg) rows.add(TILE_ROWS * self.row_len),
                row_len = in(reg) self.row_len,
                columns = in(reg) self.columns.add(step * TILE_LEN),
                next_columns = in(reg) self.next_columns.add(step * TILE_LEN),
                width = in(reg) DEPTH,
                options(nostack, readonly, preserves_flags),
            );
        }
    }
}
