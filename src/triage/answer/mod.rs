//! What a classification looks like in JSON: the contract of `POST /v1/classify`, the same for
//! HTTP, the command line and the record kept with a case. Values are borrowed, because an answer
//! is written once and at once.

mod view;

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::domain::ReasonSource;

/// What Fenzhen says about a complaint.
#[derive(Debug, Serialize, ToSchema)]
pub struct Answer<'a> {
    /// What the complaint is about; null when neither model nor rule can say.
    category: Option<CategoryAnswer<'a>>,
    /// How severe it is.
    severity: SeverityAnswer<'a>,
    /// The mood of the writer; null without a model.
    sentiment: Option<LabelAnswer<'a>>,
    /// The risks that the text states.
    signals: Vec<SignalAnswer<'a>>,
    /// The numbers that the text states.
    facts: FactsAnswer<'a>,
    /// What is done.
    decision: DecisionAnswer<'a>,
    /// The rules that fired.
    rules: RulesAnswer<'a>,
    /// The model that answered.
    model: ModelAnswer<'a>,
    /// Whether rules alone decided because the model did not answer.
    fallback: bool,
}

/// A chosen label.
#[derive(Debug, Serialize, ToSchema)]
pub struct LabelAnswer<'a> {
    /// The label.
    label: &'a str,
    /// Its name for people.
    name: &'a str,
    /// The model's calibrated probability.
    #[serde(serialize_with = "probability")]
    confidence: f32,
    /// What in the text carried the label, strongest first.
    evidence: Vec<EvidenceAnswer<'a>>,
}

/// What the complaint is about.
#[derive(Debug, Serialize, ToSchema)]
pub struct CategoryAnswer<'a> {
    /// The label.
    label: &'a str,
    /// Its name for people.
    name: &'a str,
    /// The model's calibrated probability; null when a rule chose in place of the model.
    #[serde(serialize_with = "optional_probability")]
    confidence: Option<f32>,
    /// What else it may be, most likely first.
    alternatives: Vec<Alternative<'a>>,
    /// What in the text carried the label, strongest first.
    evidence: Vec<EvidenceAnswer<'a>>,
}

/// Another label that a text may have.
#[derive(Debug, Serialize, ToSchema)]
pub struct Alternative<'a> {
    /// The label.
    label: &'a str,
    /// Its name for people.
    name: &'a str,
    /// The model's calibrated probability.
    #[serde(serialize_with = "probability")]
    confidence: f32,
}

/// How severe a complaint is, and who says so.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeverityAnswer<'a> {
    /// The severity that counts, never below `predicted`.
    label: &'a str,
    /// Its name for people.
    name: &'a str,
    /// What the model says; null without a model.
    predicted: Option<&'a str>,
    /// The model's calibrated probability of `predicted`.
    #[serde(serialize_with = "optional_probability")]
    confidence: Option<f32>,
    /// The rules that raised it above the prediction.
    raised_by: Vec<&'a str>,
    /// What in the text carried the prediction, strongest first.
    evidence: Vec<EvidenceAnswer<'a>>,
}

/// A risk that the text states.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignalAnswer<'a> {
    /// The label.
    label: &'a str,
    /// Its name for people.
    name: &'a str,
    /// The model's calibrated probability, whoever found the signal; null without a model.
    #[serde(serialize_with = "optional_probability")]
    confidence: Option<f32>,
    /// Whether the model found it.
    predicted: bool,
    /// The rules that found it.
    rules: Vec<&'a str>,
    /// Where in the text.
    evidence: Vec<EvidenceAnswer<'a>>,
}

/// A place in the text.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct EvidenceAnswer<'a> {
    /// First character, counted in Unicode scalar values from 0.
    start: usize,
    /// One past the last character.
    end: usize,
    /// The words.
    text: &'a str,
}

/// The numbers that the text states.
#[derive(Debug, Serialize, ToSchema)]
pub struct FactsAnswer<'a> {
    /// Amounts in yuan.
    amounts: Vec<AmountAnswer<'a>>,
    /// Days, as `2026-10-01` or, without a year, `10-01`.
    dates: Vec<String>,
    /// Order, tracking and ticket numbers.
    order_numbers: Vec<&'a str>,
    /// How often the customer says to have made contact before.
    prior_contacts: Option<u32>,
    /// How many people are affected.
    people: Option<u32>,
}

