//! Locks on a registry's folder, held by one process at a time and given back by the operating
//! system however that process ends.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::Path,
};

use crate::registry::Error;

/// What a lock keeps others from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Changing what is live: held for a moment.
    Change,
    /// Training the next model: held for as long as that takes. What is live can still be rolled
    /// back meanwhile.
    Retrain,
}

impl Purpose {
    const fn file_name(self) -> &'static str {
        match self {
            Self::Change => ".change.lock",
            Self::Retrain => ".retrain.lock",
        }
    }
}

/// A lock, given back when it is dropped or its process ends. Its file stays: removing it would
/// let a third process lock another file of the same name.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    pub(super) fn acquire(folder: &Path, purpose: Purpose, holder: &str) -> Result<Self, Error> {
        let path = folder.join(purpose.file_name());
        let failed = |source| Error::Io { path: path.clone(), source };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(source)) => return Err(failed(source)),
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Who holds it is told as far as it can be read; that it is held is certain.
                let _ = file.read_to_string(&mut holder);
                let holder = match holder.trim() {
                    "" => "another process".to_owned(),
                    holder => holder.to_owned(),
                };
                return Err(Error::Locked { path, holder });
            }
        }
        let describe = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(holder.as_bytes())
        };
        describe(&mut file).map_err(failed)?;
        Ok(Self { _file: file })
    }
}
