//! The encoder's part of `fenzhen-lab train`: starting weights, checkpoints, the blend, and its
//! files in the bundle.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::Context;
use fenzhen::domain::{Head, HeadKind};
use fenzhen::inference::{
    ENCODER_CONFIG_FILE, ENCODER_FILE, EncoderFolder, EncoderHeads, TOKENIZER_FILE, pack,
};
use fenzhen::registry::{
    Blend, BlendWeights, Bundle, BundleWriter, Cascade, Digest, Kind, MANIFEST_FILE,
};

use crate::commands::input::Chosen;
use crate::dataset::Dataset;
use crate::encoder;
use crate::encoder::{Checkpoints, Error, Members, Plan, TrainedEncoder};
use crate::progress::Progress;
use crate::trainer::Trained;

/// Where the encoder of a training comes from, and where what it has reached is kept.
#[derive(Debug, clap::Args)]
pub(super) struct Places {
    /// The starting weights of the encoder, where the recipe has one: a folder in the layout of
    /// Hugging Face, or the bundle of a blend [default: the one that the recipe names]
    #[arg(long, value_name = "DIR")]
    encoder: Option<PathBuf>,
    /// Where a training of an encoder keeps what it has reached; killed, it goes on from there
    /// [default: the folder to write, with `.checkpoints` at its end]
    #[arg(long, value_name = "DIR")]
    checkpoints: Option<PathBuf>,
}

impl Places {
    fn folder(&self, chosen: Chosen<'_>) -> Result<PathBuf, Error> {
        let settings = chosen.recipe.encoder.as_ref();
        let named = settings.and_then(|settings| settings.folder.as_deref());
        let named = named.map(|folder| chosen.beside(folder));
        self.encoder.clone().or(named).ok_or(Error::NoFolder)
    }

    fn checkpoints(&self, out: &Path) -> PathBuf {
        let mut name = out.file_name().unwrap_or_default().to_owned();
        name.push(".checkpoints");
        self.checkpoints.clone().unwrap_or_else(|| out.with_file_name(name))
    }
}

/// A training that may have an encoder.
#[derive(Clone, Copy)]
pub(super) struct Training<'a> {
    pub(super) dataset: &'a Dataset,
    pub(super) chosen: Chosen<'a>,
    pub(super) recipe_digest: Digest,
    pub(super) places: &'a Places,
    pub(super) out: &'a Path,
}

/// Trains the encoder that the recipe describes, if it describes one.
pub(super) fn train(
    training: Training<'_>,
    progress: &Progress,
) -> anyhow::Result<Option<TrainedEncoder>> {
    let Training { dataset, chosen, recipe_digest, places, out } = training;
    let Some(settings) = &chosen.recipe.encoder else { return Ok(None) };
    let path = places.folder(chosen)?;
    progress.step("reading the encoder");
    let folder =
        read(&path).with_context(|| format!("`{}` is no encoder to begin with", path.display()))?;
    let seed = chosen.recipe.seed;
    // What a checkpoint belongs to: recipe, texts, starting weights.
    let weights = Digest::of(&folder.parameters.to_bytes(true));
    let data: Vec<String> = dataset.sources.iter().map(|it| it.sha256.to_string()).collect();
    let identity = format!("{recipe_digest} {seed} {} {weights}", data.join(" "));
    let plan = Plan {
        dataset,
        settings,
        folder: &folder,
        seed,
        checkpoints: Checkpoints::new(places.checkpoints(out), Digest::of(identity.as_bytes())),
        triage_share: chosen.recipe.triage_share,
    };
    Ok(Some(encoder::train(&plan, progress)?))
}

fn read(path: &Path) -> anyhow::Result<EncoderFolder> {
    if path.join(MANIFEST_FILE).exists() {
        return Ok(EncoderFolder::from_bundle(&Bundle::open(path)?)?);
    }
    Ok(EncoderFolder::read(path)?)
}

/// Joins an encoder to a linear model: scores are mixed and calibrated on the texts that neither
/// has seen, and the figures are of these.
pub(super) fn join(
    training: Training<'_>,
    linear: &mut Trained,
    encoder: &TrainedEncoder,
) -> Blend {
    let scores = encoder.validation.iter().map(|&text| linear.scores[text].clone());
    let scores: Vec<Vec<f32>> = scores.collect();
    let alone = linear.decisions.clone();
    let members = Members { linear: &scores, encoder: &encoder.scores, alone: &alone };
    let triage_share = training.chosen.recipe.triage_share;
    let heads = encoder::blend(training.dataset, &encoder.validation, members, triage_share);
    let (mut weights, mut easy_from) = (BTreeMap::new(), BTreeMap::new());
    for (head, blended) in heads {
        let encoder::Blended { linear: of_linear, encoder, decision, report, easy_from: from } =
            blended;
        easy_from.extend(from.map(|from| (head.clone(), from)));
        weights.insert(head.clone(), BlendWeights { linear: of_linear, encoder });
        linear.decisions.insert(head.clone(), decision);
        linear.held_out.insert(head, report);
    }
    // Every head that has one label must be sure, or a sure one would answer for one that is not.
    let is_single = |head: &&Head| head.kind != HeadKind::MultiLabel;
    let n_single = training.dataset.taxonomy.heads().iter().filter(is_single).count();
    let is_complete = 0 < n_single && easy_from.len() == n_single;
    let cascade = is_complete.then_some(Cascade { easy_from, decisions: alone });
    Blend { weights, cascade }
}

/// Adds the encoder's files to a bundle.
pub(super) fn write(encoder: &TrainedEncoder, writer: &mut BundleWriter) -> anyhow::Result<Kind> {
    let heads = EncoderHeads {
        means: encoder.standard.means.clone(),
        deviations: encoder.standard.deviations.clone(),
        weights: encoder.weights.clone(),
        biases: encoder.biases.clone(),
    };
    let config = serde_json::to_vec_pretty(&encoder.config).context("the shape is no JSON")?;
    writer.add(ENCODER_FILE, &pack(&encoder.config, &encoder.parameters, &heads))?;
    writer.add(ENCODER_CONFIG_FILE, &config)?;
    writer.add(TOKENIZER_FILE, encoder.tokenizer.to_json()?.as_bytes())?;
    Ok(Kind::Blend)
}
