//! 队列: how every queue stands, and the cases of one, most urgent first. Cases that are chosen go
//! to another queue together, or to whoever is free.

use axum::{
    extract::{Path, Query, State},
    response::Response,
};
use jiff::Timestamp;
use maud::{Markup, html};

use crate::cases::{Move, Stage};
use crate::domain::{QueueId, Tier};
use crate::http::Service;
use crate::http::console::judged::{Judged, PriorityTerm};
use crate::http::console::layout::{self, Section};
use crate::http::console::sieve::Sieve;
use crate::http::console::visitor::Visitor;
use crate::http::console::{Failure, prose, tags, words};
use crate::store::{Case, Page, QueueCount, QueueCursor};
use crate::triage::{Knowledge, Veil};

/// So many cases stand on a page.
const N_CASES: u16 = 50;

/// More are not counted: nobody works them off in a day.
const MAX_COUNTED: u32 = 1_000;

/// Shows how the queues stand.
pub(super) async fn list(
    State(service): State<Service>,
    visitor: Visitor,
) -> Result<Response, Failure> {
    let now = (service.clock)();
    let counts = service.desk.count_queues(now).await?;
    let knowledge = service.desk.engine().knowledge();
    let count = |id: &QueueId| counts.iter().find(|count| count.queue == *id);
    let most = counts.iter().map(|count| count.open).max().unwrap_or_default();
    let queues = knowledge.policy.queues().iter();
    let mut queues: Vec<_> = queues.filter(|it| visitor.sees_queue(&it.id, &knowledge)).collect();
    let due = |id: &QueueId| count(id).map_or(Timestamp::MAX, |it| it.earliest_due_at);
    queues.sort_by_key(|queue| due(&queue.id));
    let total: u64 = counts.iter().map(|it| it.open).sum();
    let overdue: u64 = counts.iter().map(|it| it.overdue).sum();
    let body = html! {
        div.head {
            h1 { "队列" }
            span.soft {
                "在办 " strong { (total) } " 件"
                @if 0 < overdue { "，超期 " strong.over { (overdue) } " 件" }
            }
        }
        div.cards #fresh data-now=(now.as_millisecond()) {
            @for queue in queues {
                a.card.queue href=(format!("/console/queues/{}", queue.id)) {
                    h2 { (queue.name) }
                    span.soft { (queue.department) }
                    (standing(count(&queue.id), most, now))
                }
            }
        }
    };
    Ok(layout::Page { title: "队列", section: Section::Queues, visitor: &visitor, body }.respond())
}

/// How a queue stands beside the fullest one.
fn standing(count: Option<&QueueCount>, most: u64, now: Timestamp) -> Markup {
    let Some(count) = count else { return html! { div.figure.soft { "0" } } };
    html! {
        div.figure { (count.open) small { "件在办" } }
        progress max=(most) value=(count.open) aria-label="占最满队列" {}
        div.tags {
            @if 0 < count.overdue { span.tag.rank-3 { "超期 " (count.overdue) } }
            @if 0 < count.executive { span.tag.executive { "高层 " (count.executive) } }
            span.soft { "最近办结 " (tags::deadline(count.earliest_due_at, now)) }
        }
    }
}

/// Shows the cases of a queue.
pub(super) async fn show(
    State(service): State<Service>,
    visitor: Visitor,
    Path(queue): Path<String>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let knowledge = service.desk.engine().knowledge();
    let id: QueueId = queue.parse().map_err(|_| Failure::Missing)?;
    if !visitor.sees_queue(&id, &knowledge) {
        return Err(Failure::NotAllowed);
    }
    let now = (service.clock)();
    let asked = |name: &str| pairs.iter().find(|(it, _)| it == name).map(|(_, value)| &**value);
    let sieve = Sieve::read(&pairs);
    let after: Option<QueueCursor> = asked("cursor").and_then(|it| it.parse().ok());
    let (page, n_cases) = match sieve.filter(&id, now) {
        Some(filter) => (
            service.desk.list_work(&filter, after, N_CASES).await?,
            service.desk.count_work(&filter, MAX_COUNTED).await?,
        ),
        None => (Page { items: Vec::new(), next: None }, 0),
    };
    let queue = knowledge.policy.find_queue(&id);
    if queue.is_none() && sieve.is_open() && page.items.is_empty() {
        return Err(Failure::Missing);
    }
    let owners = service.desk.count_owners(&id).await?;
    let name = queue.map_or(id.as_str(), |queue| &queue.name);
    let choose = visitor.may("/console/queues/reroute");
    let rows = Rows { knowledge: &knowledge, now, choose };
    let body = html! {
        div.head {
            div {
                h1 { (name) }
                span.soft {
                    a href="/console/queues" { "所有队列" }
                    @if let Some(queue) = queue { " · " (queue.department) }
                    " · " (n_cases) @if n_cases == u64::from(MAX_COUNTED) { "+" } " 件"
                }
            }
            @if id == knowledge.policy.triage_queue().id {
                a.button.primary href="/console/review" data-key="y" { "逐件复核" kbd { "Y" } }
            }
        }
        (handed(asked("handed"), asked("left"), asked("moved")))
        (sieve.form(&id, &knowledge, &owners))
        @if page.items.is_empty() {
            div.card.empty #fresh {
                @if sieve.is_open() { p.big { "没有待办案件" } p { "分派到这个队列的案件会自动出现在这里。" } }
                @else { p.big { "没有这样的案件" } p { "放宽条件再看。" } }
            }
        } @else {
            form method="post" action="/console/queues/reroute" {
                input type="hidden" name="csrf" value=(visitor.csrf());
                input type="hidden" name="back" value=(sieve.address(&id, &[]));
                div.card.scroll #fresh data-now=(now.as_millisecond()) { (rows.table(&page.items)) }
                @if choose { (bar(&visitor, &knowledge, &id)) }
            }
            @if let Some(next) = page.next {
                a.button href=(sieve.address(&id, &[("cursor", next.to_string().as_str())])) data-key="n" { "下一页" kbd { "N" } }
            }
        }
    };
    Ok(layout::Page { title: name, section: Section::Queues, visitor: &visitor, body }.respond())
}

