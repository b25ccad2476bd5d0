//! Whether what must not be missed is found. Which labels that are is the caller's to say; the
//! code names none.

use std::{collections::BTreeSet, str::FromStr};

use fenzhen::domain::{Head, HeadKind};
use serde::{Deserialize, Serialize};

use crate::evaluation::{Answer, Error, JudgedHead};
use crate::metrics::share;

/// Labels of a head that must not be missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SafetyQuestion {
    /// The head.
    pub head: String,
    /// The labels; a text that has one of them is a safety text.
    pub labels: Vec<String>,
}

/// Whether the texts that must not be missed are found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SafetyReport {
    /// The labels that must not be missed.
    pub labels: Vec<String>,
    /// How many texts have one of them.
    pub n_safety: usize,
    /// How many have none.
    pub n_others: usize,
    /// The share of the others for which an alarm may be raised.
    pub false_alarms: f64,
    /// The share of safety texts found when alarms are raised for the most probable texts and
    /// that share is kept.
    pub recall: f64,
    /// The probability of a safety label from which alarms are raised then.
    pub threshold: f64,
    /// The share of safety texts for which the head chooses a safety label.
    pub recall_as_decided: f64,
    /// The share of the others for which it chooses one.
    pub false_alarms_as_decided: f64,
}

/// `HEAD=LABEL,LABEL…`
impl FromStr for SafetyQuestion {
    type Err = Error;

    fn from_str(argument: &str) -> Result<Self, Self::Err> {
        let wrong = || Error::SafetyArgument { argument: argument.to_owned() };
        let (head, labels) = argument.split_once('=').ok_or_else(wrong)?;
        let labels: Vec<String> = labels.split(',').map(|label| label.trim().to_owned()).collect();
        if head.is_empty() || labels.iter().any(String::is_empty) {
            return Err(wrong());
        }
        Ok(Self { head: head.to_owned(), labels })
    }
}

impl SafetyQuestion {
    /// Checks that the questions are about labels that these heads have, one question a head.
    pub(super) fn check(questions: &[Self], heads: &[JudgedHead]) -> Result<(), Error> {
        let mut mistakes = Vec::new();
        let mut asked = BTreeSet::new();
        for question in questions {
            if !asked.insert(&question.head) {
                mistakes.push(format!("head `{}` is named twice", question.head));
            }
            let mut heads = heads.iter().map(|judged| &judged.head);
            let Some(head) = heads.find(|head| head.id.as_str() == question.head) else {
                mistakes.push(format!("no head `{}` is judged", question.head));
                continue;
            };
            for label in question.labels.iter().filter(|label| head.label_idx(label).is_none()) {
                mistakes.push(format!("head `{}` has no label `{label}`", head.id));
            }
        }
        if mistakes.is_empty() { Ok(()) } else { Err(Error::Safety(mistakes)) }
    }
}

/// Answers with the most alarming first.
#[derive(Clone, Debug)]
pub(super) struct Alarms {
    rows: Vec<Row>,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    probability: f64,
    is_safety: bool,
    is_raised: bool,
    text_idx: usize,
}

/// What alarms amount to in a sample; shares of nothing are not numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) n_safety: f64,
    pub(super) n_others: f64,
    pub(super) recall: f64,
    pub(super) threshold: f64,
    pub(super) recall_as_decided: f64,
    pub(super) false_alarms_as_decided: f64,
}

impl Alarms {
    pub(super) fn new(head: &Head, answers: &[Answer], question: &SafetyQuestion) -> Self {
        let safety: Vec<usize> =
            question.labels.iter().filter_map(|label| head.label_idx(label)).collect();
        let row = |answer: &Answer| Row {
            probability: alarm_probability(head.kind, &answer.choice.probabilities, &safety),
            is_safety: answer.labels.iter().any(|label| safety.contains(label)),
            is_raised: answer.choice.chosen.iter().any(|label| safety.contains(label)),
            text_idx: answer.text_idx,
        };
        let mut rows: Vec<Row> = answers.iter().map(row).collect();
        rows.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        Self { rows }
    }

    /// Lowers the threshold as far as the share of false alarms allows.
    pub(super) fn find(&self, weights: &[u32], false_alarms: f64) -> Found {
        let count = |is_counted: fn(&Row) -> bool| {
            let rows = self.rows.iter().filter(|row| is_counted(row));
            let n: u64 = rows.map(|row| u64::from(weights[row.text_idx])).sum();
            n as f64
        };
        let n_safety = count(|row| row.is_safety);
        let n_others = count(|row| !row.is_safety);
        let (mut n_found, mut n_false, mut threshold) = (0.0, 0.0, 1.0);
        for ties in self.rows.chunk_by(|a, b| a.probability.total_cmp(&b.probability).is_eq()) {
            let weight = |row: &Row| f64::from(weights[row.text_idx]);
            n_false += ties.iter().filter(|row| !row.is_safety).map(weight).sum::<f64>();
            if false_alarms < share(n_false, n_others) {
                break;
            }
            n_found += ties.iter().filter(|row| row.is_safety).map(weight).sum::<f64>();
            threshold = ties[0].probability;
        }
        Found {
            n_safety,
            n_others,
            recall: n_found / n_safety,
            threshold,
            recall_as_decided: count(|row| row.is_safety && row.is_raised) / n_safety,
            false_alarms_as_decided: count(|row| !row.is_safety && row.is_raised) / n_others,
        }
    }
}

/// The probability that a text has one of these labels; those of a multi-label head are taken as
/// independent.
fn alarm_probability(kind: HeadKind, probabilities: &[f32], safety: &[usize]) -> f64 {
    let chosen = safety.iter().map(|&label| f64::from(probabilities[label]));
    match kind {
        HeadKind::MultiLabel => 1.0 - chosen.map(|p| 1.0 - p).product::<f64>(),
        HeadKind::MultiClass | HeadKind::Ordinal => chosen.sum(),
    }
}
