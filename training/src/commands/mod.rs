//! One file per command.

pub mod evaluate;
pub mod promote;
pub mod train;
