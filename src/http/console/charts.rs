//! Charts as SVG, drawn here: they need no script and print as they look. Colors come from the
//! style sheet.

use maud::{Markup, html};

/// How wide and high a chart of columns is, in units of its own.
const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 120.0;
/// Room for the names below the columns.
const FOOT: f64 = 18.0;

/// Counts side by side, with the name of every `each`-th below.
pub(super) fn columns(title: &str, counts: &[(String, u64)], each: usize) -> Markup {
    let most = counts.iter().map(|it| it.1).max().unwrap_or_default().max(1) as f64;
    let width = WIDTH / counts.len().max(1) as f64;
    let height = |count: u64| (count as f64 / most * HEIGHT).max(1.0);
    let view = format!("0 0 {WIDTH} {}", HEIGHT + FOOT);
    html! {
        figure.chart {
            figcaption { (title) }
            svg viewBox=(view) role="img" aria-label=(told(title, counts)) {
                @for (place, (name, count)) in counts.iter().enumerate() {
                    @let x = place as f64 * width;
                    g {
                        title { (name) "：" (count) }
                        rect x=(figure(x + width * 0.12)) y=(figure(HEIGHT - height(*count)))
                            width=(figure(width * 0.76)) height=(figure(height(*count))) rx="2" {}
                        @if place % each == 0 {
                            text x=(figure(x + width / 2.0)) y=(HEIGHT + FOOT - 4.0) text-anchor="middle" { (name) }
                        }
                    }
                }
            }
        }
    }
}

/// Counts below each other, each with its name before it and what is said of it behind.
pub(super) fn bars(title: &str, rows: &[(String, u64, String)]) -> Markup {
    let most = rows.iter().map(|it| it.1).max().unwrap_or_default().max(1);
    html! {
        figure.chart {
            figcaption { (title) }
            @if rows.is_empty() { p.soft { "这段时间没有数据。" } }
            table.bars {
                @for (name, count, said) in rows {
                    tr {
                        th scope="row" { (name) }
                        td { progress max=(most) value=(count) aria-label=(name) {} }
                        td.num { (count) }
                        td.num.soft { (said) }
                    }
                }
            }
        }
    }
}

/// The chart in words, for those who cannot see it.
fn told(title: &str, counts: &[(String, u64)]) -> String {
    let parts: Vec<_> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
    format!("{title}：{}", parts.join("，"))
}

/// A length with no more digits than can be seen.
fn figure(length: f64) -> String {
    format!("{length:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tallest_column_fills_the_chart_and_names_are_escaped() {
        let counts = [("<一>".to_owned(), 1), ("二".to_owned(), 4)];
        let svg = columns("试", &counts, 1).into_string();
        assert!(svg.contains(r#"height="120.0""#) && svg.contains(r#"height="30.0""#), "{svg}");
        assert!(svg.contains("&lt;一&gt;") && !svg.contains("<一>"), "{svg}");
    }

    #[test]
    fn nothing_to_show_is_shown_as_nothing() {
        assert!(columns("试", &[], 1).into_string().contains("<svg"));
        assert!(bars("试", &[]).into_string().contains("没有数据"));
    }
}
