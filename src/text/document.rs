//! A text made ready for models and rules: normalized, segmented, with a way back to the original.

use std::ops::Range;

use jieba_rs::Jieba;

use crate::domain::Span;
use crate::text::Facts;
use crate::text::error::Error;
use crate::text::lexicon;
use crate::text::normalize::{Normalized, is_han};

/// Reads texts; built once, shared by all threads.
#[derive(Debug)]
pub struct Analyzer {
    jieba: Jieba,
}

/// A text that has been read.
#[derive(Debug)]
pub struct Document<'t> {
    original: &'t str,
    normalized: Normalized,
    words: Vec<Range<usize>>,
    facts: Facts,
}

impl Analyzer {
    /// An analyzer whose dictionary knows the words of `user_dictionary` too: one a line, with a
    /// frequency where the usual one is not enough.
    pub fn new(user_dictionary: &str) -> Result<Self, Error> {
        let mut jieba = Jieba::new();
        for entry in lexicon::parse(user_dictionary)? {
            jieba.add_word(&entry.word, entry.frequency, None);
        }
        Ok(Self { jieba })
    }

    /// Reads a text.
    pub fn analyze<'t>(&self, text: &'t str) -> Document<'t> {
        let normalized = Normalized::new(text);
        let words = self.words(normalized.as_str());
        let facts = Facts::read(text, &normalized);
        Document { original: text, normalized, words, facts }
    }

    /// The words of a normalized text. Unknown words fall into single characters: the hidden
    /// Markov model that could guess them costs time, and what it gains was not measured.
    pub(super) fn words(&self, normalized: &str) -> Vec<Range<usize>> {
        let tokens = self.jieba.cut(normalized, false);
        let is_word = |word: &str| word.chars().any(|c| is_han(c) || c.is_alphanumeric());
        tokens
            .iter()
            .filter(|token| is_word(token.word))
            .map(|token| token.byte_start..token.byte_end)
            .collect()
    }
}

impl Default for Analyzer {
    /// The analyzer with the words of complaints.
    fn default() -> Self {
        Self::new(lexicon::DEFAULT).expect("a test reads the dictionary of the program")
    }
}

impl<'t> Document<'t> {
    /// The text as it came.
    pub const fn original(&self) -> &'t str {
        self.original
    }

    /// The text after NFKC, width, case, traditional → simplified and repetition folding.
    pub fn normalized(&self) -> &str {
        self.normalized.as_str()
    }

    /// The words of the normalized text, as byte ranges of it, without punctuation and spaces.
    pub fn words(&self) -> &[Range<usize>] {
        &self.words
    }

    /// The numbers that the text states.
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The numbers alone, when the rest is not needed any more.
    pub fn into_facts(self) -> Facts {
        self.facts
    }

    /// Where in the original a byte range of the normalized text stands: whole characters, with
    /// everything that was folded into them.
    pub fn span(&self, normalized: Range<usize>) -> Span {
        self.normalized.span(normalized)
    }

    /// The share of Han among the letters, 0 when there are none: a text with little of it is
    /// not Chinese, and nothing here can judge it.
    pub fn han_share(&self) -> f32 {
        let (mut n_han, mut n_letters) = (0_usize, 0_usize);
        for c in self.normalized().chars() {
            // Asking for Han first spares nearly all look-ups in the table of letters.
            let han = is_han(c);
            n_han += usize::from(han);
            n_letters += usize::from(han || c.is_alphabetic());
        }
        if n_letters == 0 { 0.0 } else { n_han as f32 / n_letters as f32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words<'d>(document: &'d Document<'_>) -> Vec<&'d str> {
        document.words().iter().map(|word| &document.normalized()[word.clone()]).collect()
    }

    #[test]
    fn words_of_the_trade_stay_whole() {
        let analyzer = Analyzer::default();
        let cases: [(&str, &[&str]); 4] = [
            ("要求退一赔三！", &["要求", "退一赔三"]),
            ("七天无理由退货被拒，打12315", &["七天无理由", "退货", "被", "拒", "打", "12315"]),
            ("快递员把包裹放驿站😡", &["快递员", "把", "包裹", "放", "驿站"]),
            ("，。！ 😡", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(words(&analyzer.analyze(text)), expected, "of {text}");
        }
    }

    #[test]
    fn another_dictionary_can_be_given() {
        let analyzer = Analyzer::new("喵呜机").expect("a good dictionary");
        assert_eq!(words(&analyzer.analyze("我的喵呜机坏")), ["我", "的", "喵呜机", "坏"]);
        assert!(Analyzer::new("价保 x").is_err());
    }

    #[test]
    fn the_share_of_han_tells_whether_a_text_is_chinese() {
        let analyzer = Analyzer::default();
        for (text, share) in
            [("", 0.0), ("😡😡!!", 0.0), ("refund please", 0.0), ("退款", 1.0), ("退款ok", 0.5)]
        {
            let document = analyzer.analyze(text);
            assert!((document.han_share() - share).abs() < 1e-6, "of {text}");
        }
    }
}
