//! 系统: who may come in, which systems hold keys, what the working days are, and what was done
//! about all this.

use axum::{
    extract::{Path, Query, State},
    response::Response,
};
use jiff::{Timestamp, ToSpan};
use maud::{Markup, html};
use serde::Deserialize;

use crate::calendar::Calendar;
use crate::domain::{Scope, StaffRole};
use crate::http::Service;
use crate::http::console::form::{self, Fields};
use crate::http::console::layout::{self, Page, Section};
use crate::http::console::visitor::{Posted, Visitor};
use crate::http::console::{Failure, prose, words};
use crate::identity::{Error, NewKey, NewUser, UserChange};
use crate::store::{ApiKey, Audit, AuditCursor, AuditFilter, Page as Rows, User};

/// So many rows of the audit log stand on a page.
const N_AUDIT: u16 = 50;

/// So many days of the calendar are shown, whole weeks.
const N_DAYS: i32 = 42;

/// Where the audit log goes on.
#[derive(Default, Deserialize)]
pub(super) struct Place {
    from: Option<String>,
    cursor: Option<String>,
}

/// Shows users, keys, calendar and audit log.
pub(super) async fn show(
    State(service): State<Service>,
    visitor: Visitor,
    Query(place): Query<Place>,
) -> Result<Response, Failure> {
    page(&service, &visitor, &place, &html! {}).await
}

/// Adds a user with a one-time password.
pub(super) async fn add_user(
    State(service): State<Service>,
    posted: Posted,
) -> Result<Response, Failure> {
    let Posted { visitor, fields, .. } = &posted;
    let said = |name| form::find(fields, name).map(ToOwned::to_owned);
    let name = said("name").unwrap_or_default();
    let new = NewUser {
        name: name.clone(),
        display_name: said("display_name").unwrap_or_else(|| name.clone()),
        roles: all(fields, "role"),
        queue: form::find(fields, "queue").and_then(|it| it.parse().ok()),
        password: None,
    };
    let now = (service.clock)();
    let by = visitor.principal();
    let outcome = match service.identity.create_user(new, by, now).await {
        Ok(user) => service.identity.give_password(&user.name, by, now).await,
        Err(error) => Err(error),
    };
    let told = told(outcome, |password| one_time(&name, &password))?;
    page(&service, visitor, &Place::default(), &told).await
}

/// Shuts a user out, lets them in again, or gives them a one-time password.
pub(super) async fn change_user(
    State(service): State<Service>,
    Path(name): Path<String>,
    posted: Posted,
) -> Result<Response, Failure> {
    let Posted { visitor, fields, .. } = &posted;
    let (by, now) = (visitor.principal(), (service.clock)());
    let told = if form::find(fields, "what") == Some("password") {
        let outcome = service.identity.give_password(&name, by, now).await;
        told(outcome, |password| one_time(&name, &password))?
    } else {
        let disabled = Some(form::find(fields, "what") == Some("disable"));
        let change = UserChange { disabled, ..UserChange::default() };
        let outcome = service.identity.change_user(&name, change, by, now).await;
        told(outcome, |_| html! {})?
    };
    page(&service, visitor, &Place::default(), &told).await
}

/// Makes a key.
pub(super) async fn add_key(
    State(service): State<Service>,
    posted: Posted,
) -> Result<Response, Failure> {
    let Posted { visitor, fields, .. } = &posted;
    let new = NewKey {
        name: form::find(fields, "name").unwrap_or_default().to_owned(),
        scopes: all(fields, "scope"),
        act_as: all(fields, "role"),
        expires_at: None,
    };
    let outcome = service.identity.create_key(new, visitor.principal(), (service.clock)()).await;
    let told =
        told(outcome, |granted| secret("密钥已生成，只显示这一次", &granted.token.reveal()))?;
    page(&service, visitor, &Place::default(), &told).await
}

/// Takes a key back.
pub(super) async fn revoke_key(
    State(service): State<Service>,
    Path(id): Path<String>,
    posted: Posted,
) -> Result<Response, Failure> {
    let visitor = &posted.visitor;
    let outcome = service.identity.revoke_key(&id, visitor.principal(), (service.clock)()).await;
    let told = told(outcome, |()| html! {})?;
    page(&service, visitor, &Place::default(), &told).await
}

/// Everything that a form says under one name, as far as it is known.
fn all<T: std::str::FromStr>(fields: &Fields, name: &str) -> Vec<T> {
    let values = fields.iter().filter(|(field, _)| field == name);
    values.filter_map(|(_, value)| value.parse().ok()).collect()
}

