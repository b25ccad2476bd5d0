//! Folding a text into one way of writing, with a way back to the original bytes.
//!
//! In order: NFKC and full-width folding, lower case, traditional → simplified, one form of each
//! punctuation mark; invisible characters and loose combining marks go; repetitions are cut to
//! what readers tell apart. Every normalized character owns a stretch of the original. Words are
//! not corrected and characters whose simplified form depends on the word are left alone.

mod fold;
mod offsets;
mod table;
#[cfg(test)]
mod tests;

use std::ops::Range;

use crate::domain::Span;
use fold::Folder;
use offsets::Offsets;
use table::{Entry, is_continuation, lookup};

pub(super) use table::is_han;

/// A folded text and the way back.
#[derive(Debug)]
pub struct Normalized {
    text: String,
    offsets: Offsets,
}

impl Normalized {
    /// Folds a text. Takes time proportional to its length.
    pub fn new(original: &str) -> Self {
        let mut folder = Folder::with_capacity(original.len());
        let mut rest = original.char_indices();
        let mut next = rest.next().map(|(at, c)| (at, c, lookup(c)));
        while let Some((at, c, entry)) = next {
            next = rest.next().map(|(at, c)| (at, c, lookup(c)));
            // Marks that follow a character may compose with it, so only a plain neighbor
            // lets it go alone; nearly all characters have one.
            match (entry, next) {
                (Entry::Drop, _) => {}
                (Entry::One(single), None | Some((_, _, Entry::One(_)))) => folder.emit(single, at),
                _ => {
                    let start = at;
                    let mut end = at + c.len_utf8();
                    while let Some((at, c, _)) = next
                        .filter(|&(_, c, entry)| matches!(entry, Entry::Drop) || is_continuation(c))
                    {
                        end = at + c.len_utf8();
                        next = rest.next().map(|(at, c)| (at, c, lookup(c)));
                    }
                    folder.emit_cluster(&original[start..end], start);
                }
            }
        }
        let (text, offsets) = folder.finish(original.len());
        Self { text, offsets }
    }

    /// The folded text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where in the original a byte range of the folded text stands: whole characters, with
    /// everything that was folded into them.
    pub fn span(&self, range: Range<usize>) -> Span {
        self.offsets.span(&self.text, range)
    }
}
