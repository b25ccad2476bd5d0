//! Reads a file of templates. One pass lists every mistake.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::domain::{Head, MessageChannel, MessageKind, Role, Taxonomy};
use crate::messages::template::{Place, Template};
use crate::messages::{Openings, Templates};

/// The longest limit of a channel, in characters.
const MAX_LIMIT: usize = 20_000;

/// Why a file of templates is refused.
#[derive(Debug, thiserror::Error)]
pub enum TemplatesError {
    /// It is not TOML, or not of this shape.
    #[error("the message templates cannot be read")]
    Syntax(#[from] toml::de::Error),
    /// Everything that is wrong with what it says.
    #[error("the message templates have mistakes: {}", .0.join("; "))]
    Mistakes(Vec<String>),
}

/// The file as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    automatic: Vec<MessageKind>,
    firm: FirmSource,
    limits: BTreeMap<MessageChannel, usize>,
    openings: BTreeMap<MessageChannel, BTreeMap<String, String>>,
    texts: BTreeMap<MessageKind, TextSource>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FirmSource {
    name: String,
    contact: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TextSource {
    subject: String,
    sms: String,
    chat: String,
    email: String,
}

/// What every message of a kind must tell.
const fn needed(kind: MessageKind) -> &'static [Place] {
    match kind {
        MessageKind::Acknowledgement => {
            &[Place::Opening, Place::Case, Place::Limit, Place::ContactPerson]
        }
        MessageKind::Progress => &[Place::Opening, Place::Case, Place::Stage],
        MessageKind::Proposal => &[Place::Opening, Place::Case, Place::Offers],
        MessageKind::Result => &[Place::Opening, Place::Case, Place::Result],
        MessageKind::Satisfaction => &[Place::Opening, Place::Case],
    }
}

impl Templates {
    /// Reads and checks a file, listing every mistake. Moods are the taxonomy's.
    pub fn parse(text: &str, taxonomy: &Taxonomy) -> Result<Self, TemplatesError> {
        let source: Source = toml::from_str(text)?;
        let mut mistakes = Vec::new();
        let moods = taxonomy.role(Role::Sentiment).map(|(_, head)| head);
        for (name, text) in [("name", &source.firm.name), ("contact", &source.firm.contact)] {
            if text.trim().is_empty() {
                mistakes.push(format!("`firm.{name}` is blank"));
            }
        }
        let openings = openings(source.openings, moods, &mut mistakes);
        for channel in MessageChannel::ALL {
            let limit = source.limits.get(&channel);
            if !limit.is_some_and(|limit| (1..=MAX_LIMIT).contains(limit)) {
                let name = channel.as_str();
                mistakes.push(format!("`limits.{name}` is a number of characters up to 20000"));
            }
        }
        let (mut texts, mut subjects) = (BTreeMap::new(), BTreeMap::new());
        for kind in MessageKind::ALL {
            let Some(source) = source.texts.get(&kind) else {
                mistakes.push(format!("`texts.{}` is missing", kind.as_str()));
                continue;
            };
            let at = format!("texts.{}.subject", kind.as_str());
            subjects.insert(kind, Template::parse(&source.subject, &at, &mut mistakes));
            for channel in MessageChannel::ALL {
                let text = source.text(channel);
                let at = format!("texts.{}.{}", kind.as_str(), channel.as_str());
                let template = Template::parse(text, &at, &mut mistakes);
                for place in needed(kind).iter().filter(|place| !template.names(**place)) {
                    mistakes.push(format!("`{at}` must tell `{{{}}}`", place.as_str()));
                }
                texts.insert((kind, channel), template);
            }
        }
        if !mistakes.is_empty() {
            return Err(TemplatesError::Mistakes(mistakes));
        }
        let Source { automatic, firm, limits, .. } = source;
        let FirmSource { name: firm, contact } = firm;
        Ok(Self { automatic, firm, contact, texts, subjects, openings, limits })
    }
}

impl TextSource {
    fn text(&self, channel: MessageChannel) -> &str {
        match channel {
            MessageChannel::Sms => &self.sms,
            MessageChannel::Chat => &self.chat,
            MessageChannel::Email => &self.email,
        }
    }
}

/// How messages begin on each channel.
fn openings(
    mut source: BTreeMap<MessageChannel, BTreeMap<String, String>>,
    moods: Option<&Head>,
    mistakes: &mut Vec<String>,
) -> BTreeMap<MessageChannel, Openings> {
    let mut openings = BTreeMap::new();
    for channel in MessageChannel::ALL {
        let name = channel.as_str();
        let mut by_mood = source.remove(&channel).unwrap_or_default();
        let Some(default) = by_mood.remove("default") else {
            mistakes.push(format!("`openings.{name}.default` is missing"));
            continue;
        };
        let is_known = |mood: &str| moods.is_some_and(|head| head.label_idx(mood).is_some());
        for mood in by_mood.keys().filter(|mood| !is_known(mood)) {
            mistakes.push(format!("`openings.{name}.{mood}` is no mood of the taxonomy"));
        }
        openings.insert(channel, Openings { by_mood, default });
    }
    openings
}
