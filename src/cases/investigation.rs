//! Investigation 1+N: one lead, and every department concerned gives its opinion. The opinions are
//! collected from all; the conclusion has one name under it.

use serde::{Deserialize, Serialize};

/// Who is liable 责任归属.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Liability {
    /// 企业
    Company,
    /// 客户
    Customer,
    /// 第三方
    ThirdParty,
    /// 混合
    Mixed,
}

impl Liability {
    /// The identifier in data and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Company => "company",
            Self::Customer => "customer",
            Self::ThirdParty => "third_party",
            Self::Mixed => "mixed",
        }
    }
}

/// What a department thinks 部门意见.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opinion {
    /// The department.
    pub department: String,
    /// Who spoke for it.
    pub by: String,
    /// What they said.
    pub text: String,
}

/// What is being found out, or has been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Investigation {
    /// Who leads it.
    pub lead: String,
    /// The departments that have to speak.
    pub departments: Vec<String>,
    /// What they said, oldest first; a department may speak again.
    pub opinions: Vec<Opinion>,
    /// What was found.
    pub evidence: Vec<String>,
    /// Who is liable, and the one name under it.
    pub conclusion: Option<(Liability, String)>,
}

impl Investigation {
    /// Departments that have not spoken yet.
    pub fn silent(&self) -> Vec<String> {
        let spoken = |it: &&String| self.opinions.iter().any(|opinion| opinion.department == **it);
        self.departments.iter().filter(|it| !spoken(it)).cloned().collect()
    }
}
