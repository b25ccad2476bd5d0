//! Evidence files of a case: listed, added, and given out to those alone who may see them.

use axum::{
    extract::{Multipart, Path, State, multipart::MultipartRejection},
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use jiff::tz::TimeZone;
use maud::{Markup, html};
use uuid::Uuid;

use crate::evidence;
use crate::http::Service;
use crate::http::cases::request_id;
use crate::http::console::form;
use crate::http::console::visitor::{CSRF_FIELD, Posted, Visitor};
use crate::http::console::{Failure, case, gate, note_reading, prose, words};
use crate::http::error::ApiError;
use crate::http::evidence::{give_out, take_in};
use crate::store::EvidenceFile;
use crate::triage::{DeskError, ReasonRequest, Veil};

/// The longest token that a form carries, in bytes.
const MAX_TOKEN_BYTES: usize = 256;

/// What is wrong, in words.
type Problem = (&'static str, Vec<String>);

/// The files of a case, with the form that adds one.
pub(super) fn section(
    (case, files): (Uuid, &[EvidenceFile]),
    visitor: &Visitor,
    veil: &Veil,
    zone: &TimeZone,
) -> Markup {
    let sees = visitor.principal().sees_personal_data();
    html! {
        section.card #files {
            h2 { "证据文件" }
            @if files.is_empty() { p.soft { "还没有文件。" } }
            ul.plain.files {
                @for (number, file) in (1..).zip(files) {
                    @let path = format!("/console/cases/{case}/evidence/{}", file.id);
                    li {
                        span.tag { (kind(&file.media_type)) } " "
                        @if sees { a href=(path) download { (prose::visible(&file.name)) } }
                        @else { "附件 " (number) }
                        div.meta {
                            span { (size(file.n_bytes)) }
                            span { (words::moment(file.at, zone)) }
                            span { (words::who(&file.by.name, file.by.role.as_str())) }
                        }
                        @if !sees && visitor.may("/console/cases/{id}/evidence/{file}/unmask") { (asking(&path, visitor)) }
                    }
                }
            }
            @if visitor.may("/console/cases/{id}/evidence") {
                form.upload method="post" enctype="multipart/form-data" action=(format!("/console/cases/{case}/evidence")) {
                    input type="hidden" name=(CSRF_FIELD) value=(visitor.csrf());
                    label.field {
                        span { "添加图片、PDF、录音、视频或文档" }
                        input type="file" name="file" required;
                    }
                    button type="submit" { "上传" }
                }
            }
            @if !veil.is_clear() { p.soft { "文件名可能含个人信息，已隐去。" } }
        }
    }
}

/// The form for those who must say why they open a file.
fn asking(path: &str, visitor: &Visitor) -> Markup {
    html! {
        details.more {
            summary { "打开" }
            form method="post" action=(format!("{path}/unmask")) {
                input type="hidden" name=(CSRF_FIELD) value=(visitor.csrf());
                label.field { span { "理由（将记入案件经过）" } input type="text" name="reason" required; }
                button type="submit" { "下载" }
            }
        }
    }
}

/// Adds a file to a case.
pub(super) async fn add(
    State(service): State<Service>,
    visitor: Visitor,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
    parts: Result<Multipart, MultipartRejection>,
) -> Result<Response, Failure> {
    let mut parts = parts.map_err(|_| Failure::Forged)?;
    let token = parts.next_field().await.map_err(|_| Failure::Forged)?;
    let token = token.filter(|part| part.name() == Some(CSRF_FIELD)).ok_or(Failure::Forged)?;
    let token = token.text().await.map_err(|_| Failure::Forged)?;
    if MAX_TOKEN_BYTES < token.len() {
        return Err(Failure::Forged);
    }
    visitor.check(&vec![(CSRF_FIELD.to_owned(), token)])?;
    let by = visitor.sign(gate::roles("/console/cases/{id}/evidence"));
    let done = match parts.next_field().await {
        Ok(Some(file)) if file.name() == Some("file") => {
            take_in(&service, id, (by, file), request_id(&headers)).await.map(drop)
        }
        _ => Err(ApiError::Desk(DeskError::Evidence(evidence::Error::Empty))),
    };
    match done {
        Ok(()) => Ok(Redirect::to(&format!("/console/cases/{id}#files")).into_response()),
        Err(error) => {
            let problem = explain(error)?;
            case::page(&service, &visitor, id, Some(problem)).await
        }
    }
}

/// Gives a file out to those who see personal data.
pub(super) async fn show(
    State(service): State<Service>,
    visitor: Visitor,
    Path((id, file)): Path<(Uuid, String)>,
) -> Result<Response, Failure> {
    if !visitor.principal().sees_personal_data() {
        return Err(Failure::NotAllowed);
    }
    let found = service.desk.find_evidence(id, &file).await?.ok_or(Failure::Missing)?;
    note_reading(&service, &visitor, id).await?;
    give(&service, &found).await
}

/// Gives a file out to somebody who says why.
pub(super) async fn unmask(
    State(service): State<Service>,
    Path((id, file)): Path<(Uuid, String)>,
    posted: Posted,
) -> Result<Response, Failure> {
    let Posted { visitor, fields, .. } = &posted;
    let Some(reason) = form::find(fields, "reason") else {
        let problem = ("没有打开", vec!["请写明理由".to_owned()]);
        return case::page(&service, visitor, id, Some(problem)).await;
    };
    let found = service.desk.find_evidence(id, &file).await?.ok_or(Failure::Missing)?;
    let by = posted.actor();
    let request = ReasonRequest { by, reason: reason.to_owned() };
    service.desk.unmask_file(id, &found, request, (service.clock)()).await?;
    give(&service, &found).await
}

async fn give(service: &Service, file: &EvidenceFile) -> Result<Response, Failure> {
    give_out(&service.desk, file).await.map_err(|error| match error {
        ApiError::Desk(error) => error.into(),
        _ => Failure::Broken,
    })
}

/// Why a file was not taken; what is our own fault stays an error.
fn explain(error: ApiError) -> Result<Problem, Failure> {
    use evidence::Error::{CaseFull, Empty, TooLarge, Type};
    let line = match error {
        ApiError::TooLarge => "文件太大".to_owned(),
        ApiError::Mistakes(_) => "上传中断，请重试".to_owned(),
        ApiError::Desk(DeskError::Evidence(TooLarge(most))) => {
            format!("文件太大：每个文件最多 {}", size(most))
        }
        ApiError::Desk(DeskError::Evidence(CaseFull(most))) => {
            format!("本案的文件合计最多 {}", size(most))
        }
        ApiError::Desk(DeskError::Evidence(Empty)) => "请先选择文件；空文件不能上传".to_owned(),
        ApiError::Desk(DeskError::Evidence(Type)) => {
            "只收图片、PDF、录音、视频、办公文档和纯文本，以内容为准".to_owned()
        }
        ApiError::Desk(DeskError::NotAllowed(role)) => {
            format!("“{}”不能进行此操作", words::role(role))
        }
        ApiError::Desk(error) => return Err(error.into()),
        _ => return Err(Failure::Broken),
    };
    Ok(("文件没有添加", vec![line]))
}

/// What a file is, in a word.
fn kind(media_type: &str) -> &'static str {
    match media_type.split('/').next() {
        Some("image") => "图片",
        Some("audio") => "录音",
        Some("video") => "视频",
        _ if media_type == "application/pdf" => "PDF",
        _ => "文档",
    }
}

/// A number of bytes as people say it.
fn size(n_bytes: u64) -> String {
    const KIB: f64 = 1024.0;
    let n = n_bytes as f64;
    if n < KIB {
        format!("{n_bytes} 字节")
    } else if n < KIB * KIB {
        format!("{:.0} KB", n / KIB)
    } else {
        format!("{:.1} MB", n / KIB / KIB)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_people_say_them() {
        for (n_bytes, expected) in [(512, "512 字节"), (2_048, "2 KB"), (26_214_400, "25.0 MB")] {
            assert_eq!(size(n_bytes), expected);
        }
    }
}
