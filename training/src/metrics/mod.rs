//! How well answers agree with labels. Texts without a label for a head do not count for it.

mod tally;

use std::collections::BTreeMap;

use fenzhen::domain::Head;
use fenzhen::inference::Choice;
use serde::{Deserialize, Serialize};

use crate::metrics::tally::macro_f1;

pub(crate) use tally::share;
pub use tally::{Bin, Counts, N_BINS, Tally, is_right};

/// How well one head does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeadReport {
    /// How many labelled texts there were.
    pub n_texts: usize,
    /// The share of texts whose labels are all right.
    pub accuracy: f64,
    /// The mean F1 of the labels that occur in the data.
    pub macro_f1: f64,
    /// The F1 over all labels of all texts, for multi-label heads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub micro_f1: Option<f64>,
    /// Agreement that forgives neighbors, for ordinal heads (Cohen 1968).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quadratic_weighted_kappa: Option<f64>,
    /// Expected calibration error (Naeini et al. 2015).
    pub ece: f64,
    /// The share of texts that the head does not abstain on.
    pub coverage: f64,
    /// The accuracy on those.
    pub accuracy_when_covered: f64,
    /// Label by label.
    pub labels: BTreeMap<String, LabelReport>,
}

/// How well one label does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelReport {
    /// The share of its choices that are right.
    pub precision: f64,
    /// The share of its texts that are found.
    pub recall: f64,
    /// The harmonic mean of the two.
    pub f1: f64,
    /// How many texts have it.
    pub n_texts: usize,
}

/// Judges a head's answers.
pub fn report(head: &Head, choices: &[Choice], labels: &[Option<Vec<usize>>]) -> HeadReport {
    let mut tally = Tally::new(head);
    for (choice, labels) in choices.iter().zip(labels) {
        if let Some(labels) = labels {
            tally.add(choice, labels, 1.0);
        }
    }
    tally.report(head)
}

/// The mean F1 over the labels that occur, from (choice, label) pairs of a single-label head.
pub fn single_label_macro_f1(n_labels: usize, pairs: impl Iterator<Item = (usize, usize)>) -> f64 {
    let mut counts = vec![Counts::default(); n_labels];
    for (chosen, label) in pairs {
        counts[chosen].chosen += 1.0;
        counts[label].labelled += 1.0;
        counts[label].right += if chosen == label { 1.0 } else { 0.0 };
    }
    macro_f1(&counts)
}

/// Quadratic-weighted kappa of (choice, label) pairs.
pub fn kappa(n_labels: usize, pairs: impl Iterator<Item = (usize, usize)>) -> f64 {
    let mut confusion = vec![0.0; n_labels * n_labels];
    for (choice, label) in pairs {
        confusion[label * n_labels + choice] += 1.0;
    }
    tally::weighted_kappa(n_labels, &confusion)
}

#[cfg(test)]
mod tests {
    use fenzhen::domain::{HeadKind, LabelDefinition};

    use super::*;

    fn head(kind: HeadKind, n_labels: usize) -> Head {
        let label = |n: usize| LabelDefinition {
            id: format!("l{n}").parse().unwrap(),
            name: format!("l{n}"),
        };
        Head {
            id: "h".parse().unwrap(),
            name: "h".to_owned(),
            kind,
            labels: (0..n_labels).map(label).collect(),
        }
    }

    fn sure(label: usize, n_labels: usize) -> Choice {
        let mut probabilities = vec![0.0; n_labels];
        probabilities[label] = 1.0;
        Choice { probabilities, chosen: vec![label], abstains: false }
    }

    #[test]
    fn macro_f1_is_over_the_labels_that_occur() {
        let choices = [sure(0, 3), sure(0, 3), sure(1, 3)];
        let labels = [Some(vec![0]), Some(vec![1]), Some(vec![1])];
        let report = report(&head(HeadKind::MultiClass, 3), &choices, &labels);
        assert!((report.macro_f1 - 2.0 / 3.0).abs() < 1e-9, "{report:?}");
        assert!((report.accuracy - 2.0 / 3.0).abs() < 1e-9);
        assert!((report.ece - 1.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn kappa_agrees_with_a_reference_and_forgives_neighbors() {
        // sklearn.metrics.cohen_kappa_score([0,1,2,3,2], [0,1,2,2,3], weights="quadratic")
        let near = [(0, 0), (1, 1), (2, 2), (2, 3), (3, 2)];
        assert!((kappa(4, near.into_iter()) - 0.807_692_307_692_307_7).abs() < 1e-9);
        let far = [(0, 0), (1, 1), (2, 2), (0, 3), (3, 0)];
        assert!(kappa(4, far.into_iter()) < 0.0);
    }

    #[test]
    fn texts_without_labels_do_not_count() {
        let choices = [sure(0, 2), sure(0, 2), sure(1, 2)];
        let labels = [Some(vec![0]), None, Some(vec![1])];
        let report = report(&head(HeadKind::Ordinal, 2), &choices, &labels);
        assert_eq!(report.n_texts, 2);
        assert!((report.accuracy - 1.0).abs() < 1e-9);
        assert_eq!(report.quadratic_weighted_kappa, Some(1.0));
    }
}
