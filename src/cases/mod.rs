//! The life of a case as a state machine: who may do what when, what follows from it, and which
//! clocks run. Commands become events or a refusal that names the legal moves; the state is
//! whatever the events fold to. Pure: the time is a parameter, the firm's figures are data, and
//! nothing here knows the store. It grants no customer anything: a person's approval does.

mod clocks;
mod command;
mod compensation;
mod duplicates;
mod erasure;
mod escalation;
mod event;
mod handbook;
mod investigation;
mod life;
mod moves;
mod proposal;
mod retention;
mod settlement;
mod stage;
#[cfg(test)]
mod tests;

pub use clocks::{Alarm, ClockId, ClockState, Periods, Timetable};
pub use command::{Act, Command};
pub use compensation::{Claim, Compensation};
pub use duplicates::{ClosedCase, Duplicates, Identifiers, Kinship, Sample, Shingles};
pub use erasure::{ERASED, blank_words};
pub use escalation::{EscalationForm, ExecutiveReport};
pub use event::{ContactPurpose, Event, Pace, Record, Standing};
pub use handbook::{EscalationLevel, Handbook, HandbookError};
pub use investigation::{Investigation, Liability, Opinion};
pub use life::{FoldError, Life, Telling};
pub use moves::{Move, Refusal, RefusalReason};
pub use proposal::{Offer, Proposal, Remedy, RemedyKind};
pub use retention::{ErasureGround, Retention, RetentionError};
pub use settlement::Settlement;
pub use stage::Stage;
