//! Erasure: what is about a person is taken out of a case for good, in one transaction and in
//! every table. Labels, figures and what happened when stay, so that statistics hold.

use jiff::Timestamp;
use sqlx::AnyConnection;
use uuid::Uuid;

use crate::store::Store;
use crate::store::audit::{NewAudit, insert_audit};
use crate::store::corrections::{Revised, find_version};
use crate::store::error::Error;
use crate::store::events::{NewEvent, insert_event};
use crate::store::library::{self, Engine};
use crate::store::matters::Sightings;
use crate::store::row::Columns;
use crate::store::writer::Write;

/// How many pages of the index of terms are rewritten at once, so that nobody waits long.
const N_PAGES: i64 = 500;

/// By what the cases of a person are found; one of them will do.
#[derive(Clone, Default)]
pub struct Person {
    /// The firm's id of the customer.
    pub customer_id: Option<String>,
    /// How the customer is reached, as it was written.
    pub contact: Option<String>,
    /// The same in one way of writing.
    pub sightings: Sightings,
}

/// A case to erase, with what is written of it.
#[derive(Clone, Debug)]
pub struct Erasure {
    /// The case; one that is open or erased stays as it is.
    pub case_id: Uuid,
    /// The version that was read.
    pub version: u32,
    /// What stands where words were.
    pub blank: &'static str,
    /// The data of its events without the words, by their numbers.
    pub events: Vec<(u32, serde_json::Value)>,
    /// That it was erased.
    pub event: NewEvent,
    /// What the audit log says of it.
    pub audit: NewAudit,
}

/// A case that a person wants erased and the law does not let go of yet.
#[derive(Clone, Debug)]
pub struct Deferral {
    /// The case.
    pub case_id: Uuid,
    /// What the audit log says of it.
    pub audit: NewAudit,
}

/// When archived cases may go: those that were archived before these moments.
#[derive(Clone, Copy, Debug)]
pub struct Erasable {
    /// By themselves.
    pub over_before: Timestamp,
    /// When the person has asked for it.
    pub asked_before: Timestamp,
}

/// Terms of entries that are gone are taken out of the files of the index, so many pages at once; a
/// negative number begins, as the documentation of FTS5 has it.
struct Purge(i64);

impl Store {
    /// Erases an archived case, if it still has the version that was read.
    pub async fn erase_case(&self, erasure: Erasure) -> Result<Revised, Error> {
        self.writer.write(erasure).await
    }

    /// Remembers that a case is to be erased as soon as the law lets go of it.
    pub async fn defer_erasure(&self, deferral: Deferral) -> Result<(), Error> {
        self.writer.write(deferral).await
    }

