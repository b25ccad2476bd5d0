//! Evidence files of a case: taken in, listed, given out, and swept when nobody knows of them.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::cases::{Event, Record};
use crate::domain::{Actor, StaffRole};
use crate::evidence::{self, StoredFile, Upload, Vault};
use crate::store::{self, EvidenceFile, Filed, Filing, Revised};
use crate::triage::arrival::moved;
use crate::triage::{CaseLife, Desk, DeskError};

/// The longest name of a file that is kept, in characters.
const MAX_NAME_CHARS: usize = 200;

/// How often a file is added anew when somebody else has moved the case meanwhile.
const MAX_TRIES: usize = 16;

/// A file whose bytes are kept and that a case is to know of.
pub struct NewFile {
    /// Its id.
    pub id: Uuid,
    /// What its sender calls it.
    pub name: String,
    /// What it holds.
    pub stored: StoredFile,
    /// Who adds it.
    pub by: Actor,
    /// The request, for the event.
    pub request_id: Option<String>,
    /// Now.
    pub now: Timestamp,
}

/// A file of a case.
#[derive(Debug, Serialize, ToSchema)]
pub struct FileAnswer {
    /// The file.
    id: String,
    /// What its sender calls it.
    file_name: String,
    /// What it is, told from its bytes.
    media_type: String,
    /// How many bytes it has.
    size: u64,
    /// The SHA-256 of what it holds.
    sha256: String,
    /// When it was added.
    #[schema(value_type = String)]
    at: Timestamp,
    /// Who added it.
    by: String,
    /// What they do for the firm.
    role: &'static str,
}

impl FileAnswer {
    /// Shows a file.
    pub fn new(file: EvidenceFile) -> Self {
        let EvidenceFile { id, name, media_type, n_bytes, digest, at, by } = file;
        let (id, role) = (id.to_string(), by.role.as_str());
        let (file_name, size, sha256) = (name, n_bytes, digest);
        Self { id, file_name, media_type, size, sha256, at, by: by.name, role }
    }
}

impl Desk {
    /// Where the bytes of evidence lie.
    pub const fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Begins to take in a file for a case that is there. A system adds files to what it hands in,
    /// people to what they work.
    pub async fn begin_file(
        &self,
        case_id: Uuid,
        id: Uuid,
        by: &Actor,
    ) -> Result<Upload, DeskError> {
        if !by.role.works_cases() && by.role != StaffRole::System {
            return Err(DeskError::NotAllowed(by.role));
        }
        self.store.find_case(case_id).await?.ok_or(DeskError::NoCase)?;
        Ok(self.vault.begin(id).await?)
    }

    /// Adds a file to a case, whoever else moves the case meanwhile: it takes nothing back.
    pub async fn file_evidence(
        &self,
        case_id: Uuid,
        new: NewFile,
    ) -> Result<EvidenceFile, DeskError> {
        let NewFile { id, name, stored, by, request_id, now } = new;
        let StoredFile { digest, n_bytes, media_type } = stored;
        let media_type = media_type.as_str().to_owned();
        let name = plain_name(&name);
        let file = EvidenceFile { id, name, media_type, n_bytes, digest, at: now, by };
        let knowledge = self.engine.knowledge();
        let most_bytes = self.vault.limits().case_bytes;
        for _ in 0..MAX_TRIES {
            let CaseLife { mut case, mut life } = self.case_life(case_id).await?;
            let record = Record {
                at: now.max(life.last_at()),
                actor: file.by.clone(),
                event: Event::FileAdded {
                    file: id.to_string(),
                    media_type: file.media_type.clone(),
                    size: n_bytes,
                    sha256: file.digest.clone(),
                },
            };
            life.apply(&record);
            let request_id = request_id.as_deref();
            let progress = moved(&mut case, &life, &[record], (&knowledge, request_id));
            let filing = Filing { file: file.clone(), progress, most_bytes };
            match self.store.file_evidence(filing).await? {
                Filed::Revised(Revised::Done(_)) => return Ok(file),
                Filed::Revised(Revised::Stale(_)) => {}
                Filed::Revised(Revised::Missing) => return Err(DeskError::NoCase),
                Filed::Full => return Err(evidence::Error::CaseFull(most_bytes).into()),
            }
        }
        Err(DeskError::Store(store::Error::Busy))
    }

    /// The files of a case, oldest first.
    pub async fn list_evidence(&self, case_id: Uuid) -> Result<Vec<EvidenceFile>, DeskError> {
        self.store.find_case(case_id).await?.ok_or(DeskError::NoCase)?;
        Ok(self.store.list_evidence(case_id).await?)
    }

    /// A file of a case, if it is one of this case.
    pub async fn find_evidence(
        &self,
        case_id: Uuid,
        file: &str,
    ) -> Result<Option<EvidenceFile>, DeskError> {
        let files = self.list_evidence(case_id).await?;
        Ok(files.into_iter().find(|it| it.id.to_string() == file))
    }

    /// Deletes what crashes and erasures have left behind: objects that no case knows of, and
    /// halves of files. Says how many.
    pub async fn sweep_evidence(&self, now: Timestamp) -> Result<usize, DeskError> {
        let mut n_swept = self.vault.delete_halves(now).await?;
        for (location, digest) in self.vault.list_old(now).await? {
            let is_known = match digest {
                Some(digest) => self.store.has_evidence(&digest).await?,
                None => false,
            };
            if !is_known {
                n_swept += usize::from(self.vault.delete_old(&location, now).await?);
            }
        }
        Ok(n_swept)
    }
}

/// A name without folders and without signs that only machines read.
fn plain_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    // Signs that turn the direction of writing make `gpj.exe` look like `exe.jpg`.
    let turns = |it: char| matches!(it, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let plain = last.chars().filter(|&it| !it.is_control() && !turns(it));
    let plain: String = plain.take(MAX_NAME_CHARS).collect();
    match plain.trim_matches([' ', '.']) {
        "" => "附件".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_become_plain_ones() {
        let cases = [
            ("照片 1.jpg", "照片 1.jpg"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\王\\单据.pdf", "单据.pdf"),
            ("a\r\nSet-Cookie: x=1\0.png", "aSet-Cookie: x=1.png"),
            ("\u{202e}gpj.exe", "gpj.exe"),
            ("..", "附件"),
            ("", "附件"),
        ];
        for (name, expected) in cases {
            assert_eq!(plain_name(name), expected, "{name:?}");
        }
        assert_eq!(plain_name(&"长".repeat(5_000)).chars().count(), MAX_NAME_CHARS);
    }
}
