//! Every kernel on every path of this CPU against plain loops in 64 bits, over random shapes.

use half::bf16;
use proptest::prelude::*;

use super::*;

/// Numbers between −1 and 1 that look random.
pub(super) fn numbers(seed: u64, n: usize) -> Vec<f32> {
    let mut state = seed;
    let next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    std::iter::repeat_with(next).take(n).collect()
}

fn weights(seed: u64, n: usize) -> Vec<i8> {
    numbers(seed, n).into_iter().map(|value| (value * 127.0) as i8).collect()
}

/// The values that the bytes of a row stand for.
fn restored(rows: &Rows, row: usize) -> Vec<f64> {
    let row_len = rows.row_len();
    let scale = f64::from(rows.scales[row]);
    let bytes = &rows.bytes[row * row_len..][..rows.width];
    bytes.iter().map(|&byte| (f64::from(byte) - 128.0) * scale).collect()
}

/// Any width, and more often than by chance one that makes whole tiles.
fn widths() -> impl Strategy<Value = usize> {
    prop_oneof![1_usize..80, (1_usize..4).prop_map(|n| n * 64)]
}

fn puts() -> impl Strategy<Value = Put> {
    prop_oneof![Just(Put::Replace), Just(Put::Add), Just(Put::Gelu)]
}

fn portable() -> Isa {
    Isa::find("portable").unwrap()
}

#[track_caller]
pub(super) fn check_near(found: f32, expected: f64, tolerance: f64, place: &str) {
    let error = (f64::from(found) - expected).abs();
    assert!(error <= tolerance, "{place}: {found} instead of {expected}");
}

