//! What happens between the products against plain loops in 64 bits, and its gradients against
//! differences, on every path of this CPU.

use half::bf16;
use proptest::prelude::*;

use super::{halves, widened};
use crate::inference::kernels::Isa;
use crate::inference::kernels::bf16::{
    AdamStep, Branch, Dropout, Moving, Norm, NormGradients, NormKept, NormOut, add_bias,
    add_columns, gelu, gelu_gradient, normalize, normalize_gradient, to_bf16, update_with_adam,
};
use crate::inference::kernels::tests::{check_near, normal_distribution, numbers};

const EPS: f32 = 1e-5;

/// Any width, and more often than by chance one and what makes whole vectors.
fn widths() -> impl Strategy<Value = usize> {
    prop_oneof![1 => Just(1), 4 => 1_usize..80, 2 => (1_usize..6).prop_map(|n| n * 16)]
}

fn scaled(seed: u64, n: usize, factor: f32) -> Vec<f32> {
    numbers(seed, n).into_iter().map(|value| value * factor).collect()
}

/// The slope of a function at `x`.
fn slope(x: f64, step: f64, of: impl Fn(f64) -> f64) -> f64 {
    (of(x + step) - of(x - step)) / (2.0 * step)
}

/// What a layer normalization is applied to.
struct Inputs {
    width: usize,
    branch: Vec<f32>,
    branch_bias: Vec<f32>,
    residual: Vec<f32>,
    gain: Vec<f32>,
    bias: Vec<f32>,
    dropout: Dropout,
    first_index: u32,
}

/// A row of numbers on their way through layer normalization.
struct PlainRow {
    sums: Vec<f64>,
    normalized: Vec<f64>,
    scale: f64,
    /// How far off 32 bits may be in what is normalized.
    noise: f64,
}

impl PlainRow {
    fn new(sums: Vec<f64>) -> Self {
        let n = sums.len() as f64;
        let mean = sums.iter().sum::<f64>() / n;
        let variance = sums.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / n;
        let scale = 1.0 / (variance + f64::from(EPS)).sqrt();
        let normalized = sums.iter().map(|it| (it - mean) * scale).collect();
        let largest = sums.iter().fold(1.0_f64, |most, it| most.max(it.abs()));
        Self { normalized, scale, noise: 3e-6 * largest * scale, sums }
    }

    /// By how much the result moves along `gradient` when the number in a column moves.
    fn slope(&self, column: usize, gradient: &[f64]) -> f64 {
        slope(self.sums[column], 1e-4 / self.scale, |value| {
            let mut sums = self.sums.clone();
            sums[column] = value;
            Self::new(sums).normalized.iter().zip(gradient).map(|(x, factor)| x * factor).sum()
        })
    }
}

impl Inputs {
    fn factor(&self, place: usize) -> f64 {
        f64::from(self.dropout.factor(self.first_index.wrapping_add(place as u32)))
    }

    fn rows(&self) -> Vec<PlainRow> {
        let sum = |place: usize| {
            let bias = f64::from(self.branch_bias[place % self.width]);
            let branch = (f64::from(self.branch[place]) + bias) * self.factor(place);
            f64::from(self.residual[place]) + branch
        };
        let sums: Vec<f64> = (0..self.residual.len()).map(sum).collect();
        sums.chunks(self.width).map(|row| PlainRow::new(row.to_vec())).collect()
    }

    /// Checks the way there, and returns what the way back starts from.
    fn check_forward(&self, isa: Isa) -> (Vec<bf16>, Vec<f32>) {
        let n = self.residual.len();
        let (mut out, mut scales) = (vec![f32::NAN; n], vec![f32::NAN; n / self.width]);
        let (mut out16, mut normalized) = (vec![bf16::NAN; n], vec![bf16::NAN; n]);
        let branch = Branch {
            values: &self.branch,
            bias: &self.branch_bias,
            dropout: self.dropout,
            first_index: self.first_index,
        };
        let norm = Norm { gain: &self.gain, bias: &self.bias, eps: EPS };
        let to = NormOut {
            out: &mut out,
            out16: &mut out16,
            normalized: &mut normalized,
            scales: &mut scales,
        };
        normalize(isa, branch, &self.residual, norm, to);
        for (row_idx, row) in self.rows().iter().enumerate() {
            let off = row.scale * (row.noise + 1e-5);
            check_near(scales[row_idx], row.scale, off, isa.name());
            for (column, x) in row.normalized.iter().enumerate() {
                let place = row_idx * self.width + column;
                let off = (row.noise + 1e-6) * (1.0 + x.abs());
                let found = normalized[place].to_f32();
                check_near(found, *x, x.abs() / 256.0 + off, isa.name());
                let [gain, bias] = [&self.gain, &self.bias].map(|it| f64::from(it[column]));
                check_near(out[place], x * gain + bias, off + 1e-6, isa.name());
                assert_eq!(out16[place], bf16::from_f32(out[place]), "{isa}");
            }
        }
        (normalized, scales)
    }

