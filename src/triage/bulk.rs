//! Many complaints at once: one item in, one JSON object out, whatever is wrong with the item.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::triage::{Answer, Engine, Mistake, parse_submission};

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
}

/// Judges one item. An item that cannot be read is answered with its mistakes.
pub fn answer_item(engine: &Engine, place: Place, json: &[u8], now: Timestamp) -> ItemAnswer {
    match serde_json::from_slice(json) {
        Ok(value) => answer_value(engine, place, value, now),
        Err(error) => {
            let detail = format!("this is not JSON in UTF-8, see column {}", error.column());
            mistaken(place, None, vec![Mistake { pointer: String::new(), detail }])
        }
    }
}

/// Judges one item that has been read already.
pub fn answer_value(engine: &Engine, place: Place, value: Value, now: Timestamp) -> ItemAnswer {
    let id = value.get("id").cloned();
    match parse_submission(value, now) {
        Ok(submission) => {
            let classification = engine.classify(&submission.complaint);
            let text = submission.complaint.text.as_str();
            let answer = Box::new(Answer::new(text, &classification));
            let item = Item { place, id: id.as_ref(), outcome: Outcome::Answer(answer) };
            ItemAnswer { json: to_json(&item), mistakes: Vec::new() }
        }
        Err(mistakes) => mistaken(place, id.as_ref(), mistakes),
    }
}

fn mistaken(place: Place, id: Option<&Value>, mistakes: Vec<Mistake>) -> ItemAnswer {
    let json = to_json(&Item { place, id, outcome: Outcome::Mistaken { errors: &mistakes } });
    ItemAnswer { json, mistakes }
}

fn to_json(item: &Item<'_>) -> Vec<u8> {
    serde_json::to_vec(item).expect("an answer is plain data")
}
