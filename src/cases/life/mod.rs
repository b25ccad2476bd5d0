//! The state of a case: what its events fold to.

mod decide;
mod tell;

use jiff::Timestamp;

use crate::calendar::Pause;
use crate::cases::{
    Alarm, Claim, ContactPurpose, Event, Investigation, Opinion, Proposal, Record, Stage, Standing,
};
use crate::domain::{MessageKind, StaffRole, Tier};

pub use tell::Telling;

/// A case as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Life {
    stage: Stage,
    last_at: Timestamp,
    pub(super) standing: Standing,
    tier: Tier,
    /// The highest tier that an escalation reached and nobody has sent back.
    escalated_to: Option<Tier>,
    owner: Option<String>,
    department: Option<String>,
    investigation: Option<Investigation>,
    claim: Claim,
    round: Round,
    n_reopened: u32,
    satisfaction: Option<u8>,
    is_erased: bool,
    pub(super) received_at: Timestamp,
    pub(super) accepted_at: Option<Timestamp>,
    pub(super) responded_at: Option<Timestamp>,
    pub(super) escalated_at: Option<Timestamp>,
    pub(super) decided_at: Option<Timestamp>,
    pub(super) agreed_at: Option<Timestamp>,
    pub(super) executed_at: Option<Timestamp>,
    pub(super) reported_at: Option<Timestamp>,
    pub(super) settled_at: Option<Timestamp>,
    pub(super) reopened_at: Option<Timestamp>,
    /// When the customer last heard of the matter.
    pub(super) heard_at: Option<Timestamp>,
    /// When the clocks stood still for the customer.
    pub(super) pauses: Vec<Pause>,
    /// When the matter was taken for settled, until the customer said otherwise.
    pub(super) settled: Vec<Pause>,
    pub(super) told: Vec<Alarm>,
}

/// What happened since the investigation was last opened.
#[derive(Clone, Debug, Default, PartialEq)]
struct Round {
    n_proposals: u8,
    proposal: Option<(Proposal, String)>,
    chosen: Option<usize>,
    /// Who approved, oldest first.
    approvals: Vec<String>,
    confirmed: bool,
    /// What the customer was told in writing.
    told: Vec<MessageKind>,
    /// Contacts without an answer since the customer was asked to confirm.
    unanswered: Vec<Timestamp>,
}

/// Why events are no life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the first event of a case is `case.received`")]
pub struct FoldError;

