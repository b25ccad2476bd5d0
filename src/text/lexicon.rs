//! User dictionaries: the words of a trade that a general dictionary would cut apart. One word a
//! line, with its frequency where the usual one is not enough; `#` opens a comment.

use rustc_hash::FxHashSet;

use crate::text::error::{Error, LineError};
use crate::text::normalize::Normalized;

/// The dictionary that is part of the program.
pub(super) const DEFAULT: &str = include_str!("../../datasets/lexicons/words.txt");

/// Longer entries are sentences, not words.
const MAX_CHARS: usize = 12;

/// A word as it stands in normalized texts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) word: String,
    pub(super) frequency: Option<usize>,
}

/// Reads a dictionary, or says what is wrong with each wrong line.
pub(super) fn parse(dictionary: &str) -> Result<Vec<Entry>, Error> {
    let (mut entries, mut errors) = (Vec::new(), Vec::new());
    let mut seen = FxHashSet::default();
    for (i, line) in dictionary.lines().enumerate() {
        let text = line.split('#').next().unwrap_or_default().trim();
        if text.is_empty() {
            continue;
        }
        let entry = parse_entry(text).and_then(|entry| {
            if seen.insert(entry.word.clone()) { Ok(entry) } else { Err("stands twice") }
        });
        match entry {
            Ok(entry) => entries.push(entry),
            Err(problem) => errors.push(LineError { line: i + 1, text: text.to_owned(), problem }),
        }
    }
    if errors.is_empty() { Ok(entries) } else { Err(Error::Dictionary(errors)) }
}

fn parse_entry(text: &str) -> Result<Entry, &'static str> {
    let mut fields = text.split_whitespace();
    let word = Normalized::new(fields.next().unwrap_or_default()).as_str().to_owned();
    let frequency = match fields.next().map(str::parse::<usize>) {
        None => None,
        Some(Ok(frequency)) if 0 < frequency => Some(frequency),
        Some(_) => return Err("has a frequency that is not a whole number above 0"),
    };
    if fields.next().is_some() {
        return Err("has more than a word and a frequency");
    }
    match word.chars().count() {
        _ if !word.chars().all(char::is_alphanumeric) => {
            Err("has something other than letters and digits")
        }
        0 | 1 => Err("is shorter than two characters"),
        2..=MAX_CHARS => Ok(Entry { word, frequency }),
        _ => Err("is longer than 12 characters"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_line_is_named() {
        let dictionary = "退一赔三\n# comment\n价保 x\n\n价\n拼 单 3\n退一賠三\n七天,无理由\n价保 20 # frequent\n";
        let Err(Error::Dictionary(errors)) = parse(dictionary) else { panic!("must be refused") };
        let lines: Vec<usize> = errors.iter().map(|error| error.line).collect();
        assert_eq!(lines, [3, 5, 6, 7, 8]);
        assert_eq!(
            Error::Dictionary(errors[..1].to_vec()).to_string(),
            "the user dictionary has wrong lines: line 3: `价保 x` has a frequency that is not a whole number above 0"
        );
    }

    #[test]
    fn entries_are_normalized() {
        let entries = parse("退貨 7\nＡＰＰ").expect("a good dictionary");
        assert_eq!(entries[0], Entry { word: "退货".to_owned(), frequency: Some(7) });
        assert_eq!(entries[1].word, "app");
    }

    #[test]
    fn the_default_dictionary_is_good() {
        assert!(300 <= parse(DEFAULT).expect("a good dictionary").len());
    }
}
