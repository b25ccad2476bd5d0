//! 预警: clusters of complaints with the cases behind them, acknowledged and closed in place.

use axum::{
    extract::{Path, Query, State},
    response::{IntoResponse, Redirect, Response},
};
use jiff::Timestamp;
use maud::{Markup, html};
use uuid::Uuid;

use crate::http::Service;
use crate::http::console::act::Wrong;
use crate::http::console::improvements;
use crate::http::console::layout::{self, Page, Section};
use crate::http::console::queues::stage;
use crate::http::console::visitor::{Posted, Visitor};
use crate::http::console::{Failure, prose, tags, words};
use crate::store::{Case, CaseCursor, CaseFilter};
use crate::triage::{AlertAnswer, DeskError, Knowledge, ReviewList, ReviewStep, StepAnswer, Veil};

/// The pages about what the firm learns.
pub(super) const TABS: [(&str, &str); 3] = [
    ("/console/statistics", "统计"),
    ("/console/alerts", "预警"),
    ("/console/improvements", "改进"),
];

/// So many alerts of a state stand on the page.
const N_ALERTS: &str = "20";

/// So many cases stand with an alert in the list, and on a page of its own.
const N_EXAMPLES: u16 = 3;
const N_CASES: u16 = 50;

type Pairs = Vec<(String, String)>;

/// What could not be done, in words.
type Problem<'a> = Option<(&'a str, Vec<String>)>;

/// Shows the alerts: those that want an answer, or those that are closed.
pub(super) async fn list(
    State(service): State<Service>,
    visitor: Visitor,
    Query(pairs): Query<Pairs>,
) -> Result<Response, Failure> {
    let knowledge = service.desk.engine().knowledge();
    let shown = Shown { service: &service, visitor: &visitor, knowledge: &knowledge };
    let asked = |name: &str| pairs.iter().find(|(it, _)| it == name).map(|(_, value)| &**value);
    let is_closed = asked("state") == Some("closed");
    let body = if is_closed {
        let cursor = asked("cursor").unwrap_or_default();
        let (cards, next) = shown.cards("closed", cursor).await?;
        html! {
            p { a href="/console/alerts" { "‹ 回到未关闭的预警" } }
            @if cards.is_empty() { (nothing("没有关闭过的预警", "")) }
            @for card in cards { (card) }
            @if let Some(next) = next {
                a.button href=(format!("/console/alerts?state=closed&cursor={next}")) data-key="n" { "下一页" kbd { "N" } }
            }
        }
    } else {
        let (open, _) = shown.cards("open", "").await?;
        let (known, _) = shown.cards("acknowledged", "").await?;
        let is_quiet = open.is_empty() && known.is_empty();
        html! {
            div #fresh data-now=((service.clock)().as_millisecond()) {
                @if is_quiet { (nothing("一切正常", "某一类别、商品或店铺的投诉人数明显多于平时，会在这里预警。")) }
                @if !open.is_empty() { h2.group { "待处理" } @for card in open { (card) } }
                @if !known.is_empty() { h2.group { "处理中" } @for card in known { (card) } }
            }
            p { a href="/console/alerts?state=closed" { "已关闭的预警" } }
        }
    };
    let body = html! {
        div.head {
            h1 { "预警" }
            span.soft { "每 10 分钟比较一次，人数按投诉人计" }
        }
        (layout::tabs("统计与预警", &TABS, "/console/alerts"))
        (body)
    };
    Ok(Page { title: "预警", section: Section::Statistics, visitor: &visitor, body }.respond())
}

/// Shows an alert with all the cases behind it.
pub(super) async fn show(
    State(service): State<Service>,
    visitor: Visitor,
    Path(id): Path<Uuid>,
    Query(pairs): Query<Pairs>,
) -> Result<Response, Failure> {
    let cursor = pairs.iter().find(|(name, _)| name == "cursor").map(|(_, value)| value.as_str());
    page(&service, &visitor, id, cursor.and_then(|it| it.parse().ok()), None).await
}

/// Acknowledges or closes an alert.
pub(super) async fn step(
    State(service): State<Service>,
    Path(id): Path<Uuid>,
    posted: Posted,
) -> Result<Response, Failure> {
    let visitor = &posted.visitor;
    let body = posted.body();
    let done = match ReviewStep::parse_alert(body, (service.clock)()) {
        Err(mistakes) => Err(Wrong::Mistakes(mistakes)),
        Ok(step) => service.desk.step_alert(id, step).await.map(drop).map_err(Wrong::Desk),
    };
    match done {
        Ok(()) => Ok(Redirect::to("/console/alerts").into_response()),
        Err(wrong) => page(&service, visitor, id, None, Some(wrong.explain()?)).await,
    }
}

