//! Matrix products: `out` = or += left · right, 16 bits in, 32 bits out.

use std::ops::Range;

use half::bf16;

use crate::inference::kernels::Isa;
#[cfg(target_arch = "x86_64")]
use crate::inference::kernels::bf16::amx;
use crate::inference::kernels::bf16::panels::{Matrix, Panels, WIDTH};
use crate::inference::kernels::isa::Level;

/// Rows that are multiplied together: as many sums as fit beside a panel in 32 vector registers.
const ROWS: usize = 12;

/// Where a product goes: rows of 32-bit numbers at equal distances.
pub(crate) struct Out<'a> {
    pub(crate) values: &'a mut [f32],
    pub(crate) stride: usize,
    /// Whether the product is added to what is there.
    pub(crate) adds: bool,
}

/// Some rows of a left operand as the inner loop sees them.
#[derive(Clone, Copy)]
pub(super) struct Strip {
    pub(super) start: *const u32,
    /// Units from a row to the next.
    pub(super) stride: usize,
    pub(super) n_pairs: usize,
}

/// Multiplies. The summed positions are the columns of `left`, an even number.
///
/// # Panics
/// When the operands do not fit each other or the place for the product.
pub(crate) fn multiply(isa: Isa, left: Matrix<'_, bf16>, right: &Panels, out: Out<'_>) {
    let path = Path::of(isa);
    let Out { values, stride, adds } = out;
    let (n_rows, n_pairs) = (left.n_rows, left.n_columns / 2);
    assert!(left.n_columns.is_multiple_of(2) && left.stride.is_multiple_of(2), "pairs are whole");
    let end = n_rows.saturating_sub(1) * left.stride + left.n_columns;
    assert!(n_rows == 0 || end <= left.values.len(), "every row is there");
    assert_eq!(n_pairs, right.n_pairs(), "the operands fit");
    let n_columns = right.n_columns();
    if n_rows == 0 || n_columns == 0 {
        return;
    }
    assert!(n_columns <= stride, "a row has a place");
    assert!((n_rows - 1) * stride + n_columns <= values.len(), "every row has a place");
    let whole = path.whole(n_rows, n_columns, n_pairs);
    #[cfg(target_arch = "x86_64")]
    if whole.rows != 0 {
        let strip = Strip {
            start: left.values.as_ptr().cast(),
            stride: left.stride / 2,
            n_pairs: whole.pairs,
        };
        let tile = Tile {
            start: values.as_mut_ptr(),
            stride,
            n_rows: whole.rows,
            width: whole.columns,
            adds,
        };
        // SAFETY: rows, panels and the place for the product are there, asserted above; the path
        // is one that this CPU can run, and whole are only tiles that it takes.
        unsafe { amx::multiply(strip, right, tile) };
    }
    let mut rest = |rows: Range<usize>, columns: Range<usize>, first_pair: usize, adds: bool| {
        for first_column in columns.step_by(WIDTH) {
            let panel = &right.panel(first_column / WIDTH)[first_pair * WIDTH..];
            for first_row in rows.clone().step_by(ROWS) {
                let strip = Strip {
                    start: left.values[first_row * left.stride + 2 * first_pair..].as_ptr().cast(),
                    stride: left.stride / 2,
                    n_pairs: n_pairs - first_pair,
                };
                let tile = Tile {
                    start: values[first_row * stride + first_column..].as_mut_ptr(),
                    stride,
                    n_rows: ROWS.min(rows.end - first_row),
                    width: WIDTH.min(n_columns - first_column),
                    adds,
                };
                // SAFETY: the strip has `tile.n_rows` rows of `n_pairs` pairs, the panel as many
                // times `WIDTH` units, and the tile's rows lie in `out`: all asserted above. The
                // kernel is one that this CPU can run.
                unsafe { (path.kernel)(strip, panel.as_ptr(), tile) };
            }
        }
    };
    if whole.rows != 0 && whole.pairs < n_pairs {
        rest(0..whole.rows, 0..whole.columns, whole.pairs, true);
    }
    rest(0..whole.rows, whole.columns..n_columns, 0, adds);
    rest(whole.rows..n_rows, 0..n_columns, 0, adds);
}

/// The part of a product that is made of whole tiles, from the first row, column and pair on; all
/// zero if there is none.
#[derive(Clone, Copy, Default)]
struct Whole {
    rows: usize,
    columns: usize,
    pairs: usize,
}

/// A part of the product; for a [`Kernel`] at most [`ROWS`] rows and [`WIDTH`] columns.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    pub(super) start: *mut f32,
    pub(super) stride: usize,
    pub(super) n_rows: usize,
    pub(super) width: usize,
    pub(super) adds: bool,
}

/// Computes a tile.
///
/// # Safety
/// Strip, panel and tile must point to as much as they say, and the CPU must have what the kernel
/// was compiled for.
type Kernel = unsafe fn(Strip, *const u32, Tile);

/// How products are computed.
#[derive(Clone, Copy)]
struct Path {
    /// Whether what is made of whole tiles goes through them.
    #[cfg(target_arch = "x86_64")]
    has_tiles: bool,
    /// For everything else.
    kernel: Kernel,
}

impl Path {
    fn of(isa: Isa) -> Self {
        let kernel: Kernel = match isa.0 {
            Level::Portable => multiply_tile_portable,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => x86::multiply_tile_avx2,
            #[cfg(target_arch = "x86_64")]
            // Not every CPU with vectors of 512 bits multiplies 16-bit numbers in them.
            Level::Avx512 if !is_x86_feature_detected!("avx512bf16") => x86::multiply_tile_avx2,
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 | Level::Amx => x86::multiply_tile,
        };
        Self {
            #[cfg(target_arch = "x86_64")]
            has_tiles: isa.0 == Level::Amx,
            kernel,
        }
    }

