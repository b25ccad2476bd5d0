//! Black-box tests: the real service on a free port with a database of its own, the real binary,
//! and the house rules that no compiler checks. The folders mirror the URLs.

mod cli;
mod data;
mod probes;
mod server;
mod tidy;
mod v1;
