//! The encoder's part of `fenzhen-lab train`: starting weights, checkpoints, and its files in the
//! bundle.

use std::path::{Path, PathBuf};

use anyhow::Context;
use candle_core::Device;
use fenzhen::inference::{ENCODER_CONFIG_FILE, ENCODER_FILE, PlainEncoder, TOKENIZER_FILE};
use fenzhen::registry::{Blend, BlendEncoder, BundleWriter, Digest};

use crate::commands::input::Chosen;
use crate::commands::start::{Begun, Start};
use crate::commands::teaching::Lesson;
use crate::dataset::Dataset;
use crate::encoder::{self, Checkpoints, Error, Plan, Task, TrainedEncoder};
use crate::progress::Progress;
use crate::trainer::Trained;

/// Where the encoder of a training comes from, and where what it has reached is kept.
#[derive(Debug, clap::Args)]
pub(super) struct Places {
    #[command(flatten)]
    start: Start,
    /// Where a training of an encoder's layers keeps what it has reached; killed, it goes on from
    /// there [default: the folder to write, with `.checkpoints` at its end]
    #[arg(long, value_name = "DIR")]
    checkpoints: Option<PathBuf>,
    /// Where an encoder's layers are trained; `cuda` needs a `fenzhen-lab` built with
    /// `--features cuda`
    #[arg(long, value_enum, default_value_t)]
    device: Place,
}

/// What computes the steps of a training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Place {
    /// This machine's CPU.
    #[default]
    Cpu,
    /// Its first NVIDIA GPU.
    Cuda,
}

impl Places {
    fn checkpoints(&self, out: &Path) -> PathBuf {
        let mut name = out.file_name().unwrap_or_default().to_owned();
        name.push(".checkpoints");
        self.checkpoints.clone().unwrap_or_else(|| out.with_file_name(name))
    }

    /// The device that was asked for.
    pub(super) fn open_device(&self) -> anyhow::Result<Device> {
        match self.device {
            Place::Cpu => Ok(Device::Cpu),
            Place::Cuda if !candle_core::utils::cuda_is_available() => anyhow::bail!(
                "this fenzhen-lab was built without CUDA; build it with `cargo build --release -p \
                 fenzhen-lab --features cuda`, or leave `--device` out"
            ),
            Place::Cuda => Device::new_cuda(0)
                .context("cannot use the first GPU; `nvidia-smi` shows whether there is one"),
        }
    }
}

/// A training that may have an encoder.
#[derive(Clone, Copy)]
pub(super) struct Training<'a> {
    pub(super) dataset: &'a Dataset,
    pub(super) chosen: Chosen<'a>,
    pub(super) recipe_digest: Digest,
    pub(super) places: &'a Places,
    pub(super) device: &'a Device,
    pub(super) lesson: &'a Lesson,
    pub(super) out: &'a Path,
}

/// Trains the encoder that the recipe describes, if it describes one.
pub(super) fn train(
    training: Training<'_>,
    progress: &Progress,
) -> anyhow::Result<Option<TrainedEncoder>> {
    let Training { dataset, chosen, recipe_digest, places, device, lesson, out } = training;
    let Some(settings) = &chosen.recipe.encoder else { return Ok(None) };
    let Begun { encoder, learned } = places.start.read(chosen, settings, progress)?;
    let (seed, triage_share) = (chosen.recipe.seed, chosen.recipe.triage_share);
    let task = Task { dataset, settings, seed, triage_share, learned: learned.as_ref() };
    if settings.trained_layers == 0 {
        let encoder = encoder.cut(settings.max_tokens)?;
        let vectors = encoder::vectors(&encoder, &dataset.texts, progress)?;
        let fitted = encoder::fit_heads(task, vectors, progress);
        return Ok(Some(TrainedEncoder { encoder, learned, fitted }));
    }
    let PlainEncoder::Bert(folder) = &encoder else { return Err(Error::Frozen.into()) };
    // What a checkpoint belongs to: all that a training comes from.
    let Dataset { taxonomy, texts, labels, .. } = dataset;
    let weights = Digest::of(&folder.parameters.to_bytes(true));
    let settled = (recipe_digest, seed, learned.as_ref(), weights);
    let taught = (&lesson.taught.texts, &lesson.taught.shares);
    let identity = serde_json::to_vec(&(settled, taxonomy, texts, labels, taught))?;
    let checkpoints = Checkpoints::new(places.checkpoints(out), Digest::of(&identity));
    let (taught, checkpoints) = (&lesson.taught, &checkpoints);
    let plan = Plan { task, taught, folder, checkpoints, device };
    Ok(Some(encoder::fine_tune(&plan, progress)?))
}

/// Joins an encoder to a linear model.
pub(super) fn join(
    training: Training<'_>,
    linear: &mut Trained,
    trained: &TrainedEncoder,
) -> Blend {
    let triage_share = training.chosen.recipe.triage_share;
    let blend = encoder::join(training.dataset, triage_share, linear, &trained.fitted);
    let architecture = trained.encoder.architecture();
    let encoder = Some(BlendEncoder { architecture, learned: trained.learned.clone() });
    Blend { encoder, ..blend }
}

/// Adds the encoder's files to a bundle.
pub(super) fn write(trained: &TrainedEncoder, writer: &mut BundleWriter) -> anyhow::Result<()> {
    let encoder = &trained.encoder;
    writer.add(ENCODER_FILE, &encoder.pack(&trained.fitted.heads))?;
    writer.add(ENCODER_CONFIG_FILE, &encoder.shape_json())?;
    writer.add(TOKENIZER_FILE, encoder.tokenizer().to_json()?.as_bytes())?;
    Ok(())
}
