//! Functions of single numbers without branches, so that loops over them become vector code.

use std::f32::consts::{FRAC_1_SQRT_2, LN_2, LOG2_E};

use half::bf16;

/// The nearest number of 16 bits, ties to even. Not for infinities and what is no number.
#[inline(always)]
pub(super) fn round(value: f32) -> bf16 {
    let bits = value.to_bits();
    bf16::from_bits((bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16) as u16)
}

/// e^x to within 2 · 10⁻⁷ of itself, for x of which the result is a normal number; beyond that the
/// nearest such.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    /// Added and taken away again it leaves the nearest integer.
    const ROUNDS: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * LOG2_E + ROUNDS;
    let power = shifted - ROUNDS;
    let rest = x - power * 0.693_359_4 - power * (LN_2 - 0.693_359_4);
    // Cephes (Moshier 1989), `expf`.
    let mut series = 1.987_569_1e-4_f32;
    for term in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        series = series * rest + term;
    }
    let series = series * rest * rest + rest + 1.0;
    let exponent = shifted.to_bits().wrapping_sub(ROUNDS.to_bits()) << 23;
    f32::from_bits(series.to_bits().wrapping_add(exponent))
}

/// The normal distribution up to x, and its density at x: what GELU and its slope are made of.
#[inline(always)]
pub(super) fn cumulative_normal(x: f32) -> (f32, f32) {
    const DENSITY_AT_ZERO: f32 = 0.398_942_3;
    let z = x.abs() * FRAC_1_SQRT_2;
    let tail = exp(-z * z);
    // The error function, formula 7.1.26 of Abramowitz & Stegun 1964, to within 1.5 · 10⁻⁷.
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let mut series = 1.061_405_4_f32;
    for term in [-1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6] {
        series = series * t + term;
    }
    let upper = 0.5 * series * t * tail;
    (if x < 0.0 { upper } else { 1.0 - upper }, DENSITY_AT_ZERO * tail)
}

/// The sum of a function of numbers, in sixteen lanes.
#[inline(always)]
pub(super) fn sum(values: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0_f32; 16];
    for chunk in values.chunks(16) {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane += of(value);
        }
    }
    lanes.iter().sum()
}
