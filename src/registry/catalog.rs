//! The folder of all bundles, and the small file that names the live one.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::registry::bundle::{check_name, folder_name};
use crate::registry::{Bundle, Digest, Error, Kind, MANIFEST_FILE};

/// The file that names the live bundle.
pub const LIVE_FILE: &str = "live.toml";

/// The folder of all bundles.
#[derive(Clone, Debug)]
pub struct Registry {
    dir: PathBuf,
}

/// Which bundle is live, as the live file says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Live {
    /// The bundle's name.
    pub name: String,
    /// The digest it had when it was made live.
    pub digest: Digest,
}

impl Live {
    /// The entry that makes this bundle live.
    pub fn of(bundle: &Bundle) -> Self {
        Self { name: bundle.name().to_owned(), digest: bundle.digest() }
    }

    /// What answers name as their model: the name, `@` and 12 digits of the digest.
    pub fn version(&self) -> String {
        format!("{}@{}", self.name, self.digest.short())
    }
}

/// A line of `models list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The bundle's name.
    pub name: String,
    /// What answers name as their model.
    pub version: String,
    /// What kind of model it holds.
    pub kind: Kind,
    /// When it was made.
    pub created_at: Timestamp,
    /// How many bytes its files have.
    pub bytes: u64,
    /// Whether it is live.
    pub live: bool,
}

/// What a verification found.
#[derive(Debug)]
pub struct Report {
    /// The bundle's name.
    pub name: String,
    /// What answers name as their model, when the manifest can be read.
    pub version: Option<String>,
    /// Everything that is wrong; nothing for a whole bundle.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong with a bundle.
#[derive(Debug)]
pub enum Problem {
    /// The bundle cannot be trusted.
    Broken(Error),
    /// A file that the manifest does not list lies in the folder. It is never read.
    Stray(String),
}

impl Report {
    /// Whether nothing is wrong.
    pub const fn is_whole(&self) -> bool {
        self.problems.is_empty()
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Broken(error) => write!(f, "{error}"),
            Self::Stray(file) => write!(f, "file `{file}` is not listed in `{MANIFEST_FILE}`"),
        }
    }
}

impl Registry {
    /// The registry in this folder, which must exist.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        match fs::metadata(dir) {
            Ok(found) if found.is_dir() => Ok(Self { dir: dir.to_owned() }),
            Ok(_) => {
                Err(Error::Io { path: dir.to_owned(), source: io::ErrorKind::NotADirectory.into() })
            }
            Err(source) => Err(Error::Io { path: dir.to_owned(), source }),
        }
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where a bundle of this name lies or would lie.
    pub fn path(&self, name: &str) -> Result<PathBuf, Error> {
        check_name(name)?;
        Ok(self.dir.join(name))
    }

    /// Which bundle is live; none was ever promoted in a new registry.
    pub fn find_live(&self) -> Result<Option<Live>, Error> {
        let path = self.dir.join(LIVE_FILE);
        match fs::read_to_string(&path) {
            Ok(text) => match toml::from_str(&text) {
                Ok(live) => Ok(Some(live)),
                Err(source) => Err(Error::Parse { path, source: Box::new(source) }),
            },
            Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::Io { path, source }),
        }
    }

    /// The live bundle, verified, and proven to be the one that was made live.
    pub fn live(&self) -> Result<Bundle, Error> {
        let Some(live) = self.find_live()? else {
            return Err(Error::NoLive { path: self.dir.join(LIVE_FILE) });
        };
        let bundle = Bundle::open(&self.path(&live.name)?)?;
        if bundle.digest() != live.digest {
            return Err(Error::LiveDigest {
                name: live.name,
                expected: live.digest,
                found: bundle.digest(),
            });
        }
        Ok(bundle)
    }

    /// The bundles whose manifests can be read, by name; see [`Registry::verify`] for the others.
    pub fn list(&self) -> Result<Vec<Summary>, Error> {
        let live = self.find_live()?;
        let mut summaries = Vec::new();
        for dir in self.bundle_dirs()? {
            let Ok(bundle) = Bundle::open_unverified(&dir) else { continue };
            let manifest = bundle.manifest();
            summaries.push(Summary {
                name: bundle.name().to_owned(),
                version: bundle.version(),
                kind: manifest.kind,
                created_at: manifest.created_at,
                bytes: manifest.files.iter().map(|entry| entry.bytes).sum(),
                live: live.as_ref().is_some_and(|live| live.name == bundle.name()),
            });
        }
        Ok(summaries)
    }

    /// The names of all folders that look like bundles, readable or not.
    pub fn names(&self) -> Result<Vec<String>, Error> {
        Ok(self.bundle_dirs()?.iter().map(|dir| folder_name(dir)).collect())
    }

    /// Reads every byte of a bundle and names everything that is wrong with it.
    pub fn verify(&self, name: &str) -> Result<Report, Error> {
        let dir = self.path(name)?;
        let mut report = Report { name: name.to_owned(), version: None, problems: Vec::new() };
        let bundle = match Bundle::open_unverified(&dir) {
            Ok(bundle) => bundle,
            Err(error) => {
                report.problems.push(Problem::Broken(error));
                return Ok(report);
            }
        };
        report.version = Some(bundle.version());
        let files = &bundle.manifest().files;
        let broken = files.iter().filter_map(|entry| bundle.read_entry(entry).err());
        report.problems.extend(broken.map(Problem::Broken));
        for file in sorted_entries(&dir)?.iter().map(|path| folder_name(path)) {
            if file != MANIFEST_FILE && files.iter().all(|entry| entry.name != file) {
                report.problems.push(Problem::Stray(file));
            }
        }
        if let Some(live) = self.find_live()?
            && live.name == name
            && live.digest != bundle.digest()
        {
            report.problems.push(Problem::Broken(Error::LiveDigest {
                name: live.name,
                expected: live.digest,
                found: bundle.digest(),
            }));
        }
        Ok(report)
    }

    fn bundle_dirs(&self) -> Result<Vec<PathBuf>, Error> {
        let mut dirs = sorted_entries(&self.dir)?;
        dirs.retain(|path| path.is_dir() && check_name(&folder_name(path)).is_ok());
        Ok(dirs)
    }
}

fn sorted_entries(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |source| Error::Io { path: dir.to_owned(), source };
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        paths.push(entry.map_err(failed)?.path());
    }
    paths.sort();
    Ok(paths)
}
