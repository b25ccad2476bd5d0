//! Writes that survive a loss of power: a file is whole on disk before anything refers to it, and
//! a replaced file is the old one or the new one, never something between.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use crate::registry::Error;

/// Writes a new file and waits until the disk has it.
pub(super) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let write = || {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|source| Error::Io { path: path.to_owned(), source })
}

/// Puts a file in the place of another at once.
pub(super) fn replace_file(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), Error> {
    let path = folder.join(name);
    let replace = || {
        let mut draft = tempfile::Builder::new();
        draft.prefix(DRAFT_PREFIX);
        // Temporary files are private; this one is read by the service's own user.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            draft.permissions(fs::Permissions::from_mode(0o644));
        }
        let mut draft = draft.tempfile_in(folder)?;
        draft.write_all(bytes)?;
        draft.as_file().sync_all()?;
        draft.persist(&path).map_err(|error| error.error)?;
        sync_folder(folder)
    };
    replace().map_err(|source| Error::Io { path: path.clone(), source })
}

/// Waits until the disk has what a folder's files are called.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// What half-written files and folders of a registry begin with, so that no bundle is called so.
pub(super) const DRAFT_PREFIX: &str = ".install-";

/// Removes what a killed process has left half-written. The caller holds the lock under which
/// such drafts are made.
pub(super) fn remove_drafts(folder: &Path) -> Result<(), Error> {
    let failed = |source| Error::Io { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if !entry.file_name().to_string_lossy().starts_with(DRAFT_PREFIX) {
            continue;
        }
        let path = entry.path();
        let removed =
            if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.map_err(|source| Error::Io { path, source })?;
    }
    Ok(())
}