proptest! {
    #[test]
    fn rows_in_8_bits_are_off_by_half_a_step_at_most(
        n_rows in 1_usize..6, width in 1_usize..90, gap in 0_usize..5, seed: u64, size in -12_f32..6.0,
    ) {
        let source: Vec<f32> =
            numbers(seed, n_rows * (width + gap)).iter().map(|it| it * size.exp2()).collect();
        let mut plain = Rows::default();
        plain.quantize(portable(), &source[..source.len() - gap], width + gap, width);
        for (row_idx, row) in source.chunks(width + gap).enumerate() {
            let half = f64::from(plain.scales[row_idx]) * 0.500_01;
            for (value, found) in row.iter().zip(restored(&plain, row_idx)) {
                prop_assert!((f64::from(*value) - found).abs() <= half);
            }
        }
        for isa in Isa::available() {
            let mut rows = Rows::default();
            // What was there before must not shine through.
            rows.quantize(isa, &numbers(seed ^ 1, 700), 100, 100);
            rows.quantize(isa, &source[..source.len() - gap], width + gap, width);
            prop_assert_eq!(&rows.scales, &plain.scales);
            let n_values = rows.len() * rows.row_len();
            let centered: Vec<i16> = if rows.are_for(portable()) {
                rows.bytes[..n_values].iter().map(|&byte| i16::from(byte) - 128).collect()
            } else {
                rows.wide[..n_values].to_vec()
            };
            let expected: Vec<i16> = plain.bytes[..n_values].iter().map(|&it| i16::from(it) - 128).collect();
            prop_assert_eq!(centered, expected, "{}", isa);
        }
    }

    #[test]
    fn products_are_exact_sums_and_stay_in_their_place(
        n_rows in 0_usize..40, n_inputs in widths(), n_outputs in 1_usize..120,
        gap in 0_usize..3, put in puts(), seed: u64,
    ) {
        let values = weights(seed, n_inputs * n_outputs);
        let scales: Vec<f32> = numbers(seed ^ 2, n_outputs).iter().map(|it| it * 0.01).collect();
        let biases = numbers(seed ^ 3, n_outputs);
        let matrix = Matrix::new(&values, &scales, &biases);
        let source = numbers(seed ^ 4, n_rows * n_inputs);
        let mut plain = Rows::default();
        plain.quantize(portable(), &source, n_inputs, n_inputs);
        let row_len = n_outputs + gap;
        let before = numbers(seed ^ 5, n_rows * row_len);
        for isa in Isa::available() {
            let mut rows = Rows::default();
            rows.quantize(isa, &source, n_inputs, n_inputs);
            let mut found = before.clone();
            let mut output = Output { values: &mut found, row_len };
            let mut pass = Pass::new(isa, std::slice::from_ref(&matrix));
            matrix.multiply(&rows, &mut output, put, &mut pass);
            prop_assert!(pass.is_over(), "{isa}: {pass:?}");
            for (idx, (found, before)) in found.iter().zip(&before).enumerate() {
                let (row, output) = (idx / row_len, idx % row_len);
                if n_outputs <= output {
                    prop_assert_eq!(found.to_bits(), before.to_bits());
                    continue;
                }
                let line = &values[output * n_inputs..][..n_inputs];
                let products = restored(&plain, row).into_iter().zip(line);
                let sum: f64 = products.map(|(value, &weight)| value * f64::from(weight)).sum();
                let value = sum * f64::from(scales[output]) + f64::from(biases[output]);
                let (expected, tolerance) = match put {
                    Put::Replace => (value, 0.0),
                    Put::Add => (value + f64::from(*before), 0.0),
                    Put::Gelu => (value * normal_distribution(value), 2e-4),
                };
                let tolerance = tolerance + 1e-5 * (1.0 + sum.abs());
                check_near(*found, expected, tolerance, isa.name());
            }
        }
    }

    #[test]
    fn layers_are_normalized(
        n_rows in 1_usize..4, width in 2_usize..90, seed: u64, size in -3_f32..9.0, shift in -5_f32..5.0,
    ) {
        let source: Vec<f32> =
            numbers(seed, n_rows * width).iter().map(|it| it * size.exp2() + shift).collect();
        let (scales, shifts) = (numbers(seed ^ 1, width), numbers(seed ^ 2, width));
        for isa in Isa::available() {
            let mut rows = source.clone();
            normalize(isa, &mut rows, &scales, &shifts, 1e-5);
            for (found, source) in rows.chunks(width).zip(source.chunks(width)) {
                let exact: Vec<f64> = source.iter().map(|&it| f64::from(it)).collect();
                let mean = exact.iter().sum::<f64>() / width as f64;
                let variance = exact.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / width as f64;
                for (idx, found) in found.iter().enumerate() {
                    let normal = (exact[idx] - mean) / (variance + 1e-5).sqrt();
                    let expected = normal * f64::from(scales[idx]) + f64::from(shifts[idx]);
                    check_near(*found, expected, 2e-4, isa.name());
                }
            }
        }
    }

    #[test]
    fn attention_is_the_weighted_mean_of_the_values(
        n_tokens in 1_usize..100, number in 1_usize..4, size in 1_usize..100, gap in 0_usize..3,
        seed: u64, sharpness in 0_f32..3.0,
    ) {
        let width = number * size;
        let row_len = width + gap;
        let projected: Vec<f32> = numbers(seed, n_tokens * 3 * width)
            .iter()
            .map(|it| it * sharpness / (size as f32 / 16.0).max(1.0))
            .collect();
        let heads = HeadShape { number, size };
        // With places after the last row, which are somebody else's.
        let before = numbers(seed ^ 2, (n_tokens + 3) * row_len);
        for isa in Isa::available() {
            let plain = plain_attention(isa, &projected, heads);
            let mut place = Attention::default();
            // What was there before must not shine through, not even where it is multiplied by zero.
            let elsewhere = HeadShape { number: 2, size: 3 };
            let mut output = Output { values: &mut [0.0; 300], row_len: 6 };
            let mut others = numbers(seed ^ 1, 3 * 50 * 6);
            if is_tiled(isa) {
                others.fill(f32::NAN);
            }
            place.attend(&others, elsewhere, &mut output, &mut Pass::new(isa, &[]));
            let mut found = before.clone();
            let mut output = Output { values: &mut found, row_len };
            place.attend(&projected, heads, &mut output, &mut Pass::new(isa, &[]));
            for (idx, (found, before)) in found.iter().zip(&before).enumerate() {
                let (row, column) = (idx / row_len, idx % row_len);
                if row < n_tokens && column < width {
                    let (expected, tolerance) = plain[row * width + column];
                    check_near(*found, expected, tolerance, isa.name());
                } else {
                    prop_assert_eq!(found.to_bits(), before.to_bits());
                }
            }
        }
    }
}

