//! Counts answers against labels, each with a weight, so that a resample is measured by the same
//! code as the texts themselves.

use fenzhen::domain::{Head, HeadKind};
use fenzhen::inference::Choice;

use crate::metrics::{HeadReport, LabelReport};

/// The bins of the expected calibration error.
pub const N_BINS: usize = 15;

/// What a head's answers amount to.
#[derive(Clone, Debug)]
pub struct Tally {
    kind: HeadKind,
    n_texts: f64,
    n_right: f64,
    n_covered: f64,
    n_covered_right: f64,
    counts: Vec<Counts>,
    confusion: Vec<f64>,
    bins: [Bin; N_BINS],
}

/// How often a label was rightly chosen, chosen and right.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Texts that have it and for which it was chosen.
    pub right: f64,
    /// Texts for which it was chosen.
    pub chosen: f64,
    /// Texts that have it.
    pub labelled: f64,
}

/// Answers of about the same confidence.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bin {
    /// How many there are.
    pub n: f64,
    /// The sum of their confidences.
    pub confidence: f64,
    /// How many are right.
    pub right: f64,
}

impl Counts {
    /// The harmonic mean of precision and recall.
    pub fn f1(self) -> f64 {
        share(2.0 * self.right, self.chosen + self.labelled)
    }

    fn report(self) -> LabelReport {
        LabelReport {
            precision: share(self.right, self.chosen),
            recall: share(self.right, self.labelled),
            f1: self.f1(),
            n_texts: self.labelled as usize,
        }
    }
}

impl Tally {
    /// Nothing counted yet.
    pub fn new(head: &Head) -> Self {
        let n_labels = head.labels.len();
        let n_cells = if head.kind == HeadKind::MultiLabel { 0 } else { n_labels * n_labels };
        Self {
            kind: head.kind,
            n_texts: 0.0,
            n_right: 0.0,
            n_covered: 0.0,
            n_covered_right: 0.0,
            counts: vec![Counts::default(); n_labels],
            confusion: vec![0.0; n_cells],
            bins: [Bin::default(); N_BINS],
        }
    }

    /// Counts an answer as many times as it weighs.
    pub fn add(&mut self, choice: &Choice, labels: &[usize], weight: f64) {
        for &label in labels {
            self.counts[label].labelled += weight;
        }
        for &label in &choice.chosen {
            self.counts[label].chosen += weight;
            if labels.contains(&label) {
                self.counts[label].right += weight;
            }
        }
        let right = if is_right(choice, labels) { weight } else { 0.0 };
        self.n_texts += weight;
        self.n_right += right;
        if !choice.abstains {
            self.n_covered += weight;
            self.n_covered_right += right;
        }
        if self.kind == HeadKind::MultiLabel {
            for (label, &confidence) in choice.probabilities.iter().enumerate() {
                self.add_confidence(confidence, labels.contains(&label), weight);
            }
        } else {
            let (chosen, label) = (choice.chosen[0], labels[0]);
            self.confusion[label * self.counts.len() + chosen] += weight;
            self.add_confidence(choice.probabilities[chosen], chosen == label, weight);
        }
    }

    /// Confidence is the probability of the chosen label, or of each label of a multi-label head.
    fn add_confidence(&mut self, confidence: f32, is_right: bool, weight: f64) {
        let confidence = f64::from(confidence);
        let bin = &mut self.bins[((confidence * N_BINS as f64) as usize).min(N_BINS - 1)];
        bin.n += weight;
        bin.confidence += confidence * weight;
        bin.right += if is_right { weight } else { 0.0 };
    }

    /// The share of texts whose labels are all right.
    pub fn accuracy(&self) -> f64 {
        share(self.n_right, self.n_texts)
    }

    /// The mean F1 of the labels that occur.
    pub fn macro_f1(&self) -> f64 {
        macro_f1(&self.counts)
    }

    /// The F1 over all labels of all texts, for multi-label heads.
    pub fn micro_f1(&self) -> Option<f64> {
        let sum = |field: fn(&Counts) -> f64| self.counts.iter().map(field).sum::<f64>();
        let chosen_and_labelled = sum(|counts| counts.chosen) + sum(|counts| counts.labelled);
        (self.kind == HeadKind::MultiLabel)
            .then(|| share(2.0 * sum(|counts| counts.right), chosen_and_labelled))
    }

