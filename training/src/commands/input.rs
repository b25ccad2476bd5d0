//! The arguments that name labelled texts, which many commands share, and how they are read.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use fenzhen::domain::Taxonomy;

use crate::dataset::{
    Columns, Dataset, HeadColumn, Limits, Mistakes, Table, find_label_columns, infer_taxonomy,
};
use crate::recipe::Recipe;

/// Labelled texts.
#[derive(Clone, Debug, clap::Args)]
pub struct Input {
    /// Labelled texts: JSONL, CSV, TSV or Parquet; may be given several times
    #[arg(long, value_name = "FILE")]
    pub data: Vec<PathBuf>,
    /// The column of the text
    #[arg(long, value_name = "COLUMN", default_value = "text")]
    pub text_column: String,
    /// A head and its column; KIND is `multi_class`, `ordinal` or `multi_label`. May be given
    /// several times
    #[arg(long, value_name = "NAME=COLUMN[:KIND[:LABELS]]")]
    pub head: Vec<HeadColumn>,
}

/// A recipe, and the file that it comes from.
#[derive(Clone, Copy, Debug)]
pub struct Chosen<'a> {
    /// The recipe.
    pub recipe: &'a Recipe,
    /// Its file; nothing for a built-in one.
    pub file: Option<&'a Path>,
}

impl Chosen<'_> {
    /// A path that the recipe names.
    pub fn beside(self, path: &Path) -> PathBuf {
        self.file.and_then(Path::parent).unwrap_or(Path::new("")).join(path)
    }

    /// The taxonomy that the recipe names.
    pub fn taxonomy(self) -> anyhow::Result<Option<Taxonomy>> {
        let (Some(file), Some(_)) = (&self.recipe.taxonomy, self.file) else { return Ok(None) };
        let path = self.beside(file);
        let text = fs::read_to_string(&path)
            .with_context(|| format!("cannot read `{}`", path.display()))?;
        let taxonomy = toml::from_str(&text)
            .with_context(|| format!("`{}` is no taxonomy", path.display()))?;
        Ok(Some(taxonomy))
    }
}

impl Input {
    /// Reads the texts for a recipe, with heads of its taxonomy or, if it has none, of the data.
    pub fn read_for(
        &self,
        chosen: Chosen<'_>,
        limits: Limits,
    ) -> anyhow::Result<(Table, Taxonomy)> {
        if let Some(taxonomy) = chosen.taxonomy()? {
            let (columns, taxonomy) =
                Columns::for_taxonomy(&self.text_column, &self.head, &taxonomy)?;
            return Ok((Table::read_within(self.files()?, &columns, limits)?, taxonomy));
        }
        let columns = self.named_columns()?;
        let table = Table::read_within(self.files()?, &columns, limits)?;
        let taxonomy = infer_taxonomy(&table, &columns)?;
        Ok((table, taxonomy))
    }

    /// The files with the texts, of which there must be one.
    fn files(&self) -> anyhow::Result<&[PathBuf]> {
        anyhow::ensure!(
            !self.data.is_empty(),
            "no data is given\nhint: name a file with labelled texts, as in `--data letters.csv`"
        );
        Ok(&self.data)
    }

    /// Joins the texts to their taxonomy and checks that a recipe can learn from them.
    pub fn read_trainable(
        &self,
        chosen: Chosen<'_>,
        limits: Limits,
    ) -> anyhow::Result<(Table, Dataset)> {
        let (table, taxonomy) = self.read_for(chosen, limits)?;
        let dataset = Dataset::new(table.clone(), taxonomy)?;
        dataset.check_trainable(chosen.recipe.folds)?;
        Ok((table, dataset))
    }

    /// The columns that the command line names.
    pub fn named_columns(&self) -> anyhow::Result<Columns> {
        anyhow::ensure!(
            !self.head.is_empty(),
            "no head is given\nhint: name the labels' column, as in `--head label=label`"
        );
        Ok(Columns { text: self.text_column.clone(), heads: self.head.clone() })
    }

    /// The columns that the command line names or, if it names none, those that look like labels.
    pub fn columns(&self) -> anyhow::Result<Columns> {
        let heads = match self.head.as_slice() {
            [] => find_label_columns(self.files()?, &self.text_column)?,
            named => named.to_vec(),
        };
        Ok(Columns { text: self.text_column.clone(), heads })
    }

    /// Reads what can be read, and what is wrong with the rest.
    pub fn read_what_can_be(
        &self,
        columns: &Columns,
        limits: Limits,
    ) -> anyhow::Result<(Table, Mistakes)> {
        Ok(Table::read_what_can_be(self.files()?, columns, limits)?)
    }
}
