//! A complaint comes in: as a new case, as a repeat of others, or as the same complaint over
//! again, which is joined to its case. What belongs together is looked up, decided and written; a
//! write that another arrival has overtaken is refused by the store, and the look begins anew. So
//! of two channels that send one complaint in the same moment one makes the case.

use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::cases::{ClosedCase, Event, Kinship, Life, Pace, Record, Sample, Shingles, Standing};
use crate::domain::{Actor, LabelId, StaffRole};
use crate::store::{
    self, Case, Claim, Completion, Earlier, Inserted, Intake, JoinedSubmission, Joining,
    LibraryChange, Matter, NewCase, NewEvent, Progress, RelatedCase, Sightings, StoredResponse,
};
use crate::text::Normalized;
use crate::triage::desk::columns;
use crate::triage::progress::{due_columns, new_event, standing, timetable};
use crate::triage::{
    Answer, CaseAnswer, CaseLife, Classification, Desk, DeskError, Knowledge, Receipt, Submission,
};

/// How often an arrival that others overtake is looked at again; of those who do so at once one
/// succeeds each time.
const MAX_LOOKS: usize = 64;

/// Who receives cases, as events name it.
pub(super) const INTAKE: &str = "intake";

/// What is known about an arrival before it is stored.
struct Arrival {
    sightings: Sightings,
    earlier: Vec<Earlier>,
    kinship: Kinship,
}

impl Desk {
    /// Stores a submission, and answers the case that it is or is joined to.
    pub(super) async fn take_in(
        &self,
        receipt: &Receipt,
        claim: Option<&Claim>,
    ) -> Result<StoredResponse, DeskError> {
        let classification = self.engine.classify_soon(&receipt.submission.complaint).await?;
        for _ in 0..MAX_LOOKS {
            let arrival = self.look_around(&receipt.submission, &classification.knowledge).await?;
            let target = arrival.target(&classification);
            let response = match target {
                Some((idx, similarity)) => {
                    let case_id = arrival.earlier[idx].related.id;
                    self.join(receipt, &arrival, (case_id, similarity), claim).await?
                }
                None => self.make_case(receipt, &arrival, &classification, claim).await?,
            };
            if let Some(response) = response {
                return Ok(response);
            }
        }
        Err(DeskError::Store(store::Error::Busy))
    }

    /// What belongs to a case.
    pub async fn find_matter(&self, case_id: Uuid) -> Result<Matter, DeskError> {
        Ok(self.store.find_matter(case_id).await?)
    }

    async fn look_around(
        &self,
        submission: &Submission,
        knowledge: &Knowledge,
    ) -> Result<Arrival, DeskError> {
        let policy = &knowledge.handbook.duplicates;
        let identifiers = policy.identifiers(&submission.elements);
        let keys = identifiers.keys();
        let sightings = self.store.find_sightings(&keys, policy.common_after).await?;
        if sightings.is_first() {
            return Ok(Arrival { sightings, earlier: Vec::new(), kinship: Kinship::default() });
        }
        let complaint = &submission.complaint;
        let since = policy.since(complaint.received_at);
        let earlier = self.store.list_earlier(&sightings, since).await?;
        let new = Sample {
            identifiers,
            shingles: shingles(complaint.text.as_str()),
            channel: complaint.channel,
            received_at: complaint.received_at,
        };
        let old = earlier.iter().map(|it| Sample {
            identifiers: policy.identifiers(&it.elements),
            shingles: shingles(&it.text),
            channel: it.channel,
            received_at: it.received_at,
        });
        let mut kinship = policy.judge(&new, &old.collect::<Vec<_>>());
        kinship.same = kinship.same.filter(|&(idx, _)| {
            earlier[idx].related.is_open || policy.closed == ClosedCase::Reopen
        });
        Ok(Arrival { sightings, earlier, kinship })
    }

