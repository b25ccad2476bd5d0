//! Splits texts into folds such that texts that are almost the same stay together: otherwise
//! copies of a training text would flatter every figure that is measured on held-out folds.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use rustc_hash::FxHashMap;

/// Character n-grams of this length are compared.
const SHINGLE_CHARS: usize = 4;
/// Texts meet when all minima of one band agree (Broder 1997): with these numbers nine of ten
/// pairs that share 80 % of their n-grams do, and one of five that share half.
const BANDS: usize = 4;
const ROWS_PER_BAND: usize = 4;

/// Which fold each text belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folds {
    of: Vec<usize>,
    n_folds: usize,
}

impl Folds {
    /// Deals groups of similar texts to folds of about the same size.
    pub fn new(texts: &[String], n_folds: usize, seed: u64) -> Self {
        let mut groups = similar_groups(texts);
        groups.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        groups.sort_by_key(|group| std::cmp::Reverse(group.len().max(2)));
        let mut sizes = vec![0; n_folds];
        let mut of = vec![0; texts.len()];
        for group in groups {
            let smallest = (0..n_folds).min_by_key(|&fold| sizes[fold]).unwrap_or(0);
            sizes[smallest] += group.len();
            for text in group {
                of[text] = smallest;
            }
        }
        Self { of, n_folds }
    }

    /// How many folds there are.
    pub const fn n_folds(&self) -> usize {
        self.n_folds
    }

    /// The texts outside and inside a fold.
    pub fn split(&self, fold: usize) -> (Vec<usize>, Vec<usize>) {
        (0..self.of.len()).partition(|&text| self.of[text] != fold)
    }
}

fn similar_groups(texts: &[String]) -> Vec<Vec<usize>> {
    let sketches: Vec<[u64; BANDS]> = texts.par_iter().map(|text| sketch(text)).collect();
    let mut leaders: Vec<usize> = (0..texts.len()).collect();
    for band in 0..BANDS {
        let mut first_with: FxHashMap<u64, usize> = FxHashMap::default();
        for (text, sketch) in sketches.iter().enumerate() {
            let first = *first_with.entry(sketch[band]).or_insert(text);
            let (a, b) = (leader(&mut leaders, first), leader(&mut leaders, text));
            leaders[a.max(b)] = a.min(b);
        }
    }
    let mut groups: Vec<Vec<usize>> = vec![Vec::new(); texts.len()];
    for text in 0..texts.len() {
        let first = leader(&mut leaders, text);
        groups[first].push(text);
    }
    groups.retain(|group| !group.is_empty());
    groups
}

/// The first text of a group, found along a path that is shortened on the way.
fn leader(leaders: &mut [usize], mut text: usize) -> usize {
    while leaders[text] != text {
        leaders[text] = leaders[leaders[text]];
        text = leaders[text];
    }
    text
}

/// One hash per band over the smallest n-gram hashes of the text's letters and digits.
fn sketch(text: &str) -> [u64; BANDS] {
    let chars: Vec<u64> = text
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .map(u64::from)
        .collect();
    let mut minima = [[u64::MAX; ROWS_PER_BAND]; BANDS];
    for shingle in chars.windows(SHINGLE_CHARS.min(chars.len().max(1))) {
        let hash = shingle.iter().fold(0, |hash, &c| mix(hash ^ c));
        for (row, minimum) in (0..).zip(minima.as_flattened_mut()) {
            *minimum = (*minimum).min(mix(hash ^ row));
        }
    }
    minima.map(|band| band.into_iter().fold(0, |hash, minimum| mix(hash ^ minimum)))
}

/// `SplitMix64`, Steele et al. 2014.
const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn almost_equal_texts_share_a_fold() {
        let long = "快递送到的时候箱子已经完全压扁里面的杯子碎了三个客服一直不回复";
        let mut texts: Vec<String> =
            (0..200).map(|n| format!("第{n}条{}完全不同的内容{}", n * 7919, n * 104_729)).collect();
        texts.push(long.to_owned());
        texts.push(format!("{long}！！！"));
        texts.push(format!(" {long}。"));
        let folds = Folds::new(&texts, 5, 1);
        assert_eq!(folds.of[200], folds.of[201]);
        assert_eq!(folds.of[200], folds.of[202]);
    }

    #[test]
    fn folds_have_about_the_same_size_and_depend_on_the_seed_alone() {
        let texts: Vec<String> = (0..500_u64).map(|n| format!("{:x}", mix(n))).collect();
        let folds = Folds::new(&texts, 5, 1);
        for fold in 0..5 {
            let (outside, inside) = folds.split(fold);
            assert_eq!(outside.len() + inside.len(), 500);
            assert!((95..=105).contains(&inside.len()), "{}", inside.len());
        }
        assert_eq!(folds, Folds::new(&texts, 5, 1));
        assert_ne!(folds, Folds::new(&texts, 5, 2));
    }
}
