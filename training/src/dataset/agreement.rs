//! How well two annotators agree, beyond what chance would bring.

use std::collections::{BTreeMap, BTreeSet};

use fenzhen::domain::HeadKind;
use serde::Serialize;

use crate::dataset::{Cell, Error, HeadColumn, Mistakes};

/// How well two annotators agree on a head.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// How many texts both labelled.
    pub n_texts: usize,
    /// The share of texts with the same labels.
    pub accuracy: f64,
    /// Cohen's kappa (Cohen 1960); of several labels per text only label by label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kappa: Option<f64>,
    /// Kappa that forgives neighbors, for ordinal heads (Cohen 1968).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quadratic_weighted_kappa: Option<f64>,
    /// The mean F1 of the labels, one annotator taken as the truth for the other; it is the same
    /// either way.
    pub macro_f1: f64,
    /// Label by label, present or absent.
    pub labels: BTreeMap<String, LabelAgreement>,
}

/// How well two annotators agree on where a label is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LabelAgreement {
    /// Texts to which the first gave it.
    pub n_first: usize,
    /// Texts to which the second gave it.
    pub n_second: usize,
    /// Texts to which both gave it.
    pub n_both: usize,
    /// Twice those to which both gave it, by those to which either did, counted twice where both.
    pub f1: f64,
    /// Cohen's kappa of present against absent.
    pub kappa: f64,
}

/// Compares the cells of two annotators, text by text. A head without a stated kind is multi-label
/// when a text has several labels, and its empty cells then say that there are none.
pub fn agreement(head: &HeadColumn, pairs: &[(&Cell, &Cell)]) -> Result<Agreement, Error> {
    let is_several = |cell: &Cell| matches!(cell, Cell::Labels(labels) if 1 < labels.len());
    let several = pairs.iter().any(|(a, b)| is_several(a) || is_several(b));
    let inferred = if several { HeadKind::MultiLabel } else { HeadKind::MultiClass };
    let kind = head.kind.unwrap_or(inferred);
    let is_multi_label = kind == HeadKind::MultiLabel;
    let sets: Vec<(BTreeSet<&str>, BTreeSet<&str>)> = pairs
        .iter()
        .map(|(a, b)| (set(a), set(b)))
        .filter(|(a, b)| is_multi_label || (!a.is_empty() && !b.is_empty()))
        .collect();
    let found: BTreeSet<&str> = sets.iter().flat_map(|(a, b)| a.union(b)).copied().collect();
    let labels: Vec<&str> = match head.labels.as_slice() {
        [] => found.iter().copied().collect(),
        stated => stated.iter().map(fenzhen::domain::LabelId::as_str).collect(),
    };
    check(head, kind, &found, &labels, sets.len())?;
    let by_label: BTreeMap<String, LabelAgreement> =
        labels.iter().map(|&label| ((*label).to_owned(), label_agreement(label, &sets))).collect();
    let position = |set: &BTreeSet<&str>| {
        let label = set.first().copied().unwrap_or_default();
        labels.iter().position(|known| *known == label).unwrap_or(0)
    };
    let ranks: Vec<(usize, usize)> = sets.iter().map(|(a, b)| (position(a), position(b))).collect();
    let n_same = sets.iter().filter(|(a, b)| a == b).count();
    let used = by_label.values().filter(|label| 0 < label.n_first + label.n_second);
    let n_used = used.clone().count().max(1);
    let step = |a: usize, b: usize| if a == b { 0.0 } else { 1.0 };
    let square = |a: usize, b: usize| (a.abs_diff(b) as f64).powi(2);
    let weighted =
        |distance: &dyn Fn(usize, usize) -> f64| weighted_kappa(labels.len(), &ranks, distance);
    Ok(Agreement {
        n_texts: sets.len(),
        accuracy: n_same as f64 / sets.len().max(1) as f64,
        kappa: (!is_multi_label).then(|| weighted(&step)),
        quadratic_weighted_kappa: (kind == HeadKind::Ordinal).then(|| weighted(&square)),
        macro_f1: used.map(|label| label.f1).sum::<f64>() / n_used as f64,
        labels: by_label,
    })
}

fn check(
    head: &HeadColumn,
    kind: HeadKind,
    found: &BTreeSet<&str>,
    labels: &[&str],
    n_texts: usize,
) -> Result<(), Error> {
    let mut mistakes = Mistakes::default();
    if n_texts == 0 {
        mistakes.add(
            format!("no text has labels of both annotators for head `{}`", head.id),
            "check the names of the columns, and the key that joins two files",
        );
    }
    if !head.labels.is_empty()
        && let Some(unknown) = found.iter().find(|label| !labels.contains(label))
    {
        mistakes.add(
            format!("head `{}` has no label `{unknown}`", head.id),
            "list all labels, as in `--head severity=severity:ordinal:low,normal,high`",
        );
    }
    if kind != HeadKind::MultiLabel && labels.len() < 2 && 0 < n_texts {
        mistakes.add(
            format!("both annotators gave one and the same label for head `{}`", head.id),
            "kappa says nothing there; leave the head out",
        );
    }
    mistakes.check()
}

