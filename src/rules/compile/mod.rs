//! Rule files → checked rules, with every mistake on the way. Items that are wrong are left out,
//! so that the rest can be checked and its examples run.

pub(super) mod conditions;
mod effects;
mod lists;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use jiff::civil::Date;
use serde_json::Value;

use crate::domain::{IdError, QueueId, Taxonomy};
use crate::rules::compile::conditions::ConditionChecker;
use crate::rules::compile::effects::check_effect;
use crate::rules::compile::lists::{check_unused, read_lexicon};
use crate::rules::examples::{self, Example, Trial};
use crate::rules::lexicon::{Lexicon, ListIdx};
use crate::rules::mistake::{Findings, Place, suggest};
use crate::rules::reachability;
use crate::rules::rule::{Rule, RuleKind};
use crate::rules::source::{FileSource, RuleFile, RuleSource, Unknown, read_value};
use crate::text::Analyzer;

/// The names that rules may use.
#[derive(Clone, Copy, Debug)]
pub struct Vocabulary<'a> {
    /// The labels.
    pub taxonomy: &'a Taxonomy,
    /// The queues.
    pub queues: &'a [QueueId],
}

/// What could be made of rule files. It is a rule set when there are no mistakes.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) version: String,
    pub(super) lexicon: Lexicon,
    pub(super) rules: Vec<DraftRule>,
    pub(super) findings: Findings,
}

/// A rule and its examples.
#[derive(Debug)]
pub(super) struct DraftRule {
    pub(super) rule: Rule,
    pub(super) examples: Vec<Example>,
}

/// A rule as it is written, and where.
struct PlacedRule {
    place: Place,
    source: RuleSource,
}

impl Draft {
    /// Checks everything but whether the examples hold.
    pub(super) fn compile(
        files: &[RuleFile],
        vocabulary: Vocabulary<'_>,
        analyzer: &Analyzer,
    ) -> Self {
        let mut findings = Findings::default();
        let sources = read_files(files, &mut findings);
        let version = read_version(&sources, &mut findings);
        let lexicon = read_lexicon(&sources, analyzer, &mut findings);
        let n_sources: usize = sources.iter().map(|(_, source)| source.rules.len()).sum();
        let placed = read_rules(sources, &mut findings);

        let mut used = BTreeSet::new();
        let all_read = placed.len() == n_sources;
        let rules: Vec<_> = placed
            .into_iter()
            .filter_map(|placed| check_rule(placed, vocabulary, &lexicon, &mut used, &mut findings))
            .collect();
        // A rule that cannot be read might use any list.
        if all_read {
            check_unused(&lexicon, &used, &mut findings);
        }
        check_pairs(&rules, &mut findings);
        Self { version, lexicon, rules, findings }
    }

    /// Runs the examples of every rule that is right otherwise.
    pub(super) fn try_examples(&self, taxonomy: &Taxonomy, analyzer: &Analyzer) -> Vec<Trial> {
        let taxonomy = Arc::new(taxonomy.clone());
        let mut trials = Vec::new();
        for DraftRule { rule, examples } in &self.rules {
            trials.extend(examples.iter().map(|example| Trial {
                file: rule.file.clone(),
                rule: rule.id.clone(),
                example: example.path.clone(),
                text: example.text.clone(),
                expected: example.fires,
                fired: example.meets(&rule.when, &self.lexicon, &taxonomy, analyzer),
            }));
        }
        trials
    }
}

fn read_files(files: &[RuleFile], findings: &mut Findings) -> Vec<(String, FileSource)> {
    let mut files: Vec<_> = files.iter().collect();
    files.sort_by_key(|file| &file.name);
    let mut sources: Vec<(String, FileSource)> = Vec::new();
    for file in files {
        let place = Place::new(&file.name, "");
        if sources.iter().any(|(name, _)| *name == file.name) {
            findings.mistake(&place, "two files have this name", "rename one");
        }
        match file.read() {
            Ok(source) => {
                check_keys(
                    &source.unknown,
                    &["version", "guards", "phrases", "rules"],
                    &place,
                    findings,
                );
                sources.push((file.name.clone(), source));
            }
            Err(error) => findings.mistake(
                &place,
                error,
                "correct the syntax; nothing in this file was checked",
            ),
        }
    }
    sources
}

