//! The examples that every rule carries: complaints that must make it fire and complaints that
//! must not. A rule is tried on its own and on any day, so that it stays tested before and after
//! the time in which it counts.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::domain::{
    Channel, CustomerTier, HeadKind, HeadPrediction, Money, Prediction, RuleId, Taxonomy,
};
use crate::rules::compile::check_keys;
use crate::rules::compile::conditions::{find_label, suggest_label};
use crate::rules::condition::{Condition, LabelRef};
use crate::rules::lexicon::Lexicon;
use crate::rules::mistake::{Findings, Mistake, Place, suggest};
use crate::rules::situation::{Situation, View};
use crate::rules::source::{ExampleSource, ExamplesSource, read_value};
use crate::text::Analyzer;

/// At least so many examples, so that a rule is tried from several sides.
const MIN_EXAMPLES: usize = 6;

/// A complaint that a rule must or must not fire on.
#[derive(Clone, Debug)]
pub(super) struct Example {
    /// Its place in the file, such as `match[2]`.
    pub(super) path: String,
    /// Whether the rule must fire.
    pub(super) fires: bool,
    /// The author's words.
    pub(super) text: String,
    amount: Option<Money>,
    channel: Option<Channel>,
    customer_tier: CustomerTier,
    prior_contacts: Option<u32>,
    chosen: Vec<LabelRef>,
    scores: Vec<(LabelRef, f32)>,
}

/// An example that has been tried.
#[derive(Clone, Debug, Serialize)]
pub struct Trial {
    /// The file of the rule.
    pub file: String,
    /// The rule.
    pub rule: RuleId,
    /// The example's place in the file, such as `match[2]`.
    pub example: String,
    /// The author's words.
    pub text: String,
    /// Whether the rule should fire.
    pub expected: bool,
    /// Whether it did.
    pub fired: bool,
}

impl Trial {
    /// Whether the example holds.
    pub const fn passed(&self) -> bool {
        self.expected == self.fired
    }

    /// What is wrong, when the example does not hold.
    pub(super) fn mistake(&self) -> Option<Mistake> {
        let (message, hint) = match (self.expected, self.fired) {
            (true, false) => ("should make the rule fire and does not", "widen the condition"),
            (false, true) => ("should not make the rule fire and does", "narrow the condition"),
            _ => return None,
        };
        Some(Mistake {
            file: self.file.clone(),
            item: format!("rule `{}`", self.rule),
            message: format!("`examples.{}` {message}", self.example),
            hint: format!("{hint}, or correct the example"),
        })
    }
}

const EXAMPLE_KEYS: [&str; 7] =
    ["text", "amount", "customer_tier", "channel", "prior_contacts", "predicted", "scores"];

/// Reads the examples of a rule; what is wrong is left out.
pub(super) fn read(
    source: ExamplesSource,
    taxonomy: &Taxonomy,
    place: &Place,
    findings: &mut Findings,
) -> Vec<Example> {
    check_keys(&source.unknown, &["match", "no_match"], place, findings);
    let (n_matching, n_others) = (source.matching.len(), source.no_match.len());
    if n_matching + n_others < MIN_EXAMPLES || n_matching == 0 || n_others == 0 {
        let message = format!("it has {n_matching} `match` and {n_others} `no_match` examples");
        findings.mistake(
            place,
            message,
            format!("give {MIN_EXAMPLES} in all, at least one of each sort"),
        );
    }
    let matching = source
        .matching
        .into_iter()
        .enumerate()
        .map(|(idx, value)| (format!("match[{idx}]"), true, value));
    let others = source
        .no_match
        .into_iter()
        .enumerate()
        .map(|(idx, value)| (format!("no_match[{idx}]"), false, value));
    matching
        .chain(others)
        .filter_map(|(path, fires, value)| {
            let source = match value {
                Value::String(text) => Ok(ExampleSource { text, ..ExampleSource::default() }),
                value => read_value::<ExampleSource>(value),
            };
            match source {
                Ok(source) => Some(
                    ExampleReader { taxonomy, path: &path, place, findings }.read(source, fires),
                ),
                Err(error) => {
                    let message = format!("`examples.{path}`: {error}");
                    findings.mistake(place, message, "give a text, or a table with `text`");
                    None
                }
            }
        })
        .collect()
}

struct ExampleReader<'r> {
    taxonomy: &'r Taxonomy,
    path: &'r str,
    place: &'r Place,
    findings: &'r mut Findings,
}

