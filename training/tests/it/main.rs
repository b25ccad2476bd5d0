//! The lab as its users meet it: the real binary on real files.

#![expect(clippy::unwrap_used, reason = "a failing test is the report")]

mod datasets;
mod encoders;
mod judging;
mod lab;
mod parquet_tables;
mod tables;
