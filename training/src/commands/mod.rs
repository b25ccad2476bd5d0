//! One file per command.

pub mod evaluate;
pub mod train;