impl ExampleReader<'_> {
    fn read(mut self, source: ExampleSource, fires: bool) -> Example {
        for key in source.unknown.keys() {
            self.mistake(format!("unknown key `{key}`"), suggest(key, EXAMPLE_KEYS));
        }
        let channels = Channel::ALL.map(|channel| (channel.as_str(), channel));
        let tiers = CustomerTier::ALL.map(|tier| (tier.as_str(), tier));
        Example {
            path: self.path.to_owned(),
            fires,
            amount: source.amount.and_then(|yuan| match Money::try_from(yuan) {
                Ok(amount) => Some(amount),
                Err(error) => {
                    self.mistake(format!("`amount`: {error}"), "correct the amount");
                    None
                }
            }),
            channel: source.channel.and_then(|name| self.find("channel", &name, &channels)),
            customer_tier: source
                .customer_tier
                .and_then(|name| self.find("customer_tier", &name, &tiers))
                .unwrap_or_default(),
            prior_contacts: source.prior_contacts,
            chosen: self.read_chosen(&source.predicted),
            scores: source
                .scores
                .iter()
                .filter_map(|(name, &score)| {
                    if !(0.0..=1.0).contains(&score) {
                        self.mistake(
                            format!("`scores`: `{score}` is not a probability"),
                            "use 0 to 1",
                        );
                    }
                    Some((self.find_label(name)?, score as f32))
                })
                .collect(),
            text: source.text,
        }
    }

    fn mistake(&mut self, message: impl std::fmt::Display, hint: impl Into<String>) {
        self.findings.mistake(self.place, format!("`examples.{}`: {message}", self.path), hint);
    }

    fn find<T: Copy>(&mut self, key: &str, name: &str, known: &[(&str, T)]) -> Option<T> {
        let found = known.iter().find(|(known, _)| *known == name);
        if found.is_none() {
            let hint = suggest(name, known.iter().map(|(name, _)| *name));
            self.mistake(format!("`{key}`: unknown value `{name}`"), hint);
        }
        found.map(|&(_, value)| value)
    }

    fn find_label(&mut self, name: &str) -> Option<LabelRef> {
        let label = find_label(self.taxonomy, name);
        if label.is_none() {
            self.mistake(format!("unknown label `{name}`"), suggest_label(self.taxonomy, name));
        }
        label
    }

    fn read_chosen(&mut self, names: &[String]) -> Vec<LabelRef> {
        let mut chosen: Vec<LabelRef> = Vec::new();
        for name in names {
            let Some(label) = self.find_label(name) else { continue };
            if label.exclusive && chosen.iter().any(|other| other.head_idx == label.head_idx) {
                self.mistake(
                    format!("`predicted` has two labels of `{}`", label.head),
                    "a model chooses one",
                );
            } else {
                chosen.push(label);
            }
        }
        chosen
    }
}

impl Example {
    /// Whether a condition holds for the example.
    pub(super) fn meets(
        &self,
        condition: &Condition,
        lexicon: &Lexicon,
        taxonomy: &Arc<Taxonomy>,
        analyzer: &Analyzer,
    ) -> bool {
        let document = analyzer.analyze(&self.text);
        let prediction = self.prediction(taxonomy);
        let situation = Situation {
            document: &document,
            amount: self.amount,
            channel: self.channel,
            customer_tier: self.customer_tier,
            prior_contacts: self.prior_contacts,
            prediction: prediction.as_ref(),
        };
        View::new(lexicon, situation).holds(condition)
    }

    /// The model's answer that the example describes. A chosen label has the probability 1 unless
    /// the example gives another; the model abstains from every head it says nothing about.
    fn prediction(&self, taxonomy: &Arc<Taxonomy>) -> Option<Prediction> {
        if self.chosen.is_empty() && self.scores.is_empty() {
            return None;
        }
        let heads = taxonomy.heads().iter().enumerate().map(|(head_idx, head)| {
            let chosen: Vec<_> = self
                .chosen
                .iter()
                .filter(|label| label.head_idx == head_idx)
                .map(|label| label.label_idx)
                .collect();
            let mut probabilities = vec![0.0; head.labels.len()];
            for &label_idx in &chosen {
                probabilities[label_idx] = 1.0;
            }
            for (label, score) in self.scores.iter().filter(|(label, _)| label.head_idx == head_idx)
            {
                probabilities[label.label_idx] = *score;
            }
            let abstains = chosen.is_empty() && head.kind != HeadKind::MultiLabel;
            let chosen = if abstains { vec![0] } else { chosen };
            HeadPrediction { probabilities, chosen, abstains, evidence: Vec::new() }
        });
        Some(Prediction::new(Arc::clone(taxonomy), heads.collect()))
    }
}
