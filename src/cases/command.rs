//! What people ask to be done with a case.

use jiff::Timestamp;

use crate::cases::{Claim, ContactPurpose, EscalationForm, Liability, Move, Proposal};
use crate::domain::{Actor, Tier};

/// A command with who gives it and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    /// Who.
    pub actor: Actor,
    /// When.
    pub at: Timestamp,
    /// What.
    pub command: Command,
}

/// What is to be done; [`Move`] says what each means.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields say what their names say")]
pub enum Command {
    Accept { contact_person: String },
    Assign { department: String },
    Take { owner: Option<String> },
    Review { finding: String },
    Investigate { lead: String, departments: Vec<String> },
    Opine { department: String, opinion: String },
    AddEvidence { item: String },
    Conclude { liability: Liability, findings: String, claim: Claim },
    Propose(Proposal),
    Choose { offer: usize },
    Revise { reason: String },
    AnswerFinally { explanation: String, recourse: String },
    Approve,
    RefuseApproval { reason: String },
    Execute { tracking_number: Option<String>, note: String },
    Contact { purpose: ContactPurpose, answered: bool, note: String },
    Confirm { satisfaction: Option<u8> },
    Dispute { reason: String },
    Archive { summary: String },
    Reopen { reason: String },
    Escalate { to: Tier, form: EscalationForm },
    SendBack { reason: String },
    Pause { reason: String },
    Resume,
}

impl Command {
    /// Which move it is.
    pub const fn move_of(&self) -> Move {
        match self {
            Self::Accept { .. } => Move::Accept,
            Self::Assign { .. } => Move::Assign,
            Self::Take { .. } => Move::Take,
            Self::Review { .. } => Move::Review,
            Self::Investigate { .. } => Move::Investigate,
            Self::Opine { .. } => Move::Opine,
            Self::AddEvidence { .. } => Move::AddEvidence,
            Self::Conclude { .. } => Move::Conclude,
            Self::Propose(_) => Move::Propose,
            Self::Choose { .. } => Move::Choose,
            Self::Revise { .. } => Move::Revise,
            Self::AnswerFinally { .. } => Move::AnswerFinally,
            Self::Approve => Move::Approve,
            Self::RefuseApproval { .. } => Move::RefuseApproval,
            Self::Execute { .. } => Move::Execute,
            Self::Contact { .. } => Move::Contact,
            Self::Confirm { .. } => Move::Confirm,
            Self::Dispute { .. } => Move::Dispute,
            Self::Archive { .. } => Move::Archive,
            Self::Reopen { .. } => Move::Reopen,
            Self::Escalate { .. } => Move::Escalate,
            Self::SendBack { .. } => Move::SendBack,
            Self::Pause { .. } => Move::Pause,
            Self::Resume => Move::Resume,
        }
    }
}
