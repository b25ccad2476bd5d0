//! How right a head is on the share of texts that it is surest of (El-Yaniv & Wiener 2010; the
//! area is one minus the area under their risk–coverage curve).

use serde::{Deserialize, Serialize};

use crate::evaluation::{Answer, Interval};

/// The curve has a point at each of this many equal steps of coverage.
pub(super) const N_POINTS: usize = 50;

/// How right a head is on the surest part of the texts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CoveragePoint {
    /// The share of the texts.
    pub coverage: f64,
    /// The share of right answers among them.
    pub precision: f64,
    /// The lowest confidence among them.
    pub confidence: f64,
    /// Where the precision would lie on other texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
}

/// Answers with the surest first.
#[derive(Clone, Debug)]
pub(super) struct Ranking {
    rows: Vec<Row>,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    confidence: f64,
    is_right: bool,
    text_idx: usize,
}

/// The curve of a sample.
#[derive(Clone, Debug, Default)]
pub(super) struct Curve {
    /// The mean precision over all coverages.
    pub(super) area: f64,
    /// The points, without intervals.
    pub(super) points: Vec<CoveragePoint>,
}

impl Ranking {
    pub(super) fn new(answers: &[Answer]) -> Self {
        let row = |answer: &Answer| Row {
            confidence: answer.confidence,
            is_right: answer.is_right,
            text_idx: answer.text_idx,
        };
        let mut rows: Vec<Row> = answers.iter().map(row).collect();
        rows.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
        Self { rows }
    }

    /// The curve where each text counts as often as it weighs. Texts of equal confidence are
    /// taken together: their order in the data must not matter.
    pub(super) fn curve(&self, weights: &[u32]) -> Curve {
        let total: f64 = self.rows.iter().map(|row| f64::from(weights[row.text_idx])).sum();
        let mut curve = Curve { area: 0.0, points: Vec::with_capacity(N_POINTS) };
        if total == 0.0 {
            return curve;
        }
        let (mut n, mut n_right) = (0.0, 0.0);
        for ties in self.rows.chunk_by(|a, b| a.confidence.total_cmp(&b.confidence).is_eq()) {
            let weight = |row: &Row| f64::from(weights[row.text_idx]);
            let n_ties: f64 = ties.iter().map(weight).sum();
            if n_ties == 0.0 {
                continue;
            }
            n += n_ties;
            n_right += ties.iter().filter(|row| row.is_right).map(weight).sum::<f64>();
            let precision = n_right / n;
            curve.area += n_ties * precision / total;
            while (curve.points.len() + 1) as f64 * total <= n * N_POINTS as f64 {
                let coverage = (curve.points.len() + 1) as f64 / N_POINTS as f64;
                let confidence = ties[0].confidence;
                curve.points.push(CoveragePoint {
                    coverage,
                    precision,
                    confidence,
                    interval: None,
                });
            }
        }
        curve
    }
}
