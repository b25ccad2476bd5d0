//! All figures of a judged model, each with its interval.

use std::collections::BTreeMap;

use fenzhen::domain::{Head, HeadKind};
use fenzhen::registry::{DataSource, Digest};
use serde::{Deserialize, Serialize};

use crate::evaluation::sheet::{Sample, Sheet};
use crate::evaluation::{
    CoveragePoint, Error, Interval, Judged, Measure, Resampling, SafetyQuestion, SafetyReport,
};
use crate::metrics::{Counts, HeadReport, N_BINS, Tally};

/// What is asked beside what is always told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How texts are drawn for the intervals.
    pub resampling: Resampling,
    /// What must not be missed, at most one question a head.
    pub safety: Vec<SafetyQuestion>,
    /// The share of other texts for which an alarm may be raised.
    pub false_alarms: f64,
}

/// How well a model does on labelled texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The model's version.
    pub model: String,
    /// How many texts there were.
    pub n_texts: usize,
    /// The digest of the texts in their order.
    pub texts_sha256: Digest,
    /// The files that they come from.
    pub data: Vec<DataSource>,
    /// How many resamples the intervals are made from.
    pub n_resamples: usize,
    /// The seed of the resamples.
    pub seed: u64,
    /// Head by head.
    pub heads: BTreeMap<String, HeadEvaluation>,
}

/// How well one head does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeadEvaluation {
    /// The figures.
    #[serde(flatten)]
    pub report: HeadReport,
    /// How its labels relate.
    pub kind: HeadKind,
    /// The mean accuracy over all coverages, surest texts first.
    pub precision_coverage_area: f64,
    /// Where the figures would lie on other texts.
    pub intervals: BTreeMap<Measure, Interval>,
    /// The same, label by label.
    pub label_intervals: BTreeMap<String, LabelIntervals>,
    /// What was taken for what; heads whose texts have one label each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confusion: Option<Confusion>,
    /// What was missed and wrongly chosen, label by label; multi-label heads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confusion_by_label: Option<BTreeMap<String, BinaryConfusion>>,
    /// How often answers of a confidence are right.
    pub reliability: Vec<ReliabilityBin>,
    /// How right the head is on the surest part of the texts.
    pub precision_coverage: Vec<CoveragePoint>,
    /// Whether what must not be missed is found, if that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safety: Option<SafetyReport>,
}

/// Where the figures of a label would lie on other texts; nothing where most resamples say
/// nothing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelIntervals {
    /// That of the precision.
    pub precision: Option<Interval>,
    /// That of the recall.
    pub recall: Option<Interval>,
    /// That of the F1.
    pub f1: Option<Interval>,
}

/// What was taken for what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// The labels in the order of rows and columns.
    pub labels: Vec<String>,
    /// A row per right label, a column per chosen one.
    pub counts: Vec<Vec<usize>>,
}

/// How a label was given and withheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BinaryConfusion {
    /// Rightly chosen.
    pub true_positives: usize,
    /// Wrongly chosen.
    pub false_positives: usize,
    /// Missed.
    pub false_negatives: usize,
    /// Rightly not chosen.
    pub true_negatives: usize,
}

/// How often answers of about the same confidence are right.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// The lowest confidence.
    pub lower: f64,
    /// The highest confidence.
    pub upper: f64,
    /// How many answers there are.
    pub n: usize,
    /// Their mean confidence.
    pub confidence: f64,
    /// The share that is right.
    pub accuracy: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { resampling: Resampling::default(), safety: Vec::new(), false_alarms: 0.05 }
    }
}

impl Settings {
    pub(super) fn sheets<'a>(&self, judged: &'a Judged) -> Result<Vec<Sheet<'a>>, Error> {
        SafetyQuestion::check(&self.safety, &judged.heads)?;
        let heads = judged.heads.iter();
        Ok(heads.map(|head| Sheet::new(head, &self.safety, self.false_alarms)).collect())
    }
}

impl HeadEvaluation {
    /// A figure, if the head has it.
    pub fn value(&self, measure: Measure) -> Option<f64> {
        let (report, safety) = (&self.report, self.safety.as_ref());
        match measure {
            Measure::Accuracy => Some(report.accuracy),
            Measure::MacroF1 => Some(report.macro_f1),
            Measure::MicroF1 => report.micro_f1,
            Measure::QuadraticWeightedKappa => report.quadratic_weighted_kappa,
            Measure::Ece => Some(report.ece),
            Measure::Coverage => Some(report.coverage),
            Measure::AccuracyWhenCovered => Some(report.accuracy_when_covered),
            Measure::PrecisionCoverageArea => Some(self.precision_coverage_area),
            Measure::SafetyRecall => safety.map(|safety| safety.recall),
            Measure::SafetyRecallAsDecided => safety.map(|safety| safety.recall_as_decided),
            Measure::SafetyFalseAlarmsAsDecided => {
                safety.map(|safety| safety.false_alarms_as_decided)
            }
        }
    }
}