async fn page(
    service: &Service,
    visitor: &Visitor,
    id: Uuid,
    after: Option<CaseCursor>,
    problem: Problem<'_>,
) -> Result<Response, Failure> {
    let knowledge = service.desk.engine().knowledge();
    let alert = service.desk.find_alert(id).await?;
    let filter = CaseFilter {
        alert: Some(id),
        reach: Some(visitor.principal().reach()),
        ..CaseFilter::default()
    };
    let cases = service.desk.list_cases(&filter, after, N_CASES).await?;
    let now = (service.clock)();
    let led_to = improvements::of_alert(service, visitor, &alert.id).await?;
    let subject = subject(&alert, &knowledge);
    let body = html! {
        @if let Some((title, lines)) = &problem { (layout::problem(title, lines)) }
        div.head {
            h1 { (subject) }
            span.soft { a href="/console/alerts" { "所有预警" } }
        }
        (layout::tabs("统计与预警", &TABS, "/console/alerts"))
        div.two data-now=(now.as_millisecond()) {
            div {
                section.card {
                    h2 { "背后的案件" span.soft { "新的在前" } }
                    (behind(&cases.items, &knowledge, Some(now)))
                    @if cases.items.is_empty() { p.soft { "这些案件不在您的职责范围内。" } }
                    @if let Some(next) = cases.next {
                        a.button href=(format!("/console/alerts/{id}?cursor={next}")) data-key="n" { "下一页" kbd { "N" } }
                    }
                }
            }
            div {
                section.card {
                    h2 { "规模" }
                    (scale(&alert))
                    (times(&alert, &knowledge))
                    (answers(&alert, visitor))
                }
                section.card { h2 { "处理记录" } (steps(alert.steps.as_deref().unwrap_or_default(), &knowledge)) }
                section.card {
                    h2 { "引出的改进" }
                    @for improvement in &led_to { (improvement) }
                    @if led_to.is_empty() { p.soft { "还没有。" } }
                    (improvements::form(visitor, &knowledge, Some(&alert)))
                }
            }
        }
    };
    Ok(Page { title: &subject, section: Section::Statistics, visitor, body }.respond())
}

/// What the lists of alerts need.
struct Shown<'a> {
    service: &'a Service,
    visitor: &'a Visitor,
    knowledge: &'a Knowledge,
}

impl Shown<'_> {
    /// The alerts of a state as cards, and where the list goes on.
    async fn cards(
        &self,
        state: &str,
        cursor: &str,
    ) -> Result<(Vec<Markup>, Option<String>), Failure> {
        let mut pairs = vec![("state", state), ("limit", N_ALERTS)];
        pairs.extend((!cursor.is_empty()).then_some(("cursor", cursor)));
        let pairs = pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let list = ReviewList::parse_alerts(pairs.collect()).map_err(|_| Failure::Missing)?;
        let page = self.service.desk.list_alerts(&list).await?;
        let mut cards = Vec::with_capacity(page.alerts.len());
        for alert in &page.alerts {
            cards.push(self.card(alert).await?);
        }
        Ok((cards, page.next_cursor))
    }

    async fn card(&self, alert: &AlertAnswer) -> Result<Markup, DeskError> {
        let filter = CaseFilter {
            alert: alert.id.parse().ok(),
            reach: Some(self.visitor.principal().reach()),
            ..CaseFilter::default()
        };
        let cases = self.service.desk.list_cases(&filter, None, N_EXAMPLES).await?;
        let path = format!("/console/alerts/{}", alert.id);
        Ok(html! {
            article.card.alert {
                header.head {
                    h2 { a href=(path) { (subject(alert, self.knowledge)) } }
                    div.tags {
                        span.tag { (words::alert_kind(alert.kind)) }
                        span.tag.rank-3[alert.state == "open"] { (words::review_state(&alert.state)) }
                    }
                }
                div.pair {
                    div { (scale(alert)) (times(alert, self.knowledge)) (answers(alert, self.visitor)) }
                    div {
                        (behind(&cases.items, self.knowledge, None))
                        @if cases.next.is_some() { p { a href=(path) { "全部案件 ›" } } }
                    }
                }
            }
        })
    }
}