#[test]
fn tokens_that_share_little_attention_keep_it_together() {
    const N_TOKENS: usize = 200;
    // The first token gets e^6.5 times as much as each of the others, which have less than half a
    // step each.
    let projected: Vec<f32> = (0..N_TOKENS)
        .flat_map(|token| if token == 0 { [1.0, 6.5, 0.0] } else { [1.0, 0.0, 1.0] })
        .collect();
    let others = (N_TOKENS - 1) as f64 * (-6.5_f64).exp();
    for isa in Isa::available() {
        let mut found = [0.0; N_TOKENS];
        let heads = HeadShape { number: 1, size: 1 };
        let mut output = Output { values: &mut found, row_len: 1 };
        Attention::default().attend(&projected, heads, &mut output, &mut Pass::new(isa, &[]));
        for share in found {
            check_near(share, others / (1.0 + others), 0.006, isa.name());
        }
    }
}

#[test]
fn keys_that_are_equal_share_attention_equally_however_large_their_scores() {
    const N: usize = 8;
    let heads = HeadShape { number: 1, size: N };
    for power in 0..22 {
        // Exponents of large scores are off by so much that weights come out above the largest.
        let size = 1.5_f32.powi(power);
        let row = |token: usize| {
            let marked = |marked: usize, mark: f32| {
                (0..N).map(move |it| if it == marked { mark } else { 0.0 })
            };
            marked(0, size).chain(marked(0, size)).chain(marked(token, 1.0))
        };
        let projected: Vec<f32> = (0..N).flat_map(row).collect();
        for isa in Isa::available() {
            let mut found = [0.0; N * N];
            let mut output = Output { values: &mut found, row_len: N };
            Attention::default().attend(&projected, heads, &mut output, &mut Pass::new(isa, &[]));
            for share in found {
                check_near(share, 1.0 / N as f64, 0.006, &format!("{isa}, {size}"));
            }
        }
    }
}

/// Whether attention is in 16 bits.
fn is_tiled(isa: Isa) -> bool {
    isa.name() == "amx-int8"
}

/// Attention over queries, keys and values in the bits that this path gives them but with exact
/// weights, and how far off rounded weights may be.
fn plain_attention(isa: Isa, projected: &[f32], heads: HeadShape) -> Vec<(f64, f64)> {
    let HeadShape { number: n_heads, size } = heads;
    let rounded = if is_tiled(isa) { in_16_bits } else { in_8_bits };
    let width = n_heads * size;
    let n_tokens = projected.len() / (3 * width);
    let mut context = vec![(0.0, 0.0); n_tokens * width];
    for head in 0..n_heads {
        let part = |part: usize| {
            let rows =
                projected.chunks(3 * width).map(|row| &row[part * width + head * size..][..size]);
            rows.map(<[f32]>::to_vec).collect::<Vec<_>>()
        };
        let (queries, keys) = (rounded(&part(0)), rounded(&part(1)));
        let values = turned(&rounded(&turned(&part(2))));
        let largest = values.iter().flatten().fold(0.0_f64, |most, it| most.max(it.abs()));
        for (query_idx, query) in queries.iter().enumerate() {
            let score = |key: &Vec<f64>| query.iter().zip(key).map(|(a, b)| a * b).sum::<f64>();
            let scores: Vec<f64> = keys.iter().map(score).collect();
            let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let weights: Vec<f64> = scores.iter().map(|score| (score - most).exp()).collect();
            let sum: f64 = weights.iter().sum();
            // Half a step of the largest weight each, or of their own.
            let off = if is_tiled(isa) { 1.0 / 256.0 } else { n_tokens as f64 / 255.0 / sum };
            let tolerance = largest * (off + 1e-3);
            for column in 0..size {
                let products = weights.iter().zip(&values).map(|(it, value)| it * value[column]);
                let place = query_idx * width + head * size + column;
                context[place] = (products.sum::<f64>() / sum, tolerance);
            }
        }
    }
    context
}

