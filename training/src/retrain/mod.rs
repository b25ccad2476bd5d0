//! The whole loop: what people said since → train → measure against the live model → gate →
//! promote. Nothing before the last step touches what is live, so that it may be killed at any
//! point; everything is written to a folder of its own for each run.

mod folder;
mod leaks;
mod people;

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use clap::Parser;
use fenzhen::domain::Taxonomy;
use fenzhen::inference::{ENCODER_FILE, WEIGHTS_FILE};
use fenzhen::registry::{Bundle, Digest, Kind, Live, Registry};
use jiff::Timestamp;
use serde::Serialize;

use crate::card;
use crate::commands::train;
use crate::dataset;
use crate::desk::{self, Desk};
use crate::drift::{self, Profile};
use crate::evaluation::{self, evaluate};
use crate::gate::{self, Model, Outcome, Settings, TestSet};
use crate::progress::Progress;
use crate::recipe::{self, Recipe};
use crate::report::Report;

pub use folder::RunFolder;
pub use people::{Labelled, Split};

/// What one run does.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How to train.
    pub recipe: PathBuf,
    /// Labelled texts beside those of the desk.
    pub base: Vec<PathBuf>,
    /// The column of their texts.
    pub text_column: String,
    /// The service's database.
    pub database: String,
    /// The folder with a folder for each run.
    pub runs: PathBuf,
    /// What a model must hold to go live.
    pub gate: PathBuf,
    /// The share of labelled cases, the newest, that are measured on and not trained on.
    pub holdout: f64,
    /// What the next bundle's name begins with.
    pub name: String,
    /// Who runs it.
    pub by: String,
    /// When it began.
    pub now: Timestamp,
}

/// What a run came to.
pub struct Run {
    /// Its folder.
    pub folder: RunFolder,
    /// What the gate found.
    pub outcome: Outcome,
    /// The next model.
    pub candidate: Model,
}

