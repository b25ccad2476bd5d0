//! Texts with labels that a taxonomy knows.

use std::collections::BTreeSet;

use fenzhen::domain::{Head, HeadKind, LabelDefinition, LabelId, Taxonomy, TaxonomySource};
use fenzhen::registry::DataSource;

use crate::dataset::table::{Row, Table};
use crate::dataset::{Cell, Columns, Error};

/// How many mistakes are listed before the rest is only counted.
const MAX_MISTAKES: usize = 20;

/// Texts with labels that a taxonomy knows.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The texts.
    pub texts: Vec<String>,
    /// The heads.
    pub taxonomy: Taxonomy,
    /// Head by head and text by text the positions of the labels; nothing for an unlabelled text.
    pub labels: Vec<Vec<Option<Vec<usize>>>>,
    /// The files that the texts come from.
    pub sources: Vec<DataSource>,
}

impl Dataset {
    /// Joins rows, whose cells follow the heads of the taxonomy, to it.
    pub fn new(table: Table, taxonomy: Taxonomy) -> Result<Self, Error> {
        let mut mistakes = Vec::new();
        let mut labels = Vec::new();
        for (column, head) in taxonomy.heads().iter().enumerate() {
            let mut of_head = Vec::with_capacity(table.rows.len());
            for (number, row) in (1..).zip(&table.rows) {
                of_head.push(positions(head, &row.cells[column]).unwrap_or_else(|why| {
                    mistakes.push(format!("text {number}: {why}"));
                    None
                }));
            }
            labels.push(of_head);
        }
        if !mistakes.is_empty() {
            let n_more = mistakes.len().saturating_sub(MAX_MISTAKES);
            mistakes.truncate(MAX_MISTAKES);
            if 0 < n_more {
                mistakes.push(format!("… and {n_more} more"));
            }
            return Err(Error::Mistakes(mistakes));
        }
        let texts = table.rows.into_iter().map(|row| row.text).collect();
        Ok(Self { texts, taxonomy, labels, sources: table.sources })
    }

    /// Checks that there is something to learn: at least two labels per head that occur.
    pub fn check_trainable(&self) -> Result<(), Error> {
        let mut mistakes = Vec::new();
        for (head, labels) in self.taxonomy.heads().iter().zip(&self.labels) {
            let seen: BTreeSet<usize> = labels.iter().flatten().flatten().copied().collect();
            let needed = if head.kind == HeadKind::MultiLabel { 1 } else { 2 };
            if seen.len() < needed {
                let n_seen = seen.len();
                mistakes.push(format!(
                    "head `{}` has {n_seen} label(s) in the data: nothing can be learned from it",
                    head.id
                ));
            }
        }
        if mistakes.is_empty() { Ok(()) } else { Err(Error::Mistakes(mistakes)) }
    }
}

fn positions(head: &Head, cell: &Cell) -> Result<Option<Vec<usize>>, String> {
    let labels = match cell {
        // A text without signals says that there are none; a text without a category says nothing.
        Cell::Empty if head.kind == HeadKind::MultiLabel => return Ok(Some(Vec::new())),
        Cell::Empty => return Ok(None),
        Cell::Labels(labels) => labels,
    };
    if head.kind != HeadKind::MultiLabel && labels.len() != 1 {
        return Err(format!("head `{}` takes one label and {} are given", head.id, labels.len()));
    }
    let known = |label: &String| {
        head.label_idx(label).ok_or_else(|| format!("head `{}` has no label `{label}`", head.id))
    };
    labels.iter().map(known).collect::<Result<_, _>>().map(Some)
}

/// The taxonomy of a table that comes without one: labels in the order given or, failing that,
/// sorted.
pub fn infer_taxonomy(table: &Table, columns: &Columns) -> Result<Taxonomy, Error> {
    let mut mistakes = Vec::new();
    let mut heads = Vec::new();
    for (column, described) in columns.heads.iter().enumerate() {
        let several = table.rows.iter().any(
            |row: &Row| matches!(&row.cells[column], Cell::Labels(labels) if 1 < labels.len()),
        );
        let inferred = if several { HeadKind::MultiLabel } else { HeadKind::MultiClass };
        let mut labels = described.labels.clone();
        if labels.is_empty() {
            let names: BTreeSet<&String> =
                table.rows.iter().flat_map(|row| names(&row.cells[column])).collect();
            for name in names {
                match name.parse::<LabelId>() {
                    Ok(label) => labels.push(label),
                    Err(error) => mistakes.push(format!("head `{}`: {error}", described.id)),
                }
            }
        }
        let define = |id: LabelId| LabelDefinition { name: id.as_str().to_owned(), id };
        heads.push(Head {
            id: described.id.clone(),
            name: described.id.as_str().to_owned(),
            kind: described.kind.unwrap_or(inferred),
            labels: labels.into_iter().map(define).collect(),
        });
    }
    if !mistakes.is_empty() {
        return Err(Error::Mistakes(mistakes));
    }
    Taxonomy::try_from(TaxonomySource { heads })
        .map_err(|error| Error::Mistakes(vec![error.to_string()]))
}

fn names(cell: &Cell) -> &[String] {
    match cell {
        Cell::Empty => &[],
        Cell::Labels(labels) => labels,
    }
}
