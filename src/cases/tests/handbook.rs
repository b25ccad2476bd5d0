//! The shipped handbook, and mistakes of others.

use crate::cases::tests::HANDBOOK;
use crate::cases::{Handbook, HandbookError};
use crate::domain::Tier;

#[test]
fn the_shipped_handbook_says_what_the_domain_says() {
    assert_eq!(HANDBOOK.warnings, [50, 80]);
    assert_eq!((HANDBOOK.unanswered_contacts, HANDBOOK.revisions), (3, 2));
    assert_eq!(HANDBOOK.execution.to_string(), "24 小时");
    assert_eq!(HANDBOOK.report.to_string(), "1 个工作日");
    assert_eq!(HANDBOOK.escalation(Tier::FrontLine), None);
    let team = HANDBOOK.escalation(Tier::EscalationTeam).expect("it has a level");
    let executive = HANDBOOK.escalation(Tier::Executive).expect("it has a level");
    assert_ne!(team.recipients, executive.recipients, "each level has recipients of its own");
}

#[test]
fn every_mistake_of_a_handbook_is_listed() {
    let text = Handbook::DEFAULT
        .replace("[50, 80]", "[50, 100]")
        .replace("unanswered_contacts = 3", "unanswered_contacts = 0")
        .replace("goodwill_percent = 30", "goodwill_percent = 130")
        .replace("\"unsafe_food\"", "\"fraud\"")
        .replace("at_least = 50 ", "at_least = 0 ")
        .replace("similarity = 0.6", "similarity = 1.6")
        .replace("repeat_days = 90", "repeat_days = 1")
        .replace("common_after = 1000", "common_after = 0")
        .replace("\"24h\"", "\"1 day\"")
        .replace("[\"总经理\", \"分管副总经理\"]", "[]");
    let Err(HandbookError::Mistakes(mistakes)) = Handbook::parse(&text) else {
        panic!("it has mistakes");
    };
    let places = [
        "`compensation.goodwill_percent`",
        "`fraud` has two",
        "`delay` has a remedy",
        "`duplicates.similarity`",
        "`duplicates.repeat_days`",
        "`duplicates.common_after`",
        "`warnings`",
        "`unanswered_contacts`",
        "`clocks.execution`",
        "`escalation.executive",
    ];
    assert_eq!(mistakes.len(), places.len(), "{mistakes:?}");
    for (mistake, place) in mistakes.iter().zip(places) {
        assert!(mistake.contains(place), "{mistake}");
    }
}
