//! What a data set looks like: how many, how long, in which script, which labels how often.

use std::collections::BTreeMap;

use fenzhen::registry::DataSource;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::dataset::similar::fingerprint;
use crate::dataset::{Cell, Columns, Mistakes, Row, Table};

/// What a data set looks like.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Statistics {
    /// How many texts can be used.
    pub n_texts: usize,
    /// How many rows cannot, and the first of them.
    pub n_unusable: usize,
    /// The first of those, each with its reason.
    pub unusable: Vec<String>,
    /// The files.
    pub sources: Vec<DataSource>,
    /// Characters per text.
    pub length: Lengths,
    /// Texts by the script that most of their letters are in.
    pub scripts: BTreeMap<&'static str, usize>,
    /// Texts that equal an earlier one but for case, width and punctuation.
    pub n_duplicates: usize,
    /// The labels of every head.
    pub heads: BTreeMap<String, Balance>,
}

/// Characters per text: the mean, and the lengths below which these parts of the texts are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Lengths {
    /// All characters by all texts.
    pub mean: f64,
    /// The shortest.
    pub min: usize,
    /// 5 %.
    pub p5: usize,
    /// 25 %.
    pub p25: usize,
    /// Half.
    pub p50: usize,
    /// 75 %.
    pub p75: usize,
    /// 95 %.
    pub p95: usize,
    /// 99 %.
    pub p99: usize,
    /// The longest.
    pub max: usize,
}

/// How often each label of a head occurs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Balance {
    /// Texts without a label.
    pub n_missing: usize,
    /// Texts with several.
    pub n_several: usize,
    /// The most frequent label's texts by the rarest one's.
    pub imbalance: f64,
    /// Texts by label.
    pub labels: BTreeMap<String, usize>,
}

impl Statistics {
    /// Counts a table.
    pub fn of(table: &Table, columns: &Columns, mistakes: &Mistakes) -> Self {
        let lengths = table.rows.iter().map(|row| row.text.chars().count()).collect();
        let mut scripts = BTreeMap::new();
        let mut seen: FxHashMap<u64, usize> = FxHashMap::default();
        for row in &table.rows {
            *scripts.entry(script(&row.text)).or_default() += 1;
            *seen.entry(fingerprint(&row.text)).or_default() += 1;
        }
        Self {
            n_texts: table.rows.len(),
            n_unusable: mistakes.len(),
            unusable: mistakes.listed().to_vec(),
            sources: table.sources.clone(),
            length: Lengths::of(lengths),
            scripts,
            n_duplicates: table.rows.len() - seen.len(),
            heads: balance(columns, &table.rows.iter()),
        }
    }
}

/// How often each label of each head occurs in some rows.
pub fn balance<'a>(
    columns: &Columns,
    rows: &(impl Iterator<Item = &'a Row> + Clone),
) -> BTreeMap<String, Balance> {
    let heads = columns.heads.iter().enumerate().map(|(position, head)| {
        let cells = rows.clone().map(|row| &row.cells[position]);
        (head.id.to_string(), Balance::of(cells))
    });
    heads.collect()
}

impl Lengths {
    /// The smallest length that at least a part of the texts does not exceed.
    fn of(mut lengths: Vec<usize>) -> Self {
        lengths.sort_unstable();
        let Some(&max) = lengths.last() else { return Self::default() };
        let quantile = |percent: usize| {
            let rank = (percent * lengths.len()).div_ceil(100).max(1);
            lengths[rank - 1]
        };
        Self {
            mean: lengths.iter().sum::<usize>() as f64 / lengths.len() as f64,
            min: lengths[0],
            p5: quantile(5),
            p25: quantile(25),
            p50: quantile(50),
            p75: quantile(75),
            p95: quantile(95),
            p99: quantile(99),
            max,
        }
    }
}

impl Balance {
    fn of<'a>(cells: impl Iterator<Item = &'a Cell>) -> Self {
        let mut balance = Self::default();
        for cell in cells {
            let Cell::Labels(labels) = cell else {
                balance.n_missing += 1;
                continue;
            };
            balance.n_several += usize::from(1 < labels.len());
            for label in labels {
                *balance.labels.entry(label.clone()).or_default() += 1;
            }
        }
        let counts = || balance.labels.values().copied();
        balance.imbalance =
            counts().max().unwrap_or(0) as f64 / counts().min().unwrap_or(1).max(1) as f64;
        balance
    }
}

/// The script that most letters of a text are in.
fn script(text: &str) -> &'static str {
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        let script = match u32::from(c) {
            0x3040..=0x30ff | 0x31f0..=0x31ff | 0xff66..=0xff9f => "kana",
            0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xf900..=0xfaff | 0x2_0000..=0x3_ffff => "han",
            0x1100..=0x11ff | 0xac00..=0xd7af => "hangul",
            0x41..=0x24f | 0xff21..=0xff5a => "latin",
            0x400..=0x52f => "cyrillic",
            0x600..=0x6ff => "arabic",
            _ => "other",
        };
        // A letter of an alphabet says less than a character that is a syllable or a word.
        let weight = if matches!(script, "han" | "kana" | "hangul") { 3 } else { 1 };
        *counts.entry(script).or_default() += weight;
    }
    // A Japanese sentence may hold more Han characters than kana, a Chinese one holds no kana.
    let n_letters: usize = counts.values().sum();
    if n_letters <= 5 * counts.get("kana").copied().unwrap_or(0) && 0 < n_letters {
        return "kana";
    }
    counts.into_iter().max_by_key(|&(_, n)| n).map_or("none", |(script, _)| script)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_lengths_that_occur() {
        let lengths = Lengths::of((1..=200).rev().collect());
        assert_eq!((lengths.min, lengths.p5, lengths.p50, lengths.max), (1, 10, 100, 200));
        assert!((lengths.mean - 100.5).abs() < 1e-9);
        assert_eq!(Lengths::of(vec![7]).p95, 7);
    }

    #[test]
    fn scripts_are_told_by_most_letters() {
        for (text, expected) in [
            ("快递没到，order 123", "han"),
            ("商品が届きません", "kana"),
            ("배송이 너무 늦어요", "hangul"),
            ("where is my parcel", "latin"),
            ("12345！！", "none"),
        ] {
            assert_eq!(script(text), expected, "{text}");
        }
    }
}
