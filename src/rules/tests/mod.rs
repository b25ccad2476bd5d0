//! The rules as their authors and callers see them.

mod datasets;
mod evaluation;
mod mistakes;
mod properties;
mod reference;
mod reports;

use std::sync::LazyLock;

use jiff::civil::Date;

use crate::domain::{QueueId, Taxonomy};
use crate::rules::{Hit, RuleError, RuleFile, RuleSet, Vocabulary};
use crate::text::Analyzer;

/// A small file in which every kind of condition stands once.
pub(super) const SAMPLE: &str = include_str!("sample.toml");

pub(super) fn taxonomy() -> Taxonomy {
    toml::from_str(include_str!("../../../datasets/taxonomy.toml")).unwrap()
}

pub(super) fn queues() -> Vec<QueueId> {
    let ids = [
        "merchant_quality",
        "safety_response",
        "order_operations",
        "logistics",
        "after_sales",
        "finance_pricing",
        "customer_service",
        "platform_governance",
        "information_security",
        "triage_desk",
        "executive",
    ];
    ids.into_iter().map(|id| id.parse().unwrap()).collect()
}

pub(super) fn file(text: &str) -> RuleFile {
    RuleFile { name: "test.toml".to_owned(), text: text.to_owned() }
}

pub(super) fn parse(files: &[RuleFile]) -> Result<RuleSet, RuleError> {
    let vocabulary = Vocabulary { taxonomy: &taxonomy(), queues: &queues() };
    RuleSet::parse(files, &vocabulary, &ANALYZER)
}

/// The dictionary takes longer to load than all the tests take to run.
pub(super) static ANALYZER: LazyLock<Analyzer> = LazyLock::new(Analyzer::default);

pub(super) const TODAY: Date = Date::constant(2026, 11, 21);

pub(super) fn ids(hits: &[Hit]) -> Vec<&str> {
    hits.iter().map(|hit| hit.rule.as_str()).collect()
}