fn set(cell: &Cell) -> BTreeSet<&str> {
    match cell {
        Cell::Empty => BTreeSet::new(),
        Cell::Labels(labels) => labels.iter().map(String::as_str).collect(),
    }
}

fn label_agreement(label: &str, sets: &[(BTreeSet<&str>, BTreeSet<&str>)]) -> LabelAgreement {
    let given: Vec<(usize, usize)> = sets
        .iter()
        .map(|(a, b)| (usize::from(a.contains(label)), usize::from(b.contains(label))))
        .collect();
    let (n_first, n_second) = given.iter().fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
    let n_both = given.iter().filter(|it| **it == (1, 1)).count();
    let f1 = 2.0 * n_both as f64 / (n_first + n_second).max(1) as f64;
    let step = |a: usize, b: usize| if a == b { 0.0 } else { 1.0 };
    LabelAgreement { n_first, n_second, n_both, f1, kappa: weighted_kappa(2, &given, &step) }
}

/// One minus observed by expected disagreement; 1 where nothing could disagree.
fn weighted_kappa(
    n_labels: usize,
    pairs: &[(usize, usize)],
    distance: &dyn Fn(usize, usize) -> f64,
) -> f64 {
    let (mut first, mut second) = (vec![0.0; n_labels], vec![0.0; n_labels]);
    let mut observed = 0.0;
    for &(a, b) in pairs {
        first[a] += 1.0;
        second[b] += 1.0;
        observed += distance(a, b);
    }
    let mut expected = 0.0;
    for (a, n_first) in first.iter().enumerate() {
        for (b, n_second) in second.iter().enumerate() {
            expected += distance(a, b) * n_first * n_second / pairs.len().max(1) as f64;
        }
    }
    if expected == 0.0 { 1.0 } else { 1.0 - observed / expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(labels: &[&str]) -> Vec<Cell> {
        let cell = |labels: &&str| match labels.split('|').collect::<Vec<_>>().as_slice() {
            [""] => Cell::Empty,
            labels => Cell::Labels(labels.iter().map(|it| (*it).to_owned()).collect()),
        };
        labels.iter().map(cell).collect()
    }

    fn check(head: &str, first: &[&str], second: &[&str]) -> Result<Agreement, Error> {
        let (first, second) = (cells(first), cells(second));
        let pairs: Vec<_> = first.iter().zip(&second).collect();
        agreement(&head.parse().unwrap(), &pairs)
    }

    /// scikit-learn's `cohen_kappa_score` of the same lists, plain and with quadratic weights.
    #[test]
    fn kappa_agrees_with_a_reference() {
        let first = ["low", "mid", "high", "mid", "low", "high", "low", ""];
        let second = ["low", "mid", "mid", "mid", "mid", "high", "high", "low"];
        let found = check("h=h:ordinal:low,mid,high", &first, &second).unwrap();
        assert_eq!(found.n_texts, 7, "a text that one left out does not count");
        assert!((found.accuracy - 4.0 / 7.0).abs() < 1e-9);
        assert!((found.kappa.unwrap() - 0.382_352_941_176_470_5).abs() < 1e-9, "{found:?}");
        let quadratic = found.quadratic_weighted_kappa.unwrap();
        assert!((quadratic - 0.275_862_068_965_517_1).abs() < 1e-9, "{quadratic}");
    }

    #[test]
    fn several_labels_are_compared_one_by_one() {
        let found = check("h", &["a|b", "", "a", ""], &["a", "", "a|b", "b"]).unwrap();
        assert_eq!((found.kappa, found.accuracy), (None, 0.25));
        let (a, b) = (found.labels["a"], found.labels["b"]);
        assert!((a.f1 - 1.0).abs() < 1e-9 && (a.kappa - 1.0).abs() < 1e-9);
        assert!(b.f1.abs() < 1e-9 && b.kappa < 0.0, "{b:?}");
    }

    #[test]
    fn what_cannot_be_compared_is_said() {
        assert!(check("h", &["a"], &[""]).unwrap_err().to_string().contains("no text has labels"));
        let error = check("h=h:ordinal:a,b", &["a", "c"], &["a", "b"]).unwrap_err().to_string();
        assert!(error.contains("has no label `c`"), "{error}");
    }
}
