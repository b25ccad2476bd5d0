//! What the linear model sees of a text: hashed character n-grams and words. Counting, weighting
//! and the model's own index of features are not done here.
//!
//! As in scikit-learn's `char` analyzer, n-grams run through punctuation, spaces and from one
//! word into the next: 差! and 退 款 say more in complaints than they cost. Unlike there, the
//! start and the end of the text count as one character each, so that 差 alone is not 差 in a
//! sentence.

use std::ops::{Range, RangeInclusive};

use serde::{Deserialize, Serialize};

use crate::text::Document;

/// Which features are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureSpec {
    /// The shortest and the longest character n-gram; `(1, 0)` reads none.
    pub char_ngrams: (u8, u8),
    /// Whether words are read.
    pub words: bool,
}

/// Something that a text has, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feature {
    /// Names it; the same on every machine and in every version.
    pub hash: u64,
    /// The bytes of the normalized text that it covers. The boundaries of the text are empty.
    pub range: Range<usize>,
}

/// Stands for the start and the end of the text; no normalized text has it.
const BOUNDARY: char = '\u{2}';
/// What each kind of feature starts from, so that a word is never an n-gram.
const NGRAM_SEED: u64 = 0x9E37_79B9_7F4A_7C15;
const WORD_SEED: u64 = 0xD1B5_4A32_D192_ED03;
/// An odd multiplier with well spread bits, from Steele and Vigna, "Computationally easy,
/// spectrally good multipliers" (2022).
const MULTIPLIER: u64 = 0xF135_7AEA_2E62_A9C5;

impl FeatureSpec {
    /// Appends every feature of a document, as often as it occurs: n-grams by where they start,
    /// then words. Nothing else is allocated.
    pub fn extract(&self, document: &Document<'_>, features: &mut Vec<Feature>) {
        let text = document.normalized();
        let (shortest, longest) =
            (usize::from(self.char_ngrams.0.max(1)), usize::from(self.char_ngrams.1));
        if shortest <= longest {
            push_ngrams(text, shortest..=longest, features);
        }
        if self.words {
            features.extend(document.words().iter().map(|word| {
                let state = text[word.clone()].chars().fold(WORD_SEED, mix);
                Feature { hash: finish(state), range: word.clone() }
            }));
        }
    }
}

/// The n-grams of a text between its boundaries, none of which is a boundary alone.
fn push_ngrams(text: &str, lengths: RangeInclusive<usize>, features: &mut Vec<Feature>) {
    if text.is_empty() {
        return;
    }
    // `None` is the start of the text, then each character and where it stands.
    let starts = std::iter::once(None).chain(text.char_indices().map(|(at, _)| Some(at)));
    for start in starts {
        let at = start.unwrap_or(0);
        let characters = text[at..].char_indices().map(|(i, c)| (c, at + i + c.len_utf8()));
        let before = start.is_none().then_some((BOUNDARY, 0));
        let gram = before.into_iter().chain(characters).chain([(BOUNDARY, text.len())]);
        let mut state = NGRAM_SEED;
        for (n, (c, end)) in (1..=*lengths.end()).zip(gram) {
            state = mix(state, c);
            if lengths.contains(&n) && at < end {
                features.push(Feature { hash: finish(state), range: at..end });
            }
        }
    }
}

/// One step of the hash: the state, xor the character's scalar value, times [`MULTIPLIER`],
/// rotated left by 29.
const fn mix(state: u64, c: char) -> u64 {
    (state ^ c as u64).wrapping_mul(MULTIPLIER).rotate_left(29)
}

/// The finalizer of `MurmurHash3`, which spreads every bit over all 64.
const fn finish(mut state: u64) -> u64 {
    state ^= state >> 33;
    state = state.wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    state ^= state >> 33;
    state = state.wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    state ^ (state >> 33)
}

#[cfg(test)]
mod tests {
    use rustc_hash::FxHashSet;

    use super::*;
    use crate::text::Analyzer;

    fn features(spec: &FeatureSpec, text: &str) -> Vec<Feature> {
        let mut features = Vec::new();
        spec.extract(&Analyzer::new("").expect("no words").analyze(text), &mut features);
        features
    }

    fn places<'t>(text: &'t str, features: &[Feature]) -> Vec<&'t str> {
        features.iter().map(|feature| &text[feature.range.clone()]).collect()
    }

    #[test]
    fn ngrams_run_through_everything_between_the_boundaries() {
        let spec = FeatureSpec { char_ngrams: (1, 2), words: false };
        let found = features(&spec, "差!退");
        // The first 差 is ^差, the last 退 is 退$.
        assert_eq!(places("差!退", &found), ["差", "差", "差!", "!", "!退", "退", "退"]);
        let distinct: FxHashSet<u64> = found.iter().map(|feature| feature.hash).collect();
        assert_eq!(distinct.len(), found.len());
    }

    #[test]
    fn words_are_not_ngrams() {
        let found = features(&FeatureSpec { char_ngrams: (2, 2), words: true }, "退款");
        assert_eq!(places("退款", &found), ["退", "退款", "款", "退款"]);
        assert_ne!(found[1].hash, found[3].hash);
    }

    #[test]
    fn nothing_is_read_where_nothing_is() {
        assert!(features(&FeatureSpec { char_ngrams: (1, 3), words: true }, "").is_empty());
        assert!(features(&FeatureSpec { char_ngrams: (1, 0), words: false }, "退款").is_empty());
    }

    #[test]
    fn hashes_never_change() {
        let found = features(&FeatureSpec { char_ngrams: (1, 3), words: true }, "退款!");
        let hashes: Vec<String> =
            found.iter().map(|feature| format!("{:016x}", feature.hash)).collect();
        insta::assert_snapshot!(hashes.join(" "), @"446c7fa7f96b49c4 b4a324155aca2e13 6302e979cb5de86a 526602f49d74ea2d 2a4b8310c4a43ac1 ed058d098d136c72 2e3346d16d41cefb 0331aa370d7c371a b7bd080be61ff7eb fe20553ca64e0bf1 17b0bd3a993ec25d");
    }
}
