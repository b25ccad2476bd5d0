//! The labels of a text, by head. Heads and labels are those of a taxonomy; which ones there are
//! is not known here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::{Head, HeadKind, HeadPrediction, LabelId, Prediction, Role};

/// The labels of a text by head, each checked against its head. In JSON a head with exactly one
/// label is a string, a head with any number an array.
///
/// ```
/// use fenzhen::domain::{Labels, Role, Taxonomy};
///
/// let taxonomy: Taxonomy = toml::from_str(include_str!("../../datasets/taxonomy.toml")).unwrap();
/// let (_, signals) = taxonomy.role(Role::Signals).unwrap();
/// let mut labels = Labels::default();
/// labels.insert(signals, &["repeat", "legal"]).unwrap();
/// assert_eq!(serde_json::to_string(&labels).unwrap(), r#"{"signals":["legal","repeat"]}"#);
/// assert!(labels.insert(signals, &["weather"]).is_err());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Labels(BTreeMap<LabelId, Chosen>);

/// What was chosen of a head's labels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Chosen {
    One(LabelId),
    Many(Vec<LabelId>),
}

/// Why labels do not fit their head.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelsError {
    /// A label that the head does not have.
    #[error("`{label}` is no label of `{head}`: use one of {known}")]
    Unknown {
        /// The head.
        head: LabelId,
        /// The label, cut to a sensible length.
        label: String,
        /// Those that it has.
        known: String,
    },
    /// None or several labels for a head that has exactly one.
    #[error("`{0}` has exactly one label")]
    NotOne(LabelId),
}

impl Labels {
    /// What a model chose for every head.
    pub fn of(prediction: &Prediction) -> Self {
        let chosen = |(head, answer): (&Head, &HeadPrediction)| {
            let mut labels =
                answer.chosen.iter().map(|&label_idx| head.labels[label_idx].id.clone());
            let chosen = match head.kind {
                HeadKind::MultiLabel => Chosen::Many(labels.collect()),
                HeadKind::MultiClass | HeadKind::Ordinal => Chosen::One(labels.next_back()?),
            };
            Some((head.id.clone(), chosen))
        };
        Self(prediction.heads().filter_map(chosen).collect())
    }

    /// Sets the labels of a head, in the head's order and each once.
    pub fn insert(&mut self, head: &Head, labels: &[&str]) -> Result<(), LabelsError> {
        if let Some(unknown) = labels.iter().find(|label| head.label_idx(label).is_none()) {
            let known: Vec<_> = head.labels.iter().map(|label| label.id.as_str()).collect();
            return Err(LabelsError::Unknown {
                head: head.id.clone(),
                label: unknown.chars().take(64).collect(),
                known: known.join(", "),
            });
        }
        let named = head.labels.iter().filter(|label| labels.contains(&label.id.as_str()));
        let mut named: Vec<_> = named.map(|label| label.id.clone()).collect();
        let chosen = match (head.kind, named.len()) {
            (HeadKind::MultiLabel, _) => Chosen::Many(named),
            (_, 1) => Chosen::One(named.remove(0)),
            (_, _) => return Err(LabelsError::NotOne(head.id.clone())),
        };
        self.0.insert(head.id.clone(), chosen);
        Ok(())
    }

    /// Replaces the labels of every head that `other` speaks of.
    pub fn overlay(&mut self, other: &Self) {
        self.0.extend(other.0.iter().map(|(head, chosen)| (head.clone(), chosen.clone())));
    }

    /// The labels of a head; nothing when nobody has said any.
    pub fn find(&self, head: &str) -> Option<&[LabelId]> {
        let chosen = self.0.iter().find(|(id, _)| id.as_str() == head)?.1;
        Some(match chosen {
            Chosen::One(label) => std::slice::from_ref(label),
            Chosen::Many(labels) => labels,
        })
    }

    /// The first label of the head that plays this role.
    pub fn role(&self, role: Role) -> Option<&LabelId> {
        self.find(role.head_name())?.first()
    }

    /// The heads with their labels, by the heads' names.
    pub fn iter(&self) -> impl Iterator<Item = (&LabelId, &[LabelId])> {
        self.0.iter().map(|(head, chosen)| match chosen {
            Chosen::One(label) => (head, std::slice::from_ref(label)),
            Chosen::Many(labels) => (head, labels.as_slice()),
        })
    }

    /// Whether nothing is labelled.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
