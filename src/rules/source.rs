//! Rule files as they are written: the shapes of TOML or JSON, not yet checked. A key that a
//! shape does not know is kept, so that the check can name each one with a suggestion.

use std::collections::BTreeMap;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// A rule file: TOML or, when the name ends in `.json`, JSON with the same keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFile {
    /// Its name, for messages and for the order of the files.
    pub name: String,
    /// What it says.
    pub text: String,
}

/// The keys that a shape does not know.
pub(super) type Unknown = BTreeMap<String, Value>;

/// A file. Its items are read one by one, so that a bad one does not hide the others.
#[derive(Debug, Default, Deserialize)]
pub(super) struct FileSource {
    pub(super) version: Option<String>,
    #[serde(default)]
    pub(super) guards: Map<String, Value>,
    #[serde(default)]
    pub(super) phrases: Map<String, Value>,
    #[serde(default)]
    pub(super) rules: Vec<Value>,
    #[serde(flatten)]
    pub(super) unknown: Unknown,
}

/// What keeps a phrase from counting.
#[derive(Debug, Deserialize)]
pub(super) struct GuardSource {
    #[serde(default)]
    pub(super) before: Vec<String>,
    #[serde(default)]
    pub(super) after: Vec<String>,
    #[serde(default)]
    pub(super) idioms: Vec<String>,
    pub(super) window: Option<usize>,
    #[serde(flatten)]
    pub(super) unknown: Unknown,
}

/// A phrase list.
#[derive(Debug, Deserialize)]
pub(super) struct PhrasesSource {
    pub(super) any: Vec<String>,
    #[serde(default)]
    pub(super) guards: Vec<String>,
    #[serde(flatten)]
    pub(super) unknown: Unknown,
}

/// A rule.
#[derive(Debug, Deserialize)]
pub(super) struct RuleSource {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) reason: String,
    pub(super) owner: String,
    pub(super) kind: String,
    pub(super) effective_from: Option<String>,
    pub(super) effective_until: Option<String>,
    pub(super) when: ConditionSource,
    pub(super) then: EffectSource,
    #[serde(default)]
    pub(super) examples: ExamplesSource,
    #[serde(flatten)]
    pub(super) unknown: Unknown,
}

/// A condition: exactly one of the first eight keys, with those that belong to it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ConditionSource {
    pub(super) all: Option<Vec<Self>>,
    pub(super) any: Option<Vec<Self>>,
    pub(super) not: Option<Box<Self>>,
    pub(super) phrases: Option<String>,
    pub(super) near: Option<Vec<String>>,
    pub(super) field: Option<String>,
    pub(super) score: Option<String>,
    pub(super) predicted: Option<String>,
    pub(super) within: Option<usize>,
    pub(super) ge: Option<f64>,
    pub(super) gt: Option<f64>,
    pub(super) le: Option<f64>,
    pub(super) lt: Option<f64>,
    #[serde(rename = "in")]
    pub(super) one_of: Option<Vec<String>>,
    #[serde(flatten)]
    pub(super) unknown: Unknown,
}

/// What a rule asks for.
#[derive(Debug, Deserialize)]
pub(super) struct EffectSource {
    pub(super) severity: Option<String>,
    pub(super) tier: Option<u8>,
    #[serde(default)]
    pub(super) executive_review: bool,
    #[serde(default)]
    pub(super) needs_triage: bool,
    pub(super) queue: Option<String>,
    pub(super) rank: Option<i32>,
    pub(super) category: Option<String>,
    #[serde(default)]
    pub(super) signals: Vec<String>,
    #[serde(flatten)]
    pub(super) unknown: Unknown,
}

/// The examples of a rule: a text alone or an [`ExampleSource`] each.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ExamplesSource {
    #[serde(default, rename = "match")]
    pub(super) matching: Vec<Value>,
    #[serde(default)]
    pub(super) no_match: Vec<Value>,
    #[serde(flatten)]
    pub(super) unknown: Unknown,
}

/// An example with fields beside its text.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ExampleSource {
    pub(super) text: String,
    pub(super) amount: Option<f64>,
    pub(super) customer_tier: Option<String>,
    pub(super) channel: Option<String>,
    pub(super) prior_contacts: Option<u32>,
    #[serde(default)]
    pub(super) predicted: Vec<String>,
    #[serde(default)]
    pub(super) scores: BTreeMap<String, f64>,
    #[serde(flatten)]
    pub(super) unknown: Unknown,
}

impl RuleFile {
    /// Reads the file's outer shape.
    pub(super) fn read(&self) -> Result<FileSource, String> {
        let is_json = self
            .name
            .rsplit_once('.')
            .is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("json"));
        let value = if is_json {
            serde_json::from_str(&self.text).map_err(|error| error.to_string())?
        } else {
            let table = self.text.parse::<toml::Table>().map_err(|error| {
                let line = error
                    .span()
                    .map_or(1, |span| 1 + self.text[..span.start].matches('\n').count());
                format!("line {line}: {}", error.message())
            })?;
            plain(toml::Value::Table(table))
        };
        read_value(value)
    }
}

/// Reads a shape; the error says where in it a value does not fit.
pub(super) fn read_value<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_path_to_error::deserialize(value).map_err(|error| match error.path().to_string() {
        path if path == "." => error.inner().to_string(),
        path => format!("`{path}`: {}", error.inner()),
    })
}

/// A TOML value as a JSON value, so that both formats take one road; dates become text.
fn plain(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::from(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Float(number) => Value::from(number),
        toml::Value::Boolean(flag) => Value::from(flag),
        toml::Value::Datetime(date) => Value::from(date.to_string()),
        toml::Value::Array(values) => values.into_iter().map(plain).collect(),
        toml::Value::Table(table) => {
            table.into_iter().map(|(key, value)| (key, plain(value))).collect::<Map<_, _>>().into()
        }
    }
}
