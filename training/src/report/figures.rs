//! Numbers as people read them, and bars with whiskers that show where they would lie on other
//! texts.

use fenzhen::domain::LabelDefinition;
use maud::{Markup, html};

use crate::evaluation::Interval;

/// A share with three digits.
pub(super) fn share(value: f64) -> String {
    format!("{value:.3}")
}

/// A share in percent.
pub(super) fn percent(value: f64) -> String {
    format!("{:.1} %", value * 100.0)
}

/// A count with separators.
pub(super) fn count(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if 0 < position && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// An interval in small print.
pub(super) fn interval(interval: Option<Interval>) -> Markup {
    html! {
        @if let Some(Interval(low, high)) = interval {
            span.interval { (share(low)) "–" (share(high)) }
        }
    }
}

/// A bar from zero to the value, a whisker over its interval, and the number.
pub(super) fn bar(value: f64, of: Option<Interval>) -> Markup {
    html! {
        span.bar aria-hidden="true" {
            span.fill style=(format!("width:{:.1}%", clamped(value) * 100.0)) {}
            @if let Some(Interval(low, high)) = of {
                span.whisker style=(whisker(low, high)) {}
            }
        }
        span.number title=[of.map(|Interval(low, high)| format!("{low:.3}–{high:.3}"))] {
            (format!("{value:.2}"))
        }
    }
}

/// A label's name, and its identifier where that is another word.
pub(super) fn label(label: &LabelDefinition) -> Markup {
    html! {
        bdi { (label.name) }
        @if label.name != label.id.as_str() { " " code { (label.id) } }
    }
}

fn whisker(low: f64, high: f64) -> String {
    let (low, high) = (clamped(low) * 100.0, clamped(high) * 100.0);
    format!("left:{low:.1}%;width:{:.1}%", high - low)
}

/// A kappa may be negative; a bar may not.
fn clamped(value: f64) -> f64 {
    value.clamp(0.0, 1.0)
}
