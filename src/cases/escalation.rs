//! The forms that hand a case to a higher tier. A form with an element missing is refused with
//! the names of all that are missing.

use serde::{Deserialize, Serialize};

use crate::domain::Tier;

/// 升级申请: why a higher tier should decide.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EscalationForm {
    /// Who complains.
    pub customer: String,
    /// What happened.
    pub description: String,
    /// What was tried, and with what result.
    pub tried: String,
    /// What the customer expects.
    pub expectation: String,
    /// What executives need beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<ExecutiveReport>,
}

/// The report that executives decide from: one page's worth.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExecutiveReport {
    /// How it came about.
    pub background: String,
    /// What has been done so far.
    pub process: String,
    /// What stands in the way.
    pub problem: String,
    /// What is proposed.
    pub solution: String,
}

impl EscalationForm {
    /// The elements that the tier asks for and that are blank.
    pub fn missing(&self, to: Tier) -> Vec<&'static str> {
        let no_report = ExecutiveReport::default();
        let report = self.report.as_ref().unwrap_or(&no_report);
        let form = [
            ("customer", &self.customer),
            ("description", &self.description),
            ("tried", &self.tried),
            ("expectation", &self.expectation),
        ];
        let executive = [
            ("report.background", &report.background),
            ("report.process", &report.process),
            ("report.problem", &report.problem),
            ("report.solution", &report.solution),
        ];
        let report = executive.into_iter().filter(|_| to == Tier::Executive);
        form.into_iter()
            .chain(report)
            .filter(|(_, it)| it.trim().is_empty())
            .map(|it| it.0)
            .collect()
    }
}
