//! What messages to customers look like in JSON.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{MessageChannel, MessageKind};
use crate::store::{Message, MessageState, Recipient, SentMessage};

/// Drafts and messages of a case.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessagesAnswer {
    /// The case's version; who sends a message names the one that they have read.
    pub(super) version: u32,
    /// What can be said now.
    pub(super) drafts: Vec<DraftAnswer>,
    /// What was sent, oldest first.
    pub(super) sent: Vec<MessageAnswer>,
}

/// What can be said now, in the firm's words.
#[derive(Debug, Serialize, ToSchema)]
pub struct DraftAnswer {
    /// What it tells.
    #[schema(value_type = String)]
    pub(super) kind: MessageKind,
    /// Over what.
    #[schema(value_type = String)]
    pub(super) channel: MessageChannel,
    /// Whom; null when no contact is known.
    pub(super) to: Option<RecipientAnswer>,
    /// The subject of an e-mail.
    pub(super) subject: Option<String>,
    /// The words.
    pub(super) text: String,
    /// How many characters the channel takes.
    pub(super) max_chars: usize,
    /// Whether the customer is to hear this now and has not yet.
    pub(super) owed: bool,
    /// By when, where a clock says so.
    #[schema(value_type = Option<String>)]
    pub(super) due_at: Option<Timestamp>,
    /// Whether there is a gateway for the channel.
    pub(super) can_send: bool,
}

/// A message that was sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageAnswer {
    /// The number of its event within the case.
    seq: u32,
    /// What it tells.
    #[schema(value_type = String)]
    kind: MessageKind,
    /// Over what.
    #[schema(value_type = String)]
    channel: MessageChannel,
    /// Whom.
    to: RecipientAnswer,
    /// The subject of an e-mail.
    subject: Option<String>,
    /// The words.
    text: String,
    /// When it was sent.
    #[schema(value_type = String)]
    at: Timestamp,
    /// Who sent it.
    by: String,
    /// What they do for the firm; `system` when a rule sent it.
    role: &'static str,
    /// `waiting`, `delivered` to the gateway, or `failed`.
    state: &'static str,
    /// Why the last attempt failed.
    problem: Option<String>,
}

/// Whom a message goes to.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecipientAnswer {
    /// Their name.
    recipient: Option<String>,
    /// A telephone number, an address, an account.
    contact: String,
    /// What they are to the customer, such as 子女; null for the customer.
    relation: Option<String>,
}

impl RecipientAnswer {
    pub(super) fn new(to: Recipient) -> Self {
        let Recipient { contact, name, relation } = to;
        Self { recipient: name, contact, relation }
    }
}

impl MessageAnswer {
    pub(super) fn new(sent: SentMessage) -> Self {
        let SentMessage { seq, message, state, problem } = sent;
        let Message { kind, channel, to, subject, text, at, by } = message;
        let state = match state {
            MessageState::Waiting => "waiting",
            MessageState::Delivered => "delivered",
            MessageState::Failed => "failed",
        };
        let (to, role) = (RecipientAnswer::new(to), by.role.as_str());
        Self { seq, kind, channel, to, subject, text, at, by: by.name, role, state, problem }
    }
}
