//! Forms of the console become the same JSON that the API takes, so that both have one reading,
//! one set of checks and one list of mistakes.
//!
//! A field's name says where its value goes and of what type it is: `reason` is text,
//! `n:satisfaction` a number, `b:granted` true or false, `a:labels.signals` one element of an
//! array, `l:departments` an array with an element a line; a dot leads into an object. Blank
//! values are left out, as if the field were not there.

use std::fmt::Write;

use serde_json::{Map, Number, Value};

use crate::http::console::visitor::CSRF_FIELD;

/// Names the page to which a form wants to go back.
pub(super) const BACK_FIELD: &str = "back";

/// The fields of a form, in their order.
pub(super) type Fields = Vec<(String, String)>;

/// The first value of a field; nothing when it is blank.
pub(super) fn find<'f>(fields: &'f Fields, name: &str) -> Option<&'f str> {
    let mut values = fields.iter().filter(|(field, _)| field == name);
    values.next().map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
}

/// A path with a query, or with more of one; every byte but plain letters and digits is escaped.
pub(super) fn address(path: &str, pairs: &[(&str, &str)]) -> String {
    let mut address = path.to_owned();
    for (number, (name, value)) in pairs.iter().enumerate() {
        address.push(if number == 0 && !path.contains('?') { '?' } else { '&' });
        address.extend([*name, "="]);
        for byte in value.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                    address.push(char::from(byte));
                }
                _ => write!(address, "%{byte:02X}").expect("text takes everything"),
            }
        }
    }
    address
}

/// The JSON that a form stands for.
pub(super) fn to_json(fields: &Fields) -> Value {
    let mut object = Map::new();
    let own = |name: &str| name == CSRF_FIELD || name == BACK_FIELD;
    for (name, value) in fields.iter().filter(|(name, _)| !own(name)) {
        let (kind, path) = name.split_once(':').unwrap_or(("", name));
        let value = value.trim();
        let is_array = matches!(kind, "a" | "l");
        if value.is_empty() && !is_array {
            continue;
        }
        let slot = slot(&mut object, path);
        match kind {
            "n" => *slot = number(value),
            "b" => *slot = Value::Bool(value == "true"),
            "a" => push(slot, Some(value).filter(|value| !value.is_empty())),
            "l" => {
                push(slot, None);
                let lines = value.lines().map(str::trim).filter(|line| !line.is_empty());
                lines.for_each(|line| push(slot, Some(line)));
            }
            _ => *slot = Value::String(value.to_owned()),
        }
    }
    Value::Object(object)
}

/// The place of a dotted path, made where it is not there.
fn slot<'o>(object: &'o mut Map<String, Value>, path: &str) -> &'o mut Value {
    match path.split_once('.') {
        None => object.entry(path).or_insert(Value::Null),
        Some((first, rest)) => {
            let inner = object.entry(first).or_insert_with(|| Value::Object(Map::new()));
            if !inner.is_object() {
                *inner = Value::Object(Map::new());
            }
            slot(inner.as_object_mut().expect("made an object just now"), rest)
        }
    }
}

/// What is no number stays text, for the API's reading to refuse by name.
fn number(text: &str) -> Value {
    match text.parse::<u64>() {
        Ok(whole) => whole.into(),
        Err(_) => text
            .parse()
            .ok()
            .and_then(Number::from_f64)
            .map_or_else(|| Value::String(text.to_owned()), Value::Number),
    }
}

fn push(slot: &mut Value, element: Option<&str>) {
    if !slot.is_array() {
        *slot = Value::Array(Vec::new());
    }
    let list = slot.as_array_mut().expect("made an array just now");
    list.extend(element.map(|text| Value::String(text.to_owned())));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_say_where_values_go_and_what_they_are() {
        let fields = [
            ("csrf", "x"),
            ("back", "/console/review"),
            ("n:version", "3"),
            ("reason", " 标签有误 "),
            ("labels.category", "safety"),
            ("a:labels.signals", ""),
            ("a:labels.signals", "injury"),
            ("a:labels.signals", "hazard"),
            ("b:granted", "false"),
            ("l:departments", "物流合作部\n\n 安全应急部"),
            ("n:claim.price", "399.5"),
            ("n:satisfaction", "五"),
            ("note", " "),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        assert_eq!(
            to_json(&fields),
            json!({
                "version": 3,
                "reason": "标签有误",
                "labels": { "category": "safety", "signals": ["injury", "hazard"] },
                "granted": false,
                "departments": ["物流合作部", "安全应急部"],
                "claim": { "price": 399.5 },
                "satisfaction": "五",
            })
        );
    }

    #[test]
    fn paths_that_contradict_each_other_do_no_harm() {
        let fields = vec![
            ("a".to_owned(), "1".to_owned()),
            ("a.b".to_owned(), "2".to_owned()),
            ("a:a".to_owned(), "3".to_owned()),
        ];
        assert_eq!(to_json(&fields), json!({ "a": ["3"] }));
    }
}
