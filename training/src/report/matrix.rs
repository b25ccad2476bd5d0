//! What was taken for what, and label by label how well each is found. Tables rather than
//! pictures: they can be read aloud, copied and printed; color only repeats what the numbers say.

use fenzhen::domain::{Head, LabelDefinition};
use maud::{Markup, html};

use crate::evaluation::{BinaryConfusion, Confusion, HeadEvaluation};
use crate::report::figures::{bar, count, label};

/// From this depth of color on, numbers are white.
const STRONG: f64 = 0.75;

/// The table of a head.
pub(super) fn confusion(head: &Head, evaluated: &HeadEvaluation) -> Markup {
    html! {
        @if let Some(confusion) = &evaluated.confusion { (matrix(head, confusion)) }
        @if evaluated.confusion_by_label.is_some() { (by_label(head, evaluated)) }
    }
}

fn matrix(head: &Head, confusion: &Confusion) -> Markup {
    html! {
        figure.wide {
            figcaption {
                h3 { "What is taken for what?" }
                p {
                    "A row per right label, a column per chosen one; the stronger the color, the larger the share of the row. "
                    span.keys { span.key.right {} " right " span.key.wrong {} " mistaken" }
                }
            }
            div.scroll tabindex="0" {
                table.matrix style=(format!("max-width:{}rem", 12 + 5 * head.labels.len())) {
                    thead {
                        tr {
                            td {}
                            @for label in &head.labels {
                                th scope="col" { span title=(label.id) { bdi { (label.name) } } }
                            }
                            th scope="col" { span { "texts" } }
                        }
                    }
                    tbody {
                        @for (row, (definition, counts)) in head.labels.iter().zip(&confusion.counts).enumerate() {
                            @let n: usize = counts.iter().sum();
                            tr {
                                th scope="row" title=(definition.id) { bdi { (definition.name) } }
                                @for (column, &n_cell) in counts.iter().enumerate() { (cell(n_cell, n, row == column)) }
                                td.total { (count(n)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn cell(n_cell: usize, n_row: usize, is_right: bool) -> Markup {
    // The root keeps the few texts of a rare mistake visible.
    let depth = (n_cell as f64 / n_row.max(1) as f64).sqrt();
    let class = match (is_right, STRONG < depth) {
        (true, false) => "right",
        (true, true) => "right strong",
        (false, false) => "wrong",
        (false, true) => "wrong strong",
    };
    html! {
        @if n_cell == 0 { td.nothing { "·" } }
        @else { td class=(class) style=(format!("--depth:{depth:.3}")) { (n_cell) } }
    }
}

fn by_label(head: &Head, evaluated: &HeadEvaluation) -> Markup {
    let counts = evaluated.confusion_by_label.as_ref();
    html! {
        figure.wide {
            figcaption {
                h3 { "What is missed, what is raised wrongly?" }
                p { "Texts by label; the stronger the color, the larger the share of the texts that have it." }
            }
            div.scroll tabindex="0" {
                table.matrix.flat style="max-width:52rem" {
                    thead {
                        tr {
                            td {}
                            @for title in ["found", "missed", "raised wrongly", "rightly silent"] {
                                th scope="col" { (title) }
                            }
                        }
                    }
                    tbody {
                        @for definition in &head.labels {
                            @if let Some(counts) = counts.and_then(|it| it.get(definition.id.as_str())) {
                                tr {
                                    th scope="row" { (label(definition)) }
                                    (binary_cells(*counts))
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn binary_cells(counts: BinaryConfusion) -> Markup {
    let n = counts.true_positives + counts.false_negatives;
    html! {
        (cell(counts.true_positives, n, true))
        (cell(counts.false_negatives, n, false))
        (cell(counts.false_positives, n.max(counts.false_positives), false))
        td.total { (count(counts.true_negatives)) }
    }
}

/// Precision, recall and F1 label by label.
pub(super) fn labels(head: &Head, evaluated: &HeadEvaluation) -> Markup {
    html! {
        figure.wide {
            figcaption {
                h3 { "Which labels does it know?" }
                p {
                    "Precision: how many of its choices are right. Recall: how many of the texts with the label it finds. "
                    "The line over a bar is the 95 % interval: few texts, long line."
                }
            }
            table.labels {
                thead {
                    tr {
                        th scope="col" { "label" }
                        th.n scope="col" { "texts" }
                        @for title in ["precision", "recall", "F1"] { th scope="col" { (title) } }
                    }
                }
                tbody {
                    @for definition in &head.labels { (label_row(definition, evaluated)) }
                }
            }
        }
    }
}

fn label_row(definition: &LabelDefinition, evaluated: &HeadEvaluation) -> Markup {
    let id = definition.id.as_str();
    let intervals = evaluated.label_intervals.get(id);
    html! {
        @if let Some(report) = evaluated.report.labels.get(id) {
            tr {
                th scope="row" { (label(definition)) }
                td.n data-title="texts" { (count(report.n_texts)) }
                td data-title="precision" { (bar(report.precision, intervals.and_then(|it| it.precision))) }
                td data-title="recall" { (bar(report.recall, intervals.and_then(|it| it.recall))) }
                td data-title="F1" { (bar(report.f1, intervals.and_then(|it| it.f1))) }
            }
        }
    }
}
