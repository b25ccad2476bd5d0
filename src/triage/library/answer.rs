//! What the library looks like in JSON.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{LabelId, Span};
use crate::store::{Count, Found};
use crate::text::{self, Query};

/// Seconds in an hour.
const HOUR_S: f64 = 3_600.0;

/// A page of archived cases.
#[derive(Debug, Serialize, ToSchema)]
pub struct LibraryAnswer {
    /// How many cases there are; on the first page alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<TotalAnswer>,
    /// The words that were looked for: all of them are in each case.
    pub words: Vec<String>,
    /// The cases, the last archived first.
    pub cases: Vec<ArchivedAnswer>,
    /// Send it as `cursor` for the next page; null on the last one.
    pub next_cursor: Option<String>,
}

/// How many there are.
#[derive(Debug, Serialize, ToSchema)]
pub struct TotalAnswer {
    /// That many when `exact`, at least that many when not.
    pub value: u64,
    /// Whether there are no more.
    pub exact: bool,
}

/// A place in the masked text, in characters.
#[derive(Debug, Serialize, ToSchema)]
pub struct HighlightAnswer {
    /// The first character.
    pub start: usize,
    /// One past the last.
    pub end: usize,
}

/// An archived case with its resolution.
#[derive(Debug, Serialize, ToSchema)]
pub struct ArchivedAnswer {
    /// The case.
    pub id: String,
    /// When the firm received it.
    #[schema(value_type = String)]
    pub received_at: Timestamp,
    /// When it was archived.
    #[schema(value_type = String)]
    pub archived_at: Timestamp,
    /// What it is about.
    pub category: Option<String>,
    /// How severe it was.
    pub severity: String,
    /// The department that answered for it.
    pub department: String,
    /// Product or service.
    pub product: Option<String>,
    /// Shop or branch.
    pub shop: Option<String>,
    /// What the customer wrote, personal data masked.
    pub text: String,
    /// Where the words that were looked for stand in `text`.
    pub highlights: Vec<HighlightAnswer>,
    /// What was written when it was archived, personal data masked.
    pub resolution: String,
    /// The remedies with which it ended; empty when nothing was agreed on.
    pub outcome: Vec<String>,
    /// Who was liable: `company`, `customer`, `third_party` or `mixed`.
    pub liability: Option<String>,
    /// Compensation and vouchers in yuan.
    pub compensation: f64,
    /// Refunds in yuan.
    pub refund: f64,
    /// How content the customer was, 1 to 5.
    pub satisfaction: Option<u8>,
    /// How often it was opened again.
    pub n_reopened: u32,
    /// Hours from its reception until it was settled, by the wall clock.
    pub hours_to_settle: Option<f64>,
}

impl ArchivedAnswer {
    /// Shows an entry, with the places of the words that were looked for.
    pub(super) fn new(found: &Found, query: Option<&Query>) -> Self {
        let it = &found.archived;
        let text = text::mask(found.text.as_str());
        let highlights = query.map(|query| in_characters(&text, &query.highlights(&text)));
        let settled_after = it.settled_at.map(|at| at.duration_since(it.received_at));
        Self {
            id: it.case_id.to_string(),
            received_at: it.received_at,
            archived_at: it.archived_at,
            category: it.category.as_ref().map(LabelId::as_str).map(ToOwned::to_owned),
            severity: it.severity.to_string(),
            department: it.department.clone(),
            product: found.product.clone(),
            shop: found.shop.clone(),
            text,
            highlights: highlights.unwrap_or_default(),
            resolution: it.summary.clone(),
            outcome: it.outcome.clone(),
            liability: it.liability.clone(),
            compensation: it.compensation.yuan(),
            refund: it.refund.yuan(),
            satisfaction: it.satisfaction,
            n_reopened: it.n_reopened,
            hours_to_settle: settled_after.map(|it| it.as_secs_f64() / HOUR_S),
        }
    }
}

impl From<Count> for TotalAnswer {
    fn from(Count { value, exact }: Count) -> Self {
        Self { value, exact }
    }
}

/// Places in characters, in one walk over the text.
fn in_characters(text: &str, spans: &[Span]) -> Vec<HighlightAnswer> {
    let (mut at, mut n_chars) = (0, 0);
    let mut chars_until = |byte: usize| {
        n_chars += text[at..byte].chars().count();
        at = byte;
        n_chars
    };
    let place = |span: &Span| HighlightAnswer {
        start: chars_until(span.start),
        end: chars_until(span.end),
    };
    spans.iter().map(place).collect()
}
