//! 分派复核: the cases that a person must label first, one at a time, most urgent first. One key
//! confirms, one corrects, one escalates, and the next case is there.

use axum::{
    extract::{Query, State},
    response::Response,
};
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;
use uuid::Uuid;

use crate::domain::{LabelId, QueueId};
use crate::http::Service;
use crate::http::console::judged::{Choice, Judged};
use crate::http::console::layout::{Page, Section};
use crate::http::console::visitor::Visitor;
use crate::http::console::{Failure, note_reading, prose, steps, tags, words};
use crate::store::{Case, QueueCursor, WorkFilter};
use crate::triage::{CaseLife, Knowledge, Veil, timetable};

/// Where to go on, and which case was dealt with just now.
#[derive(Deserialize)]
pub(super) struct Place {
    after: Option<String>,
    done: Option<Uuid>,
}

/// Shows the next case.
pub(super) async fn show(
    State(service): State<Service>,
    visitor: Visitor,
    Query(place): Query<Place>,
) -> Result<Response, Failure> {
    let knowledge = service.desk.engine().knowledge();
    let queue = knowledge.policy.triage_queue().id.clone();
    if !visitor.sees_queue(&queue, &knowledge) {
        return Err(Failure::NotAllowed);
    }
    let after: Option<QueueCursor> = place.after.as_deref().and_then(|it| it.parse().ok());
    let filter = unreviewed(&queue);
    let Some(case) = service.desk.list_work(&filter, after, 1).await?.items.pop() else {
        return Ok(nothing_left(&visitor, place.done, after.is_some()));
    };
    note_reading(&service, &visitor, case.record.id).await?;
    let n_waiting = service.desk.count_work(&filter, u32::MAX).await?;
    let back = match &place.after {
        Some(after) => format!("/console/review?after={after}"),
        None => "/console/review".to_owned(),
    };
    let next = format!("/console/review?after={}", QueueCursor::after(&case));
    let CaseLife { case, life } = service.desk.case_life(case.record.id).await?;
    let table = timetable(&knowledge);
    let desk = steps::Desk {
        id: case.record.id.to_string(),
        version: case.version,
        life: &life,
        table: &table,
        knowledge: &knowledge,
        labels: &case.record.triage.labels,
        visitor: &visitor,
        back: &back,
    };
    let body = html! {
        div.head {
            h1 { "分派复核" }
            span.soft { "还有 " strong { (n_waiting) } " 件，最急的在前" (done(place.done)) }
        }
        (sheet(&case, &desk, (service.clock)()))
        (bar(&case, &desk, &next))
    };
    Ok(Page { title: "分派复核", section: Section::Review, visitor: &visitor, body }.respond())
}

/// One case on one screen: its words on the left, what is thought of them on the right.
fn sheet(case: &Case, desk: &steps::Desk<'_>, now: Timestamp) -> Markup {
    let record = &case.record;
    let (knowledge, visitor) = (desk.knowledge, desk.visitor);
    let judged = Judged::read(&record.triage.answer);
    let veil = visitor.veil(&record.elements);
    html! {
        div.two data-now=(now.as_millisecond()) {
            section.card {
                div.meta {
                    (tags::severity(case, knowledge))
                    span { (words::moment(record.complaint.received_at, knowledge.calendar.time_zone())) }
                    @if let Some(channel) = record.complaint.channel { span { (words::channel(channel)) } }
                    a href=(format!("/console/cases/{}", desk.id)) { "案件 " (tags::short(record.id)) }
                }
                (prose::complaint(record.complaint.text.as_str(), &judged, &veil))
                (legend())
                (facts(case, knowledge, &veil))
            }
            div {
                details.card.drawer #correct {
                    summary { h2 { "更正标签或去向" } }
                    (desk.correction())
                }
                details.card.drawer #escalate {
                    summary { h2 { "升级" } }
                    (desk.escalation(&record.elements, &veil))
                }
                section.card { h2 { "判断" } (answers(&judged)) (other_categories(&judged, desk)) }
                section.card {
                    h2 { "去向与时限" }
                    dl.pairs {
                        dt { "确认后" } dd { (destination(knowledge, record.triage.category.as_ref())) }
                        dt { "层级" } dd { (words::tier(desk.life.tier())) }
                        dt { "最近时限" } dd { (tags::deadline(record.triage.first_due_at, now)) }
                        dt { "办结" } dd { (tags::deadline(record.triage.resolution_due_at, now)) }
                    }
                }
                section.card { h2 { "依据" } (reasons(&judged)) }
            }
        }
    }
}

fn bar(case: &Case, desk: &steps::Desk<'_>, next: &str) -> Markup {
    html! {
        div.bar {
            @if case.record.triage.category.is_some() {
                (desk.form_to(&format!("/console/cases/{}/confirm", desk.id), &html! {
                    button.primary type="submit" data-key="y" { "确认无误" kbd { "Y" } }
                }))
            }
            button.scripted type="button" data-key="c" data-opens="correct" { "更正" kbd { "C" } }
            button.scripted type="button" data-key="e" data-opens="escalate" { "升级" kbd { "E" } }
            a.button href=(next) data-key="n" { "跳过" kbd { "N" } }
            span.soft.hint { "数字键改为其他类别，" kbd { "Esc" } " 收起" }
        }
    }
}

/// The categories that it may be instead, each a key away.
fn other_categories(judged: &Judged, desk: &steps::Desk<'_>) -> Markup {
    let others = judged.category.iter().flat_map(|it| &it.alternatives).take(3);
    html! {
        div.choices {
            @for (number, other) in (1..).zip(others) {
                (desk.form_to(&format!("/console/cases/{}/confirm", desk.id), &html! {
                    input type="hidden" name="category" value=(other.label);
                    button type="submit" data-key=(number) {
                        "改为" (other.name) span.soft { (words::percent(other.confidence)) } kbd { (number) }
                    }
                }))
            }
        }
    }
}

