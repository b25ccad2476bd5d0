//! Submissions that belong together: what customers and orders are recognized by, submissions
//! that are joined to a case, and links between cases. It does not judge what belongs together:
//! the caller reads, decides and writes, and a write that others have overtaken is refused.

use std::fmt;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;
use uuid::Uuid;

use crate::domain::{Channel, Complaint, Elements};
use crate::store::Store;
use crate::store::cases::{read_channel, read_complaint, read_elements};
use crate::store::error::Error;
use crate::store::row::Columns;

/// The newest submissions of an identifier that a new one is compared with.
const MAX_EARLIER: i64 = 50;

/// What a submission is recognized by, and how often each of its identifiers had come in when
/// they were looked up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sightings(Vec<Sighting>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sighting {
    digest: i64,
    n: i64,
}

/// A submission that has an identifier in common with a new one.
#[derive(Clone)]
pub struct Earlier {
    /// The submission; the case's own id for its first one.
    pub submission_id: Uuid,
    /// Its case.
    pub related: RelatedCase,
    /// How severe the case is, lowest first.
    pub severity_rank: u16,
    /// Whether executives must see it.
    pub executive_review: bool,
    /// Where the submission came in.
    pub channel: Option<Channel>,
    /// When.
    pub received_at: Timestamp,
    /// Its words.
    pub text: String,
    /// Customer and object, as far as they are compared.
    pub elements: Elements,
}

/// Another case about the same matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelatedCase {
    /// The case.
    pub id: Uuid,
    /// Where it stands.
    pub status: String,
    /// Whether there is still something to do.
    pub is_open: bool,
    /// When the firm received it.
    pub received_at: Timestamp,
}

/// A submission that is joined to a case.
#[derive(Clone, PartialEq)]
pub struct JoinedSubmission {
    /// A v7 UUID.
    pub id: Uuid,
    /// What its channel calls it.
    pub external_id: Option<String>,
    /// The words and what the intake system knows beside them.
    pub complaint: Complaint,
    /// The five elements as far as they are known.
    pub elements: Elements,
    /// When it happened.
    pub occurred_at: Option<Timestamp>,
    /// When it was stored.
    pub created_at: Timestamp,
    /// How like it is to what it was joined for.
    pub similarity: f64,
}

/// What belongs to a case.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matter {
    /// The same complaint over again, oldest first.
    pub joined: Vec<JoinedSubmission>,
    /// Other cases about the same matter, newest first.
    pub repeats: Vec<RelatedCase>,
    /// Whether it has evidence files.
    pub has_files: bool,
}

impl Sightings {
    /// Whether none of the identifiers has come in before.
    pub fn is_first(&self) -> bool {
        self.0.iter().all(|it| it.n == 0)
    }

    /// The numbers that stand for the identifiers.
    pub(super) fn digests(&self) -> impl Iterator<Item = i64> {
        self.0.iter().map(|it| it.digest)
    }
}

impl Store {
    /// Looks identifiers up. Those that have come in more often than `common_after` are left out:
    /// they name nobody.
    pub async fn find_sightings(
        &self,
        identifiers: &[String],
        common_after: u32,
    ) -> Result<Sightings, Error> {
        let mut digests: Vec<i64> = identifiers.iter().map(|it| digest(it)).collect();
        // In one order for everybody, so that writers do not wait for each other in a circle.
        digests.sort_unstable();
        digests.dedup();
        let mut sightings = Vec::with_capacity(digests.len());
        for digest in digests {
            let query = sqlx::query_scalar("SELECT n FROM identifiers WHERE digest = $1");
            let n: Option<i64> = query.bind(digest).fetch_optional(&self.pool).await?;
            sightings.push(Sighting { digest, n: n.unwrap_or_default() });
        }
        sightings.retain(|it| it.n < i64::from(common_after));
        Ok(Sightings(sightings))
    }

    /// The newest submissions since a time that have one of the identifiers, oldest first.
    pub async fn list_earlier(
        &self,
        sightings: &Sightings,
        since: Timestamp,
    ) -> Result<Vec<Earlier>, Error> {
        let sql = "SELECT s.submission_id, c.id, c.status, c.is_open, c.severity_rank, \
             c.executive_review, c.received_at AS case_received_at, s.received_at, \
             COALESCE(j.text, c.text) AS text, COALESCE(j.channel, c.channel) AS channel, \
             CASE WHEN j.id IS NULL THEN c.customer_id ELSE j.customer_id END AS customer_id, \
             CASE WHEN j.id IS NULL THEN c.customer_contact ELSE j.customer_contact END \
             AS customer_contact, \
             CASE WHEN j.id IS NULL THEN c.product ELSE j.product END AS product, \
             CASE WHEN j.id IS NULL THEN c.order_number ELSE j.order_number END AS order_number \
             FROM sightings s JOIN cases c ON c.id = s.case_id \
             LEFT JOIN joined_submissions j ON j.id = s.submission_id \
             AND j.separated_into IS NULL \
             WHERE s.digest = $1 AND $2 <= s.received_at ORDER BY s.received_at DESC LIMIT $3";
        let mut earlier = Vec::new();
        for sighting in sightings.0.iter().filter(|it| 0 < it.n) {
            let query = sqlx::query(sql)
                .bind(sighting.digest)
                .bind(since.as_microsecond())
                .bind(MAX_EARLIER);
            for row in &query.fetch_all(&self.pool).await? {
                earlier.push(read_earlier(Columns(row))?);
            }
        }
        earlier.sort_by_key(|it| (it.received_at, it.submission_id));
        earlier.dedup_by_key(|it| it.submission_id);
        Ok(earlier)
    }

