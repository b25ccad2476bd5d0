//! What is wrong with a data set beside single rows: copies, copies that contradict each other,
//! and copies of texts that are held apart.

use serde::Serialize;

use crate::dataset::frames::Frames;
use crate::dataset::similar::{Comparison, Pair};
use crate::dataset::{Cell, Columns, Mistakes, Row, Table};

/// What to look for.
#[derive(Clone, Copy, Debug)]
pub struct CheckSettings {
    /// Texts that share this part of their character 4-grams are near-duplicates.
    pub threshold: f32,
    /// A wording in this many texts is a frame.
    pub frame_texts: usize,
}

/// What is wrong with a data set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Findings {
    /// How many texts were compared.
    pub n_texts: usize,
    /// The share of character 4-grams from which texts are near-duplicates.
    pub threshold: f32,
    /// Rows that cannot be used.
    pub n_unusable: usize,
    /// The first of those, each with its reason.
    pub unusable: Vec<String>,
    /// Texts that equal an earlier one but for case, width and punctuation.
    pub duplicates: Vec<Match>,
    /// Pairs that are not equal and share at least the threshold, the most similar first.
    pub near_duplicates: Vec<Match>,
    /// Pairs of either kind with different labels.
    pub conflicts: Vec<Conflict>,
    /// Pairs of either kind across files that must share nothing.
    pub leakage: Vec<Match>,
    /// Wordings that recur.
    pub frames: Frames,
}

/// Two texts that are the same or nearly so.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Match {
    /// Where the one stands.
    pub first: String,
    /// Where the other stands.
    pub second: String,
    /// Their Jaccard similarity; 1 for texts that are the same.
    pub similarity: f32,
    /// Their positions, for those who write the texts out.
    #[serde(skip)]
    pub pair: (usize, usize),
}

/// Two texts that are the same or nearly so and have different labels.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Conflict {
    /// The texts.
    #[serde(flatten)]
    pub texts: Match,
    /// The head.
    pub head: String,
    /// The labels of the one.
    pub labels: Vec<String>,
    /// The labels of the other.
    pub others: Vec<String>,
}

/// Texts that are checked, and texts that are held apart from them and from each other.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The texts.
    pub own: Table,
    /// A table per file that is held apart, of texts without labels.
    pub apart: Vec<Table>,
}

impl Checked {
    /// All rows, those held apart behind the others.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.own.rows.iter().chain(self.apart.iter().flat_map(|table| &table.rows))
    }

    /// The part of every row: 0 for the checked texts, one more for each file held apart.
    fn parts(&self) -> Vec<usize> {
        let tables = std::iter::once(&self.own).chain(&self.apart);
        tables.enumerate().flat_map(|(part, table)| vec![part; table.rows.len()]).collect()
    }

    /// Looks for everything.
    pub fn check(
        &self,
        columns: &Columns,
        mistakes: &Mistakes,
        settings: CheckSettings,
    ) -> Findings {
        let rows: Vec<&Row> = self.rows().collect();
        let texts: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
        let parts = self.parts();
        let comparison = Comparison::new(&texts);
        let mut findings = Findings {
            n_texts: texts.len(),
            threshold: settings.threshold,
            n_unusable: mistakes.len(),
            unusable: mistakes.listed().to_vec(),
            duplicates: Vec::new(),
            near_duplicates: Vec::new(),
            conflicts: Vec::new(),
            leakage: Vec::new(),
            frames: Frames::default(),
        };
        let places = self.places();
        let found = |pair: &Pair| Match {
            first: places[pair.first].clone(),
            second: places[pair.second].clone(),
            similarity: pair.similarity,
            pair: (pair.first, pair.second),
        };
        let mut is_copy = vec![false; texts.len()];
        let same: Vec<Pair> = comparison.duplicates().collect();
        let near = comparison.near_duplicates(settings.threshold);
        for pair in same.iter().chain(&near) {
            if parts[pair.first] != parts[pair.second] {
                findings.leakage.push(found(pair));
            } else if parts[pair.first] == 0 {
                is_copy[pair.second] |= 1.0 <= pair.similarity;
                let kind = if pair.similarity < 1.0 {
                    &mut findings.near_duplicates
                } else {
                    &mut findings.duplicates
                };
                kind.push(found(pair));
                let (first, second) = (rows[pair.first], rows[pair.second]);
                findings.conflicts.extend(conflicts(columns, first, second, &found(pair)));
            }
        }
        let most_similar_first =
            |a: &Match, b: &Match| b.similarity.total_cmp(&a.similarity).then(a.pair.cmp(&b.pair));
        findings.near_duplicates.sort_by(most_similar_first);
        findings.leakage.sort_by(most_similar_first);
        let own = 0..self.own.rows.len();
        let distinct: Vec<&str> =
            own.filter(|&text| !is_copy[text]).map(|text| texts[text]).collect();
        findings.frames = Frames::find(&distinct, settings.frame_texts);
        findings
    }

    fn places(&self) -> Vec<String> {
        let tables = std::iter::once(&self.own).chain(&self.apart);
        tables.flat_map(|table| table.rows.iter().map(|row| table.place(row.place))).collect()
    }
}

/// The heads on which two texts differ; a missing label contradicts nothing.
fn conflicts<'a>(
    columns: &'a Columns,
    first: &'a Row,
    second: &'a Row,
    texts: &'a Match,
) -> impl Iterator<Item = Conflict> + 'a {
    let cells = first.cells.iter().zip(&second.cells).zip(&columns.heads);
    cells.filter_map(|((labels, others), head)| match (labels, others) {
        (Cell::Labels(labels), Cell::Labels(others)) => {
            let (mut labels, mut others) = (labels.clone(), others.clone());
            labels.sort_unstable();
            others.sort_unstable();
            let texts = texts.clone();
            (labels != others).then(|| Conflict {
                texts,
                head: head.id.to_string(),
                labels,
                others,
            })
        }
        _ => None,
    })
}
