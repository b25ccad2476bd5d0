//! Where in the text a score comes from: contributions of overlapping n-grams and of an encoder's
//! tokens, laid over the text and gathered into whole words and their runs.

use std::{borrow::Cow, ops::Range};

use crate::domain::{Head, HeadKind, Span};
use crate::text::Document;

/// How many places are shown per label.
const MAX_SPANS: usize = 3;

/// Words with less than this share of the strongest word's contribution are left out, so that a
/// span is the phrase that matters and not half of the text.
const FLOOR: f32 = 0.25;

/// So many labels are explained in one pass.
pub(super) const HEAT_LANES: usize = 8;

/// One number per label.
pub(super) type Lanes = [f32; HEAT_LANES];

/// What counts in favor of a label: the score of one output and, for the inner labels of an ordinal
/// head, the negative of the next one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Direction {
    pub(super) up: Option<usize>,
    pub(super) down: Option<usize>,
}

impl Direction {
    /// For a label of a head whose outputs begin there.
    pub(super) fn new(head: &Head, first_output: usize, label_idx: usize) -> Self {
        let (up, down) = match head.kind {
            HeadKind::MultiClass | HeadKind::MultiLabel => (Some(label_idx), None),
            HeadKind::Ordinal => {
                let is_last = label_idx + 1 == head.labels.len();
                (label_idx.checked_sub(1), (!is_last).then_some(label_idx))
            }
        };
        let output = |idx: Option<usize>| idx.map(|idx| first_output + idx);
        Self { up: output(up), down: output(down) }
    }
}

/// Contributions over the bytes of the normalized text.
#[derive(Debug)]
pub(super) struct Heat {
    /// What each byte changes against the byte before.
    steps: Vec<Lanes>,
}

impl Heat {
    /// No contribution anywhere in a text of this many bytes.
    pub(super) fn new(n_bytes: usize) -> Self {
        Self { steps: vec![[0.0; HEAT_LANES]; n_bytes + 1] }
    }

    /// Spreads contributions evenly over a range; features without a place add nothing.
    pub(super) fn add(&mut self, range: &Range<usize>, contributions: &Lanes) {
        if range.is_empty() {
            return;
        }
        let share = (range.len() as f32).recip();
        let per_byte = contributions.map(|it| it * share);
        for (step, per_byte) in self.steps[range.start].iter_mut().zip(per_byte) {
            *step += per_byte;
        }
        for (step, per_byte) in self.steps[range.end].iter_mut().zip(per_byte) {
            *step -= per_byte;
        }
    }

    /// The contribution of everything before each byte.
    pub(super) fn running_sums(mut self) -> Vec<Lanes> {
        let (mut level, mut sum) = ([0.0; HEAT_LANES], [0.0; HEAT_LANES]);
        for step in &mut self.steps {
            let before = sum;
            for lane in 0..HEAT_LANES {
                level[lane] += step[lane];
                sum[lane] += level[lane];
            }
            *step = before;
        }
        self.steps
    }
}

/// The places with the largest contributions to the label of a lane, strongest first, at most
/// three, none without a positive contribution; but where `needs_one`, the word that counts least
/// against the label rather than nothing.
pub(super) fn strongest_spans(
    sums: &[Lanes],
    lane: usize,
    words: &[Range<usize>],
    document: &Document<'_>,
    needs_one: bool,
) -> Vec<(Span, f32)> {
    let of = |range: &Range<usize>| sums[range.end][lane] - sums[range.start][lane];
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
    if runs.is_empty() && needs_one {
        let by_weight = |a: &&Range<usize>, b: &&Range<usize>| of(a).total_cmp(&of(b));
        runs.extend(words.iter().max_by(by_weight).map(|word| (word.clone(), of(word))));
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
