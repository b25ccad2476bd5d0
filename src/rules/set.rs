//! A checked rule set and its evaluation.

use std::sync::Arc;

use jiff::civil::Date;
use sha2::{Digest, Sha256};

use crate::domain::RuleId;
use crate::rules::Hit;
use crate::rules::compile::{Draft, Vocabulary};
use crate::rules::condition::Condition;
use crate::rules::examples::Trial;
use crate::rules::lexicon::Lexicon;
use crate::rules::list_set::ListSet;
use crate::rules::mistake::RuleError;
use crate::rules::rule::{Rule, RuleKind};
use crate::rules::situation::{Situation, View};
use crate::rules::source::RuleFile;
use crate::text::Analyzer;

/// Rules that have passed every check, their examples included.
#[derive(Clone, Debug)]
pub struct RuleSet {
    files: Arc<[RuleFile]>,
    version: String,
    pub(super) lexicon: Lexicon,
    rules: Vec<Rule>,
    /// The phrases of each rule.
    phrases: Vec<Phrases>,
    trials: Vec<Trial>,
}

/// The phrase lists of a rule: most rules are done with before a single question is asked.
#[derive(Clone, Debug)]
struct Phrases {
    /// Lists of which one at least must have a phrase that counts; nothing for a rule that may fire
    /// without any.
    needed: Option<ListSet>,
    mentioned: ListSet,
}

impl Phrases {
    fn of(condition: &Condition) -> Self {
        Self { needed: ListSet::needed_by(condition), mentioned: ListSet::mentioned_by(condition) }
    }

    /// Whether a rule may fire on a text that has phrases of these lists.
    fn may_fire(&self, present: &ListSet) -> bool {
        self.needed.as_ref().is_none_or(|needed| needed.intersects(present))
    }
}

impl RuleSet {
    /// Checks rule files and runs their examples.
    pub fn parse(
        files: &[RuleFile],
        vocabulary: &Vocabulary<'_>,
        analyzer: &Analyzer,
    ) -> Result<Self, RuleError> {
        let draft = Draft::compile(files, *vocabulary, analyzer);
        let mut mistakes = draft.findings.mistakes.clone();
        let trials = draft.try_examples(vocabulary.taxonomy, analyzer);
        mistakes.extend(trials.iter().filter_map(Trial::mistake));
        if !mistakes.is_empty() {
            return Err(RuleError::new(mistakes));
        }
        let rules: Vec<Rule> = draft.rules.into_iter().map(|draft| draft.rule).collect();
        Ok(Self {
            files: files.into(),
            version: format!("{}+{}", draft.version, digest(files)),
            lexicon: draft.lexicon,
            phrases: rules.iter().map(|rule| Phrases::of(&rule.when)).collect(),
            rules,
            trials,
        })
    }

    /// Checks the same files against other names, as when a model with another taxonomy goes live.
    pub fn recheck(
        &self,
        vocabulary: &Vocabulary<'_>,
        analyzer: &Analyzer,
    ) -> Result<Self, RuleError> {
        Self::parse(&self.files, vocabulary, analyzer)
    }

    /// The version that its files state and a digest of what they say, such as
    /// `2026-11-21+1f0c3a9e`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// How many rules there are, effective or not.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is no rule at all.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rules in the order of their files.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter()
    }

    /// The examples of a rule, as they came out when it was checked.
    pub fn trials(&self, rule: &RuleId) -> impl Iterator<Item = &Trial> {
        self.trials.iter().filter(move |trial| trial.rule == *rule)
    }

    /// All rules that fire, in the order of their files.
    pub fn evaluate(&self, situation: &Situation<'_>, today: Date) -> Vec<Hit> {
        let mut possible = Vec::new();
        let view = View::of_lists(&self.lexicon, *situation, |present| {
            let mut wanted = ListSet::default();
            for (rule, phrases) in self.rules.iter().zip(&self.phrases) {
                if phrases.may_fire(present) && rule.is_effective(today) {
                    wanted.extend(&phrases.mentioned);
                    possible.push(rule);
                }
            }
            wanted
        });
        let firing = possible.into_iter().filter(|rule| view.holds(&rule.when));
        firing
            .map(|rule| Hit {
                rule: rule.id.clone(),
                name: rule.name.clone(),
                reason: rule.reason.clone(),
                owner: rule.owner.clone(),
                safety_critical: rule.kind == RuleKind::Safety,
                effect: rule.effect.clone(),
                evidence: view.evidence(&rule.when),
            })
            .collect()
    }
}

/// Eight hexadecimal digits that change when any file does, whatever order they are given in.
pub(super) fn digest(files: &[RuleFile]) -> String {
    let mut files: Vec<_> = files.iter().collect();
    files.sort_by_key(|file| &file.name);
    let mut hasher = Sha256::new();
    for file in files {
        hasher.update((file.text.len() as u64).to_le_bytes());
        hasher.update(&file.text);
    }
    let [a, b, c, d, ..] = hasher.finalize().0;
    format!("{:08x}", u32::from_be_bytes([a, b, c, d]))
}
