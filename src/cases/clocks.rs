//! The clocks of a case. Each is computed from what happened and never stored, so nothing can
//! reset one by mistake: a case that is re-labelled has the same start and the same pauses, and
//! only its pace may differ.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::calendar::{Calendar, Due, Pause, Period};
use crate::cases::{Event, Handbook, Life, Pace, Record};
use crate::domain::{Actor, StaffRole, Tier};

/// What a clock waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockId {
    /// The customer hears that the complaint is accepted 受理确认.
    Acceptance,
    /// The customer hears from somebody who works it 首次响应.
    FirstResponse,
    /// The matter is settled 办结.
    Resolution,
    /// The tier that it was escalated to decides 升级处理.
    Escalation,
    /// What was agreed is done 执行.
    Execution,
    /// The customer hears that it was done 结果告知.
    Report,
    /// The customer hears how far it is 进展告知.
    Progress,
}

/// How one clock of a case stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockState {
    /// What it waits for.
    pub id: ClockId,
    /// When it started.
    pub start: Timestamp,
    /// How long it runs.
    pub period: Period,
    /// When it ends.
    pub due: Due,
    /// When what it waits for happened.
    pub stopped_at: Option<Timestamp>,
}

/// A share of a clock's period that has run, as people were told of it. A clock with another
/// start or another period gives alarms of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Alarm {
    /// The clock.
    pub clock: ClockId,
    /// When it started.
    pub start: Timestamp,
    /// How long it runs.
    pub period: Period,
    /// The share that has run, in percent; 100 when the time is over.
    pub percent: u8,
}

/// The periods of a pace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Periods {
    /// Until the customer hears that the complaint is accepted.
    pub acceptance: Period,
    /// Until the customer hears from somebody who works it.
    pub first_response: Period,
    /// Until the matter is settled.
    pub resolution: Period,
}

/// By what the clocks run.
#[derive(Clone, Copy, Debug)]
pub struct Timetable<'t> {
    /// Working days.
    pub calendar: &'t Calendar,
    /// The firm's figures.
    pub handbook: &'t Handbook,
    /// The periods of every pace, in the order of its variants.
    pub periods: [Periods; 3],
}

impl ClockState {
    /// Whether the time was over when it stopped, or is over now.
    pub fn is_breached(&self, now: Timestamp) -> bool {
        self.due.at < self.stopped_at.unwrap_or(now)
    }
}

impl Life {
    /// By which figures the clocks run: a tier above the first makes a case complex.
    pub fn pace(&self) -> Pace {
        let least = if self.tier() == Tier::FrontLine { Pace::Ordinary } else { Pace::Complex };
        self.standing.pace.max(least)
    }

    /// Every clock that has started, with what each of them counts from.
    pub fn clocks(&self, table: &Timetable<'_>) -> Vec<ClockState> {
        let periods = table.periods[self.pace() as usize];
        let handbook = table.handbook;
        let state = |id, start: Option<Timestamp>, period, stopped_at| {
            let start = start?;
            let due = table.calendar.due(start, period, &self.waits(id));
            Some(ClockState { id, start, period, due, stopped_at })
        };
        let received = Some(self.received_at);
        let decision = handbook.escalation(self.tier()).filter(|_| self.escalated_at.is_some());
        let clocks = [
            state(ClockId::Acceptance, received, periods.acceptance, self.accepted_at),
            state(ClockId::FirstResponse, received, periods.first_response, self.responded_at),
            state(
                ClockId::Resolution,
                self.reopened_at.or(received),
                periods.resolution,
                self.settled_at,
            ),
            decision.and_then(|level| {
                state(ClockId::Escalation, self.escalated_at, level.decision, self.decided_at)
            }),
            state(ClockId::Execution, self.agreed_at, handbook.execution, self.executed_at),
            state(ClockId::Report, self.executed_at, handbook.report, self.reported_at),
            handbook.progress.filter(|_| self.settled_at.is_none()).and_then(|period| {
                state(ClockId::Progress, self.accepted_at.and(self.heard_at), period, None)
            }),
        ];
        clocks.into_iter().flatten().collect()
    }

