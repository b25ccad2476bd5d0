//! 统计: the figures of a period as charts that print, and as a table for other programs.

use axum::{
    extract::{Query, State},
    http::header,
    response::{IntoResponse, Response},
};
use maud::{Markup, html};

use crate::domain::Role;
use crate::http::Service;
use crate::http::console::alerts::TABS;
use crate::http::console::charts::Bar;
use crate::http::console::layout::{self, Page, Section};
use crate::http::console::visitor::Visitor;
use crate::http::console::{Failure, charts, words};
use crate::triage::{
    ArchivedStats, CategoryStats, Knowledge, SharedCount, StatsAnswer, StatsRequest,
};

const WEEKDAYS: [&str; 7] = ["周一", "周二", "周三", "周四", "周五", "周六", "周日"];

type Pairs = Vec<(String, String)>;

/// Shows the figures of a period.
pub(super) async fn show(
    State(service): State<Service>,
    visitor: Visitor,
    Query(pairs): Query<Pairs>,
) -> Result<Response, Failure> {
    let knowledge = service.desk.engine().knowledge();
    let figures = figures(&service, pairs.clone()).await?;
    let query = encode(&pairs);
    let body = html! {
        div.head {
            h1 { "统计" }
            span.soft {
                @if let Ok(it) = &figures {
                    @let zone = knowledge.calendar.time_zone();
                    (words::day(it.from, zone)) " 至 " (words::day(it.until, zone)) " · "
                }
                a href=(format!("/console/statistics.csv?{query}")) { "导出 CSV" }
            }
        }
        (layout::tabs("统计与预警", &TABS, "/console/statistics"))
        (filters(&pairs, &knowledge))
        @match &figures {
            Ok(figures) => (charts(figures, (&knowledge, &visitor), &query)),
            Err(problem) => (problem),
        }
    };
    Ok(Page { title: "统计", section: Section::Statistics, visitor: &visitor, body }.respond())
}

/// The figures, or what is wrong with the question.
async fn figures(service: &Service, pairs: Pairs) -> Result<Result<StatsAnswer, Markup>, Failure> {
    let knowledge = service.desk.engine().knowledge();
    match StatsRequest::parse(pairs, &knowledge, (service.clock)()) {
        Ok(request) => Ok(Ok(service.desk.stats(&request).await?)),
        Err(_) => Ok(Err(layout::problem("时间范围有误，请更正后再查", &[]))),
    }
}

