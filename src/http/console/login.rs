//! 登录: a name and a password become a session in a cookie that no script can read and no other
//! site sends along. Who was given a password by somebody else chooses their own first.

use std::net::SocketAddr;

use axum::{
    extract::{ConnectInfo, Extension, Form, State},
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use maud::{Markup, html};

use crate::http::Service;
use crate::http::console::form::{self, Fields};
use crate::http::console::gate::Secure;
use crate::http::console::visitor::{Posted, SESSION_COOKIE, Visitor};
use crate::http::console::{Failure, layout};
use crate::identity::{self, LogIn, MIN_PASSWORD_CHARS, Password, UserChange};
use crate::triage::DeskError;

/// Shows the form.
pub(super) async fn show() -> Html<String> {
    page(None)
}

fn page(problem: Option<&str>) -> Html<String> {
    let body = html! {
        (brand())
        h1 { "登录" }
        @if let Some(problem) = problem { (layout::problem(problem, &[])) }
        form method="post" action="/console/login" {
            label.field {
                span { "用户名" }
                input type="text" name="name" autocomplete="username" autocapitalize="none" required autofocus;
            }
            label.field {
                span { "密码" }
                input type="password" name="password" autocomplete="current-password" required;
            }
            button.primary.wide type="submit" { "登录" }
        }
    };
    Html(layout::card("登录", &body).into_string())
}

fn brand() -> Markup {
    html! { p.brand { "分诊" small { "读懂每一件投诉" } } }
}

/// Opens a session.
pub(super) async fn enter(
    State(service): State<Service>,
    Extension(Secure(secure)): Extension<Secure>,
    connection: Option<Extension<ConnectInfo<SocketAddr>>>,
    Form(fields): Form<Fields>,
) -> Result<Response, Failure> {
    let said = |name| form::find(&fields, name).unwrap_or_default().to_owned();
    let address = connection.map(|Extension(it)| it.0.ip().to_string()).unwrap_or_default();
    let password = Password::claim(said("password"));
    let log_in = LogIn { name: said("name"), password, address };
    match service.identity.log_in(log_in, (service.clock)()).await {
        Ok(opened) => {
            let cookie = cookie(&opened.token.reveal(), secure);
            Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/console")).into_response())
        }
        Err(identity::Error::TooMany { wait_s }) => {
            let problem = format!("失败次数过多，请 {wait_s} 秒后再试");
            Ok((StatusCode::TOO_MANY_REQUESTS, page(Some(&problem))).into_response())
        }
        Err(identity::Error::Store(error)) => Err(DeskError::Store(error).into()),
        Err(_) => Ok((StatusCode::UNAUTHORIZED, page(Some("用户名或密码不对"))).into_response()),
    }
}

/// Ends the session.
pub(super) async fn leave(
    State(service): State<Service>,
    Extension(Secure(secure)): Extension<Secure>,
    posted: Posted,
) -> Result<Response, Failure> {
    let visitor = &posted.visitor;
    if visitor.has_session() {
        service.identity.log_out(visitor.principal(), (service.clock)()).await?;
    }
    Ok(gone(secure))
}

/// Back to the log-in without a session.
fn gone(secure: bool) -> Response {
    let mut cookie = cookie("", secure).to_str().unwrap_or_default().to_owned();
    cookie.push_str("; Max-Age=0");
    let cookie = HeaderValue::try_from(cookie).expect("made of a header value");
    ([(header::SET_COOKIE, cookie)], Redirect::to("/console/login")).into_response()
}

/// Shows the form for a password of one's own.
pub(super) async fn show_password(visitor: Visitor) -> Html<String> {
    password_page(&visitor, None)
}

fn password_page(visitor: &Visitor, problem: Option<&str>) -> Html<String> {
    let body = html! {
        (brand())
        h1 { "设置密码" }
        p.soft { "至少 " (MIN_PASSWORD_CHARS) " 个字符，不含用户名。设置后请用新密码重新登录。" }
        @if let Some(problem) = problem { (layout::problem(problem, &[])) }
        form method="post" action="/console/password" {
            input type="hidden" name="csrf" value=(visitor.csrf());
            @for (name, title) in [("password", "新密码"), ("again", "再输一次")] {
                label.field {
                    span { (title) }
                    input type="password" name=(name) autocomplete="new-password" required;
                }
            }
            button.primary.wide type="submit" { "保存" }
        }
    };
    Html(layout::card("设置密码", &body).into_string())
}

/// Takes a password of the visitor's own.
pub(super) async fn choose_password(
    State(service): State<Service>,
    Extension(Secure(secure)): Extension<Secure>,
    posted: Posted,
) -> Result<Response, Failure> {
    let Posted { visitor, fields, .. } = &posted;
    if !visitor.has_session() {
        return Err(Failure::NotAllowed);
    }
    let (password, again) = (form::find(fields, "password"), form::find(fields, "again"));
    if password != again {
        return Ok(password_page(visitor, Some("两次输入的密码不一致")).into_response());
    }
    let password = Some(password.unwrap_or_default().to_owned());
    let change = UserChange { password, ..UserChange::default() };
    let by = visitor.principal();
    match service.identity.change_user(visitor.name(), change, by, (service.clock)()).await {
        Ok(_) => Ok(gone(secure)),
        Err(identity::Error::Mistakes(_)) => {
            let problem = format!("密码须至少 {MIN_PASSWORD_CHARS} 个字符，且不含用户名");
            Ok(password_page(visitor, Some(&problem)).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

fn cookie(token: &str, secure: bool) -> HeaderValue {
    let secure = if secure { "; Secure" } else { "" };
    let text =
        format!("{SESSION_COOKIE}={token}; Path=/console; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::try_from(text).expect("tokens are made of letters, digits and underscores")
}
