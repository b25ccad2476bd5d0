//! 案例库: archived cases, found again by their words and by likeness, with how they ended.

use axum::{
    extract::{Query, State},
    response::Response,
};
use maud::{Markup, html};

use crate::cases::RemedyKind;
use crate::domain::Role;
use crate::http::Service;
use crate::http::console::layout::{self, Page, Section};
use crate::http::console::visitor::Visitor;
use crate::http::console::{Failure, prose, words};
use crate::triage::{ArchivedAnswer, Knowledge, LibraryAnswer, LibraryRequest, SimilarAnswer};

/// So many characters of a text stand in a list.
const N_SHOWN: usize = 160;

/// Cases less alike than this help nobody.
const MIN_ALIKE: f32 = 0.2;

/// What the form asks for, in its order.
const FIELDS: [&str; 6] = ["q", "category", "severity", "outcome", "from", "until"];

type Pairs = Vec<(String, String)>;

/// Searches the library.
pub(super) async fn show(
    State(service): State<Service>,
    visitor: Visitor,
    Query(pairs): Query<Pairs>,
) -> Result<Response, Failure> {
    let knowledge = service.desk.engine().knowledge();
    let asked = |name: &str| {
        pairs.iter().rfind(|(it, _)| it == name).map_or("", |(_, value)| value.as_str())
    };
    let found = match LibraryRequest::parse(pairs.clone(), &knowledge) {
        Ok(request) => Some(service.desk.search_library(&request).await?),
        Err(_) => None,
    };
    let values = FIELDS.map(asked);
    let body = html! {
        div.head {
            h1 { "案例库" }
            span.soft { (found.as_ref().map_or("", |_| "已归档的案件与处理结果，个人信息一律隐去")) }
        }
        (search_form(values, &knowledge))
        @match &found {
            Some(found) => (results(found, values, &knowledge)),
            None => (layout::problem("查询条件有误：检索词最多 200 字，日期如 2026-09-30", &[])),
        }
    };
    Ok(Page { title: "案例库", section: Section::Library, visitor: &visitor, body }.respond())
}

fn search_form(values: [&str; 6], knowledge: &Knowledge) -> Markup {
    let [q, category, severity, outcome, from, until] = values;
    let labels = |role: Role| {
        let head = knowledge.taxonomy.role(role).map(|(_, head)| &head.labels);
        let labels = head.into_iter().flatten();
        labels.map(|it| (it.id.as_str(), it.name.as_str())).collect::<Vec<_>>()
    };
    let outcomes = RemedyKind::ALL.map(|it| (it.as_str(), words::remedy(it)));
    let choice = |name: &str, title: &str, options: &[(&str, &str)], chosen: &str| {
        html! {
            label.field {
                span { (title) }
                select name=(name) {
                    option value="" { "不限" }
                    @for (value, text) in options { option value=(value) selected[*value == chosen] { (text) } }
                }
            }
        }
    };
    html! {
        form.card.filters method="get" action="/console/library" role="search" data-auto {
            label.field.grow {
                span { "检索词" }
                input type="search" name="q" value=(q) maxlength="200" data-key="/"
                    placeholder="任意长度的词，引号内按原样查找";
            }
            (choice("category", "类别", &labels(Role::Category), category))
            (choice("severity", "严重程度", &labels(Role::Severity), severity))
            (choice("outcome", "结果", &outcomes, outcome))
            label.field { span { "归档从" } input type="date" name="from" value=(from); }
            label.field { span { "到" } input type="date" name="until" value=(until); }
            button.primary type="submit" { "检索" }
        }
    }
}