fn read_version(sources: &[(String, FileSource)], findings: &mut Findings) -> String {
    let mut versions =
        sources.iter().filter_map(|(file, source)| Some((file, source.version.as_ref()?)));
    let Some((_, version)) = versions.next() else {
        let place = Place::new(sources.first().map_or("", |(file, _)| file), "");
        let hint = "add `version = \"2026-01-31\"` to one of them";
        findings.mistake(&place, "no file has a `version`", hint);
        return String::new();
    };
    for (file, _) in versions {
        let place = Place::new(file, "");
        findings.mistake(&place, "another file has a `version`, too", "keep it in one file only");
    }
    version.clone()
}

fn read_rules(sources: Vec<(String, FileSource)>, findings: &mut Findings) -> Vec<PlacedRule> {
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

/// Names every key that is not known.
pub(super) fn check_keys(
    unknown: &Unknown,
    known: &[&str],
    place: &Place,
    findings: &mut Findings,
) {
    for key in unknown.keys() {
        findings.mistake(
            place,
            format!("unknown key `{key}`"),
            suggest(key, known.iter().copied()),
        );
    }
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

fn check_rule(
    placed: PlacedRule,
    vocabulary: Vocabulary<'_>,
    lexicon: &Lexicon,
    used: &mut BTreeSet<ListIdx>,
    findings: &mut Findings,
) -> Option<DraftRule> {
    let PlacedRule { place, source } = placed;
    let n_before = findings.mistakes.len();
    check_keys(&source.unknown, &RULE_KEYS, &place, findings);
    for (key, text) in
        [("name", &source.name), ("reason", &source.reason), ("owner", &source.owner)]
    {
        if text.trim().is_empty() {
            findings.mistake(
                &place,
                format!("`{key}` is blank"),
                "people read it: say it in Chinese",
            );
        }
    }
    let id = source
        .id
        .parse()
        .map_err(|error: IdError| findings.mistake(&place, error.to_string(), "rename the rule"))
        .ok();
    let kind = read_kind(&source.kind, &place, findings);
    let effective_from =
        read_date(source.effective_from.as_deref(), "effective_from", &place, findings);
    let effective_until =
        read_date(source.effective_until.as_deref(), "effective_until", &place, findings);
    if effective_from.zip(effective_until).is_some_and(|(from, until)| until < from) {
        findings.mistake(
            &place,
            "`effective_until` lies before `effective_from`",
            "swap or correct the dates",
        );
    }
    let when = ConditionChecker { vocabulary, lexicon, used, findings, place: &place }
        .check(source.when, "when");
    let effect = check_effect(source.then, vocabulary, &place, findings);
    let examples = examples::read(source.examples, vocabulary.taxonomy, &place, findings);
    let (id, kind, when) = (id?, kind?, when?);
    reachability::check(&when, lexicon, &place, findings);
    if n_before < findings.mistakes.len() {
        // Its examples could fail for the same reason and would only add noise.
        return None;
    }
    let rule = Rule {
        id,
        name: source.name,
        reason: source.reason,
        owner: source.owner,
        kind,
        effective_from,
        effective_until,
        effect,
        file: place.file,
        when,
    };
    Some(DraftRule { rule, examples })
}

fn read_kind(text: &str, place: &Place, findings: &mut Findings) -> Option<RuleKind> {
    let kind = RuleKind::ALL.into_iter().find(|kind| kind.as_str() == text);
    if kind.is_none() {
        let hint = suggest(text, RuleKind::ALL.map(RuleKind::as_str));
        findings.mistake(place, format!("unknown kind `{text}`"), hint);
    }
    kind
}

fn read_date(
    text: Option<&str>,
    key: &str,
    place: &Place,
    findings: &mut Findings,
) -> Option<Date> {
    let text = text?;
    let date = text.parse();
    if date.is_err() {
        findings.mistake(
            place,
            format!("`{key}`: `{text}` is not a day"),
            "write a day such as `2026-01-31`",
        );
    }
    date.ok()
}

/// Finds rules that repeat or contradict each other.
fn check_pairs(rules: &[DraftRule], findings: &mut Findings) {
    for (idx, DraftRule { rule, .. }) in rules.iter().enumerate() {
        let place = Place::new(&rule.file, format!("rule `{}`", rule.id));
        for DraftRule { rule: other, .. } in &rules[..idx] {
            if rule.when == other.when && rule.effect == other.effect {
                let message = format!("it asks and does the same as rule `{}`", other.id);
                findings.mistake(&place, message, "remove one of the two");
            }
            if let (Some((queue, rank)), Some((other_queue, other_rank))) =
                (&rule.effect.queue, &other.effect.queue)
                && rank == other_rank
                && queue != other_queue
            {
                let message = format!(
                    "rule `{}` sends cases to another queue with the same rank {rank}",
                    other.id
                );
                findings.mistake(&place, message, "give the more important one a higher rank");
            }
        }
    }
}