/// What the page says of an outcome; what is our own fault stays an error.
fn told<T>(outcome: Result<T, Error>, show: impl FnOnce(T) -> Markup) -> Result<Markup, Failure> {
    match outcome {
        Ok(done) => Ok(show(done)),
        Err(Error::Missing(_)) => Ok(layout::problem("没有办成：已不存在", &[])),
        Err(Error::Mistakes(mistakes)) => {
            let line = |field: &str| match field {
                "name" => "名称：须为 1 至 64 个小写字母、数字、点、横线或下划线，且未被占用",
                "roles" => "角色：至少选一个",
                "scopes" => "权限：至少选一项，或选择代办角色",
                _ => "表单有误，请更正",
            };
            let lines: Vec<_> = mistakes.iter().map(|it| line(it.0).to_owned()).collect();
            Ok(layout::problem("没有办成", &lines))
        }
        Err(error) => Err(error.into()),
    }
}

fn one_time(name: &str, password: &str) -> Markup {
    secret(&format!("{name} 的一次性密码，只显示这一次；首次登录须自行设置新密码"), password)
}

fn secret(title: &str, text: &str) -> Markup {
    html! { div.card.secret role="status" { p { (title) } code { (text) } } }
}

async fn page(
    service: &Service,
    visitor: &Visitor,
    place: &Place,
    told: &Markup,
) -> Result<Response, Failure> {
    let now = (service.clock)();
    let knowledge = service.desk.engine().knowledge();
    let calendar = &knowledge.calendar;
    let users = service.identity.list_users().await?;
    let keys = service.identity.list_keys().await?;
    let day = place.from.as_deref().and_then(|it| it.parse::<jiff::civil::Date>().ok());
    let day = day.unwrap_or_else(|| calendar.date(now));
    let from = day.to_zoned(calendar.time_zone().clone()).ok().map(|it| it.timestamp());
    let filter = AuditFilter { from, ..AuditFilter::default() };
    let after: Option<AuditCursor> = place.cursor.as_deref().and_then(|it| it.parse().ok());
    let rows = service.identity.list_audit(&filter, after, N_AUDIT).await?;
    let may = |path| visitor.may(path);
    let queues = knowledge.policy.queues().iter();
    let queues: Vec<_> = queues.map(|it| (it.id.as_str(), it.name.as_str())).collect();
    let body = html! {
        div.head { h1 { "系统" } }
        (told)
        section.card.scroll {
            h2 { "用户" }
            (user_table(&users, visitor))
            @if may("/console/system/users") { (user_form(&queues, visitor)) }
        }
        section.card.scroll {
            h2 { "密钥" }
            (key_table(&keys, visitor, now, calendar))
            @if may("/console/system/keys") { (key_form(visitor)) }
        }
        section.card { h2 { "工作日" } (days(calendar, now)) }
        @if may("/console/audit") {
            section.card.scroll { h2 { "审计" } (audit(&rows, &day.to_string(), calendar)) }
        }
    };
    Ok(Page { title: "系统", section: Section::System, visitor, body }.respond())
}

fn user_table(users: &[User], visitor: &Visitor) -> Markup {
    let may_change = visitor.may("/console/system/users/{name}");
    let change = |user: &User, what: &str, title: &str| {
        html! {
            form.inline method="post" action=(format!("/console/system/users/{}", user.name)) {
                input type="hidden" name="csrf" value=(visitor.csrf());
                input type="hidden" name="what" value=(what);
                button.link type="submit" aria-label=(format!("{title} {}", user.name)) { (title) }
            }
        }
    };
    html! {
        @if users.is_empty() { p.soft { "还没有用户。" } }
        @else { table {
            thead { tr { th { "用户" } th { "角色" } th { "状态" } th { "操作" } } }
            tbody {
                @for user in users {
                    tr {
                        td { strong { (user.name) } " " span.soft { (prose::visible(&user.display_name)) } }
                        td { (roles(&user.roles)) }
                        td {
                            @if user.disabled_at.is_some() { span.tag.rank-2 { "停用" } }
                            @else if user.password_hash.is_none() { span.tag { "不能登录" } }
                            @else { span.tag.good { "正常" } }
                        }
                        td.acts {
                            @if may_change {
                                (change(user, "password", "重设密码"))
                                @if user.disabled_at.is_some() { (change(user, "enable", "启用")) }
                                @else { (change(user, "disable", "停用")) }
                            }
                        }
                    }
                }
            }
        } }
    }
}

fn roles(roles: &[StaffRole]) -> String {
    roles.iter().map(|it| words::role(*it)).collect::<Vec<_>>().join("、")
}

