//! Searching: the terms under which a text is filed, and what a person's query asks for.
//!
//! A text is filed under each of its Chinese characters, each two that stand side by side, and
//! each number and Latin word, after normalization. So every word of any length is found, whether
//! a dictionary knows it or not, and no change of the dictionary makes the files stale. The
//! dictionary cuts the *query*: a long one asks for its words, wherever they stand.

use std::ops::Range;

use rustc_hash::FxHashSet;

use crate::domain::Span;
use crate::text::{Analyzer, Normalized};

/// Longer numbers and Latin words are cut: no one types more to find them.
const MAX_RUN: usize = 40;

/// A query of so many words is a sentence.
const SENTENCE_WORDS: usize = 6;

/// The longest query that is read, in characters.
const MAX_QUERY_CHARS: usize = 200;

/// The terms of a text, sorted, each once.
///
/// ```
/// use fenzhen::text::terms;
///
/// assert_eq!(terms("退款12元"), ["12", "元", "款", "退", "退款"]);
/// ```
pub fn terms(text: &str) -> Vec<String> {
    let normalized = Normalized::new(text);
    let mut terms = FxHashSet::default();
    for run in runs(normalized.as_str()) {
        push_terms(run, true, &mut terms);
    }
    let mut terms: Vec<String> = terms.into_iter().map(ToOwned::to_owned).collect();
    terms.sort_unstable();
    terms
}

/// What a person looks for: words, all of which a text must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    words: Vec<String>,
}

/// Why a query cannot be answered. It does not quote the query, which may name people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// No letter, digit or Chinese character.
    #[error("there is nothing to look for: send a word of one character or more")]
    Blank,
    /// More than 200 characters.
    #[error("the query has {0} characters and {MAX_QUERY_CHARS} are allowed: send fewer words")]
    Long(usize),
}

impl Query {
    /// Reads a query. White space separates words; what stands in quotes is looked for as it
    /// stands; a longer piece is cut into words by the dictionary, unless it knows none of them, and
    /// in a sentence nobody looks for the single characters between its words.
    pub fn parse(query: &str, analyzer: &Analyzer) -> Result<Self, QueryError> {
        let n_chars = query.chars().count();
        if MAX_QUERY_CHARS < n_chars {
            return Err(QueryError::Long(n_chars));
        }
        let is_single = |word: &str| word.chars().nth(1).is_none();
        let mut words = Vec::new();
        // Odd pieces stand between quotes, of whichever kind.
        for (piece_idx, piece) in query.split(['"', '“', '”', '「', '」']).enumerate() {
            if piece_idx % 2 == 1 {
                push_words(Normalized::new(piece).as_str(), false, &mut words);
                continue;
            }
            for piece in piece.split_whitespace() {
                let normalized = Normalized::new(piece);
                let piece = normalized.as_str();
                let cut = analyzer.words(piece).into_iter().map(|it| &piece[it]);
                let cut: Vec<&str> = cut.collect();
                if cut.iter().all(|word| is_single(word)) {
                    push_words(piece, false, &mut words);
                    continue;
                }
                for word in cut {
                    push_words(word, is_single(word), &mut words);
                }
            }
        }
        if SENTENCE_WORDS <= words.len() {
            words.retain(|(_, between)| !between);
        }
        let words: Vec<String> = words.into_iter().map(|(word, _)| word).collect();
        if words.is_empty() { Err(QueryError::Blank) } else { Ok(Self { words }) }
    }

    /// The words as they are looked for.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// The terms that a text must be filed under, each once.
    pub fn terms(&self) -> Vec<String> {
        let mut terms = FxHashSet::default();
        for word in &self.words {
            push_terms(word, false, &mut terms);
        }
        let mut terms: Vec<String> = terms.into_iter().map(ToOwned::to_owned).collect();
        terms.sort_unstable();
        terms
    }

