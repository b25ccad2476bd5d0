//! The use cases: classify a complaint, receive it as a case, look cases up. They join the pure
//! modules below to the store and are the same for HTTP and the command line. They know neither.

mod agreement;
mod alarms;
mod answer;
mod arrival;
mod backlog;
mod bulk;
mod case_answer;
mod correct;
mod correction;
mod courier;
mod desk;
mod engine;
mod evidence;
mod fields;
mod gateway;
mod knowledge;
mod library;
mod masking;
mod message;
mod message_answer;
mod meters;
mod parameters;
mod privacy;
mod progress;
mod progress_answer;
mod reach;
mod review;
mod separate;
mod stats;
mod step;
mod submission;
mod veil;
mod webhook;

pub use agreement::WeekAgreement;
pub use alarms::Struck;
pub use answer::{
    Alternative, AmountAnswer, Answer, CategoryAnswer, DeadlineAnswer, DeadlinesAnswer,
    DecisionAnswer, EvidenceAnswer, FactsAnswer, FiredRule, LabelAnswer, ModelAnswer,
    PriorityTermAnswer, ReasonAnswer, RulesAnswer, SeverityAnswer, SignalAnswer,
};
pub use backlog::Shared;
pub use bulk::{BulkItem, ItemAnswer, Place, answer_items};
pub use case_answer::{CaseAnswer, CaseSummary, ElementsAnswer, JoinedAnswer, RepeatAnswer};
pub use correction::{
    CorrectionAnswer, CorrectionRequest, ReasonRequest, RouteAnswer, parse_actor,
};
pub use courier::{Courier, MAX_ATTEMPTS};
pub use desk::{Desk, DeskError, Receipt};
pub use engine::{Busy, Classification, Engine, EngineOptions};
pub use evidence::{FileAnswer, NewFile};
pub use fields::{Mistake, why_not_json};
pub use gateway::{Gateway, GatewayError, Gateways, GatewaysError};
pub use knowledge::{Groundwork, Knowledge, LoadError, ModelState, Sources};
pub use library::{
    ArchivedAnswer, HighlightAnswer, LibraryAnswer, LibraryRequest, Shelf, SimilarAnswer,
    SimilarCase, SimilarRequest, TotalAnswer, vector_model,
};
pub use masking::mask_answer;
pub use message::MessageRequest;
pub use message_answer::{DraftAnswer, MessageAnswer, MessagesAnswer, RecipientAnswer};
pub(crate) use parameters::Parameters;
pub use privacy::{ErasureAnswer, ErasureRequest, ExportAnswer, KeptCase, PersonRequest};
pub use progress::CaseLife;
pub(crate) use progress::timetable;
pub use progress_answer::{ClockAnswer, ProgressAnswer};
pub use review::{
    AlertAnswer, AlertsAnswer, ImprovementAnswer, ImprovementRequest, ImprovementsAnswer,
    ReviewList, ReviewStep, StepAnswer,
};
pub use separate::{Parting, SeparationRequest};
pub use stats::{
    AgreementStats, ArchivedStats, CategoryStats, ReceivedStats, SettleStats, SharedCount,
    StatsAnswer, StatsRequest,
};
pub use step::{STEPS, StepRequest};
pub use submission::{SUBMISSION_FIELDS, Submission, parse_submission};
pub use veil::Veil;
pub use webhook::{DeadLetterAnswer, WebhookAnswer, WebhookRequest};
