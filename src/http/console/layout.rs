//! The frame around every page: head, navigation, messages.

use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use crate::http::console::assets::{SCRIPT, STYLE};
use crate::http::console::visitor::Visitor;
use crate::http::console::words;

/// The parts of the console, in the order of the navigation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Review,
    Queues,
    Executive,
    Library,
    Statistics,
    Models,
    System,
    Case,
}

impl Section {
    /// Those that the navigation names.
    pub(super) const LINKED: [Self; 7] = [
        Self::Review,
        Self::Queues,
        Self::Executive,
        Self::Library,
        Self::Statistics,
        Self::Models,
        Self::System,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Review => "分派复核",
            Self::Queues => "队列",
            Self::Executive => "高层评审",
            Self::Library => "案例库",
            Self::Statistics => "统计与预警",
            Self::Models => "模型与规则",
            Self::System => "系统",
            Self::Case => "案件",
        }
    }

    /// Where it begins.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Review => "/console/review",
            Self::Queues | Self::Case => "/console/queues",
            Self::Executive => "/console/executive",
            Self::Library => "/console/library",
            Self::Statistics => "/console/statistics",
            Self::Models => "/console/models",
            Self::System => "/console/system",
        }
    }

    /// Which of the live counts stands beside its name.
    const fn count(self) -> Option<&'static str> {
        match self {
            Self::Review => Some("review"),
            Self::Queues => Some("open"),
            Self::Executive => Some("executive"),
            Self::Statistics => Some("alerts"),
            _ => None,
        }
    }

    /// Whether the visitor may see it.
    pub(super) fn is_for(self, visitor: &Visitor) -> bool {
        let sight = visitor.sight();
        let sees = match self {
            Self::Review => sight.review,
            Self::Executive => sight.executive,
            _ => true,
        };
        sees && visitor.may(self.path())
    }
}

/// A whole page.
pub(super) struct Page<'a> {
    pub(super) title: &'a str,
    pub(super) section: Section,
    pub(super) visitor: &'a Visitor,
    pub(super) body: Markup,
}

impl Page<'_> {
    /// The page as an answer.
    pub(super) fn respond(self) -> Response {
        Html(self.render().into_string()).into_response()
    }

    fn render(self) -> Markup {
        let Self { title, section, visitor, body } = self;
        let body = html! {
            a.skip href="#main" { "跳到正文" }
            div.frame {
                (navigation(section, visitor))
                main #main tabindex="-1" { (body) }
            }
            div #live role="status" aria-live="polite" {}
        };
        document(title, "page", &body)
    }
}

fn navigation(section: Section, visitor: &Visitor) -> Markup {
    let roles: Vec<_> = visitor.roles().iter().map(|it| words::role(*it)).collect();
    html! {
        header.side {
            a.brand href="/console" { "分诊" small lang="en" { "Fenzhen" } }
            nav aria-label="主导航" {
                ul {
                    @for linked in Section::LINKED.into_iter().filter(|it| it.is_for(visitor)) {
                        li {
                            a href=(linked.path()) aria-current=[(linked == section).then_some("page")] {
                                (linked.name())
                                @if let Some(count) = linked.count() { span.count data-live=(count) {} }
                            }
                        }
                    }
                }
            }
            div.who {
                span.name { (visitor.name()) }
                span.role { (roles.join("、")) }
                @if visitor.has_session() {
                    div.own {
                        a href="/console/password" { "改密码" }
                        form method="post" action="/console/logout" {
                            input type="hidden" name="csrf" value=(visitor.csrf());
                            button.link type="submit" { "退出" }
                        }
                    }
                } @else {
                    span.role { "未启用登录" }
                }
            }
        }
    }
}

/// A page with one small card and no navigation: log-in and errors.
pub(super) fn card(title: &str, body: &Markup) -> Markup {
    document(title, "lone", &html! { main.card { (body) } })
}

fn document(title: &str, class: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="zh-CN" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · 分诊" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href=(STYLE.path());
                script src=(SCRIPT.path()) defer {}
            }
            body class=(class) { (body) }
        }
    }
}

/// Pages that belong together, with the one that is shown.
pub(super) fn tabs(name: &str, pages: &[(&str, &str)], current: &str) -> Markup {
    html! {
        nav.tabs aria-label=(name) {
            @for (path, title) in pages {
                a href=(path) aria-current=[(*path == current).then_some("page")] { (title) }
            }
        }
    }
}

/// What a page says when something could not be done.
pub(super) fn problem(title: &str, lines: &[String]) -> Markup {
    html! {
        div.problem role="alert" {
            strong { (title) }
            @if !lines.is_empty() {
                ul { @for line in lines { li { (line) } } }
            }
        }
    }
}
