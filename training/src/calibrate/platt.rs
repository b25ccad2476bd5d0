//! One logistic function over one score.

use linfa::ParamGuard;
use linfa::composing::platt_scaling::{PlattParams, platt_newton_method};
use ndarray::Array1;

/// The slope and intercept with the largest likelihood, by linfa's Newton method (Platt 1999, Lin,
/// Lin and Weng 2007). A score that says nothing keeps the base rate.
pub(super) fn fit(scores: &[f32], positives: &[bool]) -> (f32, f32) {
    let n_positives = positives.iter().filter(|&&positive| positive).count() as f32;
    // The prior that Platt's targets imply, which is finite without any example too.
    let prior = (n_positives + 1.0) / (positives.len() as f32 + 2.0);
    let base_rate = (0.0, (prior / (1.0 - prior)).ln());
    if n_positives < 1.0 || n_positives as usize == positives.len() {
        return base_rate;
    }
    let scores: Array1<f64> = scores.iter().map(|&score| f64::from(score)).collect();
    let positives: Array1<bool> = positives.iter().copied().collect();
    let params = PlattParams::<f64, ()>::default().check().expect("the defaults are valid");
    match platt_newton_method(scores.view(), positives.view(), &params) {
        // linfa writes 1 / (1 + exp(a x + b)).
        Ok((a, b)) => (-a as f32, -b as f32),
        Err(_) => base_rate,
    }
}
