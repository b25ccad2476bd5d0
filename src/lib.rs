//! Fenzhen 分诊 reads a Chinese complaint and answers what it is about, how severe, in what mood,
//! which risks it states, who should handle it, by when, and why.
//!
//! `ARCHITECTURE.md` is the map: the modules stand here in layer order, and each imports only
//! what stands above it.

pub mod domain;
pub mod text;
pub mod rules;
pub mod calendar;
pub mod routing;
pub mod store;
