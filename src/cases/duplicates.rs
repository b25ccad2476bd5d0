//! Whether the firm has a submission already: the same complaint over another channel is joined
//! to its case, another complaint about the same matter is a repeat. Decides and stores nothing.
//!
//! Likeness of texts is the Jaccard coefficient of their sets of character 3-grams, the
//! resemblance of A. Z. Broder, "On the resemblance and containment of documents", 1997. It is
//! computed exactly: customer and order leave few candidates, so that the sketches of `MinHash`,
//! which estimate it for millions, would only add an error.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;

use crate::domain::{Channel, Elements};

/// How many characters of a text are compared; longer ones repeat their openings or do not.
const MAX_COMPARED_CHARS: usize = 2_000;

/// By what submissions are told to be the same, as the handbook says.
#[derive(Clone, Debug, PartialEq)]
pub struct Duplicates {
    similarity: f64,
    join_within: SignedDuration,
    repeat_within: SignedDuration,
    /// What becomes of a closed case whose complaint comes in again.
    pub closed: ClosedCase,
    /// An identifier that has come in so often names nobody.
    pub common_after: u32,
    own_case: Vec<Channel>,
    placeholders: Vec<String>,
}

/// What becomes of a closed case whose complaint comes in again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClosedCase {
    /// It is opened again.
    Reopen,
    /// It stays closed, and the submission is a case of its own that is linked with it.
    Link,
}

/// The section of the handbook as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DuplicatesSource {
    similarity: f64,
    join_days: u16,
    repeat_days: u16,
    closed: ClosedCase,
    common_after: u32,
    own_case: Vec<Channel>,
    placeholders: Vec<String>,
}

/// What names the customer and the matter, each in one way of writing.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Identifiers {
    customer: Option<String>,
    contact: Option<String>,
    order: Option<String>,
    product: Option<String>,
}

/// The 3-grams of a text, in order and each once.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Shingles(Vec<u64>);

/// A submission as others are compared with it.
#[derive(Clone)]
pub struct Sample {
    /// What names customer and matter.
    pub identifiers: Identifiers,
    /// Its words.
    pub shingles: Shingles,
    /// Where it came in.
    pub channel: Option<Channel>,
    /// When the firm received it.
    pub received_at: Timestamp,
}

/// How a submission stands to earlier ones, which are named by their places.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kinship {
    /// The one that it says again, and how like the two are.
    pub same: Option<(usize, f64)>,
    /// Those that are about the same matter.
    pub related: Vec<usize>,
}

impl DuplicatesSource {
    /// The checked section; what is wrong goes to `mistakes`.
    pub(super) fn check(self, mistakes: &mut Vec<String>) -> Duplicates {
        if !(0.0 < self.similarity && self.similarity <= 1.0) {
            mistakes.push("`duplicates.similarity` is above 0 and at most 1".to_owned());
        }
        if self.repeat_days < self.join_days {
            mistakes.push("`duplicates.repeat_days` is `join_days` at least".to_owned());
        }
        if self.common_after == 0 {
            mistakes.push("`duplicates.common_after` is 1 at least".to_owned());
        }
        let days = |n: u16| SignedDuration::from_hours(24 * i64::from(n));
        Duplicates {
            similarity: self.similarity,
            join_within: days(self.join_days),
            repeat_within: days(self.repeat_days),
            closed: self.closed,
            common_after: self.common_after,
            own_case: self.own_case,
            placeholders: self.placeholders.iter().map(|text| fold(text)).collect(),
        }
    }
}

impl Duplicates {
    /// What names the customer and the matter of a submission.
    pub fn identifiers(&self, elements: &Elements) -> Identifiers {
        let identifier = |text: &Option<String>| {
            let text = text.as_deref()?;
            // Who is masked is one of thousands.
            let folded = if text.contains(['*', '＊']) { String::new() } else { fold(text) };
            Some(folded).filter(|it| !it.is_empty() && !self.placeholders.contains(it))
        };
        Identifiers {
            customer: identifier(&elements.customer_id),
            contact: identifier(&elements.customer_contact).map(without_country_code),
            order: identifier(&elements.order_number),
            product: identifier(&elements.product),
        }
    }

    /// The time from which on earlier submissions matter to one that was received then.
    pub fn since(&self, received_at: Timestamp) -> Timestamp {
        received_at.checked_sub(self.repeat_within).unwrap_or(Timestamp::MIN)
    }

