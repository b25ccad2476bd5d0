//! What is done with a complaint: who handles it, by when, how urgent, and why. A decision
//! without a reason cannot be built.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{LabelId, QueueId, RuleId};

/// Who decides 三级处理.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "u8", into = "u8")]
pub enum Tier {
    /// 一线
    #[default]
    FrontLine,
    /// 升级处理小组
    EscalationTeam,
    /// 高层决策
    Executive,
}

impl From<Tier> for u8 {
    fn from(tier: Tier) -> Self {
        match tier {
            Tier::FrontLine => 1,
            Tier::EscalationTeam => 2,
            Tier::Executive => 3,
        }
    }
}

impl TryFrom<u8> for Tier {
    type Error = String;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        match number {
            1 => Ok(Self::FrontLine),
            2 => Ok(Self::EscalationTeam),
            3 => Ok(Self::Executive),
            _ => Err(format!("there is no tier `{number}`: use 1, 2 or 3")),
        }
    }
}

/// What a clock waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadlineKind {
    /// The customer hears that the complaint is accepted 受理确认.
    Acceptance,
    /// The customer hears an answer 首次响应.
    FirstResponse,
    /// The matter is settled 办结.
    Resolution,
}

/// By when something must have happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// What must have happened.
    pub kind: DeadlineKind,
    /// The last moment.
    pub due_at: Timestamp,
    /// The period in words, such as `3 个工作日`.
    pub period: String,
    /// Whether it falls in a year whose holidays are not published yet.
    pub provisional: bool,
}

/// One summand of a priority, so that people see why one case stands above another.
#[derive(Clone, Debug, PartialEq)]
pub struct PriorityTerm {
    /// What it is for, such as `severity`.
    pub name: &'static str,
    /// What was found, in Chinese.
    pub value: String,
    /// What it adds.
    pub points: f64,
}

/// How urgent a case is: the sum of its terms; a higher number is handled first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Priority {
    /// The summands, in the order of their weight.
    pub terms: Vec<PriorityTerm>,
}

impl Priority {
    /// The sum.
    pub fn score(&self) -> f64 {
        self.terms.iter().map(|term| term.points).sum()
    }
}

/// What a reason rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonSource {
    /// The model's prediction.
    Model,
    /// A rule that fired.
    Rule,
    /// The routing policy.
    Policy,
    /// The model did not answer.
    Fallback,
    /// A person's word.
    Person,
}

/// Why a decision is as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// What it rests on.
    pub source: ReasonSource,
    /// A stable identifier for machines, such as `category_route` or a rule's id.
    pub code: String,
    /// A sentence in Chinese for people.
    pub message: String,
}

/// One reason or more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reasons {
    first: Reason,
    rest: Vec<Reason>,
}

impl Reasons {
    /// Starts with one.
    pub const fn new(first: Reason) -> Self {
        Self { first, rest: Vec::new() }
    }

    /// Adds one.
    pub fn push(&mut self, reason: Reason) {
        self.rest.push(reason);
    }

    /// All of them, in the order they were given.
    pub fn iter(&self) -> impl Iterator<Item = &Reason> {
        std::iter::once(&self.first).chain(&self.rest)
    }
}

/// The severity that counts, beside what the model said and which rules raised it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Severity {
    /// The severity that counts: never below `predicted`.
    pub label: LabelId,
    /// What the model said; nothing without a model.
    pub predicted: Option<LabelId>,
    /// The rules that raised it above the prediction.
    pub raised_by: Vec<RuleId>,
}

/// What is done with a complaint.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// What it is about: the model's label or, without a model, what a rule suggests.
    pub category: Option<LabelId>,
    /// How severe it is.
    pub severity: Severity,
    /// Whose list it goes on.
    pub queue: QueueId,
    /// The department that answers for it 责任部门.
    pub department: String,
    /// Who decides.
    pub tier: Tier,
    /// Whether executives must see it.
    pub executive_review: bool,
    /// Whether a person must label it first.
    pub needs_triage: bool,
    /// How urgent it is.
    pub priority: Priority,
    /// By when.
    pub deadlines: Vec<Deadline>,
    /// Why.
    pub reasons: Reasons,
}