/// What waits to be reviewed. The desk also keeps reviewed cases, of categories that are its own.
pub(super) fn unreviewed(queue: &QueueId) -> WorkFilter {
    WorkFilter { queue: Some(queue.clone()), needs_triage: true, ..WorkFilter::default() }
}

/// The way back to the case that was dealt with just now.
fn done(case: Option<Uuid>) -> Markup {
    html! {
        @if let Some(case) = case {
            " · 刚处理 " a href=(format!("/console/cases/{case}")) { "案件 " (tags::short(case)) }
        }
    }
}

fn nothing_left(visitor: &Visitor, dealt_with: Option<Uuid>, skipped: bool) -> Response {
    let body = html! {
        div.head { h1 { "分派复核" } span.soft { (done(dealt_with)) } }
        div.card.empty #fresh {
            @if skipped {
                p { "后面没有了。" }
                a.button href="/console/review" data-key="y" { "从头再看跳过的案件" kbd { "Y" } }
            } @else {
                p.big { "都复核完了" }
                p { "新的投诉会自动出现在这里。" }
                a.button href="/console/queues" { "看看队列" }
            }
        }
    };
    Page { title: "分派复核", section: Section::Review, visitor, body }.respond()
}

fn destination(knowledge: &Knowledge, category: Option<&LabelId>) -> Markup {
    html! {
        @match category.and_then(|it| knowledge.policy.category_queue(it)) {
            Some(queue) => { strong { (queue.name) } " " span.soft { (queue.department) } },
            None => span.soft { "请先更正类别" },
        }
    }
}

/// What the colors of the text mean.
pub(super) fn legend() -> Markup {
    html! {
        div.legend {
            span { mark.m-rule { "规则" } } span { mark.m-signal { "风险信号" } }
            span { mark.m-severity { "严重程度" } } span { mark.m-category { "类别" } }
        }
    }
}

/// The model's and the rules' answers with how sure they are.
pub(super) fn answers(judged: &Judged) -> Markup {
    html! {
        @if judged.fallback { p.soft { "模型未作答，仅按规则判断。" } }
        div.answers {
            @if let Some(category) = &judged.category { (answer("类别", category)) }
            (answer("严重程度", &judged.severity))
            @if let Some(sentiment) = &judged.sentiment { (answer("情绪", sentiment)) }
            div.answer {
                span.head-name { "风险信号" }
                span.value {
                    @if judged.signals.is_empty() { span.soft { "无" } }
                    @for signal in &judged.signals { span.tag title=(signal.label) { (signal.name) } " " }
                }
            }
        }
        @if !judged.rules.fired.is_empty() {
            h3 { "触发的规则" }
            ul.plain.reasons {
                @for rule in &judged.rules.fired {
                    li data-source="rule" {
                        strong { (rule.name) }
                        @if rule.executive_review { " " span.tag.executive { "须高层评审" } }
                        div.soft title=(rule.id) { (rule.reason) }
                    }
                }
            }
        }
    }
}

fn answer(head: &str, choice: &Choice) -> Markup {
    html! {
        div.answer {
            span.head-name { (head) }
            span.value title=(choice.label) { (choice.name) }
            @if let Some(sure) = choice.confidence {
                span.sure { (words::percent(sure)) }
                meter min="0" max="1" low="0.5" high="0.8" optimum="1" value=(sure) aria-label=(format!("{head}把握")) {}
            }
        }
    }
}

/// Why it was decided so.
pub(super) fn reasons(judged: &Judged) -> Markup {
    html! {
        ul.plain.reasons {
            @for reason in &judged.decision.reasons {
                li data-source=(reason.source) { (reason.message) }
            }
        }
        @if !judged.decision.priority_terms.is_empty() {
            details.more {
                summary.soft { "优先级如何得来" }
                dl.pairs {
                    @for term in &judged.decision.priority_terms {
                        dt { (term.name) } dd { (term.value) " " span.soft { "+" (format!("{:.1}", term.points)) } }
                    }
                }
            }
        }
    }
}

/// What else is known about a case.
pub(super) fn facts(case: &Case, knowledge: &Knowledge, veil: &Veil) -> Markup {
    let record = &case.record;
    let complaint = &record.complaint;
    let elements = &record.elements;
    html! {
        dl.pairs.facts {
            @if let Some(name) = &elements.customer_name {
                dt { "客户" } dd { (prose::visible(&veil.name(name))) " " span.soft { (words::customer_tier(complaint.customer_tier)) } }
            } @else {
                dt { "客户等级" } dd { (words::customer_tier(complaint.customer_tier)) }
            }
            @if let Some(contact) = &elements.customer_contact {
                dt { "联系方式" } dd { (prose::visible(&veil.contact(contact))) }
            }
            @if let Some(amount) = complaint.amount { dt { "涉及金额" } dd { "¥" (amount.yuan()) } }
            @if let Some(n) = complaint.prior_contacts { dt { "此前联系" } dd { (n) " 次" } }
            @for (name, value) in [
                ("商品", &elements.product),
                ("店铺", &elements.shop),
                ("订单号", &elements.order_number),
                ("诉求", &elements.demand),
            ] {
                @if let Some(value) = value { dt { (name) } dd { (prose::words(value, veil)) } }
            }
            @for item in &elements.evidence { dt { "证据" } dd { (prose::words(item, veil)) } }
            dt { "收到" } dd { (words::exact(complaint.received_at, knowledge.calendar.time_zone())) }
        }
    }
}
