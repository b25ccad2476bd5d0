//! Correcting a case: a person's labels and route count from now on, the routing policy finds
//! queue, tier and deadlines anew, and no clock starts again.

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cases::{Event, Record, Stage, Standing};
use crate::domain::{Labels, Reason, RouteChoice, Verdict};
use crate::store::{
    Case, Correction, LabelSource, LibraryChange, NewCorrection, NewEvent, Revised, Revision,
    Triage,
};
use crate::triage::desk::columns;
use crate::triage::progress::{due_columns, standing, timetable};
use crate::triage::{CaseLife, Classification, CorrectionRequest, Desk, DeskError};

impl Desk {
    /// Corrects a case and answers it as it then stands.
    pub async fn correct(
        &self,
        id: Uuid,
        request: CorrectionRequest,
        request_id: Option<&str>,
        now: Timestamp,
    ) -> Result<Case, DeskError> {
        if !request.by.role.works_cases() {
            return Err(DeskError::NotAllowed(request.by.role));
        }
        let CaseLife { mut case, mut life } = self.living_case(id).await?;
        if case.version != request.version {
            return Err(DeskError::Stale(case.version));
        }
        let CorrectionRequest { version, by, certainty, reason, labels, route } = request;
        let mut verdict = self.verdict(&case).await?;
        verdict.take(&labels, &route);
        let before = &case.record.triage;
        let classification = self.engine.reconsider(&case.record.complaint, &verdict).await?;
        let mut triage = corrected(before, &classification, verdict.labels);
        let correction = NewCorrection {
            at: now,
            actor: by,
            source: LabelSource::Correction,
            certainty,
            reason,
            labels,
            route,
        };
        // An escalation and the customer's pauses outlive a correction.
        let standing = standing(&classification.decision);
        let event = Event::Corrected { after: standing };
        life.apply(&Record { at: now, actor: correction.actor.clone(), event });
        let table = timetable(&classification.knowledge);
        triage.tier = life.tier();
        (triage.first_due_at, triage.resolution_due_at) = due_columns(&life, &table);
        let alarm_at = life.next_alarm_at(&table);
        let event = corrected_event(&correction, before, &triage, &classification, request_id);
        case.record.triage = triage.clone();
        let library = match life.stage() {
            Stage::Archived => self.entry_for_shelf(&case, &[], &correction.labels).await?,
            _ => LibraryChange::None,
        };
        let revision =
            Revision { case_id: id, version, correction, triage, alarm_at, event, library };
        case.version = match self.store.revise_case(revision).await? {
            Revised::Done(version) => version,
            Revised::Stale(version) => return Err(DeskError::Stale(version)),
            Revised::Missing => return Err(DeskError::NoCase),
        };
        Ok(case)
    }

    /// What people have said about a case, oldest first.
    pub async fn list_corrections(&self, id: Uuid) -> Result<Vec<Correction>, DeskError> {
        Ok(self.store.list_corrections(id).await?)
    }

    async fn verdict(&self, case: &Case) -> Result<Verdict, DeskError> {
        let mut verdict = Verdict {
            labels: case.record.triage.labels.clone(),
            needed_triage: case.record.triage.needs_triage,
            ..Verdict::default()
        };
        for Correction { record, .. } in self.store.list_corrections(case.record.id).await? {
            verdict.take(&record.labels, &record.route);
        }
        Ok(verdict)
    }
}

/// The case as it stands after a correction. What the model and the rules said at intake stays.
fn corrected(before: &Triage, classification: &Classification, labels: Labels) -> Triage {
    Triage {
        model_version: before.model_version.clone(),
        model_labels: before.model_labels.clone(),
        rules_version: before.rules_version.clone(),
        fallback: before.fallback,
        ..columns(classification, labels, before.answer.clone())
    }
}

fn corrected_event(
    correction: &NewCorrection,
    before: &Triage,
    after: &Triage,
    classification: &Classification,
    request_id: Option<&str>,
) -> NewEvent {
    let NewCorrection { at, actor, certainty, reason, labels, route, .. } = correction;
    let mut after = shown(after);
    let Standing { tier, pace, .. } = standing(&classification.decision);
    // What triage says: the life of the case makes of it who decides.
    after["tier"] = json!(tier);
    after["pace"] = json!(pace);
    let reasons: Vec<_> = classification.decision.reasons.iter().map(show_reason).collect();
    NewEvent {
        at: *at,
        actor: actor.name.clone(),
        role: actor.role,
        kind: "case.corrected".to_owned(),
        data: json!({
            "request_id": request_id,
            "reason": reason,
            "sure": certainty,
            "labels": labels,
            "route": show_route(route),
            "before": shown(before),
            "after": after,
            "reasons": reasons,
            "rules_version": classification.knowledge.rules.version(),
        }),
    }
}

fn show_route(route: &RouteChoice) -> Value {
    serde_json::to_value(route).expect("a route is plain data")
}

fn show_reason(reason: &Reason) -> Value {
    json!({ "source": reason.source, "code": reason.code, "message": reason.message })
}

/// What of a case a correction can change.
fn shown(triage: &Triage) -> Value {
    json!({
        "labels": triage.labels,
        "queue": triage.queue,
        "department": triage.department,
        "tier": triage.tier,
        "executive_review": triage.executive_review,
        "needs_triage": triage.needs_triage,
        "priority": triage.priority,
        "first_due_at": triage.first_due_at,
        "resolution_due_at": triage.resolution_due_at,
    })
}
