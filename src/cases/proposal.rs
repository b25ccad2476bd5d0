//! What the firm offers a customer: one proposal with several offers to choose from. The service
//! proposes, a person decides; whose approval it takes follows from what is offered.

use serde::{Deserialize, Serialize};

use crate::domain::{Money, StaffRole};

/// What can be offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemedyKind {
    /// 退款
    Refund,
    /// 换货
    Exchange,
    /// 维修
    Repair,
    /// 补偿
    Compensation,
    /// 代金券
    Voucher,
    /// 道歉
    Apology,
    /// 改进
    Improvement,
}

impl RemedyKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Refund,
        Self::Exchange,
        Self::Repair,
        Self::Compensation,
        Self::Voucher,
        Self::Apology,
        Self::Improvement,
    ];

    /// The identifier in data and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refund => "refund",
            Self::Exchange => "exchange",
            Self::Repair => "repair",
            Self::Compensation => "compensation",
            Self::Voucher => "voucher",
            Self::Apology => "apology",
            Self::Improvement => "improvement",
        }
    }
}

/// One thing that is offered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remedy {
    /// What it is.
    pub kind: RemedyKind,
    /// How much, for remedies in money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// In words, with the calculation.
    pub words: String,
    /// The law or the firm's standard that it rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<String>,
}

/// Remedies that the customer gets together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// At least one.
    pub remedies: Vec<Remedy>,
    /// 特殊案例: why it goes above the standard 柔性处理; nothing when it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub special_case: Option<String>,
}

/// Offers to choose from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// At least one.
    pub offers: Vec<Offer>,
}

impl Offer {
    /// Whose approvals it takes beside the deciding tier's, in order.
    pub const fn special_approvals(&self) -> &'static [StaffRole] {
        match &self.special_case {
            Some(_) => &[StaffRole::DepartmentHead, StaffRole::ServiceDirector],
            None => &[],
        }
    }
}

impl Proposal {
    /// What it lacks.
    pub fn missing(&self) -> Vec<&'static str> {
        let blank = |text: &String| text.trim().is_empty();
        let mut missing = Vec::new();
        if self.offers.is_empty() {
            missing.push("offers");
        }
        if self.offers.iter().any(|offer| offer.remedies.is_empty()) {
            missing.push("remedies");
        }
        let mut remedies = self.offers.iter().flat_map(|offer| &offer.remedies);
        if remedies.any(|remedy| blank(&remedy.words)) {
            missing.push("words");
        }
        if self.offers.iter().any(|offer| offer.special_case.as_ref().is_some_and(blank)) {
            missing.push("special_case");
        }
        missing
    }
}
