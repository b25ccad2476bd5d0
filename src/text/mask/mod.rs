//! Hiding personal data in logs and exports: phone numbers, ID and bank cards, e-mail addresses,
//! license plates, house numbers and names. Order numbers and amounts stay, for a case cannot be
//! worked without them. What is hidden is found by its shape or by the words before it; a name
//! that nothing introduces is not found.

mod address;
mod name;
mod number;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub use name::mask_name;

/// A place to hide, in bytes of the text, and what to write there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hidden {
    /// Where.
    pub range: Range<usize>,
    /// What is shown instead.
    pub shown: String,
}

/// The text with its personal data hidden: 138****1234, 王*.
///
/// ```
/// use fenzhen::text::mask;
///
/// assert_eq!(mask("我叫王小明，电话13812341234"), "我叫王*，电话138****1234");
/// assert_eq!(mask("订单号12345678901234退款399元"), "订单号12345678901234退款399元");
/// ```
pub fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut copied = 0;
    for Hidden { range, shown } in find_personal(text) {
        masked.push_str(&text[copied..range.start]);
        masked.push_str(&shown);
        copied = range.end;
    }
    masked.push_str(&text[copied..]);
    masked
}

/// The places that [`mask`] hides, in bytes.
pub fn hidden(text: &str) -> Vec<Range<usize>> {
    find_personal(text).into_iter().map(|hidden| hidden.range).collect()
}

/// Every place of a text that [`mask`] hides, in its order; none overlaps another.
pub fn find_personal(text: &str) -> Vec<Hidden> {
    let mut all = Vec::new();
    let mut at = 0;
    let mut before = None;
    while let Some(c) = text[at..].chars().next() {
        let hidden = if before.is_some_and(is_code_char) && is_code_char(c) {
            // Inside a run of letters and digits, which was judged as a whole.
            None
        } else {
            number::find(text, at)
                .or_else(|| address::find(text, at))
                .or_else(|| name::find(text, at))
        };
        before = Some(c);
        at += c.len_utf8();
        if let Some(hidden) = hidden {
            at = hidden.range.end;
            before = text[..at].chars().next_back();
            all.push(hidden);
        }
    }
    all
}

/// The ASCII letter or digit that a character stands for, full-width ones included.
fn code_char(c: char) -> Option<char> {
    match c {
        '\u{FF10}'..='\u{FF5A}' => char::from_u32(c as u32 - 0xFEE0),
        _ => Some(c),
    }
    .filter(char::is_ascii_alphanumeric)
    .map(|c| c.to_ascii_lowercase())
}

fn is_code_char(c: char) -> bool {
    code_char(c).is_some()
}

fn is_digit(c: char) -> bool {
    code_char(c).is_some_and(|c| c.is_ascii_digit())
}

/// At most `n_chars` characters before `at`.
fn before(text: &str, at: usize, n_chars: usize) -> &str {
    let start = text[..at].char_indices().rev().take(n_chars).last().map_or(at, |(start, _)| start);
    &text[start..at]
}

/// Whether one of the words ends the text.
fn ends_with_any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.ends_with(word))
}
