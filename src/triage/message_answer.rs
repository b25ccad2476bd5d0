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
    pub version: u32,
    /// What can be said now.
    pub drafts: Vec<DraftAnswer>,
    /// What was sent, oldest first.
    pub sent: Vec<MessageAnswer>,
}

/// What can be said now, in the firm's words.
#[derive(Debug, Serialize, ToSchema)]
pub struct DraftAnswer {
    /// What it tells.
    #[schema(value_type = String)]
    pub kind: MessageKind,
    /// Over what.
    #[schema(value_type = String)]
    pub channel: MessageChannel,
    /// Whom; null when no contact is known.
    pub to: Option<RecipientAnswer>,
    /// The subject of an e-mail.
    pub subject: Option<String>,
    /// The words.
    pub text: String,
    /// How many characters the channel takes.
    pub max_chars: usize,
    /// Whether the customer is to hear this now and has not yet.
    pub owed: bool,
    /// By when, where a clock says so.
    #[schema(value_type = Option<String>)]
    pub due_at: Option<Timestamp>,
    /// Whether there is a gateway for the channel.
    pub can_send: bool,
}

/// A message that was sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageAnswer {
    /// The number of its event within the case.
    pub seq: u32,
    /// What it tells.
    #[schema(value_type = String)]
    pub kind: MessageKind,
    /// Over what.
    #[schema(value_type = String)]
    pub channel: MessageChannel,
    /// Whom.
    pub to: RecipientAnswer,
    /// The subject of an e-mail.
    pub subject: Option<String>,
    /// The words.
    pub text: String,
    /// When it was sent.
    #[schema(value_type = String)]
    pub at: Timestamp,
    /// Who sent it.
    pub by: String,
    /// What they do for the firm; `system` when a rule sent it.
    pub role: &'static str,
    /// `waiting`, `delivered` to the gateway, or `failed`.
    pub state: &'static str,
    /// Why the last attempt failed.
    pub problem: Option<String>,
}

/// Whom a message goes to.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecipientAnswer {
    /// Their name.
    pub recipient: Option<String>,
    /// A telephone number, an address, an account.
    pub contact: String,
    /// What they are to the customer, such as 子女; null for the customer.
    pub relation: Option<String>,
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
