//! One pass over the text that hands every number to whoever can say what it is. Each step looks
//! around a bounded number of characters, so the pass is linear.

use std::ops::Range;

use super::amount::{self, Amount};
use super::count;
use super::date::{self, NamedDay};
use super::numeral::{self, Numeral};
use super::order_number;
use super::source::{Source, ends_clause};
use super::sum;

/// What the pass has found, in places of the normalized text.
#[derive(Default)]
pub(super) struct Found {
    pub(super) amounts: Vec<Amount>,
    /// The largest of the sums that the text adds up.
    pub(super) total: Option<Amount>,
    pub(super) days: Vec<NamedDay>,
    pub(super) order_numbers: Vec<Range<usize>>,
    pub(super) contacts: Option<(u32, Range<usize>)>,
    pub(super) people: Option<(u32, Range<usize>)>,
}

/// Reads everything that the text states in numbers.
pub(super) fn scan(source: Source<'_>) -> Found {
    let mut scanner =
        Scanner { source, cue: None, before: None, row: None, found: Found::default() };
    let mut at = 0;
    while let Some(c) = source.char_at(at) {
        at = scanner.step(at, c);
    }
    scanner.found
}

struct Scanner<'t> {
    source: Source<'t>,
    /// Where the last word about money of this clause ends.
    cue: Option<usize>,
    /// The numeral before, if nothing is known of it: it may open a range.
    before: Option<Numeral>,
    /// What the amounts come to that stand side by side, up to the last one.
    row: Option<Amount>,
    found: Found,
}

impl Scanner<'_> {
    /// Reads what starts at `at` and says where to go on.
    fn step(&mut self, at: usize, c: char) -> usize {
        if c.is_ascii_alphanumeric() {
            return self.letters_and_digits(at);
        }
        if numeral::may_start(c)
            && let Some(numeral) = numeral::parse(self.source, at)
        {
            return self.numeral(&numeral);
        }
        let end = at + c.len_utf8();
        match c {
            _ if ends_clause(c) => self.cue = None,
            '多' | '数' | '屡' | '反' | '再' | '无' => {
                if let Some((count, end)) = count::vague_contacts(self.source, at) {
                    note(&mut self.found.contacts, count, at..end);
                    return end;
                }
            }
            _ if amount::is_cue(self.source, at, c) => self.cue = Some(end),
            _ => {}
        }
        end
    }

    fn letters_and_digits(&mut self, at: usize) -> usize {
        let last = self.found.order_numbers.last().map(|range| range.end);
        if let Some(range) = order_number::read(self.source, at, last) {
            let end = range.end;
            self.found.order_numbers.push(range);
            return end;
        }
        let end = order_number::run_end(self.source, at);
        let run = &self.source.text[at..end];
        let sign = if run.starts_with("rmb") || run.starts_with("cny") { 3 } else { 0 };
        if !self.source.byte_at(at + sign).is_ascii_digit() {
            return end;
        }
        match numeral::parse(self.source, at + sign) {
            // What is left of the run is a unit or a model number.
            Some(numeral) => self.numeral(&numeral).max(end),
            None => end,
        }
    }

    fn numeral(&mut self, numeral: &Numeral) -> usize {
        let source = self.source;
        let opens_range =
            self.before.take().filter(|before| connects(source, before.end, numeral.start));
        let range = numeral.start..numeral.end;
        if source.text[..numeral.start].ends_with('第') {
            if let Some(count) = count::contacts_before(source, numeral) {
                note(&mut self.found.contacts, count, range);
            }
        } else if let Some(day) = date::read(source, numeral) {
            let end = day.range.end;
            self.found.days.push(day);
            return end;
        } else if date::is_year(source, numeral) {
            // A year is no amount.
        } else if let Some(count) = count::contacts(source, numeral) {
            note(&mut self.found.contacts, count, range);
        } else if let Some(count) = count::people(source, numeral) {
            note(&mut self.found.people, count, range);
        } else if let Some(amount) = amount::read(source, numeral, self.cue, opens_range.as_ref())
            .or_else(|| sum::bare_addend(source, self.row.as_ref()?, numeral))
        {
            if let Some(before) = opens_range {
                self.found.amounts.push(opening(&before, numeral, amount.approximate));
            }
            self.add(&amount);
            let end = amount.range.end;
            self.found.amounts.push(amount);
            return end;
        } else {
            self.before = Some(*numeral);
        }
        numeral.end
    }

    /// Adds an amount to those that it stands side by side with.
    fn add(&mut self, amount: &Amount) {
        let source = self.source;
        let row = self.row.take();
        if !sum::is_plain(source, amount) {
            return;
        }
        let sum = match row {
            Some(row) if sum::joins(source, &row, amount) => sum::add(&row, amount),
            _ => {
                let terms = sum::sharing(source, amount);
                if terms.is_empty() {
                    self.row = sum::may_begin(source, amount.range.start).then(|| amount.clone());
                    return;
                }
                let sum = terms.iter().rev().fold(amount.clone(), |sum, term| sum::add(term, &sum));
                // A word about money may have told what they are already.
                let known = self.found.amounts.last().map_or(0, |last| last.range.end);
                self.found.amounts.extend(terms.into_iter().filter(|it| known < it.range.end));
                sum
            }
        };
        if self.found.total.as_ref().is_none_or(|total| total.value < sum.value) {
            self.found.total = Some(sum.clone());
        }
        self.row = Some(sum);
    }
}

/// Whether what stands between two numerals makes them a range.
fn connects(source: Source<'_>, start: usize, end: usize) -> bool {
    let between = source.text.get(start..end).unwrap_or_default();
    matches!(between.trim_matches(' '), "-" | "--" | "~" | "到" | "至")
}

/// The lower end of a range; in 1-2万 it shares the power of the upper end.
fn opening(lower: &Numeral, upper: &Numeral, approximate: bool) -> Amount {
    let shares_power = lower.unit == 1 && 1 < upper.unit && lower.value < upper.value / upper.unit;
    let value = if shares_power { lower.value.saturating_mul(upper.unit) } else { lower.value };
    Amount { range: lower.start..lower.end, value, approximate }
}

/// Keeps the largest count.
fn note(slot: &mut Option<(u32, Range<usize>)>, count: u32, range: Range<usize>) {
    if slot.as_ref().is_none_or(|(most, _)| *most < count) {
        *slot = Some((count, range));
    }
}
