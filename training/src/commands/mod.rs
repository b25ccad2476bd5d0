//! One file per command.

pub mod evaluate;
pub mod history;
pub mod promote;
pub mod rollback;
pub mod train;