    fn whole(self, n_rows: usize, n_columns: usize, n_pairs: usize) -> Whole {
        #[cfg(target_arch = "x86_64")]
        if self.has_tiles {
            let down = |n: usize, unit: usize| n / unit * unit;
            let whole = Whole {
                rows: down(n_rows, amx::ROWS),
                columns: down(n_columns, WIDTH),
                pairs: down(n_pairs, amx::PAIRS),
            };
            if whole.rows != 0 && whole.columns != 0 && whole.pairs != 0 {
                return whole;
            }
        }
        Whole::default()
    }
}

/// # Safety
/// As for [`Kernel`].
#[inline(always)]
unsafe fn multiply_tile_portable(strip: Strip, panel: *const u32, tile: Tile) {
    let low = |unit: u32| f32::from_bits(unit << 16);
    let high = |unit: u32| f32::from_bits(unit & 0xffff_0000);
    for row in 0..tile.n_rows {
        let mut sums = [0.0_f32; WIDTH];
        for pair in 0..strip.n_pairs {
            // SAFETY: the unit lies in the strip, the units of the pair in the panel.
            let (left, units) = unsafe {
                let left = strip.start.add(row * strip.stride + pair);
                (left.read_unaligned(), &*panel.add(pair * WIDTH).cast::<[u32; WIDTH]>())
            };
            let (even, odd) = (low(left), high(left));
            for (sum, &unit) in sums.iter_mut().zip(units) {
                *sum += even * low(unit) + odd * high(unit);
            }
        }
        // SAFETY: the row lies in the tile.
        let out = unsafe {
            std::slice::from_raw_parts_mut(tile.start.add(row * tile.stride), tile.width)
        };
        for (out, sum) in out.iter_mut().zip(sums) {
            *out = if tile.adds { *out + sum } else { sum };
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m512, __m512bh, __m512i, _mm512_add_ps, _mm512_dpbf16_ps, _mm512_loadu_si512,
        _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_set1_epi32, _mm512_setzero_ps,
    };
    use std::mem::transmute;

    use super::{ROWS, Strip, Tile, WIDTH};

    /// The plain loops, eight sums at a time.
    ///
    /// # Safety
    /// As for [`super::Kernel`].
    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn multiply_tile_avx2(strip: Strip, panel: *const u32, tile: Tile) {
        // SAFETY: the caller answers for the pointers.
        unsafe { super::multiply_tile_portable(strip, panel, tile) };
    }

    /// # Safety
    /// As for [`super::Kernel`].
    #[target_feature(enable = "avx512f,avx512bf16")]
    pub(super) unsafe fn multiply_tile(strip: Strip, panel: *const u32, tile: Tile) {
        // SAFETY: the caller answers for the pointers; each call has rows that the tile has.
        unsafe {
            match tile.n_rows {
                ROWS => multiply_rows::<ROWS>(strip, panel, tile),
                n_rows => {
                    let mut done = 0;
                    while done < n_rows {
                        let rest = Strip { start: strip.start.add(done * strip.stride), ..strip };
                        let part = Tile { start: tile.start.add(done * tile.stride), ..tile };
                        done += match n_rows - done {
                            6.. => {
                                multiply_rows::<6>(rest, panel, part);
                                6
                            }
                            3.. => {
                                multiply_rows::<3>(rest, panel, part);
                                3
                            }
                            _ => {
                                multiply_rows::<1>(rest, panel, part);
                                1
                            }
                        };
                    }
                }
            }
        }
    }

    /// # Safety
    /// As above, with `N` rows.
    #[target_feature(enable = "avx512f,avx512bf16")]
    #[inline]
    unsafe fn multiply_rows<const N: usize>(strip: Strip, panel: *const u32, tile: Tile) {
        let mut sums = [[_mm512_setzero_ps(); 2]; N];
        let (mut left, mut right) = (strip.start, panel);
        for _pair in 0..strip.n_pairs {
            // SAFETY: the pair's units lie in the panel and in the strip.
            unsafe {
                let columns: [__m512bh; 2] = [
                    transmute::<__m512i, __m512bh>(_mm512_loadu_si512(right.cast())),
                    transmute::<__m512i, __m512bh>(_mm512_loadu_si512(right.add(16).cast())),
                ];
                for (row, sums) in sums.iter_mut().enumerate() {
                    let unit = left.add(row * strip.stride).read_unaligned();
                    let unit: __m512bh = transmute(_mm512_set1_epi32(unit.cast_signed()));
                    sums[0] = _mm512_dpbf16_ps(sums[0], unit, columns[0]);
                    sums[1] = _mm512_dpbf16_ps(sums[1], unit, columns[1]);
                }
                left = left.add(1);
                right = right.add(WIDTH);
            }
        }
        let mask = (u32::MAX >> (WIDTH - tile.width)) as usize;
        let masks = [mask as u16, (mask >> 16) as u16];
        for (row, sums) in sums.into_iter().enumerate() {
            for (half, (sum, mask)) in sums.into_iter().zip(masks).enumerate() {
                // SAFETY: the mask leaves out what is not in the tile.
                unsafe {
                    let place = tile.start.wrapping_add(row * tile.stride + half * 16);
                    let sum: __m512 = if tile.adds {
                        _mm512_add_ps(sum, _mm512_maskz_loadu_ps(mask, place))
                    } else {
                        sum
                    };
                    _mm512_mask_storeu_ps(place, mask, sum);
                }
            }
        }
    }
}
