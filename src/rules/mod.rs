//! The explicit rule set that overrides the model where safety or money demands it. A rule can
//! only raise the alarm; lowering it is a person's act.

mod hit;

pub use hit::{Effect, Hit};
