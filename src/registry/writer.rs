//! Writes bundles: all files or none, the same bytes for the same model.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::registry::bundle::{check_name, folder_name};
use crate::registry::durable::write_file;
use crate::registry::{Bundle, Digest, Error, FileEntry, MANIFEST_FILE, Manifest};

/// Collects the files of a bundle in a temporary folder beside the final one.
#[derive(Debug)]
pub struct BundleWriter {
    dir: PathBuf,
    draft: TempDir,
    files: Vec<FileEntry>,
}

impl BundleWriter {
    /// Starts a bundle that will be the folder `dir`, which must not exist yet.
    pub fn create(dir: &Path) -> Result<Self, Error> {
        check_name(&folder_name(dir))?;
        if dir.exists() {
            return Err(Error::Exists { path: dir.to_owned() });
        }
        let parent = match dir.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let failed = |source| Error::Io { path: parent.to_owned(), source };
        fs::create_dir_all(parent).map_err(failed)?;
        let draft =
            tempfile::Builder::new().prefix(".draft-").tempdir_in(parent).map_err(failed)?;
        Ok(Self { dir: dir.to_owned(), draft, files: Vec::new() })
    }

    /// Adds a file.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        check_name(name)?;
        self.write(name, bytes)?;
        let entry = FileEntry {
            name: name.to_owned(),
            bytes: bytes.len() as u64,
            sha256: Digest::of(bytes),
        };
        self.files.push(entry);
        Ok(())
    }

    /// Writes the manifest, with the files that were added and the folder's name, and moves the
    /// folder into place.
    pub fn finish(mut self, mut manifest: Manifest) -> Result<Bundle, Error> {
        self.files.sort_by(|a, b| a.name.cmp(&b.name));
        manifest.name = folder_name(&self.dir);
        manifest.files = std::mem::take(&mut self.files);
        manifest.check()?;
        let text = toml::to_string(&manifest).expect("a manifest has nothing that TOML lacks");
        self.write(MANIFEST_FILE, text.as_bytes())?;
        // The draft has a private mode; a bundle is read by the service's own user.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(self.draft.path(), mode)
                .map_err(|source| Error::Io { path: self.dir.clone(), source })?;
        }
        let draft = self.draft.keep();
        fs::rename(&draft, &self.dir).map_err(|source| {
            // The draft is already given up as a temporary folder; a failure to clean up is
            // less telling than the failure to rename.
            let _ = fs::remove_dir_all(&draft);
            Error::Io { path: self.dir.clone(), source }
        })?;
        Bundle::open(&self.dir)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.draft.path().join(name);
        write_file(&path, bytes)
    }
}
