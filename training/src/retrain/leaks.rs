//! Keeps test texts out of training: what a model has seen says nothing about what it can do.

use std::path::PathBuf;

use rustc_hash::FxHashSet;

use crate::dataset::similar::fingerprint;
use crate::drift::read_texts;
use crate::gate::Settings;
use crate::retrain::Error;

/// The texts of the gate's gold set and the golden texts. Punctuation, spaces, case and width do
/// not make another text.
pub(super) struct TestTexts {
    fingerprints: FxHashSet<u64>,
}

impl TestTexts {
    pub(super) fn read(settings: &Settings) -> Result<Self, Error> {
        let gold = read_texts(&settings.gold, &settings.text_column)?;
        let gold = gold.iter().map(|text| fingerprint(&text.text));
        let golden = settings.golden_texts()?;
        let golden = golden.iter().map(|text| fingerprint(text));
        Ok(Self { fingerprints: gold.chain(golden).collect() })
    }

    pub(super) fn contains(&self, text: &str) -> bool {
        self.fingerprints.contains(&fingerprint(text))
    }

    /// Refuses base texts that hold test texts.
    pub(super) fn check_base(&self, base: &[PathBuf], text_column: &str) -> Result<(), Error> {
        for path in base {
            let texts = read_texts(std::slice::from_ref(path), text_column)?;
            let n_texts = texts.iter().filter(|text| self.contains(&text.text)).count();
            if 0 < n_texts {
                return Err(Error::Leak { path: path.clone(), n_texts });
            }
        }
        Ok(())
    }
}
