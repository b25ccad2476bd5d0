//! The small signs that stand on many pages: severity, deadlines, tiers.

use jiff::Timestamp;
use maud::{Markup, html};

use crate::domain::Role;
use crate::http::console::words;
use crate::store::Case;
use crate::triage::Knowledge;

/// A deadline that counts; the script keeps it going.
pub(super) fn deadline(due: Timestamp, now: Timestamp) -> Markup {
    if due == Timestamp::MAX {
        return html! { span.soft { "无" } };
    }
    html! {
        span.due.over[due < now] data-due=(due.as_millisecond()) { (words::remaining(due, now)) }
    }
}

/// How severe a case is, by its rank in the taxonomy.
pub(super) fn severity(case: &Case, knowledge: &Knowledge) -> Markup {
    let severity = &case.record.triage.severity;
    let head = knowledge.taxonomy.role(Role::Severity).map(|(_, head)| head);
    let found = head.and_then(|head| Some((head, head.label_idx(severity.as_str())?)));
    let Some((head, rank)) = found else { return html! { span.tag { (severity) } } };
    // The colors are for the highest ranks, however many there are.
    let color = 3_usize.saturating_sub(head.labels.len() - 1 - rank);
    html! { span class=(format!("tag rank-{color}")) { (head.labels[rank].name) } }
}

/// A short name of a case, which people can say and type: the end of its id, which differs from
/// case to case.
pub(super) fn short(id: uuid::Uuid) -> String {
    let id = id.simple().to_string();
    id[id.len() - 6..].to_uppercase()
}
