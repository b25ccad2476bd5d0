//! Many complaints at once: one item in, one JSON object out, whatever is wrong with the item.

use jiff::Timestamp;
use rayon::prelude::*;
use serde::Serialize;
use serde_json::Value;

use crate::triage::{Answer, Engine, Mistake, Submission, parse_submission, why_not_json};

/// So many items are judged side by side on one thread: enough for a slow model to read its weights
/// seldom, few enough to keep every core busy.
const SIDE_BY_SIDE: usize = 16;

/// The answer to one item.
#[derive(Serialize)]
struct Item<'a> {
    /// The position of the item: from 0 in a batch, from 1 for the lines of a file.
    #[serde(flatten)]
    place: Place,
    /// The sender's own mark.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a Value>,
    #[serde(flatten)]
    outcome: Outcome<'a>,
}

/// Where an item stands.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In a batch, from 0.
    Index(usize),
    /// In a file, from 1.
    Line(u64),
}

#[derive(Serialize)]
#[serde(untagged)]
enum Outcome<'a> {
    Answer(Box<Answer<'a>>),
    Mistaken { errors: &'a [Mistake] },
}

/// The JSON of one answered item, and the mistakes if it has any.
pub struct ItemAnswer {
    /// One JSON object without a line break.
    pub json: Vec<u8>,
    /// What was wrong with the item.
    pub mistakes: Vec<Mistake>,
    /// Whether rules alone judged it.
    pub is_fallback: bool,
}

/// An item as far as it can be read without judging it.
pub struct BulkItem {
    place: Place,
    id: Option<Value>,
    submission: Result<Submission, Vec<Mistake>>,
}

impl BulkItem {
    /// Reads an item from JSON in UTF-8.
    pub fn from_json(place: Place, json: &[u8], now: Timestamp) -> Self {
        match serde_json::from_slice(json) {
            Ok(value) => Self::from_value(place, value, now),
            Err(error) => {
                let mistake = Mistake { pointer: String::new(), detail: why_not_json(&error) };
                Self::mistaken(place, None, vec![mistake])
            }
        }
    }

    /// Reads an item that is JSON already.
    pub fn from_value(place: Place, value: Value, now: Timestamp) -> Self {
        let id = value.get("id").cloned();
        Self { place, id, submission: parse_submission(value, now) }
    }

    /// An item that could not be read.
    pub fn mistaken(place: Place, id: Option<Value>, mistakes: Vec<Mistake>) -> Self {
        Self { place, id, submission: Err(mistakes) }
    }
}

/// Judges items on all cores, in their order. An item that cannot be read is answered with its
/// mistakes.
pub fn answer_items(
    engine: &Engine,
    items: impl IndexedParallelIterator<Item = BulkItem>,
) -> Vec<ItemAnswer> {
    items.chunks(SIDE_BY_SIDE).flat_map_iter(|group| answer_group(engine, group)).collect()
}

fn answer_group(engine: &Engine, items: Vec<BulkItem>) -> Vec<ItemAnswer> {
    let readable = items.iter().filter_map(|item| item.submission.as_ref().ok());
    let complaints: Vec<_> = readable.map(|submission| &submission.complaint).collect();
    let mut classifications = engine.classify_all(&complaints).into_iter();
    let answer = |BulkItem { place, id, submission }: BulkItem| {
        let json = |outcome: Outcome<'_>| {
            let item = Item { place, id: id.as_ref(), outcome };
            serde_json::to_vec(&item).expect("an answer is plain data")
        };
        match submission {
            Ok(submission) => {
                let classification = classifications.next().expect("every complaint was judged");
                let answer = Answer::new(submission.complaint.text.as_str(), &classification);
                let json = json(Outcome::Answer(Box::new(answer)));
                let is_fallback = classification.is_fallback();
                ItemAnswer { json, mistakes: Vec::new(), is_fallback }
            }
            Err(mistakes) => {
                let json = json(Outcome::Mistaken { errors: &mistakes });
                ItemAnswer { json, mistakes, is_fallback: false }
            }
        }
    };
    items.into_iter().map(answer).collect()
}
