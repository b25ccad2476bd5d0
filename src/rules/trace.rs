//! Why a rule fired or not: its tree of conditions, each with what was seen. It judges nothing
//! itself; every answer comes from the same view that evaluation asks.

use jiff::civil::Date;
use serde::Serialize;

use crate::domain::{Channel, CustomerTier, RuleId};
use crate::rules::RuleSet;
use crate::rules::condition::{Condition, LabelRef, Leaf};
use crate::rules::lexicon::{GuardPart, Lexicon, ListIdx, Sighting};
use crate::rules::rule::RuleKind;
use crate::rules::situation::{Situation, View};

/// How a rule came to its answer. Quotes the complaint: for the one who asked, never for a log.
#[derive(Clone, PartialEq, Serialize)]
pub struct RuleTrace {
    /// The rule.
    pub rule: RuleId,
    /// Its name for people.
    pub name: String,
    /// Why it exists.
    pub kind: RuleKind,
    /// Whether it counts on the day that was asked about.
    pub effective: bool,
    /// Whether it fired.
    pub fired: bool,
    /// What it asks, with the answers.
    pub condition: ConditionTrace,
}

/// A condition with its answer.
#[derive(Clone, PartialEq, Serialize)]
pub struct ConditionTrace {
    /// The condition in the words of rule files, such as ``phrases `explosion` ``.
    pub condition: String,
    /// The condition in Chinese.
    pub title: String,
    /// Whether it holds.
    pub holds: bool,
    /// The value that was compared; nothing when it is missing or the condition compares none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The phrases that stand in the text, those that a guard takes back included.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<SeenPhrase>,
    /// The conditions that it is made of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Self>,
}

/// A phrase that stands in the text.
#[derive(Clone, PartialEq, Serialize)]
pub struct SeenPhrase {
    /// The phrase list.
    pub list: String,
    /// The words as they stand in the original text.
    pub text: String,
    /// The first character in the original text, counted from 0.
    pub start: usize,
    /// One past the last character.
    pub end: usize,
    /// What takes it back, if anything does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suppressed_by: Option<SeenGuard>,
}

/// A guard word that takes a phrase back.
#[derive(Clone, PartialEq, Serialize)]
pub struct SeenGuard {
    /// The guard.
    pub guard: String,
    /// Which part of the guard the word belongs to.
    pub part: GuardPart,
    /// The word as it stands in the original text.
    pub word: String,
}

impl RuleSet {
    /// Why each rule fired or not, in the order of the rules.
    pub fn explain(&self, situation: &Situation<'_>, today: Date) -> Vec<RuleTrace> {
        let tracer = Tracer { lexicon: &self.lexicon, view: View::new(&self.lexicon, *situation) };
        self.iter()
            .map(|rule| {
                let condition = tracer.condition(&rule.when);
                let effective = rule.is_effective(today);
                RuleTrace {
                    rule: rule.id.clone(),
                    name: rule.name.clone(),
                    kind: rule.kind,
                    effective,
                    fired: effective && condition.holds,
                    condition,
                }
            })
            .collect()
    }
}

struct Tracer<'v> {
    lexicon: &'v Lexicon,
    view: View<'v>,
}

impl Tracer<'_> {
    fn condition(&self, condition: &Condition) -> ConditionTrace {
        let (words, title, parts) = match condition {
            Condition::All(parts) => ("all", "全部满足", parts.as_slice()),
            Condition::Any(parts) => ("any", "满足其一", parts.as_slice()),
            Condition::Not(part) => ("not", "不满足", std::slice::from_ref(part.as_ref())),
            Condition::Leaf(leaf) => return self.leaf(leaf),
        };
        ConditionTrace {
            condition: words.to_owned(),
            title: title.to_owned(),
            holds: self.view.holds(condition),
            value: None,
            seen: Vec::new(),
            parts: parts.iter().map(|part| self.condition(part)).collect(),
        }
    }

    fn leaf(&self, leaf: &Leaf) -> ConditionTrace {
        ConditionTrace {
            condition: leaf.describe(self.lexicon),
            title: self.title(leaf),
            holds: self.view.answers(leaf),
            value: self.value(leaf),
            seen: match leaf {
                Leaf::Phrases(list) => self.seen(&[*list]),
                Leaf::Near { lists, .. } => self.seen(lists),
                _ => Vec::new(),
            },
            parts: Vec::new(),
        }
    }

    fn title(&self, leaf: &Leaf) -> String {
        match leaf {
            Leaf::Phrases(list) => format!("词表 {}", self.lexicon.list(*list).name),
            Leaf::Near { lists: [one, other], within } => format!(
                "词表 {} 与 {} 相距不超过 {within} 字",
                self.lexicon.list(*one).name,
                self.lexicon.list(*other).name
            ),
            Leaf::Number { field, range } => format!("字段 {}{range}", field.as_str()),
            Leaf::Channel(channels) => {
                let names: Vec<_> = channels.iter().copied().map(Channel::as_str).collect();
                format!("字段 channel 为 {}", names.join(" 或 "))
            }
            Leaf::CustomerTier(tiers) => {
                let names: Vec<_> = tiers.iter().copied().map(CustomerTier::as_str).collect();
                format!("字段 customer_tier 为 {}", names.join(" 或 "))
            }
            Leaf::Score { label, range } => format!("模型概率 {label}{range}"),
            Leaf::Predicted(label) => format!("模型选中 {label}"),
        }
    }

    fn value(&self, leaf: &Leaf) -> Option<String> {
        let situation = &self.view.situation;
        match leaf {
            Leaf::Phrases(_) | Leaf::Near { .. } => None,
            Leaf::Number { field, .. } => self.view.number(*field).map(|number| number.to_string()),
            Leaf::Channel(_) => situation.channel.map(|channel| channel.as_str().to_owned()),
            Leaf::CustomerTier(_) => Some(situation.customer_tier.as_str().to_owned()),
            Leaf::Score { label, .. } | Leaf::Predicted(label) => self.score(label),
        }
    }

    fn score(&self, label: &LabelRef) -> Option<String> {
        let (score, _) = label.answer(self.view.situation.prediction?)?;
        Some(format!("{score:.3}"))
    }

    fn seen(&self, lists: &[ListIdx]) -> Vec<SeenPhrase> {
        let sightings = lists.iter().flat_map(|list| self.view.sightings.of(*list));
        sightings.take(MAX_SEEN).map(|sighting| self.phrase(sighting)).collect()
    }

    fn phrase(&self, sighting: &Sighting) -> SeenPhrase {
        let document = self.view.situation.document;
        let original = document.original();
        let span = self.view.span(sighting);
        let (start, end) = span.chars_in(original);
        SeenPhrase {
            list: self.lexicon.list(sighting.list).name.clone(),
            text: span.slice(original).to_owned(),
            start,
            end,
            suppressed_by: sighting.suppression.map(|suppression| SeenGuard {
                guard: self.lexicon.guard(suppression.guard).name.clone(),
                part: suppression.part,
                word: document.span(suppression.start..suppression.end).slice(original).to_owned(),
            }),
        }
    }
}

/// A trace shows so many phrases of a condition at most.
const MAX_SEEN: usize = 32;
