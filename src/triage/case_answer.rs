//! What a stored case looks like in JSON.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::{Channel, Elements, LabelId, Labels, Money};
use crate::store::{Case, JoinedSubmission, Matter, NewCase, RelatedCase};
use crate::text;

/// How many characters of a text a list shows.
const N_EXCERPT_CHARS: usize = 80;

/// A case as a list shows it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaseSummary<'a> {
    /// The case.
    id: String,
    /// Where it stands.
    status: &'a str,
    /// Its version; who writes the case names the one that they have read.
    version: u32,
    /// Where it came in.
    channel: Option<&'static str>,
    /// The sender's id of it.
    external_id: Option<&'a str>,
    /// The first words of the text, personal data masked.
    excerpt: String,
    /// When it was received.
    #[schema(value_type = String)]
    received_at: Timestamp,
    /// Whose list it is on.
    queue: &'a str,
    /// The department that answers for it.
    department: &'a str,
    /// Who decides: 1 front line, 2 escalation team, 3 executives.
    tier: u8,
    /// What it is about.
    category: Option<&'a str>,
    /// How severe it is.
    severity: &'a str,
    /// The mood of the writer.
    sentiment: Option<&'a str>,
    /// Whether executives must see it.
    executive_review: bool,
    /// Whether a person must label it first.
    needs_triage: bool,
    /// How urgent it is; a higher number is handled first.
    priority: f64,
    /// The earliest deadline.
    #[schema(value_type = String)]
    first_due_at: Timestamp,
    /// When it must be settled.
    #[schema(value_type = String)]
    resolution_due_at: Timestamp,
    /// Whether rules alone decided.
    fallback: bool,
}

/// A case with everything that is known about it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaseAnswer<'a> {
    #[serde(flatten)]
    summary: CaseSummary<'a>,
    /// What the customer wrote or said.
    text: &'a str,
    /// Customer, object, demand and evidence.
    elements: ElementsAnswer<'a>,
    /// The amount in dispute in yuan.
    amount: Option<f64>,
    /// The customer's tier.
    customer_tier: &'static str,
    /// Earlier contacts that the intake system counts.
    prior_contacts: Option<u32>,
    /// When it happened.
    #[schema(value_type = Option<String>)]
    occurred_at: Option<Timestamp>,
    /// When it was stored.
    #[schema(value_type = String)]
    created_at: Timestamp,
    /// The labels that count now, by head: people's over those of the intake.
    #[schema(value_type = Object)]
    labels: &'a Labels,
    /// What the model said when the case came in; empty without one.
    #[schema(value_type = Object)]
    model_labels: &'a Labels,
    /// The answer of `/v1/classify` as it was given when the case came in.
    #[schema(value_type = Object)]
    classification: Option<&'a RawValue>,
    /// Which of the five elements are missing; the firm asks the customer for them.
    missing: Vec<&'static str>,
    /// The same complaint over again, oldest first.
    joined: Vec<JoinedAnswer<'a>>,
    /// Other cases about the same matter, newest first.
    repeats: Vec<RepeatAnswer<'a>>,
    /// What the submission that was just sent is called in `joined`, if it was joined.
    #[serde(skip_serializing_if = "Option::is_none")]
    joined_as: Option<String>,
}

/// A submission that says what the case says.
#[derive(Debug, Serialize, ToSchema)]
pub struct JoinedAnswer<'a> {
    /// The submission.
    id: String,
    /// Where it came in.
    channel: Option<&'static str>,
    /// The sender's id of it.
    external_id: Option<&'a str>,
    /// When it was received.
    #[schema(value_type = String)]
    received_at: Timestamp,
    /// What the customer wrote or said.
    text: &'a str,
    /// Customer, object, demand and evidence, as it states them.
    elements: ElementsAnswer<'a>,
    /// The amount in dispute in yuan.
    amount: Option<f64>,
    /// How like it is, from 0 to 1.
    similarity: f64,
}

/// Another case about the same matter.
#[derive(Debug, Serialize, ToSchema)]
pub struct RepeatAnswer<'a> {
    /// The case.
    id: String,
    /// Where it stands.
    status: &'a str,
    /// When it was received.
    #[schema(value_type = String)]
    received_at: Timestamp,
}

/// Customer, object, demand and evidence.
#[derive(Debug, Serialize, ToSchema)]
pub struct ElementsAnswer<'a> {
    customer_id: Option<&'a str>,
    customer_name: Option<&'a str>,
    customer_contact: Option<&'a str>,
    product: Option<&'a str>,
    shop: Option<&'a str>,
    employee: Option<&'a str>,
    order_number: Option<&'a str>,
    demand: Option<&'a str>,
    evidence: &'a [String],
}

