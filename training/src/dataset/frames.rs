//! Finds wordings that recur: the same opening, or the same stretch within many texts. A corpus
//! that was filled into templates teaches the templates.

use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;

use crate::dataset::similar::{letters, mix};

/// An opening is this many letters.
const OPENING_CHARS: usize = 6;
/// A stretch is this many letters.
const STRETCH_CHARS: usize = 10;

/// A wording and how many distinct texts have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Frame {
    /// The letters that recur.
    pub letters: String,
    /// How many texts have them.
    pub n_texts: usize,
}

/// Wordings that recur, most frequent first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Frames {
    /// At the beginning of texts.
    pub openings: Vec<Frame>,
    /// Anywhere in them; of those that overlap, one is told.
    pub stretches: Vec<Frame>,
}

impl Frames {
    /// Looks for wordings in at least this many texts; the texts should be distinct.
    pub fn find(texts: &[&str], min_texts: usize) -> Self {
        let folded: Vec<Vec<char>> =
            texts.iter().map(|text| letters(text).chars().collect()).collect();
        let mut openings: FxHashMap<&[char], usize> = FxHashMap::default();
        let mut stretches: FxHashMap<u64, usize> = FxHashMap::default();
        for chars in &folded {
            if let Some(opening) = chars.get(..OPENING_CHARS) {
                *openings.entry(opening).or_default() += 1;
            }
            for hash in own_stretches(chars) {
                *stretches.entry(hash).or_default() += 1;
            }
        }
        let openings = openings.into_iter().filter(|&(_, n_texts)| min_texts <= n_texts);
        let openings =
            openings.map(|(letters, n_texts)| Frame { letters: letters.iter().collect(), n_texts });
        stretches.retain(|_, n_texts| min_texts <= *n_texts);
        Self { openings: sorted(openings.collect()), stretches: written_out(&folded, &stretches) }
    }
}

fn hash(chars: &[char]) -> u64 {
    chars.iter().fold(0, |hash, &c| mix(hash ^ u64::from(c)))
}

/// Each stretch of a text once.
fn own_stretches(chars: &[char]) -> FxHashSet<u64> {
    chars.windows(STRETCH_CHARS).map(hash).collect()
}

/// The letters of frequent stretches, without those that overlap a more frequent one by half.
fn written_out(folded: &[Vec<char>], frequent: &FxHashMap<u64, usize>) -> Vec<Frame> {
    let mut seen = FxHashSet::default();
    let mut frames = Vec::new();
    for chars in folded {
        for stretch in chars.windows(STRETCH_CHARS) {
            let hash = hash(stretch);
            if let Some(&n_texts) = frequent.get(&hash)
                && seen.insert(hash)
            {
                frames.push(Frame { letters: stretch.iter().collect(), n_texts });
            }
        }
    }
    let mut told: FxHashSet<u64> = FxHashSet::default();
    let mut kept = sorted(frames);
    kept.retain(|frame| {
        let chars: Vec<char> = frame.letters.chars().collect();
        let halves: Vec<u64> = chars.windows(STRETCH_CHARS / 2).map(hash).collect();
        let is_new = halves.iter().all(|half| !told.contains(half));
        told.extend(halves);
        is_new
    });
    kept
}

fn sorted(mut frames: Vec<Frame>) -> Vec<Frame> {
    frames.sort_by(|a, b| b.n_texts.cmp(&a.n_texts).then_with(|| a.letters.cmp(&b.letters)));
    frames
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_found_once_and_punctuation_does_not_hide_it() {
        let mut texts: Vec<String> =
            (0..8).map(|n| format!("我在{n}号店买的东西，到现在还没有给我一个说法{n}")).collect();
        texts.extend((0..7).map(|n| format!("尊敬的，客服您好{}", n * 7919)));
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let frames = Frames::find(&texts, 7);
        assert_eq!(frames.openings, [Frame { letters: "尊敬的客服您".to_owned(), n_texts: 7 }]);
        assert_eq!(frames.stretches.len(), 1, "{frames:?}");
        assert_eq!(frames.stretches[0].n_texts, 8);
        assert_eq!(Frames::find(&texts, 9), Frames::default());
    }
}
