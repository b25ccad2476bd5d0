//! What happened to a case. Events are only ever added; the state is what they fold to. In JSON
//! an event is its kind and its data, which are two columns of the store.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::cases::{Alarm, Claim, EscalationForm, Liability, Proposal};
use crate::domain::{Actor, MessageChannel, MessageKind, Tier};

/// An event with who caused it and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// When.
    pub at: Timestamp,
    /// Who; the service's own clocks have the role `system`.
    pub actor: Actor,
    /// What.
    pub event: Event,
}

/// By which figures the clocks of a case run.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// One department, standard remedy 普通.
    #[default]
    Ordinary,
    /// Several departments, a grave matter, or a tier above the first 复杂.
    Complex,
    /// Life or limb is at stake 人身安全.
    SafetyCritical,
}

/// What triage says about a case, at intake and after every correction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Who decides.
    #[serde(default)]
    pub tier: Tier,
    /// Whether executives must see it.
    pub executive_review: bool,
    /// Whether a person must label it first.
    pub needs_triage: bool,
    /// By which figures its clocks run.
    #[serde(default)]
    pub pace: Pace,
}

/// Why the firm speaks with the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactPurpose {
    /// To tell how far it is, or to ask something.
    Progress,
    /// To tell the result.
    Result,
    /// To ask whether it is settled.
    Confirmation,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "data")]
#[expect(missing_docs, reason = "the names say it; `Move` says what leads to them")]
pub enum Event {
    #[serde(rename = "case.received")]
    Received {
        #[serde(flatten)]
        standing: Standing,
        /// When the firm received it, if that was before it was stored.
        #[serde(default)]
        received_at: Option<Timestamp>,
        /// Who took it in, and answers for it until somebody else does 首问负责制.
        #[serde(default)]
        owner: Option<String>,
    },
    #[serde(rename = "case.joined")]
    Joined {
        /// The submission that says the same.
        submission: String,
        /// How like the two are.
        similarity: f64,
    },
    #[serde(rename = "case.separated")]
    Separated {
        submission: String,
        /// The case that it is now.
        into: String,
        reason: String,
    },
    #[serde(rename = "case.corrected")]
    Corrected { after: Standing },
    #[serde(rename = "case.accepted")]
    Accepted { contact_person: String },
    #[serde(rename = "case.assigned")]
    Assigned { department: String },
    #[serde(rename = "case.taken")]
    Taken {
        /// To whom it was handed; nobody where somebody took it for themselves.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<String>,
    },
    #[serde(rename = "case.reviewed")]
    Reviewed { finding: String },
    #[serde(rename = "case.investigation_opened")]
    InvestigationOpened { lead: String, departments: Vec<String> },
    #[serde(rename = "case.opinion_given")]
    OpinionGiven { department: String, opinion: String },
    #[serde(rename = "case.evidence_added")]
    EvidenceAdded { item: String },
    #[serde(rename = "case.investigation_concluded")]
    InvestigationConcluded { liability: Liability, findings: String, claim: Claim },
    #[serde(rename = "case.proposed")]
    Proposed { proposal: Proposal },
    #[serde(rename = "case.offer_chosen")]
    OfferChosen { offer: usize },
    #[serde(rename = "case.revision_wanted")]
    RevisionWanted { reason: String },
    #[serde(rename = "case.answered_finally")]
    AnsweredFinally { explanation: String, recourse: String },
    #[serde(rename = "case.approved")]
    Approved { complete: bool },
    #[serde(rename = "case.approval_refused")]
    ApprovalRefused { reason: String },
    #[serde(rename = "case.executed")]
    Executed { tracking_number: Option<String>, note: String },
    #[serde(rename = "case.contacted")]
    Contacted { purpose: ContactPurpose, answered: bool, note: String },
    #[serde(rename = "case.confirmed")]
    Confirmed { satisfaction: Option<u8> },
    #[serde(rename = "case.disputed")]
    Disputed { reason: String },
    #[serde(rename = "case.archived")]
    Archived { summary: String },
    #[serde(rename = "case.reopened")]
    Reopened { reason: String },
    #[serde(rename = "case.escalated")]
    Escalated {
        to: Tier,
        /// Who is told.
        recipients: Vec<String>,
        /// Nothing when a clock did it.
        form: Option<EscalationForm>,
    },
    #[serde(rename = "case.sent_back")]
    SentBack { to: Tier, reason: String },
    #[serde(rename = "case.paused")]
    Paused { reason: String },
    #[serde(rename = "case.resumed")]
    Resumed {},
    #[serde(rename = "case.unmasked")]
    Unmasked { reason: String },
    #[serde(rename = "case.erased")]
    Erased { reason: String },
    #[serde(rename = "case.clock_warned")]
    ClockWarned { alarm: Alarm },
    #[serde(rename = "case.clock_breached")]
    ClockBreached { alarm: Alarm },
    #[serde(rename = "case.file_added")]
    FileAdded {
        /// The evidence file, whose name is no event's business.
        file: String,
        media_type: String,
        size: u64,
        sha256: String,
    },
    /// The customer is told something in writing; the words are no event's business.
    #[serde(rename = "case.message_sent")]
    MessageSent { message_kind: MessageKind, channel: MessageChannel },
    #[serde(rename = "case.message_failed")]
    MessageFailed {
        /// The number of the event that sent it.
        message: u32,
    },
}

impl Event {
    /// The kind of every event.
    pub const KINDS: [&'static str; 35] = [
        "case.received",
        "case.corrected",
        "case.accepted",
        "case.assigned",
        "case.taken",
        "case.reviewed",
        "case.investigation_opened",
        "case.opinion_given",
        "case.evidence_added",
        "case.investigation_concluded",
        "case.proposed",
        "case.offer_chosen",
        "case.revision_wanted",
        "case.answered_finally",
        "case.approved",
        "case.approval_refused",
        "case.executed",
        "case.contacted",
        "case.confirmed",
        "case.disputed",
        "case.archived",
        "case.reopened",
        "case.escalated",
        "case.sent_back",
        "case.paused",
        "case.resumed",
        "case.clock_warned",
        "case.clock_breached",
        "case.joined",
        "case.separated",
        "case.unmasked",
        "case.erased",
        "case.file_added",
        "case.message_sent",
        "case.message_failed",
    ];
}
