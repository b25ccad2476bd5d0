//! Are the rule files right?

use std::{collections::BTreeMap, fmt};

use jiff::civil::Date;
use serde::Serialize;

use crate::domain::RuleId;
use crate::rules::compile::{Draft, Vocabulary};
use crate::rules::examples::Trial;
use crate::rules::mistake::Mistake;
use crate::rules::rule::RuleKind;
use crate::rules::set::digest;
use crate::rules::source::RuleFile;
use crate::text::Analyzer;

/// What rule files hold and what is wrong with them. Rules with mistakes are not counted.
#[derive(Clone, Debug, Serialize)]
pub struct CheckReport {
    /// The version, as the service would show it.
    pub version: String,
    /// How many files were read.
    pub n_files: usize,
    /// How many rules are right.
    pub n_rules: usize,
    /// How many of each kind.
    pub kinds: Vec<KindCount>,
    /// How many each owner answers for, by name.
    pub owners: Vec<OwnerCount>,
    /// How many phrase lists there are.
    pub n_lists: usize,
    /// How many phrases they hold.
    pub n_phrases: usize,
    /// How many guards there are.
    pub n_guards: usize,
    /// How many examples were tried.
    pub n_examples: usize,
    /// Rules whose last day has passed.
    pub expired: Vec<RuleId>,
    /// Rules whose first day is still to come.
    pub upcoming: Vec<RuleId>,
    /// What keeps the rules from loading.
    pub mistakes: Vec<Mistake>,
    /// What an author should look at, although the rules load.
    pub warnings: Vec<Mistake>,
}

/// How many rules there are of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KindCount {
    /// The kind.
    pub kind: RuleKind,
    /// How many rules.
    pub n_rules: usize,
}

/// How many rules an owner answers for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OwnerCount {
    /// The owner.
    pub owner: String,
    /// How many rules.
    pub n_rules: usize,
}

/// Checks rule files as a service would on loading them, and counts what they hold.
pub fn check(
    files: &[RuleFile],
    vocabulary: &Vocabulary<'_>,
    analyzer: &Analyzer,
    today: Date,
) -> CheckReport {
    let draft = Draft::compile(files, *vocabulary, analyzer);
    let trials = draft.try_examples(vocabulary.taxonomy, analyzer);
    let rules: Vec<_> = draft.rules.iter().map(|draft| &draft.rule).collect();
    let mut owners = BTreeMap::new();
    for rule in &rules {
        *owners.entry(rule.owner.clone()).or_insert(0) += 1;
    }
    let mut findings = draft.findings;
    findings.mistakes.extend(trials.iter().filter_map(Trial::mistake));
    let expired =
        rules.iter().filter(|rule| rule.effective_until.is_some_and(|until| until < today));
    let upcoming = rules.iter().filter(|rule| rule.effective_from.is_some_and(|from| today < from));
    for rule in expired.clone() {
        findings.warn(
            &rule.place(),
            "its last day has passed",
            "remove it, or move `effective_until`",
        );
    }
    CheckReport {
        version: format!("{}+{}", draft.version, digest(files)),
        n_files: files.len(),
        n_rules: rules.len(),
        kinds: RuleKind::ALL
            .map(|kind| KindCount {
                kind,
                n_rules: rules.iter().filter(|rule| rule.kind == kind).count(),
            })
            .into(),
        owners: owners.into_iter().map(|(owner, n_rules)| OwnerCount { owner, n_rules }).collect(),
        n_lists: draft.lexicon.lists().len(),
        n_phrases: draft.lexicon.lists().iter().map(|list| list.phrases.len()).sum(),
        n_guards: draft.lexicon.guards().len(),
        n_examples: trials.len(),
        expired: expired.map(|rule| rule.id.clone()).collect(),
        upcoming: upcoming.map(|rule| rule.id.clone()).collect(),
        mistakes: findings.mistakes,
        warnings: findings.warnings,
    }
}

impl CheckReport {
    /// Whether the rules load.
    pub const fn passed(&self) -> bool {
        self.mistakes.is_empty()
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "规则版本 {}", self.version)?;
        writeln!(
            f,
            "{} 个文件，{} 条规则，{} 个示例；{} 个词表共 {} 个词，{} 个护栏",
            self.n_files,
            self.n_rules,
            self.n_examples,
            self.n_lists,
            self.n_phrases,
            self.n_guards
        )?;
        let kinds =
            self.kinds.iter().map(|count| format!("{} {}", count.kind.title(), count.n_rules));
        writeln!(f, "类型：{}", kinds.collect::<Vec<_>>().join("，"))?;
        let owners = self.owners.iter().map(|count| format!("{} {}", count.owner, count.n_rules));
        writeln!(f, "负责人：{}", owners.collect::<Vec<_>>().join("，"))?;
        for (title, rules) in [("已过期", &self.expired), ("尚未生效", &self.upcoming)] {
            if !rules.is_empty() {
                let rules: Vec<_> = rules.iter().map(RuleId::as_str).collect();
                writeln!(f, "{title}：{}", rules.join("，"))?;
            }
        }
        for (title, findings) in [("提醒", &self.warnings), ("错误", &self.mistakes)] {
            if !findings.is_empty() {
                writeln!(f, "{title} {} 处：", findings.len())?;
            }
            for finding in findings {
                writeln!(f, "- {finding}")?;
            }
        }
        writeln!(f, "{}", if self.passed() { "通过" } else { "未通过" })
    }
}
