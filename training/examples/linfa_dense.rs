//! What linfa's logistic regression costs on texts: it takes dense matrices only. Run with
//! `cargo run --release -p fenzhen-lab --example linfa_dense`; the figures are in
//! `training/README.md`.

use std::{
    io::{self, Write},
    time::Instant,
};

use linfa::prelude::*;
use linfa_logistic::LogisticRegression;
use ndarray::{Array1, Array2};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The number of different features of a text of 54 characters.
const PER_TEXT: usize = 140;

fn main() -> io::Result<()> {
    for (n_texts, n_features) in [(1_000, 5_000), (2_000, 10_000), (4_000, 20_000)] {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let mut rows = Array2::<f64>::zeros((n_texts, n_features));
        for mut row in rows.rows_mut() {
            for _ in 0..PER_TEXT {
                // Low columns are frequent, as words are.
                let column = random.random_range(0.0..1.0_f64).powi(3) * n_features as f64;
                row[column as usize] = 1.0 / (PER_TEXT as f64).sqrt();
            }
        }
        let labels: Array1<bool> = (0..n_texts).map(|_| random.random_bool(0.2)).collect();
        let started = Instant::now();
        let fitted = LogisticRegression::default()
            .alpha(1.0)
            .max_iterations(100)
            .fit(&Dataset::new(rows, labels))
            .map_err(io::Error::other)?;
        writeln!(
            io::stdout(),
            "{n_texts} texts x {n_features} features: {:.1} s, {} MB, bias {:.2}",
            started.elapsed().as_secs_f32(),
            n_texts * n_features * 8 / 1_000_000,
            fitted.intercept()
        )?;
    }
    Ok(())
}
