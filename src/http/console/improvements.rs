//! 改进: what shall become better, who does it by when, and what was done, until it is done.

use axum::{
    extract::{Path, Query, State},
    response::{IntoResponse, Redirect, Response},
};
use maud::{Markup, html};
use uuid::Uuid;

use crate::http::Service;
use crate::http::cases::new_id;
use crate::http::console::act::Wrong;
use crate::http::console::alerts::{TABS, steps, subject};
use crate::http::console::form::{self, Fields};
use crate::http::console::layout::{self, Page, Section};
use crate::http::console::visitor::{Posted, Visitor};
use crate::http::console::{Failure, prose, words};
use crate::triage::{
    AlertAnswer, ImprovementAnswer, ImprovementRequest, Knowledge, ReviewList, ReviewStep,
};

/// So many improvements of a state stand on the page.
const N_IMPROVEMENTS: &str = "50";

type Pairs = Vec<(String, String)>;

/// Shows what is to be done, or what was.
pub(super) async fn list(
    State(service): State<Service>,
    visitor: Visitor,
    Query(pairs): Query<Pairs>,
) -> Result<Response, Failure> {
    let state = pairs.iter().find(|(name, _)| name == "state").map(|(_, value)| value.as_str());
    page(&service, &visitor, state == Some("ended"), None).await
}

/// Writes an improvement down.
pub(super) async fn add(
    State(service): State<Service>,
    posted: Posted,
) -> Result<Response, Failure> {
    let Posted { visitor, fields, .. } = &posted;
    let body = posted.body();
    let done = match ImprovementRequest::parse(body, new_id(), (service.clock)()) {
        Err(mistakes) => Err(Wrong::Mistakes(mistakes)),
        Ok(it) => service.desk.add_improvement(it).await.map(drop).map_err(Wrong::Desk),
    };
    finish(&service, visitor, fields, done).await
}

/// Takes an improvement a step on.
pub(super) async fn step(
    State(service): State<Service>,
    Path(id): Path<Uuid>,
    posted: Posted,
) -> Result<Response, Failure> {
    let Posted { visitor, fields, .. } = &posted;
    let body = posted.body();
    let done = match ReviewStep::parse_improvement(body, (service.clock)()) {
        Err(mistakes) => Err(Wrong::Mistakes(mistakes)),
        Ok(step) => service.desk.step_improvement(id, step).await.map(drop).map_err(Wrong::Desk),
    };
    finish(&service, visitor, fields, done).await
}

/// Back to the alert from which it came, or to the list.
async fn finish(
    service: &Service,
    visitor: &Visitor,
    fields: &Fields,
    done: Result<(), Wrong>,
) -> Result<Response, Failure> {
    match done {
        Ok(()) => {
            let alert = form::find(fields, "alert_id").and_then(|it| it.parse::<Uuid>().ok());
            let target = match alert {
                Some(alert) => format!("/console/alerts/{alert}"),
                None => "/console/improvements".to_owned(),
            };
            Ok(Redirect::to(&target).into_response())
        }
        Err(wrong) => page(service, visitor, false, Some(wrong.explain()?)).await,
    }
}

async fn page(
    service: &Service,
    visitor: &Visitor,
    ended: bool,
    problem: Option<(&str, Vec<String>)>,
) -> Result<Response, Failure> {
    let knowledge = service.desk.engine().knowledge();
    let states: &[&str] = if ended { &["done", "dropped"] } else { &["in_progress", "open"] };
    let mut found = of_states(service, states).await?;
    if !ended {
        found.sort_by_key(|it| it.due_on);
    }
    let mut cards = Vec::with_capacity(found.len());
    for improvement in &found {
        cards.push(card(service, visitor, improvement).await?);
    }
    let n_overdue = found.iter().filter(|it| it.overdue).count();
    let body = html! {
        @if let Some((title, lines)) = &problem { (layout::problem(title, lines)) }
        div.head {
            h1 { "改进" }
            span.soft {
                @if ended { a href="/console/improvements" { "回到未完成的改进" } }
                @else {
                    (found.len()) " 项未完成"
                    @if 0 < n_overdue { "，" strong.over { (n_overdue) } " 项逾期" }
                    " · " a href="/console/improvements?state=ended" { "已结束的" }
                }
            }
        }
        (layout::tabs("统计与预警", &TABS, "/console/improvements"))
        div.two {
            div {
                @for card in &cards { section.card { (card) } }
                @if cards.is_empty() { div.card.empty { p.big { "没有改进事项" } p { "从预警或复盘中记下要改的事，跟到做完为止。" } } }
            }
            @if !ended { section.card { (form(visitor, &knowledge, None)) } }
        }
    };
    Ok(Page { title: "改进", section: Section::Statistics, visitor, body }.respond())
}

