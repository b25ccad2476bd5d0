//! Rules of rule files → checked rules.

use std::collections::{BTreeSet, HashMap};

use jiff::civil::Date;
use serde_json::Value;

use crate::domain::{IdError, RuleId};
use crate::rules::compile::conditions::ConditionChecker;
use crate::rules::compile::effects::check_effect;
use crate::rules::compile::{DraftRule, Vocabulary, check_keys};
use crate::rules::condition::Condition;
use crate::rules::examples;
use crate::rules::lexicon::{Lexicon, ListIdx};
use crate::rules::mistake::{Findings, Place, suggest};
use crate::rules::reachability;
use crate::rules::rule::{Rule, RuleKind};
use crate::rules::situation::{Situation, View};
use crate::rules::source::{ConditionSource, FileSource, RuleSource, read_value};
use crate::text::Analyzer;

/// A rule as it is written, and where.
pub(super) struct PlacedRule {
    place: Place,
    source: RuleSource,
}

/// Reads the rules of all files; a bad one is left out.
pub(super) fn read_rules(
    sources: Vec<(String, FileSource)>,
    findings: &mut Findings,
) -> Vec<PlacedRule> {
    let mut placed = Vec::new();
    let mut file_of: HashMap<String, String> = HashMap::new();
    for (file, source) in sources {
        for (idx, value) in source.rules.into_iter().enumerate() {
            let item = match value.get("id").and_then(Value::as_str) {
                Some(id) => format!("rule `{id}`"),
                None => format!("rule no. {}", idx + 1),
            };
            let place = Place::new(&file, item);
            match read_value::<RuleSource>(value) {
                Ok(source) => {
                    if let Some(other) = file_of.insert(source.id.clone(), file.clone()) {
                        let message = format!("`{other}` has a rule of this id already");
                        findings.mistake(&place, message, "give every rule an id of its own");
                    }
                    placed.push(PlacedRule { place, source });
                }
                Err(error) => findings.mistake(&place, error, "see the description of rule files"),
            }
        }
    }
    placed
}

/// Checks rules one by one.
pub(super) struct RuleChecker<'c> {
    pub(super) vocabulary: Vocabulary<'c>,
    pub(super) lexicon: &'c Lexicon,
    pub(super) analyzer: &'c Analyzer,
    pub(super) findings: &'c mut Findings,
    /// The phrase lists that the rules use.
    pub(super) used: BTreeSet<ListIdx>,
}

const RULE_KEYS: [&str; 10] = [
    "id",
    "name",
    "reason",
    "owner",
    "kind",
    "effective_from",
    "effective_until",
    "when",
    "then",
    "examples",
];

impl RuleChecker<'_> {
    /// Checks a rule. One with a mistake is left out: its examples could fail for the same reason
    /// and would only add noise.
    pub(super) fn check(&mut self, placed: PlacedRule) -> Option<DraftRule> {
        let PlacedRule { place, source } = placed;
        let n_before = self.findings.mistakes.len();
        check_keys(&source.unknown, &RULE_KEYS, &place, self.findings);
        self.check_words(&source, &place);
        let id = self.read_id(&source.id, &place);
        let kind = self.read_kind(&source.kind, &place);
        let (effective_from, effective_until) = self.read_dates(&source, &place);
        let when = self.check_condition(source.when, &place);
        let effect = check_effect(source.then, self.vocabulary, &place, self.findings);
        let examples =
            examples::read(source.examples, self.vocabulary.taxonomy, &place, self.findings);
        if n_before < self.findings.mistakes.len() {
            return None;
        }
        let rule = Rule {
            id: id?,
            name: source.name,
            reason: source.reason,
            owner: source.owner,
            kind: kind?,
            effective_from,
            effective_until,
            effect,
            file: place.file,
            when: when?,
        };
        Some(DraftRule { rule, examples })
    }

    fn check_words(&mut self, source: &RuleSource, place: &Place) {
        let texts = [("name", &source.name), ("reason", &source.reason), ("owner", &source.owner)];
        for (key, _) in texts.into_iter().filter(|(_, text)| text.trim().is_empty()) {
            let hint = "people read it: say it in Chinese";
            self.findings.mistake(place, format!("`{key}` is blank"), hint);
        }
    }

    fn read_id(&mut self, text: &str, place: &Place) -> Option<RuleId> {
        text.parse()
            .map_err(|error: IdError| {
                self.findings.mistake(place, error.to_string(), "rename the rule");
            })
            .ok()
    }

    fn read_kind(&mut self, text: &str, place: &Place) -> Option<RuleKind> {
        let kind = RuleKind::ALL.into_iter().find(|kind| kind.as_str() == text);
        if kind.is_none() {
            let hint = suggest(text, RuleKind::ALL.map(RuleKind::as_str));
            self.findings.mistake(place, format!("unknown kind `{text}`"), hint);
        }
        kind
    }

    fn read_dates(&mut self, source: &RuleSource, place: &Place) -> (Option<Date>, Option<Date>) {
        let mut read = |key: &str, text: &Option<String>| {
            let text = text.as_ref()?;
            let date = text.parse();
            if date.is_err() {
                let message = format!("`{key}`: `{text}` is not a day");
                self.findings.mistake(place, message, "write a day such as `2026-01-31`");
            }
            date.ok()
        };
        let from: Option<Date> = read("effective_from", &source.effective_from);
        let until: Option<Date> = read("effective_until", &source.effective_until);
        if from.zip(until).is_some_and(|(from, until)| until < from) {
            let message = "`effective_until` lies before `effective_from`";
            self.findings.mistake(place, message, "swap or correct the dates");
        }
        (from, until)
    }

    fn check_condition(&mut self, source: ConditionSource, place: &Place) -> Option<Condition> {
        let mut checker = ConditionChecker {
            vocabulary: self.vocabulary,
            lexicon: self.lexicon,
            used: &mut self.used,
            findings: self.findings,
            place,
        };
        let when = checker.check(source, "when")?;
        reachability::check(&when, self.lexicon, place, self.findings);
        let silence = self.analyzer.analyze("");
        if View::new(self.lexicon, Situation::of_words(&silence)).holds(&when) {
            let message = "it fires on a complaint without words and fields";
            self.findings.warn(place, message, "ask for something that must be there");
        }
        Some(when)
    }
}

/// Finds rules that repeat or contradict each other.
pub(super) fn check_pairs(rules: &[DraftRule], findings: &mut Findings) {
    for (idx, DraftRule { rule, .. }) in rules.iter().enumerate() {
        for DraftRule { rule: other, .. } in &rules[..idx] {
            if rule.when == other.when && rule.effect == other.effect {
                let message = format!("it asks and does the same as rule `{}`", other.id);
                findings.mistake(&rule.place(), message, "remove one of the two");
            }
            let queues = rule.effect.queue.as_ref().zip(other.effect.queue.as_ref());
            if let Some(((queue, rank), (other_queue, other_rank))) = queues
                && rank == other_rank
                && queue != other_queue
            {
                let message = format!(
                    "rule `{}` sends cases to another queue with the same rank {rank}",
                    other.id
                );
                let hint = "give the more important one a higher rank";
                findings.mistake(&rule.place(), message, hint);
            }
        }
    }
}
