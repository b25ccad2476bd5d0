//! Whose case it is to see.

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cases::Investigation;
use crate::domain::{Actor, Reach, Tier};
use crate::store::{Case, EvidenceFile, NewAudit, NewEvent};
use crate::triage::masking::hide_names;
use crate::triage::{CaseLife, Desk, DeskError, ReasonRequest};

impl Desk {
    /// Whether somebody who sees so far sees this case. The front line also sees the cases that it
    /// owns 首问负责制, and those in whose investigation its department has a part. Of a case that
    /// is not there nobody learns from this.
    pub async fn reaches(&self, id: Uuid, reach: &Reach, name: &str) -> Result<bool, DeskError> {
        let Some(case) = self.store.find_case(id).await? else { return Ok(true) };
        let triage = &case.record.triage;
        Ok(match reach {
            Reach::All => true,
            Reach::Executive => triage.executive_review || triage.tier == Tier::Executive,
            Reach::ReceivedBy(actor) => {
                let events = self.store.list_events(id).await?;
                events.first().is_some_and(|event| event.record.actor == *actor)
            }
            Reach::Queue(queue) if triage.queue == *queue => true,
            Reach::Queue(queue) => {
                let CaseLife { life, .. } = self.case_life(id).await?;
                let knowledge = self.engine.knowledge();
                let department =
                    knowledge.policy.find_queue(queue).map(|it| it.department.as_str());
                let has_part = |it: &Investigation| {
                    it.departments.iter().any(|name| Some(name.as_str()) == department)
                };
                life.owner() == Some(name) || life.investigation().is_some_and(has_part)
            }
        })
    }

    /// Shows a case with its personal data to somebody who says why. The case has an event of it,
    /// and the audit log a row.
    pub async fn unmask(
        &self,
        id: Uuid,
        by: Actor,
        reason: &str,
        now: Timestamp,
    ) -> Result<Case, DeskError> {
        let mut case = self.store.find_case(id).await?.ok_or(DeskError::NoCase)?;
        // A reason may name the customer, and the audit log keeps it for good.
        let data = json!({ "reason": hide_names(reason, &case.record.elements) });
        case.version = self.note_unmasking(id, by, data, now).await?;
        Ok(case)
    }

    /// The same for an evidence file, whose bytes cannot be masked.
    pub async fn unmask_file(
        &self,
        id: Uuid,
        file: &EvidenceFile,
        request: ReasonRequest,
        now: Timestamp,
    ) -> Result<(), DeskError> {
        let ReasonRequest { by, reason } = request;
        let case = self.store.find_case(id).await?.ok_or(DeskError::NoCase)?;
        let reason = hide_names(&reason, &case.record.elements);
        let data = json!({ "reason": reason, "file": file.id });
        self.note_unmasking(id, by, data, now).await?;
        Ok(())
    }

    async fn note_unmasking(
        &self,
        id: Uuid,
        by: Actor,
        data: Value,
        now: Timestamp,
    ) -> Result<u32, DeskError> {
        let audit = NewAudit {
            at: now,
            actor: by.name.clone(),
            role: by.role,
            action: "personal_data.unmasked".to_owned(),
            subject: id.to_string(),
            data: data.clone(),
        };
        let event = NewEvent {
            at: now,
            actor: by.name,
            role: by.role,
            kind: "case.unmasked".to_owned(),
            data,
        };
        Ok(self.store.insert_audited_event(id, event, audit).await?)
    }
}
