//! A linear model and an encoder together. Their scores are added up with weights per head, then
//! everything is as for the linear model alone. So is evidence: n-grams of the linear member and
//! tokens of the encoder, each with what it adds to the joint score.

use std::sync::Arc;

use crate::domain::{Prediction, Taxonomy};
use crate::inference::encoder::Encoded;
use crate::inference::evidence::{Direction, Heat};
use crate::inference::linear::{Shared, in_order};
use crate::inference::{Classifier, Encoder, Error, LinearClassifier, confidence, n_outputs};
use crate::registry::{BlendWeights, Cascade, HeadDecision, Manifest};
use crate::text::Document;

/// A linear model and an encoder that are ready to answer.
#[derive(Clone, Debug)]
pub struct BlendClassifier {
    linear: LinearClassifier,
    encoder: Encoder,
    /// One per output.
    weights: Vec<BlendWeights>,
    decisions: Vec<HeadDecision>,
    easy: Option<Easy>,
}

/// When and how the linear member answers alone.
#[derive(Clone, Debug)]
struct Easy {
    decisions: Vec<HeadDecision>,
    /// For each head the least confidence in its choice, where it has a say.
    easy_from: Vec<Option<f32>>,
}

impl BlendClassifier {
    /// Joins the members as the manifest says.
    pub fn new(
        manifest: &Manifest,
        linear: LinearClassifier,
        encoder: Encoder,
    ) -> Result<Self, Error> {
        manifest.check()?;
        let taxonomy = &manifest.taxonomy;
        let blend = manifest.blend.as_ref().expect("the manifest of a blend has been checked");
        let heads = taxonomy.heads().iter();
        let weights = heads
            .flat_map(|head| std::iter::repeat_n(blend.weights[head.id.as_str()], n_outputs(head)));
        let easy = |cascade: &Cascade| {
            let ids = taxonomy.heads().iter().map(|head| head.id.as_str());
            Easy {
                decisions: in_order(taxonomy, &cascade.decisions),
                easy_from: ids.map(|id| cascade.easy_from.get(id).copied()).collect(),
            }
        };
        Ok(Self {
            linear,
            encoder,
            weights: weights.collect(),
            decisions: in_order(taxonomy, &manifest.decisions),
            easy: blend.cascade.as_ref().map(easy),
        })
    }

    fn join(&self, document: &Document<'_>, read: &Encoded) -> Prediction {
        let reading = self.linear.read(document);
        let linear = self.linear.scores(&reading.vector);
        let encoder = self.encoder.scores(&read.vector);
        let members = linear.iter().zip(encoder).zip(&self.weights);
        let scores: Vec<f32> = members
            .map(|((linear, encoder), weight)| weight.linear * linear + weight.encoder * encoder)
            .collect();
        let add = |labels: &[Direction], heat: &mut Heat| {
            self.encoder.explain(read, labels, &self.weights, heat);
        };
        let shared = Shared { weights: &self.weights, add: &add };
        self.linear.answer(&reading, &scores, &self.decisions, Some(&shared))
    }
}

impl Classifier for BlendClassifier {
    fn taxonomy(&self) -> &Arc<Taxonomy> {
        self.linear.taxonomy()
    }

    fn classify(&self, document: &Document<'_>) -> Prediction {
        self.join(document, &self.encoder.read(&[document.normalized()])[0])
    }

    fn classify_all(&self, documents: &[Document<'_>]) -> Vec<Prediction> {
        let texts: Vec<&str> = documents.iter().map(Document::normalized).collect();
        let encoded = self.encoder.read(&texts);
        documents.iter().zip(encoded).map(|(document, it)| self.join(document, &it)).collect()
    }

    fn is_slow(&self) -> bool {
        true
    }

    fn knows_easy(&self) -> bool {
        self.easy.is_some()
    }

    fn classify_easy(&self, document: &Document<'_>) -> Option<Prediction> {
        let easy = self.easy.as_ref()?;
        let reading = self.linear.read(document);
        let scores = self.linear.scores(&reading.vector);
        let prediction = self.linear.answer(&reading, &scores, &easy.decisions, None);
        let is_easy = prediction.heads().zip(&easy.easy_from).all(|((head, answer), least)| {
            let confidence = || confidence(head.kind, &answer.probabilities, &answer.chosen);
            least.is_none_or(|least| least <= confidence())
        });
        is_easy.then_some(prediction)
    }

    fn embed(&self, document: &Document<'_>) -> Option<Vec<f32>> {
        let mut vector = self.encoder.pool(&[document.normalized()]).pop()?;
        let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        for value in &mut vector {
            *value /= length.max(f32::MIN_POSITIVE);
        }
        Some(vector)
    }
}
