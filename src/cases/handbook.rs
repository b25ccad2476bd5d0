//! The firm's handbook for cases 处理手册: figures that are the firm's to change. Holding one means
//! that its file had no mistake.

use serde::Deserialize;

use crate::calendar::Period;
use crate::cases::compensation::CompensationSource;
use crate::cases::duplicates::DuplicatesSource;
use crate::cases::{Compensation, Duplicates};
use crate::domain::Tier;

/// How cases are handled.
#[derive(Clone, Debug, PartialEq)]
pub struct Handbook {
    /// Shares of a period at which people are warned, in percent, rising and below 100.
    pub warnings: Vec<u8>,
    /// How many contacts on different days without an answer close a case.
    pub unanswered_contacts: u8,
    /// How often a proposal is revised at most.
    pub revisions: u8,
    /// Within which period an agreement is carried out.
    pub execution: Period,
    /// Within which period the customer hears that it was.
    pub report: Period,
    /// How often the customer hears how far it is; nothing when there is no such rule.
    pub progress: Option<Period>,
    /// What customers are owed.
    pub compensation: Compensation,
    /// By what submissions are told to be the same.
    pub duplicates: Duplicates,
    escalation: [EscalationLevel; 2],
}

/// What an escalation to a tier brings with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EscalationLevel {
    /// Within which period the tier decides.
    pub decision: Period,
    /// Who is told.
    pub recipients: Vec<String>,
}

/// Why a handbook is refused.
#[derive(Debug, thiserror::Error)]
pub enum HandbookError {
    /// It is not TOML, or not of this shape.
    #[error("the handbook cannot be read")]
    Syntax(#[from] toml::de::Error),
    /// Everything that is wrong with what it says.
    #[error("the handbook has mistakes: {}", .0.join("; "))]
    Mistakes(Vec<String>),
}

/// The file as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HandbookSource {
    warnings: Vec<u8>,
    unanswered_contacts: u8,
    revisions: u8,
    clocks: ClocksSource,
    escalation: EscalationSource,
    compensation: CompensationSource,
    duplicates: DuplicatesSource,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClocksSource {
    execution: String,
    report: String,
    progress: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EscalationSource {
    team: LevelSource,
    executive: LevelSource,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LevelSource {
    decision: String,
    recipients: Vec<String>,
}

impl Handbook {
    /// The file that ships with the service.
    pub const DEFAULT: &str = include_str!("../../datasets/cases.toml");

    /// Reads and checks a handbook, listing every mistake.
    pub fn parse(text: &str) -> Result<Self, HandbookError> {
        let source: HandbookSource = toml::from_str(text)?;
        let mut mistakes = Vec::new();
        let EscalationSource { team, executive } = source.escalation;
        let compensation = source.compensation.check(&mut mistakes);
        let duplicates = source.duplicates.check(&mut mistakes);
        let mut warnings = source.warnings;
        if !warnings.iter().all(|percent| (1..100).contains(percent)) {
            mistakes.push("`warnings` are percents from 1 to 99".to_owned());
        }
        warnings.sort_unstable();
        warnings.dedup();
        if source.unanswered_contacts == 0 {
            mistakes
                .push("`unanswered_contacts` is 1 at least: nobody closes a case alone".to_owned());
        }
        let mut period = |name: &str, text: &str| match text.parse::<Period>() {
            Ok(period) => Some(period),
            Err(error) => {
                mistakes.push(format!("`{name}`: {error}"));
                None
            }
        };
        let periods = (
            period("clocks.execution", &source.clocks.execution),
            period("clocks.report", &source.clocks.report),
            period("escalation.team.decision", &team.decision),
            period("escalation.executive.decision", &executive.decision),
        );
        let progress = source.clocks.progress.and_then(|text| period("clocks.progress", &text));
        for (name, level) in [("team", &team), ("executive", &executive)] {
            if level.recipients.iter().all(|it| it.trim().is_empty()) {
                mistakes.push(format!("`escalation.{name}.recipients` names nobody"));
            }
        }
        let ((Some(execution), Some(report), Some(by_team), Some(by_executive)), true) =
            (periods, mistakes.is_empty())
        else {
            return Err(HandbookError::Mistakes(mistakes));
        };
        Ok(Self {
            warnings,
            unanswered_contacts: source.unanswered_contacts,
            revisions: source.revisions,
            execution,
            report,
            progress,
            compensation,
            duplicates,
            escalation: [
                EscalationLevel { decision: by_team, recipients: team.recipients },
                EscalationLevel { decision: by_executive, recipients: executive.recipients },
            ],
        })
    }

    /// What an escalation to a tier brings with it; nobody is escalated to the front line.
    pub const fn escalation(&self, to: Tier) -> Option<&EscalationLevel> {
        match to {
            Tier::FrontLine => None,
            Tier::EscalationTeam => Some(&self.escalation[0]),
            Tier::Executive => Some(&self.escalation[1]),
        }
    }
}
