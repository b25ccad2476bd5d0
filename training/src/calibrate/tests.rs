//! Calibration recovers what made the scores.

use fenzhen::domain::LabelDefinition;
use fenzhen::registry::Calibration;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

fn head(kind: HeadKind, n_labels: usize) -> Head {
    let label = |n: usize| {
        let name = format!("l{n}");
        LabelDefinition { id: name.parse().unwrap(), name }
    };
    Head {
        id: "h".parse().unwrap(),
        name: "h".to_owned(),
        kind,
        labels: (0..n_labels).map(label).collect(),
    }
}

#[test]
fn the_temperature_of_a_multi_class_head_is_found() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let (mut scores, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..5_000 {
        let row: Vec<f32> = (0..3).map(|_| random.random_range(-1.0..1.0)).collect();
        let weights: Vec<f32> = row.iter().map(|score| (score * 4.0).exp()).collect();
        let mut left = random.random_range(0.0..weights.iter().sum());
        let label = weights.iter().position(|weight| {
            left -= weight;
            left < 0.0
        });
        scores.push(row);
        labels.push(Some(vec![label.unwrap_or(2)]));
    }
    let decision =
        fit(&head(HeadKind::MultiClass, 3), HeldOut { scores: &scores, labels: &labels }, 0.1);
    let Calibration::Softmax { weights, biases, .. } = decision.calibration else {
        panic!("a multi-class head has a softmax")
    };
    // Only differences between labels matter: each score counts four times for its own label.
    for label in 0..3 {
        let other = (label + 1) % 3;
        let slope = weights[label][label] - weights[other][label];
        assert!((3.6..4.4).contains(&slope), "{weights:?}");
        assert!((biases[label] - biases[other]).abs() < 0.2, "{biases:?}");
    }
}

#[test]
fn an_ordinal_head_finds_slopes_and_ordered_cuts() {
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let (mut scores, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..3_000 {
        let place: f32 = random.random_range(0.0..3.0);
        let label = (place + random.random_range(-0.3..0.3)).clamp(0.0, 2.99) as usize;
        scores.push(vec![place - 1.0, place - 2.0]);
        labels.push(Some(vec![label]));
    }
    let decision =
        fit(&head(HeadKind::Ordinal, 3), HeldOut { scores: &scores, labels: &labels }, 0.1);
    let Calibration::Ranked { weights, cuts, .. } = decision.calibration else {
        panic!("an ordinal head has thresholds")
    };
    assert!(weights[0][0] < weights[1][0] && weights[1][1] < weights[2][1], "{weights:?}");
    assert!(cuts.is_sorted(), "{cuts:?}");
}

/// What is chosen for texts in the middle of three places, of which one in so many is of the highest
/// rank and the others of the middle one.
fn choose_in_the_middle(one_in: usize) -> Vec<usize> {
    let label = |n: usize| match n % 3 {
        1 if (n / 3).is_multiple_of(one_in) => 2,
        rank => rank,
    };
    let row = |n: usize| {
        let place = (n % 3) as f32 * 4.0 - 4.0;
        vec![place + 2.0, place - 2.0]
    };
    let (scores, labels): (Vec<_>, Vec<_>) =
        (0..1200).map(|n| (row(n), Some(vec![label(n)]))).unzip();
    let held_out = HeldOut { scores: &scores, labels: &labels };
    let decision = fit(&head(HeadKind::Ordinal, 3), held_out, 0.1);
    decide(&decision, &row(1)).chosen
}

#[test]
fn the_highest_rank_is_rather_given_than_missed() {
    assert_eq!(choose_in_the_middle(4), [2], "one in four is worth looking at all of them");
    assert_eq!(choose_in_the_middle(40), [1], "one in forty is not");
}

#[test]
fn a_label_without_examples_is_never_chosen() {
    let scores = vec![vec![0.3, -0.2]; 50];
    let mut labels = vec![Some(vec![]); 50];
    labels[0] = Some(vec![0]);
    let held_out = HeldOut { scores: &scores, labels: &labels };
    let decision = fit(&head(HeadKind::MultiLabel, 2), held_out, 0.1);
    assert_eq!(decide(&decision, &scores[1]).chosen, Vec::<usize>::new());
}

#[test]
fn a_signal_is_rather_raised_than_missed() {
    // Every threshold between the two groups tells them apart.
    let scores: Vec<Vec<f32>> = (0..200).map(|n| vec![(n % 2) as f32 * 8.0 - 4.0]).collect();
    let labels: Vec<Option<Vec<usize>>> =
        (0..200).map(|n| Some(if n % 2 == 1 { vec![0] } else { vec![] })).collect();
    let held_out = HeldOut { scores: &scores, labels: &labels };
    let decision = fit(&head(HeadKind::MultiLabel, 1), held_out, 0.1);
    let Calibration::Sigmoid { thresholds, .. } = &decision.calibration else {
        panic!("a multi-label head has thresholds")
    };
    assert!((thresholds[0] - 0.15).abs() < 1e-6, "{thresholds:?}");
}