/// Why a run ended early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The registry, or another run that is at it.
    #[error(transparent)]
    Registry(#[from] fenzhen::registry::Error),
    /// The database.
    #[error(transparent)]
    Desk(#[from] desk::Error),
    /// The gate cannot decide.
    #[error(transparent)]
    Gate(#[from] gate::Error),
    /// The models cannot be measured.
    #[error("cannot measure the models")]
    Evaluation(#[from] evaluation::Error),
    /// Training failed.
    #[error("cannot train: {0}")]
    Train(String),
    /// The recipe cannot be used.
    #[error(transparent)]
    Recipe(#[from] recipe::Error),
    /// The base texts cannot be used.
    #[error(transparent)]
    Dataset(#[from] dataset::Error),
    /// The drift profile cannot be made.
    #[error(transparent)]
    Drift(#[from] drift::Error),
    /// The recipe leaves the heads to the data.
    #[error("recipe `{recipe}` names no taxonomy: state one, so that every model has every label")]
    NoTaxonomy {
        /// The recipe.
        recipe: PathBuf,
    },
    /// A file cannot be read.
    #[error("cannot read `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The taxonomy does not parse.
    #[error("`{path}` is no taxonomy")]
    Taxonomy {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A file of the run cannot be written.
    #[error("cannot write `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// Test texts are among the base texts.
    #[error(
        "{n_texts} texts of `{path}` are test texts, and test texts are never trained on: take them out of one or the other"
    )]
    Leak {
        /// The file with base texts.
        path: PathBuf,
        /// How many.
        n_texts: usize,
    },
    /// The next model is the live one.
    #[error("`{0}` has learned this already: nothing new to promote")]
    NothingNew(String),
}

/// What a run trained on and measured on, for the record.
#[derive(Clone, Debug, Serialize)]
struct Summary<'a> {
    started_at: Timestamp,
    by: &'a str,
    live: Option<Live>,
    candidate: Live,
    passed: bool,
    n_labelled_cases: usize,
    n_trained_on: usize,
    n_held_out: usize,
    n_left_out: usize,
    snapshot_sha256: Digest,
    failed: Vec<String>,
}

impl Plan {
    /// Runs the loop up to the gate. The lock is held by the caller's `registry`.
    pub fn run(&self, registry: &Registry, progress: &Progress) -> Result<Run, Error> {
        let settings = Settings::read(&self.gate)?;
        let (recipe, _) = Recipe::read(&self.recipe)?;
        let folder = RunFolder::create(&self.runs, self.now)?;
        progress.step(&format!("run folder `{}`", folder.path().display()));
        progress.step("snapshot of what people said");
        let labelled = people::read(&Desk::open(&self.database)?)?;
        let test_texts = leaks::TestTexts::read(&settings)?;
        test_texts.check_base(&self.base, &self.text_column)?;
        let taxonomy = self.read_taxonomy(&recipe)?;
        let split = Split::new(labelled, self.holdout, &taxonomy, &test_texts);
        let snapshot_sha256 = folder.write_snapshot(&split, &taxonomy, &self.text_column)?;
        progress.note(&format!(
            "{} labelled cases: {} to train on, the newest {} to measure on, {} left out",
            split.n_labelled(),
            split.train.len(),
            split.holdout.len(),
            split.n_left_out
        ));
        let bundle = self.train(registry, &recipe, &folder, &split)?;
        let candidate = Model::load(bundle)?;
        refuse_the_same(registry, &candidate)?;
        progress.step("measuring against the live model");
        let newest = folder.holdout_set(&split, &self.text_column, settings.min_texts);
        let newer: Vec<TestSet> = newest.into_iter().collect();
        let outcome = settings.decide(registry, &candidate, &newer, self.now)?;
        for set in std::iter::once(&settings.gold()).chain(&newer) {
            write_evaluation(&folder, &settings, &candidate, set)?;
        }
        self.write_profile(&folder, &candidate, &split)?;
        let failed = outcome.failures().map(|check| check.name.clone()).collect();
        folder.write_json("gate.json", &outcome)?;
        folder.write_table(&outcome)?;
        folder.write_json(
            "run.json",
            &Summary {
                started_at: self.now,
                by: &self.by,
                live: outcome.live.clone(),
                candidate: outcome.candidate.clone(),
                passed: outcome.passed,
                n_labelled_cases: split.n_labelled(),
                n_trained_on: split.train.len(),
                n_held_out: split.holdout.len(),
                n_left_out: split.n_left_out,
                snapshot_sha256,
                failed,
            },
        )?;
        Ok(Run { folder, outcome, candidate })
    }

    /// The heads that are trained: those of the recipe. A desk needs them stated, since what people
    /// happened to say does not name every label.
    fn read_taxonomy(&self, recipe: &Recipe) -> Result<Taxonomy, Error> {
        let Some(file) = &recipe.taxonomy else {
            return Err(Error::NoTaxonomy { recipe: self.recipe.clone() });
        };
        let path = self.recipe.parent().unwrap_or(Path::new("")).join(file);
        let read = |source| Error::Read { path: path.clone(), source };
        let text = fs::read_to_string(&path).map_err(read)?;
        toml::from_str(&text)
            .map_err(|source| Error::Taxonomy { path: path.clone(), source: Box::new(source) })
    }

    /// Trains through the command itself, so that a run is what a person would have typed.
    fn train(
        &self,
        registry: &Registry,
        recipe: &Recipe,
        folder: &RunFolder,
        split: &Split,
    ) -> Result<Bundle, Error> {
        #[derive(Debug, Parser)]
        struct Cli {
            #[command(flatten)]
            arguments: train::Arguments,
        }
        let out = folder.models().join(format!("{}-{}", self.name, folder.stamp()));
        let mut words: Vec<OsString> =
            vec!["train".into(), "--recipe".into(), self.recipe.clone().into()];
        for data in self.base.iter().cloned().chain(folder.train_file(split)) {
            words.extend(["--data".into(), data.into()]);
        }
        words.extend(["--text-column".into(), self.text_column.clone().into()]);
        words.extend(["--out".into(), out.clone().into()]);
        if let Some(live) = registry.find_live()? {
            words.extend(["--parent".into(), live.version().into()]);
            // What the live encoder has learned is what the next one begins with.
            let encoder = recipe.encoder.as_ref().filter(|settings| settings.folder.is_none());
            let live = encoder.map(|_| registry.live()).transpose()?;
            if let Some(live) = live.filter(|live| live.manifest().kind == Kind::Blend) {
                words.extend(["--encoder".into(), live.path().into()]);
            }
        }
        let cli = Cli::try_parse_from(words).map_err(|error| Error::Train(error.to_string()))?;
        train::run(cli.arguments).map_err(|error| Error::Train(format!("{error:#}")))?;
        Ok(Bundle::open(&out)?)
    }

    /// What the texts look like that the model learned from, for `drift`.
    fn write_profile(
        &self,
        folder: &RunFolder,
        candidate: &Model,
        split: &Split,
    ) -> Result<(), Error> {
        let mut texts = drift::read_texts(&self.base, &self.text_column)?;
        texts.extend(split.train.iter().map(Labelled::drift_text));
        folder.write_json("profile.json", &Profile::of(&texts, candidate)?)
    }
}

/// Writes how well a model does on a test set: figures for machines, a report for reviewers and a
/// card. A set in which nobody spoke of any label has nothing to tell.
fn write_evaluation(
    folder: &RunFolder,
    settings: &Settings,
    candidate: &Model,
    set: &TestSet,
) -> Result<(), Error> {
    let dataset = candidate.read(set)?;
    let judged = match candidate.judge(&dataset) {
        Err(gate::Error::Evaluation(evaluation::Error::Unlabelled)) => return Ok(()),
        judged => judged?,
    };
    let evaluation = evaluate(&judged, &settings.evaluation(&judged))?;
    let name = set.name.replace(' ', "-");
    folder.write_json(&format!("evaluation-{name}.json"), &evaluation)?;
    let manifest = candidate.bundle().manifest();
    let report =
        Report { manifest, judged: &judged, evaluation: &evaluation, texts: &dataset.texts };
    folder.write(&format!("report-{name}.html"), report.html().as_bytes())?;
    folder.write(&format!("card-{name}.md"), card::judged(manifest, &evaluation).as_bytes())
}

/// The same weights again would only make the history longer.
fn refuse_the_same(registry: &Registry, candidate: &Model) -> Result<(), Error> {
    let Ok(live) = registry.live() else { return Ok(()) };
    let weights = |bundle: &Bundle| -> Vec<Digest> {
        let files = bundle.manifest().files.iter();
        let weights = files.filter(|file| [WEIGHTS_FILE, ENCODER_FILE].contains(&&*file.name));
        weights.map(|file| file.sha256).collect()
    };
    let same_decisions = live.manifest().decisions == candidate.bundle().manifest().decisions;
    if weights(&live) == weights(candidate.bundle()) && same_decisions {
        return Err(Error::NothingNew(live.version()));
    }
    Ok(())
}