/// What became of cases that were to be handed out.
fn handed(handed: Option<&str>, left: Option<&str>, moved: Option<&str>) -> Markup {
    let number = |text: Option<&str>| text.and_then(|it| it.parse::<u32>().ok());
    let Some(handed) = number(handed) else { return html! {} };
    let (left, moved) = (number(left).unwrap_or_default(), number(moved).unwrap_or_default());
    html! {
        div.notice role="status" {
            @if handed == 0 && left == 0 && moved == 0 { "没有无人负责的案件" }
            @else { "已分给空闲的人 " strong { (handed) } " 件。" }
            @if 0 < left { " " (left) " 件没有合适的人：管理员可在“系统”中为这个队列安排一线人员。" }
            @if 0 < moved { " " (moved) " 件刚被他人办理，没有改动。" }
        }
    }
}

/// What can be done with the chosen cases.
fn bar(visitor: &Visitor, knowledge: &Knowledge, from: &QueueId) -> Markup {
    html! {
        div.bar {
            @if visitor.has_role(Move::Review.roles(Tier::FrontLine)) {
                button.primary type="submit" formaction=(format!("/console/queues/{from}/share")) formnovalidate
                    data-key="a" title="交给在办最少的人" {
                    "分给空闲的人" kbd { "A" }
                }
            }
            label { "所选转到 "
                select name="queue" {
                    @for queue in knowledge.policy.queues() {
                        @if queue.id != *from { option value=(queue.id.as_str()) { (queue.name) } }
                    }
                }
            }
            label { "理由 " input type="text" name="reason" required; }
            button type="submit" { "转派" }
            span.soft.hint { "不勾选就分派所有无人负责的" }
        }
    }
}

/// Rows of a list of cases.
struct Rows<'a> {
    knowledge: &'a Knowledge,
    now: Timestamp,
    /// Whether cases can be chosen.
    choose: bool,
}

impl Rows<'_> {
    fn table(&self, cases: &[Case]) -> Markup {
        html! {
            table.list {
                thead {
                    tr {
                        @if self.choose { th { input type="checkbox" data-all aria-label="全选"; } }
                        th { "投诉" } th { "严重程度" } th { "类别" } th { "环节" } th { "负责人" }
                        th.num { "优先级" } th { "办结" }
                    }
                }
                tbody { @for case in cases { (self.row(case)) } }
            }
        }
    }

    fn row(&self, case: &Case) -> Markup {
        let triage = &case.record.triage;
        let complaint = &case.record.complaint;
        let id = case.record.id;
        let short = tags::short(id);
        let zone = self.knowledge.calendar.time_zone();
        let category = triage.category.as_ref();
        html! {
            tr {
                @if self.choose {
                    td.pick {
                        input type="checkbox" name="case" value=(format!("{id}:{}", case.version))
                            aria-label=(format!("选择案件 {short}"));
                    }
                }
                td.excerpt {
                    // Lists are read by more people than single cases: nobody is named in them.
                    a href=(format!("/console/cases/{id}")) {
                        (prose::excerpt(complaint.text.as_str(), &Veil::over(&case.record.elements)))
                    }
                    div.meta {
                        span { (short) }
                        span { (words::moment(complaint.received_at, zone)) }
                        @if let Some(channel) = complaint.channel { span { (words::channel(channel)) } }
                        @if triage.executive_review { span.tag.executive { "高层" } }
                        @if triage.needs_triage { span.tag { "待复核" } }
                    }
                }
                td { (tags::severity(case, self.knowledge)) }
                td { (category.map_or("未定", |it| words::label(self.knowledge, it.as_str()))) }
                td { (stage(&case.status)) }
                td { @match &case.record.owner { Some(owner) => (prose::visible(owner)), None => span.soft { "—" } } }
                td.num title=(priority_terms(&triage.answer)) { (format!("{:.0}", triage.priority)) }
                td { (tags::deadline(triage.resolution_due_at, self.now)) }
            }
        }
    }
}

/// What a priority is made of.
fn priority_terms(answer: &str) -> String {
    let terms = Judged::read(answer).decision.priority_terms;
    let line = |term: &PriorityTerm| format!("{}（{}）+{:.1}", term.name, term.value, term.points);
    terms.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A stage by its name for people.
pub(super) fn stage(status: &str) -> &str {
    match Stage::ALL.into_iter().find(|stage| stage.as_str() == status) {
        Some(stage) => stage.name(),
        None => status,
    }
}
