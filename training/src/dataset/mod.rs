//! Labelled texts: read from JSONL and CSV, checked against a taxonomy, split into folds.

mod columns;
mod folds;
mod labels;
mod table;

use std::path::PathBuf;

pub use columns::{Columns, HeadColumn};
pub use folds::Folds;
pub use labels::{Dataset, infer_taxonomy};
pub use table::{Cell, Table};

/// Why data cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read `{path}`")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The file is neither JSONL nor CSV.
    #[error("`{path}` is neither `.jsonl` nor `.csv`")]
    Kind {
        /// The file.
        path: PathBuf,
    },
    /// A line does not parse.
    #[error("`{path}`, line {line}: {why}")]
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from one.
        line: usize,
        /// What is wrong; never quotes the text.
        why: String,
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
    /// Labels that the taxonomy lacks, heads with nothing to learn and the like, all of them.
    #[error("the data has mistakes:\n  {}", .0.join("\n  "))]
    Mistakes(Vec<String>),
}
