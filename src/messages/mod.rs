//! The words in which customers are told something: templates of the firm, chosen by kind, channel
//! and the customer's mood 安抚话术. Pure: values in, text out. It sends nothing and decides nothing.

mod source;
mod template;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt};

use crate::domain::{LabelId, MessageChannel, MessageKind};

pub use source::TemplatesError;
use template::Template;

/// The firm's templates. Holding one means that its file had no mistake.
#[derive(Clone, Debug, PartialEq)]
pub struct Templates {
    /// What goes out without a person.
    automatic: Vec<MessageKind>,
    firm: String,
    contact: String,
    texts: BTreeMap<(MessageKind, MessageChannel), Template>,
    subjects: BTreeMap<MessageKind, Template>,
    openings: BTreeMap<MessageChannel, Openings>,
    limits: BTreeMap<MessageChannel, usize>,
}

/// How a message begins, by mood.
#[derive(Clone, Debug, PartialEq)]
struct Openings {
    by_mood: BTreeMap<String, String>,
    default: String,
}

/// What templates are filled with. What is missing cannot be told of.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Values {
    /// Who is addressed.
    pub name: Option<String>,
    /// What the firm calls the case.
    pub case: String,
    /// Whom the customer can ask.
    pub contact_person: Option<String>,
    /// By when it is settled.
    pub limit: Option<String>,
    /// What is being done.
    pub stage: Option<String>,
    /// What is offered.
    pub offers: Option<String>,
    /// What was done.
    pub result: Option<String>,
}

/// A message in words.
#[derive(Clone, PartialEq, Eq)]
pub struct Wording {
    /// The subject of an e-mail.
    pub subject: Option<String>,
    /// The text.
    pub text: String,
}

impl Templates {
    /// The file that ships with the service.
    pub const DEFAULT: &str = include_str!("../../datasets/messages.toml");

    /// Whether any kind goes out without a person.
    pub fn has_automatic(&self) -> bool {
        !self.automatic.is_empty()
    }

    /// Whether a kind goes out without a person.
    pub fn is_automatic(&self, kind: MessageKind) -> bool {
        self.automatic.contains(&kind)
    }

    /// Whom the customer can ask.
    pub fn contact_person<'v>(&'v self, values: &'v Values) -> &'v str {
        values.contact_person.as_deref().unwrap_or(&self.contact)
    }

    /// How many characters a message may have on a channel.
    pub fn limit(&self, channel: MessageChannel) -> usize {
        self.limits[&channel]
    }

    /// A message to somebody in this mood; nothing when a value is missing of which it tells.
    pub fn render(
        &self,
        kind: MessageKind,
        channel: MessageChannel,
        mood: Option<&LabelId>,
        values: &Values,
    ) -> Option<Wording> {
        let openings = &self.openings[&channel];
        let opening = mood.and_then(|mood| openings.by_mood.get(mood.as_str()));
        let fill = |place| self.value(place, opening.unwrap_or(&openings.default), values);
        let subject = match channel {
            MessageChannel::Email => Some(self.subjects[&kind].fill(&fill)?),
            MessageChannel::Sms | MessageChannel::Chat => None,
        };
        Some(Wording { subject, text: self.texts[&(kind, channel)].fill(&fill)? })
    }
}

impl fmt::Debug for Values {
    /// Names and what customers are told do not reach logs, not even by accident.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Values").field("case", &self.case).finish_non_exhaustive()
    }
}

impl fmt::Debug for Wording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wording({} bytes)", self.text.len())
    }
}