    /// What belongs to a case.
    pub async fn find_matter(&self, case_id: Uuid) -> Result<Matter, Error> {
        let sql = "SELECT * FROM joined_submissions \
                   WHERE case_id = $1 AND separated_into IS NULL ORDER BY id";
        let rows = sqlx::query(sql).bind(case_id.to_string()).fetch_all(&self.pool).await?;
        let joined = rows.iter().map(read_joined).collect::<Result<_, _>>()?;
        let sql = "SELECT c.id, c.status, c.is_open, c.received_at FROM case_links l \
                   JOIN cases c ON c.id = l.other_id WHERE l.case_id = $1 ORDER BY c.id DESC";
        let rows = sqlx::query(sql).bind(case_id.to_string()).fetch_all(&self.pool).await?;
        let related = |row| read_related(Columns(row), "received_at");
        let repeats = rows.iter().map(related).collect::<Result<_, _>>()?;
        let sql = "SELECT id FROM evidence_files WHERE case_id = $1 LIMIT 1";
        let file = sqlx::query(sql).bind(case_id.to_string()).fetch_optional(&self.pool).await?;
        Ok(Matter { joined, repeats, has_files: file.is_some() })
    }
}

/// Counts identifiers up from what was read; nothing is changed and the answer is no when somebody
/// has done so since.
pub(super) async fn claim_sightings(
    connection: &mut AnyConnection,
    sightings: &Sightings,
) -> Result<bool, Error> {
    let sql = "INSERT INTO identifiers (digest, n) VALUES ($1, 1) ON CONFLICT (digest) \
               DO UPDATE SET n = identifiers.n + 1 WHERE identifiers.n = $2";
    for (idx, sighting) in sightings.0.iter().enumerate() {
        let query = sqlx::query(sql).bind(sighting.digest).bind(sighting.n);
        if query.execute(&mut *connection).await?.rows_affected() == 0 {
            release_sightings(connection, &sightings.0[..idx]).await?;
            return Ok(false);
        }
    }
    Ok(true)
}

/// Takes back what was counted in this transaction.
async fn release_sightings(
    connection: &mut AnyConnection,
    claimed: &[Sighting],
) -> Result<(), Error> {
    for sighting in claimed {
        let query = sqlx::query("UPDATE identifiers SET n = $1 WHERE digest = $2");
        query.bind(sighting.n).bind(sighting.digest).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Writes that a submission has these identifiers.
pub(super) async fn insert_sightings(
    connection: &mut AnyConnection,
    sightings: &Sightings,
    submission_id: Uuid,
    case_id: Uuid,
    received_at: Timestamp,
) -> Result<(), Error> {
    let sql = "INSERT INTO sightings (digest, received_at, submission_id, case_id) \
               VALUES ($1, $2, $3, $4)";
    for sighting in &sightings.0 {
        let query = sqlx::query(sql)
            .bind(sighting.digest)
            .bind(received_at.as_microsecond())
            .bind(submission_id.to_string())
            .bind(case_id.to_string());
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Links a case with others, from both sides.
pub(super) async fn insert_links(
    connection: &mut AnyConnection,
    case_id: Uuid,
    others: &[Uuid],
) -> Result<(), Error> {
    let sql = "INSERT INTO case_links (case_id, other_id) VALUES ($1, $2), ($2, $1) \
               ON CONFLICT (case_id, other_id) DO NOTHING";
    for other in others {
        let query = sqlx::query(sql).bind(case_id.to_string()).bind(other.to_string());
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// A number that stands for an identifier. Two that share one would only be compared in vain.
fn digest(identifier: &str) -> i64 {
    let digest = Sha256::digest(identifier.as_bytes());
    let first = digest.first_chunk().expect("the digest has 32 bytes");
    i64::from_le_bytes(*first)
}

fn read_related(row: Columns<'_>, received_at: &'static str) -> Result<RelatedCase, Error> {
    Ok(RelatedCase {
        id: row.parse("id")?,
        status: row.get("status")?,
        is_open: row.flag("is_open")?,
        received_at: row.time(received_at)?,
    })
}

fn read_earlier(row: Columns<'_>) -> Result<Earlier, Error> {
    Ok(Earlier {
        submission_id: row.parse("submission_id")?,
        related: read_related(row, "case_received_at")?,
        severity_rank: row.number("severity_rank")?,
        executive_review: row.flag("executive_review")?,
        channel: read_channel(row)?,
        received_at: row.time("received_at")?,
        text: row.get("text")?,
        elements: Elements {
            customer_id: row.get("customer_id")?,
            customer_contact: row.get("customer_contact")?,
            product: row.get("product")?,
            order_number: row.get("order_number")?,
            ..Elements::default()
        },
    })
}

/// Reads what was written of a joined submission.
pub(super) fn read_joined(row: &AnyRow) -> Result<JoinedSubmission, Error> {
    let row = Columns(row);
    Ok(JoinedSubmission {
        id: row.parse("id")?,
        external_id: row.get("external_id")?,
        complaint: read_complaint(row)?,
        elements: read_elements(row)?,
        occurred_at: row.find_time("occurred_at")?,
        created_at: row.time("created_at")?,
        similarity: row.get("similarity")?,
    })
}

impl fmt::Debug for JoinedSubmission {
    /// Names and contacts do not reach logs, not even by accident.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinedSubmission").field("id", &self.id).finish_non_exhaustive()
    }
}