fn results(found: &LibraryAnswer, values: [&str; 6], knowledge: &Knowledge) -> Markup {
    html! {
        @if let Some(total) = &found.total {
            p.soft {
                "共 " @if !total.exact { "至少 " } strong { (total.value) } " 件"
                @if !found.words.is_empty() { "，都含有 " (found.words.iter().map(|it| prose::visible(it)).collect::<Vec<_>>().join("、")) }
            }
        }
        @if found.cases.is_empty() {
            div.card.empty { p.big { "没有找到" } p { "换个说法，或放宽条件再试。" } }
        } @else {
            section.card { @for case in &found.cases { (entry(case, knowledge, None)) } }
        }
        @if let Some(next) = &found.next_cursor {
            form method="get" action="/console/library" {
                @for (name, value) in FIELDS.iter().zip(values) { input type="hidden" name=(name) value=(value); }
                input type="hidden" name="cursor" value=(next);
                button type="submit" data-key="n" { "下一页" kbd { "N" } }
            }
        }
    }
}

/// Archived cases like the one beside which they stand.
pub(super) fn similar(similar: &SimilarAnswer, knowledge: &Knowledge) -> Markup {
    let alike = similar.cases.iter().filter(|it| MIN_ALIKE <= it.similarity).collect::<Vec<_>>();
    html! {
        @if !alike.is_empty() {
            section.card {
                h2 { "类似的旧案" span.soft { "比较了 " (similar.n_compared) " 件" } }
                @for found in alike { (entry(&found.case, knowledge, Some(found.similarity))) }
            }
        }
    }
}

/// An archived case with its resolution.
fn entry(case: &ArchivedAnswer, knowledge: &Knowledge, similarity: Option<f32>) -> Markup {
    let zone = knowledge.calendar.time_zone();
    html! {
        article.entry {
            div.meta {
                @if let Some(similarity) = similarity {
                    span.tag { "相似 " (words::percent(f64::from(similarity))) }
                }
                @if let Some(category) = &case.category { span { (words::label(knowledge, category)) } }
                span { (words::label(knowledge, &case.severity)) }
                span { (case.department) }
                span { (words::day(case.archived_at, zone)) "归档" }
                a href=(format!("/console/cases/{}", case.id)) { "打开案件" }
            }
            p.told { (marked(case)) }
            div.ended {
                @for kind in &case.outcome { span.tag.good { (words::remedy_named(kind)) } }
                @if case.outcome.is_empty() { span.tag { "未给予补救" } }
                @if 0.0 < case.refund { span { "退款 ¥" (case.refund) } }
                @if 0.0 < case.compensation { span { "补偿 ¥" (case.compensation) } }
                @if let Some(liability) = &case.liability { span { "责任：" (words::liability_named(liability)) } }
                @if let Some(hours) = case.hours_to_settle { span { "历时 " (format!("{hours:.0}")) " 小时" } }
                @if let Some(stars) = case.satisfaction { span { "满意度 " (stars) "/5" } }
            }
            @if !case.resolution.is_empty() { p.soft { (prose::visible(&case.resolution)) } }
        }
    }
}

/// The words around the first place that was looked for, with all such places marked.
fn marked(case: &ArchivedAnswer) -> Markup {
    let chars: Vec<char> = case.text.chars().collect();
    let first = case.highlights.first().map_or(0, |it| it.start);
    let from = first.saturating_sub(N_SHOWN / 4);
    let to = chars.len().min(from + N_SHOWN);
    let cut = |from: usize, to: usize| {
        prose::visible(&chars[from..to].iter().collect::<String>()).replace('\n', " ")
    };
    let places = case.highlights.iter().filter(|it| from <= it.start && it.end <= to);
    let places: Vec<(usize, usize)> = places.map(|it| (it.start, it.end)).collect();
    let ends = std::iter::once(from).chain(places.iter().map(|it| it.1));
    let last = places.last().map_or(from, |it| it.1);
    html! {
        @if 0 < from { "……" }
        @for (before, (start, end)) in ends.zip(&places) {
            (cut(before, *start)) mark { (cut(*start, *end)) }
        }
        (cut(last, to))
        @if to < chars.len() { "……" }
    }
}
