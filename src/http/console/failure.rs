//! Why a page is not shown, as a page of its own.

use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use maud::html;

use crate::http::console::layout;
use crate::identity;
use crate::triage::DeskError;

/// Why a page is not shown.
pub(super) enum Failure {
    /// There is nothing here, or nothing for this person.
    Missing,
    /// This is not for the person's role, or the case is none of theirs.
    NotAllowed,
    /// The form does not come from a page of this session.
    Forged,
    /// The form is larger than a form may be.
    TooLarge,
    /// A use case failed.
    Desk(DeskError),
    /// Who is who cannot be told.
    Identity(identity::Error),
    /// A task panicked, whose place the log has.
    Broken,
}

impl From<DeskError> for Failure {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::NoCase | DeskError::Missing(_) => Self::Missing,
            error => Self::Desk(error),
        }
    }
}

impl From<identity::Error> for Failure {
    fn from(error: identity::Error) -> Self {
        Self::Identity(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, title, advice) = match self {
            Self::Missing => (StatusCode::NOT_FOUND, "没有找到", "链接可能有误，或您无权查看。"),
            Self::NotAllowed => (
                StatusCode::FORBIDDEN,
                "没有权限",
                "您的角色不能查看此页或办理此案；如有需要请联系管理员。",
            ),
            Self::Forged => (
                StatusCode::FORBIDDEN,
                "表单已失效",
                "请返回上一页刷新后重试：可能已重新登录，或服务已重启。",
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "内容太长",
                "请缩短填写的内容，或改为上传证据文件。",
            ),
            Self::Desk(DeskError::Busy(_)) => {
                (StatusCode::TOO_MANY_REQUESTS, "现在很忙", "模型正在处理较多投诉，请稍后重试。")
            }
            Self::Desk(error) => broken(&error),
            Self::Identity(error) => broken(&error),
            Self::Broken => (StatusCode::INTERNAL_SERVER_ERROR, BROKEN, BROKEN_ADVICE),
        };
        let body = html! {
            h1 { (title) } p { (advice) }
            a.button href="/console" { "回到控制台" }
        };
        (status, Html(layout::card(title, &body).into_string())).into_response()
    }
}

const BROKEN: &str = "暂时无法显示";
const BROKEN_ADVICE: &str = "请稍后重试；问题已经记录。";

fn broken(error: &(dyn std::error::Error + 'static)) -> (StatusCode, &'static str, &'static str) {
    tracing::error!(error, "a page cannot be shown");
    (StatusCode::INTERNAL_SERVER_ERROR, BROKEN, BROKEN_ADVICE)
}
