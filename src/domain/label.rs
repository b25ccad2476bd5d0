//! Names of labels, rules and queues.

use std::{fmt, marker::PhantomData, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

/// The name of a label, such as `product_quality` or `城乡建设`.
pub type LabelId = Id<LabelTag>;
/// The name of a rule, such as `safety.electric_shock`.
pub type RuleId = Id<RuleTag>;
/// The name of a queue, such as `logistics`.
pub type QueueId = Id<QueueTag>;

/// Marks label names.
#[derive(Clone, Copy, Debug)]
pub enum LabelTag {}
/// Marks rule names.
#[derive(Clone, Copy, Debug)]
pub enum RuleTag {}
/// Marks queue names.
#[derive(Clone, Copy, Debug)]
pub enum QueueTag {}

/// A short name: 1 to 64 letters (of any script), digits, `_`, `-`, `.` or `/`; cheap to clone.
///
/// ```
/// use fenzhen::domain::LabelId;
///
/// assert!("城乡建设".parse::<LabelId>().is_ok());
/// assert!("two words".parse::<LabelId>().is_err());
/// ```
#[derive(Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Id<Tag> {
    text: Arc<str>,
    tag: PhantomData<fn() -> Tag>,
}

impl<Tag> Id<Tag> {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Why a text is not a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a name: use 1 to 64 letters, digits, `_`, `-`, `.` or `/`")]
pub struct IdError(String);

impl<Tag> FromStr for Id<Tag> {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let legal = |c: char| c.is_alphanumeric() || "_-./".contains(c);
        if (1..=64).contains(&text.chars().count()) && text.chars().all(legal) {
            Ok(Self { text: text.into(), tag: PhantomData })
        } else {
            Err(IdError(text.chars().take(80).collect()))
        }
    }
}

impl<Tag> TryFrom<String> for Id<Tag> {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl<Tag> From<Id<Tag>> for String {
    fn from(id: Id<Tag>) -> Self {
        id.text.as_ref().to_owned()
    }
}

// Written by hand because a derive would ask the same of the marker type.
impl<Tag> Clone for Id<Tag> {
    fn clone(&self) -> Self {
        Self { text: Arc::clone(&self.text), tag: PhantomData }
    }
}

impl<Tag> PartialEq for Id<Tag> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<Tag> Eq for Id<Tag> {}

impl<Tag> PartialOrd for Id<Tag> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<Tag> Ord for Id<Tag> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.text.cmp(&other.text)
    }
}

impl<Tag> std::hash::Hash for Id<Tag> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl<Tag> fmt::Debug for Id<Tag> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.text)
    }
}

impl<Tag> fmt::Display for Id<Tag> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