    /// Nothing when another arrival was faster.
    async fn make_case(
        &self,
        receipt: &Receipt,
        arrival: &Arrival,
        classification: &Classification,
        claim: Option<&Claim>,
    ) -> Result<Option<StoredResponse>, DeskError> {
        let mut submission = receipt.submission.clone();
        let n_contacts = arrival.kinship.related.len() as u32;
        let stated = submission.complaint.prior_contacts;
        let mut counted = None;
        if stated.unwrap_or_default() < n_contacts {
            submission.complaint.prior_contacts = Some(n_contacts);
            counted = Some(self.engine.classify_soon(&submission.complaint).await?);
        }
        let classification = counted.as_ref().unwrap_or(classification);
        let owner = submission.received_by.clone();
        let case = new_case(submission, receipt.id, receipt.now, classification);
        let matter = Matter { repeats: arrival.repeats(), ..Matter::default() };
        let repeats: Vec<Uuid> = matter.repeats.iter().map(|it| it.id).collect();
        let standing = standing(&classification.decision);
        let alarm_at = first_alarm_at(&case, standing, &classification.knowledge);
        let mut event = received_event(&case, standing.pace, receipt.by.clone());
        event.data["request_id"] = json!(receipt.request_id);
        event.data["owner"] = json!(owner);
        event.data["repeats"] = json!(repeats);
        event.data["prior_contacts"] = json!({ "stated": stated, "counted": n_contacts });
        let case = Case { status: store::RECEIVED.to_owned(), version: 1, record: case };
        let response = StoredResponse { status: 201, body: to_json(&case, &matter) };
        let completion = completion(claim, &response);
        let sightings = arrival.sightings.clone();
        let intake = Intake { case: case.record, event, alarm_at, sightings, repeats, completion };
        let inserted = self.store.insert_case(intake).await?;
        self.answer(receipt, inserted, response, claim).await
    }

    /// Nothing when another arrival or a person was faster.
    async fn join(
        &self,
        receipt: &Receipt,
        arrival: &Arrival,
        (case_id, similarity): (Uuid, f64),
        claim: Option<&Claim>,
    ) -> Result<Option<StoredResponse>, DeskError> {
        let CaseLife { mut case, mut life } = self.case_life(case_id).await?;
        let knowledge = self.engine.knowledge();
        let records = joining_records(&mut life, receipt, similarity);
        let request_id = receipt.request_id.as_deref();
        let progress = moved(&mut case, &life, &records, (&knowledge, request_id));
        let submission = joined_submission(receipt, similarity);
        let mut matter = self.find_matter(case_id).await?;
        matter.joined.push(submission.clone());
        let answer = CaseAnswer::new(&case, &matter).joined_as(submission.id);
        let body = serde_json::to_string(&answer).expect("a case is plain data");
        let response = StoredResponse { status: 200, body };
        let sightings = arrival.sightings.clone();
        let completion = completion(claim, &response);
        let joining = Joining { submission, sightings, progress, completion };
        let inserted = self.store.join_submission(joining).await?;
        self.answer(receipt, inserted, response, claim).await
    }

    /// What the sender is told.
    async fn answer(
        &self,
        receipt: &Receipt,
        inserted: Inserted,
        response: StoredResponse,
        claim: Option<&Claim>,
    ) -> Result<Option<StoredResponse>, DeskError> {
        match inserted {
            Inserted::Created => Ok(Some(response)),
            Inserted::Changed => Ok(None),
            Inserted::Existing(case) => {
                let matter = self.find_matter(case.record.id).await?;
                if !is_known(&receipt.submission, &case, &matter) {
                    return Err(DeskError::OtherComplaint(case.record.id));
                }
                let response = StoredResponse { status: 200, body: to_json(&case, &matter) };
                if let Some(completion) = completion(claim, &response) {
                    self.store.finish(completion).await?;
                }
                Ok(Some(response))
            }
        }
    }
}

impl Arrival {
    /// The submission that this one is joined with. What raises the alarm above that case's is
    /// never joined: it would vanish in it.
    fn target(&self, classification: &Classification) -> Option<(usize, f64)> {
        let (idx, similarity) = self.kinship.same?;
        let earlier = &self.earlier[idx];
        let new = columns(classification, classification.labels(), String::new());
        let graver = earlier.severity_rank < new.severity_rank
            || new.executive_review && !earlier.executive_review;
        (!graver).then_some((idx, similarity))
    }

    /// The cases about the same matter, newest first.
    fn repeats(&self) -> Vec<RelatedCase> {
        let related = self.kinship.related.iter().map(|&idx| &self.earlier[idx].related);
        let mut cases: Vec<_> = related.cloned().collect();
        cases.sort_by_key(|case| std::cmp::Reverse(case.id));
        cases.dedup_by_key(|case| case.id);
        cases
    }
}

/// Whether a submission says what the one with its external id has said. What intake systems count
/// or stamp anew each time, such as times and contacts, is not compared.
fn is_known(submission: &Submission, case: &Case, matter: &Matter) -> bool {
    let Submission { complaint, external_id, elements, .. } = submission;
    let is_first = |it: &&JoinedSubmission| {
        it.external_id == *external_id && it.complaint.channel == complaint.channel
    };
    let (old, old_elements) = match matter.joined.iter().find(is_first) {
        Some(joined) => (&joined.complaint, &joined.elements),
        None => (&case.record.complaint, &case.record.elements),
    };
    old.text == complaint.text && old.amount == complaint.amount && old_elements == elements
}

fn shingles(text: &str) -> Shingles {
    Shingles::of(Normalized::new(text).as_str())
}

