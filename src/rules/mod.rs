//! The explicit rule set that overrides the model where safety or money demands it. A rule can
//! only raise the alarm; lowering it is a person's act.
//!
//! Rule files (TOML or JSON) become a [`RuleSet`] only when they have no mistake at all and every
//! rule's own examples hold. Nothing here reads files, clocks or models: all of them are given.

mod compile;
mod condition;
mod defaults;
mod examples;
mod hit;
mod lexicon;
mod list_set;
mod mistake;
mod reachability;
mod report;
mod rule;
mod set;
mod situation;
mod source;
#[cfg(test)]
mod tests;
mod trace;

pub use compile::Vocabulary;
pub use examples::Trial;
pub use hit::{Effect, Hit};
pub use lexicon::GuardPart;
pub use mistake::{Mistake, RuleError};
pub use report::{
    CheckReport, ExplainReport, KindCount, OwnerCount, RuleTrials, TestReport, check, explain, test,
};
pub use rule::{Rule, RuleKind};
pub use set::RuleSet;
pub use situation::Situation;
pub use source::RuleFile;
pub use trace::{ConditionTrace, RuleTrace, SeenGuard, SeenPhrase};
