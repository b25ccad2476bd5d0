//! How well answers agree with labels. Texts without a label for a head do not count for it.

use std::collections::BTreeMap;

use fenzhen::domain::{Head, HeadKind};
use fenzhen::inference::Choice;
use serde::Serialize;

/// The bins of the expected calibration error.
const N_BINS: usize = 15;

/// How well one head does.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
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

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    right: usize,
    chosen: usize,
    labelled: usize,
}

impl Counts {
    fn report(self) -> LabelReport {
        let share = |of: usize| if of == 0 { 0.0 } else { self.right as f64 / of as f64 };
        LabelReport {
            precision: share(self.chosen),
            recall: share(self.labelled),
            f1: f1(self.right, self.chosen, self.labelled),
            n_texts: self.labelled,
        }
    }
}

/// Judges a head's answers.
pub fn report(head: &Head, choices: &[Choice], labels: &[Option<Vec<usize>>]) -> HeadReport {
    let pairs: Vec<(&Choice, &Vec<usize>)> = choices
        .iter()
        .zip(labels)
        .filter_map(|(choice, labels)| Some((choice, labels.as_ref()?)))
        .collect();
    let mut counts = vec![Counts::default(); head.labels.len()];
    let (mut n_right, mut n_covered, mut n_covered_right) = (0, 0, 0);
    for (choice, labels) in &pairs {
        for &label in *labels {
            counts[label].labelled += 1;
        }
        for &label in &choice.chosen {
            counts[label].chosen += 1;
            counts[label].right += usize::from(labels.contains(&label));
        }
        let is_right = choice.chosen.len() == labels.len()
            && choice.chosen.iter().all(|label| labels.contains(label));
        n_right += usize::from(is_right);
        n_covered += usize::from(!choice.abstains);
        n_covered_right += usize::from(is_right && !choice.abstains);
    }
    let share = |part: usize, of: usize| if of == 0 { 0.0 } else { part as f64 / of as f64 };
    HeadReport {
        n_texts: pairs.len(),
        accuracy: share(n_right, pairs.len()),
        macro_f1: macro_f1(&counts),
        micro_f1: (head.kind == HeadKind::MultiLabel).then(|| {
            let sum = |field: fn(&Counts) -> usize| counts.iter().map(field).sum();
            f1(sum(|c| c.right), sum(|c| c.chosen), sum(|c| c.labelled))
        }),
        quadratic_weighted_kappa: (head.kind == HeadKind::Ordinal)
            .then(|| kappa(head.labels.len(), pairs.iter().map(|(c, l)| (c.chosen[0], l[0])))),
        ece: calibration_error(head, &pairs),
        coverage: share(n_covered, pairs.len()),
        accuracy_when_covered: share(n_covered_right, n_covered),
        labels: (head.labels.iter().zip(&counts))
            .map(|(label, counts)| (label.id.to_string(), counts.report()))
            .collect(),
    }
}

/// The mean F1 over the labels that occur, from (choice, label) pairs of a single-label head.
pub fn single_label_macro_f1(n_labels: usize, pairs: impl Iterator<Item = (usize, usize)>) -> f64 {
    let mut counts = vec![Counts::default(); n_labels];
    for (chosen, label) in pairs {
        counts[chosen].chosen += 1;
        counts[label].labelled += 1;
        counts[label].right += usize::from(chosen == label);
    }
    macro_f1(&counts)
}

/// Quadratic-weighted kappa of (choice, label) pairs.
pub fn kappa(n_labels: usize, pairs: impl Iterator<Item = (usize, usize)>) -> f64 {
    let mut chosen = vec![0.0; n_labels];
    let mut labelled = vec![0.0; n_labels];
    let (mut n, mut observed) = (0.0, 0.0);
    let distance = |a: usize, b: usize| (a.abs_diff(b) as f64).powi(2);
    for (choice, label) in pairs {
        chosen[choice] += 1.0;
        labelled[label] += 1.0;
        observed += distance(choice, label);
        n += 1.0;
    }
    let mut expected = 0.0;
    for (choice, n_chosen) in chosen.iter().enumerate() {
        for (label, n_labelled) in labelled.iter().enumerate() {
            expected += distance(choice, label) * n_chosen * n_labelled / n;
        }
    }
    if expected == 0.0 { 1.0 } else { 1.0 - observed / expected }
}

fn macro_f1(counts: &[Counts]) -> f64 {
    let occurring = counts.iter().filter(|counts| 0 < counts.labelled);
    let n_occurring = occurring.clone().count().max(1);
    occurring.map(|c| f1(c.right, c.chosen, c.labelled)).sum::<f64>() / n_occurring as f64
}

fn f1(right: usize, chosen: usize, labelled: usize) -> f64 {
    if chosen + labelled == 0 { 0.0 } else { 2.0 * right as f64 / (chosen + labelled) as f64 }
}

/// Confidence is the probability of the chosen label, or of each label of a multi-label head.
fn calibration_error(head: &Head, pairs: &[(&Choice, &Vec<usize>)]) -> f64 {
    let mut bins = [(0.0, 0.0, 0.0); N_BINS];
    let mut n = 0.0;
    let mut add = |confidence: f32, is_right: bool| {
        let confidence = f64::from(confidence);
        let bin = &mut bins[((confidence * N_BINS as f64) as usize).min(N_BINS - 1)];
        *bin = (bin.0 + 1.0, bin.1 + confidence, bin.2 + f64::from(u8::from(is_right)));
        n += 1.0;
    };
    for (choice, labels) in pairs {
        if head.kind == HeadKind::MultiLabel {
            for (label, &p) in choice.probabilities.iter().enumerate() {
                add(p, labels.contains(&label));
            }
        } else {
            let chosen = choice.chosen[0];
            add(choice.probabilities[chosen], labels.contains(&chosen));
        }
    }
    let gaps =
        bins.iter().map(|(_, confidence, right): &(f64, f64, f64)| (confidence - right).abs());
    if n == 0.0 { 0.0 } else { gaps.sum::<f64>() / n }
}

#[cfg(test)]
mod tests {
    use fenzhen::domain::LabelDefinition;

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
