//! What a model sees of a document: stable 64-bit hashes of its character n-grams, words and
//! facts, with the place of each in the normalized text. Hashes stand for the strings everywhere,
//! so that no text can be read back from a bundle.

use crate::domain::Money;
use crate::registry::FeatureSource;
use crate::text::Document;

/// One occurrence of a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feature {
    /// The feature.
    pub hash: u64,
    /// First byte in the normalized text.
    pub start: u32,
    /// One past the last byte; equal to `start` for features of the text as a whole.
    pub end: u32,
}

/// Extracts the features of documents; one constructor for training and serving.
#[derive(Clone, Copy, Debug)]
pub struct Features {
    source: FeatureSource,
}

impl Features {
    /// The extractor that a manifest or recipe describes.
    pub const fn new(source: FeatureSource) -> Self {
        Self { source }
    }

    /// Appends every feature of the document.
    pub fn extract(&self, document: &Document<'_>, features: &mut Vec<Feature>) {
        let (shortest, longest) = self.source.char_ngrams;
        char_ngrams(document.normalized(), shortest, longest, features);
        if self.source.words {
            words(document, features);
        }
        if self.source.facts {
            facts(document, features);
        }
    }
}

const WORD_SEED: u64 = 0x77;
const FACT_SEED: u64 = 0xfa;

fn char_ngrams(text: &str, shortest: u8, longest: u8, features: &mut Vec<Feature>) {
    for (start, _) in text.char_indices() {
        let mut hash = 0;
        for (n, (offset, c)) in (1..=longest).zip(text[start..].char_indices()) {
            hash = step(hash, u64::from(c));
            if shortest <= n {
                let end = start + offset + c.len_utf8();
                features.push(Feature { hash: finish(hash), start: start as u32, end: end as u32 });
            }
        }
    }
}

fn words(document: &Document<'_>, features: &mut Vec<Feature>) {
    let text = document.normalized();
    for word in document.words() {
        let hash = text[word.clone()].chars().fold(WORD_SEED, |hash, c| step(hash, u64::from(c)));
        features.push(Feature {
            hash: finish(hash),
            start: word.start as u32,
            end: word.end as u32,
        });
    }
}

/// The steps at which an amount matters: small change, a denied loss, a high value.
const AMOUNT_STEPS: [i64; 4] = [50, 300, 1_000, 10_000];

fn facts(document: &Document<'_>, features: &mut Vec<Feature>) {
    let facts = document.facts();
    let mut push = |kind: u64, value: u64| {
        let hash = finish(step(step(FACT_SEED, kind), value));
        features.push(Feature { hash, start: 0, end: 0 });
    };
    if let Some(largest) = facts.largest_amount() {
        for yuan in
            AMOUNT_STEPS.into_iter().filter(|&yuan| Money::from_yuan(yuan) <= largest.amount)
        {
            push(0, yuan as u64);
        }
    }
    if let Some(contacts) = &facts.prior_contacts {
        push(1, u64::from(contacts.count.min(3)));
    }
    if facts.people.is_some() {
        push(2, 0);
    }
    let n_chars = document.normalized().chars().count();
    push(3, u64::from((n_chars as u64).ilog2_or_zero()));
}

trait LogOrZero {
    fn ilog2_or_zero(self) -> u32;
}

impl LogOrZero for u64 {
    fn ilog2_or_zero(self) -> u32 {
        self.checked_ilog2().unwrap_or(0)
    }
}

/// `FxHash` with a final mix, written out because bundles depend on it for good.
const fn step(hash: u64, value: u64) -> u64 {
    (hash.rotate_left(5) ^ value).wrapping_mul(0x517c_c1b7_2722_0a95)
}

/// The finalizer of `MurmurHash3`.
const fn finish(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}
