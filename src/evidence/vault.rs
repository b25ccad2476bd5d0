//! Where the bytes of evidence lie. A file streams into `incoming/` while its digest is computed,
//! and moves to `files/` under it. A crash leaves at most an object that no row names, or half of
//! one, and either is swept once it is a day old. Halves in a bucket are its own to sweep: a rule
//! that aborts incomplete uploads does so.

use std::fmt::{self, Write};
use std::io;
use std::path::{Path as Folder, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use jiff::Timestamp;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, WriteMultipart};
use sha2::{Digest as _, Sha256};
use tokio_stream::{Stream, StreamExt};
use uuid::Uuid;

use crate::evidence::{Bucket, Error, MediaType};

/// How much of a file waits for the disk at most. No part of a bucket's upload may be smaller than
/// five mebibytes, but for the last.
const PART_BYTES: usize = 1 << 20;
const BUCKET_PART_BYTES: usize = 5 << 20;
const N_PARTS: usize = 4;

/// How old an object must be before it is taken for forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(24);

/// Where files lie while they come in.
const INCOMING: &str = "incoming";
/// Where they lie under their digests.
const FILES: &str = "files";

/// How large files may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// One file, in bytes.
    pub file_bytes: u64,
    /// All files of a case, in bytes.
    pub case_bytes: u64,
}

/// Where files are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a folder, which is made when it is missing.
    Folder(PathBuf),
    /// In a bucket, which must be there.
    Bucket(Bucket),
}

/// Keeps files; cheap to clone.
#[derive(Clone)]
pub struct Vault {
    objects: Arc<dyn ObjectStore>,
    /// Nothing for a bucket.
    folder: Option<PathBuf>,
    limits: Limits,
}

/// A file that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// The SHA-256 of what it holds, as 64 hexadecimal digits.
    pub digest: String,
    /// How many bytes it has.
    pub n_bytes: u64,
    /// What it is.
    pub media_type: MediaType,
}

/// A file on its way in.
pub struct Upload {
    vault: Vault,
    incoming: Path,
    writer: WriteMultipart,
    hasher: Sha256,
    head: Vec<u8>,
    n_bytes: u64,
}

impl Vault {
    /// Keeps files in a place.
    pub fn open(place: &Place, limits: Limits) -> Result<Self, Error> {
        match place {
            Place::Folder(folder) => {
                std::fs::create_dir_all(folder).map_err(Error::Folder)?;
                let objects = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
                Ok(Self { objects: Arc::new(objects), folder: Some(folder.clone()), limits })
            }
            Place::Bucket(bucket) => {
                Ok(Self { objects: Arc::new(bucket.open()?), folder: None, limits })
            }
        }
    }

    /// How large files may be.
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// Begins to take a file in; the id is one that nothing else has.
    pub async fn begin(&self, id: Uuid) -> Result<Upload, Error> {
        let incoming = Path::from(format!("{INCOMING}/{id}"));
        // What is not found here is the bucket, not a file.
        let upload = self.objects.put_multipart(&incoming).await.map_err(Error::Store)?;
        let part_bytes = if self.folder.is_some() { PART_BYTES } else { BUCKET_PART_BYTES };
        Ok(Upload {
            vault: self.clone(),
            incoming,
            writer: WriteMultipart::new_with_chunk_size(upload, part_bytes),
            hasher: Sha256::new(),
            head: Vec::new(),
            n_bytes: 0,
        })
    }

    /// The bytes of a file, piece by piece.
    pub async fn read(
        &self,
        digest: &str,
    ) -> Result<impl Stream<Item = Result<Bytes, Error>> + Send + use<>, Error> {
        let found = self.objects.get(&place(digest)).await?;
        Ok(found.into_stream().map(|piece| piece.map_err(Error::from)))
    }

