//! Splits texts into folds such that texts that are almost the same stay together: otherwise
//! copies of a training text would flatter every figure that is measured on held-out folds.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::dataset::labels::HeadLabels;
use crate::dataset::similar::mix;

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
    /// Deals groups of similar texts to folds of about the same size. A group with more than half
    /// of a label's texts is dealt text by text: kept together, it would leave a fold to be judged
    /// by a model that has hardly seen the label. `labels` are those of a data set.
    pub fn new(texts: &[String], labels: &[HeadLabels], n_folds: usize, seed: u64) -> Self {
        let mut groups: Vec<Vec<usize>> = similar_groups(texts)
            .into_iter()
            .flat_map(|group| {
                if holds_most_of_a_label(&group, labels) {
                    group.into_iter().map(|text| vec![text]).collect()
                } else {
                    vec![group]
                }
            })
            .collect();
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

    /// Deals groups of texts to folds such that every fold has about the same share of each
    /// stratum; a text's stratum is a number.
    pub fn stratified(
        groups: Vec<Vec<usize>>,
        strata: &[usize],
        n_folds: usize,
        seed: u64,
    ) -> Self {
        let shares = vec![1.0 / n_folds as f64; n_folds];
        Self { of: deal(groups, strata, &shares, seed), n_folds }
    }

    /// The fold of every text.
    pub fn of(&self) -> &[usize] {
        &self.of
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

/// Deals groups of texts to parts of given shares: largest groups first, each to the part that
/// lacks most of the group's strata. Returns the part of every text.
pub fn deal(
    mut groups: Vec<Vec<usize>>,
    strata: &[usize],
    shares: &[f64],
    seed: u64,
) -> Vec<usize> {
    groups.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
    let n_strata = strata.iter().max().map_or(0, |most| most + 1);
    let mut sizes = vec![0.0; n_strata];
    for &stratum in strata {
        sizes[stratum] += 1.0;
    }
    let mut lacking: Vec<Vec<f64>> =
        shares.iter().map(|share| sizes.iter().map(|size| share * size).collect()).collect();
    let mut of = vec![0; strata.len()];
    for group in groups {
        // Ties, as between strata that are all dealt, go to the part that lacks most over all.
        let need = |part: usize| -> (f64, f64) {
            let own = group.iter().map(|&text| lacking[part][strata[text]] / shares[part]).sum();
            (own, lacking[part].iter().sum::<f64>() / shares[part])
        };
        let part = (0..shares.len())
            .filter(|&part| 0.0 < shares[part])
            .max_by(|&a, &b| {
                let (a, b) = (need(a), need(b));
                a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
            })
            .unwrap_or(0);
        for text in group {
            lacking[part][strata[text]] -= 1.0;
            of[text] = part;
        }
    }
    of
}

/// Whether more than half of the texts of any label are in a group of several.
fn holds_most_of_a_label(group: &[usize], labels: &[HeadLabels]) -> bool {
    1 < group.len()
        && labels.iter().any(|head| {
            let mut inside: FxHashMap<usize, usize> = FxHashMap::default();
            for &label in group.iter().filter_map(|&text| head[text].as_ref()).flatten() {
                *inside.entry(label).or_default() += 1;
            }
            // Small groups hold most of a label only where the label is as rare.
            inside.into_iter().any(|(label, n_inside)| {
                let with_label = head.iter().flatten().filter(|labels| labels.contains(&label));
                with_label.take(2 * n_inside).count() < 2 * n_inside
            })
        })
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
        let folds = Folds::new(&texts, &[], 5, 1);
        assert_eq!(folds.of[200], folds.of[201]);
        assert_eq!(folds.of[200], folds.of[202]);
    }

    #[test]
    fn a_label_whose_texts_are_all_alike_is_in_every_fold() {
        let frames = ["快递一直没有送到家里来", "退款申请了还没有到账", "客服的态度实在太差劲了"];
        let rows = frames.iter().enumerate().flat_map(|(label, frame)| {
            (0..40).map(move |n| (format!("{frame}，第{n}次"), Some(vec![label])))
        });
        let (texts, labels): (Vec<String>, HeadLabels) = rows.unzip();
        let folds = Folds::new(&texts, &[labels], 5, 1);
        for fold in 0..5 {
            let (_, inside) = folds.split(fold);
            for label in 0..frames.len() {
                assert!(inside.iter().any(|text| text / 40 == label), "{label} not in {fold}");
            }
        }
    }

    #[test]
    fn parts_keep_the_shares_of_every_stratum_and_hold_groups_together() {
        let strata: Vec<usize> = (0..1_000).map(|text| usize::from(text % 10 == 0)).collect();
        let mut groups: Vec<Vec<usize>> = vec![(0..30).collect()];
        groups.extend((30..1_000).map(|text| vec![text]));
        let of = deal(groups, &strata, &[0.8, 0.1, 0.1], 7);
        let count = |part: usize, stratum: usize| {
            (0..1_000).filter(|&text| of[text] == part && strata[text] == stratum).count()
        };
        assert_eq!([count(0, 0), count(1, 0), count(2, 0)], [720, 90, 90]);
        assert_eq!([count(0, 1), count(1, 1), count(2, 1)], [80, 10, 10]);
        assert!(of[..30].iter().all(|part| *part == of[0]));
    }

    #[test]
    fn folds_have_about_the_same_size_and_depend_on_the_seed_alone() {
        let texts: Vec<String> = (0..500_u64).map(|n| format!("{:x}", mix(n))).collect();
        let folds = Folds::new(&texts, &[], 5, 1);
        for fold in 0..5 {
            let (outside, inside) = folds.split(fold);
            assert_eq!(outside.len() + inside.len(), 500);
            assert!((95..=105).contains(&inside.len()), "{}", inside.len());
        }
        assert_eq!(folds, Folds::new(&texts, &[], 5, 1));
        assert_ne!(folds, Folds::new(&texts, &[], 5, 2));
    }
}
