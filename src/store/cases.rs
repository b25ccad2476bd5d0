//! Cases: what was complained about, and what triage made of it. A case is unique by its id and by
//! the external id that its channel gave it, so a complaint that is sent twice is stored once.

use std::fmt;

use jiff::Timestamp;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection};
use uuid::Uuid;

use crate::domain::{
    Channel, Complaint, CustomerTier, Elements, LabelId, Labels, Money, QueueId, Tier,
};
use crate::store::Store;
use crate::store::corrections::to_json;
use crate::store::error::{Constraint, Error};
use crate::store::events::{NewEvent, insert_event};
use crate::store::idempotency::{Completion, finish_claim};
use crate::store::matters::{Sightings, claim_sightings, insert_links, insert_sightings};
use crate::store::row::Columns;
use crate::store::writer::Write;

/// The status of a case that has just come in.
pub const RECEIVED: &str = "received";

/// A case to store.
#[derive(Clone, PartialEq)]
pub struct NewCase {
    /// A v7 UUID, so that ids sort by time.
    pub id: Uuid,
    /// What the channel calls it; unique within the channel.
    pub external_id: Option<String>,
    /// The words and what the intake system knows beside them.
    pub complaint: Complaint,
    /// The five elements as far as they are known.
    pub elements: Elements,
    /// When it happened.
    pub occurred_at: Option<Timestamp>,
    /// When it was stored.
    pub created_at: Timestamp,
    /// Who owns it 首问负责制, if anybody does.
    pub owner: Option<String>,
    /// What triage made of it.
    pub triage: Triage,
}

/// What triage made of a complaint: the columns that lists filter and sort by, and the answer.
#[derive(Clone, PartialEq)]
pub struct Triage {
    /// Whose list it is on.
    pub queue: QueueId,
    /// The department that answers for it.
    pub department: String,
    /// Who decides.
    pub tier: Tier,
    /// What it is about.
    pub category: Option<LabelId>,
    /// How severe it is.
    pub severity: LabelId,
    /// The severity's rank, lowest first.
    pub severity_rank: u16,
    /// The writer's mood.
    pub sentiment: Option<LabelId>,
    /// Whether executives must see it.
    pub executive_review: bool,
    /// Whether a person must label it first.
    pub needs_triage: bool,
    /// How urgent it is.
    pub priority: f64,
    /// The earliest deadline.
    pub first_due_at: Timestamp,
    /// When it must be settled.
    pub resolution_due_at: Timestamp,
    /// The model that was asked; nothing without one.
    pub model_version: Option<String>,
    /// The rules that were asked.
    pub rules_version: String,
    /// Whether rules alone decided.
    pub fallback: bool,
    /// What the model said; empty without one.
    pub model_labels: Labels,
    /// The labels that count now.
    pub labels: Labels,
    /// The whole answer of the intake as JSON.
    pub answer: String,
}

/// A stored case.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Where it stands, such as [`RECEIVED`].
    pub status: String,
    /// The number of its last event; who writes names the version that they have read.
    pub version: u32,
    /// Everything else.
    pub record: NewCase,
}

/// A case that comes in, with what is written beside it in the same transaction.
#[derive(Clone, Debug)]
pub struct Intake {
    /// The case.
    pub case: NewCase,
    /// That it was received, by whom.
    pub event: NewEvent,
    /// When the first clock strikes.
    pub alarm_at: Option<Timestamp>,
    /// By what it is recognized when it comes in again.
    pub sightings: Sightings,
    /// Other cases about the same matter.
    pub repeats: Vec<Uuid>,
    /// The answer to keep under an idempotency key, when the request has one.
    pub completion: Option<Completion>,
}

/// What became of an intake.
#[derive(Clone, Debug, PartialEq)]
pub enum Inserted {
    /// It is stored.
    Created,
    /// The channel has sent it before: nothing was written, this is the case that is there.
    Existing(Box<Case>),
    /// Somebody has stored a submission with the same identifiers since they were looked up, or has
    /// moved the case: nothing was written, and the caller looks again.
    Changed,
}

/// Every column in the order in which `bind` writes them.
macro_rules! columns {
    () => {
        "id, channel, external_id, text, customer_id, customer_name, customer_contact, product, shop, \
         employee, order_number, demand, evidence, amount_fen, customer_tier, prior_contacts, occurred_at, \
         received_at, created_at, status, is_open, queue, department, tier, category, severity, \
         severity_rank, sentiment, executive_review, needs_triage, priority, first_due_at, \
         resolution_due_at, model_version, rules_version, fallback, answer, version, model_labels, labels, owner"
    };
}
pub(super) use columns;

impl Store {
    /// Stores a case, its first event and the answer to its idempotency key, all or nothing.
    ///
    /// When the channel has sent the case before, nothing is written, not even the answer: the
    /// caller finishes the key with what it then answers. A crash in between loses nothing, since
    /// the key's claim goes stale and the request that is sent again finds the case.
    pub async fn insert_case(&self, intake: Intake) -> Result<Inserted, Error> {
        self.writer.write(intake).await
    }

