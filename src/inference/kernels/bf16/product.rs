//! Matrix products: `out` = or += left · right, 16 bits in, 32 bits out.

use std::sync::LazyLock;

use half::bf16;

use crate::inference::kernels::bf16::panels::{LEFT, Matrix, Panels, RIGHT};

/// A left operand.
#[derive(Clone, Copy)]
pub(crate) enum Left<'a> {
    /// Rows as they are; the summed positions are their columns, an even number.
    Rows(Matrix<'a, bf16>),
    /// Panels whose columns are the rows of the product.
    Panels(&'a Panels<LEFT>),
}

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
    start: *const u32,
    /// Units from a row to the next.
    row_stride: usize,
    /// Units from a pair to the next.
    pair_stride: usize,
    n_pairs: usize,
}

/// Multiplies.
///
/// # Panics
/// When the operands do not fit each other or the place for the product.
pub(crate) fn multiply(left: Left<'_>, right: &Panels<RIGHT>, out: Out<'_>) {
    static FASTEST: LazyLock<Kernel> = LazyLock::new(|| kernels()[0]);
    multiply_with(*FASTEST, left, right, out);
}

pub(super) fn multiply_with(kernel: Kernel, left: Left<'_>, right: &Panels<RIGHT>, out: Out<'_>) {
    let Out { values, stride, adds } = out;
    let (n_rows, n_pairs) = match left {
        Left::Rows(rows) => {
            assert!(rows.n_columns % 2 == 0 && rows.stride % 2 == 0, "pairs are whole");
            let end = rows.n_rows.saturating_sub(1) * rows.stride + rows.n_columns;
            assert!(rows.n_rows == 0 || end <= rows.values.len(), "every row is there");
            (rows.n_rows, rows.n_columns / 2)
        }
        Left::Panels(panels) => (panels.n_columns(), panels.n_pairs()),
    };
    assert_eq!(n_pairs, right.n_pairs(), "the operands fit");
    let n_columns = right.n_columns();
    if n_rows == 0 || n_columns == 0 {
        return;
    }
    assert!(n_columns <= stride, "a row has a place");
    assert!((n_rows - 1) * stride + n_columns <= values.len(), "every row has a place");
    for panel in 0..n_columns.div_ceil(RIGHT) {
        let first_column = panel * RIGHT;
        let width = RIGHT.min(n_columns - first_column);
        for first_row in (0..n_rows).step_by(LEFT) {
            let strip = match left {
                Left::Rows(rows) => Strip {
                    start: rows.values[first_row * rows.stride..].as_ptr().cast(),
                    row_stride: rows.stride / 2,
                    pair_stride: 1,
                    n_pairs,
                },
                Left::Panels(panels) => Strip {
                    start: panels.panel(first_row / LEFT).as_ptr(),
                    row_stride: 1,
                    pair_stride: LEFT,
                    n_pairs,
                },
            };
            let tile = Tile {
                start: values[first_row * stride + first_column..].as_mut_ptr(),
                stride,
                n_rows: LEFT.min(n_rows - first_row),
                width,
                adds,
            };
            // SAFETY: the strip has `tile.n_rows` rows of `n_pairs` pairs, the panel `n_pairs`
            // times `RIGHT` units, and the tile's rows lie in `out`: all asserted above. The
            // kernel is one that this CPU can run.
            unsafe { kernel(strip, right.panel(panel).as_ptr(), tile) };
        }
    }
}

/// A part of the product: at most [`LEFT`] rows and [`RIGHT`] columns.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    start: *mut f32,
    stride: usize,
    n_rows: usize,
    width: usize,
    adds: bool,
}

/// Computes a tile.
///
/// # Safety
/// Strip, panel and tile must point to as much as they say, and the CPU must have what the kernel
/// was compiled for.
pub(super) type Kernel = unsafe fn(Strip, *const u32, Tile);

/// The kernels that this CPU can run, the fastest first.
pub(super) fn kernels() -> Vec<Kernel> {
    let mut kernels: Vec<Kernel> = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::is_x86_feature_detected as has;
        if has!("avx512bf16") && has!("avx512f") {
            kernels.push(x86::multiply_tile);
        }
        if has!("avx2") && has!("fma") {
            kernels.push(x86::multiply_tile_avx2);
        }
    }
    kernels.push(multiply_tile_portable);
    kernels
}

/// # Safety
/// As for [`Kernel`].
#[inline(always)]
unsafe fn multiply_tile_portable(strip: Strip, panel: *const u32, tile: Tile) {
    let low = |unit: u32| f32::from_bits(unit << 16);
    let high = |unit: u32| f32::from_bits(unit & 0xffff_0000);
    for row in 0..tile.n_rows {
        let mut sums = [0.0_f32; RIGHT];
        for pair in 0..strip.n_pairs {
            // SAFETY: the unit lies in the strip, the units of the pair in the panel.
            let (left, units) = unsafe {
                let left = strip.start.add(row * strip.row_stride + pair * strip.pair_stride);
                (left.read_unaligned(), &*panel.add(pair * RIGHT).cast::<[u32; RIGHT]>())
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

    use super::{LEFT, RIGHT, Strip, Tile};

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
                LEFT => multiply_rows::<LEFT>(strip, panel, tile),
                n_rows => {
                    let mut done = 0;
                    while done < n_rows {
                        let rest =
                            Strip { start: strip.start.add(done * strip.row_stride), ..strip };
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
                    let unit = left.add(row * strip.row_stride).read_unaligned();
                    let unit: __m512bh = transmute(_mm512_set1_epi32(unit.cast_signed()));
                    sums[0] = _mm512_dpbf16_ps(sums[0], unit, columns[0]);
                    sums[1] = _mm512_dpbf16_ps(sums[1], unit, columns[1]);
                }
                left = left.add(strip.pair_stride);
                right = right.add(RIGHT);
            }
        }
        let mask = (u32::MAX >> (RIGHT - tile.width)) as usize;
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
