//! `bundle.toml`: everything about a model but its weights. Pure data; `inference` gives it
//! meaning. Fields that later versions add must be optional, so that every bundle ever written
//! still loads.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{Head, HeadKind, Taxonomy};
use crate::registry::{Digest, Error};

/// The version of the bundle layout that this program writes and reads.
pub const FORMAT: u32 = 1;

/// The manifest's file name.
pub const MANIFEST_FILE: &str = "bundle.toml";

/// What kind of model the bundle holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One sparse weight matrix over n-grams and words.
    Linear,
    /// A linear model and an encoder, whose scores are added up.
    Blend,
}

/// The manifest of a bundle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The layout version, [`FORMAT`].
    pub format: u32,
    /// The bundle's name, which is its folder's name too.
    pub name: String,
    /// What kind of model it holds.
    pub kind: Kind,
    /// When it was made. Not part of the bundle's digest: the same recipe, seed and data make
    /// the same bundle on any day.
    pub created_at: Timestamp,
    /// Where it comes from.
    pub lineage: Lineage,
    /// What the model sees of a text.
    pub features: FeatureSource,
    /// The labels it predicts.
    pub taxonomy: Taxonomy,
    /// How scores become probabilities and choices, by head.
    pub decisions: BTreeMap<String, HeadDecision>,
    /// How the members of a blend are joined; there for blends alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blend: Option<Blend>,
    /// How well it did on texts it was not trained on: head → measure → value.
    #[serde(default)]
    pub metrics: BTreeMap<String, BTreeMap<String, f64>>,
    /// The files beside the manifest.
    pub files: Vec<FileEntry>,
}

/// Where a bundle comes from: enough to make it again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lineage {
    /// The program and version that trained it.
    pub tool: String,
    /// The recipe's name.
    pub recipe: String,
    /// The digest of the recipe's text.
    pub recipe_sha256: Digest,
    /// The seed of every random choice.
    pub seed: u64,
    /// The version of the bundle it continues or replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The data it was trained on.
    pub data: Vec<DataSource>,
    /// Texts without labels that its encoder learned from, as the teachers understood them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unlabelled: Vec<DataSource>,
    /// The versions of the bundles that taught these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teachers: Vec<String>,
}

/// A file that a model was trained on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSource {
    /// The file's name without its folder.
    pub name: String,
    /// The digest of the file.
    pub sha256: Digest,
    /// How many texts were taken from it.
    pub n_texts: usize,
}

/// What the model sees of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureSource {
    /// The shortest and the longest character n-gram.
    pub char_ngrams: (u8, u8),
    /// Whether words count beside n-grams.
    pub words: bool,
    /// Whether amounts, counts and the length of the text count.
    pub facts: bool,
}

/// How the scores of a head become probabilities and a choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadDecision {
    /// From scores to probabilities, and from those to a choice.
    pub calibration: Calibration,
    /// Below this probability of the chosen label the head abstains.
    pub abstain_below: f32,
}

/// From scores to probabilities, and from those to a choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case", deny_unknown_fields)]
pub enum Calibration {
    /// Multi-class: softmax(weights · scores + biases), the matrix scaling of Guo et al. 2017. The
    /// label with the highest probability × preference is chosen.
    Softmax {
        /// One row per label, one weight per output of the head.
        weights: Vec<Vec<f32>>,
        /// One per label.
        biases: Vec<f32>,
        /// One per label; raises labels that the measure values above their share.
        preferences: Vec<f32>,
    },
    /// Ordinal: the outputs say how far the text is above each threshold between neighboring
    /// labels (Frank & Hall 2001); probabilities as above. The label is chosen by comparing the
    /// expected rank with cut points.
    Ranked {
        /// One row per label, one weight per output of the head.
        weights: Vec<Vec<f32>>,
        /// One per label.
        biases: Vec<f32>,
        /// Expected ranks at which the choice moves up one label.
        cuts: Vec<f32>,
        /// The probability of the highest label from which it is chosen whatever the rank; bundles
        /// of before know none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        highest_from: Option<f32>,
    },
    /// Multi-label: a logistic function per label (Platt 1999) and a threshold per label.
    Sigmoid {
        /// One slope per label.
        slopes: Vec<f32>,
        /// One intercept per label.
        intercepts: Vec<f32>,
        /// The probability from which a label is chosen.
        thresholds: Vec<f32>,
    },
}

/// How the members of a blend are joined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blend {
    /// What each member's scores count, by head.
    pub weights: BTreeMap<String, BlendWeights>,
    /// What its encoder is; without it a BERT that learned from the texts of the lineage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder: Option<BlendEncoder>,
    /// When and how the linear member may answer alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cascade: Option<Cascade>,
}

/// What the encoder of a blend is, and what it has learned from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlendEncoder {
    /// What computes it.
    pub architecture: Architecture,
    /// The labelled texts that its layers were trained on; nothing where they are as they were
    /// read. Heads that were fitted later have the lineage's texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learned: Option<Learned>,
}

/// Architectures of encoders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// BERT, and what is one under another name: `RoBERTa`, `XLM-RoBERTa`, `DistilBERT`.
    #[default]
    Bert,
    /// `ModernBERT`.
    ModernBert,
}

