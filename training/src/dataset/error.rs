//! Why data cannot be used, and what to do about it. No message ever quotes a text.

use std::path::{Path, PathBuf};

/// How many mistakes are listed before the rest is only counted.
const MAX_MISTAKES: usize = 20;

/// Why data cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read or written.
    #[error("cannot {deed} `{path}`")]
    Io {
        /// What was tried.
        deed: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The file holds no table that we read.
    #[error("`{path}` {why}")]
    Kind {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        why: String,
        /// What to do.
        hint: String,
    },
    /// The file is text in an encoding that we do not read.
    #[error("`{path}` seems to be {encoding}, which is not read: only UTF-8 and GB18030 are")]
    Encoding {
        /// The file.
        path: PathBuf,
        /// Our best guess.
        encoding: &'static str,
    },
    /// Bytes that the file's encoding does not allow.
    #[error("`{path}`, line {line}: bytes that are no {encoding}, as the rest of the file is")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Counted from one.
        line: usize,
        /// The encoding of the rest.
        encoding: &'static str,
    },
    /// A column that is asked for is nowhere in the file.
    #[error("`{path}` has no column `{column}`; it has {found}")]
    Column {
        /// The file.
        path: PathBuf,
        /// The column asked for.
        column: String,
        /// The columns that it has.
        found: String,
    },
    /// A `--head` argument does not parse.
    #[error("`{argument}` does not describe a head: {why}")]
    HeadArgument {
        /// The argument.
        argument: String,
        /// What is wrong with it.
        why: String,
    },
    /// More data than the machine has memory for.
    #[error("`{path}` is too large to {deed}: {reason}")]
    Memory {
        /// The file that is being read.
        path: PathBuf,
        /// What was about to be done.
        deed: &'static str,
        /// What is needed and what is there.
        reason: String,
    },
    /// Lines that cannot be used, heads with nothing to learn and the like, all of them.
    #[error("the data has mistakes:{}", .0.list())]
    Mistakes(Mistakes),
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Io { path, source, .. } => match source.kind() {
                std::io::ErrorKind::NotFound => Some("check the path".to_owned()),
                std::io::ErrorKind::PermissionDenied => Some(format!(
                    "ask for the right to use it, as in `chmod u+r {}`",
                    path.display()
                )),
                _ => None,
            },
            Self::Kind { hint, .. } => Some(hint.clone()),
            Self::Encoding { path, encoding } => Some(format!(
                "convert it: `iconv -f {encoding} -t UTF-8 {0} > utf8-{1}`",
                path.display(),
                path.file_name().unwrap_or_default().to_string_lossy()
            )),
            Self::Malformed { encoding, .. } => Some(format!(
                "the file is damaged or mixes encodings: export it again, or repair that line ({encoding})"
            )),
            Self::Column { .. } => Some(
                "name the columns as the file does: `--text-column NAME`, `--head NAME=COLUMN`"
                    .to_owned(),
            ),
            Self::HeadArgument { .. } => Some(
                "write it as in `--head label=label` or `--head severity=level:ordinal:low,high`"
                    .to_owned(),
            ),
            Self::Memory { .. } => Some(
                "take a random part of it with `--sample N`, or use a machine with more memory"
                    .to_owned(),
            ),
            Self::Mistakes(mistakes) => Some(mistakes.hint.clone()),
        }
    }
}

/// Mistakes in the data: the first are listed, the others counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mistakes {
    listed: Vec<String>,
    n_more: usize,
    hint: String,
}

impl Mistakes {
    /// Notes a mistake and what to do about it; the first hint is told.
    pub fn add(&mut self, mistake: String, hint: &str) {
        if self.hint.is_empty() {
            hint.clone_into(&mut self.hint);
        }
        if self.listed.len() < MAX_MISTAKES {
            self.listed.push(mistake);
        } else {
            self.n_more += 1;
        }
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.listed.len() + self.n_more
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// Fails when there are any.
    pub fn check(self) -> Result<(), Error> {
        if self.is_empty() { Ok(()) } else { Err(Error::Mistakes(self)) }
    }

    /// The mistakes that are listed.
    pub fn listed(&self) -> &[String] {
        &self.listed
    }

    fn list(&self) -> String {
        let mut lines = self.listed.clone();
        if 0 < self.n_more {
            lines.push(format!("… and {} more", self.n_more));
        }
        lines.iter().flat_map(|line| ["\n  ", line]).collect()
    }
}

/// An error of the operating system at reading.
pub(super) fn unreadable(path: &Path) -> impl Fn(std::io::Error) -> Error {
    |source| Error::Io { deed: "read", path: path.to_owned(), source }
}

/// An error of the operating system at writing.
pub fn unwritable(path: &Path) -> impl Fn(std::io::Error) -> Error {
    |source| Error::Io { deed: "write", path: path.to_owned(), source }
}

/// Names in backticks, the first few of them.
pub(super) fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const MAX_NAMES: usize = 30;
    let mut listed: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    if listed.is_empty() {
        return "none".to_owned();
    }
    let n_more = listed.len().saturating_sub(MAX_NAMES);
    listed.truncate(MAX_NAMES);
    if 0 < n_more {
        listed.push(format!("{n_more} more"));
    }
    listed.join(", ")
}