/// Measures a judged model.
pub fn evaluate(judged: &Judged, settings: &Settings) -> Result<Evaluation, Error> {
    let sheets = settings.sheets(judged)?;
    let measure = |weights: &[u32]| {
        let mut values = Vec::new();
        for sheet in &sheets {
            let sample = sheet.sample(weights);
            values.extend(sample.measures().chain(sample.labels()).chain(sample.precisions()));
        }
        values
    };
    let intervals = settings.resampling.intervals(judged.n_texts, measure);
    // Without resamples every figure goes without an interval.
    let mut intervals = intervals.into_iter().chain(std::iter::repeat(None));
    let once = vec![1; judged.n_texts];
    let mut heads = BTreeMap::new();
    for sheet in &sheets {
        let sample = sheet.sample(&once);
        let mut evaluated = head_evaluation(sheet.head(), &sample, settings);
        attach_intervals(&mut evaluated, sheet.head(), &mut intervals);
        heads.insert(sheet.head().id.to_string(), evaluated);
    }
    Ok(Evaluation {
        model: judged.model.clone(),
        n_texts: judged.n_texts,
        texts_sha256: judged.texts_sha256,
        data: judged.data.clone(),
        n_resamples: settings.resampling.n_resamples,
        seed: settings.resampling.seed,
        heads,
    })
}

fn head_evaluation(head: &Head, sample: &Sample, settings: &Settings) -> HeadEvaluation {
    let is_multi_label = head.kind == HeadKind::MultiLabel;
    let question = settings.safety.iter().find(|asked| asked.head == head.id.as_str());
    HeadEvaluation {
        report: sample.tally.report(head),
        kind: head.kind,
        precision_coverage_area: sample.curve.area,
        intervals: BTreeMap::new(),
        label_intervals: BTreeMap::new(),
        confusion: (!is_multi_label).then(|| confusion(head, &sample.tally)),
        confusion_by_label: is_multi_label.then(|| confusion_by_label(head, &sample.tally)),
        reliability: reliability(&sample.tally),
        precision_coverage: sample.curve.points.clone(),
        safety: question.zip(sample.found).map(|(question, found)| SafetyReport {
            labels: question.labels.clone(),
            n_safety: found.n_safety as usize,
            n_others: found.n_others as usize,
            false_alarms: settings.false_alarms,
            recall: or_zero(found.recall),
            threshold: found.threshold,
            recall_as_decided: or_zero(found.recall_as_decided),
            false_alarms_as_decided: or_zero(found.false_alarms_as_decided),
        }),
    }
}

/// Takes the intervals of a head off those of all heads, in the order in which they were measured.
fn attach_intervals(
    evaluated: &mut HeadEvaluation,
    head: &Head,
    intervals: &mut impl Iterator<Item = Option<Interval>>,
) {
    for (measure, interval) in Measure::ALL.into_iter().zip(intervals.by_ref()) {
        evaluated.intervals.extend(interval.map(|interval| (measure, interval)));
    }
    for label in &head.labels {
        let mut next = || intervals.next().flatten();
        let of_label = LabelIntervals { precision: next(), recall: next(), f1: next() };
        evaluated.label_intervals.insert(label.id.to_string(), of_label);
    }
    for (point, interval) in evaluated.precision_coverage.iter_mut().zip(intervals) {
        point.interval = interval;
    }
}

fn confusion(head: &Head, tally: &Tally) -> Confusion {
    let rows = tally.confusion().chunks_exact(head.labels.len());
    Confusion {
        labels: head.labels.iter().map(|label| label.id.to_string()).collect(),
        counts: rows.map(|row| row.iter().map(|&count| count as usize).collect()).collect(),
    }
}

fn confusion_by_label(head: &Head, tally: &Tally) -> BTreeMap<String, BinaryConfusion> {
    let binary = |counts: &Counts| BinaryConfusion {
        true_positives: counts.right as usize,
        false_positives: (counts.chosen - counts.right) as usize,
        false_negatives: (counts.labelled - counts.right) as usize,
        true_negatives: (tally.n_texts() - counts.chosen - counts.labelled + counts.right) as usize,
    };
    let labels = head.labels.iter().zip(tally.counts());
    labels.map(|(label, counts)| (label.id.to_string(), binary(counts))).collect()
}

fn reliability(tally: &Tally) -> Vec<ReliabilityBin> {
    let bins = tally.bins().iter().enumerate().filter(|(_, bin)| 0.0 < bin.n);
    bins.map(|(position, bin)| ReliabilityBin {
        lower: position as f64 / N_BINS as f64,
        upper: (position + 1) as f64 / N_BINS as f64,
        n: bin.n as usize,
        confidence: bin.confidence / bin.n,
        accuracy: bin.right / bin.n,
    })
    .collect()
}

/// JSON has no word for what is not a number; a share of nothing is told beside its count, zero.
fn or_zero(value: f64) -> f64 {
    if value.is_nan() { 0.0 } else { value }
}