    /// The cases of a person, oldest first; those of another person may be among them that has
    /// shared a case or a way of writing.
    pub async fn list_cases_of_person(&self, person: &Person) -> Result<Vec<Uuid>, Error> {
        let sql = "SELECT id AS case_id FROM cases WHERE customer_id = $1 \
                   UNION SELECT id AS case_id FROM cases WHERE customer_contact = $2 \
                   UNION SELECT case_id FROM joined_submissions WHERE customer_id = $1 \
                   UNION SELECT case_id FROM joined_submissions WHERE customer_contact = $2";
        let query = sqlx::query(sql).bind(person.customer_id.as_deref());
        let mut rows = query.bind(person.contact.as_deref()).fetch_all(&self.pool).await?;
        for digest in person.sightings.digests() {
            let query = sqlx::query("SELECT DISTINCT case_id FROM sightings WHERE digest = $1");
            rows.extend(query.bind(digest).fetch_all(&self.pool).await?);
        }
        let ids = rows.iter().map(|row| Columns(row).parse("case_id"));
        let mut ids: Vec<Uuid> = ids.collect::<Result<_, _>>()?;
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    /// Archived cases that may go and still have what is about a person: so many of those whose
    /// time is over, and so many of those for which somebody has asked.
    pub async fn list_erasable(&self, due: Erasable, limit: u16) -> Result<Vec<Uuid>, Error> {
        // A case is archived after it was created, and of that there is an index.
        let over = "SELECT id FROM cases WHERE erased_at IS NULL AND is_open = 0 \
                    AND created_at < $1 AND (SELECT MAX(at) FROM events \
                    WHERE events.case_id = cases.id AND events.kind = 'case.archived') < $1 \
                    ORDER BY created_at LIMIT $2";
        let asked = "SELECT id FROM cases WHERE erasure_asked_at IS NOT NULL \
                     AND erased_at IS NULL AND is_open = 0 AND (SELECT MAX(at) FROM events \
                     WHERE events.case_id = cases.id AND events.kind = 'case.archived') < $1 \
                     ORDER BY erasure_asked_at LIMIT $2";
        let mut ids = Vec::new();
        for (sql, before) in [(over, due.over_before), (asked, due.asked_before)] {
            let query = sqlx::query(sql).bind(before.as_microsecond()).bind(i64::from(limit));
            for row in &query.fetch_all(&self.pool).await? {
                ids.push(Columns(row).parse("id")?);
            }
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    /// Lets nothing of what was erased remain in the files of the database. PostgreSQL does so by
    /// itself when it vacuums; SQLite keeps the terms of entries that are gone until their part of
    /// the index is rewritten, and what was overwritten until the log is.
    pub async fn purge(&self) -> Result<(), Error> {
        if self.engine() == Engine::Postgres {
            return Ok(());
        }
        let mut n_pages = -N_PAGES;
        while self.writer.write(Purge(n_pages)).await? {
            n_pages = N_PAGES;
        }
        // A reader may hold the log back; the next sweep finds it free.
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.write_pool).await?;
        Ok(())
    }
}

impl Write for Erasure {
    type Output = Revised;

    async fn run(&self, connection: &mut AnyConnection) -> Result<Revised, Error> {
        let id = self.case_id.to_string();
        let sql = "UPDATE cases SET text = $1, external_id = NULL, customer_id = NULL, \
                   customer_name = NULL, customer_contact = NULL, employee = NULL, \
                   order_number = NULL, demand = NULL, evidence = '[]', answer = '{}', \
                   erased_at = $2, version = version + 1 \
                   WHERE id = $3 AND version = $4 AND is_open = 0 AND erased_at IS NULL";
        let query = sqlx::query(sql)
            .bind(self.blank)
            .bind(self.audit.at.as_microsecond())
            .bind(id.as_str())
            .bind(i64::from(self.version));
        if query.execute(&mut *connection).await?.rows_affected() == 0 {
            return find_version(connection, self.case_id).await;
        }
        self.blank_history(connection, &id).await?;
        self.blank_submissions(connection, &id).await?;
        self.delete_traces(connection, &id).await?;
        library::erase(connection, self.case_id).await?;
        let seq = self.version + 1;
        insert_event(connection, self.case_id, seq, &self.event).await?;
        insert_audit(connection, &self.audit).await?;
        Ok(Revised::Done(seq))
    }
}

impl Erasure {
    /// Events, corrections, evidence files and messages, which nothing else may change: while the
    /// case stands in `erasing`, their guards let words be blanked and files go. The bytes of files
    /// follow with the next sweep.
    async fn blank_history(&self, connection: &mut AnyConnection, id: &str) -> Result<(), Error> {
        let sql = "INSERT INTO erasing (case_id) VALUES ($1)";
        sqlx::query(sql).bind(id).execute(&mut *connection).await?;
        for (seq, data) in &self.events {
            let query = sqlx::query("UPDATE events SET data = $1 WHERE case_id = $2 AND seq = $3");
            let query = query.bind(data.to_string()).bind(id).bind(i64::from(*seq));
            query.execute(&mut *connection).await?;
        }
        let sql = "UPDATE corrections SET reason = $1 WHERE case_id = $2";
        sqlx::query(sql).bind(self.blank).bind(id).execute(&mut *connection).await?;
        for sql in [
            "DELETE FROM evidence_files WHERE case_id = $1",
            "UPDATE messages SET contact = '', recipient = NULL, relation = NULL, \
             subject = NULL, text = '' WHERE case_id = $1",
            "DELETE FROM erasing WHERE case_id = $1",
        ] {
            sqlx::query(sql).bind(id).execute(&mut *connection).await?;
        }
        Ok(())
    }

    /// The submissions that are joined to the case, and the one that it was before it was made a
    /// case of its own.
    async fn blank_submissions(
        &self,
        connection: &mut AnyConnection,
        id: &str,
    ) -> Result<(), Error> {
        let sql = "UPDATE joined_submissions SET text = $1, external_id = NULL, \
                   customer_id = NULL, customer_name = NULL, customer_contact = NULL, \
                   employee = NULL, order_number = NULL, demand = NULL, evidence = '[]' \
                   WHERE case_id = $2 AND separated_into IS NULL OR separated_into = $2";
        sqlx::query(sql).bind(self.blank).bind(id).execute(connection).await?;
        Ok(())
    }

    /// Rows by which the case could still be told to be a person's, and what waits to be sent to
    /// them. A table that keeps more about a case has its line here.
    async fn delete_traces(&self, connection: &mut AnyConnection, id: &str) -> Result<(), Error> {
        for sql in [
            "DELETE FROM identifiers WHERE digest IN (SELECT digest FROM sightings \
             WHERE case_id = $1) AND NOT EXISTS (SELECT 1 FROM sightings \
             WHERE sightings.digest = identifiers.digest AND sightings.case_id <> $1)",
            "DELETE FROM sightings WHERE case_id = $1",
            "DELETE FROM case_links WHERE case_id = $1 OR other_id = $1",
            // A message that has not gone out by now never does.
            "DELETE FROM outbox WHERE case_id = $1 AND topic = 'message'",
        ] {
            sqlx::query(sql).bind(id).execute(&mut *connection).await?;
        }
        Ok(())
    }
}

impl Write for Deferral {
    type Output = ();

    async fn run(&self, connection: &mut AnyConnection) -> Result<(), Error> {
        let sql = "UPDATE cases SET erasure_asked_at = $1 \
                   WHERE id = $2 AND erasure_asked_at IS NULL";
        let query = sqlx::query(sql).bind(self.audit.at.as_microsecond());
        query.bind(self.case_id.to_string()).execute(&mut *connection).await?;
        insert_audit(connection, &self.audit).await
    }
}

impl Write for Purge {
    /// Whether there is more to rewrite.
    type Output = bool;

    async fn run(&self, connection: &mut AnyConnection) -> Result<bool, Error> {
        let changes = "SELECT total_changes()";
        let before: i64 = sqlx::query_scalar(changes).fetch_one(&mut *connection).await?;
        let sql = "INSERT INTO archive_terms (archive_terms, rank) VALUES ('merge', $1)";
        sqlx::query(sql).bind(self.0).execute(&mut *connection).await?;
        let after: i64 = sqlx::query_scalar(changes).fetch_one(connection).await?;
        // Less than two changes mean that nothing was left to do.
        Ok(2 <= after - before)
    }
}
