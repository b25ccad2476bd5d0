//! The curves of a head: whether its confidence is honest, and how right its surest answers are.

use maud::{Markup, html};

use crate::evaluation::{CoveragePoint, HeadEvaluation, Interval, ReliabilityBin};
use crate::report::figures::{count, percent, share};
use crate::report::frame::{BOTTOM, Frame, WIDTH, x};

/// The height of the bars that show how many answers there are.
const HISTOGRAM_HEIGHT: f64 = 46.0;
/// The radius of the dot of the bin with the most answers.
const LARGEST_DOT: f64 = 9.0;

/// How often answers of a confidence are right, against how often they should be.
pub(super) fn reliability(head: &HeadEvaluation) -> Markup {
    let frame = Frame {
        lowest: 0.0,
        x_title: "confidence, %",
        y_title: "right, %",
        extra_height: HISTOGRAM_HEIGHT + 18.0,
    };
    let bins = &head.reliability;
    let most = bins.iter().map(|bin| bin.n).max().unwrap_or(1) as f64;
    let dot = |bin: &ReliabilityBin| {
        let radius = 2.0 + (LARGEST_DOT - 2.0) * (bin.n as f64 / most).sqrt();
        let (left, top) = (x(bin.confidence), frame.y(bin.accuracy));
        html! {
            line.gap x1=(left) x2=(left) y1=(top) y2=(frame.y(bin.confidence)) {}
            circle.dot cx=(left) cy=(top) r=(format!("{radius:.1}")) {
                title {
                    (count(bin.n)) " answers, confidence " (percent(bin.confidence)) ", right "
                    (percent(bin.accuracy))
                }
            }
        }
    };
    let content = html! {
        line.ideal x1=(x(0.0)) y1=(frame.y(0.0)) x2=(x(1.0)) y2=(frame.y(1.0)) {}
        path.line d=(frame.path(bins.iter().map(|bin| (bin.confidence, bin.accuracy)))) {}
        @for bin in bins { (dot(bin)) }
        (histogram(bins, most))
    };
    let description = format!(
        "Reliability diagram; the expected calibration error is {}.",
        share(head.report.ece)
    );
    html! {
        figure {
            figcaption {
                h3 { "Is its confidence honest?" }
                p {
                    "On the dashed line, answers given with 80 % are right 80 times in 100. "
                    "Expected calibration error " b { (share(head.report.ece)) } ". "
                    "Below: how many answers have that confidence."
                }
            }
            (frame.plot(&description, &content))
        }
    }
}

fn histogram(bins: &[ReliabilityBin], most: f64) -> Markup {
    let base = BOTTOM + HISTOGRAM_HEIGHT + 6.0;
    html! {
        @for bin in bins {
            @let height = (HISTOGRAM_HEIGHT * bin.n as f64 / most).max(1.0);
            rect.count x=(format!("{:.1}", x(bin.lower) + 1.0)) y=(format!("{:.1}", base - height))
                width=(format!("{:.1}", WIDTH * (bin.upper - bin.lower) - 2.0)) height=(format!("{height:.1}")) {}
        }
        line.base x1=(x(0.0)) x2=(x(1.0)) y1=(base) y2=(base) {}
        text.tick x=(x(0.0) - 6.0) y=(base - HISTOGRAM_HEIGHT + 8.0) text-anchor="end" {
            (count(most as usize))
        }
    }
}

/// How right the head is on the share of texts that it is surest of.
pub(super) fn precision_coverage(head: &HeadEvaluation) -> Markup {
    let points = &head.precision_coverage;
    let frame = Frame {
        lowest: lowest(points),
        x_title: "texts answered, surest first, %",
        y_title: "right, %",
        extra_height: 4.0,
    };
    let report = &head.report;
    let (left, top) = (x(report.coverage), frame.y(report.accuracy_when_covered));
    let content = html! {
        path.band d=(band(frame, points)) {}
        path.line d=(frame.path(points.iter().map(|point| (point.coverage, point.precision)))) {}
        @if report.coverage < 1.0 {
            line.mark x1=(left) x2=(left) y1=(frame.y(1.0)) y2=(frame.y(frame.lowest)) {}
            circle.dot cx=(left) cy=(top) r="5" {
                title { (percent(report.coverage)) " answered, " (percent(report.accuracy_when_covered)) " right" }
            }
        }
    };
    let description =
        format!("Precision by coverage; the area is {}.", share(head.precision_coverage_area));
    html! {
        figure {
            figcaption {
                h3 { "How far can it be followed?" }
                p {
                    "Area " b { (share(head.precision_coverage_area)) } ". "
                    @if report.coverage < 1.0 {
                        "It answers " b { (percent(report.coverage)) } " of the texts itself and is right on "
                        b { (percent(report.accuracy_when_covered)) } " of them; the rest it leaves to people."
                    } @else {
                        "It answers every text itself. Right means all labels right."
                    }
                }
            }
            (frame.plot(&description, &content))
        }
    }
}

/// The axis starts at the quarter below everything that is drawn.
fn lowest(points: &[CoveragePoint]) -> f64 {
    let low =
        |point: &CoveragePoint| point.interval.map_or(point.precision, |Interval(low, _)| low);
    let lowest = points.iter().map(|point| low(point).min(point.precision)).fold(1.0, f64::min);
    ((lowest * 5.0).floor() / 5.0).clamp(0.0, 0.8)
}

fn band(frame: Frame, points: &[CoveragePoint]) -> String {
    let edges: Vec<(f64, Interval)> =
        points.iter().filter_map(|point| Some((point.coverage, point.interval?))).collect();
    if edges.is_empty() {
        return String::new();
    }
    let upper = edges.iter().map(|&(x, Interval(_, high))| (x, high));
    let lower = edges.iter().rev().map(|&(x, Interval(low, _))| (x, low));
    frame.path(upper.chain(lower)) + "Z"
}
