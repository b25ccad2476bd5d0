//! Clocks that strike: cases whose alarm is due are looked at, people are warned, and a breach
//! escalates. Any number of replicas may do this at once, and any may die at any moment: an alarm
//! is written with the version of the case that was read, so it is written once.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::cases::{Event, Timetable};
use crate::registry::Digest;
use crate::store::{LibraryChange, Progress, Revised};
use crate::triage::progress::{due_columns, new_event, timetable};
use crate::triage::{CaseLife, Desk, DeskError, Knowledge};

/// How long a replica has for the cases that it has leased.
const LEASE: Duration = Duration::from_mins(1);
/// How many cases are leased at once.
const BATCH: u16 = 64;

/// What the clocks did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Struck {
    /// Cases that were looked at.
    pub cases: u32,
    /// Warnings that were given.
    pub warned: u32,
    /// Clocks whose time was over.
    pub breached: u32,
    /// Escalations that followed.
    pub escalated: u32,
    /// Cases that could not be looked at; they are due again when their lease ends.
    pub failed: u32,
}

impl Desk {
    /// Does what is due for a batch of cases, the oldest alarm first. Nothing is left to do when no
    /// case was looked at.
    pub async fn strike(&self, now: Timestamp) -> Result<Struck, DeskError> {
        let knowledge = self.engine.knowledge();
        let table = timetable(&knowledge);
        let clocks = knowledge.clocks.get_or_init(|| digest(&table, &knowledge));
        self.store.look_again(clocks, now).await?;
        let until = now.checked_add(LEASE).unwrap_or(Timestamp::MAX);
        let mut struck = Struck::default();
        for id in self.store.lease_alarms(now, until, BATCH).await? {
            match self.strike_case(id, &table, now).await {
                Ok(events) => struck.count(&events),
                Err(error) => {
                    struck.failed += 1;
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, case = %id, "the clocks of a case cannot strike now");
                }
            }
        }
        Ok(struck)
    }

    /// How many cases wait for their clocks to strike, and since when the first of them.
    pub async fn count_due_alarms(
        &self,
        now: Timestamp,
    ) -> Result<(u64, Option<Timestamp>), DeskError> {
        Ok(self.store.count_due_alarms(now).await?)
    }

    async fn strike_case(
        &self,
        id: Uuid,
        table: &Timetable<'_>,
        now: Timestamp,
    ) -> Result<Vec<Event>, DeskError> {
        let CaseLife { case, mut life } = self.case_life(id).await?;
        let records = life.tick(table, now);
        for record in &records {
            life.apply(record);
        }
        let alarm_at = life.next_alarm_at(table);
        if records.is_empty() {
            let owner = life.owner().map(ToOwned::to_owned);
            self.store.set_alarm(id, case.version, alarm_at, owner).await?;
            return Ok(Vec::new());
        }
        let (first_due_at, resolution_due_at) = due_columns(&life, table);
        let progress = Progress {
            case_id: id,
            version: case.version,
            status: life.stage().as_str().to_owned(),
            is_open: life.stage().is_open(),
            tier: life.tier(),
            owner: life.owner().map(ToOwned::to_owned),
            first_due_at,
            resolution_due_at,
            alarm_at,
            events: records.iter().map(|record| new_event(record, None)).collect(),
            final_labels: None,
            library: LibraryChange::None,
        };
        Ok(match self.store.advance_case(progress).await? {
            Revised::Done(_) => {
                self.send_owed(id, now).await;
                records.into_iter().map(|record| record.event).collect()
            }
            // Whoever was faster has set the alarm as well.
            Revised::Stale(_) | Revised::Missing => Vec::new(),
        })
    }
}

impl Struck {
    fn count(&mut self, events: &[Event]) {
        self.cases += 1;
        for event in events {
            match event {
                Event::ClockWarned { .. } => self.warned += 1,
                Event::ClockBreached { .. } => self.breached += 1,
                _ => self.escalated += 1,
            }
        }
    }
}

/// What the clocks run by, in short: every alarm that was computed by something else is stale.
fn digest(table: &Timetable<'_>, knowledge: &Knowledge) -> String {
    let Timetable { handbook, periods, .. } = table;
    let text = format!("{} {handbook:?} {periods:?}", knowledge.calendar.fingerprint());
    Digest::of(text.as_bytes()).to_string()
}
