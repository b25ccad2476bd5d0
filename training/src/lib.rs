//! The data scientists' tool as a library: labelled texts in, bundles and figures out. The
//! service never depends on it.

pub mod calibrate;
pub mod card;
pub mod commands;
pub mod crossval;
pub mod dataset;
pub mod desk;
pub mod drift;
pub mod encoder;
pub mod evaluation;
pub mod gate;
pub mod metrics;
pub mod progress;
pub mod recipe;
pub mod report;
pub mod retrain;
pub mod solver;
pub mod sparse;
pub mod trainer;
