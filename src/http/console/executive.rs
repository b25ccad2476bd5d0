//! 高层评审: what executives must decide, a page's worth each, decided in two clicks.

use axum::{
    extract::{Query, State},
    response::Response,
};
use maud::{Markup, html};
use serde::Deserialize;

use crate::cases::{Move, Stage};
use crate::http::Service;
use crate::http::console::judged::Judged;
use crate::http::console::layout::{Page, Section};
use crate::http::console::visitor::Visitor;
use crate::http::console::{Failure, note_reading, prose, steps, tags, timeline};
use crate::store::{Case, Event, QueueCursor, WorkFilter};
use crate::triage::{CaseLife, timetable};

/// So many cases stand on a page.
const N_CASES: u16 = 8;

/// What an executive does with a case from here.
const DECISIONS: [Move; 7] = [
    Move::Review,
    Move::Conclude,
    Move::Propose,
    Move::AnswerFinally,
    Move::Approve,
    Move::RefuseApproval,
    Move::SendBack,
];

/// Where it is for an executive to go on; elsewhere others are at work.
const STAGES: [Stage; 4] =
    [Stage::Assigned, Stage::Investigation, Stage::Proposal, Stage::Approval];

/// Where the list goes on.
#[derive(Deserialize)]
pub(super) struct Place {
    cursor: Option<String>,
}

/// What waits for executives.
pub(super) fn undecided() -> WorkFilter {
    let stages = STAGES.iter().map(|stage| stage.as_str()).collect();
    WorkFilter { executive: Some(stages), ..WorkFilter::default() }
}

/// Shows what must be decided.
pub(super) async fn show(
    State(service): State<Service>,
    visitor: Visitor,
    Query(place): Query<Place>,
) -> Result<Response, Failure> {
    let knowledge = service.desk.engine().knowledge();
    if !visitor.sees_queue(&knowledge.policy.executive_queue().id, &knowledge) {
        return Err(Failure::NotAllowed);
    }
    let filter = undecided();
    let after: Option<QueueCursor> = place.cursor.as_deref().and_then(|it| it.parse().ok());
    let page = service.desk.list_work(&filter, after, N_CASES).await?;
    let n_waiting = service.desk.count_work(&filter, u32::MAX).await?;
    let mut cards = Vec::with_capacity(page.items.len());
    for case in &page.items {
        cards.push(card(&service, &visitor, case).await?);
    }
    let body = html! {
        div.head {
            h1 { "高层评审" }
            span.soft {
                @if n_waiting == 0 { "今天没有要决定的事" }
                @else { strong { (n_waiting) } " 件待决，最急的在前；每件一页，两步决定" }
            }
        }
        div #fresh data-now=((service.clock)().as_millisecond()) {
            @for card in &cards { (card) }
            @if cards.is_empty() && after.is_some() {
                div.card.empty { p { "后面没有了。" } a.button href="/console/executive" { "回到开头" } }
            } @else if cards.is_empty() {
                div.card.empty {
                    p.big { "没有需要高层决定的案件" }
                    p { "升级到高层或触发高层规则的案件会出现在这里。" }
                }
            }
        }
        @if let Some(next) = page.next {
            a.button href=(format!("/console/executive?cursor={next}")) data-key="n" { "下一页" kbd { "N" } }
        }
    };
    Ok(Page { title: "高层评审", section: Section::Executive, visitor: &visitor, body }.respond())
}

async fn card(service: &Service, visitor: &Visitor, case: &Case) -> Result<Markup, Failure> {
    let id = case.record.id;
    note_reading(service, visitor, id).await?;
    let CaseLife { case, life } = service.desk.case_life(id).await?;
    let events = service.desk.list_events(id).await?;
    let knowledge = service.desk.engine().knowledge();
    let table = timetable(&knowledge);
    let now = (service.clock)();
    let record = &case.record;
    let judged = Judged::read(&record.triage.answer);
    let veil = visitor.veil(&record.elements);
    let desk = steps::Desk {
        id: id.to_string(),
        version: case.version,
        life: &life,
        table: &table,
        knowledge: &knowledge,
        labels: &record.triage.labels,
        visitor,
        back: "/console/executive",
    };
    let is_escalation = |it: &&Event| it.record.kind == "case.escalated";
    let escalation = events.iter().rev().find(is_escalation);
    let whys = judged.rules.fired.iter().filter(|rule| rule.executive_review);
    Ok(html! {
        article.card.brief {
            header.head {
                h2 { a href=(format!("/console/cases/{id}")) { "案件 " (tags::short(id)) } }
                div.tags {
                    (tags::severity(&case, &knowledge)) span.tag { (life.stage().name()) }
                    (tags::deadline(record.triage.first_due_at, now))
                }
            }
            div.two {
                div {
                    (prose::complaint(record.complaint.text.as_str(), &judged, &veil))
                    @for rule in whys {
                        p.why { span.tag.executive { (rule.name) } " " (rule.reason) }
                    }
                    @if let Some(Event { record, .. }) = escalation {
                        h3 { "升级报告" }
                        (timeline::form(&record.data, &veil))
                        @if record.data.get("form").is_none_or(serde_json::Value::is_null) {
                            p.soft { "时限超期，由系统自动升级。" }
                        }
                    }
                }
                div.moves {
                    h3 { "决定" }
                    (desk.chosen(&DECISIONS))
                }
            }
        }
    })
}
