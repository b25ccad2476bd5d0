//! The table of moves: at which stages each is possible, and whose it is. Conditions that depend
//! on more than stage and role stand with the decision itself.

use std::fmt;

use crate::cases::Stage;
use crate::domain::{Money, StaffRole, Tier};

/// Something that can be done with a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Move {
    /// Confirm to the customer that the complaint is being worked.
    Accept,
    /// Hand it to the department that answers for it.
    Assign,
    /// Become its owner 首问负责制.
    Take,
    /// Check labels and route.
    Review,
    /// Name lead and departments.
    Investigate,
    /// Give a department's opinion.
    Opine,
    /// Add a piece of evidence.
    AddEvidence,
    /// Say who is liable.
    Conclude,
    /// Offer something to the customer.
    Propose,
    /// Record what the customer chose.
    Choose,
    /// Record that the customer wants something else.
    Revise,
    /// Tell the customer the firm's last word and the ways that remain open.
    AnswerFinally,
    /// Grant what the customer chose.
    Approve,
    /// Refuse to grant it.
    RefuseApproval,
    /// Record that it has been done.
    Execute,
    /// Record a contact with the customer.
    Contact,
    /// Record that the customer is content.
    Confirm,
    /// Record that the customer is not.
    Dispute,
    /// Close it.
    Archive,
    /// Open it again.
    Reopen,
    /// Hand the decision to a higher tier.
    Escalate,
    /// Hand it back to the tier below.
    SendBack,
    /// Wait for the customer.
    Pause,
    /// Go on.
    Resume,
}

/// Every stage but the archive.
const OPEN: &[Stage] = Stage::ALL.split_at(10).0;
/// Every open stage at which the customer already knows.
const KNOWN: &[Stage] = OPEN.split_at(1).1;

const ANYONE: &[StaffRole] = &[
    StaffRole::Intake,
    StaffRole::FrontLine,
    StaffRole::TriageLead,
    StaffRole::EscalationTeam,
    StaffRole::DepartmentHead,
    StaffRole::ServiceDirector,
    StaffRole::Executive,
];
/// Those who work a case rather than take it in.
const HANDLERS: &[StaffRole] = ANYONE.split_at(1).1;
/// Those who check what was labelled.
const REVIEWERS: &[StaffRole] = ANYONE.split_at(2).1;
const TEAM: &[StaffRole] = ANYONE.split_at(3).1;
const HEADS: &[StaffRole] = ANYONE.split_at(4).1;
const EXECUTIVES: &[StaffRole] = ANYONE.split_at(6).1;

impl Move {
    /// Every move.
    pub const ALL: [Self; 24] = [
        Self::Accept,
        Self::Assign,
        Self::Take,
        Self::Review,
        Self::Investigate,
        Self::Opine,
        Self::AddEvidence,
        Self::Conclude,
        Self::Propose,
        Self::Choose,
        Self::Revise,
        Self::AnswerFinally,
        Self::Approve,
        Self::RefuseApproval,
        Self::Execute,
        Self::Contact,
        Self::Confirm,
        Self::Dispute,
        Self::Archive,
        Self::Reopen,
        Self::Escalate,
        Self::SendBack,
        Self::Pause,
        Self::Resume,
    ];

