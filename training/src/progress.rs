//! What a long command is doing, on stderr.

use std::{
    io::{self, Write},
    time::Instant,
};

use indicatif::{ProgressBar, ProgressStyle};

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

    /// A bar for a step of this many parts; nothing where stderr is no terminal.
    pub fn bar(&self, n_parts: u64, what: &'static str) -> ProgressBar {
        const TEMPLATE: &str = "{elapsed_precise} {msg} {wide_bar} {pos}/{len} ({eta})";
        if self.silent {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template(TEMPLATE).expect("the template is a constant");
        ProgressBar::new(n_parts).with_style(style).with_message(what)
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