/// An amount that the text states.
#[derive(Debug, Serialize, ToSchema)]
pub struct AmountAnswer<'a> {
    /// Yuan.
    yuan: f64,
    /// Whether the text says roughly.
    approximate: bool,
    /// Where in the text.
    evidence: EvidenceAnswer<'a>,
}

/// What is done with the complaint.
#[derive(Debug, Serialize, ToSchema)]
pub struct DecisionAnswer<'a> {
    /// The queue.
    queue: &'a str,
    /// The queue's name for people.
    queue_name: &'a str,
    /// The department that answers for it.
    department: &'a str,
    /// Who decides: 1 front line, 2 escalation team, 3 executives.
    tier: u8,
    /// Whether executives must see it.
    executive_review: bool,
    /// Whether a person must label it first.
    needs_triage: bool,
    /// How urgent it is; a higher number is handled first.
    priority: f64,
    /// The summands of the priority.
    priority_terms: Vec<PriorityTermAnswer<'a>>,
    /// By when what must have happened.
    deadlines: DeadlinesAnswer<'a>,
    /// Why, in Chinese.
    reasons: Vec<ReasonAnswer<'a>>,
}

/// One summand of a priority.
#[derive(Debug, Serialize, ToSchema)]
pub struct PriorityTermAnswer<'a> {
    /// What it is for.
    name: &'a str,
    /// What was found.
    value: &'a str,
    /// What it adds.
    points: f64,
}

/// The clocks of a case.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct DeadlinesAnswer<'a> {
    /// The customer hears that the complaint is accepted.
    acceptance: Option<DeadlineAnswer<'a>>,
    /// The customer hears an answer.
    first_response: Option<DeadlineAnswer<'a>>,
    /// The matter is settled.
    resolution: Option<DeadlineAnswer<'a>>,
}

/// One clock.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeadlineAnswer<'a> {
    /// The last moment, RFC 3339.
    #[schema(value_type = String)]
    due_at: Timestamp,
    /// The period in words.
    period: &'a str,
    /// Whether it falls in a year whose holidays are not published yet.
    provisional: bool,
}

/// Why a decision is as it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReasonAnswer<'a> {
    /// What it rests on: `model`, `rule`, `policy`, `fallback` or, once a case is corrected, `person`.
    #[schema(value_type = String)]
    source: ReasonSource,
    /// A stable identifier.
    code: &'a str,
    /// A sentence for people.
    message: &'a str,
}

/// The rules that fired.
#[derive(Debug, Serialize, ToSchema)]
pub struct RulesAnswer<'a> {
    /// The rule set.
    version: &'a str,
    /// Each rule that fired.
    fired: Vec<FiredRule<'a>>,
}

/// A rule that fired.
#[derive(Debug, Serialize, ToSchema)]
pub struct FiredRule<'a> {
    /// The rule.
    id: &'a str,
    /// Its name for people.
    name: &'a str,
    /// Why such cases matter.
    reason: &'a str,
    /// Who answers for the rule.
    owner: &'a str,
    /// The severity that it demands at least.
    severity: Option<&'a str>,
    /// Whether it demands an executive review.
    executive_review: bool,
    /// What made it fire; empty when fields alone did.
    evidence: Vec<EvidenceAnswer<'a>>,
}

/// The model that answered.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelAnswer<'a> {
    /// Name and digest; null when rules alone answered.
    version: Option<&'a str>,
    /// Whether its fast part answered alone, because the text was easy and many waited.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cascade: bool,
}

/// Four digits are more than a calibrated probability can mean.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn probability<S: Serializer>(value: &f32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((f64::from(*value) * 1e4).round() / 1e4)
}

#[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn optional_probability<S: Serializer>(
    value: &Option<f32>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => probability(value, serializer),
        None => serializer.serialize_none(),
    }
}