async fn of_states(service: &Service, states: &[&str]) -> Result<Vec<ImprovementAnswer>, Failure> {
    let mut found = Vec::new();
    for state in states {
        let pairs = [("state", *state), ("limit", N_IMPROVEMENTS)];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let list = ReviewList::parse_improvements(pairs.to_vec()).map_err(|_| Failure::Missing)?;
        let page = service.desk.list_improvements(&list, (service.clock)()).await?;
        found.extend(page.improvements);
    }
    Ok(found)
}

/// The improvements to which an alert led, as far as they are among the newest.
pub(super) async fn of_alert(
    service: &Service,
    visitor: &Visitor,
    alert: &str,
) -> Result<Vec<Markup>, Failure> {
    let found = of_states(service, &["in_progress", "open", "done", "dropped"]).await?;
    let mut cards = Vec::new();
    for improvement in found.iter().filter(|it| it.alert_id.as_deref() == Some(alert)) {
        cards.push(card(service, visitor, improvement).await?);
    }
    Ok(cards)
}

async fn card(
    service: &Service,
    visitor: &Visitor,
    improvement: &ImprovementAnswer,
) -> Result<Markup, Failure> {
    let knowledge = service.desk.engine().knowledge();
    let id: Uuid = improvement.id.parse().map_err(|_| Failure::Missing)?;
    let found = service.desk.find_improvement(id, (service.clock)()).await?;
    let done = found.steps.as_deref().unwrap_or_default();
    Ok(html! {
        article.improvement {
            header.head {
                h3 { (prose::visible(&found.title)) }
                div.tags {
                    span.tag.good[found.state == "done"] { (words::review_state(&found.state)) }
                    @if found.overdue { span.tag.rank-3 { "逾期" } }
                }
            }
            div.meta {
                span { (prose::visible(&found.department)) }
                span { "负责人 " (prose::visible(&found.owner)) }
                span { (words::date(found.due_on)) " 前" }
                @if let Some(category) = &found.category { span { (words::label(&knowledge, category)) } }
                @if let Some(alert) = &found.alert_id { a href=(format!("/console/alerts/{alert}")) { "来自预警" } }
            }
            @if let Some(last) = done.last().filter(|it| !it.note.is_empty()) { p.last { (prose::visible(&last.note)) } }
            details.more { summary { "进展 " (done.len()) " 条" } (steps(done, &knowledge)) }
            (moves(&found, visitor))
        }
    })
}

/// What can be done with an improvement.
fn moves(improvement: &ImprovementAnswer, visitor: &Visitor) -> Markup {
    if !visitor.may("/console/improvements/{id}/step") {
        return html! {};
    }
    let moves: &[(&str, &str)] = match improvement.state.as_str() {
        "done" | "dropped" => &[("open", "重新开始")],
        _ => &[("in_progress", "记进展"), ("done", "做完了"), ("dropped", "不做了")],
    };
    html! {
        details.panel {
            summary { "更新" }
            form method="post" action=(format!("/console/improvements/{}/step", improvement.id)) {
                input type="hidden" name="csrf" value=(visitor.csrf());
                input type="hidden" name="n:version" value=(improvement.version);
                label.field { span { "说明" } textarea name="note" required {} }
                div.tags {
                    @for (state, name) in moves {
                        button type="submit" name="state" value=(state) { (name) }
                    }
                }
            }
        }
    }
}

/// The form of something that shall become better.
pub(super) fn form(
    visitor: &Visitor,
    knowledge: &Knowledge,
    alert: Option<&AlertAnswer>,
) -> Markup {
    if !visitor.may("/console/improvements/add") {
        return html! {};
    }
    let title = alert.map(|it| format!("减少“{}”的投诉", subject(it, knowledge)));
    let category = alert.filter(|it| it.kind == "category").map(|it| it.subject.as_str());
    let mut departments: Vec<&str> =
        knowledge.policy.queues().iter().map(|queue| queue.department.as_str()).collect();
    let mut seen = Vec::new();
    departments.retain(|it| {
        let is_new = !seen.contains(it);
        seen.push(*it);
        is_new
    });
    html! {
        details.panel open[alert.is_none()] {
            summary { "记一项改进" }
            form method="post" action="/console/improvements/add" {
                input type="hidden" name="csrf" value=(visitor.csrf());
                @if let Some(alert) = alert { input type="hidden" name="alert_id" value=(alert.id); }
                @if let Some(category) = category { input type="hidden" name="category" value=(category); }
                label.field { span { "要改什么" } input type="text" name="title" required value=(title.as_deref().unwrap_or_default()); }
                label.field {
                    span { "责任部门" }
                    select name="department" { @for department in &departments { option { (department) } } }
                }
                label.field { span { "负责人" } input type="text" name="owner" required value=(if visitor.has_session() { visitor.name() } else { "" }); }
                label.field { span { "期限" } input type="date" name="due_on" required; }
                label.field { span { "缘由（可不填）" } textarea name="note" {} }
                button.primary type="submit" { "记下" }
            }
        }
    }
}
