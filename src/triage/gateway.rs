//! Gateways: the firm's own systems that carry messages to customers, one for each channel. A
//! message is posted signed, as webhooks are, and through the same guarded client.

use std::{collections::BTreeMap, fmt, str::FromStr};

use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::domain::{MessageChannel, StaffRole};
use crate::outbound::{Outbound, Secret, UrlError};
use crate::store::{self, Constraint, Delivery, Message, NewEvent};
use crate::triage::courier::Sent;
use crate::triage::webhook::signed;
use crate::triage::{Courier, Desk, DeskError};

/// How often it is noted that a message has died while others move the case.
const MAX_TRIES: usize = 8;

/// Where the messages of a channel go, such as `sms=https://sms.example.com/send`.
#[derive(Clone, PartialEq, Eq)]
pub struct Gateway {
    channel: MessageChannel,
    url: String,
}

/// Why a text is no gateway. It is not quoted: an address may hold a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a gateway is a channel and an address: write `sms=https://…`, `chat=…` or `email=…`")]
pub struct GatewayError;

/// Why gateways cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GatewaysError {
    /// Nobody could tell our messages from others'.
    #[error("gateways need a secret that signs: set `--gateway-secret`")]
    NoSecret,
    /// Two gateways share a channel.
    #[error("the channel `{}` has two gateways", .0.as_str())]
    Twice(MessageChannel),
    /// The address is none that may be called.
    #[error("the gateway of `{}` cannot be called", .0.as_str())]
    Url(MessageChannel, #[source] UrlError),
}

/// Where messages go, by channel.
#[derive(Clone, Default)]
pub struct Gateways {
    urls: BTreeMap<MessageChannel, String>,
    secret: Option<Secret>,
}

impl FromStr for Gateway {
    type Err = GatewayError;

    fn from_str(text: &str) -> Result<Self, GatewayError> {
        let (name, url) = text.split_once('=').ok_or(GatewayError)?;
        let channel = MessageChannel::ALL.into_iter().find(|it| it.as_str() == name.trim());
        let url = url.trim().to_owned();
        Ok(Self { channel: channel.ok_or(GatewayError)?, url })
    }
}

impl Gateways {
    /// Checks gateways as far as that is possible without calling them.
    pub fn new(
        gateways: Vec<Gateway>,
        secret: Option<Secret>,
        outbound: &Outbound,
    ) -> Result<Self, GatewaysError> {
        if secret.is_none() && !gateways.is_empty() {
            return Err(GatewaysError::NoSecret);
        }
        let mut urls = BTreeMap::new();
        for Gateway { channel, url } in gateways {
            outbound.check(&url).map_err(|error| GatewaysError::Url(channel, error))?;
            if urls.insert(channel, url).is_some() {
                return Err(GatewaysError::Twice(channel));
            }
        }
        Ok(Self { urls, secret })
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.urls.is_empty()
    }

    /// Whether a channel has one.
    pub fn has(&self, channel: MessageChannel) -> bool {
        self.urls.contains_key(&channel)
    }

    /// The channels that have one.
    pub(super) fn channels(&self) -> impl Iterator<Item = MessageChannel> {
        self.urls.keys().copied()
    }
}

impl Courier {
    /// Hands a message to its gateway.
    pub(super) async fn send_message(
        &self,
        delivery: &Delivery,
        now: Timestamp,
    ) -> Result<Sent, DeskError> {
        let record = &delivery.record;
        let found = self.desk.store.find_message(record.case_id, record.seq).await?;
        // An erasure has taken the words away: there is nothing to send any more.
        let Some(message) = found.filter(|message| !message.text.is_empty()) else {
            return Ok(Sent::Gone("the message was erased"));
        };
        let gateways = &self.desk.gateways;
        let Some((url, secret)) = gateways.urls.get(&message.channel).zip(gateways.secret.as_ref())
        else {
            return Ok(Sent::Failed("there is no gateway".to_owned()));
        };
        let body = body(record.case_id, &record.id, &message);
        let headers = signed(std::slice::from_ref(secret), &record.id, &body, now);
        Ok(match self.outbound.post_json(url, headers, body).await {
            Ok(answer) if (200..300).contains(&answer.status) => Sent::Arrived,
            Ok(answer) => Sent::Failed(format!("the gateway answered {}", answer.status)),
            Err(error) => Sent::Failed(error.to_string()),
        })
    }
}

impl Desk {
    /// Says to the case that a message has not arrived and never will, so that somebody calls.
    pub(super) async fn note_failed_message(
        &self,
        case_id: Uuid,
        seq: u32,
        now: Timestamp,
    ) -> Result<(), DeskError> {
        let event = NewEvent {
            at: now,
            actor: "courier".to_owned(),
            role: StaffRole::System,
            kind: "case.message_failed".to_owned(),
            data: json!({ "message": seq }),
        };
        for _ in 0..MAX_TRIES {
            match self.store.insert_event(case_id, event.clone()).await {
                Err(store::Error::Broken(Constraint::EventSequence)) => {}
                outcome => return Ok(outcome.map(drop)?),
            }
        }
        Err(store::Error::Busy.into())
    }
}

/// What a gateway gets, the same at every attempt.
fn body(case_id: Uuid, id: &str, message: &Message) -> Vec<u8> {
    let Message { kind, channel, to, subject, text, at, .. } = message;
    let body = json!({
        "type": "message",
        "timestamp": at,
        "data": {
            "id": id,
            "case_id": case_id,
            "kind": kind,
            "channel": channel,
            "to": { "contact": to.contact, "name": to.name },
            "subject": subject,
            "text": text,
        },
    });
    body.to_string().into_bytes()
}

impl fmt::Debug for Gateway {
    /// Addresses may hold tokens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("channel", &self.channel).finish_non_exhaustive()
    }
}

impl fmt::Debug for Gateways {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.urls.keys()).finish()
    }
}
