//! Messages to the customer: drafts in the firm's words to look over, change and send, and what was
//! sent.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use jiff::{Timestamp, tz::TimeZone};
use maud::{Markup, html};
use serde_json::Value;
use uuid::Uuid;

use crate::domain::{MessageChannel, MessageKind};
use crate::http::Service;
use crate::http::console::act::Wrong;
use crate::http::console::form::{self, Fields};
use crate::http::console::visitor::{Posted, Visitor};
use crate::http::console::{Failure, case, prose, tags, words};
use crate::triage::{
    DraftAnswer, MessageAnswer, MessageRequest, MessagesAnswer, RecipientAnswer, Veil,
};

/// What the section needs to know of its reader.
pub(super) struct Desk<'a> {
    pub(super) case: Uuid,
    pub(super) visitor: &'a Visitor,
    pub(super) veil: &'a Veil,
    pub(super) zone: &'a TimeZone,
    pub(super) now: Timestamp,
    /// What somebody has written that could not be sent.
    pub(super) written: Option<&'a Fields>,
}

/// Sends a message, as it was drafted or as a person has changed it.
pub(super) async fn send(
    State(service): State<Service>,
    Path(id): Path<Uuid>,
    posted: Posted,
) -> Result<Response, Failure> {
    let Posted { visitor, fields, .. } = &posted;
    let mut body = posted.body();
    // Browsers send line ends of their own, which count.
    if let Some(text) = body.get("text").and_then(Value::as_str) {
        body["text"] = text.replace("\r\n", "\n").into();
    }
    let done = match MessageRequest::parse(body) {
        Err(mistakes) => Err(Wrong::Mistakes(mistakes)),
        Ok(request) => {
            let sent = service.desk.send_message(id, request, None, (service.clock)()).await;
            sent.map(drop).map_err(Wrong::Desk)
        }
    };
    match done {
        Ok(()) => Ok(Redirect::to(&format!("/console/cases/{id}#messages")).into_response()),
        Err(wrong) => {
            let channel = form::find(fields, "channel").and_then(channel_named);
            let asked =
                case::Asked { problem: Some(wrong.explain()?), channel, written: Some(fields) };
            case::answer(&service, visitor, id, asked).await
        }
    }
}

/// A channel by its name in the API.
pub(super) fn channel_named(name: &str) -> Option<MessageChannel> {
    MessageChannel::ALL.into_iter().find(|it| it.as_str() == name)
}

