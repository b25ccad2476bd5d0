//! Joining a submission to a case, and making it a case of its own again. Both move the case as any
//! step does, in one transaction, and only when nobody else has moved it since it was read.

use jiff::Timestamp;
use sqlx::AnyConnection;
use uuid::Uuid;

use crate::domain::{Channel, Money};
use crate::store::Store;
use crate::store::cases::{Inserted, Intake, find_by_external_id, insert_new_case};
use crate::store::corrections::Revised;
use crate::store::error::Error;
use crate::store::idempotency::{Completion, finish_claim};
use crate::store::matters::{
    JoinedSubmission, Sightings, claim_sightings, insert_links, insert_sightings, read_joined,
};
use crate::store::progress::Progress;
use crate::store::writer::Write;

/// A submission that says what a case says, with what is written beside it.
#[derive(Clone, Debug)]
pub struct Joining {
    /// The submission.
    pub submission: JoinedSubmission,
    /// By what it is recognized.
    pub sightings: Sightings,
    /// What it does to the case.
    pub progress: Progress,
    /// The answer to keep under an idempotency key, when the request has one.
    pub completion: Option<Completion>,
}

/// A joined submission that becomes a case of its own.
#[derive(Clone, Debug)]
pub struct Separation {
    /// The submission.
    pub submission_id: Uuid,
    /// What the case that it was joined to knows of it.
    pub progress: Progress,
    /// The case that it becomes, which keeps the time at which it was received.
    pub intake: Intake,
}

impl Store {
    /// Joins a submission to a case, all or nothing.
    pub async fn join_submission(&self, joining: Joining) -> Result<Inserted, Error> {
        self.writer.write(joining).await
    }

    /// Makes a joined submission a case of its own, if its case still has the version that was read.
    pub async fn separate_submission(&self, separation: Separation) -> Result<Revised, Error> {
        self.writer.write(separation).await
    }

    /// A submission that is joined to this case.
    pub async fn find_joined(
        &self,
        case_id: Uuid,
        submission_id: Uuid,
    ) -> Result<Option<JoinedSubmission>, Error> {
        let sql = "SELECT * FROM joined_submissions \
                   WHERE id = $1 AND case_id = $2 AND separated_into IS NULL";
        let query = sqlx::query(sql).bind(submission_id.to_string()).bind(case_id.to_string());
        query.fetch_optional(&self.pool).await?.as_ref().map(read_joined).transpose()
    }
}

impl Write for Joining {
    type Output = Inserted;

    async fn run(&self, connection: &mut AnyConnection) -> Result<Inserted, Error> {
        let Self { submission, sightings, progress, completion } = self;
        let (channel, external_id) = (submission.complaint.channel, &submission.external_id);
        if let Some(external_id) = external_id {
            let known = find_by_external_id(connection, channel, external_id).await?;
            if let Some(case) = known {
                return Ok(Inserted::Existing(case));
            }
        }
        if !claim_sightings(connection, sightings).await? {
            return Ok(Inserted::Changed);
        }
        let Revised::Done(_) = progress.run(connection).await? else {
            // What was counted above makes others look again, which does no harm.
            return Ok(Inserted::Changed);
        };
        insert_joined(connection, submission, progress.case_id).await?;
        let (id, received_at) = (submission.id, submission.complaint.received_at);
        insert_sightings(connection, sightings, id, progress.case_id, received_at).await?;
        if let Some(completion) = completion {
            finish_claim(connection, completion).await?;
        }
        Ok(Inserted::Created)
    }
}

impl Write for Separation {
    type Output = Revised;

    async fn run(&self, connection: &mut AnyConnection) -> Result<Revised, Error> {
        let Self { submission_id, progress, intake } = self;
        let revised = progress.run(&mut *connection).await?;
        let Revised::Done(_) = revised else { return Ok(revised) };
        let (new_id, old_id) = (intake.case.id, progress.case_id);
        insert_new_case(connection, intake).await?;
        insert_links(connection, new_id, &intake.repeats).await?;
        for sql in [
            "UPDATE joined_submissions SET separated_into = $1 WHERE case_id = $2 AND id = $3",
            "UPDATE sightings SET case_id = $1 WHERE case_id = $2 AND submission_id = $3",
        ] {
            let query = sqlx::query(sql)
                .bind(new_id.to_string())
                .bind(old_id.to_string())
                .bind(submission_id.to_string());
            query.execute(&mut *connection).await?;
        }
        Ok(revised)
    }
}

async fn insert_joined(
    connection: &mut AnyConnection,
    submission: &JoinedSubmission,
    case_id: Uuid,
) -> Result<(), Error> {
    let JoinedSubmission { id, external_id, complaint, elements, .. } = submission;
    let sql = "INSERT INTO joined_submissions (id, case_id, channel, external_id, text, \
         customer_id, customer_name, customer_contact, product, shop, employee, order_number, \
         demand, evidence, amount_fen, customer_tier, prior_contacts, occurred_at, received_at, \
         created_at, similarity) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, \
         $13, $14, $15, $16, $17, $18, $19, $20, $21)";
    let evidence = serde_json::to_string(&elements.evidence).expect("text is JSON");
    let query = sqlx::query(sql)
        .bind(id.to_string())
        .bind(case_id.to_string())
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
        .bind(submission.occurred_at.map(Timestamp::as_microsecond))
        .bind(complaint.received_at.as_microsecond())
        .bind(submission.created_at.as_microsecond())
        .bind(submission.similarity);
    query.execute(connection).await?;
    Ok(())
}
