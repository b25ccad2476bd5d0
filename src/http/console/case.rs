//! 案件详情: one case with everything that is known about it: text, five elements, clocks, offers,
//! what happened, what became of like cases, and a form for every move that is possible now.

use axum::{
    extract::{Path, Query, State},
    response::Response,
};
use jiff::Timestamp;
use maud::{Markup, html};
use uuid::Uuid;

use crate::cases::{Investigation, Life, Offer, Stage, Timetable};
use crate::domain::{Elements, MessageChannel};
use crate::http::Service;
use crate::http::console::form::Fields;
use crate::http::console::judged::Judged;
use crate::http::console::layout::{self, Page, Section};
use crate::http::console::visitor::Visitor;
use crate::http::console::{
    Failure, files, letters, library, note_reading, prose, review, steps, tags, timeline, words,
};
use crate::store::{Case, Event, EvidenceFile, Matter};
use crate::triage::{
    CaseLife, DeskError, Knowledge, MessagesAnswer, SimilarAnswer, Veil, timetable,
};

/// So many like cases stand beside a case.
const N_SIMILAR: u16 = 4;

/// What somebody wants of a case's page, beside the case.
#[derive(Default)]
pub(super) struct Asked<'a> {
    /// What could not be done, when something could not.
    pub(super) problem: Option<(&'a str, Vec<String>)>,
    /// Over what customers are to be told something.
    pub(super) channel: Option<MessageChannel>,
    /// A message that could not be sent.
    pub(super) written: Option<&'a Fields>,
}

/// Shows a case.
pub(super) async fn show(
    State(service): State<Service>,
    visitor: Visitor,
    Path(id): Path<Uuid>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let channel = pairs.iter().find(|(name, _)| name == "channel");
    let channel = channel.and_then(|(_, name)| letters::channel_named(name));
    answer(&service, &visitor, id, Asked { channel, ..Asked::default() }).await
}

/// The page of a case; with what could not be done, when something could not.
pub(super) async fn page(
    service: &Service,
    visitor: &Visitor,
    id: Uuid,
    problem: Option<(&str, Vec<String>)>,
) -> Result<Response, Failure> {
    answer(service, visitor, id, Asked { problem, ..Asked::default() }).await
}

/// The page of a case as it was asked for.
pub(super) async fn answer(
    service: &Service,
    visitor: &Visitor,
    id: Uuid,
    asked: Asked<'_>,
) -> Result<Response, Failure> {
    let found = service.desk.find_case(id).await?.ok_or(Failure::Missing)?;
    note_reading(service, visitor, id).await?;
    let veil = visitor.veil(&found.record.elements);
    render(service, visitor, id, &veil, asked).await
}

/// The page of a case as far as `veil` shows it.
pub(super) async fn render(
    service: &Service,
    visitor: &Visitor,
    id: Uuid,
    veil: &Veil,
    asked: Asked<'_>,
) -> Result<Response, Failure> {
    let now = (service.clock)();
    let desk = &service.desk;
    let read = async || {
        Ok::<_, DeskError>((
            desk.case_life(id).await?,
            desk.list_events(id).await?,
            desk.find_matter(id).await?,
            desk.list_evidence(id).await?,
            desk.list_messages(id, asked.channel, now).await?,
        ))
    };
    let compare = async || match desk.similar_to_case(id, N_SIMILAR).await {
        Ok(similar) => Ok(Some(similar)),
        // A page does without what only helps.
        Err(DeskError::NoVectors | DeskError::Busy(_)) => Ok(None),
        Err(error) => Err(error),
    };
    // Like cases take as long as all the rest.
    let ((CaseLife { case, life }, events, matter, files, messages), similar) =
        tokio::try_join!(read(), compare())?;
    let dossier = Dossier {
        case,
        life,
        events,
        matter,
        files,
        messages,
        similar,
        knowledge: &service.desk.engine().knowledge(),
        veil,
        now,
    };
    let title = format!("案件 {}", tags::short(id));
    let body = html! {
        @if let Some((title, lines)) = &asked.problem { (layout::problem(title, lines)) }
        (dossier.show(visitor, asked.written))
    };
    Ok(Page { title: &title, section: Section::Case, visitor, body }.respond())
}

/// Everything that is known about a case.
struct Dossier<'a> {
    case: Case,
    life: Life,
    events: Vec<Event>,
    matter: Matter,
    files: Vec<EvidenceFile>,
    messages: MessagesAnswer,
    similar: Option<SimilarAnswer>,
    knowledge: &'a Knowledge,
    veil: &'a Veil,
    now: Timestamp,
}

