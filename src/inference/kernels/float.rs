//! Layer normalization and GELU, row by row, and the arithmetic that other kernels share.

use crate::inference::kernels::isa::compile_for_each;

/// Sums are taken in this many lanes, which hides how long an addition takes.
const LANES: usize = 32;

compile_for_each! {
    /// Normalizes each row to mean 0 and variance 1, then scales and shifts each column (Ba et al.
    /// 2016).
    ///
    /// # Panics
    /// When the rows are not whole or the scales are not as many as the shifts.
    pub(in crate::inference) fn normalize(
        rows: &mut [f32], scales: &[f32], shifts: &[f32], epsilon: f32,
    ) = normalize_rows
}

compile_for_each! {
    /// The Gaussian error linear unit of each value (Hendrycks & Gimpel 2016), with an error of
    /// less than 2 × 10⁻⁴ × max(1, |x| ÷ 4).
    pub(in crate::inference) fn gelu(values: &mut [f32]) = gelu_values
}

#[inline(always)]
fn normalize_rows<const FMA: bool>(rows: &mut [f32], scales: &[f32], shifts: &[f32], epsilon: f32) {
    let width = scales.len();
    assert_eq!(width, shifts.len(), "one scale and one shift per column");
    assert!(rows.len().is_multiple_of(width), "rows are whole");
    for row in rows.chunks_exact_mut(width) {
        let mean = total(&fold(row, 0.0, |sum, value| sum + value)) / width as f32;
        let squares =
            fold(row, 0.0, |sum, value| multiply_add::<FMA>(value - mean, value - mean, sum));
        let factor = (total(&squares) / width as f32 + epsilon).sqrt().recip();
        for ((value, scale), shift) in row.iter_mut().zip(scales).zip(shifts) {
            *value = multiply_add::<FMA>((*value - mean) * factor, *scale, *shift);
        }
    }
}

#[inline(always)]
fn gelu_values<const FMA: bool>(values: &mut [f32]) {
    for value in values {
        *value = gelu_of::<FMA>(*value);
    }
}

/// a × b + c, rounded once where the CPU does so.
#[inline(always)]
pub(super) fn multiply_add<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// Folds a row lane by lane.
#[inline(always)]
pub(super) fn fold(row: &[f32], start: f32, add: impl Fn(f32, f32) -> f32) -> [f32; LANES] {
    let mut lanes = [start; LANES];
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = add(*lane, *value);
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane = add(*lane, *value);
    }
    // A compiler that sees how lanes are joined takes them apart from the start.
    std::hint::black_box(lanes)
}

/// The sum of all lanes, in halves so that they add up in vectors.
#[inline(always)]
pub(super) fn total(lanes: &[f32; LANES]) -> f32 {
    halve(lanes, |a, b| a + b)
}

/// The largest lane.
#[inline(always)]
pub(super) fn largest(lanes: &[f32; LANES]) -> f32 {
    halve(lanes, larger)
}

/// The larger of two numbers, as one instruction: nothing here is NaN.
#[inline(always)]
pub(super) fn larger(a: f32, b: f32) -> f32 {
    if a < b { b } else { a }
}

/// The smaller of two numbers, as one instruction.
#[inline(always)]
pub(super) fn smaller(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

#[inline(always)]
fn halve(lanes: &[f32; LANES], join: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = *lanes;
    let mut half = LANES / 2;
    while 0 < half {
        let (low, high) = lanes.split_at_mut(half);
        for (a, b) in low.iter_mut().zip(high) {
            *a = join(*a, *b);
        }
        half /= 2;
    }
    lanes[0]
}

/// Adding and taking away this rounds a small number to the nearest integer, which is then found
/// in the lowest bits.
pub(super) const ROUND: f32 = 12_582_912.0;

/// 2ˣ for x ≤ 0 with an error of less than 10⁻⁴ of it, and 2⁻¹²⁵ below −125: for results of 8 bits.
///
/// As 2ⁿ × 2ᶠ with |f| ≤ ½: n goes to the exponent, 2ᶠ is a polynomial fitted by least squares.
#[inline(always)]
pub(super) fn power_of_two_roughly<const FMA: bool>(x: f32) -> f32 {
    let bounded = larger(x, -125.0);
    let rounded = bounded + ROUND;
    let rest = bounded - (rounded - ROUND);
    let mut power = 0.055_088_77;
    for coefficient in [0.242_604_66, 0.693_276_3, 0.999_928_9] {
        power = multiply_add::<FMA>(power, rest, coefficient);
    }
    f32::from_bits(power.to_bits().wrapping_add(rounded.to_bits() << 23))
}

/// Φ(x) − ½ for |x| ≤ 4 is x · P(x²): the coefficients of P, fitted by iteratively reweighted
/// least squares to the smallest worst error.
pub(super) const NORMAL: [f32; 7] = [
    2.278_208_6e-8,
    -1.598_639_5e-6,
    4.795_636_8e-5,
    -8.140_251e-4,
    8.772_445e-3,
    -6.457_327e-2,
    0.397_883_5,
];

/// x · Φ(x).
#[inline(always)]
fn gelu_of<const FMA: bool>(x: f32) -> f32 {
    let bounded = larger(smaller(x, 4.0), -4.0);
    let square = bounded * bounded;
    let mut sum = NORMAL[0];
    for coefficient in &NORMAL[1..] {
        sum = multiply_add::<FMA>(sum, square, *coefficient);
    }
    x * multiply_add::<FMA>(bounded, sum, 0.5)
}
