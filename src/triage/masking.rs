//! Hiding personal data in what is shown: names, contacts, numbers and addresses in every text of
//! an answer, for those who need not see them. Ids and times stay, for nobody is known by them.

use std::ops::Range;

use serde_json::{Map, Value, json};

use crate::domain::Elements;
use crate::text;

/// Fields that hold nothing but a person's name.
const NAMES: [&str; 4] = ["customer_name", "employee", "customer", "recipient"];
/// The field with the name of a file, which says whatever its sender likes.
const FILE_NAME: &str = "file_name";
/// Fields that hold nothing but a way to reach a person.
const CONTACTS: [&str; 2] = ["customer_contact", "contact"];
/// Fields that are never about a person, and whose digits look like a number of one.
const KEPT: [&str; 10] = [
    "id",
    "case_id",
    "request_id",
    "external_id",
    "order_number",
    "at",
    "version",
    "actor",
    "file",
    "sha256",
];

/// Hides in a text what a case states of its customer, beside what every text hides.
pub(super) fn hide_names(text: &str, elements: &Elements) -> String {
    let stated = json!({
        "customer_name": elements.customer_name, "customer_contact": elements.customer_contact,
        "employee": elements.employee,
    });
    let mut known = Vec::new();
    find_known(&stated, &mut known);
    mask_text(text, &known)
}

/// Hides the personal data of an answer.
pub fn mask_answer(value: &mut Value) {
    let mut known = Vec::new();
    find_known(value, &mut known);
    // A long name may hold a short one.
    known.sort_by_key(|(clear, _)| std::cmp::Reverse(clear.len()));
    known.dedup();
    mask_value("", value, &known);
}

/// What the answer itself says are names and contacts, so that they are found in its texts too.
fn find_known(value: &Value, known: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if let (Some(masked), Value::String(clear)) = (mask_field(name, value), value)
                    && 2 <= clear.trim().chars().count()
                {
                    known.push((clear.trim().to_owned(), masked));
                }
                find_known(value, known);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| find_known(item, known)),
        _ => {}
    }
}

/// A name or a contact, hidden; nothing for other fields.
pub(super) fn mask_field(name: &str, value: &Value) -> Option<String> {
    let text = value.as_str()?;
    if NAMES.contains(&name) {
        return Some(text::mask_name(text));
    }
    if name == FILE_NAME {
        return Some("***".to_owned());
    }
    CONTACTS.contains(&name).then(|| {
        let masked = text::mask(text);
        // A contact of a shape that we do not know is hidden but for its first character.
        let first: String = text.chars().take(1).collect();
        if masked == text { format!("{first}***") } else { masked }
    })
}

fn mask_value(name: &str, value: &mut Value, known: &[(String, String)]) {
    if let Some(masked) = mask_field(name, value) {
        *value = masked.into();
        return;
    }
    match value {
        Value::String(text) if !KEPT.contains(&name) && !name.ends_with("_at") => {
            *text = mask_text(text, known);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mask_value(name, item, known)),
        Value::Object(fields) => mask_object(fields, known),
        _ => {}
    }
}

fn mask_object(fields: &mut Map<String, Value>, known: &[(String, String)]) {
    // A piece cut out of a text has lost the words by which a name is known, so it is judged by
    // its place in the text.
    if let Some(text) = fields.get("text").and_then(Value::as_str).map(ToOwned::to_owned)
        && let Some(answer) = fields.get_mut("classification")
    {
        hide_pieces(answer, &hidden_chars(&text, known));
    }
    for (name, value) in fields {
        mask_value(name, value, known);
    }
}

pub(super) fn mask_text(text: &str, known: &[(String, String)]) -> String {
    let text = known.iter().fold(text.to_owned(), |text, (clear, masked)| {
        if text.contains(clear) { text.replace(clear, masked) } else { text }
    });
    text::mask(&text)
}

/// The places that are hidden, in characters.
fn hidden_chars(text: &str, known: &[(String, String)]) -> Vec<Range<usize>> {
    let of_names = known.iter().flat_map(|(clear, _)| {
        text.match_indices(clear.as_str()).map(|(at, found)| at..at + found.len())
    });
    let chars = |range: Range<usize>| {
        let start = text[..range.start].chars().count();
        start..start + text[range].chars().count()
    };
    text::hidden(text).into_iter().chain(of_names).map(chars).collect()
}

fn hide_pieces(value: &mut Value, hidden: &[Range<usize>]) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| hide_pieces(item, hidden)),
        Value::Object(fields) => {
            let place = |name: &str| fields.get(name)?.as_u64()?.try_into().ok();
            if let (Some(start), Some(end)) = (place("start"), place("end")) {
                let overlaps = |it: &Range<usize>| it.start < end && start < it.end;
                if hidden.iter().any(overlaps) {
                    fields.insert("text".to_owned(), "***".into());
                }
            }
            fields.values_mut().for_each(|value| hide_pieces(value, hidden));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_contacts_and_numbers_are_hidden_wherever_they_stand() {
        let mut answer = json!({
            "id": "01958888-6666-7000-8000-138123412345",
            "received_at": "2026-11-09T01:00:00Z",
            "excerpt": "王小明说",
            "text": "我叫李雷，王小明的电话13812341234，快递丢了",
            "elements": {
                "customer_id": "c-9", "customer_name": "王小明", "customer_contact": "wx_wang",
                "employee": "赵敏", "order_number": "202611010001", "demand": "联系wx_wang",
                "evidence": ["https://example.cn/王小明.jpg"],
            },
            "classification": {
                "signals": [{ "evidence": [
                    { "start": 2, "end": 4, "text": "李雷" },
                    { "start": 23, "end": 27, "text": "快递丢了" },
                ] }],
            },
        });
        mask_answer(&mut answer);
        let expected = json!({
            "id": "01958888-6666-7000-8000-138123412345",
            "received_at": "2026-11-09T01:00:00Z",
            "excerpt": "王*说",
            "text": "我叫李*，王*的电话138****1234，快递丢了",
            "elements": {
                "customer_id": "c-9", "customer_name": "王*", "customer_contact": "w***",
                "employee": "赵*", "order_number": "202611010001", "demand": "联系w***",
                "evidence": ["https://example.cn/王*.jpg"],
            },
            "classification": {
                "signals": [{ "evidence": [
                    { "start": 2, "end": 4, "text": "***" },
                    { "start": 23, "end": 27, "text": "快递丢了" },
                ] }],
            },
        });
        assert_eq!(answer, expected);
    }
}
