//! The linear classifier against what it must compute, on a small model made by hand.

use std::{collections::BTreeMap, sync::LazyLock};

use proptest::prelude::*;

use super::*;
use crate::domain::{Head, HeadKind, LabelDefinition, TaxonomySource};
use crate::registry::{
    Calibration, Digest, FORMAT, FeatureSource, HeadDecision, Lineage, Manifest,
};
use crate::text::Analyzer;

/// Reading the dictionary takes longer than all tests together.
pub(super) static ANALYZER: LazyLock<Analyzer> = LazyLock::new(Analyzer::default);

const FEATURES: FeatureSource = FeatureSource { char_ngrams: (1, 2), words: true, facts: false };

fn head(id: &str, kind: HeadKind, labels: &[&str]) -> Head {
    let label = |id: &&str| LabelDefinition { id: id.parse().unwrap(), name: (*id).to_owned() };
    Head {
        id: id.parse().unwrap(),
        name: id.to_owned(),
        kind,
        labels: labels.iter().map(label).collect(),
    }
}

pub(super) fn manifest() -> Manifest {
    let heads = vec![
        head("category", HeadKind::MultiClass, &["logistics", "other"]),
        head("severity", HeadKind::Ordinal, &["low", "normal", "high"]),
        head("signals", HeadKind::MultiLabel, &["injury"]),
    ];
    let calibrations = [
        Calibration::Softmax {
            weights: vec![vec![2.0, 0.0], vec![0.0, 2.0]],
            biases: vec![0.0; 2],
            preferences: vec![1.0; 2],
        },
        Calibration::Ranked {
            weights: vec![vec![-4.0, 0.0], vec![0.0, -4.0], vec![0.0, 4.0]],
            biases: vec![0.0; 3],
            cuts: vec![0.7, 1.3],
            highest_from: None,
        },
        Calibration::Sigmoid { slopes: vec![4.0], intercepts: vec![0.0], thresholds: vec![0.5] },
    ];
    let decisions = heads.iter().zip(calibrations).map(|(head, calibration)| {
        (head.id.to_string(), HeadDecision { calibration, abstain_below: 0.6 })
    });
    Manifest {
        format: FORMAT,
        name: "small".to_owned(),
        kind: Kind::Linear,
        created_at: jiff::Timestamp::UNIX_EPOCH,
        lineage: Lineage {
            tool: "test".to_owned(),
            recipe: "test".to_owned(),
            recipe_sha256: Digest::of(b""),
            seed: 0,
            parent: None,
            data: Vec::new(),
            unlabelled: Vec::new(),
            teachers: Vec::new(),
        },
        features: FEATURES,
        decisions: decisions.collect::<BTreeMap<_, _>>(),
        taxonomy: Taxonomy::try_from(TaxonomySource { heads }).unwrap(),
        blend: None,
        metrics: BTreeMap::new(),
        files: Vec::new(),
    }
}

/// Weights that give every feature of these texts one row: logistics and severity for the first,
/// injury and severity for the second.
pub(super) fn weights() -> LinearWeights {
    let mut rows = BTreeMap::new();
    for (text, row) in [("快递", [100, -100, 20, -60, -100]), ("烫伤", [-20, 20, 100, 100, 127])]
    {
        let mut features = Vec::new();
        Features::new(FEATURES).extract(&ANALYZER.analyze(text), &mut features);
        rows.extend(features.into_iter().map(|feature| (feature.hash, row)));
    }
    LinearWeights {
        idf: vec![1.0; rows.len()],
        hashes: rows.keys().copied().collect(),
        matrix: rows.into_values().flatten().collect(),
        scales: vec![0.01; 5],
        biases: vec![0.0, 0.1, 0.0, -0.1, -0.3],
    }
}

fn check(text: &str, inspect: impl Fn(&Prediction)) {
    let classifier = LinearClassifier::new(&manifest(), weights()).unwrap();
    inspect(&classifier.classify(&ANALYZER.analyze(text)));
}

fn chosen(prediction: &Prediction, head: &str) -> Vec<String> {
    let (head, answer) = prediction.find_head(head).unwrap();
    answer.chosen.iter().map(|&label| head.labels[label].id.to_string()).collect()
}

#[test]
fn each_head_answers_in_its_own_way() {
    check("快递太慢", |prediction| {
        assert_eq!(chosen(prediction, "category"), ["logistics"]);
        assert_eq!(chosen(prediction, "severity"), ["normal"]);
        assert!(chosen(prediction, "signals").is_empty());
    });
    check("被烫伤", |prediction| {
        assert_eq!(chosen(prediction, "severity"), ["high"]);
        assert_eq!(chosen(prediction, "signals"), ["injury"]);
    });
}

