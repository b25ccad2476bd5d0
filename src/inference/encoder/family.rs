//! Which architecture a `config.json` speaks of, by its `model_type` or, where that is missing, by
//! its `architectures`. The tokenizer says nothing about it: there are BERTs with that of `XLM-R`.

use std::path::Path;

use serde::Deserialize;

use crate::inference::encoder::error::Error;

/// Architectures that differ in what they compute or in how they write it down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// Positions count from zero.
    Bert,
    /// Positions count from after the padding token: `RoBERTa`, `XLM-RoBERTa`, `CamemBERT`.
    Roberta,
    /// BERT without segments, under other names (Sanh et al. 2019).
    DistilBert,
    /// Rotary positions and gated layers (Warner et al. 2024).
    ModernBert,
}

/// What a `config.json` says it describes.
#[derive(Deserialize)]
pub(super) struct Claim {
    model_type: Option<String>,
    #[serde(default)]
    architectures: Option<Vec<String>>,
}

/// Types, and what the names of their classes begin with.
const KNOWN: [(&str, &str, Family); 6] = [
    ("bert", "Bert", Family::Bert),
    ("roberta", "Roberta", Family::Roberta),
    ("xlm-roberta", "XLMRoberta", Family::Roberta),
    ("camembert", "Camembert", Family::Roberta),
    ("distilbert", "DistilBert", Family::DistilBert),
    ("modernbert", "ModernBert", Family::ModernBert),
];

impl Claim {
    /// Reads the text of a `config.json`; `path` is for messages.
    pub(super) fn parse(text: &[u8], path: &Path) -> Result<Self, Error> {
        serde_json::from_slice(text).map_err(|error| Error::File {
            path: path.to_owned(),
            why: format!("is no JSON: {error}"),
        })
    }

    /// The architecture; nothing, with a mistake, where it is unknown or two are named.
    pub(super) fn family(&self, mistakes: &mut Vec<String>) -> Option<Family> {
        let classes = self.architectures.iter().flatten();
        let of_class = classes.clone().find_map(|class| {
            KNOWN.iter().find(|(_, prefix, _)| class.starts_with(prefix)).map(|it| (class, it.2))
        });
        let Some(named) = self.model_type.as_deref() else {
            // The oldest folders say neither, and are BERT.
            return of_class.map(|(_, family)| family).or_else(|| match classes.clone().next() {
                None => Some(Family::Bert),
                Some(class) => {
                    mistakes.push(format!("has no `model_type` and is a `{class}`; {}", known()));
                    None
                }
            });
        };
        let Some(&(_, _, family)) = KNOWN.iter().find(|(name, ..)| *name == named) else {
            mistakes.push(format!("is of type `{named}`; {}", known()));
            return None;
        };
        if let Some((class, _)) = of_class.filter(|(_, other)| *other != family) {
            mistakes.push(format!("is of type `{named}` and a `{class}`, which contradict"));
            return None;
        }
        Some(family)
    }
}

fn known() -> String {
    format!("known are `{}`", KNOWN.map(|(name, ..)| name).join("`, `"))
}
