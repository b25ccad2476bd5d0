//! The linear model: a sparse dot product per output, and evidence that is exact because a
//! score is a sum over places in the text.

use std::{borrow::Cow, collections::BTreeMap, ops::Range, sync::Arc};

use crate::domain::{Evidence, HeadKind, HeadPrediction, Prediction, Span, Taxonomy};
use crate::inference::calibration::decide;
use crate::inference::evidence::{Direction, HEAT_LANES, Heat, strongest_spans, words};
use crate::inference::kernels;
use crate::inference::projection::project;
use crate::inference::weights::n_outputs;
use crate::inference::{Classifier, Error, Features, LinearWeights, Vector, Vocabulary};
use crate::registry::{BlendWeights, HeadDecision, Manifest};
use crate::text::{Document, Feature};

/// A linear model that is ready to answer.
#[derive(Clone, Debug)]
pub struct LinearClassifier {
    taxonomy: Arc<Taxonomy>,
    decisions: Vec<HeadDecision>,
    features: Features,
    vocabulary: Vocabulary,
    /// Weights in 8 bits, padded rows of `row_len`.
    matrix: Vec<i8>,
    row_len: usize,
    scales: Vec<f32>,
    biases: Vec<f32>,
}

impl LinearClassifier {
    /// Joins a manifest to its weights.
    pub fn new(manifest: &Manifest, weights: LinearWeights) -> Result<Self, Error> {
        manifest.check()?;
        weights.check(&manifest.taxonomy)?;
        let n_outputs = weights.scales.len();
        let row_len = n_outputs.next_multiple_of(kernels::LANES);
        let mut matrix = vec![0; weights.hashes.len() * row_len];
        if 0 < n_outputs {
            let rows = matrix.chunks_exact_mut(row_len).zip(weights.matrix.chunks_exact(n_outputs));
            for (padded, row) in rows {
                padded[..n_outputs].copy_from_slice(row);
            }
        }
        Ok(Self {
            taxonomy: Arc::new(manifest.taxonomy.clone()),
            decisions: in_order(&manifest.taxonomy, &manifest.decisions),
            features: Features::new(manifest.features),
            vocabulary: Vocabulary::new(&weights.hashes, &weights.idf),
            matrix,
            row_len,
            scales: weights.scales,
            biases: weights.biases,
        })
    }

    /// The score of every output, heads in the taxonomy's order.
    pub fn scores(&self, vector: &Vector) -> Vec<f32> {
        let mut sums = vec![0.0; self.row_len];
        kernels::add_rows(&self.matrix, &vector.entries, &mut sums);
        let lines = self.scales.iter().zip(&self.biases);
        sums.iter().zip(lines).map(|(sum, (scale, bias))| sum * scale + bias).collect()
    }

    fn row(&self, row: u32) -> &[i8] {
        let start = row as usize * self.row_len;
        &self.matrix[start..start + self.row_len]
    }

    /// What the model sees of a document.
    pub(super) fn read<'d>(&self, document: &'d Document<'_>) -> Reading<'d> {
        let mut features = Vec::with_capacity(document.normalized().len() * 2);
        self.features.extract(document, &mut features);
        let vector = self.vocabulary.vectorize(&features);
        Reading { document, words: words(document), features, vector }
    }

    /// Decides by these scores, which may be shared with another member, and shows what in the text
    /// carried the choice.
    pub(super) fn answer(
        &self,
        reading: &Reading<'_>,
        scores: &[f32],
        decisions: &[HeadDecision],
        shared: Option<&Shared<'_>>,
    ) -> Prediction {
        let mut choices = Vec::with_capacity(decisions.len());
        let mut labels = Vec::new();
        let mut first_output = 0;
        for (head, decision) in self.taxonomy.heads().iter().zip(decisions) {
            let n_outputs = n_outputs(head);
            let choice = decide(decision, &scores[first_output..first_output + n_outputs]);
            let chosen = choice.chosen.iter();
            labels.extend(chosen.map(|&label| Carried {
                direction: Direction::new(head, first_output, label),
                needs_one: head.kind == HeadKind::MultiLabel,
            }));
            first_output += n_outputs;
            choices.push(choice);
        }
        let mut found = self.evidence(reading, &labels, shared).into_iter();
        let heads = choices.into_iter().map(|choice| {
            let of_label = choice.chosen.iter().zip(found.by_ref());
            let mut evidence: Vec<Evidence> = of_label
                .flat_map(|(&label_idx, spans)| {
                    spans.into_iter().map(move |(span, weight)| Evidence {
                        label_idx,
                        span,
                        weight,
                    })
                })
                .collect();
            evidence.sort_by(|a, b| b.weight.total_cmp(&a.weight));
            HeadPrediction {
                probabilities: choice.probabilities,
                chosen: choice.chosen,
                abstains: choice.abstains,
                evidence,
            }
        });
        Prediction::new(Arc::clone(&self.taxonomy), heads.collect())
    }

