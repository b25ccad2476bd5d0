//! The operations of the lab through its real binary: promote with a gate, roll back, retrain,
//! drift.
#![expect(clippy::unwrap_used, reason = "a failing test is the report")]

mod database;
mod drift;
mod promote;
mod retrain;
mod workplace;
