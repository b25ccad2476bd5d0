//! Whether a model answers all the questions that the live one does.

use fenzhen::domain::{Head, HeadKind};
use fenzhen::inference::Classifier;
use fenzhen::registry::Verdict;

use crate::gate::Check;

/// A compatible model has every head of the live one, of the same kind and with all its labels, and
/// keeps the order of ordinal ones. It may have more.
pub(super) fn check(live: &dyn Classifier, candidate: &dyn Classifier) -> Check {
    let mut problems = Vec::new();
    let (mut n_labels, mut n_new) = (0, 0);
    for head in live.taxonomy().heads() {
        match candidate.taxonomy().find_head(head.id.as_str()) {
            None => problems.push(format!("head `{}` is gone", head.id)),
            Some((_, next)) => {
                problems.extend(compare(head, next));
                n_labels += head.labels.len();
                n_new += next.labels.len().saturating_sub(head.labels.len());
            }
        }
    }
    let n_heads = live.taxonomy().heads().len();
    if problems.is_empty() {
        let more = if n_new == 0 { String::new() } else { format!(", {n_new} new labels") };
        let note = format!("all {n_heads} heads and {n_labels} labels are there{more}");
        Check::of("taxonomy", Verdict::Pass, note)
    } else {
        Check::of("taxonomy", Verdict::Fail, problems.join("; "))
    }
}

fn compare(live: &Head, next: &Head) -> Vec<String> {
    let id = &live.id;
    if live.kind != next.kind {
        return vec![format!("head `{id}` is of another kind")];
    }
    let places: Vec<Option<usize>> =
        live.labels.iter().map(|label| next.label_idx(label.id.as_str())).collect();
    let lost = live.labels.iter().zip(&places).filter(|(_, place)| place.is_none());
    let mut problems: Vec<String> =
        lost.map(|(label, _)| format!("head `{id}` has lost its label `{}`", label.id)).collect();
    let order: Vec<usize> = places.into_iter().flatten().collect();
    if live.kind == HeadKind::Ordinal && !order.is_sorted() {
        problems.push(format!("head `{id}` orders its labels otherwise"));
    }
    problems
}
