//! Fills an empty database with believable cases, to measure what people page through at a
//! million of them: sentences of our own corpus recombined, invented products, shops and customers
//! of whom few have much to do with the firm and most little, two years of days and hours as
//! customers have them, archived cases with their resolutions, and the newest still open. Seeded:
//! the same figures make the same cases. It writes past the use cases, which would take hours.
//!
//! `cargo run --release --example million -- sqlite:///tmp/million.sqlite 1000000`

#![expect(clippy::cast_possible_wrap, reason = "every figure here is small")]
#![expect(clippy::too_many_lines, reason = "a row of many columns is written in their order")]
#![expect(clippy::print_stderr, reason = "it tells how far it is")]

#[path = "sink.rs"]
mod sink;
#[path = "story.rs"]
mod story;

use std::time::Instant;

use fenzhen::{
    store::{Store, StoreOptions},
    triage::{Engine, Knowledge, Sources},
};
use rayon::prelude::*;

use sink::Sink;
use story::{Rows, World};

/// Cases that are made and written at once.
const BATCH: u64 = 4_000;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let usage = "give a database and a number of cases";
    let address = arguments.next().expect(usage);
    let n_cases: u64 = arguments.next().and_then(|it| it.parse().ok()).expect(usage);
    let sources = Sources { models: "models".into(), ..Sources::default() };
    let engine = Engine::new(Knowledge::load(&sources).expect("the repository's knowledge loads"));
    let store = Store::connect(&address, StoreOptions::default()).await.expect("it opens");
    store.migrate().await.expect("it is empty");
    store.close().await;
    let world = World::new(&engine, n_cases);
    let mut sink = Sink::open(&address).await;
    let started = Instant::now();
    let mut first = 0;
    while first < n_cases {
        let last = n_cases.min(first + BATCH);
        let rows: Vec<Rows> =
            (first..last).into_par_iter().map(|number| world.case(number)).collect();
        sink.write(rows).await;
        first = last;
        if first % 100_000 < BATCH {
            eprintln!("{first} cases after {:.0} s", started.elapsed().as_secs_f64());
        }
    }
    sink.finish(world.n_archived()).await;
    let store = Store::connect(&address, StoreOptions::default()).await.expect("it opens");
    while 0 < store.roll_up(World::end(), 1_000).await.expect("days can be added up") {}
    store.close().await;
    eprintln!("done after {:.0} s", started.elapsed().as_secs_f64());
}
