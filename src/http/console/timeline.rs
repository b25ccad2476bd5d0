//! What happened to a case, newest first, in Chinese.

use jiff::tz::TimeZone;
use maud::{Markup, html};
use serde_json::Value;

use crate::domain::StaffRole;
use crate::http::console::{prose, words};
use crate::store::Event;
use crate::triage::Veil;

/// What of an event people read, with its name; the rest is for machines.
const SHOWN: [(&str, &str); 15] = [
    ("owner", "负责人"),
    ("reason", "理由"),
    ("finding", "复核意见"),
    ("contact_person", "联系人"),
    ("department", "部门"),
    ("opinion", "意见"),
    ("item", "证据"),
    ("findings", "查明事实"),
    ("explanation", "解释"),
    ("recourse", "其他救济"),
    ("note", "记录"),
    ("tracking_number", "单号"),
    ("summary", "小结"),
    ("lead", "牵头"),
    ("satisfaction", "满意度"),
];

/// The events as a list.
pub(super) fn list(events: &[Event], zone: &TimeZone, veil: &Veil) -> Markup {
    html! {
        ol.timeline {
            @for event in events.iter().rev() {
                @let record = &event.record;
                li.alarm[record.kind.starts_with("case.clock")] {
                    div {
                        span.what { (words::event(&record.kind)) } " "
                        span.soft { (who(&record.actor, record.role)) }
                        time.soft datetime=(record.at) title=(words::exact(record.at, zone)) {
                            (words::moment(record.at, zone))
                        }
                    }
                    @if let Some(clock) = clock(&record.data) { div { (clock) } }
                    @for (name, title) in SHOWN {
                        @if let Some(said) = said(&record.data, name) {
                            div { span.soft { (title) "：" } (prose::words(&said, veil)) }
                        }
                    }
                    (form(&record.data, veil))
                }
            }
        }
    }
}

fn who(actor: &str, role: StaffRole) -> String {
    match role {
        StaffRole::System => "系统".to_owned(),
        role => format!("{actor}（{}）", words::role(role)),
    }
}

/// Which clock gave an alarm.
fn clock(data: &Value) -> Option<String> {
    let alarm: crate::cases::Alarm = serde_json::from_value(data.get("alarm")?.clone()).ok()?;
    Some(format!("{}时限已用 {}%", words::clock(alarm.clock), alarm.percent))
}

fn said(data: &Value, name: &str) -> Option<String> {
    match data.get(name)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// An escalation form with the report for executives.
pub(super) fn form(data: &Value, veil: &Veil) -> Markup {
    let form = data.get("form");
    let report = form.and_then(|it| it.get("report"));
    let of = |object: Option<&Value>, names: &[&'static str]| {
        let found = names.iter().filter_map(|name| Some((*name, said(object?, name)?)));
        found.collect::<Vec<_>>()
    };
    let elements = of(form, &["customer", "description", "tried", "expectation"]);
    let parts = of(report, &["background", "process", "problem", "solution"]);
    html! {
        @if !elements.is_empty() || !parts.is_empty() {
            dl.pairs {
                @for (name, said) in elements {
                    dt { (words::field(name)) }
                    // Nothing but a name, which no word introduces.
                    dd { @if name == "customer" { (prose::visible(&veil.name(&said))) } @else { (prose::words(&said, veil)) } }
                }
                @for (name, said) in parts {
                    dt { (words::field(&format!("report.{name}"))) } dd { (prose::words(&said, veil)) }
                }
            }
        }
    }
}
