//! Labelled texts: read from tables of several kinds, checked against a taxonomy, compared with
//! each other, split, frozen and doubted.

mod agreement;
mod annotations;
mod budget;
mod columns;
mod confident;
mod discovery;
mod error;
mod findings;
mod folds;
mod frames;
mod gold;
mod labels;
pub mod similar;
mod snapshot;
pub mod source;
mod split;
mod statistics;
mod table;
mod time;

pub use agreement::{Agreement, LabelAgreement, agreement};
pub use annotations::read_cells;
pub use budget::Budget;
pub use columns::{Columns, HeadColumn};
pub use confident::{Doubt, doubts};
pub use discovery::find_label_columns;
pub use error::{Error, Mistakes, unwritable};
pub use findings::{CheckSettings, Checked, Conflict, Findings, Match};
pub use folds::{Folds, deal};
pub use frames::{Frame, Frames};
pub use gold::Gold;
pub use labels::{Dataset, HeadLabels, infer_taxonomy};
pub use snapshot::{SNAPSHOT_FILE, SNAPSHOT_MANIFEST, SnapshotManifest, write_snapshot};
pub use split::{Order, Split, SplitManifest, SplitPart, SplitSettings};
pub use statistics::{Balance, Lengths, Statistics, balance};
pub use table::{Cell, ID_COLUMN, Limits, Place, Row, Table, cell};
