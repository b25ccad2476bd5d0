//! The label sets that a model predicts. A taxonomy is data: it comes with the model bundle, and
//! nothing in the code names a label.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::domain::LabelId;

/// How the labels of a head relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeadKind {
    /// Exactly one label.
    MultiClass,
    /// Exactly one label of an ordered set, lowest first.
    Ordinal,
    /// Any number of labels.
    MultiLabel,
}

/// What the service's answer uses a head for. Heads with other names are trained and judged all
/// the same, but routing does not look at them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// What the complaint is about: the head named `category`.
    Category,
    /// How severe it is: the head named `severity`, an ordinal one.
    Severity,
    /// The mood of the writer: the head named `sentiment`.
    Sentiment,
    /// The risks that the text states: the head named `signals`, a multi-label one.
    Signals,
}

impl Role {
    /// The name of the head that plays this role.
    pub const fn head_name(self) -> &'static str {
        match self {
            Self::Category => "category",
            Self::Severity => "severity",
            Self::Sentiment => "sentiment",
            Self::Signals => "signals",
        }
    }

    /// The kind of head that can play this role.
    pub const fn kind(self) -> HeadKind {
        match self {
            Self::Category | Self::Sentiment => HeadKind::MultiClass,
            Self::Severity => HeadKind::Ordinal,
            Self::Signals => HeadKind::MultiLabel,
        }
    }
}

/// A label and the name that people read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelDefinition {
    /// The identifier in data, rules and the API.
    pub id: LabelId,
    /// The name on screens and in reasons, usually Chinese.
    pub name: String,
}

/// One question that the model answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The identifier, such as `category`.
    pub id: LabelId,
    /// The name on screens, usually Chinese.
    pub name: String,
    /// How the labels relate.
    pub kind: HeadKind,
    /// The labels in the order of the model's outputs; an ordinal head goes from low to high.
    pub labels: Vec<LabelDefinition>,
}

impl Head {
    /// The position of a label.
    pub fn label_idx(&self, id: &str) -> Option<usize> {
        self.labels.iter().position(|label| label.id.as_str() == id)
    }
}

/// The heads as written in a file, not yet checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxonomySource {
    /// The heads in the order of the model's outputs.
    pub heads: Vec<Head>,
}

/// Every head of a model, with unique names and at least one label each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "TaxonomySource", into = "TaxonomySource")]
pub struct Taxonomy {
    heads: Vec<Head>,
}

/// Everything that is wrong with a taxonomy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the taxonomy has mistakes: {}", .0.join("; "))]
pub struct TaxonomyError(Vec<String>);

impl Taxonomy {
    /// The heads in the order of the model's outputs.
    pub fn heads(&self) -> &[Head] {
        &self.heads
    }

    /// The head with this name, and its position.
    pub fn find_head(&self, id: &str) -> Option<(usize, &Head)> {
        self.heads.iter().enumerate().find(|(_, head)| head.id.as_str() == id)
    }

    /// The head that plays a role in the service's answer, and its position. A head of the right
    /// name and another kind does not play it.
    pub fn role(&self, role: Role) -> Option<(usize, &Head)> {
        self.find_head(role.head_name()).filter(|(_, head)| head.kind == role.kind())
    }
}

impl TryFrom<TaxonomySource> for Taxonomy {
    type Error = TaxonomyError;

    fn try_from(source: TaxonomySource) -> Result<Self, Self::Error> {
        let mut mistakes = Vec::new();
        if source.heads.is_empty() {
            mistakes.push("there is no head".to_owned());
        }
        let mut head_ids = HashSet::new();
        for head in &source.heads {
            if !head_ids.insert(&head.id) {
                mistakes.push(format!("head `{}` is given twice", head.id));
            }
            if head.labels.is_empty() {
                mistakes.push(format!("head `{}` has no label", head.id));
            }
            let mut label_ids = HashSet::new();
            for label in head.labels.iter().filter(|label| !label_ids.insert(&label.id)) {
                mistakes.push(format!("head `{}` has label `{}` twice", head.id, label.id));
            }
        }
        if mistakes.is_empty() {
            Ok(Self { heads: source.heads })
        } else {
            Err(TaxonomyError(mistakes))
        }
    }
}

impl From<Taxonomy> for TaxonomySource {
    fn from(taxonomy: Taxonomy) -> Self {
        Self { heads: taxonomy.heads }
    }
}
