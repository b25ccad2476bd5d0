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

/// A place on the time line of a chart of lines.
pub(super) struct Point {
    pub(super) name: String,
    /// The value of every line, between 0 and 1, and what is said of it; nothing where the line has
    /// a gap.
    pub(super) values: Vec<(Option<f64>, String)>,
    /// What happened then.
    pub(super) mark: Option<String>,
}

/// Room for the shares beside a chart of lines, and for half a name at its end.
const BESIDE: f64 = 46.0;
const END: f64 = 14.0;

/// Shares over time, a line for each name.
pub(super) fn lines(title: &str, names: &[&str], points: &[Point]) -> Markup {
    let known = points.iter().flat_map(|point| point.values.iter().filter_map(|it| it.0));
    // What differs is seen, and the scale says where it begins.
    let least = known.fold(0.9, f64::min);
    let floor = ((least - 0.05).max(0.0) * 10.0).floor() / 10.0;
    let step = (WIDTH - BESIDE - END) / (points.len().max(2) - 1) as f64;
    let x = |place: usize| BESIDE + place as f64 * step;
    let y = |share: f64| 6.0 + (1.0 - share) / (1.0 - floor) * (HEIGHT - 6.0);
    let place = |place: usize, share: f64| format!("{},{}", figure(x(place)), figure(y(share)));
    let view = format!("0 0 {WIDTH} {}", HEIGHT + FOOT + 6.0);
    let each = points.len().div_ceil(6).max(1);
    html! {
        figure.chart.lines {
            figcaption {
                (title)
                span.legend { @for (number, name) in names.iter().enumerate() { span class=(format!("line-{number}")) { (name) } } }
            }
            svg viewBox=(view) role="img" aria-label=(said(title, points)) {
                @for share in [floor, f64::midpoint(floor, 1.0), 1.0] {
                    line.grid x1=(BESIDE) x2=(WIDTH) y1=(figure(y(share))) y2=(figure(y(share))) {}
                    text x=(BESIDE - 6.0) y=(figure(y(share) + 4.0)) text-anchor="end" { (format!("{:.0}%", share * 100.0)) }
                }
                @for (number, point) in points.iter().enumerate() {
                    @if let Some(mark) = &point.mark {
                        g { title { (mark) } line.mark x1=(figure(x(number))) x2=(figure(x(number))) y1="0" y2=(HEIGHT) {} }
                    }
                    @if number % each == 0 {
                        text x=(figure(x(number))) y=(HEIGHT + FOOT + 2.0) text-anchor="middle" { (point.name) }
                    }
                }
                @for line in 0..names.len() {
                    g class=(format!("line-{line}")) {
                        @for run in runs(points, line) {
                            polyline points=(run.iter().map(|it| place(it.0, it.1)).collect::<Vec<_>>().join(" ")) {}
                        }
                        @for (number, point) in points.iter().enumerate() {
                            @if let Some((Some(share), told)) = point.values.get(line) {
                                circle cx=(figure(x(number))) cy=(figure(y(*share))) r="3" { title { (told) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The runs of a line between its gaps, each as places and shares.
fn runs(points: &[Point], line: usize) -> Vec<Vec<(usize, f64)>> {
    let mut runs = vec![Vec::new()];
    for (number, point) in points.iter().enumerate() {
        match point.values.get(line).and_then(|it| it.0) {
            Some(share) => runs.last_mut().expect("there is one").push((number, share)),
            None => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| 1 < run.len());
    runs
}

/// The chart in words: what is known, line after line.
fn said(title: &str, points: &[Point]) -> String {
    let values = points.iter().flat_map(|point| &point.values);
    let known = values.filter(|it| it.0.is_some()).map(|it| it.1.as_str());
    format!("{title}：{}", known.collect::<Vec<_>>().join("；"))
}

/// A count of a chart of bars.
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) count: u64,
    /// What is said of it behind the bar.
    pub(super) said: String,
    /// Where the cases behind it are.
    pub(super) path: Option<String>,
}

/// Counts below each other.
pub(super) fn bars(title: &str, rows: &[Bar]) -> Markup {
    let most = rows.iter().map(|it| it.count).max().unwrap_or_default().max(1);
    html! {
        figure.chart {
            figcaption { (title) }
            @if rows.is_empty() { p.soft { "这段时间没有数据。" } }
            table.bars {
                @for Bar { name, count, said, path } in rows {
                    tr {
                        th scope="row" {
                            @match path {
                                Some(path) => a href=(path) { (name) },
                                None => (name),
                            }
                        }
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

    fn point(share: Option<f64>) -> Point {
        Point { name: "<周>".to_owned(), values: vec![(share, "<说>".to_owned())], mark: None }
    }

    #[test]
    fn a_line_is_broken_where_nothing_is_known() {
        let points = [Some(0.8), Some(1.0), None, Some(0.9), None, Some(0.7), Some(0.7)].map(point);
        let svg = lines("试", &["一"], &points).into_string();
        assert_eq!(svg.matches("<polyline").count(), 2, "{svg}");
        assert_eq!(svg.matches("<circle").count(), 5, "{svg}");
        assert!(svg.contains(">60%<") && svg.contains(">100%<"), "{svg}");
        assert!(!svg.contains("<周>") && !svg.contains("<说>"), "{svg}");
    }

    #[test]
    fn nothing_to_show_is_shown_as_nothing() {
        assert!(columns("试", &[], 1).into_string().contains("<svg"));
        assert!(lines("试", &["一"], &[]).into_string().contains("<svg"));
        assert!(bars("试", &[]).into_string().contains("没有数据"));
    }
}
