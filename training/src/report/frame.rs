//! The frame of a plot: where values lie, and its axes. Shapes carry class names only; colors are
//! the style sheet's, so that they follow the reader's light or dark.

use maud::{Markup, html};

const LEFT: f64 = 46.0;
const TOP: f64 = 10.0;
/// The width of what the axes enclose.
pub(super) const WIDTH: f64 = 330.0;
const HEIGHT: f64 = 240.0;

/// The vertical place below the titles, where the extra room begins.
pub(super) const BOTTOM: f64 = TOP + HEIGHT + 40.0;

/// Where values lie in a plot whose horizontal axis goes from zero to one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    /// The lowest value of the vertical axis, which ends at one.
    pub(super) lowest: f64,
    /// What the horizontal axis says.
    pub(super) x_title: &'static str,
    /// What the vertical axis says.
    pub(super) y_title: &'static str,
    /// Room for more below the axis.
    pub(super) extra_height: f64,
}

impl Frame {
    /// The vertical place of a value.
    pub(super) fn y(self, value: f64) -> f64 {
        TOP + HEIGHT * (1.0 - (value - self.lowest) / (1.0 - self.lowest))
    }

    /// A path through these points.
    pub(super) fn path(self, points: impl Iterator<Item = (f64, f64)>) -> String {
        let steps = points.enumerate().map(|(position, (across, up))| {
            let command = if position == 0 { 'M' } else { 'L' };
            format!("{command}{:.1} {:.1}", x(across), self.y(up))
        });
        steps.collect()
    }

    /// The plot: axes, and what is drawn on them.
    pub(super) fn plot(self, description: &str, content: &Markup) -> Markup {
        let (width, height) = (LEFT + WIDTH + 14.0, BOTTOM + self.extra_height);
        let y_middle = TOP + HEIGHT / 2.0;
        html! {
            svg viewBox=(format!("0 0 {width} {height}")) role="img" aria-label=(description) {
                @for step in 0..=4 {
                    @let value = f64::from(step) / 4.0;
                    @let level = self.lowest + value * (1.0 - self.lowest);
                    line.grid x1=(x(0.0)) x2=(x(1.0)) y1=(self.y(level)) y2=(self.y(level)) {}
                    text.tick x=(LEFT - 6.0) y=(self.y(level) + 4.0) text-anchor="end" {
                        (tick(level))
                    }
                    text.tick x=(x(value)) y=(TOP + HEIGHT + 16.0) text-anchor="middle" {
                        (tick(value))
                    }
                }
                (content)
                text.axis x=(x(0.5)) y=(TOP + HEIGHT + 34.0) text-anchor="middle" { (self.x_title) }
                text.axis transform=(format!("translate(11 {y_middle}) rotate(-90)")) text-anchor="middle" {
                    (self.y_title)
                }
            }
        }
    }
}

/// The horizontal place of a value.
pub(super) fn x(value: f64) -> f64 {
    LEFT + value * WIDTH
}

/// In percent, without decimals where there are none.
fn tick(value: f64) -> String {
    let percent = value * 100.0;
    let is_whole = (percent - percent.round()).abs() < 0.05;
    if is_whole { format!("{percent:.0}") } else { format!("{percent:.1}") }
}