/// The cases behind an alert; with how far each is, when it is asked now.
fn behind(cases: &[Case], knowledge: &Knowledge, now: Option<Timestamp>) -> Markup {
    let zone = knowledge.calendar.time_zone();
    html! {
        ul.plain.behind {
            @for Case { record, status, .. } in cases {
                li {
                    a.quiet href=(format!("/console/cases/{}", record.id)) {
                        (prose::excerpt(record.complaint.text.as_str(), &Veil::over(&record.elements)))
                    }
                    div.meta {
                        span { (tags::short(record.id)) }
                        span { (words::moment(record.complaint.received_at, zone)) }
                        span { (words::label(knowledge, record.triage.severity.as_str())) }
                        @if let Some(now) = now {
                            @if let Some(category) = &record.triage.category { span { (words::label(knowledge, category.as_str())) } }
                            span { (stage(status)) }
                            @if let Some(owner) = &record.owner { span { (prose::visible(owner)) } }
                            (tags::deadline(record.triage.resolution_due_at, now))
                        }
                    }
                }
            }
        }
    }
}

/// What an alert is about, for people.
pub(super) fn subject(alert: &AlertAnswer, knowledge: &Knowledge) -> String {
    match alert.kind {
        "category" => words::label(knowledge, &alert.subject).to_owned(),
        _ => prose::visible(&alert.subject),
    }
}

/// How many complained, beside what is usual and where the alarm begins.
fn scale(alert: &AlertAnswer) -> Markup {
    let most = f64::from(alert.count.max(alert.threshold)).max(1.0);
    let place = |value: f64| format!("{:.1}", value / most * 100.0);
    let usual = match alert.baseline {
        few if few < 0.5 => "平时几乎没有".to_owned(),
        usual => format!("平时约 {usual:.0} 人"),
    };
    let told = format!("{} 人投诉，{usual}，达到 {} 人预警", alert.count, alert.threshold);
    html! {
        div.scale {
            div.figure { (alert.count) small { "人投诉，" (usual) } }
            svg viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label=(told) {
                rect.track x="0" y="2" width="100" height="4" rx="1" {}
                rect x="0" y="2" width=(place(f64::from(alert.count))) height="4" rx="1" {}
                rect.usual x="0" y="2" width=(place(alert.baseline)) height="4" rx="1" {}
                rect.limit x=(place(f64::from(alert.threshold) - most * 0.006)) y="0" width="0.6" height="8" {}
            }
            div.soft { "竖线：达到 " (alert.threshold) " 人预警" }
        }
    }
}

fn times(alert: &AlertAnswer, knowledge: &Knowledge) -> Markup {
    let zone = knowledge.calendar.time_zone();
    let moment = |at: Timestamp| words::moment(at, zone);
    html! {
        p.soft {
            (moment(alert.opened_at)) " 发现，"
            @if alert.state == "closed" { (moment(alert.seen_at)) " 关闭" } @else { "最近 " (moment(alert.seen_at)) }
        }
    }
}

/// What can be done with an alert.
fn answers(alert: &AlertAnswer, visitor: &Visitor) -> Markup {
    if alert.state == "closed" || !visitor.may("/console/alerts/{id}/step") {
        return html! {};
    }
    let form = |state: &str, body: Markup| {
        html! {
            form method="post" action=(format!("/console/alerts/{}/step", alert.id)) {
                input type="hidden" name="csrf" value=(visitor.csrf());
                input type="hidden" name="n:version" value=(alert.version);
                input type="hidden" name="state" value=(state);
                (body)
            }
        }
    };
    html! {
        div.answers-bar {
            @if alert.state == "open" {
                (form("acknowledged", html! { button.primary type="submit" { "知道了，我来处理" } }))
            }
            details.panel {
                summary { "关闭" }
                (form("closed", html! {
                    label.field { span { "怎样处理的" } textarea name="note" required {} }
                    button type="submit" { "关闭预警" }
                }))
            }
        }
    }
}

/// Who did what, the newest first.
pub(super) fn steps(steps: &[StepAnswer], knowledge: &Knowledge) -> Markup {
    let zone = knowledge.calendar.time_zone();
    html! {
        ol.timeline {
            @for step in steps.iter().rev() {
                li {
                    div {
                        span.what { (words::review_state(&step.state)) } " "
                        span.soft { (words::who(&step.actor, step.role)) }
                        time.soft datetime=(step.at) title=(words::exact(step.at, zone)) { (words::moment(step.at, zone)) }
                    }
                    @if !step.note.is_empty() { div { (prose::visible(&step.note)) } }
                }
            }
        }
    }
}

fn nothing(title: &str, advice: &str) -> Markup {
    html! { div.card.empty { p.big { (title) } @if !advice.is_empty() { p { (advice) } } } }
}