/// Which labelled texts an encoder was trained on: all of the data but for one
/// fold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Learned {
    /// The seed.
    pub seed: u64,
    /// How many folds were dealt; of which the first was kept.
    pub n_folds: usize,
    /// The files, in their order.
    pub data: Vec<DataSource>,
}

/// A head's score is `linear` × the linear member's + `encoder` × the encoder's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlendWeights {
    /// What the linear member's scores count.
    pub linear: f32,
    /// What the encoder's scores count.
    pub encoder: f32,
}

/// How the linear member answers alone where a text is easy and time is short.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cascade {
    /// A text is easy when the linear member alone is at least so confident in its choice for each
    /// of these heads: the probability of the label, and for multi-label heads that of the label
    /// about which least is known, chosen or left out.
    pub easy_from: BTreeMap<String, f32>,
    /// How scores of the linear member alone become probabilities and choices, by head.
    pub decisions: BTreeMap<String, HeadDecision>,
}

/// A file of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its name in the bundle's folder.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Its digest.
    pub sha256: Digest,
}

impl Manifest {
    /// Checks what the types alone cannot say: every head has a decision of its shape, and a blend
    /// says how it is joined.
    pub fn check(&self) -> Result<(), Error> {
        match self.contradiction() {
            Some(why) => Err(Error::Contradiction { name: self.name.clone(), why }),
            None => Ok(()),
        }
    }

    /// What computes the encoder of a blend.
    pub fn architecture(&self) -> Architecture {
        let encoder = self.blend.as_ref().and_then(|blend| blend.encoder.as_ref());
        encoder.map(|encoder| encoder.architecture).unwrap_or_default()
    }

    fn contradiction(&self) -> Option<String> {
        let of_decisions = contradiction_of(&self.taxonomy, &self.decisions);
        of_decisions.or_else(|| match (self.kind, &self.blend) {
            (Kind::Linear, None) => None,
            (Kind::Linear, Some(_)) => Some("a linear model has a table `blend`".to_owned()),
            (Kind::Blend, None) => Some("a blend has no table `blend`".to_owned()),
            (Kind::Blend, Some(blend)) => blend.contradiction(&self.taxonomy),
        })
    }
}

impl Blend {
    fn contradiction(&self, taxonomy: &Taxonomy) -> Option<String> {
        let is_fine = |weights: &BlendWeights| {
            [weights.linear, weights.encoder].into_iter().all(f32::is_finite)
        };
        for head in taxonomy.heads() {
            if !self.weights.get(head.id.as_str()).is_some_and(is_fine) {
                return Some(format!(
                    "head `{}` has no weights in `blend` that are numbers",
                    head.id
                ));
            }
        }
        let cascade = self.cascade.iter();
        let easy = cascade.flat_map(|it| it.easy_from.keys());
        if let Some(id) =
            self.weights.keys().chain(easy).find(|id| taxonomy.find_head(id).is_none())
        {
            return Some(format!("`blend` speaks of `{id}`, which is no head"));
        }
        let cascade = self.cascade.as_ref()?;
        if cascade.easy_from.is_empty() {
            return Some("`blend.cascade` takes every text as easy".to_owned());
        }
        contradiction_of(taxonomy, &cascade.decisions)
    }
}

/// Whether there is one decision for each head, of its shape.
fn contradiction_of(
    taxonomy: &Taxonomy,
    decisions: &BTreeMap<String, HeadDecision>,
) -> Option<String> {
    for head in taxonomy.heads() {
        let Some(decision) = decisions.get(head.id.as_str()) else {
            return Some(format!("head `{}` has no decision", head.id));
        };
        if !decision.calibration.fits(head) {
            return Some(format!(
                "the calibration of head `{}` does not fit its kind or its {} labels",
                head.id,
                head.labels.len()
            ));
        }
    }
    let stranger = decisions.keys().find(|id| taxonomy.find_head(id).is_none());
    stranger.map(|id| format!("there is a decision for `{id}`, which is no head"))
}

impl Calibration {
    fn fits(&self, head: &Head) -> bool {
        let n_labels = head.labels.len();
        let is_list = |list: &[f32], len: usize| {
            list.len() == len && list.iter().all(|value| value.is_finite())
        };
        let is_matrix = |rows: &[Vec<f32>], len: usize| {
            rows.len() == n_labels && rows.iter().all(|row| is_list(row, len))
        };
        match (self, head.kind) {
            (Self::Softmax { weights, biases, preferences }, HeadKind::MultiClass) => {
                is_matrix(weights, n_labels)
                    && is_list(biases, n_labels)
                    && is_list(preferences, n_labels)
            }
            (Self::Ranked { weights, biases, cuts, highest_from }, HeadKind::Ordinal) => {
                is_matrix(weights, n_labels - 1)
                    && is_list(biases, n_labels)
                    && is_list(cuts, n_labels - 1)
                    && cuts.is_sorted()
                    && highest_from.is_none_or(|from| 0.0 < from && from <= 1.0)
            }
            (Self::Sigmoid { slopes, intercepts, thresholds }, HeadKind::MultiLabel) => {
                [slopes, intercepts, thresholds].iter().all(|list| is_list(list, n_labels))
            }
            _ => false,
        }
    }
}
