//! Where in the text a score comes from: contributions of overlapping n-grams, laid over the text
//! and gathered into whole words and their runs.

use std::{borrow::Cow, ops::Range};

use crate::domain::Span;
use crate::text::Document;

/// How many places are shown per label.
const MAX_SPANS: usize = 3;

/// Words with less than this share of the strongest word's contribution are left out, so that a
/// span is the phrase that matters and not half of the text.
const FLOOR: f32 = 0.25;

/// Contributions over the bytes of the normalized text.
#[derive(Debug)]
pub(super) struct Heat {
    /// What each byte changes against the byte before.
    steps: Vec<f32>,
}

impl Heat {
    /// No contribution anywhere in a text of this many bytes.
    pub(super) fn new(n_bytes: usize) -> Self {
        Self { steps: vec![0.0; n_bytes + 1] }
    }

    /// Spreads a contribution evenly over a range; features without a place add nothing.
    pub(super) fn add(&mut self, range: &Range<usize>, contribution: f32) {
        if !range.is_empty() {
            let per_byte = contribution / range.len() as f32;
            self.steps[range.start] += per_byte;
            self.steps[range.end] -= per_byte;
        }
    }

    /// The contribution of everything before each byte.
    fn running_sums(&self) -> Vec<f32> {
        let (mut level, mut sum) = (0.0, 0.0);
        let mut sums = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            sums.push(sum);
            level += step;
            sum += level;
        }
        sums
    }
}

/// The places with the largest contributions, strongest first, at most three, none without a
/// positive contribution.
pub(super) fn strongest_spans(
    heat: &Heat,
    words: &[Range<usize>],
    document: &Document<'_>,
) -> Vec<(Span, f32)> {
    let sums = heat.running_sums();
    let of = |range: &Range<usize>| sums[range.end] - sums[range.start];
    let strongest = words.iter().map(of).fold(0.0, f32::max);
    let mut runs: Vec<(Range<usize>, f32)> = Vec::new();
    for word in words {
        let weight = of(word);
        if weight <= 0.0 || weight < strongest * FLOOR {
            continue;
        }
        match runs.last_mut() {
            Some((run, sum)) if run.end == word.start => {
                run.end = word.end;
                *sum += weight;
            }
            _ => runs.push((word.clone(), weight)),
        }
    }
    runs.sort_by(|a, b| b.1.total_cmp(&a.1));
    runs.truncate(MAX_SPANS);
    runs.into_iter().map(|(run, weight)| (document.span(run), weight)).collect()
}

/// The words of the text; single letters and digits where nothing was segmented.
pub(super) fn words<'d>(document: &'d Document<'_>) -> Cow<'d, [Range<usize>]> {
    if !document.words().is_empty() {
        return Cow::Borrowed(document.words());
    }
    let chars = document.normalized().char_indices();
    let chars = chars.filter(|(_, c)| c.is_alphanumeric());
    chars.map(|(start, c)| start..start + c.len_utf8()).collect()
}
