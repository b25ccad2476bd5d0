//! What can be wrong with a bundle or a registry.

use std::{io, path::PathBuf};

use crate::registry::{Digest, FORMAT};

/// Why a bundle cannot be read, trusted or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error("cannot access `{path}`")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The manifest or the live file does not parse.
    #[error("`{path}` is not readable")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// The bundle was written by a later version.
    #[error(
        "bundle `{name}` has format {found} and this program reads format {FORMAT}: update the program"
    )]
    Format {
        /// The bundle.
        name: String,
        /// The format it states.
        found: u32,
    },
    /// The folder and the manifest name the bundle differently.
    #[error("the folder `{folder}` holds the bundle `{name}`: a bundle keeps its name")]
    Name {
        /// The folder's name.
        folder: String,
        /// The name in the manifest.
        name: String,
    },
    /// The manifest and the taxonomy in it do not fit together.
    #[error("bundle `{name}` contradicts itself: {why}")]
    Contradiction {
        /// The bundle.
        name: String,
        /// What does not fit.
        why: String,
    },
    /// A listed file is not there.
    #[error("bundle `{name}` lacks its file `{file}`")]
    Missing {
        /// The bundle.
        name: String,
        /// The file.
        file: String,
    },
    /// A file has another length than the manifest says.
    #[error(
        "file `{file}` of bundle `{name}` has {found} bytes instead of {expected}: it is truncated or replaced"
    )]
    Length {
        /// The bundle.
        name: String,
        /// The file.
        file: String,
        /// The length in the manifest.
        expected: u64,
        /// The length on disk.
        found: u64,
    },
    /// A file has another content than the manifest says.
    #[error("file `{file}` of bundle `{name}` was altered: its digest does not match the manifest")]
    Altered {
        /// The bundle.
        name: String,
        /// The file.
        file: String,
    },
    /// A file is asked for that the manifest does not list.
    #[error("bundle `{name}` lists no file `{file}`")]
    Unlisted {
        /// The bundle.
        name: String,
        /// The file.
        file: String,
    },
    /// The live bundle is not the one that was made live.
    #[error(
        "bundle `{name}` has digest {found} but {expected} was made live: promote it again if that is meant"
    )]
    LiveDigest {
        /// The bundle.
        name: String,
        /// The digest in the live file.
        expected: Digest,
        /// The digest on disk.
        found: Digest,
    },
    /// No bundle was made live.
    #[error("no model is live: `{path}` does not exist")]
    NoLive {
        /// Where the name of the live bundle is expected.
        path: PathBuf,
    },
    /// The bundle is not the one that was judged.
    #[error(
        "bundle `{name}` has digest {found} and {expected} was judged: judge it again, or bring the other one back"
    )]
    Replaced {
        /// The bundle.
        name: String,
        /// The digest that was judged or was live before.
        expected: Digest,
        /// The digest on disk.
        found: Digest,
    },
    /// Something else has gone live in between.
    #[error("`{found}` is live and not `{expected}`, which this was compared with: run it again")]
    Overtaken {
        /// What was live at the beginning.
        expected: String,
        /// What is live now.
        found: String,
    },
    /// A line of the history does not parse.
    #[error("`{path}`, line {line}, is not readable: restore the file from its copy")]
    History {
        /// The file.
        path: PathBuf,
        /// Counted from one.
        line: usize,
        /// Where and why.
        source: serde_json::Error,
    },
    /// Nothing was live before the live bundle.
    #[error("there is nothing to go back to: `{path}` names no bundle before the live one")]
    NothingBefore {
        /// The history.
        path: PathBuf,
    },
    /// A rollback goes only to what was live.
    #[error("`{version}` was never live: promote it, or see the history for what was")]
    NeverLive {
        /// The name or version asked for.
        version: String,
    },
    /// Another process is at it.
    #[error("`{path}` is held by {holder}: wait until that is done")]
    Locked {
        /// The lock's file.
        path: PathBuf,
        /// Who holds it, as far as it is known.
        holder: String,
    },
    /// A bundle is written only once.
    #[error("`{path}` exists already: bundles never change, choose another name")]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// A name that cannot be a folder of the registry or a file of a bundle.
    #[error(
        "`{name}` cannot name a bundle or one of its files: use letters, digits, `_`, `-` and `.`"
    )]
    IllegalName {
        /// The name.
        name: String,
    },
}
