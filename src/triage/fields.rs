//! The fields of a JSON object that a client sends. Every mistake is noted with its place, so that
//! all are reported at once, and no message quotes what was sent: it may hold personal data.

use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::error::Category;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// The longest text of a field, in characters.
pub(super) const MAX_FIELD_CHARS: usize = 2_000;

/// Something wrong with what a client sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Mistake {
    /// Where, as a JSON pointer.
    pub pointer: String,
    /// What is wrong and what to send instead.
    pub detail: String,
}

pub(super) fn mistake(pointer: &str, detail: impl Into<String>) -> Mistake {
    Mistake { pointer: pointer.to_owned(), detail: detail.into() }
}

/// Why something is no JSON, and what to send instead. The words of serde may quote the text, so
/// they are not shown.
pub fn why_not_json(error: &serde_json::Error) -> String {
    let place = format!("line {} column {}", error.line(), error.column());
    match error.classify() {
        Category::Eof if (error.line(), error.column()) == (1, 0) => {
            "there is nothing: send JSON in UTF-8".to_owned()
        }
        Category::Eof => format!("it breaks off at {place}: send the JSON to its end"),
        Category::Syntax if error.to_string().starts_with("number out of range") => {
            "a number is too large: send numbers below 1e308".to_owned()
        }
        _ => format!("it is not JSON in UTF-8: see {place}"),
    }
}

/// The fields of an object that have not been read yet.
pub(super) struct Fields {
    pub(super) object: Map<String, Value>,
    path: String,
    pub(super) mistakes: Vec<Mistake>,
}

impl Fields {
    /// The fields of a value; nothing when it is no object.
    pub(super) fn open(value: Value) -> Option<Self> {
        let Value::Object(object) = value else { return None };
        Some(Self { object, path: String::new(), mistakes: Vec::new() })
    }

    /// Notes a mistake.
    pub(super) fn wrong(&mut self, name: &str, detail: impl Into<String>) {
        let pointer = format!("{}/{name}", self.path);
        self.mistakes.push(mistake(&pointer, detail));
    }

    /// A value of this type, or nothing when the field is missing or null.
    pub(super) fn read<T: DeserializeOwned>(&mut self, name: &str, expected: &str) -> Option<T> {
        let value = self.object.swap_remove(name).filter(|value| !value.is_null())?;
        let read = serde_json::from_value(value).ok();
        if read.is_none() {
            self.wrong(name, expected);
        }
        read
    }

    /// A short text, or nothing when the field is missing or blank.
    pub(super) fn short(&mut self, name: &str) -> Option<String> {
        let text: String = self.read(name, "send text")?;
        if MAX_FIELD_CHARS < text.len() && MAX_FIELD_CHARS < text.chars().count() {
            self.wrong(name, format!("send at most {MAX_FIELD_CHARS} characters"));
        }
        if text.contains('\0') {
            self.wrong(name, "remove the NUL character");
        }
        Some(text).filter(|text| !text.trim().is_empty())
    }

    /// One of these names.
    pub(super) fn one_of<T: DeserializeOwned>(&mut self, name: &str, names: &[&str]) -> Option<T> {
        self.read(name, &format!("send one of {}", names.join(", ")))
    }

    /// A time, cut to the microsecond because databases keep no more.
    pub(super) fn time(&mut self, name: &str) -> Option<Timestamp> {
        let expected = "send an RFC 3339 time with its offset, such as 2026-09-30T09:00:00+08:00";
        let time: Timestamp = self.read(name, expected)?;
        Timestamp::from_microsecond(time.as_microsecond()).ok()
    }

    /// The fields of an object within this one; none when it is missing.
    pub(super) fn nested(&mut self, name: &str) -> Self {
        let object = self.read(name, "send a JSON object").unwrap_or_default();
        Self { object, path: format!("{}/{name}", self.path), mistakes: Vec::new() }
    }

    /// Notes every field that is left as one that nobody knows.
    pub(super) fn refuse_unknown(&mut self, known: &[&str]) {
        for name in self.object.keys().cloned().collect::<Vec<_>>() {
            let shown: String = name.chars().take(40).collect();
            let hint = match known {
                [] => String::new(),
                _ => format!(": the fields are {}", known.join(", ")),
            };
            self.wrong(&shown, format!("this field is not known{hint}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_json_is_told_why() {
        let cases: [(&[u8], &str); 7] = [
            (b"", "there is nothing: send JSON in UTF-8"),
            (b"{", "it breaks off at line 1 column 1: send the JSON to its end"),
            (b"{\n\"text\": \"", "it breaks off at line 2 column 9: send the JSON to its end"),
            (b"1e999", "a number is too large: send numbers below 1e308"),
            (b"{\"amount\": 1e999}", "a number is too large: send numbers below 1e308"),
            (b"{text: 1}", "it is not JSON in UTF-8: see line 1 column 2"),
            (b"{\"a\": \"\xff\"}", "it is not JSON in UTF-8: see line 1 column 8"),
        ];
        for (text, expected) in cases {
            let error = serde_json::from_slice::<Value>(text).expect_err("it is broken");
            assert_eq!(why_not_json(&error), expected, "{}", text.escape_ascii());
        }
    }
}