    /// What in the text carried these labels, a list for each: all of them in one pass over the
    /// rows, because the way to a row costs more than what is done there.
    fn evidence(
        &self,
        reading: &Reading<'_>,
        labels: &[Carried],
        shared: Option<&Shared<'_>>,
    ) -> Vec<Vec<(Span, f32)>> {
        let chunks = labels.chunks(HEAT_LANES);
        chunks.flat_map(|labels| self.evidence_of_chunk(reading, labels, shared)).collect()
    }

    fn evidence_of_chunk(
        &self,
        reading: &Reading<'_>,
        labels: &[Carried],
        shared: Option<&Shared<'_>>,
    ) -> Vec<Vec<(Span, f32)>> {
        let scale = |output: usize| {
            self.scales[output] * shared.map_or(1.0, |shared| shared.weights[output].linear)
        };
        let directions: Vec<Direction> = labels.iter().map(|label| label.direction).collect();
        let row_directions: Vec<RowDirection> =
            directions.iter().map(|&it| RowDirection::new(it, scale)).collect();
        let mut heat = Heat::new(reading.document.normalized().len());
        let mut occurrences = reading.vector.occurrences.iter();
        for entry in &reading.vector.entries {
            let row = self.row(entry.row);
            let each = entry.value / entry.count as f32;
            let mut share = [0.0; HEAT_LANES];
            for (share, direction) in share.iter_mut().zip(&row_directions) {
                *share = direction.weight(row) * each;
            }
            for &position in occurrences.by_ref().take(entry.count as usize) {
                heat.add(&reading.features[position as usize].range, &share);
            }
        }
        if let Some(shared) = shared {
            (shared.add)(&directions, &mut heat);
        }
        let sums = heat.running_sums();
        let lanes = labels.iter().enumerate();
        let Reading { words, document, .. } = reading;
        lanes
            .map(|(lane, it)| strongest_spans(&sums, lane, words, document, it.needs_one))
            .collect()
    }
}

/// The decisions in the order of the heads; there is one for each.
pub(super) fn in_order(
    taxonomy: &Taxonomy,
    decisions: &BTreeMap<String, HeadDecision>,
) -> Vec<HeadDecision> {
    taxonomy.heads().iter().map(|head| decisions[head.id.as_str()].clone()).collect()
}

/// A chosen label, and whether it must never stand without a place in the text: labels of which a
/// text has any number are claims about it.
struct Carried {
    direction: Direction,
    needs_one: bool,
}

/// How the linear member shares scores and evidence with another one.
pub(super) struct Shared<'s> {
    /// What each member's scores count, one per output.
    pub(super) weights: &'s [BlendWeights],
    /// Adds what the other member contributes to some labels.
    pub(super) add: &'s dyn Fn(&[Direction], &mut Heat),
}

/// A document with what the model sees of it.
pub(super) struct Reading<'d> {
    document: &'d Document<'d>,
    words: Cow<'d, [Range<usize>]>,
    features: Vec<Feature>,
    /// Its sparse vector.
    pub(super) vector: Vector,
}

/// A [`Direction`] in the weights of a row: what is missing has a scale of zero, so that nothing need
/// be asked at each row.
struct RowDirection {
    up: usize,
    up_scale: f32,
    down: usize,
    down_scale: f32,
}

impl RowDirection {
    fn new(direction: Direction, scale: impl Fn(usize) -> f32) -> Self {
        let output = |output: Option<usize>| output.map_or((0, 0.0), |idx| (idx, scale(idx)));
        let ((up, up_scale), (down, down_scale)) = (output(direction.up), output(direction.down));
        Self { up, up_scale, down, down_scale }
    }

    fn weight(&self, row: &[i8]) -> f32 {
        f32::from(row[self.up]) * self.up_scale - f32::from(row[self.down]) * self.down_scale
    }
}

impl Classifier for LinearClassifier {
    fn taxonomy(&self) -> &Arc<Taxonomy> {
        &self.taxonomy
    }

    fn classify(&self, document: &Document<'_>) -> Prediction {
        let reading = self.read(document);
        let scores = self.scores(&reading.vector);
        self.answer(&reading, &scores, &self.decisions, None)
    }

    fn embed(&self, document: &Document<'_>) -> Option<Vec<f32>> {
        let mut features = Vec::with_capacity(document.normalized().len() * 2);
        self.features.extract(document, &mut features);
        Some(project(&self.vocabulary.vectorize(&features).entries))
    }
}
