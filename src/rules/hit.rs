//! What a rule that fired asks for, and why it fired.

use crate::domain::{LabelId, QueueId, RuleId, Span, Tier};

/// What a rule asks for. Nothing here can lower an alarm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// The severity to reach at least.
    pub severity: Option<LabelId>,
    /// The deciding tier to reach at least.
    pub tier: Option<Tier>,
    /// Whether executives must see the case.
    pub executive_review: bool,
    /// Whether a person must label the case first.
    pub needs_triage: bool,
    /// The queue, when the rule is about who handles a case; the highest rank wins.
    pub queue: Option<(QueueId, i32)>,
    /// What the case is about if no model says so.
    pub category: Option<LabelId>,
    /// The risk signals that the rule finds stated in the text.
    pub signals: Vec<LabelId>,
}

/// A rule that fired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The rule.
    pub rule: RuleId,
    /// Its name for people.
    pub name: String,
    /// Why such cases matter, in Chinese.
    pub reason: String,
    /// Who answers for the rule.
    pub owner: String,
    /// Whether the case is a matter of life and limb, which shortens the acceptance clock.
    pub safety_critical: bool,
    /// What it asks for.
    pub effect: Effect,
    /// The places in the original text that made it fire, none when fields alone did.
    pub evidence: Vec<Span>,
}
