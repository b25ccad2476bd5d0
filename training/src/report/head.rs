//! All about one head.

use fenzhen::domain::{Head, HeadKind};
use maud::{Markup, html};

use crate::evaluation::{HeadEvaluation, JudgedHead, Measure, SafetyReport};
use crate::report::figures::{count, interval, label, percent, share};
use crate::report::{matrix, mistakes, plots};

/// The section of a head.
pub(super) fn section(judged: &JudgedHead, evaluated: &HeadEvaluation, texts: &[String]) -> Markup {
    let head = &judged.head;
    html! {
        section id=(format!("head-{}", head.id)) {
            h2 {
                bdi { (head.name) }
                @if head.name != head.id.as_str() { " " code { (head.id) } }
                small { (kind(head)) " · " (count(evaluated.report.n_texts)) " texts" }
            }
            (tiles(evaluated))
            @if let Some(safety) = &evaluated.safety { (safety_panel(head, evaluated, safety)) }
            div.pair {
                (plots::precision_coverage(evaluated))
                (plots::reliability(evaluated))
            }
            (matrix::labels(head, evaluated))
            (matrix::confusion(head, evaluated))
            (mistakes::mistakes(judged, texts))
        }
    }
}

fn kind(head: &Head) -> String {
    let n_labels = head.labels.len();
    match head.kind {
        HeadKind::MultiClass => format!("one of {n_labels} labels"),
        HeadKind::Ordinal => format!("one of {n_labels} ordered labels"),
        HeadKind::MultiLabel => format!("any of {n_labels} labels"),
    }
}

fn tiles(evaluated: &HeadEvaluation) -> Markup {
    // A head that never abstains has nothing to say about coverage.
    let of_coverage = [Measure::Coverage, Measure::AccuracyWhenCovered];
    let abstains = evaluated.report.coverage < 1.0;
    let shown = [
        Measure::Accuracy,
        Measure::MacroF1,
        Measure::MicroF1,
        Measure::QuadraticWeightedKappa,
        Measure::Ece,
        Measure::Coverage,
        Measure::AccuracyWhenCovered,
    ];
    html! {
        dl.tiles {
            @for measure in shown.into_iter().filter(|measure| abstains || !of_coverage.contains(measure)) {
                @if let Some(value) = evaluated.value(measure) {
                    div {
                        dt { (measure.name()) }
                        dd { (share(value)) (interval(evaluated.intervals.get(&measure).copied())) }
                    }
                }
            }
        }
    }
}

fn safety_panel(head: &Head, evaluated: &HeadEvaluation, safety: &SafetyReport) -> Markup {
    let of = |measure| interval(evaluated.intervals.get(&measure).copied());
    let labels: Vec<_> =
        safety.labels.iter().filter_map(|id| Some(&head.labels[head.label_idx(id)?])).collect();
    html! {
        aside.safety {
            h3 { "Is what must not be missed found?" }
            p {
                @for (position, definition) in labels.iter().enumerate() {
                    @if 0 < position { ", " }
                    (label(definition))
                }
                ": " (count(safety.n_safety)) " texts of " (count(safety.n_safety + safety.n_others)) "."
            }
            dl.tiles {
                div {
                    dt { "found at " (percent(safety.false_alarms)) " false alarms" }
                    dd { (share(safety.recall)) (of(Measure::SafetyRecall)) }
                }
                div {
                    dt { "found as it decides" }
                    dd { (share(safety.recall_as_decided)) (of(Measure::SafetyRecallAsDecided)) }
                }
                div {
                    dt { "false alarms as it decides" }
                    dd { (share(safety.false_alarms_as_decided)) (of(Measure::SafetyFalseAlarmsAsDecided)) }
                }
                div {
                    dt { "alarm from a probability of" }
                    dd { (share(safety.threshold)) }
                }
            }
        }
    }
}
