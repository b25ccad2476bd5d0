//! What `evaluate` and `compare` ask in the same words: texts, labels, intervals, safety.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use fenzhen::inference::{Classifier, load};
use fenzhen::registry::Bundle;

use crate::dataset::{Columns, Dataset, HeadColumn, Table};
use crate::evaluation::{Judged, Resampling, SafetyQuestion, Settings, judge};
use crate::report::trained_on;

/// Labelled texts and how to judge on them.
#[derive(Debug, clap::Args)]
pub struct JudgingArguments {
    /// Labelled texts; may be given several times
    #[arg(long, value_name = "FILE", required = true)]
    data: Vec<PathBuf>,
    /// The column of the text
    #[arg(long, value_name = "COLUMN", default_value = "text")]
    text_column: String,
    /// A head and its column; others are not judged [default: every head, each in its own column]
    #[arg(long, value_name = "NAME=COLUMN")]
    head: Vec<HeadColumn>,
    /// Labels that must not be missed, such as `severity=high,critical`; may be given several times
    #[arg(long, value_name = "HEAD=LABEL,LABEL")]
    safety: Vec<SafetyQuestion>,
    /// The share of other texts for which an alarm may be raised
    #[arg(long, value_name = "SHARE", default_value_t = 0.05, value_parser = parse_share)]
    false_alarms: f64,
    /// How many bootstrap resamples the intervals are made from; 0 makes none
    #[arg(long, value_name = "N", default_value_t = 1000)]
    resamples: usize,
    /// The seed of the resamples
    #[arg(long, value_name = "N", default_value_t = 7)]
    seed: u64,
}

/// A bundle with its classifier.
pub struct Opened {
    /// The bundle.
    pub bundle: Bundle,
    /// What it holds.
    pub classifier: Box<dyn Classifier>,
}

impl Opened {
    /// Opens and verifies a bundle.
    pub fn open(dir: &Path) -> anyhow::Result<Self> {
        let bundle = Bundle::open(dir)?;
        let classifier =
            load(&bundle).with_context(|| format!("cannot load `{}`", dir.display()))?;
        Ok(Self { bundle, classifier })
    }
}

impl JudgingArguments {
    /// Reads the texts with the labels of a model.
    pub fn read(&self, opened: &Opened) -> anyhow::Result<Dataset> {
        let (columns, taxonomy) =
            Columns::for_taxonomy(&self.text_column, &self.head, opened.classifier.taxonomy())?;
        Ok(Dataset::new(Table::read(&self.data, &columns)?, taxonomy)?)
    }

    /// Has a model answer the texts. Says so on stderr when it was trained on them.
    pub fn judge(&self, opened: &Opened, dataset: &Dataset) -> anyhow::Result<Judged> {
        for source in trained_on(opened.bundle.manifest(), &dataset.sources) {
            // A closed stderr must not end the command.
            let _ = writeln!(
                io::stderr(),
                "warning: `{}` was trained on `{}`: figures on it flatter\nhint: judge on texts that it has not seen",
                opened.bundle.version(),
                source.name
            );
        }
        Ok(judge(opened.classifier.as_ref(), &opened.bundle.version(), dataset)?)
    }

    /// What is measured.
    pub fn settings(&self) -> Settings {
        Settings {
            resampling: Resampling { n_resamples: self.resamples, seed: self.seed },
            safety: self.safety.clone(),
            false_alarms: self.false_alarms,
        }
    }
}

fn parse_share(argument: &str) -> Result<f64, String> {
    match argument.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a share is a number from 0 to 1, such as 0.05".to_owned()),
    }
}
