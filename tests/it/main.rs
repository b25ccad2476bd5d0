//! Black-box tests: the real service on a free port with a database of its own, the real binary,
//! and the house rules that no compiler checks. The folders mirror the URLs.
#![expect(clippy::unwrap_used, reason = "a failing test is the report")]

mod blend;
mod browser;
mod cli;
mod console;
mod data;
mod hot_swap;
mod kill;
mod probes;
mod receiver;
mod replicas;
mod server;
mod tidy;
mod v1;
