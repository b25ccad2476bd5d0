//! The rule files that the binary carries.

use crate::rules::{RuleFile, RuleSet};

/// Every file of `datasets/rules`, by name.
const FILES: [(&str, &str); 14] = [
    ("fire_electric.toml", include_str!("../../datasets/rules/fire_electric.toml")),
    ("food.toml", include_str!("../../datasets/rules/food.toml")),
    ("group.toml", include_str!("../../datasets/rules/group.toml")),
    ("injury.toml", include_str!("../../datasets/rules/injury.toml")),
    ("media_legal.toml", include_str!("../../datasets/rules/media_legal.toml")),
    ("model.toml", include_str!("../../datasets/rules/model.toml")),
    ("privacy_theft.toml", include_str!("../../datasets/rules/privacy_theft.toml")),
    ("repeat.toml", include_str!("../../datasets/rules/repeat.toml")),
    ("routes.toml", include_str!("../../datasets/rules/routes.toml")),
    ("shared.toml", include_str!("../../datasets/rules/shared.toml")),
    ("value.toml", include_str!("../../datasets/rules/value.toml")),
    ("vehicle.toml", include_str!("../../datasets/rules/vehicle.toml")),
    ("violence.toml", include_str!("../../datasets/rules/violence.toml")),
    ("vulnerable.toml", include_str!("../../datasets/rules/vulnerable.toml")),
];

impl RuleSet {
    /// The default rule files, which speak of the default taxonomy and the default queues.
    pub fn default_files() -> Vec<RuleFile> {
        FILES.map(|(name, text)| RuleFile { name: name.to_owned(), text: text.to_owned() }).into()
    }
}
