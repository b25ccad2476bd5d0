//! Where a case stands between its intake and the archive.

use serde::{Deserialize, Serialize};

/// What is being done with a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// 受理登记: it has come in, and the customer has not heard of it yet.
    Received,
    /// 受理确认: the customer knows that it is being worked, by when and by whom.
    Accepted,
    /// 分派: it lies with the department that answers for it.
    Assigned,
    /// 复核: a person has checked labels and route.
    Review,
    /// 调查: lead and departments find out what happened.
    Investigation,
    /// 方案: what to offer is being worked out.
    Proposal,
    /// 协商: the customer has the offers.
    Negotiation,
    /// 审批: the customer has chosen, and a person must grant it.
    Approval,
    /// 执行: what was granted is being done.
    Execution,
    /// 客户确认: it is done, and the customer is asked to say so.
    Confirmation,
    /// 归档: closed.
    Archived,
}

impl Stage {
    /// Every stage, in the order of a case without detours.
    pub const ALL: [Self; 11] = [
        Self::Received,
        Self::Accepted,
        Self::Assigned,
        Self::Review,
        Self::Investigation,
        Self::Proposal,
        Self::Negotiation,
        Self::Approval,
        Self::Execution,
        Self::Confirmation,
        Self::Archived,
    ];

    /// The identifier in data and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Accepted => "accepted",
            Self::Assigned => "assigned",
            Self::Review => "review",
            Self::Investigation => "investigation",
            Self::Proposal => "proposal",
            Self::Negotiation => "negotiation",
            Self::Approval => "approval",
            Self::Execution => "execution",
            Self::Confirmation => "confirmation",
            Self::Archived => "archived",
        }
    }

    /// The name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Received => "受理登记",
            Self::Accepted => "受理确认",
            Self::Assigned => "分派",
            Self::Review => "复核",
            Self::Investigation => "调查",
            Self::Proposal => "方案",
            Self::Negotiation => "协商",
            Self::Approval => "审批",
            Self::Execution => "执行",
            Self::Confirmation => "客户确认",
            Self::Archived => "归档",
        }
    }

    /// Whether there is still something to do.
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Archived)
    }
}
