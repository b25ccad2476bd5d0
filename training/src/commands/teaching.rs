//! The arguments of `fenzhen-lab train` for texts without labels: which they are, who says what they
//! mean, and which texts they must not resemble.

use std::path::PathBuf;

use anyhow::Context;
use fenzhen::inference::Classifier;
use fenzhen::registry::DataSource;
use rustc_hash::FxHashMap;

use crate::commands::input::Chosen;
use crate::commands::judging::Opened;
use crate::dataset::{Columns, Dataset, Gold, Table};
use crate::encoder::{self, EncoderSettings, Taught};
use crate::progress::Progress;

/// Texts without labels, and bundles that say what they mean.
#[derive(Debug, clap::Args)]
pub(super) struct Teaching {
    /// Texts without labels, which the layers of an encoder learn from beside the labelled ones; may
    /// be given several times
    #[arg(long, value_name = "FILE", requires = "teacher")]
    unlabelled: Vec<PathBuf>,
    /// A bundle that says what texts without labels mean; of several, the mean of their
    /// probabilities is learned
    #[arg(long, value_name = "DIR", requires = "unlabelled")]
    teacher: Vec<PathBuf>,
    /// Texts that will be measured on: texts without labels that resemble one are left out
    #[arg(long, value_name = "FILE")]
    apart: Vec<PathBuf>,
}

/// What teachers said, and where it comes from.
#[derive(Debug, Default)]
pub(super) struct Lesson {
    pub(super) taught: Taught,
    pub(super) unlabelled: Vec<DataSource>,
    /// The versions of the teachers.
    pub(super) teachers: Vec<String>,
}

impl Teaching {
    /// Asks the teachers, if there are any, about texts that resemble no labelled text.
    pub(super) fn give(
        &self,
        chosen: Chosen<'_>,
        dataset: &Dataset,
        (gold, text_column): (&Gold, &str),
        progress: &Progress,
    ) -> anyhow::Result<Lesson> {
        let Some(n_texts) = self.n_texts(chosen)? else { return Ok(Lesson::default()) };
        Gold::refuse_names(&self.unlabelled)?;
        progress.step("asking the teachers");
        let opened = self.teacher.iter().map(|dir| Opened::open(dir));
        let opened: Vec<Opened> = opened.collect::<anyhow::Result<_>>()?;
        for teacher in &opened {
            anyhow::ensure!(
                **teacher.classifier.taxonomy() == dataset.taxonomy,
                "teacher `{}` has other heads or labels than the data\nhint: train a teacher with \
                 the taxonomy of this recipe first",
                teacher.bundle.version()
            );
        }
        let columns = Columns { text: text_column.to_owned(), heads: Vec::new() };
        let apart = Table::read(&self.apart, &columns).context("`--apart`")?;
        let table = Table::read(&self.unlabelled, &columns).context("`--unlabelled`")?;
        let n_read = table.rows.len();
        let places = table.rows.iter().map(|row| (row.text.clone(), row.place.file as usize));
        let files: FxHashMap<String, usize> = places.collect();
        let known = dataset.texts.iter().chain(apart.rows.iter().map(|row| &row.text));
        let known: Vec<&str> = known.map(String::as_str).collect();
        let texts = table.rows.into_iter().map(|row| row.text);
        let texts = texts.filter(|text| !gold.holds(text)).collect();
        let texts = encoder::strange(texts, &known);
        progress.note(&format!(
            "{} of {n_read} texts resemble no other and none to train or measure on",
            texts.len()
        ));
        let teachers: Vec<String> = opened.iter().map(|teacher| teacher.bundle.version()).collect();
        let classifiers: Vec<Box<dyn Classifier>> =
            opened.into_iter().map(|teacher| teacher.classifier).collect();
        let taught = encoder::teach(&texts, &classifiers, n_texts, chosen.recipe.seed, progress);
        let mut unlabelled = table.sources;
        for (file, source) in unlabelled.iter_mut().enumerate() {
            source.n_texts = taught.texts.iter().filter(|text| files[*text] == file).count();
        }
        Ok(Lesson { taught, unlabelled, teachers })
    }

    /// How many texts are taught; nothing where neither recipe nor command speaks of any.
    fn n_texts(&self, chosen: Chosen<'_>) -> anyhow::Result<Option<usize>> {
        let recipe = &chosen.recipe.name;
        let settings = chosen.recipe.encoder.as_ref();
        let n_texts = settings.map_or(0, |settings| settings.taught_texts);
        let trains_layers = |settings: &EncoderSettings| 0 < settings.trained_layers;
        match (n_texts, self.teacher.is_empty()) {
            (0, true) => Ok(None),
            (0, false) => anyhow::bail!(
                "recipe `{recipe}` teaches no texts without labels\nhint: leave `--teacher` away, or \
                 give its `[encoder]` a number of `taught_texts`"
            ),
            (_, true) => anyhow::bail!(
                "recipe `{recipe}` has `taught_texts`, and nobody teaches them\nhint: name a finished \
                 bundle with `--teacher` and texts with `--unlabelled`"
            ),
            (n_texts, false) => {
                anyhow::ensure!(
                    settings.is_some_and(trains_layers),
                    "recipe `{recipe}` trains heads alone, which learn from labelled texts only\n\
                     hint: leave `taught_texts` and `--teacher` away, or set `trained_layers`"
                );
                Ok(Some(n_texts))
            }
        }
    }
}
