//! Messages to customers: drafted from the case as it stands, sent by a person, or by the firm's
//! rule without one. A draft is never kept: it is made anew whenever somebody looks, so it never
//! tells of yesterday.

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::cases::{ClockId, Event, Life, Offer, Proposal, Record, Telling};
use crate::domain::{Actor, MessageChannel, MessageKind, StaffRole};
use crate::messages::{Values, Wording};
use crate::store::{Case, Message, MessageState, Recipient, Revised, Sending, SentMessage};
use crate::triage::arrival::moved;
use crate::triage::fields::{Fields, Mistake, mistake};
use crate::triage::message_answer::{DraftAnswer, MessageAnswer, MessagesAnswer, RecipientAnswer};
use crate::triage::progress::{fold, records, timetable};
use crate::triage::{Desk, DeskError, Knowledge};

/// The name under which rules send.
const RULE: &str = "rule";
/// How many messages a rule sends for a case at once; more would be a mistake of ours.
const MAX_BY_RULE: usize = 4;

/// What a person wants to send.
pub struct MessageRequest {
    version: u32,
    by: Actor,
    kind: MessageKind,
    channel: Option<MessageChannel>,
    to: Option<Recipient>,
    contact_person: Option<String>,
    subject: Option<String>,
    text: Option<String>,
}

/// A case with its events, and what was sent for it.
struct Correspondence {
    case: Case,
    life: Life,
    records: Vec<Record>,
    sent: Vec<SentMessage>,
}

impl MessageRequest {
    /// Reads a request, listing every mistake.
    pub fn parse(value: Value) -> Result<Self, Vec<Mistake>> {
        let Some(mut fields) = Fields::open(value) else {
            return Err(vec![mistake("", "send a JSON object with `version`, `by` and `kind`")]);
        };
        let (version, by) = (fields.version(), fields.actor());
        let before = fields.mistakes.len();
        let kind = fields.one_of("kind", &MessageKind::ALL.map(MessageKind::as_str));
        if kind.is_none() && fields.mistakes.len() == before {
            fields.wrong("kind", "say what the message tells");
        }
        let channel = fields.one_of("channel", &MessageChannel::ALL.map(MessageChannel::as_str));
        let to = fields.recipient();
        let (contact_person, subject) = (fields.short("contact_person"), fields.short("subject"));
        let text: Option<String> = fields.read("text", "send text");
        let text = text.filter(|text| !text.trim().is_empty());
        if text.as_ref().is_some_and(|text| text.contains('\0')) {
            fields.wrong("text", "remove the NUL character");
        }
        fields.refuse_unknown(&[]);
        match kind {
            Some(kind) if fields.mistakes.is_empty() => {
                Ok(Self { version, by, kind, channel, to, contact_person, subject, text })
            }
            _ => Err(fields.mistakes),
        }
    }
}

impl Fields {
    /// Whom to send to, if the request says so.
    fn recipient(&mut self) -> Option<Recipient> {
        if self.object.get("to").is_none_or(Value::is_null) {
            return None;
        }
        let mut to = self.nested("to");
        let contact = to.required("contact", "send a telephone number, an address or an account");
        let (name, relation) = (to.short("recipient"), to.short("relation"));
        to.refuse_unknown(&["recipient", "contact", "relation"]);
        self.mistakes.append(&mut to.mistakes);
        Some(Recipient { contact: contact.trim().to_owned(), name, relation })
    }
}

impl Desk {
    /// What can be said to the customer now, and what was.
    pub async fn list_messages(
        &self,
        id: Uuid,
        channel: Option<MessageChannel>,
        now: Timestamp,
    ) -> Result<MessagesAnswer, DeskError> {
        let letters = self.correspondence(id).await?;
        let knowledge = self.engine.knowledge();
        let table = timetable(&knowledge);
        let owed = letters.life.owed(&table, now);
        let clocks = letters.life.clocks(&table);
        let to = letters.recipient();
        let contact = to.as_ref().map_or("", |to| to.contact.as_str());
        let channel = channel.unwrap_or_else(|| MessageChannel::of_contact(contact));
        let values = letters.values(&knowledge, to.as_ref(), None);
        let draft = |kind| {
            let Wording { subject, text } = letters.render(&knowledge, (kind, channel), &values)?;
            let clock = clocks.iter().find(|it| Some(it.id) == clock_of(kind));
            let running = clock.filter(|it| it.stopped_at.is_none());
            Some(DraftAnswer {
                kind,
                channel,
                to: to.clone().map(RecipientAnswer::new),
                subject,
                text,
                max_chars: knowledge.templates.limit(channel),
                owed: owed.contains(&kind),
                due_at: running.map(|it| it.due.at),
                can_send: self.gateways.has(channel),
            })
        };
        let kinds = MessageKind::ALL.into_iter().filter(|kind| letters.life.can_tell(*kind));
        let drafts = kinds.filter_map(draft).collect();
        let sent = letters.sent.into_iter().map(MessageAnswer::new).collect();
        Ok(MessagesAnswer { version: letters.case.version, drafts, sent })
    }

