//! Two models on the same texts. Everything is paired: what both find hard cancels out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use fenzhen::domain::{Head, HeadKind};
use serde::{Deserialize, Serialize};

use crate::evaluation::mcnemar::holm;
use crate::evaluation::sheet::Sheet;
use crate::evaluation::{Answer, Error, Interval, Judged, JudgedHead, McNemar, Measure, Settings};

/// Differences that chance makes less often than this are called differences.
const LEVEL: f64 = 0.05;

/// The measures that decide which model is better; the others are told beside them.
const DECISIVE: [Measure; 2] = [Measure::Accuracy, Measure::MacroF1];

/// Two models on the same texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The version of the first model.
    pub a: String,
    /// The version of the second model.
    pub b: String,
    /// How many texts there were.
    pub n_texts: usize,
    /// How many resamples the intervals are made from.
    pub n_resamples: usize,
    /// The seed of the resamples.
    pub seed: u64,
    /// The heads that both have, with the same labels.
    pub heads: BTreeMap<String, HeadComparison>,
    /// The heads that only one has, or that have other labels.
    pub not_compared: Vec<String>,
}

/// How one head of two models differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeadComparison {
    /// Which is better.
    pub verdict: Verdict,
    /// The texts on which exactly one is right.
    pub mcnemar: McNemar,
    /// How the figures differ.
    pub measures: BTreeMap<Measure, Difference>,
    /// How they differ label by label.
    pub labels: BTreeMap<String, LabelComparison>,
}

/// How a figure differs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The first model's.
    pub a: f64,
    /// The second model's.
    pub b: f64,
    /// The second's less the first's.
    pub difference: f64,
    /// Where the difference would lie on other texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
}

/// How one label of two models differs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelComparison {
    /// Which gives and withholds it better.
    pub verdict: Verdict,
    /// How many texts have it.
    pub n_texts: usize,
    /// How its F1 differs.
    pub f1: Difference,
    /// The texts for which exactly one rightly gives or rightly withholds it.
    pub mcnemar: McNemar,
    /// The p-value of that, raised for the number of labels (Holm).
    pub p_adjusted: f64,
}

/// Which of two models is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The first.
    ABetter,
    /// The second.
    BBetter,
    /// Chance alone could make such a difference.
    MayBeChance,
    /// One is better by one measure and the other by another.
    Mixed,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::ABetter => "A better",
            Self::BBetter => "B better",
            Self::MayBeChance => "may be chance",
            Self::Mixed => "mixed",
        })
    }
}

impl Verdict {
    /// One or the other, unless it may be chance.
    const fn of(is_sure: bool, is_b_better: bool) -> Self {
        match (is_sure, is_b_better) {
            (false, _) => Self::MayBeChance,
            (true, true) => Self::BBetter,
            (true, false) => Self::ABetter,
        }
    }

    fn of_test(test: McNemar, p_value: f64) -> Self {
        Self::of(p_value < LEVEL, test.only_a_right < test.only_b_right)
    }

    const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::MayBeChance, verdict) | (verdict, Self::MayBeChance) => verdict,
            (Self::ABetter, Self::ABetter) => Self::ABetter,
            (Self::BBetter, Self::BBetter) => Self::BBetter,
            _ => Self::Mixed,
        }
    }
}

impl Difference {
    /// Nothing where one of the values is a share of nothing.
    fn of((a, b): (f64, f64), interval: Option<Interval>) -> Option<Self> {
        let is_defined = !a.is_nan() && !b.is_nan();
        is_defined.then_some(Self { a, b, difference: b - a, interval })
    }

    /// Which model is better, if the interval leaves that open to no doubt.
    fn verdict(&self, measure: Measure) -> Verdict {
        let is_sure = self.interval.is_some_and(|interval| !interval.contains(0.0));
        Verdict::of(is_sure, (0.0 < self.difference) != measure.is_loss())
    }
}

/// Compares two models that were judged on the same texts.
pub fn compare(a: &Judged, b: &Judged, settings: &Settings) -> Result<Comparison, Error> {
    let names = || (a.model.clone(), b.model.clone());
    if a.texts_sha256 != b.texts_sha256 || a.n_texts != b.n_texts {
        let (a, b) = names();
        return Err(Error::DifferentTexts { a, b });
    }
    let (a_shared, b_shared, not_compared) = shared_heads(a, b);
    if a_shared.heads.is_empty() {
        let (a, b) = names();
        return Err(Error::NothingInCommon { a, b });
    }
    let (a_sheets, b_sheets) = (settings.sheets(&a_shared)?, settings.sheets(&b_shared)?);
    let measure = |weights: &[u32]| {
        let pairs = a_sheets.iter().zip(&b_sheets);
        pairs.flat_map(|(a, b)| differences(a, b, weights)).collect()
    };
    let intervals = settings.resampling.intervals(a.n_texts, measure);
    let mut intervals = intervals.into_iter().chain(std::iter::repeat(None));
    let once = vec![1; a.n_texts];
    let heads = a_sheets.iter().zip(&b_sheets).map(|pair| {
        let head = pair.0.head();
        let n_values = Measure::ALL.len() + head.labels.len();
        let intervals: Vec<_> = intervals.by_ref().take(n_values).collect();
        (head.id.to_string(), compare_heads(pair, &once, &intervals))
    });
    Ok(Comparison {
        a: a.model.clone(),
        b: b.model.clone(),
        n_texts: a.n_texts,
        n_resamples: settings.resampling.n_resamples,
        seed: settings.resampling.seed,
        heads: heads.collect(),
        not_compared,
    })
}

