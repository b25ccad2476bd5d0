//! 模型与规则: which model answers and since when, which ones did before, the way back, the rules
//! that override it, and a text to try both on.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use maud::{Markup, html};

use crate::domain::{Complaint, ComplaintText, CustomerTier, StaffRole};
use crate::http::Service;
use crate::http::console::charts::{self, Point};
use crate::http::console::form;
use crate::http::console::judged::Judged;
use crate::http::console::layout::{self, Page, Section};
use crate::http::console::visitor::{Posted, Visitor};
use crate::http::console::{Failure, prose, review, rules, words};
use crate::registry::{Action, Entry};
use crate::triage::{AgreementStats, Answer, DeskError, Knowledge, Veil, WeekAgreement};

/// So many weeks of agreement are shown.
const N_WEEKS: u8 = 12;

/// Those who may take a model back.
const KEEPERS: [StaffRole; 2] = [StaffRole::DataScientist, StaffRole::Administrator];

/// Shows models and rules.
pub(super) async fn show(
    State(service): State<Service>,
    visitor: Visitor,
) -> Result<Response, Failure> {
    page(&service, &visitor, &html! {}, "").await
}

/// Judges a text without keeping it.
pub(super) async fn try_out(
    State(service): State<Service>,
    posted: Posted,
) -> Result<Response, Failure> {
    let Posted { visitor, fields, .. } = &posted;
    let words = form::find(fields, "text").unwrap_or_default();
    let outcome = match ComplaintText::try_from(words.to_owned()) {
        Err(_) => layout::problem("请输入一段投诉文字", &[]),
        Ok(text) => judged(&service, text).await?,
    };
    page(&service, visitor, &outcome, words).await
}

async fn judged(service: &Service, text: ComplaintText) -> Result<Markup, Failure> {
    let complaint = Complaint {
        text,
        channel: None,
        amount: None,
        customer_tier: CustomerTier::default(),
        prior_contacts: None,
        received_at: (service.clock)(),
    };
    let classification = service.desk.engine().classify_soon(&complaint).await;
    let classification = classification.map_err(DeskError::from)?;
    let answer = Answer::new(complaint.text.as_str(), &classification);
    let json = serde_json::to_string(&answer).expect("an answer is plain data");
    let judged = Judged::read(&json);
    let queue = classification.knowledge.policy.find_queue(&classification.decision.queue);
    let text = complaint.text.as_str();
    Ok(html! {
        div.two.tried {
            div { (prose::complaint(text, &judged, &Veil::clear())) (review::legend()) }
            div {
                (review::answers(&judged))
                @if let Some(queue) = queue { p { "去向：" strong { (queue.name) } " · " (words::tier(classification.decision.tier)) } }
                (review::reasons(&judged))
            }
        }
    })
}

/// Makes the model before the live one live again.
pub(super) async fn roll_back(
    State(service): State<Service>,
    posted: Posted,
) -> Result<Response, Failure> {
    let Posted { visitor, fields, .. } = &posted;
    let reason = form::find(fields, "reason");
    let (true, Some(reason)) = (visitor.has_role(&KEEPERS), reason) else {
        let problem =
            layout::problem("没有回退", &["须由数据分析或管理员办理，并写明理由".to_owned()]);
        return page(&service, visitor, &problem, "").await;
    };
    let (by, why, now) = (visitor.name().to_owned(), reason.to_owned(), (service.clock)());
    let knowledge = service.desk.engine().knowledge();
    let done = tokio::task::spawn_blocking(move || knowledge.roll_back(by, why, now)).await;
    match done {
        Ok(Ok(())) => Ok(Redirect::to("/console/models").into_response()),
        Ok(Err(error)) => {
            let problem = layout::problem("没有回退", &[error.to_string()]);
            page(&service, visitor, &problem, "").await
        }
        Err(_) => Err(Failure::Broken),
    }
}