    /// The case with this id.
    pub async fn find_case(&self, id: Uuid) -> Result<Option<Case>, Error> {
        let sql = concat!("SELECT ", columns!(), " FROM cases WHERE id = $1");
        let row = sqlx::query(sql).bind(id.to_string()).fetch_optional(&self.pool).await?;
        row.as_ref().map(read_case).transpose()
    }
}

impl Write for Intake {
    type Output = Inserted;

    async fn run(&self, connection: &mut AnyConnection) -> Result<Inserted, Error> {
        let Self { case, sightings, repeats, completion, .. } = self;
        if let Some(external_id) = &case.external_id {
            let channel = case.complaint.channel;
            if let Some(joined_to) = find_joined_to(connection, channel, external_id).await? {
                return Ok(Inserted::Existing(joined_to));
            }
        }
        if !claim_sightings(connection, sightings).await? {
            return Ok(Inserted::Changed);
        }
        if let Some(existing) = insert_new_case(connection, self).await? {
            return Ok(Inserted::Existing(existing));
        }
        let received_at = case.complaint.received_at;
        insert_sightings(connection, sightings, case.id, case.id, received_at).await?;
        insert_links(connection, case.id, repeats).await?;
        if let Some(completion) = completion {
            finish_claim(connection, completion).await?;
        }
        Ok(Inserted::Created)
    }
}

/// Writes a case and its first event, or answers the one that its channel has sent before.
pub(super) async fn insert_new_case(
    connection: &mut AnyConnection,
    intake: &Intake,
) -> Result<Option<Box<Case>>, Error> {
    let Intake { case, event, alarm_at, .. } = intake;
    let sql = concat!(
        "INSERT INTO cases (",
        columns!(),
        ", alarm_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
         $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, \
         $40, $41, $42) \
         ON CONFLICT (channel, external_id) DO NOTHING"
    );
    let query = bind(sqlx::query(sql), case).bind(alarm_at.map(Timestamp::as_microsecond));
    let inserted = query.execute(&mut *connection).await?;
    if inserted.rows_affected() == 0 {
        let external_id = case.external_id.as_deref().unwrap_or_default();
        let existing = find_case_of(connection, case.complaint.channel, external_id).await?;
        return existing.map(Some).ok_or(Error::Broken(Constraint::CaseExternalId));
    }
    insert_event(connection, case.id, 1, event).await?;
    Ok(None)
}

/// The case that this submission of a channel is, or is joined to.
pub(super) async fn find_by_external_id(
    connection: &mut AnyConnection,
    channel: Option<Channel>,
    external_id: &str,
) -> Result<Option<Box<Case>>, Error> {
    match find_case_of(connection, channel, external_id).await? {
        Some(case) => Ok(Some(case)),
        None => find_joined_to(connection, channel, external_id).await,
    }
}

async fn find_case_of(
    connection: &mut AnyConnection,
    channel: Option<Channel>,
    external_id: &str,
) -> Result<Option<Box<Case>>, Error> {
    let sql = concat!("SELECT ", columns!(), " FROM cases WHERE channel = $1 AND external_id = $2");
    find_one(connection, sql, channel, external_id).await
}

async fn find_joined_to(
    connection: &mut AnyConnection,
    channel: Option<Channel>,
    external_id: &str,
) -> Result<Option<Box<Case>>, Error> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM cases WHERE id = (SELECT case_id FROM joined_submissions \
         WHERE channel = $1 AND external_id = $2 AND separated_into IS NULL)"
    );
    find_one(connection, sql, channel, external_id).await
}

async fn find_one(
    connection: &mut AnyConnection,
    sql: &'static str,
    channel: Option<Channel>,
    external_id: &str,
) -> Result<Option<Box<Case>>, Error> {
    let query = sqlx::query(sql).bind(channel.map_or("", Channel::as_str)).bind(external_id);
    let row = query.fetch_optional(connection).await?;
    row.as_ref().map(|row| read_case(row).map(Box::new)).transpose()
}

