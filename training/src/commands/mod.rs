//! One file per command.

pub mod compare;
pub mod cross_validate;
pub mod dataset;
pub mod drift;
pub mod evaluate;
pub mod history;
pub mod import;
pub mod input;
pub mod judging;
pub mod promote;
pub mod retrain;
pub mod rollback;
pub mod start;
mod teaching;
pub mod train;
mod train_encoder;
