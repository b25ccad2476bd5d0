//! Model bundles on disk: write them, find them, prove that they are whole, say which one is live.
//! A bundle never changes once written. This module never runs a model.

mod bundle;
mod catalog;
mod digest;
mod error;
mod manifest;
mod writer;

pub use bundle::Bundle;
pub use catalog::{LIVE_FILE, Live, Problem, Registry, Report, Summary};
pub use digest::Digest;
pub use error::Error;
pub use manifest::{
    Calibration, DataSource, FORMAT, FeatureSource, FileEntry, HeadDecision, Kind, Lineage,
    MANIFEST_FILE, Manifest,
};
pub use writer::BundleWriter;

#[cfg(test)]
mod tests;
