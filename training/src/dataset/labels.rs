//! Texts with labels that a taxonomy knows.

use std::collections::{BTreeMap, BTreeSet};

use fenzhen::domain::{Head, HeadKind, LabelDefinition, LabelId, Taxonomy, TaxonomySource};
use fenzhen::registry::DataSource;

use crate::dataset::error::names as listed;
use crate::dataset::table::{Row, Table};
use crate::dataset::{Cell, Columns, Error, HeadColumn, Mistakes};

/// A column with more different values holds no labels.
const MAX_LABELS: usize = 1_000;
const UNKNOWN_HINT: &str =
    "correct the label, or train without a recipe's taxonomy to take the labels from the data";

/// One head's labels, text by text: their positions, nothing for an unlabelled text.
pub type HeadLabels = Vec<Option<Vec<usize>>>;

/// Texts with labels that a taxonomy knows.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The texts.
    pub texts: Vec<String>,
    /// The heads.
    pub taxonomy: Taxonomy,
    /// Head by head and text by text the positions of the labels; nothing for an unlabelled text.
    pub labels: Vec<HeadLabels>,
    /// The files that the texts come from.
    pub sources: Vec<DataSource>,
}

impl Dataset {
    /// Joins rows, whose cells follow the heads of the taxonomy, to it.
    pub fn new(table: Table, taxonomy: Taxonomy) -> Result<Self, Error> {
        let mut mistakes = Mistakes::default();
        let mut labels = Vec::new();
        for (column, head) in taxonomy.heads().iter().enumerate() {
            let mut of_head = Vec::with_capacity(table.rows.len());
            for row in &table.rows {
                of_head.push(positions(head, &row.cells[column]).unwrap_or_else(|why| {
                    mistakes.add(format!("{}: {why}", table.place(row.place)), UNKNOWN_HINT);
                    None
                }));
            }
            labels.push(of_head);
        }
        mistakes.check()?;
        let texts = table.rows.into_iter().map(|row| row.text).collect();
        Ok(Self { texts, taxonomy, labels, sources: table.sources })
    }

    /// Some of the texts, with the same taxonomy.
    #[must_use]
    pub fn part(&self, texts: &[usize]) -> Self {
        let labels = self.labels.iter();
        Self {
            texts: texts.iter().map(|&text| self.texts[text].clone()).collect(),
            taxonomy: self.taxonomy.clone(),
            labels: labels
                .map(|of_head| texts.iter().map(|&text| of_head[text].clone()).collect())
                .collect(),
            sources: self.sources.clone(),
        }
    }

    /// Checks that there is something to learn: at least two labels per head that occur, and
    /// enough texts for every fold.
    pub fn check_trainable(&self, n_folds: usize) -> Result<(), Error> {
        let mut mistakes = Mistakes::default();
        for (head, labels) in self.taxonomy.heads().iter().zip(&self.labels) {
            let id = &head.id;
            let n_labelled = labels.iter().flatten().count();
            if n_labelled < 2 * n_folds {
                mistakes.add(
                    format!(
                        "head `{id}` has {n_labelled} labelled texts, too few for {n_folds} folds"
                    ),
                    &format!(
                        "label at least {} texts, better 50 for each label, before you train",
                        2 * n_folds
                    ),
                );
                continue;
            }
            let seen: BTreeSet<usize> = labels.iter().flatten().flatten().copied().collect();
            let needed = if head.kind == HeadKind::MultiLabel { 1 } else { 2 };
            if seen.len() < needed {
                let which = seen.iter().map(|&label| head.labels[label].id.as_str());
                mistakes.add(
                    format!(
                        "head `{id}` needs {needed} labels to tell apart; the data has {}",
                        listed(which)
                    ),
                    "add texts with other labels, or leave the head out",
                );
            }
        }
        mistakes.check()
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
        head.label_idx(label).ok_or_else(|| {
            let known = listed(head.labels.iter().map(|label| label.id.as_str()));
            format!("head `{}` has no label {}; it has {known}", head.id, shown(label))
        })
    };
    let mut positions: Vec<usize> = labels.iter().map(known).collect::<Result<_, _>>()?;
    positions.sort_unstable();
    Ok(Some(positions))
}

/// The taxonomy of a table that comes without one: labels in the order given or, failing that,
/// sorted.
pub fn infer_taxonomy(table: &Table, columns: &Columns) -> Result<Taxonomy, Error> {
    let mut mistakes = Mistakes::default();
    let mut heads = Vec::new();
    for (column, described) in columns.heads.iter().enumerate() {
        let several = table.rows.iter().any(
            |row: &Row| matches!(&row.cells[column], Cell::Labels(labels) if 1 < labels.len()),
        );
        let inferred = if several { HeadKind::MultiLabel } else { HeadKind::MultiClass };
        let mut labels = described.labels.clone();
        if labels.is_empty() {
            labels = found_labels(table, column, described, &mut mistakes);
        }
        let define = |id: LabelId| LabelDefinition { name: id.as_str().to_owned(), id };
        heads.push(Head {
            id: described.id.clone(),
            name: described.id.as_str().to_owned(),
            kind: described.kind.unwrap_or(inferred),
            labels: labels.into_iter().map(define).collect(),
        });
    }
    mistakes.check()?;
    Taxonomy::try_from(TaxonomySource { heads }).map_err(|error| {
        let mut mistakes = Mistakes::default();
        mistakes.add(error.to_string(), "give every head some labelled texts and its own name");
        Error::Mistakes(mistakes)
    })
}

/// The labels that occur in a column, sorted.
fn found_labels(
    table: &Table,
    column: usize,
    described: &HeadColumn,
    mistakes: &mut Mistakes,
) -> Vec<LabelId> {
    const HINT: &str = "use 1 to 64 letters, digits, `_`, `-`, `.` or `/` for a label";
    let mut first_rows: BTreeMap<&String, &Row> = BTreeMap::new();
    for row in &table.rows {
        for name in names(&row.cells[column]) {
            first_rows.entry(name).or_insert(row);
        }
    }
    if MAX_LABELS < first_rows.len() {
        let (column, n_values) = (&described.column, first_rows.len());
        mistakes.add(
            format!("column `{column}` has {n_values} different values: these are no labels"),
            "name the column of the labels, as in `--head label=COLUMN`",
        );
        return Vec::new();
    }
    let mut labels = Vec::new();
    for (name, row) in first_rows {
        let Ok(label) = name.parse::<LabelId>() else {
            let place = table.place(row.place);
            let id = &described.id;
            mistakes.add(format!("{place}: head `{id}`: {} is no label", shown(name)), HINT);
            continue;
        };
        labels.push(label);
    }
    labels
}

/// A label for a message. What is too long for a label may be the words of a customer in the wrong
/// column, and is not shown.
fn shown(label: &str) -> String {
    const MAX_SHOWN_CHARS: usize = 24;
    let n_chars = label.chars().count();
    if n_chars <= MAX_SHOWN_CHARS && !label.contains(['，', '。', '！', '？', '\n']) {
        format!("`{label}`")
    } else {
        format!("of {n_chars} characters")
    }
}

fn names(cell: &Cell) -> &[String] {
    match cell {
        Cell::Empty => &[],
        Cell::Labels(labels) => labels,
    }
}
