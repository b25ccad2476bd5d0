//! The mistakes that a head was surest of, with their texts: where labels, rules or data want a
//! look first. Personal data in the texts is masked.

use fenzhen::domain::{Head, HeadKind};
use fenzhen::text::mask;
use maud::{Markup, html};

use crate::evaluation::{Answer, JudgedHead};
use crate::report::N_MISTAKES;
use crate::report::figures::percent;

/// The longest part of a text that is shown at once; the rest unfolds.
const MAX_SHOWN: usize = 220;

#[derive(Clone, Copy, Debug)]
struct Mistake<'a> {
    answer: &'a Answer,
    /// How sure the model was of what is wrong.
    confidence: f64,
}

/// The mistakes of a head.
pub(super) fn mistakes(judged: &JudgedHead, texts: &[String]) -> Markup {
    let (n_wrong, worst) = worst(judged);
    html! {
        figure.wide {
            figcaption {
                h3 { "Where was it sure and wrong?" }
                p {
                    @if n_wrong == 0 { "Nowhere: every answer is right." }
                    @else {
                        "The " (worst.len()) " surest of " (n_wrong)
                        " mistakes, surest first. Some may be mistakes of the labels. Personal data is masked."
                    }
                }
            }
            @if 0 < n_wrong {
                ol.mistakes {
                    @for mistake in worst { (card(&judged.head, mistake, &texts[mistake.answer.text_idx])) }
                }
            }
        }
    }
}

fn worst(judged: &JudgedHead) -> (usize, Vec<Mistake<'_>>) {
    let wrong = judged.answers.iter().filter(|answer| !answer.is_right);
    let mut mistakes: Vec<Mistake<'_>> = wrong
        .map(|answer| Mistake { answer, confidence: confidence(judged.head.kind, answer) })
        .collect();
    mistakes.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    let n_wrong = mistakes.len();
    mistakes.truncate(N_MISTAKES);
    (n_wrong, mistakes)
}

/// Of the wrong decisions about the labels of a multi-label head, the surest counts.
fn confidence(kind: HeadKind, answer: &Answer) -> f64 {
    if kind != HeadKind::MultiLabel {
        return answer.confidence;
    }
    let of_label = |(label, &p): (usize, &f32)| {
        let is_chosen = answer.choice.chosen.contains(&label);
        let is_wrong = is_chosen != answer.labels.contains(&label);
        is_wrong.then_some(f64::from(if is_chosen { p } else { 1.0 - p }))
    };
    answer.choice.probabilities.iter().enumerate().filter_map(of_label).fold(0.0, f64::max)
}

fn card(head: &Head, mistake: Mistake<'_>, text: &str) -> Markup {
    let answer = mistake.answer;
    html! {
        li {
            p.judgment {
                span.said { "said " (names(head, &answer.choice.chosen)) }
                span.sure { (percent(mistake.confidence)) }
                span.is { "is " (names(head, &answer.labels)) }
                span.place { "text " (answer.text_idx + 1) }
            }
            (shown(&mask(text)))
        }
    }
}

fn names(head: &Head, labels: &[usize]) -> Markup {
    html! {
        @if labels.is_empty() { b { "nothing" } }
        @for (position, &label) in labels.iter().enumerate() {
            @if 0 < position { ", " }
            b title=(head.labels[label].id) { bdi { (head.labels[label].name) } }
        }
    }
}

fn shown(text: &str) -> Markup {
    let end = text.char_indices().nth(MAX_SHOWN).map_or(text.len(), |(place, _)| place);
    let (start, rest) = text.split_at(end);
    html! {
        @if rest.is_empty() { blockquote lang="zh-Hans" dir="auto" { (start) } }
        @else {
            details {
                summary { blockquote lang="zh-Hans" dir="auto" { (start) "…" } }
                blockquote lang="zh-Hans" dir="auto" { "…" (rest) }
            }
        }
    }
}
