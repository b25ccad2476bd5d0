//! The vocabulary that every other module speaks: labels and taxonomy, complaint, prediction,
//! decision with its reasons, deadline. Pure types that cannot hold an illegal value; no clock,
//! no randomness, no input or output, and no serialization formats beyond the names of things.

mod access;
mod complaint;
mod decision;
mod label;
mod labels;
mod message;
mod money;
mod prediction;
mod span;
mod taxonomy;
mod verdict;

pub use access::{Reach, Scope, ScopeError};
pub use complaint::{
    Channel, Complaint, ComplaintText, CustomerTier, Elements, MAX_TEXT_CHARS, TextError,
};
pub use decision::{
    Deadline, DeadlineKind, Decision, Priority, PriorityTerm, Reason, ReasonSource, Reasons,
    Severity, Tier,
};
pub use label::{Id, IdError, LabelId, QueueId, RuleId};
pub use labels::{Labels, LabelsError};
pub use message::{MessageChannel, MessageKind};
pub use money::Money;
pub use prediction::{Evidence, HeadPrediction, Prediction};
pub use span::Span;
pub use taxonomy::{
    Head, HeadKind, LabelDefinition, Role, Taxonomy, TaxonomyError, TaxonomySource,
};
pub use verdict::{Actor, Certainty, RouteChoice, StaffRole, StaffRoleError, Verdict};