    fn check_backward(&self, isa: Isa, gradient: &[f32], before: &[f32]) {
        let (normalized, scales) = self.check_forward(isa);
        let (mut residual, mut branch) =
            (vec![f32::NAN; gradient.len()], vec![bf16::NAN; gradient.len()]);
        let mut sums = [before; 3].map(<[f32]>::to_vec);
        let [gain, bias, dense_bias] = &mut sums;
        let kept = NormKept {
            normalized: &normalized,
            scales: &scales,
            gain: &self.gain,
            dropout: self.dropout,
        };
        let to =
            NormGradients { residual: &mut residual, branch: &mut branch, gain, bias, dense_bias };
        normalize_gradient(isa, gradient, kept, self.first_index, to);
        // Each with how far off it may be: 16 bits kept half a 256th of what was normalized.
        let mut expected = [(); 3].map(|()| vec![(0.0, 1e-5); self.width]);
        for (row_idx, row) in self.rows().iter().enumerate() {
            let range = row_idx * self.width..(row_idx + 1) * self.width;
            let gradient: Vec<f64> = gradient[range].iter().map(|it| f64::from(*it)).collect();
            let of_normalized: Vec<f64> =
                gradient.iter().zip(&self.gain).map(|(it, gain)| it * f64::from(*gain)).collect();
            let largest = of_normalized.iter().fold(0.0_f64, |most, it| most.max(it.abs()));
            for (column, x) in row.normalized.iter().enumerate() {
                let place = row_idx * self.width + column;
                let slope = row.slope(column, &of_normalized);
                let rounding = x.abs() / 200.0 + 2.0 * row.noise * (1.0 + x.abs()) + 1e-5;
                let off = row.scale * largest * rounding;
                check_near(residual[place], slope, off, isa.name());
                let (of_branch, off) = (slope * self.factor(place), off * self.factor(place));
                let found = branch[place].to_f32();
                check_near(found, of_branch, off + of_branch.abs() / 256.0, isa.name());
                let off_of_gain = x.abs() / 256.0 + row.noise * (1.0 + x.abs());
                let added = [
                    (gradient[column] * x, gradient[column].abs() * off_of_gain),
                    (gradient[column], 0.0),
                    (of_branch, off),
                ];
                for (sums, (value, off)) in expected.iter_mut().zip(added) {
                    sums[column] = (sums[column].0 + value, sums[column].1 + off);
                }
            }
        }
        for (found, expected) in sums.iter().zip(&expected) {
            for ((found, before), (sum, off)) in found.iter().zip(before).zip(expected) {
                check_near(*found, f64::from(*before) + sum, off + 1e-6 * sum.abs(), isa.name());
            }
        }
    }
}

