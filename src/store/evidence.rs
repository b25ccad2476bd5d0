//! Evidence files: whose they are and what they hold; their bytes lie elsewhere. A row and its
//! event are written together.

use std::fmt;

use jiff::Timestamp;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;
use uuid::Uuid;

use crate::domain::Actor;
use crate::store::Store;
use crate::store::corrections::Revised;
use crate::store::error::Error;
use crate::store::progress::Progress;
use crate::store::row::Columns;
use crate::store::writer::Write;

/// A file of a case.
#[derive(Clone, PartialEq, Eq)]
pub struct EvidenceFile {
    /// A v7 UUID.
    pub id: Uuid,
    /// What its sender calls it.
    pub name: String,
    /// What it is, such as `image/png`.
    pub media_type: String,
    /// How many bytes it has.
    pub n_bytes: u64,
    /// The SHA-256 of what it holds.
    pub digest: String,
    /// When it was added.
    pub at: Timestamp,
    /// By whom.
    pub by: Actor,
}

/// A file to add to a case, with what is written beside it.
#[derive(Clone, Debug)]
pub struct Filing {
    /// The file.
    pub file: EvidenceFile,
    /// What the case knows of it.
    pub progress: Progress,
    /// How many bytes all files of the case may have.
    pub most_bytes: u64,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filed {
    /// As of a step of the case.
    Revised(Revised),
    /// The case has as many bytes as it may: nothing was written.
    Full,
}

impl Store {
    /// Adds a file to a case, if the case still has the version that was read.
    pub async fn file_evidence(&self, filing: Filing) -> Result<Filed, Error> {
        self.writer.write(filing).await
    }

    /// The files of a case, oldest first.
    pub async fn list_evidence(&self, case_id: Uuid) -> Result<Vec<EvidenceFile>, Error> {
        let sql = "SELECT * FROM evidence_files WHERE case_id = $1 ORDER BY id";
        let rows = sqlx::query(sql).bind(case_id.to_string()).fetch_all(&self.pool).await?;
        rows.iter().map(read_file).collect()
    }

    /// Whether any case has a file with these bytes.
    pub async fn has_evidence(&self, digest: &str) -> Result<bool, Error> {
        let sql = "SELECT id FROM evidence_files WHERE digest = $1 LIMIT 1";
        Ok(sqlx::query(sql).bind(digest).fetch_optional(&self.pool).await?.is_some())
    }
}

impl Write for Filing {
    type Output = Filed;

    async fn run(&self, connection: &mut AnyConnection) -> Result<Filed, Error> {
        let Self { file, progress, most_bytes } = self;
        let case_id = progress.case_id.to_string();
        let sql = "SELECT CAST(COALESCE(SUM(n_bytes), 0) AS BIGINT) AS n_bytes \
                   FROM evidence_files WHERE case_id = $1";
        let row = sqlx::query(sql).bind(case_id.as_str()).fetch_one(&mut *connection).await?;
        let n_bytes: u64 = Columns(&row).number("n_bytes")?;
        if *most_bytes < n_bytes + file.n_bytes {
            return Ok(Filed::Full);
        }
        // Another file since the sum was taken has moved the case, and the version with it.
        let revised = progress.run(&mut *connection).await?;
        let Revised::Done(seq) = revised else { return Ok(Filed::Revised(revised)) };
        let sql = "INSERT INTO evidence_files (id, case_id, seq, name, media_type, n_bytes, \
                   digest, at, actor, role) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
        let query = sqlx::query(sql)
            .bind(file.id.to_string())
            .bind(case_id)
            .bind(i64::from(seq))
            .bind(file.name.as_str())
            .bind(file.media_type.as_str())
            .bind(file.n_bytes.cast_signed())
            .bind(file.digest.as_str())
            .bind(file.at.as_microsecond())
            .bind(file.by.name.as_str())
            .bind(file.by.role.as_str());
        query.execute(connection).await?;
        Ok(Filed::Revised(revised))
    }
}

fn read_file(row: &AnyRow) -> Result<EvidenceFile, Error> {
    let row = Columns(row);
    Ok(EvidenceFile {
        id: row.parse("id")?,
        name: row.get("name")?,
        media_type: row.get("media_type")?,
        n_bytes: row.number("n_bytes")?,
        digest: row.get("digest")?,
        at: row.time("at")?,
        by: Actor { name: row.get("actor")?, role: row.parse("role")? },
    })
}

impl fmt::Debug for EvidenceFile {
    /// Names of files do not reach logs, not even by accident.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EvidenceFile")
            .field("id", &self.id)
            .field("media_type", &self.media_type)
            .field("n_bytes", &self.n_bytes)
            .finish_non_exhaustive()
    }
}
