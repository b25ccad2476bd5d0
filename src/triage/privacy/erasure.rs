//! Taking out what is kept about a person: when they ask, as far as the law lets go of it, and by
//! itself when it has been kept long enough.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::cases::{ERASED, ErasureGround, blank_words};
use crate::domain::{Actor, StaffRole};
use crate::store::{Deferral, Erasable, Erasure, Event, Job, NewEvent, Revised};
use crate::triage::fields::{Fields, Mistake, mistake};
use crate::triage::privacy::{Concerned, PersonRequest, note, note_nothing};
use crate::triage::{Desk, DeskError, Knowledge};

/// How often the sweep comes round, and how long a replica has for it.
const SWEEP_EVERY: Duration = Duration::from_hours(1);
/// How many cases are erased before the others are looked for again.
const AT_ONCE: u16 = 100;

/// Whom to forget, and on what ground.
pub struct ErasureRequest {
    person: PersonRequest,
    ground: ErasureGround,
}

/// What became of a request to erase what is kept about a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErasureAnswer {
    /// The cases whose words, names, contacts, numbers and links are gone.
    erased: Vec<String>,
    /// The cases that keep them for now, and why.
    kept: Vec<KeptCase>,
}

/// A case that keeps what is about a person for now. It is remembered that they asked: the case is
/// erased by itself when it may be.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeptCase {
    /// The case.
    id: String,
    /// Why.
    reason: String,
    /// When it will be erased; null while the case is open, because the time runs from its archive.
    #[schema(value_type = Option<String>)]
    until: Option<Timestamp>,
}

impl ErasureRequest {
    /// Reads a request, or lists every mistake.
    pub fn parse(value: Value, knowledge: &Knowledge) -> Result<Self, Vec<Mistake>> {
        let Some(mut fields) = Fields::open(value) else {
            return Err(vec![mistake("", "send a JSON object with a person and a `ground`")]);
        };
        let names = ErasureGround::ALL.map(ErasureGround::as_str);
        let ground = fields.one_of("ground", &names);
        if ground.is_none() && fields.mistakes.is_empty() {
            fields.wrong("ground", format!("send one of {}", names.join(", ")));
        }
        let person = PersonRequest::read(&mut fields, knowledge);
        fields.refuse_unknown(&["customer_id", "contact", "ground", "by"]);
        match ground {
            Some(ground) if fields.mistakes.is_empty() => Ok(Self { person, ground }),
            _ => Err(fields.mistakes),
        }
    }
}

impl Desk {
    /// Erases what is kept about a person, as far as the law lets go of it. What it does not let
    /// go of is kept with the reason, and erased by the sweep when its time is over.
    pub async fn erase_person(
        &self,
        request: &ErasureRequest,
        now: Timestamp,
    ) -> Result<ErasureAnswer, DeskError> {
        let knowledge = self.engine.knowledge();
        let ErasureRequest { person: PersonRequest { person, by }, ground } = request;
        let found = self.cases_of(person, &knowledge).await?;
        if found.is_empty() {
            let nothing = note_nothing(by, "personal_data.erasure_asked", now);
            self.store.insert_audit(nothing).await?;
        }
        let mut answer = ErasureAnswer { erased: Vec::new(), kept: Vec::new() };
        for Concerned { case, .. } in found {
            let id = case.record.id;
            match self.erase_or_keep(id, by, *ground, now).await? {
                None => answer.erased.push(id.to_string()),
                Some(kept) => {
                    let data = json!({ "ground": ground.as_str(), "until": kept.until });
                    let audit = note(by, "personal_data.erasure_asked", id, data, now);
                    self.store.defer_erasure(Deferral { case_id: id, audit }).await?;
                    answer.kept.push(kept);
                }
            }
        }
        self.forget_keys(now).await?;
        self.store.purge().await?;
        Ok(answer)
    }

    /// Lets one of the replicas erase what is due, and says how many cases that were; nothing when
    /// it is not time yet, or another replica is at it.
    pub async fn sweep(&self, now: Timestamp) -> Result<Option<u64>, DeskError> {
        let until = now.checked_add(SWEEP_EVERY).unwrap_or(Timestamp::MAX);
        if !self.store.lease_job(Job::Erasure, now, until).await? {
            return Ok(None);
        }
        // What fails is due again when the lease ends, which is when the sweep would come round.
        let n_erased = self.erase_due(now).await?;
        self.store.finish_job(Job::Erasure, until, until).await?;
        Ok(Some(n_erased))
    }