    /// Agreement that forgives neighbors, for ordinal heads (Cohen 1968).
    pub fn quadratic_weighted_kappa(&self) -> Option<f64> {
        (self.kind == HeadKind::Ordinal).then(|| weighted_kappa(self.counts.len(), &self.confusion))
    }

    /// Expected calibration error (Naeini et al. 2015).
    pub fn ece(&self) -> f64 {
        let n: f64 = self.bins.iter().map(|bin| bin.n).sum();
        share(self.bins.iter().map(|bin| (bin.confidence - bin.right).abs()).sum(), n)
    }

    /// The share of texts that the head does not abstain on.
    pub fn coverage(&self) -> f64 {
        share(self.n_covered, self.n_texts)
    }

    /// The accuracy on those.
    pub fn accuracy_when_covered(&self) -> f64 {
        share(self.n_covered_right, self.n_covered)
    }

    /// How many texts were counted.
    pub const fn n_texts(&self) -> f64 {
        self.n_texts
    }

    /// The counts label by label.
    pub fn counts(&self) -> &[Counts] {
        &self.counts
    }

    /// Texts by label (rows) and choice (columns), row after row; empty for multi-label heads.
    pub fn confusion(&self) -> &[f64] {
        &self.confusion
    }

    /// The answers by confidence.
    pub const fn bins(&self) -> &[Bin; N_BINS] {
        &self.bins
    }

    /// Everything as figures.
    pub fn report(&self, head: &Head) -> HeadReport {
        HeadReport {
            n_texts: self.n_texts as usize,
            accuracy: self.accuracy(),
            macro_f1: self.macro_f1(),
            micro_f1: self.micro_f1(),
            quadratic_weighted_kappa: self.quadratic_weighted_kappa(),
            ece: self.ece(),
            coverage: self.coverage(),
            accuracy_when_covered: self.accuracy_when_covered(),
            labels: (head.labels.iter().zip(&self.counts))
                .map(|(label, counts)| (label.id.to_string(), counts.report()))
                .collect(),
        }
    }
}

/// The mean F1 of the labels that occur.
pub(super) fn macro_f1(counts: &[Counts]) -> f64 {
    let occurring = counts.iter().filter(|counts| 0.0 < counts.labelled);
    let n_occurring = occurring.clone().count() as f64;
    share(occurring.map(|counts| counts.f1()).sum(), n_occurring)
}

/// Whether the chosen labels are the right ones, all of them and no others.
pub fn is_right(choice: &Choice, labels: &[usize]) -> bool {
    choice.chosen.len() == labels.len() && choice.chosen.iter().all(|label| labels.contains(label))
}

/// Quadratic-weighted kappa of a confusion matrix, one where nothing can be confused.
pub(super) fn weighted_kappa(n_labels: usize, confusion: &[f64]) -> f64 {
    let mut chosen = vec![0.0; n_labels];
    let mut labelled = vec![0.0; n_labels];
    let (mut n, mut observed) = (0.0, 0.0);
    let distance = |a: usize, b: usize| (a.abs_diff(b) as f64).powi(2);
    for (label, row) in confusion.chunks_exact(n_labels).enumerate() {
        for (choice, count) in row.iter().enumerate() {
            chosen[choice] += count;
            labelled[label] += count;
            observed += distance(choice, label) * count;
            n += count;
        }
    }
    let mut expected = 0.0;
    for (choice, n_chosen) in chosen.iter().enumerate() {
        for (label, n_labelled) in labelled.iter().enumerate() {
            expected += distance(choice, label) * share(n_chosen * n_labelled, n);
        }
    }
    // Rounding may go an ulp beyond the least that there is.
    if expected == 0.0 { 1.0 } else { (1.0 - observed / expected).max(-1.0) }
}

/// A part of a whole, zero where there is nothing.
pub(crate) fn share(part: f64, of: f64) -> f64 {
    if of == 0.0 { 0.0 } else { part / of }
}
