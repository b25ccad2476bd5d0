//! Attention and its way back against plain loops in 64 bits, and those against differences, on
//! every path of this CPU.

use half::bf16;
use proptest::prelude::*;

use super::{halves, widened};
use crate::inference::kernels::Isa;
use crate::inference::kernels::bf16::{Attention, AttentionKept, AttentionShape, Dropout};
use crate::inference::kernels::tests::check_near;

/// A sum, and the sum of the sizes of what was added up, of which rounding takes a share.
#[derive(Clone, Copy, Default)]
struct Sum {
    value: f64,
    size: f64,
}

impl Sum {
    fn add(&mut self, value: f64, size: f64) {
        self.value += value;
        self.size += size.abs();
    }
}

/// A text that attends to itself.
#[derive(Clone)]
struct Plain {
    shape: AttentionShape,
    first_index: u32,
    qkv: Vec<f64>,
}

impl Plain {
    fn hidden_size(&self) -> usize {
        self.shape.n_heads * self.shape.head_size
    }

    fn n_tokens(&self) -> usize {
        self.qkv.len() / (3 * self.hidden_size())
    }

    /// Of queries (0), keys (1) or values (2).
    fn place(&self, part: usize, token: usize, column: usize) -> usize {
        (token * 3 + part) * self.hidden_size() + column
    }

    /// One of as many as [`AttentionShape::n_probabilities`] counts.
    fn probability_place(&self, head: usize, query: usize, key: usize) -> usize {
        (head * self.n_tokens() + query) * self.n_tokens().next_multiple_of(2) + key
    }

    fn factor(&self, head: usize, query: usize, key: usize) -> f64 {
        let place = self.probability_place(head, query, key) as u32;
        f64::from(self.shape.dropout.factor(self.first_index.wrapping_add(place)))
    }

    fn columns(&self, head: usize) -> std::ops::Range<usize> {
        head * self.shape.head_size..(head + 1) * self.shape.head_size
    }

    /// How much of a query's attention each key has.
    fn shares(&self, head: usize, query: usize) -> Vec<f64> {
        let score = |key: usize| {
            let product = |column: usize| {
                self.qkv[self.place(0, query, column)] * self.qkv[self.place(1, key, column)]
            };
            self.columns(head).map(product).sum::<f64>() / (self.shape.head_size as f64).sqrt()
        };
        let scores: Vec<f64> = (0..self.n_tokens()).map(score).collect();
        let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let powers: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
        let sum: f64 = powers.iter().sum();
        powers.into_iter().map(|power| power / sum).collect()
    }

    fn mixed(&self) -> Vec<Sum> {
        let mut mixed = vec![Sum::default(); self.n_tokens() * self.hidden_size()];
        for (head, query) in self.rows() {
            for (key, share) in self.shares(head, query).into_iter().enumerate() {
                let share = share * self.factor(head, query, key);
                for column in self.columns(head) {
                    let value = share * self.qkv[self.place(2, key, column)];
                    mixed[query * self.hidden_size() + column].add(value, value);
                }
            }
        }
        mixed
    }

    fn gradient(&self, of_mixed: &[f64]) -> Vec<Sum> {
        let mut found = vec![Sum::default(); self.qkv.len()];
        for (head, query) in self.rows() {
            let shares = self.shares(head, query);
            let upper = |column: usize| of_mixed[query * self.hidden_size() + column];
            let of_share = |key: usize| {
                let value = |column| upper(column) * self.qkv[self.place(2, key, column)];
                self.columns(head).map(value).sum::<f64>() * self.factor(head, query, key)
            };
            let of_shares: Vec<f64> = (0..shares.len()).map(of_share).collect();
            let mut mean = Sum::default();
            for (slope, share) in of_shares.iter().zip(&shares) {
                mean.add(slope * share, slope * share);
            }
            for (key, (slope, share)) in of_shares.iter().zip(&shares).enumerate() {
                let scale = share / (self.shape.head_size as f64).sqrt();
                let (value, size) =
                    (scale * (slope - mean.value), scale * (slope.abs() + mean.size));
                let dropped = share * self.factor(head, query, key);
                for column in self.columns(head) {
                    let places = [0, 1, 2].map(|part| {
                        let token = if part == 0 { query } else { key };
                        self.place(part, token, column)
                    });
                    let [of_query, of_key] = [self.qkv[places[1]], self.qkv[places[0]]];
                    found[places[0]].add(value * of_query, size * of_query);
                    found[places[1]].add(value * of_key, size * of_key);
                    found[places[2]].add(dropped * upper(column), dropped * upper(column));
                }
            }
        }
        found
    }

