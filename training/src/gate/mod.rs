//! The gate: decides whether a model may go live. Which heads, labels and limits count is said in a
//! file; the code names none. It changes nothing.

mod figures;
mod golden;
mod settings;
mod table;
mod taxonomy;

use std::path::PathBuf;

use fenzhen::inference::{self, Classifier};
use fenzhen::registry::{self, Bundle, CheckRecord, Live, Registry, Verdict};
use fenzhen::triage;
use jiff::Timestamp;
use serde::Serialize;

use crate::dataset::{self, Columns, Dataset, Table};
use crate::evaluation::{self, Comparison, Interval, Judged, judge};

pub use settings::{Defaults, Limit, Safety, Service, Settings};

/// Why the gate cannot decide.
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
    /// The settings do not parse.
    #[error("`{path}` is not readable")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// Settings that make no sense, all of them.
    #[error("`{path}` has mistakes: {}", .mistakes.join("; "))]
    Settings {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        mistakes: Vec<String>,
    },
    /// A golden text that cannot be used.
    #[error("`{path}`, line {line}: {why}")]
    Golden {
        /// The file.
        path: PathBuf,
        /// Counted from one.
        line: usize,
        /// What is wrong; never quotes the text.
        why: String,
    },
    /// The test texts cannot be used.
    #[error("cannot use the test texts")]
    Dataset(#[from] dataset::Error),
    /// The models cannot be measured.
    #[error("cannot measure the models")]
    Evaluation(#[from] evaluation::Error),
    /// The bundle is broken.
    #[error(transparent)]
    Registry(#[from] registry::Error),
    /// The bundle's model cannot be run.
    #[error("cannot run `{version}`")]
    Inference {
        /// The bundle's version.
        version: String,
        /// Why.
        source: inference::Error,
    },
    /// The service cannot be made.
    #[error("cannot judge the golden texts with the rules")]
    Service(#[from] triage::LoadError),
}

/// What the gate found.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The model that asks to go live.
    pub candidate: Live,
    /// The model that is live.
    pub live: Option<Live>,
    /// Whether every check held.
    pub passed: bool,
    /// The checks.
    pub checks: Vec<Check>,
    /// The paired comparisons with the live model, by test set.
    pub comparisons: Vec<(String, Comparison)>,
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// What was checked.
    pub name: String,
    /// Whether it held.
    pub verdict: Verdict,
    /// The live model's figure.
    pub live: Option<f64>,
    /// The next model's figure.
    pub candidate: Option<f64>,
    /// Where the difference would lie on other texts.
    pub interval: Option<Interval>,
    /// The least difference that holds; for losses, the greatest.
    pub limit: Option<f64>,
    /// What else is to be said.
    pub note: String,
}

/// Labelled texts that the gate measures both models on.
#[derive(Clone, Debug)]
pub struct TestSet {
    /// What it is called in the outcome.
    pub name: String,
    /// The files.
    pub files: Vec<PathBuf>,
    /// The column of the text.
    pub text_column: String,
    /// How many labelled texts a head needs there to count.
    pub min_texts: usize,
    /// Text by text the heads that people spoke of, where that is not all of them.
    pub spoken: Option<Vec<Vec<String>>>,
}

/// A model that has been loaded.
pub struct Model {
    bundle: Bundle,
    classifier: Box<dyn Classifier>,
}

impl Model {
    /// Loads the model of a verified bundle.
    pub fn load(bundle: Bundle) -> Result<Self, Error> {
        let version = bundle.version();
        let classifier =
            inference::load(&bundle).map_err(|source| Error::Inference { version, source })?;
        Ok(Self { bundle, classifier })
    }

    /// The bundle.
    pub const fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// The model.
    pub fn classifier(&self) -> &dyn Classifier {
        self.classifier.as_ref()
    }

    /// Reads a test set with the labels of the model.
    pub fn read(&self, set: &TestSet) -> Result<Dataset, Error> {
        let taxonomy = self.classifier.taxonomy();
        let (columns, taxonomy) = Columns::for_taxonomy(&set.text_column, &[], taxonomy)?;
        let mut dataset = Dataset::new(Table::read(&set.files, &columns)?, taxonomy)?;
        let Some(spoken) = &set.spoken else { return Ok(dataset) };
        for (head, labels) in dataset.taxonomy.heads().iter().zip(&mut dataset.labels) {
            for (labels, spoken) in labels.iter_mut().zip(spoken) {
                if !spoken.iter().any(|id| id == head.id.as_str()) {
                    *labels = None;
                }
            }
        }
        Ok(dataset)
    }

    /// Has the model answer texts.
    pub fn judge(&self, dataset: &Dataset) -> Result<Judged, Error> {
        Ok(judge(self.classifier(), &self.bundle.version(), dataset)?)
    }

    fn judge_set(&self, set: &TestSet) -> Result<Judged, Error> {
        self.judge(&self.read(set)?)
    }
}

impl Settings {
    /// The gold set.
    pub fn gold(&self) -> TestSet {
        TestSet {
            name: "gold".to_owned(),
            files: self.gold.clone(),
            text_column: self.text_column.clone(),
            min_texts: 1,
            spoken: None,
        }
    }

    /// Decides whether a model may take the live one's place; `newer` are test sets beside the gold
    /// set, and rules apply as they do `now`.
    pub fn decide(
        &self,
        registry: &Registry,
        candidate: &Model,
        newer: &[TestSet],
        now: Timestamp,
    ) -> Result<Outcome, Error> {
        let manifest = candidate.bundle.manifest();
        let whole = format!(
            "format {}, {} files, every digest right",
            manifest.format,
            manifest.files.len()
        );
        let mut checks = vec![Check::of("bundle", Verdict::Pass, whole)];
        let mut comparisons = Vec::new();
        let live = registry.find_live()?;
        match live.as_ref().map(|_| registry.live().map_err(Error::from).and_then(Model::load)) {
            None => {
                let nothing = "none is live: nothing to compare with".to_owned();
                checks.push(Check::of("live model", Verdict::Skip, nothing));
            }
            Some(Err(error)) => {
                let why = format!("cannot be compared with: {}", chain(&error));
                checks.push(Check::of("live model", Verdict::Fail, why));
            }
            Some(Ok(live)) => {
                let compatible = taxonomy::check(live.classifier(), candidate.classifier());
                // Models that answer other questions have no figures to compare.
                let gold = Some(self.gold()).filter(|_| compatible.verdict == Verdict::Pass);
                checks.push(compatible);
                for set in gold.iter().chain(newer.iter().filter(|_| gold.is_some())) {
                    comparisons.extend(self.compare(&live, candidate, set, &mut checks)?);
                }
            }
        }
        self.check_golden(candidate, now, &mut checks)?;
        Ok(Outcome {
            candidate: Live::of(&candidate.bundle),
            live,
            passed: checks.iter().all(|check| check.verdict != Verdict::Fail),
            checks,
            comparisons,
        })
    }
}

impl Outcome {
    /// What the history keeps of it.
    pub fn records(&self) -> Vec<CheckRecord> {
        let record = |check: &Check| CheckRecord {
            name: check.name.clone(),
            verdict: check.verdict,
            figures: check.figures(),
        };
        self.checks.iter().map(record).collect()
    }

    /// The checks that did not hold.
    pub fn failures(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.verdict == Verdict::Fail)
    }
}

impl Check {
    /// A check without figures.
    pub(super) fn of(name: impl Into<String>, verdict: Verdict, note: String) -> Self {
        let name = name.into();
        Self { name, verdict, live: None, candidate: None, interval: None, limit: None, note }
    }

    /// Its figures on one line.
    pub fn figures(&self) -> String {
        let Self { live, candidate, interval, limit, note, .. } = self;
        let mut parts = Vec::new();
        if let (Some(live), Some(candidate)) = (live, candidate) {
            parts.push(format!("{live:.3} → {candidate:.3} ({:+.3})", candidate - live));
        }
        if let Some(Interval(low, high)) = interval {
            parts.push(format!("95 % {low:+.3} … {high:+.3}"));
        }
        if let Some(limit) = limit {
            parts.push(format!("limit {limit:+.3}"));
        }
        if !note.is_empty() {
            parts.push(note.clone());
        }
        parts.join(", ")
    }
}

/// An error with its causes, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
