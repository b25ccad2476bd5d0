//! What a model says about a text: probabilities, the chosen labels and where in the text they
//! come from. A rule never changes a prediction; see the rule hits for that.

use std::sync::Arc;

use crate::domain::{Head, HeadKind, LabelDefinition, Role, Span, Taxonomy};

/// A place in the text that carried a label.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    /// The label, by position in its head.
    pub label_idx: usize,
    /// Where in the original text.
    pub span: Span,
    /// How much the place adds to the label's score, in units of the score before calibration.
    pub weight: f32,
}

/// A model's answer to one head.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadPrediction {
    /// One calibrated probability per label, in the head's order. They sum to one for
    /// multi-class and ordinal heads and are independent for multi-label heads.
    pub probabilities: Vec<f32>,
    /// Positions of the chosen labels: exactly one for multi-class and ordinal heads.
    pub chosen: Vec<usize>,
    /// Whether the model is too unsure to be followed (always false for multi-label heads).
    pub abstains: bool,
    /// What in the text carried the chosen labels, strongest first.
    pub evidence: Vec<Evidence>,
}

/// A model's answer to every head of its taxonomy.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    taxonomy: Arc<Taxonomy>,
    heads: Vec<HeadPrediction>,
}

impl Prediction {
    /// Joins answers to their taxonomy; they must be in the order of its heads.
    ///
    /// # Panics
    /// When an answer does not have the shape of its head, which is a fault of the model's code.
    pub fn new(taxonomy: Arc<Taxonomy>, heads: Vec<HeadPrediction>) -> Self {
        assert_eq!(taxonomy.heads().len(), heads.len(), "one answer per head");
        for (head, answer) in taxonomy.heads().iter().zip(&heads) {
            assert_eq!(head.labels.len(), answer.probabilities.len(), "one probability per label");
            assert!(
                head.kind == HeadKind::MultiLabel || answer.chosen.len() == 1,
                "one label for a head that has exactly one"
            );
        }
        Self { taxonomy, heads }
    }

    /// The taxonomy that the answers belong to.
    pub fn taxonomy(&self) -> &Arc<Taxonomy> {
        &self.taxonomy
    }

    /// The heads with their answers.
    pub fn heads(&self) -> impl Iterator<Item = (&Head, &HeadPrediction)> {
        self.taxonomy.heads().iter().zip(&self.heads)
    }

    /// The head with this name and its answer.
    pub fn find_head(&self, id: &str) -> Option<(&Head, &HeadPrediction)> {
        let (head_idx, head) = self.taxonomy.find_head(id)?;
        Some((head, &self.heads[head_idx]))
    }

    /// The head that plays this role and its answer.
    pub fn role(&self, role: Role) -> Option<(&Head, &HeadPrediction)> {
        let (head_idx, head) = self.taxonomy.role(role)?;
        Some((head, &self.heads[head_idx]))
    }

    /// The first chosen label of the head that plays this role, with its probability.
    pub fn chosen_label(&self, role: Role) -> Option<(&LabelDefinition, f32)> {
        let (head, answer) = self.role(role)?;
        let &label_idx = answer.chosen.first()?;
        Some((&head.labels[label_idx], answer.probabilities[label_idx]))
    }

    /// The label that is more probable than the chosen one, if there is one, with its probability:
    /// what is chosen also depends on what a mistake would cost.
    pub fn likelier_label(&self, role: Role) -> Option<(&LabelDefinition, f32)> {
        let (head, answer) = self.role(role)?;
        let chosen = answer.probabilities[*answer.chosen.first()?];
        let pairs = head.labels.iter().zip(answer.probabilities.iter().copied());
        pairs.max_by(|a, b| a.1.total_cmp(&b.1)).filter(|&(_, p)| chosen < p)
    }
}