proptest! {
    #[test]
    fn gelu_goes_there_and_back_as_the_definition_does(
        n_rows in 0_usize..5, width in widths(), seed: u64, size in -6_f32..5.0,
    ) {
        const STEP: f64 = 1e-4;
        let of = |x: f64| x * normal_distribution(x);
        let n = n_rows * width;
        let (values, bias) = (scaled(seed, n, size.exp2()), scaled(seed ^ 1, width, size.exp2()));
        let (gradient, earlier) = (numbers(seed ^ 2, n), numbers(seed ^ 3, width));
        for isa in Isa::available() {
            let [mut before, mut after, mut out] = [(); 3].map(|()| vec![bf16::NAN; n]);
            gelu(isa, &values, &bias, &mut before, &mut after);
            let mut sums = earlier.clone();
            gelu_gradient(isa, &gradient, &before, &mut out, &mut sums);
            let mut expected: Vec<f64> = earlier.iter().map(|it| f64::from(*it)).collect();
            for place in 0..n {
                let column = place % width;
                prop_assert_eq!(before[place], bf16::from_f32(values[place] + bias[column]));
                let x = before[place].to_f64();
                let off = 1e-6 * (1.0 + x.abs());
                check_near(after[place].to_f32(), of(x), of(x).abs() / 256.0 + off, isa.name());
                let value = slope(x, STEP, of) * f64::from(gradient[place]);
                check_near(out[place].to_f32(), value, value.abs() / 256.0 + 1e-6, isa.name());
                expected[column] += value;
            }
            for (found, expected) in sums.iter().zip(expected) {
                check_near(*found, expected, 1e-5, isa.name());
            }
        }
    }

    #[test]
    fn normalization_goes_there_and_back_as_the_definition_does(
        (n_rows, width) in (1_usize..5, widths()),
        (share, dropout_seed, first_index) in (prop_oneof![Just(0.0), 0.0_f32..0.8], any::<u32>(), any::<u32>()),
        seed: u64,
        (size, shift) in (-3_f32..3.0, -3_f32..3.0),
    ) {
        let n = n_rows * width;
        let inputs = Inputs {
            width,
            branch: scaled(seed, n, size.exp2()),
            branch_bias: scaled(seed ^ 1, width, size.exp2()),
            residual: numbers(seed ^ 2, n).into_iter().map(|value| value + shift).collect(),
            gain: numbers(seed ^ 3, width),
            bias: numbers(seed ^ 4, width),
            dropout: Dropout { seed: dropout_seed, share },
            first_index,
        };
        for isa in Isa::available() {
            inputs.check_backward(isa, &numbers(seed ^ 5, n), &numbers(seed ^ 6, width));
        }
    }

    #[test]
    fn biases_are_added_and_columns_added_up(n_rows in 0_usize..5, width in widths(), seed: u64) {
        let (values, bias) = (numbers(seed, n_rows * width), numbers(seed ^ 1, width));
        let rows = halves(seed ^ 2, n_rows * width, 1.0);
        for isa in Isa::available() {
            let [mut rounded, mut moved] = [(); 2].map(|()| vec![bf16::NAN; values.len()]);
            to_bf16(isa, &values, &mut rounded);
            add_bias(isa, &values, &bias, &mut moved);
            for (place, value) in values.iter().enumerate() {
                prop_assert_eq!(rounded[place], bf16::from_f32(*value));
                prop_assert_eq!(moved[place], bf16::from_f32(value + bias[place % width]));
            }
            let mut sums = bias.clone();
            add_columns(isa, &rows, &mut sums);
            for (column, found) in sums.into_iter().enumerate() {
                let sum: f64 = widened(&rows).iter().skip(column).step_by(width).sum();
                check_near(found, f64::from(bias[column]) + sum, 1e-6, isa.name());
            }
        }
    }
}

#[test]
fn the_optimizer_steps_as_the_paper_says() {
    let step = AdamStep {
        rate: 0.1,
        beta1: 0.9,
        beta2: 0.99,
        corrections: (0.1, 0.01),
        eps: 1e-8,
        decay: 0.001,
        scale: 0.5,
    };
    for isa in Isa::available() {
        for n in [1, 2, 15, 16, 33] {
            let signs: Vec<f32> = (0..n).map(|it| if it % 3 == 0 { 1.0 } else { -1.0 }).collect();
            let gradients: Vec<f32> =
                (0_u8..).zip(&signs).map(|(it, sign)| sign * (4.0 + f32::from(it))).collect();
            let (mut weights, mut first, mut second) = (signs.clone(), vec![0.0; n], vec![0.0; n]);
            let moving = Moving { weights: &mut weights, first: &mut first, second: &mut second };
            update_with_adam(isa, moving, &gradients, &step);
            for place in 0..n {
                // The first step is as long as the rate, whatever the gradient.
                let halved = f64::from(gradients[place]) / 2.0;
                let weight = f64::from(signs[place]) * (1.0 - 0.1 - 0.001);
                check_near(weights[place], weight, 1e-6, isa.name());
                check_near(first[place], 0.1 * halved, 1e-6, isa.name());
                check_near(second[place], 0.01 * halved * halved, 1e-5, isa.name());
            }
        }
    }
}
