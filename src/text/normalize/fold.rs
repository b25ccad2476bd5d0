//! Writing the folded text: repetitions are cut and periods told apart here, on characters that
//! are folded already, so that folding a folded text changes nothing.

use super::offsets::Offsets;
use super::table::{Entry, fold_cluster, is_han, lookup};

/// Nobody doubles a Han character more than this and means something else by it.
const MAX_HAN_RUN: u32 = 3;
/// One mark is plain, two are emphasis, more is the same emphasis.
const MAX_SYMBOL_RUN: u32 = 2;

/// A folded text in the making.
pub(super) struct Folder {
    text: String,
    offsets: Offsets,
    last: char,
    n_repeats: u32,
}

impl Folder {
    pub(super) fn with_capacity(n_bytes: usize) -> Self {
        let text = String::with_capacity(n_bytes);
        Self { text, offsets: Offsets::default(), last: '\0', n_repeats: 0 }
    }

    /// Appends what a character with the marks that follow it becomes.
    pub(super) fn emit_cluster(&mut self, cluster: &str, original: usize) {
        for c in fold_cluster(cluster) {
            // What composing has made may still have a simpler form.
            match lookup(c) {
                Entry::One(folded) => self.emit(folded, original),
                Entry::Drop | Entry::Several => self.emit(c, original),
            }
        }
    }

    /// Appends a folded character that comes from the original byte `original` on.
    pub(super) fn emit(&mut self, c: char, original: usize) {
        // A dot inside a number, a version or an address is a point; any other is a full stop.
        let c = if c == '.' && !is_dot(self.last) && !self.last.is_ascii_alphanumeric() {
            '。'
        } else {
            c
        };
        if is_dot(c) && is_dot(self.last) {
            self.replace_last('…');
            return;
        }
        if self.last == '.' && !c.is_ascii_alphanumeric() {
            self.replace_last('。');
        }
        if c == ' ' && self.text.is_empty() {
            return;
        }
        if c == self.last {
            self.n_repeats += 1;
            if max_run(c) < self.n_repeats {
                return;
            }
        } else {
            self.last = c;
            self.n_repeats = 1;
        }
        self.offsets.note(self.text.len(), original);
        self.text.push(c);
    }

    /// The text and the way back; `n_bytes` is the length of the original.
    pub(super) fn finish(mut self, n_bytes: usize) -> (String, Offsets) {
        if self.last == '.' {
            self.replace_last('。');
        }
        if self.last == ' ' {
            // The entry of the space now marks where the text ends.
            self.text.pop();
        } else {
            self.offsets.note(self.text.len(), n_bytes);
        }
        (self.text, self.offsets)
    }

    fn replace_last(&mut self, c: char) {
        self.text.pop();
        self.text.push(c);
        self.last = c;
    }
}

fn is_dot(c: char) -> bool {
    matches!(c, '.' | '。' | '…')
}

fn max_run(c: char) -> u32 {
    match c {
        ' ' => 1,
        _ if is_han(c) => MAX_HAN_RUN,
        _ if c.is_alphanumeric() => u32::MAX,
        _ => MAX_SYMBOL_RUN,
    }
}
