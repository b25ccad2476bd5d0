//! Webhooks: systems of the firm that hear of every event. A body carries ids and what changed;
//! what people wrote, customers or staff, goes only to endpoints that were set up to get it.

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::cases::Event as CaseEvent;
use crate::domain::ComplaintText;
use crate::outbound::Secret;
use crate::store::{Alert, Delivery, Endpoint, Event, NewStep, Topic};
use crate::triage::courier::Sent;
use crate::triage::fields::{Fields, Mistake, mistake};
use crate::triage::{Courier, DeskError};

/// How long the old secret signs as well after a new one was made.
const OLD_SECRET_LASTS: SignedDuration = SignedDuration::from_hours(24);
/// The most dead letters that are listed at once.
const MAX_LISTED: u16 = 200;
/// The longest address of an endpoint, in bytes.
const MAX_URL_BYTES: usize = 2_000;

/// What of an event's data is no free text: labels, places, numbers, flags, names from the firm's
/// own files. A field that is not named here stays inside, so a new one does until somebody has
/// looked at it.
const PLAIN_FIELDS: [&str; 34] = [
    "after",
    "alarm",
    "answered",
    "before",
    "category",
    "complete",
    "executive_review",
    "fallback",
    "labels",
    "liability",
    "model_version",
    "needs_triage",
    "offer",
    "pace",
    "purpose",
    "queue",
    "received_at",
    "recipients",
    "route",
    "rules_version",
    "satisfaction",
    "severity",
    "sure",
    "tier",
    "to",
    "percent",
    "clock",
    "file",
    "media_type",
    "size",
    "sha256",
    "message_kind",
    "channel",
    "message",
];

/// A system that wants to hear of events.
#[derive(Debug)]
pub struct WebhookRequest {
    url: String,
    kinds: Vec<String>,
    with_words: bool,
}

impl WebhookRequest {
    /// Reads a request, listing every mistake.
    pub fn parse(value: Value, courier: &Courier) -> Result<Self, Vec<Mistake>> {
        let Some(mut fields) = Fields::open(value) else {
            return Err(vec![mistake("", "send a JSON object with a `url`")]);
        };
        let url =
            fields.required("url", "send where events go, such as `https://crm.example.com/`");
        if MAX_URL_BYTES < url.len() {
            fields.wrong("url", format!("send at most {MAX_URL_BYTES} bytes"));
        } else if !url.is_empty()
            && let Err(error) = courier.outbound.check(&url)
        {
            fields.wrong("url", error.to_string());
        }
        let kinds: Option<Vec<String>> = fields.read("kinds", "send an array of kinds of events");
        let mut kinds = kinds.unwrap_or_default();
        kinds.sort_unstable();
        kinds.dedup();
        let known: Vec<&str> = CaseEvent::KINDS.into_iter().chain(Alert::EVENTS).collect();
        if !kinds.iter().all(|kind| known.contains(&kind.as_str())) {
            let known = known.join(", ");
            fields.wrong("kinds", format!("the kinds are {known}; leave it out for all"));
        }
        let with_words = fields.read("with_words", "send true or false").unwrap_or_default();
        fields.refuse_unknown(&["url", "kinds", "with_words"]);
        if fields.mistakes.is_empty() {
            Ok(Self { url, kinds, with_words })
        } else {
            Err(fields.mistakes)
        }
    }
}

/// A system that hears of events.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookAnswer {
    /// Its id.
    id: String,
    /// Where it listens.
    url: String,
    /// The events that it hears of; empty means all.
    kinds: Vec<String>,
    /// Whether it gets what people wrote.
    with_words: bool,
    /// Whether it is told anything now.
    enabled: bool,
    /// Why the service has disabled it.
    problem: Option<String>,
    /// Since when it is known.
    #[schema(value_type = String)]
    created_at: Timestamp,
    /// What verifies signatures. It is shown once: when it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

/// Something that could not be delivered.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeadLetterAnswer {
    /// Its id, which `webhook-id` showed.
    id: String,
    /// The case, or the alert.
    case_id: String,
    /// The number of the event within the case, or of the step of the alert.
    seq: u32,
    /// When it was tried for the last time.
    #[schema(value_type = String)]
    failed_at: Timestamp,
    /// How often it was tried.
    attempts: u32,
    /// Why the last attempt failed.
    problem: Option<String>,
}

/// What is sent, in the order of the specification.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    timestamp: Timestamp,
    data: Value,
}