    fn rows(&self) -> impl Iterator<Item = (usize, usize)> {
        let n_tokens = self.n_tokens();
        (0..self.shape.n_heads).flat_map(move |head| (0..n_tokens).map(move |query| (head, query)))
    }

    /// By how much the mixed values move along `of_mixed` when one number of `qkv` moves.
    fn slope(&self, of_mixed: &[f64], place: usize) -> f64 {
        const STEP: f64 = 1e-4;
        let at = |step: f64| -> f64 {
            let mut moved = self.clone();
            moved.qkv[place] += step;
            moved.mixed().iter().zip(of_mixed).map(|(sum, factor)| sum.value * factor).sum()
        };
        (at(STEP) - at(-STEP)) / (2.0 * STEP)
    }
}

/// The mixed values, the probabilities and the gradient of queries, keys and values.
fn attend(
    attention: &mut Attention,
    (shape, first_index): (AttentionShape, u32),
    qkv: &[bf16],
    of_mixed: &[bf16],
) -> [Vec<bf16>; 3] {
    let n_tokens = of_mixed.len() / (shape.n_heads * shape.head_size);
    let unwritten = |len| vec![bf16::NAN; len];
    let mut probabilities = unwritten(shape.n_probabilities(n_tokens));
    let (mut mixed, mut of_qkv) = (unwritten(of_mixed.len()), unwritten(qkv.len()));
    attention.forward(shape, qkv, (&mut probabilities, first_index), &mut mixed);
    let kept = AttentionKept { qkv, probabilities: &probabilities, first_index };
    attention.backward(shape, kept, of_mixed, &mut of_qkv);
    [mixed, probabilities, of_qkv]
}

/// Any number of tokens, and more often than by chance one and what makes whole tiles.
fn token_counts() -> impl Strategy<Value = usize> {
    prop_oneof![1 => Just(1), 4 => 1_usize..50, 2 => (1_usize..4).prop_map(|n| n * 16)]
}

/// Heads have an even size, as a layer that learns must have.
fn head_sizes() -> impl Strategy<Value = usize> {
    prop_oneof![2 => (1_usize..30).prop_map(|n| n * 2), 1 => Just(32), 1 => Just(64)]
}

proptest! {
    #[test]
    fn attention_goes_there_and_back_as_the_definition_does(
        (n_tokens, n_heads, head_size) in (token_counts(), 1_usize..4, head_sizes()),
        (share, dropout_seed, first_index) in (prop_oneof![Just(0.0), 0.0_f32..0.8], any::<u32>(), any::<u32>()),
        seed: u64,
        sharpness in 0_f32..3.0,
    ) {
        let dropout = Dropout { seed: dropout_seed, share };
        let shape = AttentionShape { n_heads, head_size, dropout };
        let n_values = n_tokens * n_heads * head_size;
        let qkv = halves(seed, 3 * n_values, sharpness);
        let of_mixed = halves(seed ^ 1, n_values, 1.0);
        let plain = Plain { shape, first_index, qkv: widened(&qkv) };
        let (mixed, of_qkv) = (plain.mixed(), plain.gradient(&widened(&of_mixed)));
        let place = seed as usize % qkv.len();
        let slope = plain.slope(&widened(&of_mixed), place);
        let Sum { value, size } = of_qkv[place];
        prop_assert!((value - slope).abs() < 1e-6 * (1.0 + size), "{value} {slope}");
        for isa in Isa::available() {
            let mut attention = Attention::new(isa);
            // What was there before must not shine through, not even where it is multiplied by
            // zero.
            let elsewhere = AttentionShape { n_heads: 2, head_size: 6, dropout };
            let others = vec![bf16::NAN; 37 * 3 * 12];
            attend(&mut attention, (elsewhere, 0), &others, &others[..37 * 12]);
            let [found_mixed, probabilities, found] =
                attend(&mut attention, (shape, first_index), &qkv, &of_mixed);
            for (head, query) in plain.rows() {
                let shares = plain.shares(head, query);
                let first = plain.probability_place(head, query, 0);
                let row = &probabilities[first..][..n_tokens.next_multiple_of(2)];
                for (found, share) in row.iter().zip(shares.into_iter().chain([0.0])) {
                    check_near(found.to_f32(), share, share / 128.0 + 1e-9, isa.name());
                }
            }
            let sums = found_mixed.iter().zip(&mixed).chain(found.iter().zip(&of_qkv));
            for (found, sum) in sums {
                check_near(found.to_f32(), sum.value, sum.size / 64.0 + 1e-6, isa.name());
            }
        }
    }
}