    /// The alarms that people have not been told of yet: of each clock the gravest, in the order in
    /// which they fell due.
    pub fn alarms(&self, table: &Timetable<'_>, now: Timestamp) -> Vec<Alarm> {
        let mut alarms: Vec<_> = self
            .running(table)
            .filter_map(|clock| self.untold(&clock, table).take_while(|&(at, _)| at <= now).last())
            .collect();
        alarms.sort_by_key(|&(at, _)| at);
        alarms.into_iter().map(|(_, alarm)| alarm).collect()
    }

    /// When the next alarm falls due, as things stand; nothing while no clock runs.
    pub fn next_alarm_at(&self, table: &Timetable<'_>) -> Option<Timestamp> {
        let next = |clock: ClockState| Some(self.untold(&clock, table).next()?.0);
        self.running(table).filter_map(next).min()
    }

    /// Whether the customer is to hear how far it is: people have been warned for the last time.
    pub(super) fn is_progress_due(&self, table: &Timetable<'_>, now: Timestamp) -> bool {
        let percent = table.handbook.warnings.last().copied().unwrap_or(100);
        self.running(table).filter(|clock| clock.id == ClockId::Progress).any(|clock| {
            let ClockState { id, start, period, .. } = clock;
            let due = table.calendar.part_due(start, period, percent, &self.waits(id));
            !due.paused && due.at <= now
        })
    }

    /// The clocks that still wait for something.
    fn running(&self, table: &Timetable<'_>) -> impl Iterator<Item = ClockState> {
        let clocks = if self.stage().is_open() { self.clocks(table) } else { Vec::new() };
        clocks.into_iter().filter(|clock| clock.stopped_at.is_none())
    }

    /// The alarms of a clock that people have not been told of, with the first moment of each. A
    /// clock that stands still before an alarm has none until it goes on.
    fn untold(
        &self,
        clock: &ClockState,
        table: &Timetable<'_>,
    ) -> impl Iterator<Item = (Timestamp, Alarm)> {
        let ClockState { id, start, period, .. } = *clock;
        let alarm = move |percent| Alarm { clock: id, start, period, percent };
        let same = |it: &&Alarm| Alarm { percent: 0, ..**it } == alarm(0);
        let told = self.told.iter().filter(same).map(|it| it.percent).max();
        let pauses = self.waits(id);
        let percents = table.handbook.warnings.iter().copied().chain([100]);
        percents.filter(move |&percent| told < Some(percent)).map_while(move |percent| {
            let due = table.calendar.part_due(start, period, percent, &pauses);
            // The deadline itself is the last moment that is in time.
            let late = SignedDuration::from_micros(i64::from(percent == 100));
            let at = due.at.checked_add(late).unwrap_or(Timestamp::MAX);
            (!due.paused).then(|| (at, alarm(percent)))
        })
    }

    /// When a clock stood still. Nobody waits for a customer who has not heard of the case yet.
    fn waits(&self, clock: ClockId) -> Vec<Pause> {
        let waits = self.pauses.iter().chain(&self.settled).copied();
        if clock == ClockId::Acceptance { Vec::new() } else { waits.collect() }
    }

    /// What the clocks do to the case now: people are warned, and a breach escalates one tier.
    pub fn tick(&self, table: &Timetable<'_>, now: Timestamp) -> Vec<Record> {
        let mut life = self.clone();
        let mut records = Vec::new();
        for alarm in self.alarms(table, now) {
            let event = match alarm.percent {
                100 => Event::ClockBreached { alarm },
                _ => Event::ClockWarned { alarm },
            };
            let above = match life.tier() {
                Tier::FrontLine => Some(Tier::EscalationTeam),
                Tier::EscalationTeam => Some(Tier::Executive),
                Tier::Executive => None,
            };
            // A word that is late is no matter for a higher tier.
            let is_grave = alarm.percent == 100 && alarm.clock != ClockId::Progress;
            let escalated = above.filter(|_| is_grave).map(|to| Event::Escalated {
                to,
                recipients: table
                    .handbook
                    .escalation(to)
                    .map_or_else(Vec::new, |it| it.recipients.clone()),
                form: None,
            });
            for event in std::iter::once(event).chain(escalated) {
                let actor = Actor { name: "clock".to_owned(), role: StaffRole::System };
                let record = Record { at: now.max(life.last_at()), actor, event };
                life.apply(&record);
                records.push(record);
            }
        }
        records
    }
}
