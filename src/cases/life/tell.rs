//! Telling the customer something in writing: what is owed, what can be said when, and what it
//! stops. The words are none of its business.

use jiff::Timestamp;

use crate::cases::{Event, Life, Move, Record, Refusal, RefusalReason, Stage, Timetable};
use crate::domain::{Actor, MessageChannel, MessageKind, StaffRole};

/// A message that is to go out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telling {
    /// What it tells.
    pub kind: MessageKind,
    /// Over what.
    pub channel: MessageChannel,
    /// Whom it names to ask; an acknowledgement accepts the case with them.
    pub contact_person: String,
}

impl Life {
    /// Whether there is anything to say of this now.
    pub fn can_tell(&self, kind: MessageKind) -> bool {
        match kind {
            MessageKind::Acknowledgement => self.stage.is_open(),
            MessageKind::Progress => self.stage.is_open() && self.stage != Stage::Received,
            MessageKind::Proposal => self.stage == Stage::Negotiation,
            MessageKind::Result | MessageKind::Satisfaction => self.stage == Stage::Confirmation,
        }
    }

    /// What the customer is to hear now and has not heard yet, neither in writing nor otherwise.
    pub fn owed(&self, table: &Timetable<'_>, now: Timestamp) -> Vec<MessageKind> {
        let told = |kind: MessageKind| self.round.told.contains(&kind);
        let reported = self.reported_at.is_some() || told(MessageKind::Result);
        let is_owed = |kind: &MessageKind| {
            self.can_tell(*kind)
                && match kind {
                    MessageKind::Acknowledgement => self.stage == Stage::Received,
                    MessageKind::Progress => self.is_progress_due(table, now),
                    MessageKind::Proposal => !told(*kind),
                    MessageKind::Result => !reported,
                    MessageKind::Satisfaction => reported && !told(*kind) && !self.round.confirmed,
                }
        };
        MessageKind::ALL.into_iter().filter(is_owed).collect()
    }

    /// What follows when a message goes out, sent by a person or by the firm's rule. The
    /// acknowledgement of a case that nobody has accepted yet accepts it.
    pub fn tell(
        &self,
        telling: Telling,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<Vec<Record>, Refusal> {
        let Telling { kind, channel, contact_person } = telling;
        let refuse = |reason| {
            let legal = self.legal_moves();
            Refusal { wanted: Move::Contact, stage: self.stage, reason, legal }
        };
        if actor.role != StaffRole::System {
            self.check_who(Move::Contact, actor.role).map_err(refuse)?;
        }
        if !self.can_tell(kind) {
            return Err(refuse(RefusalReason::Stage));
        }
        let at = at.max(self.last_at);
        let accepted =
            (self.stage == Stage::Received).then_some(Event::Accepted { contact_person });
        let sent = Event::MessageSent { message_kind: kind, channel };
        let events = accepted.into_iter().chain([sent]);
        Ok(events.map(|event| Record { at, actor: actor.clone(), event }).collect())
    }

    /// Takes in that the customer was told something.
    pub(super) fn hear(&mut self, at: Timestamp, kind: MessageKind, role: StaffRole) {
        self.heard_at = Some(at);
        self.round.told.push(kind);
        // A rule that writes is nobody who works the case.
        if kind != MessageKind::Acknowledgement && role != StaffRole::System {
            self.responded_at.get_or_insert(at);
        }
        if kind == MessageKind::Result && self.executed_at.is_some() {
            self.reported_at.get_or_insert(at);
        }
    }
}