    /// Compares a submission with earlier ones; of several that are as like, it is the first.
    pub fn judge(&self, new: &Sample, earlier: &[Sample]) -> Kinship {
        let mut kinship = Kinship::default();
        for (idx, old) in earlier.iter().enumerate() {
            let same = self.sameness(new, old);
            let within = new.received_at.duration_since(old.received_at) <= self.repeat_within;
            if same.is_some() || within && new.identifiers.is_about_the_same(&old.identifiers) {
                kinship.related.push(idx);
            }
            if let Some(likeness) = same.filter(|&it| kinship.same.is_none_or(|best| best.1 < it)) {
                kinship.same = Some((idx, likeness));
            }
        }
        kinship
    }

    /// How like two submissions are that are the same complaint; nothing when they are not.
    fn sameness(&self, new: &Sample, old: &Sample) -> Option<f64> {
        let apart = new.received_at.duration_since(old.received_at).abs();
        let (ours, theirs) = (&new.identifiers, &old.identifiers);
        let own = |sample: &Sample| sample.channel.is_some_and(|it| self.own_case.contains(&it));
        if self.join_within < apart || own(new) || own(old) || !ours.may_be_one_matter(theirs) {
            return None;
        }
        Some(new.shingles.resemblance(&old.shingles)).filter(|it| self.similarity <= *it)
    }
}

impl Identifiers {
    /// What submissions of the same customer or order have in common, one key each.
    pub fn keys(&self) -> Vec<String> {
        let named =
            [("customer", &self.customer), ("contact", &self.contact), ("order", &self.order)];
        named
            .into_iter()
            .filter_map(|(kind, it)| Some(format!("{kind}:{}", it.as_ref()?)))
            .collect()
    }

    fn is_same_customer(&self, other: &Self) -> bool {
        same(self.customer.as_ref(), other.customer.as_ref())
            || same(self.contact.as_ref(), other.contact.as_ref())
    }

    fn is_same_order(&self, other: &Self) -> bool {
        same(self.order.as_ref(), other.order.as_ref())
    }

    /// The same order, or the same customer and no order against it.
    fn may_be_one_matter(&self, other: &Self) -> bool {
        let differ = self.order.is_some() && other.order.is_some() && self.order != other.order;
        self.is_same_order(other) || self.is_same_customer(other) && !differ
    }

    fn is_about_the_same(&self, other: &Self) -> bool {
        self.is_same_order(other)
            || self.is_same_customer(other) && same(self.product.as_ref(), other.product.as_ref())
    }
}

impl Shingles {
    /// The 3-grams of a text that has been folded into one way of writing; signs and spaces do
    /// not count. A shorter text is one shingle.
    pub fn of(text: &str) -> Self {
        let chars: Vec<u64> = text
            .chars()
            .filter(|it| it.is_alphanumeric())
            .take(MAX_COMPARED_CHARS)
            .map(u64::from)
            .collect();
        // A character has 21 bits, so three fit into a word and no two shingles are one.
        let pack = |run: &[u64]| run.iter().fold(0, |word, character| word << 21 | character);
        let mut shingles: Vec<u64> = match chars.len() {
            0 => Vec::new(),
            1 | 2 => vec![pack(&chars)],
            _ => chars.windows(3).map(pack).collect(),
        };
        shingles.sort_unstable();
        shingles.dedup();
        Self(shingles)
    }

    /// The share of all 3-grams that both have.
    pub fn resemblance(&self, other: &Self) -> f64 {
        let (mut ours, mut theirs) = (self.0.iter().peekable(), other.0.iter().peekable());
        let mut n_common = 0_usize;
        while let (Some(&&our), Some(&&their)) = (ours.peek(), theirs.peek()) {
            n_common += usize::from(our == their);
            ours.next_if(|_| our <= their);
            theirs.next_if(|_| their <= our);
        }
        let n_all = self.0.len() + other.0.len() - n_common;
        if n_all == 0 { 0.0 } else { n_common as f64 / n_all as f64 }
    }
}

fn same(ours: Option<&String>, theirs: Option<&String>) -> bool {
    ours.is_some() && ours == theirs
}

/// One way of writing an identifier: half-width, lower case, without spaces and dashes.
fn fold(text: &str) -> String {
    let kept = |it: &char| it.is_alphanumeric() || matches!(it, '@' | '.');
    text.nfkc().flat_map(char::to_lowercase).filter(kept).collect()
}

/// A mobile number without the code of its country.
fn without_country_code(contact: String) -> String {
    let rest = contact.strip_prefix("0086").or_else(|| contact.strip_prefix("86"));
    match rest {
        Some(rest) if rest.len() == 11 && rest.starts_with('1') => rest.to_owned(),
        _ => contact,
    }
}
