//! The way back from a folded text: where the original offset stops running in step with the
//! folded one. Most characters keep their length, so a sentence needs a handful of entries.

use std::ops::Range;

use crate::domain::Span;

/// From this folded byte on, offsets run in step until the next entry.
#[derive(Clone, Copy, Debug)]
struct Step {
    folded: usize,
    original: usize,
}

/// Maps folded bytes to original ones.
#[derive(Debug, Default)]
pub(super) struct Offsets {
    steps: Vec<Step>,
}

impl Offsets {
    /// Notes that the character at `folded` comes from the original byte `original` on. Offsets
    /// only grow.
    pub(super) fn note(&mut self, folded: usize, original: usize) {
        match self.steps.last() {
            Some(last) if original - last.original == folded - last.folded => {}
            _ => self.steps.push(Step { folded, original }),
        }
    }

    /// Where the character that starts at `folded` comes from.
    fn locate(&self, folded: usize) -> usize {
        match self.steps.partition_point(|step| step.folded <= folded).checked_sub(1) {
            Some(i) => self.steps[i].original + (folded - self.steps[i].folded),
            None => 0,
        }
    }

    /// The stretch of the original behind a range of `text`, which must be the text that was
    /// noted; the range is widened to whole characters.
    pub(super) fn span(&self, text: &str, range: Range<usize>) -> Span {
        let start = text.floor_char_boundary(range.start);
        let original = self.locate(start);
        let end = text.ceil_char_boundary(range.end);
        if end <= start {
            return Span { start: original, end: original };
        }
        let last = self.locate(text.floor_char_boundary(end - 1));
        // One original character may have become several; its end is where the next one starts.
        let end = text[end..]
            .char_indices()
            .map(|(at, _)| self.locate(end + at))
            .find(|&at| last < at)
            .unwrap_or_else(|| self.locate(text.len()));
        Span { start: original, end }
    }
}
