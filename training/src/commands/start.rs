//! What a training of heads or layers begins with: the encoder that a command or a recipe names.

use std::path::{Path, PathBuf};

use anyhow::Context;
use fenzhen::inference::PlainEncoder;
use fenzhen::registry::{Bundle, Learned, MANIFEST_FILE, Manifest};

use crate::commands::input::Chosen;
use crate::crossval::Frozen;
use crate::dataset::Dataset;
use crate::encoder::{self, EncoderSettings, Error};
use crate::progress::Progress;

/// Where the encoder comes from.
#[derive(Debug, clap::Args)]
pub struct Start {
    /// The starting weights of the encoder, where the recipe has one: a folder in the layout of
    /// Hugging Face, or the bundle of a blend [default: the one that the recipe names]
    #[arg(long, value_name = "DIR")]
    encoder: Option<PathBuf>,
}

/// An encoder to begin with.
pub(super) struct Begun {
    pub(super) encoder: PlainEncoder,
    /// The labelled texts that it has learned from.
    pub(super) learned: Option<Learned>,
}

impl Start {
    /// Reads the encoder.
    pub(super) fn read(
        &self,
        chosen: Chosen<'_>,
        settings: &EncoderSettings,
        progress: &Progress,
    ) -> anyhow::Result<Begun> {
        let named = settings.folder.as_deref().map(|folder| chosen.beside(folder));
        let path = self.encoder.clone().or(named).ok_or(Error::NoFolder)?;
        progress.step("reading the encoder");
        read(&path, settings)
            .with_context(|| format!("`{}` is no encoder to begin with", path.display()))
    }

    /// The vectors of a data set's texts, for heads that are fitted fold by fold; nothing where the
    /// recipe has no encoder.
    pub(super) fn freeze<'r>(
        &self,
        chosen: Chosen<'r>,
        dataset: &Dataset,
        progress: &Progress,
    ) -> anyhow::Result<Option<Frozen<'r>>> {
        let Some(settings) = &chosen.recipe.encoder else {
            anyhow::ensure!(
                self.encoder.is_none(),
                "recipe `{}` has no encoder\nhint: leave `--encoder` away, or take a recipe with \
                 an `[encoder]`",
                chosen.recipe.name
            );
            return Ok(None);
        };
        if 0 < settings.trained_layers {
            let (recipe, n_layers) = (chosen.recipe.name.clone(), settings.trained_layers);
            return Err(Error::FineTuning { recipe, n_layers }.into());
        }
        let Begun { encoder, learned } = self.read(chosen, settings, progress)?;
        let known = learned.iter().flat_map(|learned| &learned.data);
        let names: Vec<&str> = known
            .filter(|known| dataset.sources.iter().any(|source| source.sha256 == known.sha256))
            .map(|known| known.name.as_str())
            .collect();
        if !names.is_empty() {
            progress.note(&format!(
                "the encoder has learned the labels of {}: figures flatter, and errors in these \
                 labels stay hidden; begin with one that has not",
                names.join(", ")
            ));
        }
        let encoder = encoder.cut(settings.max_tokens)?;
        let vectors = encoder::vectors(&encoder, &dataset.texts, progress)?;
        Ok(Some(Frozen { settings, vectors }))
    }
}

fn read(path: &Path, settings: &EncoderSettings) -> anyhow::Result<Begun> {
    if !path.join(MANIFEST_FILE).exists() {
        return Ok(Begun { encoder: PlainEncoder::read(path)?, learned: None });
    }
    let bundle = Bundle::open(path)?;
    let learned = learned(bundle.manifest(), settings.validation_folds);
    Ok(Begun { encoder: PlainEncoder::from_bundle(&bundle)?, learned })
}

/// What the encoder of a bundle has learned from. The first bundles do not say: theirs were trained
/// on the texts of the lineage, with as many folds as all recipes have.
fn learned(manifest: &Manifest, n_folds: usize) -> Option<Learned> {
    let lineage = &manifest.lineage;
    let first = || Learned { seed: lineage.seed, n_folds, data: lineage.data.clone() };
    let encoder = manifest.blend.as_ref().and_then(|blend| blend.encoder.as_ref());
    encoder.map_or_else(|| Some(first()), |encoder| encoder.learned.clone())
}
