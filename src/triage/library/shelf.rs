//! The vectors of the library, kept up to date: whatever was archived since is read by the live
//! model, what other replicas have read is taken over, and a new model reads everything anew, the
//! newest cases first. The database has every vector; the file beside the service is a copy that
//! can be mapped.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use arc_swap::ArcSwapOption;

use crate::neighbors::{N_DIMENSIONS, Neighbors, Quantized, VectorFile};
use crate::registry::Digest;
use crate::store::{Found, StoredVector};
use crate::triage::library::similar::embed;
use crate::triage::{Desk, DeskError};

/// How many entries are read, and vectors written, at once.
const BATCH: u16 = 256;
/// How many vectors are copied at once.
const COPY: u16 = 8192;

/// The vectors that the live model has made so far.
#[derive(Debug)]
pub struct Shelf {
    folder: PathBuf,
    open: Mutex<Option<(i64, VectorFile)>>,
    current: ArcSwapOption<(String, Neighbors)>,
}

impl Shelf {
    /// A shelf whose file lies in this folder.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, open: Mutex::default(), current: ArcSwapOption::empty() }
    }

    /// The model and its vectors.
    pub(super) fn load(&self) -> Option<(String, Neighbors)> {
        self.current.load_full().as_deref().cloned()
    }

    /// Works on the file that goes by this number.
    fn with<T>(
        &self,
        model: i64,
        work: impl FnOnce(&mut VectorFile) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut open = self.open.lock().expect("nobody panics while holding it");
        let file = match open.take() {
            Some((other, file)) if other == model => file,
            _ => {
                // What was shown belongs to another file.
                self.current.store(None);
                VectorFile::open(&self.folder, model)?
            }
        };
        work(&mut open.insert((model, file)).1)
    }

    fn range(&self, model: i64) -> io::Result<Option<(i64, i64)>> {
        self.with(model, |file| Ok(file.range()))
    }

    /// Copies vectors into the file and shows them.
    fn add(&self, version: &str, model: i64, vectors: &[StoredVector]) -> io::Result<()> {
        let neighbors = self.with(model, |file| {
            let whole = vectors.iter().filter_map(|it| Some((it.number, unpack(&it.vector)?)));
            file.append(&whole.collect::<Vec<_>>())?;
            for StoredVector { number, .. } in vectors {
                file.pass(*number);
            }
            file.neighbors()
        })?;
        self.current.store(Some(Arc::new((version.to_owned(), neighbors))));
        Ok(())
    }
}

/// The number by which the vectors of a model are known.
pub fn vector_model(version: &str) -> i64 {
    let digest = Digest::of(version.as_bytes()).to_string();
    let start = digest.chars().filter(char::is_ascii_hexdigit).take(16).collect::<String>();
    u64::from_str_radix(&start, 16).expect("sixteen hexadecimal digits").cast_signed()
}

/// The vector that was stored; nothing where none could be made.
pub(super) fn unpack(bytes: &[u8]) -> Option<Quantized> {
    let bytes: [u8; N_DIMENSIONS] = bytes.try_into().ok()?;
    Some(bytes.map(u8::cast_signed))
}

impl Desk {
    /// Brings the shelf up to date by one step, and says whether there is more to do.
    pub async fn tend_shelf(self: &Arc<Self>) -> Result<bool, DeskError> {
        let knowledge = self.engine.knowledge();
        let Some(version) = knowledge.model_version() else { return Ok(false) };
        let model = vector_model(version);
        let last = self.store.last_archived().await?;
        let made = self.store.vector_range(model).await?;
        // Newest first: what was archived since, then what is older than all that was read.
        let missing = match made {
            None => (last - i64::from(BATCH) + 1, last),
            Some((_, highest)) if highest < last => {
                (highest + 1, last.min(highest + i64::from(BATCH)))
            }
            Some((lowest, _)) => (lowest - i64::from(BATCH), lowest - 1),
        };
        let missing = (missing.0.max(1), missing.1);
        let more = missing.0 <= missing.1;
        if more {
            self.embed_entries(model, missing).await?;
        }
        let copied = self.copy_vectors(version, model).await?;
        if !more && !copied && made.is_some() {
            return Ok(0 < self.store.forget_vectors(model, BATCH).await?);
        }
        Ok(more || copied)
    }

    /// Lets the live model read entries. One that is gone leaves an empty vector, so that numbers
    /// have no gap.
    async fn embed_entries(
        self: &Arc<Self>,
        model: i64,
        (first, last): (i64, i64),
    ) -> Result<(), DeskError> {
        let numbers: Vec<i64> = (first..=last).collect();
        let found = self.store.find_archived(&numbers).await?;
        let desk = Arc::clone(self);
        let read = move || {
            let knowledge = desk.engine.knowledge();
            let vector = |number: i64| {
                let found = found.iter().find(|found| found.number == number);
                let vector = found.and_then(|Found { text, .. }| embed(&knowledge, text.as_str()));
                let vector = vector.map(|it| it.map(i8::cast_unsigned).to_vec());
                StoredVector { number, vector: vector.unwrap_or_default() }
            };
            let vectors = numbers.into_iter().map(vector).collect::<Vec<_>>();
            // A model that went live meanwhile must not write under the name of this one.
            (knowledge.model_version().map(vector_model) == Some(model)).then_some(vectors)
        };
        let vectors = tokio::task::spawn_blocking(read).await.ok().flatten();
        match vectors {
            Some(vectors) => Ok(self.store.insert_vectors(model, vectors).await?),
            None => Ok(()),
        }
    }

    /// Copies vectors that the file does not have yet, and says whether there were any.
    async fn copy_vectors(&self, version: &str, model: i64) -> Result<bool, DeskError> {
        // With every erasure the file is another one, so that no copy keeps what is gone.
        let file = model.wrapping_add(self.store.count_erased_entries().await?);
        let range = self.shelf.range(file).map_err(DeskError::Shelf)?;
        let copy = i64::from(COPY);
        let vectors = match range {
            None => self.store.list_vectors(model, (i64::MIN, i64::MAX), COPY).await?,
            Some((lowest, highest)) => {
                let newer = (highest + 1, i64::MAX);
                let newer = self.store.list_vectors(model, newer, COPY).await?;
                if newer.is_empty() {
                    let older = (lowest - copy, lowest - 1);
                    self.store.list_vectors(model, older, COPY).await?
                } else {
                    newer
                }
            }
        };
        let is_shown = self.shelf.load().is_some_and(|(shown, _)| shown == version);
        if !vectors.is_empty() || !is_shown {
            self.shelf.add(version, file, &vectors).map_err(DeskError::Shelf)?;
        }
        Ok(!vectors.is_empty())
    }
}
