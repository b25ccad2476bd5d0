//! What a model sees of a document: the hashed n-grams and words of `text`, and hashes of its
//! facts. Hashes stand for the strings everywhere, so that no text can be read back from a bundle.

use crate::domain::Money;
use crate::registry::FeatureSource;
use crate::text::{Document, Feature, FeatureSpec};

/// Extracts the features of documents; one constructor for training and serving.
#[derive(Clone, Debug)]
pub struct Features {
    spec: FeatureSpec,
    facts: bool,
}

impl Features {
    /// The extractor that a manifest or recipe describes.
    pub const fn new(source: FeatureSource) -> Self {
        let FeatureSource { char_ngrams, words, facts } = source;
        Self { spec: FeatureSpec { char_ngrams, words }, facts }
    }

    /// Appends every feature of the document.
    pub fn extract(&self, document: &Document<'_>, features: &mut Vec<Feature>) {
        self.spec.extract(document, features);
        if self.facts {
            push_facts(document, features);
        }
    }
}

/// The steps at which an amount matters: small change, a denied loss, a high value.
const AMOUNT_STEPS: [i64; 4] = [50, 300, 1_000, 10_000];

/// The kinds of facts, in the upper half of what is hashed.
const AMOUNT: u64 = 1 << 32;
const CONTACTS: u64 = 2 << 32;
const PEOPLE: u64 = 3 << 32;
const LENGTH: u64 = 4 << 32;

/// Facts are features of the text as a whole: their range is empty, so that they are no evidence.
fn push_facts(document: &Document<'_>, features: &mut Vec<Feature>) {
    let facts = document.facts();
    let mut push = |fact: u64| features.push(Feature { hash: mix(fact), range: 0..0 });
    if let Some(largest) = facts.largest_amount() {
        let reached = |yuan: &i64| Money::from_yuan(*yuan) <= largest.amount;
        AMOUNT_STEPS.into_iter().filter(reached).for_each(|yuan| push(AMOUNT | yuan as u64));
    }
    if let Some(contacts) = &facts.prior_contacts {
        push(CONTACTS | u64::from(contacts.count.min(3)));
    }
    if facts.people.is_some() {
        push(PEOPLE);
    }
    let n_chars = document.normalized().chars().count();
    push(LENGTH | u64::from(n_chars.checked_ilog2().unwrap_or(0)));
}

/// `SplitMix64` (Steele et al. 2014), written out because bundles depend on it for good.
const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