fn user_form(queues: &[(&str, &str)], visitor: &Visitor) -> Markup {
    html! {
        details.panel {
            summary { "新增用户" }
            form method="post" action="/console/system/users" {
                input type="hidden" name="csrf" value=(visitor.csrf());
                label.field { span { "用户名（小写字母、数字、点）" } input type="text" name="name" required autocapitalize="none"; }
                label.field { span { "姓名" } input type="text" name="display_name"; }
                (role_choice("角色"))
                label.field {
                    span { "只看一个队列（一线客服）" }
                    select name="queue" {
                        option value="" { "不限" }
                        @for (id, name) in queues { option value=(id) { (name) } }
                    }
                }
                button.primary type="submit" { "新增并生成一次性密码" }
            }
        }
    }
}

fn role_choice(title: &str) -> Markup {
    html! {
        fieldset {
            legend { (title) }
            @for role in StaffRole::PEOPLE {
                label.choice { input type="checkbox" name="role" value=(role.as_str()); (words::role(role)) }
            }
        }
    }
}

fn key_table(keys: &[ApiKey], visitor: &Visitor, now: Timestamp, calendar: &Calendar) -> Markup {
    let zone = calendar.time_zone();
    let is_over = |key: &ApiKey| {
        key.revoked_at.is_some() || key.expires_at.is_some_and(|expires_at| expires_at <= now)
    };
    html! {
        @if keys.is_empty() { p.soft { "还没有密钥。" } }
        @else { table {
            thead { tr { th { "系统" } th { "权限" } th { "上次使用" } th { "状态" } th { "操作" } } }
            tbody {
                @for key in keys {
                    tr {
                        td { strong { (key.name) } " " code { (key.id) } }
                        td {
                            (key.scopes.iter().map(|it| words::scope(*it)).collect::<Vec<_>>().join("、"))
                            @if !key.act_as.is_empty() { span.soft { " 代办：" (roles(&key.act_as)) } }
                        }
                        td { @if let Some(at) = key.last_used_at { (words::moment(at, zone)) } @else { "—" } }
                        td { @if is_over(key) { span.tag.rank-2 { "失效" } } @else { span.tag.good { "有效" } } }
                        td.acts {
                            @if !is_over(key) && visitor.may("/console/system/keys/{id}/revoke") {
                                form.inline method="post" action=(format!("/console/system/keys/{}/revoke", key.id)) {
                                    input type="hidden" name="csrf" value=(visitor.csrf());
                                    button.link type="submit" aria-label=(format!("收回 {}", key.name)) { "收回" }
                                }
                            }
                        }
                    }
                }
            }
        } }
    }
}

fn key_form(visitor: &Visitor) -> Markup {
    html! {
        details.panel {
            summary { "新增密钥" }
            form method="post" action="/console/system/keys" {
                input type="hidden" name="csrf" value=(visitor.csrf());
                label.field { span { "系统名称（小写字母、数字、点）" } input type="text" name="name" required autocapitalize="none"; }
                fieldset {
                    legend { "权限" }
                    @for scope in Scope::ALL {
                        label.choice { input type="checkbox" name="scope" value=(scope.as_str()); (words::scope(scope)) }
                    }
                }
                (role_choice("可代办的角色"))
                button.primary type="submit" { "生成密钥" }
            }
        }
    }
}

/// The coming weeks: which days count as working days.
fn days(calendar: &Calendar, now: Timestamp) -> Markup {
    let today = calendar.date(now);
    let back = i32::from(today.weekday().to_monday_zero_offset());
    let day = |n: i32| today.saturating_add((n - back).days());
    html! {
        ol.days {
            @for name in ["一", "二", "三", "四", "五", "六", "日"] { li.soft { (name) } }
            @for date in (0..N_DAYS).map(day) {
                li.off[!calendar.is_working_day(date)] aria-current=[(date == today).then_some("date")]
                    title=(if calendar.is_working_day(date) { "工作日" } else { "休息日" }) {
                    @if date.day() == 1 { (date.month()) "月" } @else { (date.day()) }
                }
            }
        }
        @if !calendar.is_published(today.year() + 1) {
            p.soft { (today.year() + 1) " 年的放假安排尚未公布，跨年的时限为暂定。" }
        }
    }
}

fn audit(rows: &Rows<Audit, AuditCursor>, from: &str, calendar: &Calendar) -> Markup {
    html! {
        form.filters method="get" action="/console/system" {
            label.field { span { "从哪一天起" } input type="date" name="from" value=(from); }
            button type="submit" { "查看" }
        }
        table {
            thead { tr { th { "时间" } th { "谁" } th { "做了什么" } th { "对象" } } }
            tbody {
                @for Audit { record, .. } in &rows.items {
                    tr {
                        td { (words::exact(record.at, calendar.time_zone())) }
                        td { (record.actor) span.soft { " " (words::role(record.role)) } }
                        td { (words::action(&record.action)) }
                        td.subject { (prose::visible(&record.subject)) }
                    }
                }
            }
        }
        @if let Some(next) = rows.next {
            a.button href=(format!("/console/system?from={from}&cursor={next}")) { "下一页" }
        }
    }
}
