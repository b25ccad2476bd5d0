//! Splits a table into files that share no text: neither the same nor nearly the same.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
};

use fenzhen::registry::{DataSource, Digest};
use serde::Serialize;

use crate::dataset::error::unwritable;
use crate::dataset::similar::{Comparison, groups};
use crate::dataset::source::{self, Stop, Wanted};
use crate::dataset::time::read_times;
use crate::dataset::{Balance, Cell, Columns, Error, Mistakes, Table, balance, deal};

/// How texts come into parts.
#[derive(Clone, Debug)]
pub enum Order {
    /// By chance, such that every part has its share of each label of a head.
    Stratified(Option<usize>),
    /// By the times of a column: the oldest texts make the first part.
    ByTime(String),
}

/// How to split.
#[derive(Clone, Debug)]
pub struct SplitSettings {
    /// The parts and their shares.
    pub shares: Vec<(String, f64)>,
    /// How texts come into parts.
    pub order: Order,
    /// The seed.
    pub seed: u64,
    /// From which similarity texts stay together.
    pub threshold: f32,
}

/// Which part each text belongs to.
#[derive(Clone, Debug)]
pub struct Split {
    of: Vec<usize>,
    settings: SplitSettings,
}

/// What was split, how, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SplitManifest {
    /// The files.
    pub sources: Vec<DataSource>,
    /// The seed.
    pub seed: u64,
    /// From which similarity texts stay together.
    pub threshold: f32,
    /// The column of times that it went by.
    pub time_column: Option<String>,
    /// The parts.
    pub parts: BTreeMap<String, SplitPart>,
}

/// A part of a split.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SplitPart {
    /// How many texts it has.
    pub n_texts: usize,
    /// The digest of its file.
    pub sha256: Digest,
    /// The labels of every head.
    pub heads: BTreeMap<String, Balance>,
}

impl Split {
    /// Deals texts to parts; fails when one of them is in the table that is held apart.
    pub fn new(table: &Table, apart: &Table, settings: SplitSettings) -> Result<Self, Error> {
        let n_texts = table.rows.len();
        let rows = table.rows.iter().chain(&apart.rows);
        let texts: Vec<&str> = rows.map(|row| row.text.as_str()).collect();
        let comparison = Comparison::new(&texts);
        let near = comparison.near_duplicates(settings.threshold);
        let pairs: Vec<_> = comparison.duplicates().chain(near).collect();
        let mut mistakes = Mistakes::default();
        // Of copies within the table only the first meets the copy that is held apart.
        let apart_of = |group: &Vec<usize>| group.last().copied().filter(|&last| n_texts <= last);
        let groups = groups(texts.len(), pairs);
        for group in &groups {
            let Some(held_apart) = apart_of(group) else { continue };
            let there = apart.place(apart.rows[held_apart - n_texts].place);
            for &text in group.iter().filter(|&&text| text < n_texts) {
                let here = table.place(table.rows[text].place);
                mistakes.add(
                    format!("{here}: is the same as {there}, or nearly so"),
                    "delete these rows before you split: what is held apart must not be learned",
                );
            }
        }
        mistakes.check()?;
        let mut groups = groups;
        groups.retain(|group| group[0] < n_texts);
        let of = match &settings.order {
            Order::Stratified(head) => {
                let shares: Vec<f64> = settings.shares.iter().map(|(_, share)| *share).collect();
                deal(groups, &strata(table, *head), &shares, settings.seed)
            }
            Order::ByTime(column) => {
                by_time(groups, &read_times(&table.paths, column)?, &settings.shares)
            }
        };
        let split = Self { of, settings };
        split.check_parts()?;
        Ok(split)
    }

    fn check_parts(&self) -> Result<(), Error> {
        let mut mistakes = Mistakes::default();
        for (part, (name, _)) in self.settings.shares.iter().enumerate() {
            if !self.of.contains(&part) {
                mistakes.add(
                    format!("part `{name}` gets no text"),
                    "give it a larger share, or split more texts",
                );
            }
        }
        mistakes.check()
    }

    /// The part of every text.
    pub fn of(&self) -> &[usize] {
        &self.of
    }