impl Life {
    /// The state that events lead to, oldest first.
    pub fn fold<'r>(records: impl IntoIterator<Item = &'r Record>) -> Result<Self, FoldError> {
        let mut records = records.into_iter();
        let mut life = records.next().and_then(Self::start).ok_or(FoldError)?;
        records.for_each(|record| life.apply(record));
        Ok(life)
    }

    fn start(record: &Record) -> Option<Self> {
        let Event::Received { standing, received_at, owner } = &record.event else { return None };
        Some(Self {
            stage: Stage::Received,
            last_at: record.at,
            standing: *standing,
            tier: standing.tier,
            escalated_to: None,
            owner: owner.clone(),
            department: None,
            investigation: None,
            claim: Claim::default(),
            round: Round::default(),
            n_reopened: 0,
            satisfaction: None,
            is_erased: false,
            received_at: received_at.unwrap_or(record.at),
            accepted_at: None,
            responded_at: None,
            escalated_at: None,
            decided_at: None,
            agreed_at: None,
            executed_at: None,
            reported_at: None,
            settled_at: None,
            reopened_at: None,
            heard_at: None,
            pauses: Vec::new(),
            settled: Vec::new(),
            told: Vec::new(),
        })
    }

    /// Where it stands.
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// Who decides.
    pub const fn tier(&self) -> Tier {
        self.tier
    }

    /// Who owns it: whoever took it in, until somebody else takes it 首问负责制.
    pub fn owner(&self) -> Option<&str> {
        self.owner.as_deref()
    }

    /// What is being found out, or has been.
    pub const fn investigation(&self) -> Option<&Investigation> {
        self.investigation.as_ref()
    }

    /// What the investigation found that money can be owed for.
    pub const fn claim(&self) -> &Claim {
        &self.claim
    }

    /// The proposal that the customer has or chose from.
    pub fn proposal(&self) -> Option<&Proposal> {
        self.round.proposal.as_ref().map(|(proposal, _)| proposal)
    }

    /// How content the customer was, from 1 to 5.
    pub const fn satisfaction(&self) -> Option<u8> {
        self.satisfaction
    }

    /// How often it was opened again after it had been closed.
    pub const fn n_reopened(&self) -> u32 {
        self.n_reopened
    }

    /// Whether the clocks stand still.
    pub fn is_paused(&self) -> bool {
        self.pauses.last().is_some_and(|pause| pause.until.is_none())
    }

    /// Whether its words are gone, so that nobody can work it any more.
    pub const fn is_erased(&self) -> bool {
        self.is_erased
    }

    /// When the last event happened.
    pub const fn last_at(&self) -> Timestamp {
        self.last_at
    }

    /// Takes an event in. Events have been decided on before: nothing is refused here.
    pub fn apply(&mut self, record: &Record) {
        let at = record.at;
        self.last_at = self.last_at.max(at);
        match &record.event {
            Event::Received { .. } | Event::Unmasked { .. } => {}
            Event::Erased { .. } => self.is_erased = true,
            Event::Corrected { after } => self.correct(*after),
            Event::Accepted { .. } => {
                self.stage = Stage::Accepted;
                self.accepted_at = Some(at);
                self.heard_at = Some(at);
                // A rule may accept a case, but it owns none.
                if record.actor.role != StaffRole::System {
                    self.owner.get_or_insert_with(|| record.actor.name.clone());
                }
            }
            Event::Assigned { department } => {
                self.stage = Stage::Assigned;
                self.department = Some(department.clone());
            }
            Event::Taken { owner } => {
                let owner = owner.as_ref().unwrap_or(&record.actor.name);
                self.owner = Some(owner.clone());
            }
            Event::Reviewed { .. } => self.stage = Stage::Review,
            Event::Contacted { purpose, answered, .. } => self.contact(at, *purpose, *answered),
            Event::MessageSent { message_kind, .. } => {
                self.hear(at, *message_kind, record.actor.role);
            }
            Event::Escalated { to, .. } => self.escalate(at, *to),
            Event::SentBack { to, .. } => {
                self.tier = *to;
                self.escalated_to = None;
                self.escalated_at = None;
            }
            Event::Paused { .. } => self.pauses.push(Pause { from: at, until: None }),
            Event::Resumed {} => self.resume(at),
            Event::ClockWarned { alarm } | Event::ClockBreached { alarm } => self.told.push(*alarm),
            Event::Archived { .. } => self.stage = Stage::Archived,
            Event::Disputed { .. } => {
                let settled_at = self.settled_at.take();
                self.settled.extend(settled_at.map(|from| Pause { from, until: Some(at) }));
                self.start_over(at);
            }
            Event::Reopened { .. } => {
                self.n_reopened += 1;
                self.reopened_at = Some(at);
                self.settled_at = None;
                self.start_over(at);
            }
            other => self.work(other, record),
        }
    }

    /// What moves the matter itself on, from the investigation to the customer's word.
    fn work(&mut self, event: &Event, record: &Record) {
        let (at, actor) = (record.at, &record.actor.name);
        match event {
            Event::InvestigationOpened { lead, departments } => {
                self.stage = Stage::Investigation;
                self.investigation = Some(Investigation {
                    lead: lead.clone(),
                    departments: departments.clone(),
                    opinions: Vec::new(),
                    evidence: Vec::new(),
                    conclusion: None,
                });
            }
            Event::OpinionGiven { department, opinion } => {
                let (department, text) = (department.clone(), opinion.clone());
                let opinion = Opinion { department, by: actor.clone(), text };
                self.investigation.iter_mut().for_each(|it| it.opinions.push(opinion.clone()));
            }
            Event::EvidenceAdded { item } => {
                self.investigation.iter_mut().for_each(|it| it.evidence.push(item.clone()));
            }
            Event::InvestigationConcluded { liability, claim, .. } => {
                self.stage = Stage::Proposal;
                self.claim.clone_from(claim);
                let conclusion = Some((*liability, actor.clone()));
                self.investigation.iter_mut().for_each(|it| it.conclusion.clone_from(&conclusion));
            }
            Event::Proposed { proposal } => {
                self.stage = Stage::Negotiation;
                self.round.n_proposals += 1;
                self.round.told.retain(|it| *it != MessageKind::Proposal);
                self.round.proposal = Some((proposal.clone(), actor.clone()));
                self.responded_at.get_or_insert(at);
                self.decided_at.get_or_insert(at);
            }
            Event::OfferChosen { offer } => {
                self.stage = Stage::Approval;
                self.round.chosen = Some(*offer);
                self.agreed_at = Some(at);
            }
            Event::RevisionWanted { .. } | Event::ApprovalRefused { .. } => self.propose_again(),
            Event::Approved { complete } => {
                self.round.approvals.push(actor.clone());
                if *complete {
                    self.stage = Stage::Execution;
                }
            }
            Event::Executed { .. } => {
                self.executed_at = Some(at);
                self.settle(at);
            }
            Event::AnsweredFinally { .. } => {
                self.responded_at.get_or_insert(at);
                self.settle(at);
            }
            Event::Confirmed { satisfaction } => {
                self.round.confirmed = true;
                self.satisfaction = *satisfaction;
            }
            _ => {}
        }
    }

    /// What triage says anew. It takes no escalation back.
    fn correct(&mut self, after: Standing) {
        if after.tier != self.standing.tier {
            self.tier = self.escalated_to.map_or(after.tier, |least| least.max(after.tier));
        }
        self.standing = after;
    }

    fn contact(&mut self, at: Timestamp, purpose: ContactPurpose, answered: bool) {
        self.heard_at = Some(at);
        self.responded_at.get_or_insert(at);
        if purpose == ContactPurpose::Result && self.executed_at.is_some() {
            self.reported_at.get_or_insert(at);
        }
        if self.stage != Stage::Confirmation {
            return;
        }
        if answered {
            // Who answers has not vanished.
            self.round.unanswered.clear();
        } else {
            self.round.unanswered.push(at);
        }
    }

    fn escalate(&mut self, at: Timestamp, to: Tier) {
        self.tier = to;
        self.escalated_to = self.escalated_to.max(Some(to));
        self.escalated_at = Some(at);
        self.decided_at = None;
    }

    fn resume(&mut self, at: Timestamp) {
        if let Some(pause) = self.pauses.last_mut().filter(|pause| pause.until.is_none()) {
            pause.until = Some(at);
        }
    }

    fn settle(&mut self, at: Timestamp) {
        self.stage = Stage::Confirmation;
        self.settled_at = Some(at);
        self.decided_at.get_or_insert(at);
    }

    fn propose_again(&mut self) {
        self.stage = Stage::Proposal;
        self.round.chosen = None;
        self.round.approvals.clear();
        self.agreed_at = None;
    }

    /// The customer is not content: what happened has to be looked at again.
    fn start_over(&mut self, at: Timestamp) {
        self.heard_at = Some(at);
        self.stage = Stage::Investigation;
        self.round = Round::default();
        self.agreed_at = None;
        self.executed_at = None;
        self.reported_at = None;
        self.investigation.iter_mut().for_each(|it| it.conclusion = None);
    }
}
