//! Recipes: everything that decides about a model beside its data. Written in TOML, checked on
//! reading.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use fenzhen::registry::{Digest, FeatureSource};
use serde::Deserialize;

use crate::encoder::EncoderSettings;

/// Why a recipe cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read `{path}`")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// A file does not parse.
    #[error("`{path}` is not readable")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// Values that make no sense, all of them.
    #[error("recipe `{name}` has mistakes: {}", .mistakes.join("; "))]
    Mistakes {
        /// The recipe.
        name: String,
        /// What is wrong.
        mistakes: Vec<String>,
    },
}

/// How to train a model.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The recipe's name, which the bundle carries on.
    pub name: String,
    /// The seed of every random choice.
    pub seed: u64,
    /// How many folds the calibration is fitted on.
    pub folds: usize,
    /// The share of texts that a head leaves to people because it is least sure of them.
    pub triage_share: f32,
    /// The file with the heads, relative to the recipe; without it they come from the data.
    #[serde(default)]
    pub taxonomy: Option<PathBuf>,
    /// What to train on, relative to the recipe, unless the command names data.
    #[serde(default)]
    pub data: Vec<PathBuf>,
    /// Gold sets, relative to the recipe, whose texts training refuses beside the shipped ones.
    #[serde(default)]
    pub gold: Vec<PathBuf>,
    /// What the model sees of a text.
    pub features: FeatureSource,
    /// Which features it keeps.
    pub pruning: Pruning,
    /// When the solver stops.
    pub solver: SolverSettings,
    /// How every head is trained that has no settings of its own.
    pub defaults: HeadSettings,
    /// Settings of single heads.
    #[serde(default)]
    pub heads: BTreeMap<String, HeadSettings>,
    /// The encoder that makes the model a blend; without it the model is linear.
    #[serde(default)]
    pub encoder: Option<EncoderSettings>,
}

/// Which features a model keeps.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pruning {
    /// Features in fewer texts are left out.
    pub min_document_frequency: u32,
    /// The most frequent ones are kept.
    pub max_features: usize,
}

/// When the solver stops.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SolverSettings {
    /// At most this many passes over the data.
    pub max_epochs: usize,
    /// When no projected gradient is larger.
    pub tolerance: f32,
}

/// How a head is trained.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadSettings {
    /// The price of an error against the size of the weights, C of a support vector machine.
    pub cost: f32,
    /// Classes weigh (mean size / own size) to this power: 0 as they come, 1 all the same.
    pub class_weight_power: f32,
}

impl Recipe {
    /// Reads a recipe; also returns the digest of its text.
    pub fn read(path: &Path) -> Result<(Self, Digest), Error> {
        let text = fs::read_to_string(path)
            .map_err(|source| Error::Io { path: path.to_owned(), source })?;
        let recipe: Self = toml::from_str(&text)
            .map_err(|source| Error::Parse { path: path.to_owned(), source: Box::new(source) })?;
        recipe.check()?;
        Ok((recipe, Digest::of(text.as_bytes())))
    }

    /// The recipe for tables that come without one.
    pub fn for_tables() -> (Self, Digest) {
        const TEXT: &str = include_str!("../recipes/table.toml");
        let recipe = toml::from_str(TEXT).expect("the built-in recipe is tested");
        (recipe, Digest::of(TEXT.as_bytes()))
    }

    /// The settings of a head.
    pub fn head(&self, id: &str) -> HeadSettings {
        self.heads.get(id).copied().unwrap_or(self.defaults)
    }

    fn check(&self) -> Result<(), Error> {
        let mut mistakes = Vec::new();
        let (shortest, longest) = self.features.char_ngrams;
        if shortest < 1 || longest < shortest || 8 < longest {
            mistakes
                .push(format!("character n-grams of {shortest} to {longest} are not supported"));
        }
        if !(2..=20).contains(&self.folds) {
            mistakes.push(format!("{} folds are not between 2 and 20", self.folds));
        }
        if !(0.0..1.0).contains(&self.triage_share) {
            mistakes.push(format!("a triage share of {} is no share", self.triage_share));
        }
        for (id, head) in self.heads.iter().chain([(&"defaults".to_owned(), &self.defaults)]) {
            if !(head.cost.is_finite() && 0.0 < head.cost) {
                mistakes.push(format!("the cost of `{id}` is not positive"));
            }
            if !(0.0..=1.5).contains(&head.class_weight_power) {
                mistakes.push(format!("the class weight power of `{id}` is not between 0 and 1.5"));
            }
        }
        if let Some(encoder) = &self.encoder {
            encoder.check(&mut mistakes);
        }
        if mistakes.is_empty() {
            return Ok(());
        }
        Err(Error::Mistakes { name: self.name.clone(), mistakes })
    }
}
