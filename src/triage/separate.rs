//! A person says that a joined submission is another complaint after all: it becomes a case of its
//! own, with the time at which it was received, and the two stay linked.

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cases::{Event, Record};
use crate::domain::{Actor, StaffRole};
use crate::store::{self, Case, Intake, JoinedSubmission, Revised, Separation, Sightings};
use crate::triage::arrival::{INTAKE, first_alarm_at, moved, new_case, received_event};
use crate::triage::fields::{Fields, Mistake, mistake};
use crate::triage::progress::standing;
use crate::triage::{CaseLife, Desk, DeskError, Submission};

/// What a person asks, and which version of the case they have read.
pub struct SeparationRequest {
    version: u32,
    by: Actor,
    reason: String,
}

/// Which submission becomes which case.
pub struct Parting {
    /// The case that it is joined to.
    pub case_id: Uuid,
    /// The submission.
    pub submission_id: Uuid,
    /// The id of the new case.
    pub new_id: Uuid,
    /// The request, for the event.
    pub request_id: Option<String>,
    /// Now.
    pub now: Timestamp,
}

impl SeparationRequest {
    /// Reads a request.
    pub fn parse(value: Value) -> Result<Self, Vec<Mistake>> {
        let Some(mut fields) = Fields::open(value) else {
            return Err(vec![mistake("", "send a JSON object with `version`, `by` and `reason`")]);
        };
        let (version, by) = (fields.version(), fields.actor());
        let reason = fields.required("reason", "say why it is another complaint");
        fields.refuse_unknown(&[]);
        if fields.mistakes.is_empty() {
            Ok(Self { version, by, reason })
        } else {
            Err(fields.mistakes)
        }
    }
}

impl Desk {
    /// Makes a joined submission a case of its own, and answers that case.
    pub async fn separate(
        &self,
        parting: Parting,
        request: SeparationRequest,
    ) -> Result<Case, DeskError> {
        let Parting { case_id, submission_id, new_id, request_id, now } = parting;
        if !request.by.role.works_cases() {
            return Err(DeskError::NotAllowed(request.by.role));
        }
        let CaseLife { mut case, mut life } = self.living_case(case_id).await?;
        if case.version != request.version {
            return Err(DeskError::Stale(case.version));
        }
        let joined = self.store.find_joined(case_id, submission_id).await?;
        let submission = joined.map(submission).ok_or(DeskError::NoSubmission)?;
        let event = Event::Separated {
            submission: submission_id.to_string(),
            into: new_id.to_string(),
            reason: request.reason,
        };
        let record = Record { at: now.max(life.last_at()), actor: request.by, event };
        life.apply(&record);
        let knowledge = self.engine.knowledge();
        let records = [record];
        let progress = moved(&mut case, &life, &records, (&knowledge, request_id.as_deref()));
        let classification = self.engine.classify_soon(&submission.complaint).await?;
        let new = new_case(submission, new_id, now, &classification);
        let standing = standing(&classification.decision);
        let alarm_at = first_alarm_at(&new, standing, &classification.knowledge);
        let intake = Actor { name: INTAKE.to_owned(), role: StaffRole::System };
        let mut event = received_event(&new, standing.pace, intake);
        event.data["request_id"] = json!(request_id);
        event.data["separated_from"] = json!(case_id);
        let (sightings, repeats) = (Sightings::default(), vec![case_id]);
        let intake =
            Intake { case: new.clone(), event, alarm_at, sightings, repeats, completion: None };
        let separation = Separation { submission_id, progress, intake };
        match self.store.separate_submission(separation).await? {
            Revised::Done(_) => {
                Ok(Case { status: store::RECEIVED.to_owned(), version: 1, record: new })
            }
            Revised::Stale(version) => Err(DeskError::Stale(version)),
            Revised::Missing => Err(DeskError::NoCase),
        }
    }
}

fn submission(joined: JoinedSubmission) -> Submission {
    Submission {
        id: None,
        complaint: joined.complaint,
        external_id: joined.external_id,
        elements: joined.elements,
        occurred_at: joined.occurred_at,
        received_by: None,
        do_not_store: false,
    }
}
