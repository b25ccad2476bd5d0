//! Turns what a model predicts and what rules demand into a decision: who handles a complaint, by
//! when, how urgent it is, and why. Pure: policy and calendar are data, time is a parameter. It
//! names no label; labels come from the taxonomy and from the policy file.

mod policy;
mod priority;
mod reasons;
mod route;
mod source;
#[cfg(test)]
mod tests;

pub use policy::{Clock, ClockKind, Policy, Queue};
pub use priority::aging;
pub use route::{Matter, route};
pub use source::Error;
