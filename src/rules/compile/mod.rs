//! Rule files → checked rules, with every mistake on the way. Items that are wrong are left out,
//! so that the rest can be checked and its examples run.

pub(super) mod conditions;
mod effects;
mod lists;
mod rules;

use std::{collections::BTreeSet, sync::Arc};

use crate::domain::{QueueId, Taxonomy};
use crate::rules::compile::lists::{check_unused, read_lexicon};
use crate::rules::compile::rules::{RuleChecker, check_pairs, read_rules};
use crate::rules::examples::{Example, Trial};
use crate::rules::lexicon::Lexicon;
use crate::rules::mistake::{Findings, Place, suggest};
use crate::rules::rule::Rule;
use crate::rules::source::{FileSource, RuleFile, Unknown};
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

impl Draft {
    /// Checks everything but whether the examples hold.
    pub(super) fn compile(
        files: &[RuleFile],
        vocabulary: Vocabulary<'_>,
        analyzer: &Analyzer,
    ) -> Self {
        let mut findings = Findings::default();
        let sources = read_files(files, &mut findings);
        let all_files_read = sources.len() == files.len();
        let version = read_version(&sources, &mut findings);
        if version.is_empty() && all_files_read {
            let place = Place::new(files.first().map_or("", |file| &file.name), "");
            let hint = "add `version = \"2026-01-31\"` to one of the files";
            findings.mistake(&place, "there is no `version`", hint);
        }
        let lexicon = read_lexicon(&sources, analyzer, &mut findings);
        let n_sources: usize = sources.iter().map(|(_, source)| source.rules.len()).sum();
        let placed = read_rules(sources, &mut findings);
        let all_read = all_files_read && placed.len() == n_sources;

        let mut checker = RuleChecker {
            vocabulary,
            lexicon: &lexicon,
            analyzer,
            findings: &mut findings,
            used: BTreeSet::new(),
        };
        let rules: Vec<_> = placed.into_iter().filter_map(|placed| checker.check(placed)).collect();
        // What cannot be read might use any list.
        if all_read {
            let RuleChecker { used, .. } = checker;
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

/// The version that one file states; a missing one shows as empty.
fn read_version(sources: &[(String, FileSource)], findings: &mut Findings) -> String {
    let mut versions =
        sources.iter().filter_map(|(file, source)| Some((file, source.version.as_ref()?)));
    let first = versions.next();
    for (file, _) in versions {
        let place = Place::new(file, "");
        findings.mistake(&place, "another file has a `version`, too", "keep it in one file only");
    }
    first.map(|(_, version)| version.clone()).unwrap_or_default()
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
