//! Which texts are kept from training, for stopping early, the blend and the calibration. An encoder
//! that has learned before keeps the texts that it was kept from then, since it knows all others:
//! scores of texts that it knows would make every confidence too high.

use fenzhen::registry::{DataSource, Learned};

use crate::dataset::{Dataset, Folds, similar};
use crate::encoder::Task;
use crate::progress::Progress;

/// Texts that share this part of their character 4-grams resemble each other: they are kept or
/// trained on together.
pub(super) const SIMILAR: f32 = 0.5;

/// What an encoder that learns from a task's texts has learned from.
pub(super) fn learned(task: Task<'_>) -> Learned {
    let data = task.dataset.sources.clone();
    Learned { seed: task.seed, n_folds: task.settings.validation_folds, data }
}

/// The texts to train on and the kept ones, both in order.
pub(super) fn split(task: Task<'_>, progress: &Progress) -> (Vec<usize>, Vec<usize>) {
    let Task { dataset, settings, seed, learned, .. } = task;
    let Some(learned) = learned else {
        return deal(dataset, settings.validation_folds, seed).split(0);
    };
    let n_known: usize = learned.data.iter().map(|source| source.n_texts).sum();
    let is_same =
        |(a, b): (&DataSource, &DataSource)| (a.sha256, a.n_texts) == (b.sha256, b.n_texts);
    let (before, now) = (&learned.data, &dataset.sources);
    if before.len() <= now.len() && before.iter().zip(now).all(is_same) {
        return split_after(dataset, n_known, learned, (settings.validation_folds, seed));
    }
    progress.note(
        "the encoder has learned from other files than these: it may know kept texts too, and \
         then confidence will be too high",
    );
    deal(dataset, settings.validation_folds, seed).split(0)
}

fn deal(dataset: &Dataset, n_folds: usize, seed: u64) -> Folds {
    Folds::new(&dataset.texts, &dataset.labels, n_folds, seed)
}

/// The texts that an encoder has learned from come first: of these the fold that was kept then is
/// kept again, and of all others one fold, less what resembles a text to train on.
fn split_after(
    dataset: &Dataset,
    n_known: usize,
    learned: &Learned,
    (n_folds, seed): (usize, u64),
) -> (Vec<usize>, Vec<usize>) {
    let n_texts = dataset.texts.len();
    let part = |texts: std::ops::Range<usize>| dataset.part(&texts.collect::<Vec<_>>());
    let mut is_kept = vec![false; n_texts];
    for text in deal(&part(0..n_known), learned.n_folds, learned.seed).split(0).1 {
        is_kept[text] = true;
    }
    if n_known < n_texts {
        for text in deal(&part(n_known..n_texts), n_folds, seed).split(0).1 {
            is_kept[n_known + text] = true;
        }
    }
    for group in similar::similar_groups(&dataset.texts, SIMILAR) {
        if group.iter().any(|&text| !is_kept[text]) {
            for text in group.into_iter().filter(|&text| n_known <= text) {
                is_kept[text] = false;
            }
        }
    }
    (0..n_texts).partition(|&text| !is_kept[text])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::encoder::tests::{dataset, settings};

    /// A data set with the texts of another first.
    fn with_more(dataset: &Dataset, more: &[String]) -> Dataset {
        let mut longer = dataset.clone();
        let source = |n_texts| DataSource { n_texts, ..dataset.sources[0].clone() };
        longer.sources = vec![
            dataset.sources[0].clone(),
            DataSource { sha256: fenzhen::registry::Digest::of(b"more"), ..source(more.len()) },
        ];
        longer.texts.extend(more.iter().cloned());
        for labels in &mut longer.labels {
            labels.extend(vec![Some(vec![0]); more.len()]);
        }
        longer
    }

    #[test]
    fn what_an_encoder_was_kept_from_is_kept_again_and_nothing_that_it_knows() {
        let (before, settings) = (dataset(), settings(2));
        let task = |dataset, seed, learned| Task {
            dataset,
            settings: &settings,
            seed,
            triage_share: 0.1,
            learned,
        };
        let silent = Progress::silent();
        let (known, kept) = split(task(&before, 7, None), &silent);
        let learned = learned(task(&before, 7, None));
        let new = (0..40_u32).map(|n| {
            let word: String = (0..12_u32)
                .map(|it| char::from(b'a' + ((n * n * 31 + it * it * 17 + n * it * 7) % 26) as u8))
                .collect();
            format!("{n}{word}")
        });
        // One of the new texts is a text that the encoder knows.
        let more: Vec<String> = new.chain([before.texts[known[0]].clone()]).collect();
        let after = with_more(&before, &more);
        // Another seed deals other folds, and the texts that were kept stay the same.
        for seed in [7, 8] {
            let (training, again) = split(task(&after, seed, Some(&learned)), &silent);
            let again: BTreeSet<usize> = again.into_iter().collect();
            let n_before = before.texts.len();
            let of_known: Vec<usize> = again.iter().copied().filter(|&it| it < n_before).collect();
            assert_eq!(of_known, kept);
            assert!(of_known.len() + 4 <= again.len(), "new texts are kept too: {again:?}");
            assert!(!again.contains(&(after.texts.len() - 1)), "it knows that text");
            assert_eq!(training.len() + again.len(), after.texts.len());
        }
        // Without knowing what it has learned from, it would be measured on what it knows.
        let (_, blind) = split(task(&after, 8, None), &silent);
        assert!(blind.iter().any(|text| known.contains(text)));
    }

    #[test]
    fn files_that_are_missing_leave_no_way_to_tell() {
        let (dataset, settings) = (dataset(), settings(2));
        let task = Task {
            dataset: &dataset,
            settings: &settings,
            seed: 7,
            triage_share: 0.1,
            learned: None,
        };
        let mut learned = learned(task);
        learned.data.push(DataSource { n_texts: 9, ..learned.data[0].clone() });
        let with = Task { learned: Some(&learned), ..task };
        let silent = Progress::silent();
        assert_eq!(split(with, &silent), split(task, &silent));
    }
}
