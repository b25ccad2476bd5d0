//! Working a case: what people do moves it on by the rules of [`crate::cases`], and its events,
//! its place and its deadlines are written together.

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::cases::{Act, ClockId, Event, Life, Pace, Periods, Record, Stage, Standing, Timetable};
use crate::domain::{Actor, Certainty, DeadlineKind, Decision, Labels, Role, RouteChoice};
use crate::routing::ClockKind;
use crate::store::{
    self, Case, FinalLabels, LabelSource, LibraryChange, NewCorrection, NewEvent, Progress, Revised,
};
use crate::triage::{Desk, DeskError, Knowledge, StepRequest};

/// A case and where its life stands.
pub struct CaseLife {
    /// The case.
    pub case: Case,
    /// Its life.
    pub life: Life,
}

impl Desk {
    /// Does what a person asks, and answers the case as it then stands.
    pub async fn act(
        &self,
        id: Uuid,
        request: StepRequest,
        request_id: Option<&str>,
        now: Timestamp,
    ) -> Result<CaseLife, DeskError> {
        let CaseLife { mut case, mut life } = self.living_case(id).await?;
        if case.version != request.version {
            return Err(DeskError::Stale(case.version));
        }
        let knowledge = self.engine.knowledge();
        let table = timetable(&knowledge);
        let StepRequest { version, by, command, labels, certainty } = request;
        let act = Act { actor: by.clone(), at: now, command };
        let records = life.decide(act, &table).map_err(Box::new)?;
        for record in &records {
            life.apply(record);
        }
        let said = labels.clone();
        let final_labels = (!labels.is_empty()).then(|| {
            let correction = closing(&records, by, labels, certainty);
            final_labels(&mut case, correction, &knowledge)
        });
        let (first_due_at, resolution_due_at) = due_columns(&life, &table);
        let library = match records.last().map(|record| &record.event) {
            Some(Event::Archived { .. }) => self.entry_for_shelf(&case, &records, &said).await?,
            Some(Event::Reopened { .. }) => LibraryChange::Remove,
            _ => LibraryChange::None,
        };
        let progress = Progress {
            case_id: id,
            version,
            status: life.stage().as_str().to_owned(),
            is_open: life.stage().is_open(),
            tier: life.tier(),
            owner: life.owner().map(ToOwned::to_owned),
            first_due_at,
            resolution_due_at,
            alarm_at: life.next_alarm_at(&table),
            events: records.iter().map(|record| new_event(record, request_id)).collect(),
            final_labels,
            library,
        };
        case.status.clone_from(&progress.status);
        case.record.owner.clone_from(&progress.owner);
        case.record.triage.tier = progress.tier;
        case.record.triage.first_due_at = first_due_at;
        case.record.triage.resolution_due_at = resolution_due_at;
        case.version = match self.store.advance_case(progress).await? {
            Revised::Done(version) => version,
            Revised::Stale(version) => return Err(DeskError::Stale(version)),
            Revised::Missing => return Err(DeskError::NoCase),
        };
        if self.send_owed(id, now).await {
            self.case_life(id).await
        } else {
            Ok(CaseLife { case, life })
        }
    }

    /// A case that somebody wants to change; of one that was erased nothing is left to change.
    pub(super) async fn living_case(&self, id: Uuid) -> Result<CaseLife, DeskError> {
        let found = self.case_life(id).await?;
        if found.life.is_erased() { Err(DeskError::Erased) } else { Ok(found) }
    }

    /// A case and its life, as its events tell it.
    pub async fn case_life(&self, id: Uuid) -> Result<CaseLife, DeskError> {
        let case = self.store.find_case(id).await?.ok_or(DeskError::NoCase)?;
        let events = self.store.list_events(id).await?;
        let life = fold(&events, &case)?;
        Ok(CaseLife { case, life })
    }
}

/// The life that events tell. A case that was received before its events said when keeps its own
/// time of reception.
pub(super) fn fold(events: &[store::Event], case: &Case) -> Result<Life, DeskError> {
    Life::fold(&records(events, case)?).map_err(|_| corrupt())
}

fn corrupt() -> DeskError {
    DeskError::Store(store::Error::Corrupt("events"))
}

