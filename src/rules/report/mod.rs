//! What authors of rules want to know: are the files right, do their examples hold, and why did
//! a rule fire on this text. Reports are data with a Chinese text for terminals; nothing is
//! printed here.

mod check;
mod explain;
mod test;

pub use check::{CheckReport, KindCount, OwnerCount, check};
pub use explain::{ExplainReport, explain};
pub use test::{RuleTrials, TestReport, test};