/// Each row as bytes with a scale of its own would hold it.
fn in_8_bits(rows: &[Vec<f32>]) -> Vec<Vec<f64>> {
    let restore = |row: &Vec<f32>| {
        let scale = row.iter().fold(1e-20_f32, |most, it| most.max(it.abs())) / 127.0;
        row.iter().map(|it| f64::from((it / scale).round_ties_even() * scale)).collect()
    };
    rows.iter().map(restore).collect()
}

fn in_16_bits(rows: &[Vec<f32>]) -> Vec<Vec<f64>> {
    let restore = |row: &Vec<f32>| row.iter().map(|it| bf16::from_f32(*it).to_f64()).collect();
    rows.iter().map(restore).collect()
}

fn turned<T: Copy>(rows: &[Vec<T>]) -> Vec<Vec<T>> {
    let column = |idx: usize| rows.iter().map(|row| row[idx]).collect();
    (0..rows[0].len()).map(column).collect()
}

#[test]
fn gelu_is_x_times_the_normal_distribution() {
    let values: Vec<f32> = (-1200..=1200).map(|step| step as f32 / 100.0).collect();
    for isa in Isa::available() {
        let mut found = values.clone();
        gelu(isa, &mut found);
        for (found, value) in found.into_iter().zip(&values) {
            let value = f64::from(*value);
            let expected = value * normal_distribution(value);
            check_near(found, expected, 2e-4 * (value.abs() / 4.0).max(1.0), isa.name());
        }
    }
}

/// By the series of the error function around zero; beyond six there is nothing to see.
pub(super) fn normal_distribution(x: f64) -> f64 {
    let x = x.clamp(-6.0, 6.0);
    let (mut term, mut sum) = (x, x);
    for n in 1..150 {
        // Abramowitz & Stegun 26.2.11: all terms have one sign, so that nothing cancels out.
        term *= x * x / f64::from(2 * n + 1);
        sum += term;
    }
    0.5 + sum * (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

#[test]
fn a_path_is_found_by_its_name_and_the_best_is_the_last() {
    let available = Isa::available();
    assert_eq!(available[0].name(), "portable");
    assert_eq!(available.last(), Some(&Isa::best()));
    for isa in available {
        assert_eq!(Isa::find(&isa.to_string()), Some(isa));
    }
    assert_eq!(Isa::find("abacus"), None);
}

#[test]
fn attention_without_a_place_is_refused() {
    for isa in Isa::available() {
        // Five tokens with two heads, and a place for four or for rows that overlap.
        for (n_values, row_len) in [(4 * 6, 6), (5 * 6, 5)] {
            let attended = std::panic::catch_unwind(|| {
                let mut output = Output { values: &mut vec![0.0; n_values], row_len };
                let heads = HeadShape { number: 2, size: 3 };
                Attention::default().attend(
                    &[1.0; 5 * 18],
                    heads,
                    &mut output,
                    &mut Pass::new(isa, &[]),
                );
            });
            assert!(attended.is_err(), "{isa}");
        }
    }
}

#[test]
fn a_product_without_a_place_is_refused() {
    let matrix = Matrix::new(&[1; 6], &[1.0; 2], &[0.0; 2]);
    let mut rows = Rows::default();
    rows.quantize(Isa::best(), &[1.0; 6], 3, 3);
    let short = std::panic::catch_unwind(|| {
        let mut output = Output { values: &mut [0.0; 3], row_len: 2 };
        matrix.multiply(&rows, &mut output, Put::Replace, &mut Pass::new(Isa::best(), &[]));
    });
    assert!(short.is_err());
}
