//! The file: a header that names the model, then records of one length in the order in which they
//! came. A torn or foreign file is cut back to what can be trusted; what is missing is read from
//! the database again.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
    sync::Arc,
};

use rustc_hash::FxHasher;

use crate::inference::{MappedFile, signed};
use crate::neighbors::{N_DIMENSIONS, Neighbors, Quantized, inverse_length};

/// A record: number (8 bytes), scale (4), check (4), the vector.
pub(super) const RECORD_LEN: usize = VECTOR_AT + N_DIMENSIONS;
const SCALE_AT: usize = 8;
const CHECK_AT: usize = 12;
const VECTOR_AT: usize = 16;

/// The header is as long as a record: magic, then the model (8 bytes), then nothing.
pub(super) const HEADER_LEN: usize = RECORD_LEN;
const MAGIC: &[u8; 24] = b"fenzhen vectors 384 i8 1";

/// Records that are written or checked at once.
const BATCH: usize = 4096;

/// A record as it lies in the file.
pub(super) struct Record<'f>(pub(super) &'f [u8]);

impl<'f> Record<'f> {
    pub(super) fn number(&self) -> i64 {
        i64::from_le_bytes(self.bytes(0))
    }

    pub(super) fn scale(&self) -> f32 {
        f32::from_le_bytes(self.bytes(SCALE_AT))
    }

    pub(super) fn vector(&self) -> &'f [i8] {
        signed(&self.0[VECTOR_AT..])
    }

    fn is_whole(&self) -> bool {
        self.bytes(CHECK_AT) == check(self.0)
    }

    fn bytes<const N: usize>(&self, at: usize) -> [u8; N] {
        self.0[at..at + N].try_into().expect("a record is longer")
    }
}

fn check(record: &[u8]) -> [u8; 4] {
    use std::hash::Hasher;
    let mut hasher = FxHasher::default();
    hasher.write(&record[..CHECK_AT]);
    hasher.write(&record[VECTOR_AT..]);
    // All zeros, as after a loss of power, must not check.
    (hasher.finish() as u32 | 1).to_le_bytes()
}

/// The file of one model, to which this process alone adds.
#[derive(Debug)]
pub struct VectorFile {
    file: File,
    n_vectors: usize,
    /// The lowest and the highest number that was added or passed over.
    range: Option<(i64, i64)>,
}

impl VectorFile {
    /// Opens the file of a model in a folder, which is made when it is missing, and removes those
    /// of other models. When another process holds the file, this one works with a copy of its own
    /// that ends with it.
    pub fn open(folder: &Path, model: i64) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let name = format!("vectors-{model:016x}.bin");
        let path = folder.join(&name);
        let file =
            File::options().read(true).write(true).create(true).truncate(false).open(&path)?;
        let file = match file.try_lock() {
            Ok(()) => file,
            Err(TryLockError::WouldBlock) => tempfile::tempfile_in(folder)?,
            Err(TryLockError::Error(error)) => return Err(error),
        };
        for entry in fs::read_dir(folder)?.flatten() {
            let other = entry.file_name();
            let other = other.to_string_lossy();
            if other.starts_with("vectors-") && other != name.as_str() {
                // Whoever has it open keeps it.
                drop(fs::remove_file(entry.path()));
            }
        }
        let mut vectors = Self { file, n_vectors: 0, range: None };
        vectors.read_back(model)?;
        Ok(vectors)
    }

    /// Finds out how much of the file can be trusted, and cuts off the rest.
    fn read_back(&mut self, model: i64) -> io::Result<()> {
        let mut header = [0; HEADER_LEN];
        header[..MAGIC.len()].copy_from_slice(MAGIC);
        header[MAGIC.len()..MAGIC.len() + 8].copy_from_slice(&model.to_le_bytes());
        let mut found = [0; HEADER_LEN];
        self.file.seek(SeekFrom::Start(0))?;
        if self.file.read_exact(&mut found).is_err() || found != header {
            self.file.set_len(0)?;
            self.file.seek(SeekFrom::Start(0))?;
            return self.file.write_all(&header);
        }
        let mut batch = vec![0; BATCH * RECORD_LEN];
        loop {
            let n_read = read_fully(&mut self.file, &mut batch)?;
            for record in batch[..n_read].chunks_exact(RECORD_LEN).map(Record) {
                if !record.is_whole() {
                    return self.cut();
                }
                self.n_vectors += 1;
                self.pass(record.number());
            }
            if n_read < batch.len() {
                return self.cut();
            }
        }
    }

    fn cut(&self) -> io::Result<()> {
        self.file.set_len((HEADER_LEN + self.n_vectors * RECORD_LEN) as u64)
    }

    /// Takes note that a number has been seen, whether it has a vector or not.
    pub fn pass(&mut self, number: i64) {
        let (lowest, highest) = self.range.unwrap_or((number, number));
        self.range = Some((lowest.min(number), highest.max(number)));
    }

    /// The lowest and the highest number so far.
    pub const fn range(&self) -> Option<(i64, i64)> {
        self.range
    }

    /// Adds vectors at the end.
    pub fn append(&mut self, vectors: &[(i64, Quantized)]) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(vectors.len() * RECORD_LEN);
        for (number, vector) in vectors {
            let start = bytes.len();
            bytes.extend(number.to_le_bytes());
            bytes.extend(inverse_length(vector).to_le_bytes());
            bytes.extend([0; 4]);
            bytes.extend(vector.iter().map(|value| value.cast_unsigned()));
            let check = check(&bytes[start..]);
            bytes[start + CHECK_AT..start + VECTOR_AT].copy_from_slice(&check);
        }
        let end = HEADER_LEN + self.n_vectors * RECORD_LEN;
        self.file.seek(SeekFrom::Start(end as u64))?;
        self.file.write_all(&bytes)?;
        self.n_vectors += vectors.len();
        for (number, _) in vectors {
            self.pass(*number);
        }
        Ok(())
    }

    /// What is there now, to look for neighbors in. It does not see what is added later.
    pub fn neighbors(&self) -> io::Result<Neighbors> {
        let len = HEADER_LEN + self.n_vectors * RECORD_LEN;
        let mapped = Arc::new(MappedFile::new(&self.file, len)?);
        Ok(Neighbors { mapped, n_vectors: self.n_vectors })
    }
}

/// Reads until the buffer is full or the file ends.
fn read_fully(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut n_read = 0;
    while n_read < buffer.len() {
        match file.read(&mut buffer[n_read..])? {
            0 => break,
            n => n_read += n,
        }
    }
    Ok(n_read)
}
