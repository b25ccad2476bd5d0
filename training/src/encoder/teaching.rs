//! Texts without labels, and what finished models say about them, for an encoder to learn from beside
//! labelled texts (Hinton et al. 2015, "Distilling the Knowledge in a Neural Network"; Xie et al. 2020,
//! "Self-training with Noisy Student").

use std::collections::BTreeMap;

use fenzhen::domain::{HeadKind, Prediction};
use fenzhen::inference::Classifier;
use fenzhen::text::{Analyzer, Document};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::dataset::similar;
use crate::encoder::kept::SIMILAR;
use crate::progress::Progress;

/// Teachers are asked about so many texts at a time.
const N_TOGETHER: usize = 32;

/// Texts without labels with what teachers say about them, in random order.
#[derive(Clone, Debug, Default)]
pub struct Taught {
    /// The texts.
    pub texts: Vec<String>,
    /// A row for every text: the mean of the teachers' probabilities of each label, head by head in
    /// the order of the taxonomy.
    pub shares: Vec<Vec<f32>>,
}

impl Taught {
    /// How many of the texts each of so many passes sees; none is seen twice.
    pub(super) fn n_per_pass(&self, n_passes: usize) -> usize {
        self.texts.len() / n_passes
    }
}

/// The texts that resemble neither each other nor any of the texts that are known or measured on.
pub fn strange(unlabelled: Vec<String>, known: &[&str]) -> Vec<String> {
    let all: Vec<&str> =
        known.iter().copied().chain(unlabelled.iter().map(String::as_str)).collect();
    let mut is_strange = vec![false; all.len()];
    for group in similar::similar_groups(&all, SIMILAR) {
        // Groups are in ascending order, so that a known text comes first.
        is_strange[group[0]] = known.len() <= group[0];
    }
    let kept = unlabelled.into_iter().zip(&is_strange[known.len()..]);
    kept.filter_map(|(text, is_strange)| is_strange.then_some(text)).collect()
}

