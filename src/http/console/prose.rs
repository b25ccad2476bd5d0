//! A complaint's text on a page: what carried the decision is marked, personal data is hidden, and
//! characters that could deceive the reader's eye are shown instead of obeyed.

use maud::{Markup, html};

use crate::http::console::judged::{Judged, Place};
use crate::text::Hidden;
use crate::triage::Veil;

/// So many characters of a text stand in a list.
const N_EXCERPT: usize = 60;

/// A page shows so many characters of a text.
pub(super) const MAX_CHARS: usize = 4_000;

/// Why a place is marked, the most important first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Rule,
    Signal,
    Severity,
    Category,
}

impl Mark {
    const fn class(self) -> &'static str {
        match self {
            Self::Rule => "m-rule",
            Self::Signal => "m-signal",
            Self::Severity => "m-severity",
            Self::Category => "m-category",
        }
    }
}

/// A place with a mark and what it is for.
struct Marked<'a> {
    place: Place,
    mark: Mark,
    title: &'a str,
}

/// The text with its evidence, as far as the reader may see it.
pub(super) fn complaint(text: &str, judged: &Judged, veil: &Veil) -> Markup {
    let marks = marks(judged);
    let pieces = pieces(text, &marks, &veil.places(text));
    let is_long = text.char_indices().nth(MAX_CHARS).is_some();
    html! {
        div.prose {
            @for piece in &pieces {
                @match piece.mark {
                    Some((mark, title)) => mark class=(mark.class()) title=(title) { (visible(&piece.text)) },
                    None => (visible(&piece.text)),
                }
            }
            @if is_long { span.cut { "……（后文从略）" } }
        }
    }
}

fn marks(judged: &Judged) -> Vec<Marked<'_>> {
    let rules = judged.rules.fired.iter().map(|rule| (&rule.evidence, Mark::Rule, &rule.name));
    let signals = judged.signals.iter().map(|it| (&it.evidence, Mark::Signal, &it.name));
    let severity = [(&judged.severity.evidence, Mark::Severity, &judged.severity.name)];
    let category = judged.category.iter().map(|it| (&it.evidence, Mark::Category, &it.name));
    let all = rules.chain(signals).chain(severity).chain(category);
    all.flat_map(|(places, mark, title)| {
        places.iter().map(move |&place| Marked { place, mark, title })
    })
    .collect()
}

/// A run of text with one mark.
struct Piece<'a> {
    text: String,
    mark: Option<(Mark, &'a str)>,
}

/// Cuts the text wherever a mark or a hidden place begins or ends.
fn pieces<'a>(text: &str, marks: &[Marked<'a>], hidden: &[Hidden]) -> Vec<Piece<'a>> {
    let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).take(MAX_CHARS).collect();
    let end = text.char_indices().nth(MAX_CHARS).map_or(text.len(), |(at, _)| at);
    let byte = |place: usize| starts.get(place).copied().unwrap_or(end);
    let mut cuts: Vec<usize> = marks
        .iter()
        .flat_map(|it| [byte(it.place.start), byte(it.place.end)])
        .chain(hidden.iter().flat_map(|it| [it.range.start.min(end), it.range.end.min(end)]))
        .chain([0, end])
        .collect();
    cuts.sort_unstable();
    cuts.dedup();
    let mut pieces: Vec<Piece<'a>> = Vec::new();
    for cut in cuts.windows(2) {
        let (from, to) = (cut[0], cut[1]);
        let strongest = marks
            .iter()
            .filter(|it| byte(it.place.start) <= from && to <= byte(it.place.end))
            .min_by_key(|it| it.mark);
        let shown = match hidden.iter().find(|it| it.range.start <= from && from < it.range.end) {
            Some(it) if it.range.start == from => it.shown.clone(),
            Some(_) => String::new(),
            None => text[from..to].to_owned(),
        };
        let mark = strongest.map(|it| (it.mark, it.title));
        match pieces.last_mut() {
            Some(last) if last.mark == mark => last.text.push_str(&shown),
            _ => pieces.push(Piece { text: shown, mark }),
        }
    }
    pieces
}

/// Words of people beside the complaint, as far as the reader may see them.
pub(super) fn words(text: &str, veil: &Veil) -> String {
    visible(&veil.text(text))
}

/// The first words of a complaint on one line, as far as the reader may see them.
pub(super) fn excerpt(text: &str, veil: &Veil) -> String {
    let end = text.char_indices().nth(N_EXCERPT).map_or(text.len(), |(at, _)| at);
    let shown = words(&text[..end], veil).replace(['\n', '\t'], " ");
    if end < text.len() { format!("{shown}……") } else { shown }
}

/// Control characters and those that turn the direction of writing, made visible: hostile texts
/// use them to show something else than what they hold.
pub(super) fn visible(text: &str) -> String {
    text.chars()
        .filter(|&c| c != '\r')
        .map(|c| match c {
            '\n' | '\t' => c,
            '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
            '\u{7f}'..='\u{9f}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}' => '\u{fffd}',
            _ => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Elements;

    fn judged(evidence: (usize, usize)) -> Judged {
        let answer = format!(
            r#"{{"signals":[{{"label":"injury","name":"人身伤害","evidence":[{{"start":{},"end":{}}}]}}]}}"#,
            evidence.0, evidence.1
        );
        Judged::read(&answer)
    }

    fn veil() -> Veil {
        Veil::over(&Elements::default())
    }

    #[test]
    fn evidence_is_marked_and_personal_data_hidden() {
        let text = "孩子烫伤了，电话13812341234";
        let page = complaint(text, &judged((2, 4)), &veil()).into_string();
        assert!(
            page.contains(r#"孩子<mark class="m-signal" title="人身伤害">烫伤</mark>了"#),
            "{page}"
        );
        assert!(page.contains("138****1234") && !page.contains("13812341234"), "{page}");
        let page = complaint(text, &judged((2, 4)), &Veil::clear()).into_string();
        assert!(page.contains("13812341234"), "{page}");
    }

    #[test]
    fn a_mark_across_hidden_data_shows_none_of_it() {
        let page = complaint("电话13812341234啊", &judged((4, 9)), &veil()).into_string();
        assert!(!page.contains("1381234"), "{page}");
    }

    #[test]
    fn hostile_texts_are_shown_and_not_obeyed() {
        let text = "<script>alert(1)</script>\u{202e}反\0\u{7}";
        let page = complaint(text, &Judged::default(), &veil()).into_string();
        assert!(page.contains("&lt;script&gt;"), "{page}");
        assert!(!page.contains('\u{202e}') && !page.contains('\0'), "{page}");
    }

    #[test]
    fn long_texts_are_cut() {
        let page =
            complaint(&"退".repeat(100_000), &judged((50_000, 60_000)), &veil()).into_string();
        assert!(page.len() < 4 * MAX_CHARS && page.contains("后文从略"));
    }
}