async fn page(
    service: &Service,
    visitor: &Visitor,
    outcome: &Markup,
    tried: &str,
) -> Result<Response, Failure> {
    let knowledge = service.desk.engine().knowledge();
    let asked = knowledge.clone();
    let history = tokio::task::spawn_blocking(move || asked.model_history()).await;
    let history = history.map_err(|_| Failure::Broken)?;
    let weeks = service.desk.weekly_agreement((service.clock)(), N_WEEKS).await?;
    let body = html! {
        div.head { h1 { "模型与规则" } }
        div.half.level {
            section.card {
                h2 { "现用模型" }
                @match knowledge.model_version() {
                    Some(version) => {
                        p { strong { (version) } }
                        @if let Some(entry) = history.iter().rev().find(|it| it.took_effect) {
                            p.soft { "自 " (words::exact(entry.change.at, knowledge.calendar.time_zone())) " 起，由 " (entry.change.by) " 上线" }
                        }
                    }
                    None => p.problem { "没有可用模型，仅按规则判断：" (knowledge.model_problem().unwrap_or_default()) },
                }
                @if visitor.has_role(&KEEPERS) && 1 < history.len() {
                    details.panel {
                        summary { "回退到上一个模型" }
                        form method="post" action="/console/models/rollback" {
                            input type="hidden" name="csrf" value=(visitor.csrf());
                            label.field { span { "理由" } input type="text" name="reason" required; }
                            button.danger type="submit" { "确认回退" }
                        }
                    }
                }
            }
            section.card { (agreement(&weeks, &history)) }
        }
        section.card {
            h2 { "试一段文字" }
            form method="post" action="/console/models/try" {
                input type="hidden" name="csrf" value=(visitor.csrf());
                textarea name="text" aria-label="投诉文字" placeholder="粘贴一段投诉；不会保存" { (tried) }
                button.primary type="submit" { "判断" kbd { "Ctrl+Enter" } }
            }
            (outcome)
        }
        @if !history.is_empty() { section.card.scroll { h2 { "上线历史" } (changes(&history, &knowledge)) } }
        section.card.scroll { h2 { "规则 " span.soft { (knowledge.rules.version()) } } (rules::table(&knowledge)) }
    };
    Ok(Page { title: "模型与规则", section: Section::Models, visitor, body }.respond())
}

fn changes(history: &[Entry], knowledge: &Knowledge) -> Markup {
    html! {
        table.history {
            thead { tr { th { "时间" } th { "动作" } th { "模型" } th { "由谁" } th { "理由" } th { "指标" } } }
            tbody {
                @for Entry { change, took_effect } in history.iter().rev() {
                    tr {
                        td { (words::exact(change.at, knowledge.calendar.time_zone())) }
                        td {
                            @match change.action { Action::Promote => "上线", Action::Rollback => "回退" }
                            @if change.forced { " " span.tag.rank-2 { "强制" } }
                            @if !took_effect { " " span.tag { "未生效" } }
                        }
                        td { (change.to.version()) }
                        td { (change.by) }
                        td { (change.why) }
                        td {
                            @for (head, measures) in &change.metrics {
                                @for (measure, value) in measures.iter().filter(|it| matches!(it.0.as_str(), "macro_f1" | "quadratic_kappa")) {
                                    div.soft { (head_name(knowledge, head)) " " (if measure == "macro_f1" { "F1" } else { "κ" }) " " (format!("{value:.3}")) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A head by its name for people; one that is gone shows as it is.
fn head_name<'a>(knowledge: &'a Knowledge, id: &'a str) -> &'a str {
    let mut heads = knowledge.taxonomy.heads().iter();
    heads.find(|head| head.id.as_str() == id).map_or(id, |head| &head.name)
}

/// How often people agreed with the model, with the weeks in which another one went live.
fn agreement(weeks: &[WeekAgreement], history: &[Entry]) -> Markup {
    let points = weeks.iter().map(|week| {
        let AgreementStats { category, n_category, severity, n_severity } = &week.agreement;
        let monday = words::date(week.monday);
        let told = |name: &str, share: Option<f64>, n: u64| {
            let share = share.map_or_else(|| "—".to_owned(), words::percent);
            format!("{monday} 起一周，{name}一致 {share}（{n} 件）")
        };
        let mut changed = history.iter().filter(|entry| {
            entry.took_effect && week.span.0 <= entry.change.at && entry.change.at < week.span.1
        });
        Point {
            values: vec![
                (*category, told("类别", *category, *n_category)),
                (*severity, told("严重程度", *severity, *n_severity)),
            ],
            mark: changed.next_back().map(|entry| format!("{} 上线", entry.change.to.version())),
            name: monday.clone(),
        }
    });
    let points: Vec<Point> = points.collect();
    let n_cases: u64 = weeks.iter().map(|week| week.agreement.n_category).sum();
    html! {
        (charts::lines("模型与人一致", &["类别", "严重程度"], &points))
        p.soft {
            @if n_cases == 0 { "还没有人确认或更正过归档的案件。" }
            @else { "按归档周统计 " (n_cases) " 件由人确认或更正过类别的案件；竖线处换过模型。" }
        }
    }
}