    /// Writes every part with all columns of its rows, and `split.json` beside them.
    pub fn write(
        &self,
        table: &Table,
        columns: &Columns,
        dir: &Path,
    ) -> Result<SplitManifest, Error> {
        fs::create_dir_all(dir).map_err(unwritable(dir))?;
        let mut files = Vec::new();
        for (name, _) in &self.settings.shares {
            let path = dir.join(format!("{name}.jsonl"));
            let file = File::create_new(&path).map_err(unwritable(&path))?;
            files.push((BufWriter::new(file), path));
        }
        let mut parts = self.of.iter();
        let mut mistakes = Mistakes::default();
        for path in &table.paths {
            source::read(path, Wanted::All, &mut mistakes, &mut |record| {
                let Some(&part) = parts.next() else { return Ok(()) };
                let (file, path) = &mut files[part];
                let mut line = serde_json::Value::Object(record.cells).to_string();
                line.push('\n');
                file.write_all(line.as_bytes())
                    .map_err(|source| Stop::Fatal(unwritable(path)(source)))
            })?;
        }
        mistakes.check()?;
        for (file, path) in &mut files {
            file.flush().map_err(unwritable(path))?;
        }
        let manifest = self.manifest(table, columns, dir)?;
        let path = dir.join("split.json");
        let text = serde_json::to_string_pretty(&manifest).expect("a manifest is plain data");
        fs::write(&path, text + "\n").map_err(unwritable(&path))?;
        Ok(manifest)
    }

    fn manifest(
        &self,
        table: &Table,
        columns: &Columns,
        dir: &Path,
    ) -> Result<SplitManifest, Error> {
        let mut parts = BTreeMap::new();
        for (part, (name, _)) in self.settings.shares.iter().enumerate() {
            let path = dir.join(format!("{name}.jsonl"));
            let content = fs::read(&path).map_err(unwritable(&path))?;
            let rows = table.rows.iter().zip(&self.of).filter(|(_, of)| **of == part);
            let part = SplitPart {
                n_texts: rows.clone().count(),
                sha256: Digest::of(&content),
                heads: balance(columns, &rows.map(|(row, _)| row)),
            };
            parts.insert(name.clone(), part);
        }
        Ok(SplitManifest {
            sources: table.sources.clone(),
            seed: self.settings.seed,
            threshold: self.settings.threshold,
            time_column: match &self.settings.order {
                Order::ByTime(column) => Some(column.clone()),
                Order::Stratified(_) => None,
            },
            parts,
        })
    }
}

/// Numbers for the labels of a head; texts without a head are all the same.
fn strata(table: &Table, head: Option<usize>) -> Vec<usize> {
    let mut known: BTreeMap<Vec<&String>, usize> = BTreeMap::new();
    let rows = table.rows.iter();
    rows.map(|row| {
        let mut labels: Vec<&String> = match head.map(|head| &row.cells[head]) {
            Some(Cell::Labels(labels)) => labels.iter().collect(),
            _ => Vec::new(),
        };
        labels.sort_unstable();
        let next = known.len();
        *known.entry(labels).or_insert(next)
    })
    .collect()
}

/// The oldest groups into the first part and so on. A group is as old as its newest text, so that
/// no part learns from a text that is newer than the next part begins.
fn by_time(mut groups: Vec<Vec<usize>>, times: &[i64], shares: &[(String, f64)]) -> Vec<usize> {
    let newest = |group: &Vec<usize>| group.iter().map(|&text| times[text]).max();
    groups.sort_by_key(|group| (newest(group), group[0]));
    let mut of = vec![0; times.len()];
    let (mut part, mut n_dealt) = (0, 0);
    let mut share_so_far = shares[0].1;
    for group in groups {
        while share_so_far * times.len() as f64 <= n_dealt as f64 && part + 1 < shares.len() {
            part += 1;
            share_so_far += shares[part].1;
        }
        n_dealt += group.len();
        for text in group {
            of[text] = part;
        }
    }
    of
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_learns_from_what_is_newer_than_the_next() {
        let times: Vec<i64> = (0..100).map(|n| (n * 37) % 100).collect();
        let copies = (0..100).position(|n| times[n] == 5).unwrap();
        let late = (0..100).position(|n| times[n] == 95).unwrap();
        let mut groups: Vec<Vec<usize>> =
            (0..100).filter(|n| ![copies, late].contains(n)).map(|n| vec![n]).collect();
        groups.push(vec![copies.min(late), copies.max(late)]);
        let shares = [("train".to_owned(), 0.8), ("test".to_owned(), 0.2)];
        let of = by_time(groups, &times, &shares);
        assert_eq!(of.iter().filter(|&&part| part == 0).count(), 80);
        assert_eq!(of[copies], 1, "an old text goes with its newer copy");
        let train_ends = (0..100).filter(|&n| of[n] == 0).map(|n| times[n]).max();
        let others = (0..100).filter(|&n| of[n] == 1 && n != copies).map(|n| times[n]).min();
        assert!(train_ends < others, "{train_ends:?} {others:?}");
    }
}