    /// Objects that nobody has written for a day, each with the digest that it is kept under; none
    /// when it never got so far. What others keep in the same place is not ours to sweep.
    pub async fn list_old(&self, now: Timestamp) -> Result<Vec<(String, Option<String>)>, Error> {
        let list = |folder: &str| self.objects.list(Some(&Path::from(folder)));
        let mut objects = list(INCOMING).chain(list(FILES));
        let mut old = Vec::new();
        while let Some(object) = objects.next().await.transpose()? {
            if is_old(&object, now) {
                let is_file = object.location.prefix_matches(&Path::from(FILES));
                let digest = object.location.filename().filter(|_| is_file);
                old.push((object.location.to_string(), digest.map(ToOwned::to_owned)));
            }
        }
        Ok(old)
    }

    /// Deletes the halves of files that a process left behind when it died; the object store does
    /// not list them. Says how many.
    pub async fn delete_halves(&self, now: Timestamp) -> Result<usize, Error> {
        let Some(folder) = &self.folder else { return Ok(0) };
        let folder = folder.join(INCOMING);
        let before = SystemTime::from(now) - FORGOTTEN_AFTER;
        let deleted = tokio::task::spawn_blocking(move || delete_older(&folder, before)).await;
        deleted.unwrap_or_else(|error| Err(error.into())).map_err(Error::Folder)
    }

    /// Deletes an object that nobody needs, unless it has been written again since it was listed,
    /// or another replica was faster.
    pub async fn delete_old(&self, location: &str, now: Timestamp) -> Result<bool, Error> {
        let location = Path::from(location);
        let is_forgotten = match self.objects.head(&location).await {
            Err(object_store::Error::NotFound { .. }) => false,
            object => is_old(&object?, now),
        };
        if is_forgotten {
            self.objects.delete(&location).await?;
        }
        Ok(is_forgotten)
    }
}

impl Upload {
    /// Takes a piece; the disk sets the pace.
    pub async fn write(&mut self, piece: &[u8]) -> Result<(), Error> {
        self.n_bytes += piece.len() as u64;
        let most = self.vault.limits.file_bytes;
        if most < self.n_bytes {
            return Err(Error::TooLarge(most));
        }
        let wanted = MediaType::HEAD_BYTES.saturating_sub(self.head.len()).min(piece.len());
        self.head.extend_from_slice(&piece[..wanted]);
        self.hasher.update(piece);
        self.writer.wait_for_capacity(N_PARTS).await?;
        self.writer.write(piece);
        Ok(())
    }

    /// Keeps the file under its digest. A file that is there already is written over with itself,
    /// which makes it young again, so that nobody sweeps it meanwhile.
    pub async fn finish(self) -> Result<StoredFile, Error> {
        let Self { vault, incoming, writer, hasher, head, n_bytes } = self;
        let Some(media_type) = MediaType::of(&head) else {
            writer.abort().await?;
            return Err(if n_bytes == 0 { Error::Empty } else { Error::Type });
        };
        writer.finish().await?;
        let mut digest = String::with_capacity(64);
        for byte in hasher.finalize() {
            write!(digest, "{byte:02x}").expect("text takes everything");
        }
        vault.objects.rename(&incoming, &place(&digest)).await?;
        Ok(StoredFile { digest, n_bytes, media_type })
    }

    /// Gives a file up that broke off or is refused.
    pub async fn abort(self) -> Result<(), Error> {
        Ok(self.writer.abort().await?)
    }
}

/// Where the file with this digest lies; folders of a thousand files stay quick to list.
fn place(digest: &str) -> Path {
    Path::from(format!("{FILES}/{}/{digest}", digest.get(..2).unwrap_or_default()))
}

fn is_old(object: &ObjectMeta, now: Timestamp) -> bool {
    let age = now.as_second() - object.last_modified.timestamp();
    FORGOTTEN_AFTER.as_secs().cast_signed() < age
}

/// Deletes the files of a folder that nobody has written since a time. There may be no folder yet.
fn delete_older(folder: &Folder, before: SystemTime) -> io::Result<usize> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let mut n_deleted = 0;
    for entry in entries {
        let entry = entry?;
        if entry.metadata()?.modified()? < before {
            std::fs::remove_file(entry.path())?;
            n_deleted += 1;
        }
    }
    Ok(n_deleted)
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("limits", &self.limits).finish_non_exhaustive()
    }
}
