//! Taking the words out of events: what people wrote goes, what they chose stays, so that a case
//! whose words are gone still folds to the same stage with the same figures.

use serde_json::Value;

/// What stands where words were.
pub const ERASED: &str = "（已删除）";

/// Fields that hold choices, times, labels and names from the firm's own files, all that is within
/// them included. Text in a field that is not named here goes, so that of a new field does until
/// somebody has looked at it.
const KEPT: [&str; 35] = [
    "after",
    "alarm",
    "amount",
    "before",
    "category",
    "channel",
    "clock",
    "code",
    "department",
    "departments",
    "fallback",
    "file",
    "grounds",
    "into",
    "kind",
    "labels",
    "liability",
    "loss",
    "media_type",
    "message_kind",
    "model_version",
    "pace",
    "price",
    "purpose",
    "queue",
    "received_at",
    "recipients",
    "request_id",
    "route",
    "rules_version",
    "severity",
    "source",
    "submission",
    "sure",
    "tier",
];

/// Takes what people wrote out of the data of an event.
pub fn blank_words(data: &mut Value) {
    match data {
        Value::String(words) => ERASED.clone_into(words),
        Value::Array(items) => items.iter_mut().for_each(blank_words),
        Value::Object(fields) => {
            let words = fields.iter_mut().filter(|(name, _)| !KEPT.contains(&name.as_str()));
            words.for_each(|(_, value)| blank_words(value));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
