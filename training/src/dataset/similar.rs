//! Finds texts that are the same or nearly so: by `MinHash` (Broder 1997) in bands (Leskovec,
//! Rajaraman and Ullman, Mining of Massive Datasets, chapter 3), every pair verified by the true
//! Jaccard similarity of its character n-grams. Punctuation, spaces, case, width and traditional
//! characters make no difference.

use fenzhen::text::Normalized;
use rayon::prelude::*;
use rustc_hash::FxHashMap;

/// Character n-grams of this length are compared.
pub const SHINGLE_CHARS: usize = 4;
/// Minima per text.
const N_MINIMA: usize = 128;
/// The chance to find a pair at the threshold itself must be at least this.
const MIN_RECALL: f64 = 0.98;
/// In a bucket of many, a text is compared with this many before it; other bands meet others.
const MAX_NEIGHBORS: usize = 64;

/// What stays of a text when only letters and digits count, folded as the models see it.
pub fn letters(text: &str) -> String {
    Normalized::new(text).as_str().chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The same number for texts that differ in punctuation, spaces, case or width alone.
pub fn fingerprint(text: &str) -> u64 {
    let letters = letters(text);
    // A text without letters is told by its marks.
    let kept = if letters.is_empty() { text.trim() } else { letters.as_str() };
    kept.chars().fold(0, |hash, c| mix(hash ^ u64::from(c)))
}

/// `SplitMix64`, Steele et al. 2014.
pub(super) const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// Two texts by their positions, the smaller first, and how much they share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// The position of the one.
    pub first: usize,
    /// The position of the other.
    pub second: usize,
    /// The Jaccard similarity of their n-grams, 1 for texts that are the same.
    pub similarity: f32,
}

/// Texts prepared for comparison.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The distinct texts, each by its first position.
    distinct: Vec<usize>,
    /// For every text the position in `distinct` of the one that it equals.
    same_as: Vec<usize>,
    /// The n-gram hashes of the distinct texts, sorted.
    shingles: Vec<Vec<u64>>,
}

impl Comparison {
    /// Prepares texts.
    pub fn new(texts: &[impl AsRef<str> + Sync]) -> Self {
        let folded: Vec<(u64, String)> = texts
            .par_iter()
            .map(|text| (fingerprint(text.as_ref()), letters(text.as_ref())))
            .collect();
        let mut distinct = Vec::new();
        let mut positions: FxHashMap<u64, usize> = FxHashMap::default();
        let mut same_as = Vec::with_capacity(texts.len());
        for (text, (fingerprint, _)) in folded.iter().enumerate() {
            let position = *positions.entry(*fingerprint).or_insert(distinct.len());
            if position == distinct.len() {
                distinct.push(text);
            }
            same_as.push(position);
        }
        let shingles = distinct.par_iter().map(|&text| shingles(&folded[text].1)).collect();
        Self { distinct, same_as, shingles }
    }

    /// Every text that equals an earlier one, with that one.
    pub fn duplicates(&self) -> impl Iterator<Item = Pair> + '_ {
        self.same_as.iter().enumerate().filter_map(|(second, &same)| {
            let first = self.distinct[same];
            (first != second).then_some(Pair { first, second, similarity: 1.0 })
        })
    }

    /// Pairs of different texts that share at least this part of their n-grams.
    pub fn near_duplicates(&self, threshold: f32) -> Vec<Pair> {
        let rows_per_band = rows_per_band(threshold);
        let sketches: Vec<Vec<u64>> =
            self.shingles.par_iter().map(|shingles| sketch(shingles, rows_per_band)).collect();
        let n_bands = N_MINIMA / rows_per_band;
        let mut pairs: Vec<(u32, u32)> = (0..n_bands)
            .into_par_iter()
            .flat_map_iter(|band| self.meetings(&sketches, band, threshold))
            .collect();
        pairs.par_sort_unstable();
        pairs.dedup();
        let pairs = pairs.into_par_iter().map(|(first, second)| {
            let (first, second) = (first as usize, second as usize);
            let similarity = jaccard(&self.shingles[first], &self.shingles[second]);
            Pair { first: self.distinct[first], second: self.distinct[second], similarity }
        });
        pairs.collect()
    }

    /// The pairs of one band that are similar enough.
    fn meetings(&self, sketches: &[Vec<u64>], band: usize, threshold: f32) -> Vec<(u32, u32)> {
        let mut order: Vec<(u64, u32)> =
            (0..).zip(sketches).map(|(text, sketch)| (sketch[band], text)).collect();
        order.sort_unstable();
        let mut pairs = Vec::new();
        for bucket in order.chunk_by(|a, b| a.0 == b.0) {
            for (position, &(_, second)) in bucket.iter().enumerate() {
                for &(_, first) in &bucket[position.saturating_sub(MAX_NEIGHBORS)..position] {
                    let (a, b) = (&self.shingles[first as usize], &self.shingles[second as usize]);
                    let (short, long) = (a.len().min(b.len()), a.len().max(b.len()));
                    let possible = threshold * long as f32 <= short as f32;
                    if possible && threshold <= jaccard(a, b) {
                        pairs.push((first, second));
                    }
                }
            }
        }
        pairs
    }
}

