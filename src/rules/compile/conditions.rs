//! The condition tree of a rule → checked conditions.

use std::{collections::BTreeSet, ops::Bound};

use crate::domain::{Channel, CustomerTier, HeadKind, Taxonomy};
use crate::rules::compile::Vocabulary;
use crate::rules::compile::lists::MAX_WINDOW;
use crate::rules::condition::{Condition, Interval, LabelRef, Leaf, NumberField};
use crate::rules::lexicon::{Lexicon, ListIdx};
use crate::rules::mistake::{Findings, Place, suggest};
use crate::rules::source::ConditionSource;

/// Checks the conditions of one rule.
pub(super) struct ConditionChecker<'c> {
    pub(super) vocabulary: Vocabulary<'c>,
    pub(super) lexicon: &'c Lexicon,
    /// The phrase lists that rules use, for finding those that none does.
    pub(super) used: &'c mut BTreeSet<ListIdx>,
    pub(super) findings: &'c mut Findings,
    pub(super) place: &'c Place,
}

const CONDITION_KEYS: [&str; 14] = [
    "all",
    "any",
    "not",
    "phrases",
    "near",
    "field",
    "score",
    "predicted",
    "within",
    "ge",
    "gt",
    "le",
    "lt",
    "in",
];

impl ConditionChecker<'_> {
    /// Checks a condition and everything below it. Mistakes do not stop it, so that all are found.
    pub(super) fn check(&mut self, source: ConditionSource, path: &str) -> Option<Condition> {
        for key in source.unknown.keys() {
            self.mistake(path, &format!("unknown key `{key}`"), suggest(key, CONDITION_KEYS));
        }
        if !self.has_one_question(&source, path) {
            return None;
        }
        self.check_companions(&source, path);
        let range_source = [source.ge, source.gt, source.le, source.lt];
        match source {
            ConditionSource { all: Some(parts), .. } => {
                self.check_parts(parts, &format!("{path}.all")).map(Condition::All)
            }
            ConditionSource { any: Some(parts), .. } => {
                self.check_parts(parts, &format!("{path}.any")).map(Condition::Any)
            }
            ConditionSource { not: Some(part), .. } => {
                Some(Condition::Not(Box::new(self.check(*part, &format!("{path}.not"))?)))
            }
            ConditionSource { phrases: Some(list), .. } => {
                Some(Condition::Leaf(Leaf::Phrases(self.find_list(&list, path)?)))
            }
            ConditionSource { near: Some(lists), within, .. } => {
                self.check_near(&lists, within, path)
            }
            ConditionSource { field: Some(field), one_of, .. } => {
                self.check_field(&field, one_of, range_source, path)
            }
            ConditionSource { score: Some(label), .. } => {
                let label = self.find_label(&label, path);
                let range = self.check_score_range(range_source, path);
                Some(Condition::Leaf(Leaf::Score { label: label?, range: range? }))
            }
            ConditionSource { predicted: Some(label), .. } => {
                Some(Condition::Leaf(Leaf::Predicted(self.find_label(&label, path)?)))
            }
            _ => None,
        }
    }

    fn mistake(&mut self, path: &str, message: &str, hint: impl Into<String>) {
        self.findings.mistake(self.place, format!("`{path}`: {message}"), hint);
    }

    fn has_one_question(&mut self, source: &ConditionSource, path: &str) -> bool {
        let given = [
            source.all.is_some(),
            source.any.is_some(),
            source.not.is_some(),
            source.phrases.is_some(),
            source.near.is_some(),
            source.field.is_some(),
            source.score.is_some(),
            source.predicted.is_some(),
        ];
        let n_given = given.into_iter().filter(|&given| given).count();
        if n_given != 1 {
            let hint = "give exactly one of `all`, `any`, `not`, `phrases`, `near`, `field`, `score`, `predicted`";
            self.mistake(path, &format!("the condition asks {n_given} questions"), hint);
        }
        n_given == 1
    }

    /// Keys that belong to one question must not stand beside another.
    fn check_companions(&mut self, source: &ConditionSource, path: &str) {
        let compares = source.field.is_some() || source.score.is_some();
        let companions = [
            ("within", source.within.is_some(), source.near.is_some(), "`near`"),
            ("in", source.one_of.is_some(), source.field.is_some(), "`field`"),
            ("ge", source.ge.is_some(), compares, "`field` or `score`"),
            ("gt", source.gt.is_some(), compares, "`field` or `score`"),
            ("le", source.le.is_some(), compares, "`field` or `score`"),
            ("lt", source.lt.is_some(), compares, "`field` or `score`"),
        ];
        for (key, given, fits, question) in companions {
            if given && !fits {
                self.mistake(
                    path,
                    &format!("`{key}` does not fit here"),
                    format!("use it beside {question} only"),
                );
            }
        }
    }

    fn check_parts(&mut self, parts: Vec<ConditionSource>, path: &str) -> Option<Vec<Condition>> {
        if parts.is_empty() {
            self.mistake(path, "the list is empty", "give at least one condition");
            return None;
        }
        // Collected before it is joined, so that a mistake does not hide the next one.
        let parts: Vec<_> = parts
            .into_iter()
            .enumerate()
            .map(|(idx, part)| self.check(part, &format!("{path}[{idx}]")))
            .collect();
        parts.into_iter().collect()
    }

    fn find_list(&mut self, name: &str, path: &str) -> Option<ListIdx> {
        let Some(list) = self.lexicon.find_list(name) else {
            let hint = suggest(name, self.lexicon.lists().iter().map(|list| list.name.as_str()));
            self.mistake(path, &format!("unknown phrase list `{name}`"), hint);
            return None;
        };
        self.used.insert(list);
        Some(list)
    }

    fn check_near(
        &mut self,
        names: &[String],
        within: Option<usize>,
        path: &str,
    ) -> Option<Condition> {
        let lists: Vec<_> = names.iter().map(|name| self.find_list(name, path)).collect();
        let Some(within) = within.filter(|&within| within <= MAX_WINDOW) else {
            let hint = format!(
                "say how many characters may stand between, 0 to {MAX_WINDOW}: `within = 12`"
            );
            self.mistake(path, "`near` needs a distance", hint);
            return None;
        };
        let &[Some(one), Some(other)] = lists.as_slice() else {
            if lists.len() != 2 {
                self.mistake(
                    path,
                    &format!("`near` has {} lists", lists.len()),
                    "name exactly two lists",
                );
            }
            return None;
        };
        if one == other {
            self.mistake(path, "`near` has the same list twice", "name two lists");
        }
        Some(Condition::Leaf(Leaf::Near { lists: [one, other], within }))
    }

    fn check_field(
        &mut self,
        name: &str,
        one_of: Option<Vec<String>>,
        range: [Option<f64>; 4],
        path: &str,
    ) -> Option<Condition> {
        let has_range = range.iter().any(Option::is_some);
        let leaf = match name {
            "channel" => {
                let known = Channel::ALL.map(|channel| (channel.as_str(), channel));
                Leaf::Channel(self.check_set(one_of, &known, path)?)
            }
            "customer_tier" => {
                let known = CustomerTier::ALL.map(|tier| (tier.as_str(), tier));
                Leaf::CustomerTier(self.check_set(one_of, &known, path)?)
            }
            _ => {
                let Some(field) = NumberField::ALL.into_iter().find(|field| field.as_str() == name)
                else {
                    let numbers = NumberField::ALL.map(NumberField::as_str);
                    let hint =
                        suggest(name, numbers.into_iter().chain(["channel", "customer_tier"]));
                    self.mistake(path, &format!("unknown field `{name}`"), hint);
                    return None;
                };
                if one_of.is_some() {
                    self.mistake(
                        path,
                        &format!("`{name}` is a number"),
                        "compare it with `ge`, `gt`, `le` or `lt`",
                    );
                    return None;
                }
                return self
                    .check_range(range, path)
                    .map(|range| Condition::Leaf(Leaf::Number { field, range }));
            }
        };
        if has_range {
            self.mistake(path, &format!("`{name}` is not a number"), "choose its values with `in`");
            return None;
        }
        Some(Condition::Leaf(leaf))
    }

    fn check_set<T: Copy + PartialEq>(
        &mut self,
        names: Option<Vec<String>>,
        known: &[(&str, T)],
        path: &str,
    ) -> Option<Vec<T>> {
        let names = names.unwrap_or_default();
        if names.is_empty() {
            self.mistake(
                path,
                "`in` is missing or empty",
                suggest("", known.iter().map(|(name, _)| *name)),
            );
        }
        let mut values = Vec::new();
        for name in &names {
            match known.iter().find(|(known, _)| known == name) {
                Some((_, value)) if values.contains(value) => {
                    self.mistake(path, &format!("`{name}` is given twice"), "remove one");
                }
                Some((_, value)) => values.push(*value),
                None => {
                    let hint = suggest(name, known.iter().map(|(name, _)| *name));
                    self.mistake(path, &format!("unknown value `{name}`"), hint);
                }
            }
        }
        (!values.is_empty()).then_some(values)
    }

    fn check_range(&mut self, [ge, gt, le, lt]: [Option<f64>; 4], path: &str) -> Option<Interval> {
        let bound = |included: Option<f64>, excluded: Option<f64>| match (included, excluded) {
            (Some(limit), None) => Some(Bound::Included(limit)),
            (None, Some(limit)) => Some(Bound::Excluded(limit)),
            (None, None) => Some(Bound::Unbounded),
            (Some(_), Some(_)) => None,
        };
        match (bound(ge, gt), bound(le, lt)) {
            (Some(Bound::Unbounded), Some(Bound::Unbounded)) => {
                self.mistake(
                    path,
                    "there is nothing to compare with",
                    "give `ge`, `gt`, `le` or `lt`",
                );
                None
            }
            (Some(low), Some(high)) => Some(Interval { low, high }),
            _ => {
                self.mistake(
                    path,
                    "two limits on one side",
                    "keep one of `ge` and `gt`, and one of `le` and `lt`",
                );
                None
            }
        }
    }

    fn check_score_range(&mut self, limits: [Option<f64>; 4], path: &str) -> Option<Interval> {
        for limit in limits.into_iter().flatten().filter(|limit| !(0.0..=1.0).contains(limit)) {
            self.mistake(
                path,
                &format!("`{limit}` is not a probability"),
                "use a number from 0 to 1",
            );
        }
        self.check_range(limits, path)
    }

    fn find_label(&mut self, name: &str, path: &str) -> Option<LabelRef> {
        let label = find_label(self.vocabulary.taxonomy, name);
        if label.is_none() {
            let hint = suggest_label(self.vocabulary.taxonomy, name);
            self.mistake(path, &format!("unknown label `{name}`"), hint);
        }
        label
    }
}

/// Finds a label that is written as `head/label`.
pub(in crate::rules) fn find_label(taxonomy: &Taxonomy, name: &str) -> Option<LabelRef> {
    let (head_name, label_name) = name.split_once('/')?;
    let (head_idx, head) = taxonomy.find_head(head_name)?;
    let label_idx = head.label_idx(label_name)?;
    Some(LabelRef {
        head: head.id.clone(),
        label: head.labels[label_idx].id.clone(),
        head_idx,
        label_idx,
        exclusive: head.kind != HeadKind::MultiLabel,
    })
}

/// A hint for a label that does not exist.
pub(in crate::rules) fn suggest_label(taxonomy: &Taxonomy, name: &str) -> String {
    let names: Vec<_> = taxonomy
        .heads()
        .iter()
        .flat_map(|head| head.labels.iter().map(move |label| format!("{}/{}", head.id, label.id)))
        .collect();
    suggest(name, names.iter().map(String::as_str))
}