impl Courier {
    /// Adds an endpoint; the answer shows its secret.
    pub async fn add_webhook(
        &self,
        request: WebhookRequest,
        id: Uuid,
        secret: [u8; 32],
        now: Timestamp,
    ) -> Result<WebhookAnswer, DeskError> {
        let WebhookRequest { url, kinds, with_words } = request;
        let endpoint = Endpoint {
            id,
            url,
            kinds,
            with_words,
            secret: Secret::of(secret).reveal(),
            old_secret: None,
            enabled: true,
            problem: None,
            created_at: now,
        };
        self.desk.store.insert_endpoint(endpoint.clone()).await?;
        let secret = Some(endpoint.secret.clone());
        Ok(WebhookAnswer { secret, ..WebhookAnswer::new(endpoint) })
    }

    /// Every endpoint, oldest first.
    pub async fn list_webhooks(&self) -> Result<Vec<WebhookAnswer>, DeskError> {
        let endpoints = self.desk.store.list_endpoints().await?;
        Ok(endpoints.into_iter().map(WebhookAnswer::new).collect())
    }

    /// The endpoint with this id.
    pub async fn find_webhook(&self, id: Uuid) -> Result<Option<WebhookAnswer>, DeskError> {
        Ok(self.desk.store.find_endpoint(id).await?.map(WebhookAnswer::new))
    }

    /// Gives an endpoint a new secret, which the answer shows. For a day both sign.
    pub async fn rotate_webhook(
        &self,
        id: Uuid,
        secret: [u8; 32],
        now: Timestamp,
    ) -> Result<Option<WebhookAnswer>, DeskError> {
        let secret = Secret::of(secret).reveal();
        let until = now.checked_add(OLD_SECRET_LASTS).unwrap_or(Timestamp::MAX);
        self.desk.store.rotate_secret(id, secret.clone(), until).await?;
        let found = self.find_webhook(id).await?;
        Ok(found.map(|answer| WebhookAnswer { secret: Some(secret), ..answer }))
    }

    /// Lets an endpoint hear of events again. Whether there is one.
    pub async fn enable_webhook(&self, id: Uuid) -> Result<bool, DeskError> {
        Ok(self.desk.store.enable_endpoint(id).await?)
    }

    /// Tells an endpoint nothing any more. Whether there is one.
    pub async fn disable_webhook(&self, id: Uuid) -> Result<bool, DeskError> {
        Ok(self.desk.store.disable_endpoint(id, None).await?)
    }

    /// Removes an endpoint with what waits for it. Whether there was one.
    pub async fn delete_webhook(&self, id: Uuid) -> Result<bool, DeskError> {
        Ok(self.desk.store.delete_endpoint(id).await?)
    }

    /// What could not be delivered to an endpoint or a gateway, oldest first.
    pub async fn list_dead_letters(
        &self,
        (topic, target): (Topic, &str),
    ) -> Result<Vec<DeadLetterAnswer>, DeskError> {
        let dead = self.desk.store.list_dead((topic, target), MAX_LISTED).await?;
        Ok(dead.into_iter().map(DeadLetterAnswer::new).collect())
    }

    /// Makes dead letters due again, these or all, and says how many.
    pub async fn replay_dead_letters(
        &self,
        (topic, target): (Topic, &str),
        letters: Vec<String>,
        now: Timestamp,
    ) -> Result<u64, DeskError> {
        Ok(self.desk.store.replay((topic, target), letters, now).await?)
    }

    /// Tells an endpoint of an event.
    pub(super) async fn send_webhook(
        &self,
        delivery: &Delivery,
        now: Timestamp,
    ) -> Result<Sent, DeskError> {
        let id = delivery.record.target.parse().unwrap_or_default();
        let Some(endpoint) = self.desk.store.find_endpoint(id).await? else {
            return Ok(Sent::Gone("the endpoint was deleted"));
        };
        let Some(body) = self.body(delivery, endpoint.with_words).await? else {
            return Ok(Sent::Gone("there is no such event"));
        };
        let headers = headers(&endpoint, &delivery.record.id, &body, now);
        let answer = match self.outbound.post_json(&endpoint.url, headers, body).await {
            Ok(answer) => answer,
            Err(error) => return Ok(Sent::Failed(error.to_string())),
        };
        Ok(match answer.status {
            200..=299 => Sent::Arrived,
            // By the specification: the receiver wants nothing more.
            410 => {
                let problem = "the endpoint answered 410 Gone";
                self.desk.store.disable_endpoint(id, Some(problem)).await?;
                Sent::Gone(problem)
            }
            status => Sent::Failed(format!("the endpoint answered {status}")),
        })
    }

