//! One file per command.

pub mod compare;
pub mod evaluate;
pub mod history;
pub mod judging;
pub mod promote;
pub mod rollback;
pub mod train;
