//! What a case's life looks like in JSON.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::cases::{ClockId, ClockState, Life, Move, Offer, RefusalReason, Timetable};
use crate::triage::progress::timetable;
use crate::triage::{CaseLife, Knowledge};

/// Where a case stands, what can be done, and which clocks run.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProgressAnswer {
    /// The case.
    id: String,
    /// Its version; who writes the case names the one that they have read.
    version: u32,
    /// What is being done, such as `negotiation`.
    stage: &'static str,
    /// The same for people.
    stage_name: &'static str,
    /// Who decides: 1 front line, 2 escalation team, 3 executives.
    tier: u8,
    /// Whose case it is.
    owner: Option<String>,
    /// Whether the clocks stand still for the customer.
    paused: bool,
    /// How content the customer was, 1 to 5.
    satisfaction: Option<u8>,
    /// How often it was opened again.
    n_reopened: u32,
    /// What can be done now.
    moves: Vec<&'static str>,
    /// Every clock that has started.
    clocks: Vec<ClockAnswer>,
    /// What the customer is owed on each ground that was found, with its basis. A draft: a person
    /// proposes.
    #[schema(value_type = Vec<Object>)]
    drafts: Vec<Offer>,
    /// What the customer was last offered.
    #[schema(value_type = Vec<Object>)]
    offers: Vec<Offer>,
}

/// One clock.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClockAnswer {
    /// What it waits for: `acceptance`, `first_response`, `resolution`, `escalation`, `execution`,
    /// `report` or `progress`.
    #[schema(value_type = String)]
    clock: ClockId,
    /// When it started.
    #[schema(value_type = String)]
    started_at: Timestamp,
    /// The last moment; while it stands still, the earliest that it can be.
    #[schema(value_type = String)]
    due_at: Timestamp,
    /// The period in words.
    period: String,
    /// Whether it falls in a year whose holidays are not published yet.
    provisional: bool,
    /// When what it waits for happened.
    #[schema(value_type = Option<String>)]
    stopped_at: Option<Timestamp>,
    /// Whether the time was over by then, or is over now.
    breached: bool,
}

impl ProgressAnswer {
    /// Shows a life.
    pub fn new(case_life: &CaseLife, knowledge: &Knowledge, now: Timestamp) -> Self {
        let CaseLife { case, life } = case_life;
        let table = timetable(knowledge);
        let offers = life.proposal().map_or_else(Vec::new, |proposal| proposal.offers.clone());
        Self {
            id: case.record.id.to_string(),
            version: case.version,
            stage: life.stage().as_str(),
            stage_name: life.stage().name(),
            tier: life.tier().into(),
            owner: life.owner().map(ToOwned::to_owned),
            paused: life.is_paused(),
            satisfaction: life.satisfaction(),
            n_reopened: life.n_reopened(),
            moves: life.legal_moves().into_iter().map(Move::as_str).collect(),
            clocks: life.clocks(&table).iter().map(|it| ClockAnswer::new(it, now)).collect(),
            drafts: drafts(life, &table).unwrap_or_default(),
            offers,
        }
    }
}

/// What is owed by the standards of today; nothing when a ground has lost its standard since.
fn drafts(life: &Life, table: &Timetable<'_>) -> Result<Vec<Offer>, RefusalReason> {
    table.handbook.compensation.draft(life.claim())
}

impl ClockAnswer {
    fn new(clock: &ClockState, now: Timestamp) -> Self {
        Self {
            clock: clock.id,
            started_at: clock.start,
            due_at: clock.due.at,
            period: clock.period.to_string(),
            provisional: clock.due.provisional,
            stopped_at: clock.stopped_at,
            breached: clock.is_breached(now),
        }
    }
}
