//! Why a folder is no encoder.

use std::{io, path::PathBuf};

/// Why a folder is no encoder.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that every such folder has is not there.
    #[error("`{folder}` has no {files}: {hint}")]
    Missing {
        /// The folder.
        folder: PathBuf,
        /// The file, or the files of which one is needed.
        files: &'static str,
        /// What to do.
        hint: &'static str,
    },
    /// A file cannot be read.
    #[error("cannot read `{path}`")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A file is not what its name says.
    #[error("`{path}` {why}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The description or the weights of the model have mistakes, all of them.
    #[error("`{path}` {}", .mistakes.join("; "))]
    Mistakes {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        mistakes: Vec<String>,
    },
    /// Text that cannot be cut into tokens.
    #[error("the tokenizer failed: {0}")]
    Tokenizer(String),
    /// A tensor operation that fails.
    #[error("the encoder failed")]
    Tensor(#[from] candle_core::Error),
}