    /// Erases every case whose time is over, and says how many that were. Replicas may do it side
    /// by side: a case is erased by one of them.
    pub async fn erase_due(&self, now: Timestamp) -> Result<u64, DeskError> {
        let by = Actor { name: "privacy".to_owned(), role: StaffRole::System };
        let mut n_erased = 0;
        loop {
            let due = self.list_erasable(now, AT_ONCE).await?;
            let n_before = n_erased;
            for id in due {
                match self.erase_or_keep(id, &by, ErasureGround::RetentionOver, now).await {
                    Ok(kept) => n_erased += u64::from(kept.is_none()),
                    Err(error) => {
                        let error = &error as &dyn std::error::Error;
                        tracing::error!(error, case = %id, "a case cannot be erased now");
                    }
                }
            }
            // What failed, or was opened again meanwhile, is looked at next time.
            if n_erased == n_before {
                break;
            }
        }
        if 0 < n_erased {
            self.store.purge().await?;
        }
        Ok(n_erased)
    }

    /// Cases whose time is over, so many at least if there are more.
    pub async fn list_erasable(&self, now: Timestamp, limit: u16) -> Result<Vec<Uuid>, DeskError> {
        let knowledge = self.engine.knowledge();
        let (retention, zone) = (&knowledge.retention, knowledge.calendar.time_zone());
        let due = Erasable {
            over_before: retention.over_before(now, zone),
            asked_before: retention.erasable_before(now, zone),
        };
        Ok(self.store.list_erasable(due, limit).await?)
    }

    /// Erases a case, unless it must be kept. Somebody who works it meanwhile is waited for.
    async fn erase_or_keep(
        &self,
        id: Uuid,
        by: &Actor,
        ground: ErasureGround,
        now: Timestamp,
    ) -> Result<Option<KeptCase>, DeskError> {
        loop {
            let case = self.store.find_case(id).await?.ok_or(DeskError::NoCase)?;
            let events = self.store.list_events(id).await?;
            if let Some(kept) = self.must_keep(id, &events, now) {
                return Ok(Some(kept));
            }
            let data = json!({ "reason": ground.as_str() });
            let event = NewEvent {
                at: now,
                actor: by.name.clone(),
                role: by.role,
                kind: "case.erased".to_owned(),
                data,
            };
            let data = json!({ "ground": ground.as_str() });
            let erasure = Erasure {
                case_id: id,
                version: case.version,
                blank: ERASED,
                events: blanked(events),
                event,
                audit: note(by, "personal_data.erased", id, data, now),
            };
            match self.store.erase_case(erasure).await? {
                Revised::Done(_) => return Ok(None),
                Revised::Missing => return Err(DeskError::NoCase),
                // With the same version it was erased before.
                Revised::Stale(version) if version == case.version => return Ok(None),
                Revised::Stale(_) => {}
            }
        }
    }

    /// Why a case keeps what is about a person; nothing when it need not.
    fn must_keep(&self, id: Uuid, events: &[Event], now: Timestamp) -> Option<KeptCase> {
        let knowledge = self.engine.knowledge();
        let id = id.to_string();
        let moves = ["case.archived", "case.reopened"];
        let last = events.iter().rev().find(|it| moves.contains(&it.record.kind.as_str()));
        let Some(archived) = last.filter(|it| it.record.kind == "case.archived") else {
            let reason = "the case is open: its time runs from its archive".to_owned();
            return Some(KeptCase { id, reason, until: None });
        };
        let (retention, zone) = (&knowledge.retention, knowledge.calendar.time_zone());
        let until = retention.legal_until(archived.record.at, zone);
        let reason = format!("{} demands that the case is kept until then", retention.basis());
        (now <= until).then_some(KeptCase { id, reason, until: Some(until) })
    }
}

/// The data of events that have words, without them.
fn blanked(events: Vec<Event>) -> Vec<(u32, Value)> {
    let blank = |event: Event| {
        let mut data = event.record.data.clone();
        blank_words(&mut data);
        (data != event.record.data).then_some((event.seq, data))
    };
    events.into_iter().filter_map(blank).collect()
}
