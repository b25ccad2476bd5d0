//! Model bundles on disk: write them, find them, prove that they are whole, say which one is live
//! and which ones were. A bundle never changes once written. This module never runs a model, and
//! it does not judge whether one deserves to go live.

mod bundle;
mod catalog;
mod changes;
mod digest;
mod durable;
mod error;
mod history;
mod lock;
mod manifest;
mod writer;

pub use bundle::Bundle;
pub use catalog::{LIVE_FILE, Live, Problem, Registry, Report, Summary};
pub use digest::Digest;
pub use error::Error;
pub use history::{Action, Change, CheckRecord, Entry, HISTORY_FILE, Verdict};
pub use lock::{Lock, Purpose};
pub use manifest::{
    Architecture, Blend, BlendEncoder, BlendWeights, Calibration, Cascade, DataSource, FORMAT,
    FeatureSource, FileEntry, HeadDecision, Kind, Learned, Lineage, MANIFEST_FILE, Manifest,
};
pub use writer::BundleWriter;

#[cfg(test)]
mod tests;