/// Groups of texts joined by pairs, each in ascending order, every text in exactly one.
pub fn groups(n_texts: usize, pairs: impl IntoIterator<Item = Pair>) -> Vec<Vec<usize>> {
    let mut leaders: Vec<usize> = (0..n_texts).collect();
    for pair in pairs {
        let (a, b) = (leader(&mut leaders, pair.first), leader(&mut leaders, pair.second));
        leaders[a.max(b)] = a.min(b);
    }
    let mut groups: Vec<Vec<usize>> = vec![Vec::new(); n_texts];
    for text in 0..n_texts {
        let first = leader(&mut leaders, text);
        groups[first].push(text);
    }
    groups.retain(|group| !group.is_empty());
    groups
}

/// The groups of texts that are the same or share at least this part of their n-grams.
pub fn similar_groups(texts: &[impl AsRef<str> + Sync], threshold: f32) -> Vec<Vec<usize>> {
    let comparison = Comparison::new(texts);
    let near = comparison.near_duplicates(threshold);
    groups(texts.len(), comparison.duplicates().chain(near))
}

/// The first text of a group, found along a path that is shortened on the way.
fn leader(leaders: &mut [usize], mut text: usize) -> usize {
    while leaders[text] != text {
        leaders[text] = leaders[leaders[text]];
        text = leaders[text];
    }
    text
}

/// The hashes of the n-grams of letters, sorted and distinct; a shorter text is one n-gram.
fn shingles(letters: &str) -> Vec<u64> {
    let chars: Vec<u64> = letters.chars().map(u64::from).collect();
    let mut hashes: Vec<u64> = chars
        .windows(SHINGLE_CHARS.min(chars.len().max(1)))
        .map(|window| window.iter().fold(0, |hash, &c| mix(hash ^ c)))
        .collect();
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}

/// More rows make a band stricter and faster; as many as still find pairs at the threshold.
fn rows_per_band(threshold: f32) -> usize {
    let recall = |rows: usize| {
        let n_bands = (N_MINIMA / rows) as f64;
        1.0 - (1.0 - f64::from(threshold).powf(rows as f64)).powf(n_bands)
    };
    (1..=8).rev().find(|&rows| MIN_RECALL <= recall(rows)).unwrap_or(1)
}

/// One hash per band over the minima of its rows.
fn sketch(shingles: &[u64], rows_per_band: usize) -> Vec<u64> {
    let mut minima = [u64::MAX; N_MINIMA];
    for &shingle in shingles {
        // Kirsch and Mitzenmacher 2006: two hashes make as many as are wanted.
        let (mut hash, step) = (mix(shingle), mix(!shingle) | 1);
        for minimum in &mut minima {
            *minimum = (*minimum).min(hash);
            hash = hash.wrapping_add(step);
        }
    }
    let bands = minima.chunks_exact(rows_per_band);
    bands.map(|band| band.iter().fold(0, |hash, &minimum| mix(hash ^ minimum))).collect()
}

/// The share of n-grams that two sorted lists have in common.
fn jaccard(a: &[u64], b: &[u64]) -> f32 {
    let (mut in_a, mut in_b, mut n_shared) = (0, 0, 0);
    while in_a < a.len() && in_b < b.len() {
        let order = a[in_a].cmp(&b[in_b]);
        n_shared += usize::from(order.is_eq());
        in_a += usize::from(order.is_le());
        in_b += usize::from(order.is_ge());
    }
    let n_all = a.len() + b.len() - n_shared;
    if n_all == 0 { 0.0 } else { n_shared as f32 / n_all as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punctuation_width_and_case_make_no_difference() {
        for (a, b) in [
            ("退款，一直没到账！", "退款一直没到账"),
            ("ＡＢＣ没发货", "abc 没发货。"),
            ("退貨", "退货"),
        ] {
            assert_eq!(fingerprint(a), fingerprint(b), "{a} {b}");
        }
        assert_ne!(fingerprint("退款没到"), fingerprint("退款到了"));
        assert_ne!(fingerprint("？？"), fingerprint("！！"), "marks tell texts without letters");
    }

    /// Texts of 60 characters of which a known part is shared with a common origin.
    fn varied(n_texts: usize, n_own: usize) -> Vec<String> {
        let letter = |n: u64| char::from_u32(0x4e00 + (mix(n) % 5_000) as u32).unwrap();
        (0..n_texts as u64)
            .map(|text| {
                (0..60)
                    .map(|at| letter(if at < n_own as u64 { text * 100 + at + 1_000 } else { at }))
                    .collect()
            })
            .collect()
    }

    #[test]
    fn every_similar_pair_is_found_and_no_other() {
        // 57 n-grams, of which 57 - 20 are shared: a similarity of 37 / 77.
        let texts = varied(40, 20);
        let comparison = Comparison::new(&texts);
        assert!(comparison.near_duplicates(0.55).is_empty());
        let found = comparison.near_duplicates(0.45);
        assert!(760 <= found.len(), "{} of 780", found.len());
        for pair in found {
            assert!((pair.similarity - 37.0 / 77.0).abs() < 0.05, "{pair:?}");
        }
    }

    #[test]
    fn groups_follow_pairs_over_several_steps() {
        let pair = |first, second| Pair { first, second, similarity: 1.0 };
        assert_eq!(groups(5, [pair(0, 3), pair(3, 4)]), [vec![0, 3, 4], vec![1], vec![2]]);
    }

    #[test]
    fn a_text_that_comes_twice_is_told_with_its_first() {
        let comparison = Comparison::new(&["没发货", "好", "没发货！", "没发货"]);
        let found: Vec<_> = comparison.duplicates().map(|pair| (pair.first, pair.second)).collect();
        assert_eq!(found, [(0, 2), (0, 3)]);
    }
}