/// The same question for the table.
fn encode(pairs: &[(String, String)]) -> String {
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    let pairs = pairs.iter().filter(|(name, value)| plain(name) && plain(value));
    pairs.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn filters(pairs: &[(String, String)], knowledge: &Knowledge) -> Markup {
    let asked = |name: &str| {
        pairs.iter().rfind(|(it, _)| it == name).map_or("", |(_, value)| value.as_str())
    };
    let categories = knowledge.taxonomy.role(Role::Category).map(|(_, head)| &head.labels);
    html! {
        form.card.filters method="get" action="/console/statistics" {
            label.field { span { "从" } input type="date" name="from" value=(asked("from")); }
            label.field { span { "到" } input type="date" name="until" value=(asked("until")); }
            label.field {
                span { "类别" }
                select name="category" {
                    option value="" { "全部" }
                    @for label in categories.into_iter().flatten() {
                        option value=(label.id.as_str()) selected[label.id.as_str() == asked("category")] { (label.name) }
                    }
                }
            }
            button type="submit" { "查看" }
        }
    }
}

/// The charts; what they count is a click away, of the same period where that is known.
fn charts(
    figures: &StatsAnswer,
    (knowledge, visitor): (&Knowledge, &Visitor),
    query: &str,
) -> Markup {
    let StatsAnswer { received, archived, archived_by_category, .. } = figures;
    let hours: Vec<_> =
        (0..).zip(&received.by_hour).map(|(hour, n)| (format!("{hour}"), *n)).collect();
    let days = WEEKDAYS.iter().zip(&received.by_weekday);
    let days: Vec<_> = days.map(|(name, n)| ((*name).to_owned(), *n)).collect();
    let open = |category: &str| open_cases(category, knowledge, visitor);
    let categories = &received.categories;
    let categories = shares(categories, |it| words::label(knowledge, it).to_owned(), open);
    let liable = |it: &str| words::liability_named(it).to_owned();
    let liability = shares(&archived.liability, liable, |_| None);
    html! {
        (headlines(received.total, archived))
        div.half {
            section.card { (charts::bars("投诉类别", &categories)) }
            div {
                section.card { (charts::columns("一天中的来件（时）", &hours, 3)) }
                section.card { (charts::columns("一周中的来件", &days, 1)) }
                section.card { (charts::bars("责任归属", &liability)) }
            }
        }
        section.card.scroll { h2 { "按类别办结情况" } (by_category(archived_by_category, knowledge, query)) }
    }
}

fn headlines(received: u64, archived: &ArchivedStats) -> Markup {
    let settle = &archived.hours_to_settle;
    let agreement = &archived.model_agreement;
    let figures = [
        ("收到", received.to_string(), "件".to_owned()),
        ("归档", archived.total.to_string(), "件".to_owned()),
        ("平均办结", hours(settle.mean), share("24 小时内", settle.within_24_hours)),
        ("满意度", number(archived.satisfaction), format!("{} 人评价", archived.n_rated)),
        ("重开率", percent(archived.reopened_share), String::new()),
        ("补偿", format!("¥{:.0}", archived.compensation), format!("退款 ¥{:.0}", archived.refund)),
        ("模型与人一致", percent(agreement.category), share("严重程度", agreement.severity)),
    ];
    html! {
        div.cards.headlines {
            @for (name, figure, beside) in figures {
                div.card { h2 { (name) } div.figure { (figure) } span.soft { (beside) } }
            }
        }
    }
}

/// Where the open cases about a category are, if the visitor may see them.
fn open_cases(category: &str, knowledge: &Knowledge, visitor: &Visitor) -> Option<String> {
    let queue = &knowledge.policy.category_queue(&category.parse().ok()?)?.id;
    let path = || format!("/console/queues/{queue}?category={category}");
    visitor.sees_queue(queue, knowledge).then(path)
}

fn by_category(rows: &[CategoryStats], knowledge: &Knowledge, query: &str) -> Markup {
    html! {
        table {
            thead {
                tr {
                    th { "类别" } th.num { "归档" } th.num { "平均办结" } th.num { "满意度" }
                    th.num { "重开率" } th.num { "补偿" } th.num { "模型一致" }
                }
            }
            tbody {
                @for CategoryStats { category, archived } in rows {
                    tr {
                        td {
                            @match category {
                                Some(it) => a href=(format!("/console/library?{}", with_category(query, it))) { (words::label(knowledge, it)) },
                                None => "未定",
                            }
                        }
                        td.num { (archived.total) }
                        td.num { (hours(archived.hours_to_settle.mean)) }
                        td.num { (number(archived.satisfaction)) }
                        td.num { (percent(archived.reopened_share)) }
                        td.num { "¥" (format!("{:.0}", archived.compensation)) }
                        td.num { (percent(archived.model_agreement.category)) }
                    }
                }
            }
        }
    }
}

/// The same question about one category.
fn with_category(query: &str, category: &str) -> String {
    let others = query.split('&').filter(|it| !it.is_empty() && !it.starts_with("category="));
    let category = format!("category={category}");
    others.chain([category.as_str()]).collect::<Vec<_>>().join("&")
}

fn shares(
    counts: &[SharedCount],
    name: impl Fn(&str) -> String,
    path: impl Fn(&str) -> Option<String>,
) -> Vec<Bar> {
    let row = |it: &SharedCount| Bar {
        name: it.name.as_deref().map_or_else(|| "未定".to_owned(), &name),
        count: it.count,
        said: percent(it.share),
        path: it.name.as_deref().and_then(&path),
    };
    counts.iter().map(row).collect()
}

fn hours(mean: Option<f64>) -> String {
    mean.map_or_else(|| "—".to_owned(), |it| format!("{it:.1} 小时"))
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "—".to_owned(), |it| format!("{it:.1}"))
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "—".to_owned(), words::percent)
}

fn share(name: &str, share: Option<f64>) -> String {
    format!("{name} {}", percent(share))
}

/// The figures as a table that spreadsheets open.
pub(super) async fn export(
    State(service): State<Service>,
    Query(pairs): Query<Pairs>,
) -> Result<Response, Failure> {
    let knowledge = service.desk.engine().knowledge();
    let figures = figures(&service, pairs).await?.map_err(|_| Failure::Missing)?;
    let named = |name: Option<&str>| {
        name.map_or_else(String::new, |it| words::label(&knowledge, it).to_owned())
    };
    let mut rows = vec!["项目,名称,数量,比例".to_owned()];
    let received = &figures.received;
    rows.push(format!("收到,合计,{},", received.total));
    for count in &received.categories {
        rows.push(format!(
            "收到,{},{},{}",
            named(count.name.as_deref()),
            count.count,
            count.share.unwrap_or_default()
        ));
    }
    rows.extend((0..).zip(&received.by_hour).map(|(hour, n)| format!("收到,{hour} 时,{n},")));
    rows.extend(
        WEEKDAYS.iter().zip(&received.by_weekday).map(|(day, n)| format!("收到,{day},{n},")),
    );
    rows.push(format!("归档,合计,{},", figures.archived.total));
    for it in &figures.archived_by_category {
        rows.push(format!("归档,{},{},", named(it.category.as_deref()), it.archived.total));
    }
    for it in &figures.archived.liability {
        let name = it.name.as_deref().map_or("未定", words::liability_named);
        rows.push(format!("责任,{name},{},{}", it.count, it.share.unwrap_or_default()));
    }
    // The mark at the beginning tells spreadsheets that this is UTF-8.
    let text = format!("\u{feff}{}\r\n", rows.join("\r\n"));
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"fenzhen-statistics.csv\""),
    ];
    Ok((headers, text).into_response())
}
