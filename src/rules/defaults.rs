//! The rule files that the binary carries.

use crate::rules::{RuleFile, RuleSet};

/// Every file of `datasets/rules`, by name.
const FILES: [(&str, &str); 0] = [];

impl RuleSet {
    /// The default rule files, which speak of the default taxonomy and the default queues.
    pub fn default_files() -> Vec<RuleFile> {
        FILES.map(|(name, text)| RuleFile { name: name.to_owned(), text: text.to_owned() }).into()
    }
}
