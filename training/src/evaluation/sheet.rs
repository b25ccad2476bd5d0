//! A head's answers, sorted once, so that measuring a resample takes one pass over them.

use fenzhen::domain::Head;

use crate::evaluation::coverage::{Curve, N_POINTS, Ranking};
use crate::evaluation::safety::{Alarms, Found};
use crate::evaluation::{Answer, JudgedHead, Measure, SafetyQuestion};
use crate::metrics::{Counts, Tally};

/// A head's answers, ready to be measured.
#[derive(Debug)]
pub(super) struct Sheet<'a> {
    judged: &'a JudgedHead,
    ranking: Ranking,
    alarms: Option<(Alarms, f64)>,
}

/// What a sample of the answers amounts to.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) tally: Tally,
    pub(super) curve: Curve,
    pub(super) found: Option<Found>,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(
        judged: &'a JudgedHead,
        questions: &[SafetyQuestion],
        false_alarms: f64,
    ) -> Self {
        let question = questions.iter().find(|asked| asked.head == judged.head.id.as_str());
        let alarms =
            |question| (Alarms::new(&judged.head, &judged.answers, question), false_alarms);
        Self { judged, ranking: Ranking::new(&judged.answers), alarms: question.map(alarms) }
    }

    pub(super) const fn head(&self) -> &'a Head {
        &self.judged.head
    }

    pub(super) fn answers(&self) -> &'a [Answer] {
        &self.judged.answers
    }

    /// Measures the answers, each text as often as it weighs.
    pub(super) fn sample(&self, weights: &[u32]) -> Sample {
        let mut tally = Tally::new(&self.judged.head);
        for answer in &self.judged.answers {
            let weight = weights[answer.text_idx];
            if 0 < weight {
                tally.add(&answer.choice, &answer.labels, f64::from(weight));
            }
        }
        let found = self.alarms.as_ref().map(|(alarms, rate)| alarms.find(weights, *rate));
        Sample { tally, curve: self.ranking.curve(weights), found }
    }
}

impl Sample {
    /// A figure, if the head has it; not a number where a share is one of nothing.
    pub(super) fn value(&self, measure: Measure) -> Option<f64> {
        let tally = &self.tally;
        match measure {
            Measure::Accuracy => Some(tally.accuracy()),
            Measure::MacroF1 => Some(tally.macro_f1()),
            Measure::MicroF1 => tally.micro_f1(),
            Measure::QuadraticWeightedKappa => tally.quadratic_weighted_kappa(),
            Measure::Ece => Some(tally.ece()),
            Measure::Coverage => Some(tally.coverage()),
            Measure::AccuracyWhenCovered => Some(tally.accuracy_when_covered()),
            Measure::PrecisionCoverageArea => Some(self.curve.area),
            Measure::SafetyRecall => self.found.map(|found| found.recall),
            Measure::SafetyRecallAsDecided => self.found.map(|found| found.recall_as_decided),
            Measure::SafetyFalseAlarmsAsDecided => {
                self.found.map(|found| found.false_alarms_as_decided)
            }
        }
    }

    /// All measures; what a sample without texts of the head says is not a number.
    pub(super) fn measures(&self) -> impl Iterator<Item = f64> {
        let is_empty = self.tally.n_texts() == 0.0;
        Measure::ALL.into_iter().map(move |measure| match self.value(measure) {
            Some(value) if !is_empty => value,
            _ => f64::NAN,
        })
    }

    /// Precision, recall and F1 label by label; not a number where nothing is there to be found.
    pub(super) fn labels(&self) -> impl Iterator<Item = f64> {
        let shares =
            |counts: &Counts| [counts.right / counts.chosen, counts.right / counts.labelled];
        let shares = self.tally.counts().iter().map(shares);
        shares.zip(self.label_f1s()).flat_map(|([precision, recall], f1)| [precision, recall, f1])
    }

    /// The F1 label by label; not a number for labels that do not occur.
    pub(super) fn label_f1s(&self) -> impl Iterator<Item = f64> {
        let f1 = |counts: &Counts| if counts.labelled == 0.0 { f64::NAN } else { counts.f1() };
        self.tally.counts().iter().map(f1)
    }

    /// The precision at each coverage.
    pub(super) fn precisions(&self) -> impl Iterator<Item = f64> {
        let precision =
            |point: usize| self.curve.points.get(point).map_or(f64::NAN, |it| it.precision);
        (0..N_POINTS).map(precision)
    }
}