    /// Where the words stand in a text, in order; what overlaps is one place.
    pub fn highlights(&self, text: &str) -> Vec<Span> {
        let normalized = Normalized::new(text);
        let mut found: Vec<Range<usize>> = Vec::new();
        for word in &self.words {
            let places = normalized.as_str().match_indices(word.as_str());
            found.extend(places.map(|(start, word)| start..start + word.len()));
        }
        found.sort_unstable_by_key(|range| (range.start, range.end));
        let mut merged: Vec<Range<usize>> = Vec::with_capacity(found.len());
        for range in found {
            match merged.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        merged.into_iter().map(|range| normalized.span(range)).collect()
    }
}

/// Notes each run of a piece as a word, once, and whether it only ever stands between others.
fn push_words(piece: &str, between: bool, words: &mut Vec<(String, bool)>) {
    for run in runs(piece) {
        match words.iter_mut().find(|(word, _)| word == run) {
            Some((_, known)) => *known &= between,
            None => words.push((run.to_owned(), between)),
        }
    }
}

/// Stretches of letters and digits: ASCII by themselves, all others together.
fn runs(normalized: &str) -> impl Iterator<Item = &str> {
    let is_letter = |c: char| c.is_alphanumeric();
    let stretches = normalized.split(move |c: char| !is_letter(c)).filter(|it| !it.is_empty());
    stretches.flat_map(|mut stretch| {
        std::iter::from_fn(move || {
            let ascii = stretch.chars().next()?.is_ascii();
            let end = stretch.find(|c: char| c.is_ascii() != ascii).unwrap_or(stretch.len());
            let (run, rest) = stretch.split_at(end);
            stretch = rest;
            Some(run)
        })
    })
}

/// The terms of a run: itself when it is ASCII; else its pairs, and its single characters when
/// they are asked for or there is but one.
fn push_terms<'t>(run: &'t str, singles: bool, terms: &mut FxHashSet<&'t str>) {
    if run.is_ascii() {
        terms.insert(&run[..run.len().min(MAX_RUN)]);
        return;
    }
    let mut before: Option<usize> = None;
    for (at, c) in run.char_indices() {
        let end = at + c.len_utf8();
        if let Some(before) = before {
            terms.insert(&run[before..end]);
        }
        if singles || end - at == run.len() {
            terms.insert(&run[at..end]);
        }
        before = Some(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        Query::parse(text, &Analyzer::default()).expect("there is something to look for")
    }

    fn matches(query: &str, text: &str) -> bool {
        let filed = terms(text);
        self::query(query).terms().iter().all(|term| filed.contains(term))
    }

    #[test]
    fn words_of_every_length_are_found() {
        let text = "我买的喵呜机坏了，打１２３１５投訴，APP里退款申請被拒！";
        for found in [
            "坏",
            "退款",
            "喵呜机",
            "呜机",
            "12315",
            "app",
            "投诉",
            "退款申请",
            "退款 坏",
            "ＡＰＰ退款",
        ] {
            assert!(matches(found, text), "{found}");
        }
        for missing in ["好", "款退", "喵呜器", "123", "退款 好", "\"坏打\"", "apps"] {
            assert!(!matches(missing, text), "{missing}");
        }
    }

    #[test]
    fn a_long_query_asks_for_its_words_and_a_quoted_one_for_itself() {
        assert!(matches("快递三天没有动静", "没有人管：快递到了三天，动静全无"));
        assert!(!matches("“三天没有动静”", "没有人管：快递到了三天，动静全无"));
        assert_eq!(query("快递三天没有动静").words(), ["快递", "三天", "没有", "动静"]);
        assert_eq!(query("我的快递三天也没有到").words(), ["快递", "三天", "没有"]);
        assert_eq!(query("客服说不给退货").words(), ["客服", "说", "不", "给", "退货"]);
        assert_eq!(query("不退款").words(), ["不", "退款"]);
        let quoted = query("客服说我的退款也没有到 “我的” “到”");
        assert_eq!(quoted.words(), ["客服", "退款", "没有", "到", "我的"]);
        assert_eq!(query("我的").words(), ["我的"]);
    }

    #[test]
    fn a_query_without_a_word_is_refused() {
        let parse = |text: &str| Query::parse(text, &Analyzer::default());
        assert_eq!(parse(" ，！\" "), Err(QueryError::Blank));
        assert_eq!(parse(&"退".repeat(201)), Err(QueryError::Long(201)));
    }

    #[test]
    fn highlights_are_places_in_the_original_text() {
        let text = "要求退款！退  款，ＡＰＰ退款申請";
        let shown: Vec<&str> =
            query("退款 app 款申").highlights(text).iter().map(|span| span.slice(text)).collect();
        assert_eq!(shown, ["退款", "ＡＰＰ退款申"]);
    }

    /// Every text of our corpus that holds a word is found by it, and nearly none other.
    #[test]
    fn recall_is_complete_and_precision_near_it() {
        let corpus = include_str!("../../datasets/complaints/gold.jsonl");
        let text = |line: &str| {
            let value: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
            value["text"].as_str().expect("it has a text").to_owned()
        };
        let texts: Vec<String> = corpus.lines().map(text).collect();
        let normalized: Vec<Normalized> = texts.iter().map(|text| Normalized::new(text)).collect();
        let filed: Vec<Vec<String>> = texts.iter().map(|text| terms(text)).collect();
        let (mut n_found, mut n_right) = (0, 0);
        for word in ["退", "退款", "客服", "酸奶", "发货", "赔", "人工客服", "过敏", "保修期"]
        {
            let query = Query { words: vec![word.to_owned()] }.terms();
            for (filed, text) in filed.iter().zip(&normalized) {
                let found = query.iter().all(|term| filed.binary_search(term).is_ok());
                let holds = text.as_str().contains(word);
                assert!(found || !holds, "{word} is missed");
                n_found += usize::from(found);
                n_right += usize::from(found && holds);
            }
        }
        assert!(100 < n_found && n_found * 99 <= n_right * 100, "{n_right} of {n_found}");
    }
}