/// The differences of all measures and of the F1 of all labels.
fn differences(a: &Sheet<'_>, b: &Sheet<'_>, weights: &[u32]) -> Vec<f64> {
    let (a, b) = (a.sample(weights), b.sample(weights));
    let measures = a.measures().zip(b.measures());
    let labels = a.label_f1s().zip(b.label_f1s());
    measures.chain(labels).map(|(a, b)| b - a).collect()
}

fn compare_heads(
    (a, b): (&Sheet<'_>, &Sheet<'_>),
    once: &[u32],
    intervals: &[Option<Interval>],
) -> HeadComparison {
    let (a_sample, b_sample) = (a.sample(once), b.sample(once));
    let (of_measures, of_labels) = intervals.split_at(Measure::ALL.len());
    let measures: BTreeMap<Measure, Difference> = (Measure::ALL.into_iter().zip(of_measures))
        .filter_map(|(measure, &interval)| {
            let values = (a_sample.value(measure)?, b_sample.value(measure)?);
            Some((measure, Difference::of(values, interval)?))
        })
        .collect();
    let labels = a_sample.label_f1s().zip(b_sample.label_f1s()).zip(of_labels);
    let f1s = labels.map(|(values, &interval)| Difference::of(values, interval)).collect();
    let right = a.answers().iter().zip(b.answers()).map(|(a, b)| (a.is_right, b.is_right));
    let mcnemar = McNemar::of(right);
    let verdict = DECISIVE
        .iter()
        .filter_map(|&measure| Some(measures.get(&measure)?.verdict(measure)))
        .fold(Verdict::of_test(mcnemar, mcnemar.p_value), Verdict::and);
    HeadComparison { verdict, mcnemar, measures, labels: compare_labels((a, b), f1s) }
}

fn compare_labels(
    (a, b): (&Sheet<'_>, &Sheet<'_>),
    f1s: Vec<Option<Difference>>,
) -> BTreeMap<String, LabelComparison> {
    let is_right = |answer: &Answer, label| {
        answer.labels.contains(&label) == answer.choice.chosen.contains(&label)
    };
    let tests: Vec<McNemar> = (0..f1s.len())
        .map(|label| {
            let pairs = a.answers().iter().zip(b.answers());
            McNemar::of(pairs.map(|(a, b)| (is_right(a, label), is_right(b, label))))
        })
        .collect();
    let p_values: Vec<f64> = tests.iter().map(|test| test.p_value).collect();
    let adjusted = holm(&p_values);
    let labels = a.head().labels.iter().enumerate().zip(f1s);
    labels
        .filter_map(|((label, definition), f1)| {
            let has_label = |answer: &&Answer| answer.labels.contains(&label);
            let compared = LabelComparison {
                verdict: Verdict::of_test(tests[label], adjusted[label]),
                n_texts: a.answers().iter().filter(has_label).count(),
                f1: f1?,
                mcnemar: tests[label],
                p_adjusted: adjusted[label],
            };
            Some((definition.id.to_string(), compared))
        })
        .collect()
}

/// The heads that both have with the same labels, those of the second in the label order of the
/// first, and the names of the others.
fn shared_heads(a: &Judged, b: &Judged) -> (Judged, Judged, Vec<String>) {
    let (mut a_shared, mut b_shared) = (without_heads(a), without_heads(b));
    for of_a in &a.heads {
        let of_b = b.heads.iter().find(|of_b| of_b.head.id == of_a.head.id);
        if let Some(of_b) = of_b.and_then(|of_b| reordered(of_b, &of_a.head))
            && has_same_labels(of_a, &of_b)
        {
            a_shared.heads.push(of_a.clone());
            b_shared.heads.push(of_b);
        }
    }
    let is_shared = |id: &str| a_shared.heads.iter().any(|judged| judged.head.id.as_str() == id);
    let ids: BTreeSet<&str> =
        a.heads.iter().chain(&b.heads).map(|judged| judged.head.id.as_str()).collect();
    let others = ids.into_iter().filter(|id| !is_shared(id)).map(str::to_owned).collect();
    (a_shared, b_shared, others)
}

fn without_heads(judged: &Judged) -> Judged {
    Judged { heads: Vec::new(), data: judged.data.clone(), model: judged.model.clone(), ..*judged }
}

/// A head's answers with its labels in the order of another head, if the two answer the same
/// question.
fn reordered(judged: &JudgedHead, like: &Head) -> Option<JudgedHead> {
    if judged.head.kind != like.kind || judged.head.labels.len() != like.labels.len() {
        return None;
    }
    let places: Option<Vec<usize>> =
        judged.head.labels.iter().map(|label| like.label_idx(label.id.as_str())).collect();
    let places = places?;
    // The order of an ordinal head is part of the question.
    if like.kind == HeadKind::Ordinal && !places.is_sorted() {
        return None;
    }
    let moved = |labels: &[usize]| labels.iter().map(|&label| places[label]).collect();
    let answers = judged.answers.iter().map(|answer| {
        let mut moved_answer = answer.clone();
        moved_answer.labels = moved(&answer.labels);
        moved_answer.choice.chosen = moved(&answer.choice.chosen);
        for (&place, &p) in places.iter().zip(&answer.choice.probabilities) {
            moved_answer.choice.probabilities[place] = p;
        }
        moved_answer
    });
    Some(JudgedHead { head: like.clone(), answers: answers.collect() })
}

fn has_same_labels(a: &JudgedHead, b: &JudgedHead) -> bool {
    let is_same = |(a, b): (&Answer, &Answer)| {
        a.text_idx == b.text_idx
            && a.labels.len() == b.labels.len()
            && a.labels.iter().all(|label| b.labels.contains(label))
    };
    a.answers.len() == b.answers.len() && a.answers.iter().zip(&b.answers).all(is_same)
}
