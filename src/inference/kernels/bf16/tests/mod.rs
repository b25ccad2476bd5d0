//! The kernels on every path of this CPU against what they must compute, in plain 32 or 64 bits.

mod attention;
mod elementwise;

use half::bf16;
use proptest::prelude::*;

use super::elementwise::Dropout;
use super::math::{cumulative_normal, exp, round};
use super::panels::{Matrix, Panels, Turned};
use super::product::{Out, multiply};
use crate::inference::kernels::Isa;
use crate::inference::kernels::tests::numbers;

/// Numbers up to `size` that look random.
fn halves(seed: u64, n: usize, size: f32) -> Vec<bf16> {
    numbers(seed, n).into_iter().map(|value| bf16::from_f32(value * size)).collect()
}

fn widened(values: &[bf16]) -> Vec<f64> {
    values.iter().map(|value| value.to_f64()).collect()
}

fn transposed(values: &[bf16], n_columns: usize) -> Vec<bf16> {
    let n_rows = values.len() / n_columns;
    (0..values.len()).map(|it| values[(it % n_rows) * n_columns + it / n_rows]).collect()
}

proptest! {
    #[test]
    fn products_agree_with_the_definition_in_every_layout(
        (n_rows, n_columns, n_summed) in (1_usize..70, 1_usize..70, 1_usize..50),
        seed in any::<u64>(),
        adds in any::<bool>(),
    ) {
        let n_summed = n_summed * 2;
        let left = halves(seed, n_rows * n_summed, 1.0);
        let right = halves(seed ^ 1, n_summed * n_columns, 1.0);
        let expected = |row: usize, column: usize| -> f64 {
            let pairs = (0..n_summed).map(|k| (left[row * n_summed + k], right[k * n_columns + column]));
            pairs.map(|(a, b)| f64::from(a.to_f32()) * f64::from(b.to_f32())).sum()
        };
        let stride = n_columns + 3;
        for isa in Isa::available() {
            let (mut of_rows, mut of_columns) = (Panels::default(), Panels::default());
            of_rows.pack_rows(isa, Matrix::new(&right, n_columns));
            of_columns.pack_columns(Matrix::new(&transposed(&right, n_columns), n_summed));
            let mut turned = Turned::default();
            turned.turn(isa, Matrix::new(&transposed(&left, n_summed), n_rows));
            let lefts = [Matrix::new(&left, n_summed), turned.rows()];
            for (left, right) in lefts.into_iter().zip([&of_rows, &of_columns]) {
                let mut values = vec![0.5; n_rows * stride];
                let out = Out { values: &mut values, stride, adds };
                multiply(isa, left, right, out);
                for row in 0..n_rows {
                    for column in 0..stride {
                        let found = f64::from(values[row * stride + column]);
                        // What lies beside the product stays as it was.
                        let product = if column < n_columns { expected(row, column) } else { 0.0 };
                        let before = if adds || n_columns <= column { 0.5 } else { 0.0 };
                        prop_assert!((found - before - product).abs() < 1e-4, "{isa}: {found} {product}");
                    }
                }
            }
        }
    }

    #[test]
    fn rounding_is_that_of_the_number_type(value in -1e30_f32..1e30) {
        prop_assert_eq!(round(value), bf16::from_f32(value));
    }

    #[test]
    fn exponentials_are_right_to_seven_digits(x in -80.0_f32..80.0) {
        let expected = f64::from(x).exp();
        prop_assert!((f64::from(exp(x)) / expected - 1.0).abs() < 3e-7);
    }
}

#[test]
fn the_normal_distribution_is_right_where_tables_have_it() {
    // Abramowitz & Stegun 1964, table 26.1.
    for (x, cumulative, density) in [
        (0.0_f32, 0.5_f32, 0.398_942_3_f32),
        (0.5, 0.691_462_5, 0.352_065_3),
        (1.0, 0.841_344_7, 0.241_970_7),
        (-1.96, 0.024_997_9, 0.058_440_9),
        (3.0, 0.998_650_1, 0.004_431_8),
        (-9.0, 0.0, 0.0),
    ] {
        let (found, slope) = cumulative_normal(x);
        assert!((found - cumulative).abs() < 4e-7, "{x}: {found}");
        assert!((slope - density).abs() < 4e-7, "{x}: {slope}");
    }
}

#[test]
fn dropout_drops_its_share_and_makes_up_for_it() {
    let dropout = Dropout { seed: 11, share: 0.1 };
    let factors: Vec<f32> = (0..100_000).map(|index| dropout.factor(index)).collect();
    let n_dropped = factors.iter().filter(|&&factor| factor == 0.0).count();
    assert!((9_600..10_400).contains(&n_dropped), "{n_dropped}");
    assert!(factors.iter().all(|&factor| factor == 0.0 || (factor - 1.0 / 0.9).abs() < 1e-6));
    let other = Dropout { seed: 12, share: 0.1 };
    let n_both = (0..100_000).filter(|&it| dropout.factor(it) + other.factor(it) == 0.0).count();
    assert!((850..1_150).contains(&n_both), "{n_both}");
    assert!((Dropout::default().factor(3) - 1.0).abs() < f32::EPSILON);
}