/// Stored events as the life of a case reads them.
pub(super) fn records(events: &[store::Event], case: &Case) -> Result<Vec<Record>, DeskError> {
    let mut records = Vec::with_capacity(events.len());
    for store::Event { record, .. } in events {
        let value = serde_json::json!({ "kind": record.kind, "data": record.data });
        let mut event: Event = serde_json::from_value(value).map_err(|_| corrupt())?;
        if let Event::Received { received_at, .. } = &mut event {
            received_at.get_or_insert(case.record.complaint.received_at);
        }
        let actor = Actor { name: record.actor.clone(), role: record.role };
        records.push(Record { at: record.at, actor, event });
    }
    Ok(records)
}

pub(super) fn new_event(record: &Record, request_id: Option<&str>) -> NewEvent {
    let mut value = serde_json::to_value(&record.event).expect("an event is plain data");
    let mut data = value["data"].take();
    if let (Value::Object(fields), Some(request_id)) = (&mut data, request_id) {
        fields.insert("request_id".to_owned(), request_id.into());
    }
    NewEvent {
        at: record.at,
        actor: record.actor.name.clone(),
        role: record.actor.role,
        kind: value["kind"].as_str().unwrap_or_default().to_owned(),
        data,
    }
}

/// By what the clocks of all cases run now.
pub(crate) fn timetable(knowledge: &Knowledge) -> Timetable<'_> {
    let periods = ClockKind::ALL.map(|kind| {
        let of = |wanted: DeadlineKind| {
            let mut periods = knowledge.policy.clock(kind).periods.into_iter();
            periods.find(|(kind, _)| *kind == wanted).expect("a clock has every period").1
        };
        Periods {
            acceptance: of(DeadlineKind::Acceptance),
            first_response: of(DeadlineKind::FirstResponse),
            resolution: of(DeadlineKind::Resolution),
        }
    });
    Timetable { calendar: &knowledge.calendar, handbook: &knowledge.handbook, periods }
}

/// What triage's decision means for a case's life.
pub(super) fn standing(decision: &Decision) -> Standing {
    let names = |kind: &ClockKind| decision.reasons.iter().any(|it| it.code == kind.code());
    let pace = match ClockKind::ALL.into_iter().find(names) {
        Some(ClockKind::SafetyCritical) => Pace::SafetyCritical,
        Some(ClockKind::Complex) => Pace::Complex,
        Some(ClockKind::Ordinary) | None => Pace::Ordinary,
    };
    Standing {
        tier: decision.tier,
        executive_review: decision.executive_review,
        needs_triage: decision.needs_triage,
        pace,
    }
}

/// The earliest deadline that still runs, and when the matter must be settled.
pub(super) fn due_columns(life: &Life, table: &Timetable<'_>) -> (Timestamp, Timestamp) {
    let clocks = life.clocks(table);
    let resolution = clocks.iter().find(|clock| clock.id == ClockId::Resolution);
    let resolution = resolution.map_or(Timestamp::MAX, |clock| clock.due.at);
    let running = clocks.iter().filter(|clock| clock.stopped_at.is_none());
    let first = running.map(|clock| clock.due.at).min();
    (first.filter(|_| life.stage() != Stage::Archived).unwrap_or(resolution), resolution)
}

/// What a person says about a case's labels as they close it.
fn closing(
    records: &[Record],
    actor: Actor,
    labels: Labels,
    certainty: Certainty,
) -> NewCorrection {
    let last = records.last().expect("a step that is possible has an event");
    let reason = match &last.event {
        Event::Archived { summary } => summary.clone(),
        _ => String::new(),
    };
    NewCorrection {
        at: last.at,
        actor,
        source: LabelSource::Archive,
        certainty,
        reason,
        labels,
        route: RouteChoice::default(),
    }
}

/// The labels with which a case is closed. Nothing is routed anew: there is nothing left to do.
fn final_labels(case: &mut Case, correction: NewCorrection, knowledge: &Knowledge) -> FinalLabels {
    let triage = &mut case.record.triage;
    triage.labels.overlay(&correction.labels);
    triage.category = triage.labels.role(Role::Category).cloned().or(triage.category.take());
    if let Some(severity) = triage.labels.role(Role::Severity) {
        triage.severity = severity.clone();
        let head = knowledge.taxonomy.role(Role::Severity);
        let rank = head.and_then(|(_, head)| head.label_idx(severity.as_str()));
        triage.severity_rank = rank.map_or(triage.severity_rank, |rank| rank as u16);
    }
    triage.sentiment = triage.labels.role(Role::Sentiment).cloned().or(triage.sentiment.take());
    FinalLabels {
        correction,
        labels: triage.labels.clone(),
        category: triage.category.clone(),
        severity: triage.severity.clone(),
        severity_rank: triage.severity_rank,
        sentiment: triage.sentiment.clone(),
    }
}
