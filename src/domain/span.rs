//! Places in a text.

/// A half-open range of bytes in the *original* text, always on character boundaries.
///
/// ```
/// use fenzhen::domain::Span;
///
/// let text = "气死我了！";
/// let span = Span { start: 0, end: 6 };
/// assert_eq!(span.slice(text), "气死");
/// assert_eq!(span.chars_in(text), (0, 2));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The text that the span covers, empty when the span does not belong to `text`.
    pub fn slice(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or_default()
    }

    /// The same range counted in Unicode scalar values, as clients in other languages count.
    pub fn chars_in(self, text: &str) -> (usize, usize) {
        let start = text.get(..self.start).map_or(0, |before| before.chars().count());
        (start, start + self.slice(text).chars().count())
    }

    /// Whether the two ranges share a byte.
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}
