//! The shape of what clients send, and of what is written piece by piece, for the documentation.
//! Reading and writing it is the use cases' work, so that every mistake can be listed.

use serde::Serialize;
use utoipa::ToSchema;

use crate::triage::{Answer, Mistake};

/// Who complains 客户.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documentation alone")]
pub(super) struct CustomerBody {
    /// Your id of the customer.
    id: Option<String>,
    /// Name or user name.
    name: Option<String>,
    /// Telephone, e-mail or another way to reach the customer.
    contact: Option<String>,
}

/// What the complaint is about 对象.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documentation alone")]
pub(super) struct ObjectBody {
    /// Product or service.
    product: Option<String>,
    /// Shop or branch.
    shop: Option<String>,
    /// Employee.
    employee: Option<String>,
    /// Order number.
    order_number: Option<String>,
}

/// A complaint with everything that the intake system knows. Only `text` is required.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documentation alone")]
pub(super) struct SubmissionBody {
    /// Your own mark, echoed in answers to batches.
    id: Option<String>,
    /// What the customer wrote or said: not blank, at most 100,000 characters.
    text: String,
    /// `chat`, `hotline`, `order_page`, `form`, `email`, `social`, `store` or `regulator`.
    channel: Option<String>,
    /// Your id of the complaint, unique within its channel: the same complaint again is the same
    /// case, another one is refused.
    external_id: Option<String>,
    /// Who complains.
    customer: Option<CustomerBody>,
    /// What the complaint is about.
    object: Option<ObjectBody>,
    /// What the customer wants.
    demand: Option<String>,
    /// Links to screenshots, chats, photos, video; at most 50.
    evidence: Option<Vec<String>>,
    /// The amount in dispute in yuan, as a number or as text.
    amount: Option<f64>,
    /// `standard`, `member` or `vip`.
    customer_tier: Option<String>,
    /// How often the customer has contacted you about this before.
    prior_contacts: Option<u32>,
    /// When it happened, RFC 3339.
    occurred_at: Option<String>,
    /// When you received it, RFC 3339; now if not given. Clocks start here.
    received_at: Option<String>,
    /// The person who took it in; the case is theirs until somebody else takes it 首问负责制.
    received_by: Option<String>,
    /// Whether it must not be kept. What is only judged never is; `/v1/cases` refuses it.
    do_not_store: Option<bool>,
}

/// The answer to one item of a batch.
#[derive(Serialize, ToSchema)]
pub(super) struct BatchItem<'a> {
    /// The position of the item, from 0.
    index: usize,
    /// The item's own `id`, if it has one: any JSON.
    #[schema(value_type = Option<serde_json::Value>)]
    id: Option<serde_json::Value>,
    #[serde(flatten)]
    outcome: BatchOutcome<'a>,
}

/// The fields of a single answer, or every mistake of the item.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "documentation alone")]
enum BatchOutcome<'a> {
    Answer(Box<Answer<'a>>),
    Mistaken {
        /// Every mistake that was found.
        errors: Vec<Mistake>,
    },
}

/// Who does something.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documentation alone")]
pub(super) struct ActorBody {
    /// Your name for the person, such as a user name.
    name: String,
    /// `intake`, `front_line`, `triage_lead`, `escalation_team`, `department_head`,
    /// `service_director`, `executive`, `data_scientist`, `administrator` or `auditor`.
    role: String,
}

/// Labels by head: those of the live taxonomy.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documentation alone")]
pub(super) struct LabelsBody {
    category: Option<String>,
    severity: Option<String>,
    sentiment: Option<String>,
    /// All of them; an empty array says that the text states none.
    signals: Option<Vec<String>>,
}

/// Where a case belongs; what is not sent stays as it is.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documentation alone")]
pub(super) struct RouteBody {
    /// A queue of `/v1/queues`.
    queue: Option<String>,
    /// 1 front line, 2 escalation team, 3 executives.
    tier: Option<u8>,
    /// Whether executives must see it.
    executive_review: Option<bool>,
}

/// What a person says about a case: `labels`, a `route`, or both.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documentation alone")]
pub(super) struct CorrectionBody {
    /// The version of the case that the person has read.
    version: u32,
    /// Who says it.
    by: ActorBody,
    /// Why.
    reason: String,
    /// Only the heads that the person speaks of.
    labels: Option<LabelsBody>,
    /// Where the case belongs.
    route: Option<RouteBody>,
    /// How sure: 2 clear, which holds if not given, 1 arguable, 0 a guess.
    sure: Option<u8>,
}

/// A step of a case's life; the step says which fields it takes beside these.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documentation alone")]
pub(super) struct StepBody {
    /// The version of the case that the person has read.
    version: u32,
    /// Who does it.
    by: ActorBody,
}

/// Where a case goes: a `queue`, a `tier` or both.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documentation alone")]
pub(super) struct RerouteBody {
    /// The version of the case that the person has read.
    version: u32,
    /// Who does it.
    by: ActorBody,
    /// Why.
    reason: String,
    /// A queue of `/v1/queues`.
    queue: Option<String>,
    /// 1 front line, 2 escalation team, 3 executives.
    tier: Option<u8>,
    /// Whether executives must see it.
    executive_review: Option<bool>,
}

/// A system that wants to hear of events. Only `url` is required.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documentation alone")]
pub(super) struct WebhookBody {
    /// Where events go, over https; over http within the operator's networks.
    url: String,
    /// Only these kinds, such as `case.escalated`; all if not given.
    kinds: Option<Vec<String>>,
    /// Whether bodies carry what people wrote; they do not if not given.
    with_words: Option<bool>,
}

/// Which dead letters to send again.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documentation alone")]
pub(super) struct ReplayBody {
    /// Their ids; all if not given.
    ids: Option<Vec<String>>,
}

/// Why a submission is another complaint.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documentation alone")]
pub(super) struct SeparationBody {
    /// The version of the case that the person has read.
    version: u32,
    /// Who does it.
    by: ActorBody,
    /// Why.
    reason: String,
}