impl<'a> CaseSummary<'a> {
    /// Shows a case in short.
    pub fn new(case: &'a Case) -> Self {
        let record = &case.record;
        let triage = &record.triage;
        let text = record.complaint.text.as_str();
        let excerpt_end = text.char_indices().nth(N_EXCERPT_CHARS).map_or(text.len(), |(it, _)| it);
        Self {
            id: record.id.to_string(),
            status: &case.status,
            version: case.version,
            channel: record.complaint.channel.map(Channel::as_str),
            external_id: record.external_id.as_deref(),
            excerpt: text::mask(&text[..excerpt_end]),
            received_at: record.complaint.received_at,
            queue: triage.queue.as_str(),
            department: &triage.department,
            tier: triage.tier.into(),
            category: triage.category.as_ref().map(LabelId::as_str),
            severity: triage.severity.as_str(),
            sentiment: triage.sentiment.as_ref().map(LabelId::as_str),
            executive_review: triage.executive_review,
            needs_triage: triage.needs_triage,
            priority: triage.priority,
            first_due_at: triage.first_due_at,
            resolution_due_at: triage.resolution_due_at,
            fallback: triage.fallback,
        }
    }

    /// How urgent it is.
    pub const fn priority(&self) -> f64 {
        self.priority
    }
}

impl<'a> CaseAnswer<'a> {
    /// Shows a case in full, with what belongs to it.
    pub fn new(case: &'a Case, matter: &'a Matter) -> Self {
        let record = &case.record;
        let complaint = &record.complaint;
        Self {
            summary: CaseSummary::new(case),
            text: complaint.text.as_str(),
            elements: ElementsAnswer::new(&record.elements),
            amount: complaint.amount.map(Money::yuan),
            customer_tier: complaint.customer_tier.as_str(),
            prior_contacts: complaint.prior_contacts,
            occurred_at: record.occurred_at,
            created_at: record.created_at,
            labels: &record.triage.labels,
            model_labels: &record.triage.model_labels,
            classification: serde_json::from_str(&record.triage.answer).ok(),
            missing: missing(record, matter),
            joined: matter.joined.iter().map(JoinedAnswer::new).collect(),
            repeats: matter.repeats.iter().map(RepeatAnswer::new).collect(),
            joined_as: None,
        }
    }

    /// Says which submission has just been joined.
    #[must_use]
    pub fn joined_as(mut self, submission_id: Uuid) -> Self {
        self.joined_as = Some(submission_id.to_string());
        self
    }
}

/// The elements that neither the case nor a submission joined to it has.
fn missing(record: &NewCase, matter: &Matter) -> Vec<&'static str> {
    let joined = matter.joined.iter().map(|it| &it.elements);
    let all: Vec<&Elements> = std::iter::once(&record.elements).chain(joined).collect();
    let lacks = |has: fn(&Elements) -> bool| !all.iter().any(|it| has(it));
    let elements = [
        ("customer", lacks(|it| it.customer_name.is_some() || it.customer_id.is_some())),
        ("contact", lacks(|it| it.customer_contact.is_some())),
        ("object", lacks(|it| it.product.is_some() || it.order_number.is_some())),
        ("demand", lacks(|it| it.demand.is_some())),
        ("evidence", !matter.has_files && lacks(|it| !it.evidence.is_empty())),
    ];
    elements.into_iter().filter(|it| it.1).map(|it| it.0).collect()
}

impl<'a> ElementsAnswer<'a> {
    fn new(elements: &'a Elements) -> Self {
        Self {
            customer_id: elements.customer_id.as_deref(),
            customer_name: elements.customer_name.as_deref(),
            customer_contact: elements.customer_contact.as_deref(),
            product: elements.product.as_deref(),
            shop: elements.shop.as_deref(),
            employee: elements.employee.as_deref(),
            order_number: elements.order_number.as_deref(),
            demand: elements.demand.as_deref(),
            evidence: &elements.evidence,
        }
    }
}

impl<'a> JoinedAnswer<'a> {
    fn new(joined: &'a JoinedSubmission) -> Self {
        let complaint = &joined.complaint;
        Self {
            id: joined.id.to_string(),
            channel: complaint.channel.map(Channel::as_str),
            external_id: joined.external_id.as_deref(),
            received_at: complaint.received_at,
            text: complaint.text.as_str(),
            elements: ElementsAnswer::new(&joined.elements),
            amount: complaint.amount.map(Money::yuan),
            similarity: joined.similarity,
        }
    }
}

impl<'a> RepeatAnswer<'a> {
    fn new(related: &'a RelatedCase) -> Self {
        let RelatedCase { id, status, received_at, .. } = related;
        Self { id: id.to_string(), status, received_at: *received_at }
    }
}
