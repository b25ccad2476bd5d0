//! Messages to customers: what was sent to whom, in which words. A message, its event and its place
//! in the outbox are written together; whether it has arrived, the outbox knows.

use std::fmt;

use jiff::Timestamp;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;
use uuid::Uuid;

use crate::domain::{Actor, MessageChannel, MessageKind};
use crate::store::Store;
use crate::store::corrections::Revised;
use crate::store::error::Error;
use crate::store::outbox::{NewDelivery, Topic, insert_delivery};
use crate::store::progress::Progress;
use crate::store::row::Columns;
use crate::store::writer::Write;

/// Whom a message goes to.
#[derive(Clone, PartialEq, Eq)]
pub struct Recipient {
    /// A telephone number, an address, an account.
    pub contact: String,
    /// Their name.
    pub name: Option<String>,
    /// What they are to the customer; nothing for the customer.
    pub relation: Option<String>,
}

/// A message as it goes out.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// What it tells.
    pub kind: MessageKind,
    /// Over what.
    pub channel: MessageChannel,
    /// Whom.
    pub to: Recipient,
    /// The subject of an e-mail.
    pub subject: Option<String>,
    /// The words; none once they are erased.
    pub text: String,
    /// When it was sent.
    pub at: Timestamp,
    /// By whom; by the role `system` when a rule did it.
    pub by: Actor,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageState {
    /// It waits, or is tried again.
    Waiting,
    /// The gateway has it.
    Delivered,
    /// The gateway did not take it.
    Failed,
}

/// A message that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentMessage {
    /// The number of its event within the case.
    pub seq: u32,
    /// What was sent.
    pub message: Message,
    /// What became of it.
    pub state: MessageState,
    /// Why the last attempt failed.
    pub problem: Option<String>,
}

/// A message to send, with what is written beside it; its event is the last one.
#[derive(Clone, Debug)]
pub struct Sending {
    /// The message.
    pub message: Message,
    /// What the case knows of it.
    pub progress: Progress,
}

impl Store {
    /// Sends a message, if the case still has the version that was read.
    pub async fn send_message(&self, sending: Sending) -> Result<Revised, Error> {
        self.writer.write(sending).await
    }

    /// The messages of a case, oldest first.
    pub async fn list_messages(&self, case_id: Uuid) -> Result<Vec<SentMessage>, Error> {
        let sql = "SELECT m.*, o.state, o.problem FROM messages AS m LEFT JOIN outbox AS o \
                   ON o.case_id = m.case_id AND o.seq = m.seq AND o.topic = $1 \
                   WHERE m.case_id = $2 ORDER BY m.seq";
        let query = sqlx::query(sql).bind(Topic::Message.as_str()).bind(case_id.to_string());
        let rows = query.fetch_all(&self.pool).await?;
        rows.iter().map(read_sent).collect()
    }

    /// The message of an event.
    pub async fn find_message(&self, case_id: Uuid, seq: u32) -> Result<Option<Message>, Error> {
        let sql = "SELECT * FROM messages WHERE case_id = $1 AND seq = $2";
        let query = sqlx::query(sql).bind(case_id.to_string()).bind(i64::from(seq));
        let row = query.fetch_optional(&self.pool).await?;
        row.as_ref().map(|row| read_message(Columns(row))).transpose()
    }
}

impl Write for Sending {
    type Output = Revised;

    async fn run(&self, connection: &mut AnyConnection) -> Result<Revised, Error> {
        let Self { message, progress } = self;
        let revised = progress.run(&mut *connection).await?;
        let Revised::Done(seq) = revised else { return Ok(revised) };
        let Message { kind, channel, to, subject, text, at, by } = message;
        let sql = "INSERT INTO messages (case_id, seq, kind, channel, contact, recipient, \
                   relation, subject, text, at, actor, role) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
        let query = sqlx::query(sql)
            .bind(progress.case_id.to_string())
            .bind(i64::from(seq))
            .bind(kind.as_str())
            .bind(channel.as_str())
            .bind(to.contact.as_str())
            .bind(to.name.as_deref())
            .bind(to.relation.as_deref())
            .bind(subject.as_deref())
            .bind(text.as_str())
            .bind(at.as_microsecond())
            .bind(by.name.as_str())
            .bind(by.role.as_str());
        query.execute(&mut *connection).await?;
        let delivery = NewDelivery {
            id: format!("msg_{}_{seq}", progress.case_id.simple()),
            topic: Topic::Message,
            target: channel.as_str().to_owned(),
            case_id: progress.case_id,
            seq,
            payload: String::new(),
            at: *at,
        };
        insert_delivery(connection, &delivery).await?;
        Ok(revised)
    }
}

fn read_sent(row: &AnyRow) -> Result<SentMessage, Error> {
    let row = Columns(row);
    let state: Option<&str> = row.get("state")?;
    let state = match state {
        None => MessageState::Delivered,
        Some("dead") => MessageState::Failed,
        Some(_) => MessageState::Waiting,
    };
    let message = read_message(row)?;
    Ok(SentMessage { seq: row.number("seq")?, message, state, problem: row.get("problem")? })
}

fn read_message(row: Columns<'_>) -> Result<Message, Error> {
    let kind: &str = row.get("kind")?;
    let kind = MessageKind::ALL.into_iter().find(|it| it.as_str() == kind);
    let channel: &str = row.get("channel")?;
    let channel = MessageChannel::ALL.into_iter().find(|it| it.as_str() == channel);
    Ok(Message {
        kind: kind.ok_or(Error::Corrupt("kind"))?,
        channel: channel.ok_or(Error::Corrupt("channel"))?,
        to: Recipient {
            contact: row.get("contact")?,
            name: row.get("recipient")?,
            relation: row.get("relation")?,
        },
        subject: row.get("subject")?,
        text: row.get("text")?,
        at: row.time("at")?,
        by: Actor { name: row.get("actor")?, role: row.parse("role")? },
    })
}

impl fmt::Debug for Recipient {
    /// Names and contacts do not reach logs, not even by accident.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recipient").finish_non_exhaustive()
    }
}

impl fmt::Debug for Message {
    /// What customers are told does not reach logs, not even by accident.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("kind", &self.kind)
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}
