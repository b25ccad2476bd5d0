//! What can be wrong with what this module is given.

use std::fmt;

/// Why an analyzer cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Lines of a user dictionary that are no entries, every one of them.
    #[error("the user dictionary has wrong lines: {}", join(.0))]
    Dictionary(Vec<LineError>),
}

/// A wrong line of a user dictionary.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: `{text}` {problem}")]
pub struct LineError {
    /// The line, from 1.
    pub line: usize,
    /// What it says.
    pub text: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

fn join(errors: &[impl fmt::Display]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