#[test]
fn the_highest_label_is_chosen_from_a_probability_of_its_own() {
    let decide_from = |highest_from| {
        let calibration = Calibration::Ranked {
            weights: vec![vec![-1.0], vec![0.0]],
            biases: vec![0.0; 2],
            cuts: vec![0.9],
            highest_from,
        };
        // Of which the highest has a probability of .73.
        decide(&HeadDecision { calibration, abstain_below: 0.6 }, &[1.0])
    };
    assert_eq!(decide_from(None).chosen, [0]);
    assert_eq!(decide_from(Some(0.8)).chosen, [0]);
    let raised = decide_from(Some(0.7));
    assert_eq!((raised.chosen.as_slice(), raised.abstains), ([1].as_slice(), false));
}

#[test]
fn a_text_without_known_features_gets_the_biases_and_abstains() {
    check("xyz", |prediction| {
        let (_, answer) = prediction.find_head("category").unwrap();
        let expected = 1.0 / (1.0 + (-0.2_f32).exp());
        assert!((answer.probabilities[1] - expected).abs() < 1e-6, "{answer:?}");
        assert!(answer.abstains);
        assert!(answer.evidence.is_empty());
    });
}

#[test]
fn evidence_is_whole_words_of_the_original_text() {
    let text = "昨天１，快递 员让我被烫伤了";
    check(text, |prediction| {
        let (_, answer) = prediction.find_head("signals").unwrap();
        let places: Vec<&str> = answer.evidence.iter().map(|e| e.span.slice(text)).collect();
        assert_eq!(places, ["烫伤"]);
        assert!(answer.evidence.iter().all(|evidence| 0.0 < evidence.weight));
    });
}

#[test]
fn scores_are_the_exact_sums_of_weights_and_values() {
    let (manifest, weights) = (manifest(), weights());
    let classifier = LinearClassifier::new(&manifest, weights.clone()).unwrap();
    let mut features = Vec::new();
    Features::new(FEATURES).extract(&ANALYZER.analyze("快递快递烫伤"), &mut features);
    let vector = Vocabulary::new(&weights.hashes, &weights.idf).vectorize(&features);
    let length: f32 = vector.entries.iter().map(|entry| entry.value * entry.value).sum();
    assert!((length - 1.0).abs() < 1e-5, "{length}");
    for (output, score) in classifier.scores(&vector).into_iter().enumerate() {
        let products = vector.entries.iter().map(|entry| {
            entry.value
                * f32::from(weights.matrix[entry.row as usize * 5 + output])
                * weights.scales[output]
        });
        let expected = products.sum::<f32>() + weights.biases[output];
        assert!((score - expected).abs() < 1e-4, "{score} {expected}");
    }
}

#[test]
fn weights_survive_their_file_and_wrong_ones_are_refused() {
    let weights = weights();
    assert_eq!(LinearWeights::from_bytes(&weights.to_bytes()).unwrap(), weights);
    assert!(matches!(LinearWeights::from_bytes(b"no"), Err(Error::Format(_))));
    let mut short = weights.clone();
    short.matrix.pop();
    let error = LinearClassifier::new(&manifest(), short).unwrap_err().to_string();
    assert!(error.starts_with("tensor `weights` has"), "{error}");
    let mut wild = weights;
    wild.scales[0] = f32::NAN;
    let error = LinearClassifier::new(&manifest(), wild).unwrap_err().to_string();
    assert_eq!(error, "tensor `scales` has a value that is no number");
}

proptest! {
    #[test]
    fn any_text_gets_distributions_and_spans_on_character_boundaries(text in "\\PC{1,60}|[快递烫伤 a！]{1,40}") {
        let classifier = LinearClassifier::new(&manifest(), weights()).unwrap();
        let prediction = classifier.classify(&ANALYZER.analyze(&text));
        for (head, answer) in prediction.heads() {
            if head.kind != HeadKind::MultiLabel {
                prop_assert!((answer.probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            }
            for evidence in &answer.evidence {
                prop_assert!(!evidence.span.slice(&text).is_empty());
                prop_assert!(answer.chosen.contains(&evidence.label_idx));
            }
        }
    }

    #[test]
    fn the_vocabulary_finds_what_it_was_given(hashes in prop::collection::hash_set(any::<u64>(), 1..300)) {
        let hashes: Vec<u64> = hashes.into_iter().collect();
        let vocabulary = Vocabulary::new(&hashes, &vec![1.0; hashes.len()]);
        for (row, &hash) in (0..).zip(&hashes) {
            prop_assert_eq!(vocabulary.find(hash), Some(row));
        }
    }
}