    /// The identifier in data and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Assign => "assign",
            Self::Take => "take",
            Self::Review => "review",
            Self::Investigate => "investigate",
            Self::Opine => "opine",
            Self::AddEvidence => "add_evidence",
            Self::Conclude => "conclude",
            Self::Propose => "propose",
            Self::Choose => "choose",
            Self::Revise => "revise",
            Self::AnswerFinally => "answer_finally",
            Self::Approve => "approve",
            Self::RefuseApproval => "refuse_approval",
            Self::Execute => "execute",
            Self::Contact => "contact",
            Self::Confirm => "confirm",
            Self::Dispute => "dispute",
            Self::Archive => "archive",
            Self::Reopen => "reopen",
            Self::Escalate => "escalate",
            Self::SendBack => "send_back",
            Self::Pause => "pause",
            Self::Resume => "resume",
        }
    }

    /// The stages at which it is possible.
    pub const fn stages(self) -> &'static [Stage] {
        match self {
            Self::Accept => &[Stage::Received],
            Self::Assign => &[Stage::Accepted],
            Self::Review => &[Stage::Assigned],
            Self::Investigate => &[Stage::Assigned, Stage::Review],
            Self::Opine | Self::AddEvidence | Self::Conclude => &[Stage::Investigation],
            Self::Propose => &[Stage::Proposal],
            Self::Choose | Self::Revise => &[Stage::Negotiation],
            Self::AnswerFinally => &[Stage::Proposal, Stage::Negotiation],
            Self::Approve | Self::RefuseApproval => &[Stage::Approval],
            Self::Execute => &[Stage::Execution],
            Self::Confirm | Self::Dispute | Self::Archive => &[Stage::Confirmation],
            Self::Reopen => &[Stage::Archived],
            Self::Take | Self::Contact | Self::Escalate | Self::SendBack => OPEN,
            Self::Pause | Self::Resume => KNOWN,
        }
    }

    /// Whose it is when this tier decides the case. Escalating up is everybody's, without asking.
    pub const fn roles(self, tier: Tier) -> &'static [StaffRole] {
        match self {
            Self::Accept
            | Self::Assign
            | Self::Take
            | Self::Opine
            | Self::AddEvidence
            | Self::Contact
            | Self::Confirm
            | Self::Dispute
            | Self::Reopen
            | Self::Escalate
            | Self::Pause
            | Self::Resume => ANYONE,
            Self::Review => REVIEWERS,
            Self::Investigate | Self::Choose | Self::Revise | Self::Execute | Self::Archive => {
                HANDLERS
            }
            // What counts as the firm's word is the deciding tier's.
            Self::Conclude | Self::Propose => match tier {
                Tier::FrontLine => HANDLERS,
                Tier::EscalationTeam => TEAM,
                Tier::Executive => EXECUTIVES,
            },
            Self::Approve | Self::RefuseApproval => match tier {
                Tier::FrontLine => REVIEWERS,
                Tier::EscalationTeam => HEADS,
                Tier::Executive => EXECUTIVES,
            },
            Self::AnswerFinally | Self::SendBack => match tier {
                Tier::FrontLine | Tier::EscalationTeam => TEAM,
                Tier::Executive => EXECUTIVES,
            },
        }
    }
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why something cannot be done, and what can.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{wanted}` is refused at stage `{}`: {reason}", .stage.as_str())]
pub struct Refusal {
    /// What was asked.
    pub wanted: Move,
    /// Where the case stands.
    pub stage: Stage,
    /// Why not.
    pub reason: RefusalReason,
    /// What is possible at this stage.
    pub legal: Vec<Move>,
}

/// Why something cannot be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusalReason {
    /// The stage has other moves.
    #[error("it belongs to another stage")]
    Stage,
    /// The role has no part in it.
    #[error("it is not for `{}` but for {}", .role.as_str(), names(.allowed))]
    Role {
        /// Who asked.
        role: StaffRole,
        /// Who may.
        allowed: Vec<StaffRole>,
    },
    /// A person must check labels and route first.
    #[error("a person must review the case first")]
    ReviewDue,
    /// Executives themselves must check labels and route.
    #[error("the review is for executives")]
    ExecutiveReviewDue,
    /// A form lacks something.
    #[error("the form lacks {}", .0.join(", "))]
    Missing(Vec<&'static str>),
    /// Departments have not spoken yet.
    #[error("opinions are missing from {}", .0.join(", "))]
    OpinionsMissing(Vec<String>),
    /// The department has no part in the investigation.
    #[error("`{0}` has no part in the investigation")]
    UnknownDepartment(String),
    /// There is no such offer.
    #[error("there are {0} offers, counted from 1")]
    NoSuchOffer(usize),
    /// The customer has had every revision.
    #[error("a proposal is revised {0} times at most: answer finally or escalate")]
    RevisionsUsedUp(u8),
    /// The customer can still have another offer.
    #[error("{0} revision(s) are left: revise the proposal first")]
    RevisionsLeft(u8),
    /// The handbook has no standard for a ground.
    #[error("there is no such ground: the grounds are {0}")]
    UnknownGround(String),
    /// Something keeps a standard from applying.
    #[error("the standard does not apply because of `{0}`")]
    Excepted(String),
    /// The delay is short of the standard.
    #[error("the standard applies to delays of more than {0} hours")]
    NotLate(u32),
    /// No offer gives what the customer is owed.
    #[error("one offer at least must be worth the standard of {0} yuan")]
    BelowStandard(Money),
    /// More than the standard is a special case.
    #[error("an offer above the standard of {0} yuan needs a `special_case`")]
    SpecialCaseDue(Money),
    /// More than goodwill allows.
    #[error("an offer goes up to {0} yuan, goodwill included")]
    AboveGoodwill(Money),
    /// Who proposes does not approve.
    #[error("who proposed or has approved it cannot approve it (again)")]
    OwnProposal,
    /// Approvals of a special case go in order.
    #[error("the next approval is that of `{}`", .0.as_str())]
    ApprovalOrder(StaffRole),
    /// The customer has not said that it is settled.
    #[error(
        "the customer has not confirmed, and of {needed} contacts on different days without an answer there are {made}"
    )]
    Unconfirmed {
        /// How many days have passed with a contact and no answer.
        made: u8,
        /// How many it takes.
        needed: u8,
    },
    /// Satisfaction goes from 1 to 5.
    #[error("satisfaction is 1 to 5")]
    Rating,
    /// Tiers go up one way and down the other.
    #[error("the case is at tier {}: name another one in the right direction", u8::from(*.0))]
    WrongTier(Tier),
    /// The clocks stand still already.
    #[error("the clocks stand still already")]
    AlreadyPaused,
    /// The clocks run already.
    #[error("the clocks run already")]
    NotPaused,
    /// A field holds nothing.
    #[error("`{0}` is blank")]
    Blank(&'static str),
}

fn names(roles: &[StaffRole]) -> String {
    roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ")
}