/// Asks teachers of one taxonomy about texts, and keeps at most `n_texts` of them, so that no
/// combination of labels has more than another while that one has texts left: what people write
/// most is what a model knows already.
pub fn teach(
    texts: &[String],
    teachers: &[Box<dyn Classifier>],
    n_texts: usize,
    seed: u64,
    progress: &Progress,
) -> Taught {
    let shares = ask(texts, teachers, progress);
    let taxonomy = teachers.first().map(|teacher| teacher.taxonomy());
    let heads = taxonomy.iter().flat_map(|taxonomy| taxonomy.heads());
    let mut first = 0;
    let single: Vec<_> = heads
        .filter_map(|head| {
            let labels = first..first + head.labels.len();
            first = labels.end;
            (head.kind != HeadKind::MultiLabel).then_some(labels)
        })
        .collect();
    let mut groups: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
    for (text, row) in shares.iter().enumerate() {
        let key = single.iter().map(|labels| largest(&row[labels.clone()])).collect();
        groups.entry(key).or_default().push(text);
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut turns = Vec::with_capacity(texts.len());
    for group in groups.values_mut() {
        group.shuffle(&mut random);
        turns.extend(group.iter().copied().enumerate());
    }
    turns.sort_unstable();
    turns.truncate(n_texts);
    turns.shuffle(&mut random);
    let chosen = turns.into_iter().map(|(_, text)| text);
    let (texts, shares) = chosen.map(|text| (texts[text].clone(), shares[text].clone())).unzip();
    Taught { texts, shares }
}

/// The mean of the teachers' probabilities, a row for every text.
fn ask(texts: &[String], teachers: &[Box<dyn Classifier>], progress: &Progress) -> Vec<Vec<f32>> {
    let bar = progress.bar(texts.len() as u64, "texts");
    let analyzer = Analyzer::default();
    let rows: Vec<Vec<f32>> = texts
        .par_chunks(N_TOGETHER)
        .flat_map_iter(|texts| {
            let documents: Vec<Document<'_>> =
                texts.iter().map(|text| analyzer.analyze(text)).collect();
            let mut rows: Vec<Vec<f32>> = vec![Vec::new(); texts.len()];
            for teacher in teachers {
                for (row, prediction) in rows.iter_mut().zip(teacher.classify_all(&documents)) {
                    add(row, &prediction, teachers.len());
                }
            }
            bar.inc(texts.len() as u64);
            rows
        })
        .collect();
    bar.finish_and_clear();
    rows
}

fn add(row: &mut Vec<f32>, prediction: &Prediction, n_teachers: usize) {
    let given = prediction.heads().flat_map(|(_, answer)| answer.probabilities.iter());
    let given: Vec<f32> = given.map(|p| p / n_teachers as f32).collect();
    row.resize(given.len(), 0.0);
    row.iter_mut().zip(given).for_each(|(sum, share)| *sum += share);
}

fn largest(shares: &[f32]) -> usize {
    let by_share = |&a: &usize, &b: &usize| shares[a].total_cmp(&shares[b]);
    (0..shares.len()).max_by(by_share).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fenzhen::domain::{HeadPrediction, Taxonomy};

    use super::*;
    use crate::encoder::tests::dataset;

    /// Is as sure of the second topic and of the highest degree as it was told to be.
    struct Stubborn(Arc<Taxonomy>, f32);

    impl Classifier for Stubborn {
        fn taxonomy(&self) -> &Arc<Taxonomy> {
            &self.0
        }

        fn classify(&self, document: &Document<'_>) -> Prediction {
            let sure = if document.original().contains("退款") { self.1 } else { 1.0 - self.1 };
            let answer = |probabilities: Vec<f32>| HeadPrediction {
                probabilities,
                chosen: vec![0],
                abstains: false,
                evidence: Vec::new(),
            };
            let degree = vec![(1.0 - sure) / 2.0, (1.0 - sure) / 2.0, sure];
            let heads = [vec![1.0 - sure, sure], degree, vec![sure]];
            Prediction::new(Arc::clone(&self.0), heads.map(answer).into())
        }
    }

    fn teachers() -> Vec<Box<dyn Classifier>> {
        let taxonomy = Arc::new(dataset().taxonomy);
        let teacher = |sure: f32| Box::new(Stubborn(Arc::clone(&taxonomy), sure)) as _;
        vec![teacher(0.9), teacher(0.7)]
    }

    #[test]
    fn several_teachers_say_the_mean_and_rare_meanings_are_not_crowded_out() {
        let texts: Vec<String> =
            (0..100).map(|n| format!("{}{n}", if n % 20 == 0 { "退款" } else { "快递" })).collect();
        let taught = teach(&texts, &teachers(), 12, 7, &Progress::silent());
        assert_eq!(taught.texts.len(), 12);
        let n_rare = taught.texts.iter().filter(|text| text.contains("退款")).count();
        assert_eq!(n_rare, 5, "all of the rare ones: {:?}", taught.texts);
        for (text, shares) in taught.texts.iter().zip(&taught.shares) {
            let sure = if text.contains("退款") { 0.8 } else { 0.2 };
            let expected = [1.0 - sure, sure, (1.0 - sure) / 2.0, (1.0 - sure) / 2.0, sure, sure];
            assert!(shares.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{shares:?}");
        }
        assert_eq!(taught.texts, teach(&texts, &teachers(), 12, 7, &Progress::silent()).texts);
    }

    #[test]
    fn texts_that_are_known_or_come_twice_are_left_out() {
        let unlabelled =
            ["退款一直没有到账。", "快递丢了三天没人管", "快递丢了三天，没人管！", "好"];
        let kept = strange(unlabelled.map(str::to_owned).into(), &["退款一直没有到账"]);
        assert_eq!(kept, ["快递丢了三天没人管", "好"]);
    }
}
