//! The page around the heads: what was judged, the figures side by side, and where the model and
//! the texts come from.

use fenzhen::registry::DataSource;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::evaluation::{HeadEvaluation, JudgedHead, Measure};
use crate::report::figures::{bar, count, interval};
use crate::report::{Report, head, trained_on};

const STYLE: &str = include_str!("style.css");

/// Nothing may be loaded and nothing may run, whatever a text says.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The measures of the summary.
const SUMMARY: [Measure; 6] = [
    Measure::Accuracy,
    Measure::MacroF1,
    Measure::QuadraticWeightedKappa,
    Measure::MicroF1,
    Measure::Ece,
    Measure::SafetyRecall,
];

pub(super) fn page(report: Report<'_>) -> Markup {
    let evaluation = report.evaluation;
    let heads: Vec<(&JudgedHead, &HeadEvaluation)> = (report.judged.heads.iter())
        .filter_map(|judged| Some((judged, evaluation.heads.get(judged.head.id.as_str())?)))
        .collect();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (evaluation.model) " on " (count(evaluation.n_texts)) " texts" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { (title(report)) }
                nav aria-label="Sections" {
                    a href="#summary" { "Summary" }
                    @for (judged, _) in &heads {
                        a href=(format!("#head-{}", judged.head.id)) { bdi { (judged.head.name) } }
                    }
                    a href="#lineage" { "Lineage" }
                }
                main {
                    (summary(&heads))
                    @for (judged, evaluated) in heads { (head::section(judged, evaluated, report.texts)) }
                    (lineage(report))
                }
                footer { p { "Made by fenzhen-lab. Holds texts of customers with personal data masked: keep it among those who may read them." } }
            }
        }
    }
}

fn title(report: Report<'_>) -> Markup {
    let evaluation = report.evaluation;
    let (name, digest) = evaluation.model.split_once('@').unwrap_or((&evaluation.model, ""));
    html! {
        p.eyebrow { "Evaluation" }
        h1 { (name) @if !digest.is_empty() { span.digest { "@" (digest) } } }
        p.lede {
            "Judged on " b { (count(evaluation.n_texts)) } " labelled texts. "
            @if 0 < evaluation.n_resamples {
                "Small print gives 95 % intervals from " (count(evaluation.n_resamples))
                " bootstrap resamples: where a figure would lie on other texts of the same kind."
            }
        }
        @for source in trained_on(report.manifest, &evaluation.data) {
            p.warning role="note" {
                b { "Not an honest test: " } "the model was trained on " code { (source.name) }
                ", which is part of these texts. The figures flatter it."
            }
        }
    }
}

fn summary(heads: &[(&JudgedHead, &HeadEvaluation)]) -> Markup {
    let has = |measure: &Measure| heads.iter().any(|(_, it)| it.value(*measure).is_some());
    let measures: Vec<Measure> = SUMMARY.into_iter().filter(has).collect();
    html! {
        section id="summary" {
            h2 { "Summary" }
            div.scroll tabindex="0" {
                table.summary {
                    thead {
                        tr {
                            th scope="col" { "head" }
                            @for measure in &measures { th scope="col" { (measure.name()) } }
                        }
                    }
                    tbody {
                        @for (judged, evaluated) in heads {
                            tr {
                                th scope="row" {
                                    a href=(format!("#head-{}", judged.head.id)) { bdi { (judged.head.name) } }
                                }
                                @for &measure in &measures { td data-title=(measure.name()) { (summary_cell(evaluated, measure)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn summary_cell(evaluated: &HeadEvaluation, measure: Measure) -> Markup {
    let of = evaluated.intervals.get(&measure).copied();
    html! {
        @match evaluated.value(measure) {
            Some(value) if measure.is_loss() => { span.number { (format!("{value:.3}")) } (interval(of)) }
            Some(value) => { (bar(value, of)) (interval(of)) }
            None => { span.nothing { "–" } }
        }
    }
}

fn lineage(report: Report<'_>) -> Markup {
    let (manifest, evaluation) = (report.manifest, report.evaluation);
    let lineage = &manifest.lineage;
    html! {
        section id="lineage" {
            h2 { "Lineage" }
            dl.facts {
                dt { "model" } dd { code { (evaluation.model) } }
                dt { "made" } dd { (manifest.created_at.strftime("%Y-%m-%d %H:%M UTC")) " by " (lineage.tool) }
                dt { "recipe" } dd { (lineage.recipe) ", seed " (lineage.seed) " " code { (lineage.recipe_sha256.short()) } }
                @if let Some(parent) = &lineage.parent { dt { "replaces" } dd { code { (parent) } } }
                dt { "intervals" } dd { (count(evaluation.n_resamples)) " resamples, seed " (evaluation.seed) }
                dt { "texts judged" } dd { "SHA-256 " code.long { (evaluation.texts_sha256) } }
            }
            h3 { "Judged on" }
            (sources(&evaluation.data))
            h3 { "Trained on" }
            (sources(&lineage.data))
        }
    }
}

fn sources(sources: &[DataSource]) -> Markup {
    html! {
        div.scroll tabindex="0" {
            table.sources {
                thead { tr { th scope="col" { "file" } th.n scope="col" { "texts" } th scope="col" { "SHA-256" } } }
                tbody {
                    @for source in sources {
                        tr {
                            td { (source.name) }
                            td.n { (count(source.n_texts)) }
                            td { code { (source.sha256) } }
                        }
                    }
                }
            }
        }
    }
}