impl Dossier<'_> {
    fn show(&self, visitor: &Visitor, written: Option<&Fields>) -> Markup {
        let Self { case, life, knowledge, veil, .. } = self;
        let record = &case.record;
        let judged = Judged::read(&record.triage.answer);
        let table = timetable(knowledge);
        let zone = knowledge.calendar.time_zone();
        let id = record.id;
        let letters = letters::Desk { case: id, visitor, veil, zone, now: self.now, written };
        html! {
            (self.head())
            (stages(life.stage()))
            div.two data-now=(self.now.as_millisecond()) {
                div {
                    section.card {
                        h2 { "投诉内容" }
                        (prose::complaint(record.complaint.text.as_str(), &judged, veil))
                        (review::legend())
                    }
                    (self.joined())
                    @if life.stage().is_open() || !self.messages.sent.is_empty() { (letters.section(&self.messages)) }
                    section.card { h2 { "经过" } (timeline::list(&self.events, zone, veil)) }
                    @if let Some(similar) = &self.similar { (library::similar(similar, knowledge)) }
                }
                div {
                    (self.moves(visitor, &table))
                    section.card { h2 { "时限" } (clocks(life, &table, self.now)) }
                    section.card {
                        h2 { "五要素" }
                        (review::facts(case, knowledge, veil))
                        (missing(&record.elements))
                        (self.unmasking(visitor))
                    }
                    (files::section((id, &self.files), visitor, veil, zone))
                    section.card { h2 { "判断" } (review::answers(&judged)) (labels_now(case, knowledge)) }
                    @if let Some(proposal) = life.proposal() {
                        section.card { h2 { "方案" } (offers(&proposal.offers, veil)) }
                    }
                    @if let Some(investigation) = life.investigation() {
                        section.card { h2 { "调查 1+N" } (self::investigation(investigation, veil)) }
                    }
                    section.card { h2 { "依据" } (review::reasons(&judged)) }
                }
            }
        }
    }

    fn head(&self) -> Markup {
        let Self { case, life, knowledge, .. } = self;
        let queue = knowledge.policy.find_queue(&case.record.triage.queue);
        html! {
            div.head {
                div {
                    h1 { "案件 " (tags::short(case.record.id)) }
                    span.soft {
                        @if let Some(queue) = queue {
                            a href=(format!("/console/queues/{}", queue.id)) { (queue.name) } " · " (queue.department)
                        }
                        @if let Some(owner) = life.owner() { " · 负责人 " (owner) }
                        " · 第 " (case.version) " 版"
                    }
                }
                div.tags {
                    (tags::severity(case, knowledge)) span.tag { (words::tier(life.tier())) }
                    @if case.record.triage.executive_review { span.tag.executive { "高层评审" } }
                    @if life.is_paused() { span.tag { "计时暂停" } }
                    @if 0 < life.n_reopened() { span.tag.rank-2 { "重开 " (life.n_reopened()) " 次" } }
                }
            }
        }
    }

    /// What can be done now.
    fn moves(&self, visitor: &Visitor, table: &Timetable<'_>) -> Markup {
        let record = &self.case.record;
        let path = format!("/console/cases/{}", record.id);
        let desk = steps::Desk {
            id: record.id.to_string(),
            version: self.case.version,
            life: &self.life,
            table,
            knowledge: self.knowledge,
            labels: &record.triage.labels,
            visitor,
            back: &path,
        };
        html! {
            section.card.moves {
                h2 { "可以办理" }
                (desk.panels())
                @if visitor.may("/console/cases/{id}/correct") {
                    details.panel {
                        summary data-key="c" { "更正标签或去向" kbd { "C" } }
                        (desk.correction())
                    }
                }
                @if desk.may_escalate() {
                    details.panel {
                        summary data-key="e" { "升级" kbd { "E" } }
                        (desk.escalation(&record.elements, self.veil))
                    }
                }
            }
        }
    }

    /// The same complaint over again, and other cases about the same matter.
    fn joined(&self) -> Markup {
        let Matter { joined, repeats, .. } = &self.matter;
        let zone = self.knowledge.calendar.time_zone();
        html! {
            @if !joined.is_empty() || !repeats.is_empty() {
                section.card {
                    h2 { "同一件事" }
                    ul.plain {
                        @for submission in joined {
                            li {
                                span.tag { "并入" } " "
                                span.soft { (words::moment(submission.complaint.received_at, zone)) } " "
                                (prose::excerpt(submission.complaint.text.as_str(), self.veil))
                            }
                        }
                        @for case in repeats {
                            li {
                                span.tag { "重复投诉" } " "
                                span.soft { (words::moment(case.received_at, zone)) } " "
                                a href=(format!("/console/cases/{}", case.id)) { "案件 " (tags::short(case.id)) }
                            }
                        }
                    }
                }
            }
        }
    }

    /// The form for those who must know whose case it is.
    fn unmasking(&self, visitor: &Visitor) -> Markup {
        html! {
            @if !self.veil.is_clear() && visitor.may("/console/cases/{id}/unmask") {
                details.more {
                    summary { "查看个人信息" }
                    form method="post" action=(format!("/console/cases/{}/unmask", self.case.record.id)) {
                        input type="hidden" name="csrf" value=(visitor.csrf());
                        label.field {
                            span { "理由（将记入案件经过）" }
                            input type="text" name="reason" required;
                        }
                        button type="submit" { "查看" }
                    }
                }
            }
        }
    }
}