impl Desk<'_> {
    /// What can be said now, and what was.
    pub(super) fn section(&self, messages: &MessagesAnswer) -> Markup {
        let path = format!("/console/cases/{}", self.case);
        let channel = messages.drafts.first().map(|draft| draft.channel);
        html! {
            section.card.moves #messages {
                h2 {
                    "告知客户"
                    @if messages.drafts.iter().any(|it| it.owed) { span.tag.rank-2.beside { "有待告知" } }
                }
                @if let Some(channel) = channel {
                    div.switch aria-label="渠道" role="group" {
                        @for other in MessageChannel::ALL {
                            a href=(format!("{path}?channel={}#messages", other.as_str()))
                                aria-current=[(other == channel).then_some("true")] { (words::message_channel(other)) }
                        }
                    }
                }
                @if messages.drafts.is_empty() { p.soft { "现在没有可以告知的内容。" } }
                @for draft in &messages.drafts { (self.draft(draft, messages.version)) }
                @if !messages.sent.is_empty() {
                    h3 { "已发送" }
                    @for sent in messages.sent.iter().rev() { (self.sent(sent)) }
                }
            }
        }
    }

    fn draft(&self, draft: &DraftAnswer, version: u32) -> Markup {
        let of_this = |fields: &&Fields| form::find(fields, "kind") == Some(draft.kind.as_str());
        let written = self.written.filter(of_this);
        html! {
            details.panel open[written.is_some()] {
                summary {
                    (words::message_kind(draft.kind))
                    span.tags.beside {
                        @if draft.owed { span.tag.rank-2 { "应告知" } }
                        @if let Some(due_at) = draft.due_at { (tags::deadline(due_at, self.now)) }
                    }
                }
                @if self.visitor.may("/console/cases/{id}/messages") {
                    (self.form(draft, version, written))
                } @else {
                    p.letter { (prose::words(&draft.text, self.veil)) }
                }
            }
        }
    }

    fn form(&self, draft: &DraftAnswer, version: u32, written: Option<&Fields>) -> Markup {
        let said = |name: &str| written.and_then(|fields| form::find(fields, name));
        let text = said("text").unwrap_or(&draft.text);
        let subject = said("subject").or(draft.subject.as_deref());
        // Where nobody logs in, nobody's name is known.
        let own = if self.visitor.has_session() { self.visitor.name() } else { "" };
        html! {
            form method="post" action=(format!("/console/cases/{}/messages", self.case)) {
                input type="hidden" name="csrf" value=(self.visitor.csrf());
                input type="hidden" name="n:version" value=(version);
                input type="hidden" name="kind" value=(draft.kind.as_str());
                input type="hidden" name="channel" value=(draft.channel.as_str());
                @match &draft.to {
                    Some(to) => p.soft { "发给 " (self.recipient(to)) },
                    None => {
                        label.field { span { "发到（电话、邮箱或账号）" } input type="text" name="to.contact" required value=(said("to.contact").unwrap_or_default()); }
                        label.field { span { "称呼" } input type="text" name="to.recipient" value=(said("to.recipient").unwrap_or_default()); }
                    }
                }
                @if draft.kind == MessageKind::Acknowledgement {
                    label.field { span { "联系人（客户可以找谁）" } input type="text" name="contact_person" value=(said("contact_person").unwrap_or(own)); }
                }
                @if self.veil.is_clear() {
                    @if draft.channel == MessageChannel::Email {
                        label.field { span { "主题" } input type="text" name="subject" value=(subject.unwrap_or_default()); }
                    }
                    label.field {
                        span { "内容（最多 " (draft.max_chars) " 字）" }
                        textarea name="text" rows="5" maxlength=(draft.max_chars) { (prose::visible(text)) }
                    }
                } @else {
                    // What is masked cannot be changed: the draft goes out as it is.
                    p.letter { (prose::words(&draft.text, self.veil)) }
                }
                @if draft.can_send {
                    button.primary type="submit" { "发送" kbd { "Ctrl+Enter" } }
                } @else {
                    p.soft { "还没有接通" (words::message_channel(draft.channel)) "网关，请复制后自行发送并登记“联系客户”。" }
                }
            }
        }
    }

    fn sent(&self, sent: &MessageAnswer) -> Markup {
        html! {
            article.entry {
                div.meta {
                    strong { (words::message_kind(sent.kind)) }
                    span { (words::message_channel(sent.channel)) " · " (self.recipient(&sent.to)) }
                    span { (words::moment(sent.at, self.zone)) }
                    span { (words::who(&sent.by, sent.role)) }
                    @match sent.state {
                        "delivered" => span.tag.good { "已送达网关" },
                        "failed" => span.tag.rank-3 { "未送达" },
                        _ => span.tag { "发送中" },
                    }
                }
                @if let Some(subject) = &sent.subject { strong { (prose::words(subject, self.veil)) } }
                p.letter { (prose::words(&sent.text, self.veil)) }
                @if let Some(problem) = &sent.problem { p.soft { "最近一次失败：" (prose::visible(problem)) } }
            }
        }
    }

    /// Whom a message goes to, as far as the reader may know.
    fn recipient(&self, to: &RecipientAnswer) -> Markup {
        html! {
            @if let Some(name) = &to.recipient { (prose::visible(&self.veil.name(name))) " " }
            (prose::visible(&self.veil.contact(&to.contact)))
            @if let Some(relation) = &to.relation { "（" (prose::visible(relation)) "）" }
        }
    }
}