    /// What is told of an event, the same at every attempt.
    async fn body(
        &self,
        delivery: &Delivery,
        with_words: bool,
    ) -> Result<Option<Vec<u8>>, DeskError> {
        let (case_id, seq) = (delivery.record.case_id, delivery.record.seq);
        let events = self.desk.store.list_events(case_id).await?;
        let Some(event) = events.into_iter().find(|event| event.seq == seq) else {
            return self.alert_body(case_id, seq, with_words).await;
        };
        let text = match (with_words, seq) {
            (true, 1) => {
                self.desk.store.find_case(case_id).await?.map(|case| case.record.complaint.text)
            }
            _ => None,
        };
        Ok(Some(show(case_id, &event, with_words, text.as_ref().map(ComplaintText::as_str))))
    }

    async fn alert_body(
        &self,
        id: Uuid,
        seq: u32,
        with_words: bool,
    ) -> Result<Option<Vec<u8>>, DeskError> {
        let Some(alert) = self.desk.store.find_alert(id).await? else { return Ok(None) };
        let steps = self.desk.store.list_steps(id).await?;
        let step = usize::try_from(seq).ok().and_then(|seq| steps.get(seq.checked_sub(1)?));
        Ok(step.map(|step| show_alert(&alert, seq, step, with_words)))
    }
}

/// The body that tells of a step of an alert.
fn show_alert(alert: &Alert, seq: u32, step: &NewStep, with_words: bool) -> Vec<u8> {
    let mut data = json!({
        "alert_id": alert.id,
        "seq": seq,
        "actor": step.actor.name,
        "role": step.actor.role.as_str(),
        "kind": alert.kind.as_str(),
        "subject": alert.subject,
        "count": alert.n_complainants,
        "baseline": alert.expected,
        "threshold": alert.threshold,
    });
    if with_words {
        data["note"] = step.note.as_str().into();
    }
    let body = Body { kind: Alert::event_of(&step.state), timestamp: step.at, data };
    serde_json::to_vec(&body).expect("a body is plain data")
}

/// The body that tells of an event.
fn show(case_id: Uuid, event: &Event, with_words: bool, text: Option<&str>) -> Vec<u8> {
    let record = &event.record;
    let change = match (&record.data, with_words) {
        (data, true) => data.clone(),
        (Value::Object(fields), false) => Value::Object(plain(fields)),
        _ => json!({}),
    };
    let mut data = json!({
        "case_id": case_id,
        "seq": event.seq,
        "actor": record.actor,
        "role": record.role.as_str(),
        "change": change,
    });
    if let Some(text) = text {
        data["text"] = text.into();
    }
    let body = Body { kind: &record.kind, timestamp: record.at, data };
    serde_json::to_vec(&body).expect("a body is plain data")
}

/// The fields that are no free text.
fn plain(fields: &Map<String, Value>) -> Map<String, Value> {
    let plain = fields.iter().filter(|(name, _)| PLAIN_FIELDS.contains(&name.as_str()));
    plain.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The headers of the specification. While a secret is new, the old one signs as well.
fn headers(endpoint: &Endpoint, id: &str, body: &[u8], now: Timestamp) -> HeaderMap {
    let old = endpoint.old_secret.iter().filter(|(_, until)| now < *until).map(|(old, _)| old);
    let secrets = std::iter::once(&endpoint.secret).chain(old);
    let secrets: Vec<Secret> = secrets.filter_map(|secret| secret.parse().ok()).collect();
    signed(&secrets, id, body, now)
}

/// The headers of a body that these secrets sign.
pub(super) fn signed(secrets: &[Secret], id: &str, body: &[u8], now: Timestamp) -> HeaderMap {
    let signatures: Vec<_> = secrets.iter().map(|secret| secret.sign(id, now, body)).collect();
    let headers = [
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", now.as_second().to_string()),
        ("webhook-signature", signatures.join(" ")),
    ];
    let value = |text: String| HeaderValue::try_from(text).expect("ids and Base64 are ASCII");
    headers.into_iter().map(|(name, text)| (HeaderName::from_static(name), value(text))).collect()
}

impl WebhookAnswer {
    fn new(endpoint: Endpoint) -> Self {
        let Endpoint { id, url, kinds, with_words, enabled, problem, created_at, .. } = endpoint;
        let id = id.to_string();
        Self { id, url, kinds, with_words, enabled, problem, created_at, secret: None }
    }
}

impl DeadLetterAnswer {
    fn new(delivery: Delivery) -> Self {
        let Delivery { record, due_at, attempts, problem } = delivery;
        Self {
            id: record.id,
            case_id: record.case_id.to_string(),
            seq: record.seq,
            failed_at: due_at,
            attempts,
            problem,
        }
    }
}