fn stages(now: Stage) -> Markup {
    html! {
        ol.stages aria-label="环节" {
            @for stage in Stage::ALL {
                li.past[(stage as usize) < now as usize] aria-current=[(stage == now).then_some("step")] {
                    (stage.name())
                }
            }
        }
    }
}

fn clocks(life: &Life, table: &Timetable<'_>, now: Timestamp) -> Markup {
    html! {
        dl.pairs {
            @for clock in life.clocks(table) {
                dt { (words::clock(clock.id)) }
                dd {
                    @match clock.stopped_at {
                        Some(_) if clock.is_breached(now) => span.tag.rank-2 { "超期完成" },
                        Some(_) => span.tag.good { "按时" },
                        None if life.is_paused() => span.soft { "暂停" },
                        None => (tags::deadline(clock.due.at, now)),
                    }
                    " " span.soft {
                        (clock.period) @if clock.due.provisional { "（假期未公布，暂定）" }
                    }
                }
            }
        }
    }
}

/// Which of the five elements 五要素 nobody has told us.
fn missing(elements: &Elements) -> Markup {
    let Elements {
        customer_id,
        customer_name,
        customer_contact,
        demand,
        evidence,
        product,
        order_number,
        ..
    } = elements;
    let missing = [
        ("客户", customer_name.is_none() && customer_id.is_none()),
        ("联系方式", customer_contact.is_none()),
        ("对象", product.is_none() && order_number.is_none()),
        ("诉求", demand.is_none()),
        ("证据", evidence.is_empty()),
    ];
    let missing: Vec<&str> = missing.into_iter().filter(|it| it.1).map(|it| it.0).collect();
    html! {
        @if !missing.is_empty() {
            p.lack { "还缺 " @for item in missing { span.tag { (item) } " " } }
        }
    }
}

/// The labels that count now, where people have changed what the model said.
fn labels_now(case: &Case, knowledge: &Knowledge) -> Markup {
    let triage = &case.record.triage;
    let changed = knowledge.taxonomy.heads().iter().filter(|head| {
        triage.labels.find(head.id.as_str()) != triage.model_labels.find(head.id.as_str())
    });
    html! {
        @for head in changed {
            @let now = triage.labels.find(head.id.as_str()).unwrap_or_default();
            @let names: Vec<_> = head.labels.iter().filter(|it| now.contains(&it.id)).map(|it| it.name.as_str()).collect();
            p.soft.now { (head.name) "现为 " strong { @if names.is_empty() { "无" } (names.join("、")) } }
        }
    }
}

fn offers(offers: &[Offer], veil: &Veil) -> Markup {
    html! {
        ol.plain.offers {
            @for (number, offer) in (1..).zip(offers) {
                li {
                    strong { "方案 " (number) }
                    @for remedy in &offer.remedies {
                        div {
                            span.tag { (words::remedy(remedy.kind)) } " "
                            @if let Some(amount) = remedy.amount { strong { "¥" (amount.yuan()) } " " }
                            (prose::words(&remedy.words, veil))
                            @if let Some(basis) = &remedy.basis { small.basis { (basis) } }
                        }
                    }
                    @if let Some(special) = &offer.special_case {
                        span.tag.rank-2 { "特殊案例" } " " (prose::words(special, veil))
                    }
                }
            }
        }
    }
}

fn investigation(investigation: &Investigation, veil: &Veil) -> Markup {
    html! {
        dl.pairs {
            dt { "牵头" } dd { (investigation.lead) }
            @for department in &investigation.departments {
                dt { (department) }
                dd {
                    @match investigation.opinions.iter().rfind(|it| it.department == *department) {
                        Some(opinion) => (prose::words(&opinion.text, veil)),
                        None => span.tag.rank-2 { "待提交意见" },
                    }
                }
            }
            @for item in &investigation.evidence { dt { "证据" } dd { (prose::words(item, veil)) } }
            @if let Some((liability, findings)) = &investigation.conclusion {
                dt { "责任" } dd { (words::liability(*liability)) }
                dt { "查明" } dd { (prose::words(findings, veil)) }
            }
        }
    }
}