    /// Sends what a person has written, or the draft as it stands.
    pub async fn send_message(
        &self,
        id: Uuid,
        request: MessageRequest,
        request_id: Option<&str>,
        now: Timestamp,
    ) -> Result<MessageAnswer, DeskError> {
        let letters = self.correspondence(id).await?;
        let MessageRequest { version, by, kind, channel, to, contact_person, subject, text } =
            request;
        if letters.case.version != version {
            return Err(DeskError::Stale(letters.case.version));
        }
        let wrong = |at, detail: String| DeskError::Mistakes(vec![mistake(at, detail)]);
        let no_contact = || wrong("/to", "no contact is known: say whom to send to".to_owned());
        let to = to.or_else(|| letters.recipient()).ok_or_else(no_contact)?;
        let channel = channel.unwrap_or_else(|| MessageChannel::of_contact(&to.contact));
        if !self.gateways.has(channel) {
            return Err(DeskError::NoGateway(channel));
        }
        let knowledge = self.engine.knowledge();
        let contact_person = contact_person
            .or_else(|| letters.contact_person().map(ToOwned::to_owned))
            .unwrap_or_else(|| by.name.clone());
        let values = letters.values(&knowledge, Some(&to), Some(&contact_person));
        let draft = letters.render(&knowledge, (kind, channel), &values);
        let (draft_subject, draft_text) =
            draft.map_or((None, None), |it| (it.subject, Some(it.text)));
        let text = text.or(draft_text).ok_or_else(|| {
            wrong("/text", "there is nothing to tell of yet: write the text".to_owned())
        })?;
        let limit = knowledge.templates.limit(channel);
        if limit < text.chars().count() {
            return Err(wrong("/text", format!("send at most {limit} characters")));
        }
        let telling = Telling { kind, channel, contact_person };
        let records = letters.life.tell(telling, &by, now).map_err(Box::new)?;
        let subject = subject.or(draft_subject).filter(|_| channel == MessageChannel::Email);
        let message = Message { kind, channel, to, subject, text, at: now, by };
        match self.post(letters, (message.clone(), records), request_id).await? {
            Revised::Done(seq) => {
                let state = MessageState::Waiting;
                Ok(MessageAnswer::new(SentMessage { seq, message, state, problem: None }))
            }
            Revised::Stale(version) => Err(DeskError::Stale(version)),
            Revised::Missing => Err(DeskError::NoCase),
        }
    }

    /// Sends what the firm's rule sends by itself, as far as the customer is owed it. What cannot
    /// be sent now waits for a person, or for a clock to strike. Whether anything was sent.
    pub(super) async fn send_owed(&self, id: Uuid, now: Timestamp) -> bool {
        let mut sent = false;
        for _ in 0..MAX_BY_RULE {
            match self.send_next_owed(id, now).await {
                Ok(true) => sent = true,
                Ok(false) => break,
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, case = %id, "a message cannot be sent by rule now");
                    break;
                }
            }
        }
        sent
    }

    /// Sends the first that is owed; whether there may be more.
    async fn send_next_owed(&self, id: Uuid, now: Timestamp) -> Result<bool, DeskError> {
        let knowledge = self.engine.knowledge();
        let templates = &knowledge.templates;
        if self.gateways.is_empty() || !templates.has_automatic() {
            return Ok(false);
        }
        let letters = self.correspondence(id).await?;
        let Some(to) = letters.recipient() else { return Ok(false) };
        let channel = MessageChannel::of_contact(&to.contact);
        if !self.gateways.has(channel) {
            return Ok(false);
        }
        let values = letters.values(&knowledge, Some(&to), None);
        let owed = letters.life.owed(&timetable(&knowledge), now).into_iter();
        let wording = |kind| {
            let wording = letters.render(&knowledge, (kind, channel), &values)?;
            // What is too long wants a person to shorten it.
            let fits = wording.text.chars().count() <= templates.limit(channel);
            fits.then_some((kind, wording))
        };
        let next = owed.filter(|it| templates.is_automatic(*it)).find_map(wording);
        let Some((kind, Wording { subject, text })) = next else { return Ok(false) };
        let by = Actor { name: RULE.to_owned(), role: StaffRole::System };
        let contact_person = templates.contact_person(&values).to_owned();
        let telling = Telling { kind, channel, contact_person };
        let records = letters.life.tell(telling, &by, now).map_err(Box::new)?;
        let message = Message { kind, channel, to, subject, text, at: now, by };
        // Who was faster has moved the case, so what is owed is looked at again.
        Ok(self.post(letters, (message, records), None).await? != Revised::Missing)
    }

    async fn post(
        &self,
        letters: Correspondence,
        (message, records): (Message, Vec<Record>),
        request_id: Option<&str>,
    ) -> Result<Revised, DeskError> {
        let Correspondence { mut case, mut life, .. } = letters;
        for record in &records {
            life.apply(record);
        }
        let knowledge = self.engine.knowledge();
        let progress = moved(&mut case, &life, &records, (&knowledge, request_id));
        Ok(self.store.send_message(Sending { message, progress }).await?)
    }

    async fn correspondence(&self, id: Uuid) -> Result<Correspondence, DeskError> {
        let case = self.store.find_case(id).await?.ok_or(DeskError::NoCase)?;
        let events = self.store.list_events(id).await?;
        let (life, records) = (fold(&events, &case)?, records(&events, &case)?);
        let sent = self.store.list_messages(id).await?;
        Ok(Correspondence { case, life, records, sent })
    }
}