fn bind<'q>(
    query: Query<'q, Any, AnyArguments>,
    case: &'q NewCase,
) -> Query<'q, Any, AnyArguments> {
    let NewCase { id, external_id, complaint, elements, occurred_at, created_at, owner, triage } =
        case;
    let evidence = serde_json::to_string(&elements.evidence).expect("text is JSON");
    let label = |label: &'q Option<LabelId>| label.as_ref().map(LabelId::as_str);
    query
        .bind(id.to_string())
        .bind(complaint.channel.map_or("", Channel::as_str))
        .bind(external_id.as_deref())
        .bind(complaint.text.as_str())
        .bind(elements.customer_id.as_deref())
        .bind(elements.customer_name.as_deref())
        .bind(elements.customer_contact.as_deref())
        .bind(elements.product.as_deref())
        .bind(elements.shop.as_deref())
        .bind(elements.employee.as_deref())
        .bind(elements.order_number.as_deref())
        .bind(elements.demand.as_deref())
        .bind(evidence)
        .bind(complaint.amount.map(Money::fen))
        .bind(complaint.customer_tier.as_str())
        .bind(complaint.prior_contacts.map(i64::from))
        .bind(occurred_at.map(Timestamp::as_microsecond))
        .bind(complaint.received_at.as_microsecond())
        .bind(created_at.as_microsecond())
        .bind(RECEIVED)
        .bind(1_i64)
        .bind(triage.queue.as_str())
        .bind(triage.department.as_str())
        .bind(i64::from(u8::from(triage.tier)))
        .bind(label(&triage.category))
        .bind(triage.severity.as_str())
        .bind(i64::from(triage.severity_rank))
        .bind(label(&triage.sentiment))
        .bind(i64::from(triage.executive_review))
        .bind(i64::from(triage.needs_triage))
        .bind(triage.priority)
        .bind(triage.first_due_at.as_microsecond())
        .bind(triage.resolution_due_at.as_microsecond())
        .bind(triage.model_version.as_deref())
        .bind(triage.rules_version.as_str())
        .bind(i64::from(triage.fallback))
        .bind(triage.answer.as_str())
        .bind(1_i64)
        .bind(to_json(&triage.model_labels))
        .bind(to_json(&triage.labels))
        .bind(owner.as_deref())
}

/// Reads what `bind` wrote.
pub(super) fn read_case(row: &AnyRow) -> Result<Case, Error> {
    let row = Columns(row);
    let record = NewCase {
        id: row.parse("id")?,
        external_id: row.get("external_id")?,
        complaint: read_complaint(row)?,
        elements: read_elements(row)?,
        occurred_at: row.find_time("occurred_at")?,
        created_at: row.time("created_at")?,
        owner: row.get("owner")?,
        triage: read_triage(row)?,
    };
    Ok(Case { status: row.get("status")?, version: row.number("version")?, record })
}

pub(super) fn read_complaint(row: Columns<'_>) -> Result<Complaint, Error> {
    let tier: &str = row.get("customer_tier")?;
    let amount_fen: Option<i64> = row.get("amount_fen")?;
    let prior_contacts: Option<i64> = row.get("prior_contacts")?;
    Ok(Complaint {
        text: row.parse("text")?,
        channel: read_channel(row)?,
        amount: amount_fen.map(Money::from_fen),
        customer_tier: CustomerTier::ALL
            .into_iter()
            .find(|known| known.as_str() == tier)
            .ok_or(Error::Corrupt("customer_tier"))?,
        prior_contacts: prior_contacts
            .map(u32::try_from)
            .transpose()
            .map_err(|_| Error::Corrupt("prior_contacts"))?,
        received_at: row.time("received_at")?,
    })
}

/// The channel, whose column is empty when it is not known.
pub(super) fn read_channel(row: Columns<'_>) -> Result<Option<Channel>, Error> {
    let name: &str = row.get("channel")?;
    let known = Channel::ALL.into_iter().find(|known| known.as_str() == name);
    if known.is_none() && !name.is_empty() {
        return Err(Error::Corrupt("channel"));
    }
    Ok(known)
}

pub(super) fn read_elements(row: Columns<'_>) -> Result<Elements, Error> {
    Ok(Elements {
        customer_id: row.get("customer_id")?,
        customer_name: row.get("customer_name")?,
        customer_contact: row.get("customer_contact")?,
        product: row.get("product")?,
        shop: row.get("shop")?,
        employee: row.get("employee")?,
        order_number: row.get("order_number")?,
        demand: row.get("demand")?,
        evidence: serde_json::from_str(row.get("evidence")?)
            .map_err(|_| Error::Corrupt("evidence"))?,
    })
}

fn read_triage(row: Columns<'_>) -> Result<Triage, Error> {
    Ok(Triage {
        queue: row.parse("queue")?,
        department: row.get("department")?,
        tier: Tier::try_from(row.number::<u8>("tier")?).map_err(|_| Error::Corrupt("tier"))?,
        category: row.find("category")?,
        severity: row.parse("severity")?,
        severity_rank: row.number("severity_rank")?,
        sentiment: row.find("sentiment")?,
        executive_review: row.flag("executive_review")?,
        needs_triage: row.flag("needs_triage")?,
        priority: row.get("priority")?,
        first_due_at: row.time("first_due_at")?,
        resolution_due_at: row.time("resolution_due_at")?,
        model_version: row.get("model_version")?,
        rules_version: row.get("rules_version")?,
        fallback: row.flag("fallback")?,
        model_labels: row.json("model_labels")?,
        labels: row.json("labels")?,
        answer: row.get("answer")?,
    })
}

// Names, contacts and answers that quote customers do not reach logs, not even by accident.

impl fmt::Debug for NewCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewCase")
            .field("id", &self.id)
            .field("complaint", &self.complaint)
            .field("created_at", &self.created_at)
            .field("triage", &self.triage)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Triage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Triage")
            .field("queue", &self.queue)
            .field("category", &self.category)
            .field("severity", &self.severity)
            .finish_non_exhaustive()
    }
}
