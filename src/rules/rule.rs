//! A checked rule and what people call it.

use jiff::civil::Date;
use serde::Serialize;

use crate::domain::RuleId;
use crate::rules::Effect;
use crate::rules::condition::Condition;
use crate::rules::mistake::Place;

/// Why a rule exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleKind {
    /// 人身安全: life and limb
    Safety,
    /// 高额: much money, or a customer who was promised much
    HighValue,
    /// 关注: what deserves a second look
    Attention,
    /// 分派: who handles it
    Route,
}

impl RuleKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Safety, Self::HighValue, Self::Attention, Self::Route];

    /// The identifier in rule files and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Safety => "safety",
            Self::HighValue => "high_value",
            Self::Attention => "attention",
            Self::Route => "route",
        }
    }

    /// The name for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Safety => "安全",
            Self::HighValue => "高额",
            Self::Attention => "关注",
            Self::Route => "分派",
        }
    }
}

/// A rule that may run.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its identifier.
    pub id: RuleId,
    /// Its name for people.
    pub name: String,
    /// Why such cases matter, in Chinese.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Why it exists.
    pub kind: RuleKind,
    /// The first day that it counts, in Asia/Shanghai.
    pub effective_from: Option<Date>,
    /// The last day that it counts, in Asia/Shanghai.
    pub effective_until: Option<Date>,
    /// What it asks for.
    pub effect: Effect,
    /// The file that it stands in.
    pub file: String,
    pub(super) when: Condition,
}

impl Rule {
    /// Whether it counts on a day.
    pub fn is_effective(&self, today: Date) -> bool {
        self.effective_from.is_none_or(|from| from <= today)
            && self.effective_until.is_none_or(|until| today <= until)
    }

    /// Where it stands, for findings.
    pub(super) fn place(&self) -> Place {
        Place::new(&self.file, format!("rule `{}`", self.id))
    }
}
