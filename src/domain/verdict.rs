//! What people say about a case over what the model and the rules say. The newest word counts,
//! head by head.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::domain::{Labels, QueueId, Role, Tier};

/// What somebody does for the firm 岗位, as the caller states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StaffRole {
    /// 受理
    Intake,
    /// 一线客服
    FrontLine,
    /// 分诊组长
    TriageLead,
    /// 升级处理小组
    EscalationTeam,
    /// 责任部门负责人
    DepartmentHead,
    /// 客服总监
    ServiceDirector,
    /// 高层
    Executive,
    /// 数据分析
    DataScientist,
    /// 管理员
    Administrator,
    /// 审计
    Auditor,
    /// The service itself: its clocks, never a person.
    System,
}

impl StaffRole {
    /// Every role of a person.
    pub const PEOPLE: [Self; 10] = [
        Self::Intake,
        Self::FrontLine,
        Self::TriageLead,
        Self::EscalationTeam,
        Self::DepartmentHead,
        Self::ServiceDirector,
        Self::Executive,
        Self::DataScientist,
        Self::Administrator,
        Self::Auditor,
    ];

    /// The identifier in data and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Intake => "intake",
            Self::FrontLine => "front_line",
            Self::TriageLead => "triage_lead",
            Self::EscalationTeam => "escalation_team",
            Self::DepartmentHead => "department_head",
            Self::ServiceDirector => "service_director",
            Self::Executive => "executive",
            Self::DataScientist => "data_scientist",
            Self::Administrator => "administrator",
            Self::Auditor => "auditor",
            Self::System => "system",
        }
    }

    /// Whether the role works cases; the others only look on.
    pub const fn works_cases(self) -> bool {
        !matches!(self, Self::DataScientist | Self::Auditor | Self::System)
    }
}

/// Why a text is not a role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no role `{0}`")]
pub struct StaffRoleError(String);

impl FromStr for StaffRole {
    type Err = StaffRoleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut known = Self::PEOPLE.into_iter().chain([Self::System]);
        known
            .find(|role| role.as_str() == text)
            .ok_or_else(|| StaffRoleError(text.chars().take(40).collect()))
    }
}

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The firm's name for the person, such as a user name.
    pub name: String,
    /// What they do for the firm.
    pub role: StaffRole,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.role.as_str(), self.name)
    }
}

/// How sure somebody is of a label, on the scale of the labelled corpora.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "u8", into = "u8")]
pub enum Certainty {
    /// A guess.
    Guess,
    /// Another reader could choose otherwise.
    Arguable,
    /// Clear.
    #[default]
    Clear,
}

impl From<Certainty> for u8 {
    fn from(certainty: Certainty) -> Self {
        match certainty {
            Certainty::Guess => 0,
            Certainty::Arguable => 1,
            Certainty::Clear => 2,
        }
    }
}

impl TryFrom<u8> for Certainty {
    type Error = String;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        match number {
            0 => Ok(Self::Guess),
            1 => Ok(Self::Arguable),
            2 => Ok(Self::Clear),
            _ => Err(format!("there is no certainty `{number}`: use 0, 1 or 2")),
        }
    }
}

/// What a person says about where a case belongs; what is not set stays with the policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RouteChoice {
    /// Whose list it goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueId>,
    /// Who decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// Whether executives must see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executive_review: Option<bool>,
}

/// Everything that people have said about a case so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The labels that people gave.
    pub people: Labels,
    /// The labels that count: people's and, for other heads, those of the intake.
    pub labels: Labels,
    /// Where people put it.
    pub route: RouteChoice,
    /// Whether model or policy wanted a person to label it first.
    pub needed_triage: bool,
}

impl Verdict {
    /// Takes in what somebody says. Who changes what a case is about or how severe it is lets the
    /// policy find queue or tier anew, unless they name them as well.
    pub fn take(&mut self, labels: &Labels, route: &RouteChoice) {
        self.people.overlay(labels);
        self.labels.overlay(labels);
        let said = |role: Role| labels.role(role).is_some();
        if route.queue.is_some() || said(Role::Category) {
            self.route.queue.clone_from(&route.queue);
        }
        if route.tier.is_some() || said(Role::Severity) {
            self.route.tier = route.tier;
        }
        self.route.executive_review = route.executive_review.or(self.route.executive_review);
    }

    /// Whether a person must still label it first: until somebody has said what it is about or
    /// whose it is.
    pub fn needs_triage(&self) -> bool {
        self.needed_triage
            && self.people.role(Role::Category).is_none()
            && self.route.queue.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(json: &str) -> Labels {
        serde_json::from_str(json).expect("a test's labels are well-formed")
    }

    fn route(json: &str) -> RouteChoice {
        serde_json::from_str(json).expect("a test's route is well-formed")
    }

    #[test]
    fn the_newest_word_counts_head_by_head() {
        let mut verdict = Verdict {
            labels: labels(r#"{"category":"other","severity":"low","signals":["legal"]}"#),
            needed_triage: true,
            ..Verdict::default()
        };
        assert!(verdict.needs_triage());
        verdict.take(&labels(r#"{"severity":"high"}"#), &RouteChoice::default());
        assert!(verdict.needs_triage(), "nobody has said what it is about");
        verdict.take(&labels(r#"{"category":"safety"}"#), &RouteChoice::default());
        verdict.take(&labels(r#"{"category":"logistics","signals":[]}"#), &RouteChoice::default());
        assert!(!verdict.needs_triage());
        let expected = labels(r#"{"category":"logistics","severity":"high","signals":[]}"#);
        assert_eq!((&verdict.labels, &verdict.people), (&expected, &expected));
    }

    #[test]
    fn a_route_stands_until_its_ground_is_said_anew() {
        let mut verdict = Verdict::default();
        let chosen = route(r#"{"queue":"after_sales","tier":2,"executive_review":false}"#);
        verdict.take(&Labels::default(), &chosen);
        verdict.take(&labels(r#"{"sentiment":"angry"}"#), &RouteChoice::default());
        assert_eq!(verdict.route, chosen);
        verdict.take(&labels(r#"{"category":"logistics"}"#), &RouteChoice::default());
        assert_eq!(verdict.route, route(r#"{"tier":2,"executive_review":false}"#));
        verdict.take(&labels(r#"{"severity":"high"}"#), &route(r#"{"tier":3}"#));
        assert_eq!(verdict.route, route(r#"{"tier":3,"executive_review":false}"#));
        verdict.take(&labels(r#"{"severity":"low"}"#), &RouteChoice::default());
        assert_eq!(verdict.route, route(r#"{"executive_review":false}"#));
    }
}
