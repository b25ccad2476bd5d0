//! What a long command is doing, on stderr.

use std::{
    io::{self, Write},
    time::Instant,
};

/// Tells what is going on and how long it has taken so far.
#[derive(Debug)]
pub struct Progress {
    started: Instant,
    silent: bool,
}

impl Progress {
    /// Starts the clock.
    #[expect(clippy::new_without_default, reason = "starting a clock is an act, not a default")]
    pub fn new() -> Self {
        Self { started: Instant::now(), silent: false }
    }

    /// Tells nothing.
    pub fn silent() -> Self {
        Self { started: Instant::now(), silent: true }
    }

    /// A new step begins.
    pub fn step(&self, what: &str) {
        self.write(what);
    }

    /// Something worth knowing about the present step.
    pub fn note(&self, what: &str) {
        self.write(&format!("  {what}"));
    }

    fn write(&self, line: &str) {
        if self.silent {
            return;
        }
        let elapsed = self.started.elapsed().as_secs_f32();
        // A closed stderr must not end a training.
        let _ = writeln!(io::stderr(), "{elapsed:7.1} s  {line}");
    }
}