/// The clock that a message stops.
const fn clock_of(kind: MessageKind) -> Option<ClockId> {
    match kind {
        MessageKind::Acknowledgement => Some(ClockId::Acceptance),
        MessageKind::Progress => Some(ClockId::Progress),
        MessageKind::Result => Some(ClockId::Report),
        MessageKind::Proposal | MessageKind::Satisfaction => None,
    }
}

impl Correspondence {
    /// Who hears: whoever heard last, such as a relative of somebody old, else the customer.
    fn recipient(&self) -> Option<Recipient> {
        let last = self.sent.last().map(|it| &it.message.to).filter(|it| !it.contact.is_empty());
        let elements = &self.case.record.elements;
        let customer = || {
            let contact = elements.customer_contact.clone()?;
            Some(Recipient { contact, name: elements.customer_name.clone(), relation: None })
        };
        last.cloned().or_else(customer)
    }

    /// Whom the customer was told to ask.
    fn contact_person(&self) -> Option<&str> {
        self.records.iter().rev().find_map(|it| match &it.event {
            Event::Accepted { contact_person } => Some(contact_person.as_str()),
            _ => None,
        })
    }

    fn render(
        &self,
        knowledge: &Knowledge,
        (kind, channel): (MessageKind, MessageChannel),
        values: &Values,
    ) -> Option<Wording> {
        let mood = self.case.record.triage.sentiment.as_ref();
        knowledge.templates.render(kind, channel, mood, values)
    }

    /// What there is to tell of.
    fn values(
        &self,
        knowledge: &Knowledge,
        to: Option<&Recipient>,
        contact_person: Option<&str>,
    ) -> Values {
        let record = &self.case.record;
        let clocks = self.life.clocks(&timetable(knowledge));
        let limit = clocks.iter().find(|it| it.id == ClockId::Resolution);
        Values {
            name: to.map_or_else(|| record.elements.customer_name.clone(), |to| to.name.clone()),
            case: record.external_id.clone().unwrap_or_else(|| record.id.to_string()),
            contact_person: contact_person.or(self.contact_person()).map(ToOwned::to_owned),
            limit: limit.map(|it| day(it.due.at, knowledge)),
            stage: Some(self.life.stage().name().to_owned()),
            offers: self.life.proposal().map(|it| offers(&it.offers)),
            result: result(&self.records),
        }
    }
}

/// A moment for customers: 11月12日24时, or 11月12日15:30.
fn day(at: Timestamp, knowledge: &Knowledge) -> String {
    let zone = knowledge.calendar.time_zone();
    let time = zone.to_datetime(at);
    if time.time() == jiff::civil::Time::midnight() {
        let date = time.date().yesterday().unwrap_or(time.date());
        return date.strftime("%-m月%-d日24时").to_string();
    }
    time.strftime("%-m月%-d日%H:%M").to_string()
}

/// What is offered, numbered when there is a choice.
fn offers(offers: &[Offer]) -> String {
    match offers {
        [offer] => remedies(offer),
        offers => {
            let numbered = offers.iter().zip(1..);
            let texts: Vec<_> = numbered
                .map(|(offer, number)| format!("方案{number}：{}", remedies(offer)))
                .collect();
            texts.join("；")
        }
    }
}

fn remedies(offer: &Offer) -> String {
    let words: Vec<_> = offer.remedies.iter().map(|it| it.words.trim()).collect();
    words.join("，")
}

/// How the matter ended: what was chosen and done, or the firm's last word. Notes of staff are none
/// of the customer's business.
fn result(records: &[Record]) -> Option<String> {
    let (mut offered, mut chosen, mut result) = (None, None, None);
    for record in records {
        match &record.event {
            Event::Proposed { proposal } => offered = Some(proposal),
            Event::OfferChosen { offer } => {
                chosen = offered.and_then(|it: &Proposal| it.offers.get(*offer));
            }
            Event::Executed { tracking_number, .. } => {
                let tracked = tracking_number.as_ref().map(|it| format!("，物流单号{it}"));
                let done = |offer| remedies(offer) + tracked.as_deref().unwrap_or_default();
                result = chosen.map(done);
            }
            Event::AnsweredFinally { explanation, recourse } => {
                result = Some(format!("{}。{}", trimmed(explanation), trimmed(recourse)));
            }
            Event::Disputed { .. } | Event::Reopened { .. } => result = None,
            _ => {}
        }
    }
    result
}

fn trimmed(text: &str) -> &str {
    text.trim().trim_end_matches('。')
}