fn completion(claim: Option<&Claim>, response: &StoredResponse) -> Option<Completion> {
    claim.map(|claim| Completion { claim: claim.clone(), response: response.clone() })
}

/// What the sender of a case is told.
pub(super) fn to_json(case: &Case, matter: &Matter) -> String {
    serde_json::to_string(&CaseAnswer::new(case, matter)).expect("a case is plain data")
}

/// What the same complaint over again does to a case: it is noted, and opens a closed one.
fn joining_records(life: &mut Life, receipt: &Receipt, similarity: f64) -> Vec<Record> {
    let submission = receipt.id.to_string();
    let joined = Event::Joined { submission, similarity };
    let reopened = Event::Reopened { reason: "客户就同一事项再次投诉".to_owned() };
    let reopened = (!life.stage().is_open()).then_some(reopened);
    let at = receipt.now.max(life.last_at());
    let actor = || receipt.by.clone();
    let events = std::iter::once(joined).chain(reopened);
    let records: Vec<_> = events.map(|event| Record { at, actor: actor(), event }).collect();
    for record in &records {
        life.apply(record);
    }
    records
}

/// Moves a case to where its life stands, and says what is to be written.
pub(super) fn moved(
    case: &mut Case,
    life: &Life,
    records: &[Record],
    (knowledge, request_id): (&Knowledge, Option<&str>),
) -> Progress {
    let table = timetable(knowledge);
    let (first_due_at, resolution_due_at) = due_columns(life, &table);
    let progress = Progress {
        case_id: case.record.id,
        version: case.version,
        status: life.stage().as_str().to_owned(),
        is_open: life.stage().is_open(),
        tier: life.tier(),
        owner: life.owner().map(ToOwned::to_owned),
        first_due_at,
        resolution_due_at,
        alarm_at: life.next_alarm_at(&table),
        events: records.iter().map(|record| new_event(record, request_id)).collect(),
        final_labels: None,
        library: if records.iter().any(|it| matches!(it.event, Event::Reopened { .. })) {
            LibraryChange::Remove
        } else {
            LibraryChange::None
        },
    };
    case.version += records.len() as u32;
    case.status.clone_from(&progress.status);
    case.record.owner.clone_from(&progress.owner);
    case.record.triage.tier = progress.tier;
    case.record.triage.first_due_at = first_due_at;
    case.record.triage.resolution_due_at = resolution_due_at;
    progress
}

fn joined_submission(receipt: &Receipt, similarity: f64) -> JoinedSubmission {
    let submission = receipt.submission.clone();
    JoinedSubmission {
        id: receipt.id,
        external_id: submission.external_id,
        complaint: submission.complaint,
        elements: submission.elements,
        occurred_at: submission.occurred_at,
        created_at: receipt.now,
        similarity,
    }
}

/// The case that a submission becomes.
pub(super) fn new_case(
    submission: Submission,
    id: Uuid,
    now: Timestamp,
    classification: &Classification,
) -> NewCase {
    let answer = Answer::new(submission.complaint.text.as_str(), classification);
    let answer = serde_json::to_string(&answer).expect("an answer is plain data");
    let triage = columns(classification, classification.labels(), answer);
    NewCase {
        id,
        external_id: submission.external_id,
        complaint: submission.complaint,
        elements: submission.elements,
        occurred_at: submission.occurred_at,
        created_at: now,
        owner: submission.received_by,
        triage,
    }
}

/// When the first clock of a new case strikes.
pub(super) fn first_alarm_at(
    case: &NewCase,
    standing: Standing,
    knowledge: &Knowledge,
) -> Option<Timestamp> {
    let received_at = Some(case.complaint.received_at);
    let event = Event::Received { standing, received_at, owner: None };
    let actor = Actor { name: INTAKE.to_owned(), role: StaffRole::System };
    let received = Record { at: case.created_at, actor, event };
    let life = Life::fold([&received]).expect("it was received");
    life.next_alarm_at(&timetable(knowledge))
}

/// That a case was received.
pub(super) fn received_event(case: &NewCase, pace: Pace, by: Actor) -> NewEvent {
    let triage = &case.triage;
    NewEvent {
        at: case.created_at,
        actor: by.name,
        role: by.role,
        kind: "case.received".to_owned(),
        data: json!({
            "request_id": null,
            "labels": triage.labels,
            "queue": triage.queue.as_str(),
            "tier": triage.tier,
            "pace": pace,
            "received_at": case.complaint.received_at,
            "category": triage.category.as_ref().map(LabelId::as_str),
            "severity": triage.severity.as_str(),
            "executive_review": triage.executive_review,
            "needs_triage": triage.needs_triage,
            "model_version": triage.model_version,
            "rules_version": triage.rules_version,
            "fallback": triage.fallback,
        }),
    }
}
