//! Fenzhen 分诊 reads a Chinese complaint and answers what it is about, how severe, in what mood,
//! which risks it states, who should handle it, by when, and why.
//!
//! `ARCHITECTURE.md` is the map: it lists the modules in layers, and each imports only what
//! stands above it there.

pub mod app;
pub mod calendar;
pub mod cases;
pub mod commands;
pub mod config;
pub mod domain;
pub mod evidence;
pub mod http;
pub mod identity;
pub mod inference;
pub mod messages;
pub mod neighbors;
pub mod outbound;
pub mod registry;
pub mod routing;
pub mod rules;
pub mod store;
pub mod telemetry;
pub mod text;
pub mod triage;
pub mod watch;
