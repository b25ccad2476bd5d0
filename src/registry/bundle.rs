//! A bundle that was proven whole.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::registry::{Digest, Error, FORMAT, FileEntry, Live, MANIFEST_FILE, Manifest};

/// A model on disk, whose files match its manifest.
#[derive(Clone, Debug)]
pub struct Bundle {
    dir: PathBuf,
    manifest: Manifest,
    digest: Digest,
}

impl Bundle {
    /// Opens the bundle in this folder and verifies every file of it.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let bundle = Self::open_unverified(dir)?;
        for entry in &bundle.manifest.files {
            bundle.read_entry(entry)?;
        }
        Ok(bundle)
    }

    /// Opens the bundle in this folder by its manifest alone; [`Bundle::read`] still verifies.
    pub fn open_unverified(dir: &Path) -> Result<Self, Error> {
        let path = dir.join(MANIFEST_FILE);
        let text = fs::read_to_string(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound if dir.is_dir() => {
                Error::Missing { name: folder_name(dir), file: MANIFEST_FILE.to_owned() }
            }
            _ => Error::Io { path: path.clone(), source },
        })?;
        let manifest = parse(&path, &text)?;
        if manifest.name != folder_name(dir) {
            return Err(Error::Name { folder: folder_name(dir), name: manifest.name });
        }
        manifest.check()?;
        let digest = content_digest(&text);
        Ok(Self { dir: dir.to_owned(), manifest, digest })
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// The bundle's name.
    pub fn name(&self) -> &str {
        &self.manifest.name
    }

    /// Everything about the model but its weights.
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The digest of the manifest without its time stamp, and through it of every file.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// What answers name as their model: the name, `@` and 12 digits of the digest.
    pub fn version(&self) -> String {
        Live::of(self).version()
    }

    /// The bytes of a listed file, verified.
    pub fn read(&self, file: &str) -> Result<Vec<u8>, Error> {
        match self.manifest.files.iter().find(|entry| entry.name == file) {
            Some(entry) => self.read_entry(entry),
            None => Err(Error::Unlisted { name: self.name().to_owned(), file: file.to_owned() }),
        }
    }

    pub(super) fn read_entry(&self, entry: &FileEntry) -> Result<Vec<u8>, Error> {
        check_name(&entry.name)?;
        let (name, file) = (self.name().to_owned(), entry.name.clone());
        let path = self.dir.join(&file);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(source) if source.kind() == io::ErrorKind::NotFound => {
                return Err(Error::Missing { name, file });
            }
            Err(source) => return Err(Error::Io { path, source }),
        };
        let found = bytes.len() as u64;
        if found != entry.bytes {
            return Err(Error::Length { name, file, expected: entry.bytes, found });
        }
        if Digest::of(&bytes) != entry.sha256 {
            return Err(Error::Altered { name, file });
        }
        Ok(bytes)
    }
}

/// Only plain names: a manifest cannot reach outside its folder.
pub(super) fn check_name(name: &str) -> Result<(), Error> {
    let legal = |c: char| c.is_alphanumeric() || "_-.".contains(c);
    if name.is_empty() || name.starts_with('.') || !name.chars().all(legal) {
        return Err(Error::IllegalName { name: name.to_owned() });
    }
    Ok(())
}

/// The last component of a path, which is a bundle's name.
pub(super) fn folder_name(dir: &Path) -> String {
    dir.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The digest of a manifest's text without the line that says when it was made. Made from the
/// text and not from the parsed manifest, so that later versions of this program agree on it.
pub(super) fn content_digest(manifest: &str) -> Digest {
    let timeless = manifest.split_inclusive('\n').filter(|line| !line.starts_with("created_at "));
    Digest::of_all(timeless.map(str::as_bytes))
}

/// The format is read on its own first: what a later format adds must not look like a mistake.
fn parse(path: &Path, text: &str) -> Result<Manifest, Error> {
    #[derive(Deserialize)]
    struct Header {
        format: u32,
        name: String,
    }
    let unreadable = |source| Error::Parse { path: path.to_owned(), source: Box::new(source) };
    let header: Header = toml::from_str(text).map_err(unreadable)?;
    if header.format != FORMAT {
        return Err(Error::Format { name: header.name, found: header.format });
    }
    toml::from_str(text).map_err(unreadable)
}
