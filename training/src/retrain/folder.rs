//! The folder of one run: what it trained on, what came out, and why it did or did not go live.
//! It holds words of customers and is private to its owner.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use fenzhen::domain::Taxonomy;
use fenzhen::registry::Digest;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::gate::{Outcome, TestSet};
use crate::retrain::{Error, Labelled, Split};

/// What a clock of seconds can collide with.
const MAX_RUNS_A_SECOND: u32 = 100;

/// The folder of one run.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
    stamp: String,
}

impl RunFolder {
    /// Makes a folder that is called after the time.
    pub(super) fn create(runs: &Path, now: Timestamp) -> Result<Self, Error> {
        fs::create_dir_all(runs).map_err(unwritable(runs))?;
        let time = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        for number in 1..=MAX_RUNS_A_SECOND {
            let stamp = if number == 1 { time.clone() } else { format!("{time}-{number}") };
            let path = runs.join(&stamp);
            match fs::DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => {
                    let folder = Self { path, stamp };
                    fs::create_dir(folder.models()).map_err(unwritable(&folder.models()))?;
                    return Ok(folder);
                }
                Err(source) if source.kind() == io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(Error::Write { path, source }),
            }
        }
        let source = io::ErrorKind::AlreadyExists.into();
        Err(Error::Write { path: runs.join(time), source })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the run is called by.
    pub fn stamp(&self) -> &str {
        &self.stamp
    }

    /// Where its bundle is until it has passed the gate.
    pub fn models(&self) -> PathBuf {
        self.path.join("models")
    }

    /// The human labels to train on, if there are any.
    pub(super) fn train_file(&self, split: &Split) -> Option<PathBuf> {
        (!split.train.is_empty()).then(|| self.path.join("people-train.jsonl"))
    }

    /// The newest human labels as a test set, if there are any.
    pub(super) fn holdout_set(
        &self,
        split: &Split,
        text_column: &str,
        min_texts: usize,
    ) -> Option<TestSet> {
        let spoken: Vec<Vec<String>> = split.holdout.iter().map(Labelled::spoken).collect();
        (!spoken.is_empty()).then(|| TestSet {
            name: "newest cases".to_owned(),
            files: vec![self.path.join("people-holdout.jsonl")],
            text_column: text_column.to_owned(),
            min_texts,
            spoken: Some(spoken),
        })
    }

    /// Writes what people said: all of it with what the model had said, and the two parts as
    /// tables. Returns the digest of the whole.
    pub(super) fn write_snapshot(
        &self,
        split: &Split,
        taxonomy: &Taxonomy,
        text_column: &str,
    ) -> Result<Digest, Error> {
        let parts = [("train", &split.train), ("holdout", &split.holdout)];
        let mut whole = Vec::new();
        for (part, labelled) in parts {
            whole.extend(labelled.iter().map(|it| it.snapshot_row(part)));
            let rows = labelled.iter().map(|it| it.training_row(taxonomy, text_column));
            self.write(&format!("people-{part}.jsonl"), lines(rows).as_bytes())?;
        }
        let whole = lines(whole.into_iter());
        self.write("people.jsonl", whole.as_bytes())?;
        Ok(Digest::of(whole.as_bytes()))
    }

    /// Writes a value as a file of JSON.
    pub fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(value).expect("results are plain data");
        self.write(name, text.as_bytes())
    }

    /// Writes the gate's table.
    pub(super) fn write_table(&self, outcome: &Outcome) -> Result<(), Error> {
        let mut table = Vec::new();
        outcome.write_table(&mut table).expect("memory takes every byte");
        self.write("gate.txt", &table)
    }

    /// Writes a file.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.path.join(name);
        fs::write(&path, bytes).map_err(unwritable(&path))
    }
}

fn lines(rows: impl Iterator<Item = Value>) -> String {
    rows.flat_map(|row| [row.to_string(), "\n".to_owned()]).collect()
}

fn unwritable(path: &Path) -> impl Fn(io::Error) -> Error {
    |source| Error::Write { path: path.to_owned(), source }
}
