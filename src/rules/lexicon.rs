//! Every phrase, guard word and idiom of a rule set, found in one pass over a normalized text.
//! It says where phrases stand and which of them a guard takes back, not what follows from them.

use std::{collections::HashMap, fmt, ops::Range};

use daachorse::CharwiseDoubleArrayAhoCorasick;
use serde::Serialize;

use crate::rules::list_set::ListSet;

/// The place of a phrase list in its lexicon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ListIdx(pub(super) usize);

/// The place of a guard in its lexicon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct GuardIdx(pub(super) usize);

/// Phrases that mean the same to the rules.
#[derive(Clone, Debug)]
pub(super) struct PhraseList {
    pub(super) name: String,
    pub(super) file: String,
    pub(super) phrases: Vec<String>,
    pub(super) guards: Vec<GuardIdx>,
}

/// What keeps a phrase from counting.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    pub(super) name: String,
    pub(super) file: String,
    pub(super) before: Vec<String>,
    pub(super) after: Vec<String>,
    pub(super) idioms: Vec<String>,
    pub(super) window: usize,
}

/// Which part of a guard a word belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardPart {
    /// The word stands before the phrase in the same clause.
    Before,
    /// The word stands after the phrase in the same clause.
    After,
    /// The phrase is a piece of a saying.
    Idiom,
}

/// Phrase lists and guards, ready to search with.
#[derive(Clone)]
pub(super) struct Lexicon {
    lists: Vec<PhraseList>,
    guards: Vec<Guard>,
    words: Vec<Word>,
    /// Nothing when there is no word to search for.
    automaton: Option<CharwiseDoubleArrayAhoCorasick<u32>>,
    longest_word: usize,
    widest_window: usize,
}

/// A word to search for, and everything that it is used for.
#[derive(Clone, Debug, Default)]
struct Word {
    lists: Vec<ListIdx>,
    guards: Vec<(GuardIdx, GuardPart)>,
}

/// Words by their text; a word that several lists share is searched for once.
#[derive(Default)]
struct Words {
    idx_of: HashMap<String, usize>,
    texts: Vec<String>,
    all: Vec<Word>,
}

impl Words {
    fn word_mut(&mut self, text: &str) -> &mut Word {
        let idx = *self.idx_of.entry(text.to_owned()).or_insert(self.all.len());
        if idx == self.all.len() {
            self.texts.push(text.to_owned());
            self.all.push(Word::default());
        }
        &mut self.all[idx]
    }
}

/// A word that stands in the text.
#[derive(Clone, Copy, Debug)]
struct Occurrence {
    word: usize,
    start: usize,
    end: usize,
}

/// A phrase that stands in the text, in bytes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sighting {
    pub(super) list: ListIdx,
    pub(super) start: usize,
    pub(super) end: usize,
    /// What takes it back, if anything does.
    pub(super) suppression: Option<Suppression>,
}

/// A guard word that takes a phrase back, in bytes of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Suppression {
    pub(super) guard: GuardIdx,
    pub(super) part: GuardPart,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// All phrases that stand in a text, by list and then by their end.
#[derive(Debug)]
pub(super) struct Sightings<'t> {
    text: &'t str,
    all: Vec<Sighting>,
    /// The lists that have a phrase which counts: most questions end here with no.
    counting: ListSet,
    longest_phrase: usize,
}

/// A Unicode scalar value takes at most so many bytes.
const MAX_CHAR_BYTES: usize = 4;

impl Lexicon {
    pub(super) fn new(lists: Vec<PhraseList>, guards: Vec<Guard>) -> Self {
        let mut words = Words::default();
        for (idx, list) in lists.iter().enumerate() {
            for phrase in &list.phrases {
                words.word_mut(phrase).lists.push(ListIdx(idx));
            }
        }
        for (idx, guard) in guards.iter().enumerate() {
            for (part, part_words) in guard.parts() {
                for word in part_words {
                    words.word_mut(word).guards.push((GuardIdx(idx), part));
                }
            }
        }
        let Words { texts, all: words, .. } = words;
        Self {
            automaton: automaton(&texts),
            longest_word: texts.iter().map(String::len).max().unwrap_or_default(),
            widest_window: guards.iter().map(|guard| guard.window).max().unwrap_or_default(),
            lists,
            guards,
            words,
        }
    }

    pub(super) fn lists(&self) -> &[PhraseList] {
        &self.lists
    }

    pub(super) fn guards(&self) -> &[Guard] {
        &self.guards
    }

    pub(super) fn list(&self, idx: ListIdx) -> &PhraseList {
        &self.lists[idx.0]
    }

    pub(super) fn guard(&self, idx: GuardIdx) -> &Guard {
        &self.guards[idx.0]
    }

    pub(super) fn find_list(&self, name: &str) -> Option<ListIdx> {
        self.lists.iter().position(|list| list.name == name).map(ListIdx)
    }

    /// Finds every phrase of the lists that somebody wants who is told which lists have any.
    pub(super) fn search<'t>(
        &self,
        text: &'t str,
        wanted: impl FnOnce(&ListSet) -> ListSet,
    ) -> Sightings<'t> {
        let occurrences = self.occurrences(text);
        let mut present = ListSet::default();
        let words = occurrences.iter().map(|it| &self.words[it.word]);
        words.flat_map(|word| &word.lists).for_each(|list| present.insert(*list));
        let wanted = wanted(&present);
        // Most words guard nothing, and each phrase looks through those that do.
        let guarding = occurrences.iter().filter(|it| !self.words[it.word].guards.is_empty());
        let guarding: Vec<Occurrence> = guarding.copied().collect();
        let mut all = Vec::new();
        for &Occurrence { word, start, end } in &occurrences {
            let lists = self.words[word].lists.iter().filter(|list| wanted.contains(**list));
            all.extend(lists.map(|&list| {
                let suppression = self.suppression(text, start..end, list, &guarding);
                Sighting { list, start, end, suppression }
            }));
        }
        all.sort_unstable_by_key(|sighting: &Sighting| {
            (sighting.list, sighting.end, sighting.start)
        });
        let mut counting = ListSet::default();
        let counted = all.iter().filter(|seen| seen.suppression.is_none());
        counted.for_each(|seen| counting.insert(seen.list));
        Sightings { text, all, counting, longest_phrase: self.longest_word }
    }

    /// All words of the lexicon in the text, by their end.
    fn occurrences(&self, text: &str) -> Vec<Occurrence> {
        let found = self.automaton.iter().flat_map(|it| it.find_overlapping_iter(text));
        found
            .filter(|found| stands_alone(text, found.start()..found.end()))
            .map(|found| Occurrence {
                word: found.value() as usize,
                start: found.start(),
                end: found.end(),
            })
            .collect()
    }

    /// The longest guard word that takes the phrase back: of 没 and 没有, 没有 tells more.
    fn suppression(
        &self,
        text: &str,
        phrase: Range<usize>,
        list: ListIdx,
        occurrences: &[Occurrence],
    ) -> Option<Suppression> {
        let guards = &self.list(list).guards;
        if guards.is_empty() {
            return None;
        }
        // Only neighbors can matter; looking at them alone keeps long hostile texts cheap.
        let reach = self.widest_window * MAX_CHAR_BYTES;
        let first = occurrences.partition_point(|occurrence| occurrence.end + reach < phrase.start);
        occurrences[first..]
            .iter()
            .take_while(|occurrence| occurrence.end <= phrase.end + reach + self.longest_word)
            .filter_map(|&Occurrence { word, start, end }| {
                let &(guard, part) = self.words[word].guards.iter().find(|(guard, part)| {
                    let window = self.guard(*guard).window;
                    guards.contains(guard)
                        && match part {
                            GuardPart::Before => {
                                end <= phrase.start && is_close(text, end..phrase.start, window)
                            }
                            GuardPart::After => {
                                phrase.end <= start && is_close(text, phrase.end..start, window)
                            }
                            GuardPart::Idiom => start < phrase.end && phrase.start < end,
                        }
                })?;
                Some(Suppression { guard, part, start, end })
            })
            .max_by_key(|suppression| suppression.end - suppression.start)
    }
}

impl fmt::Debug for Lexicon {
    /// The automaton has no words for itself.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lexicon").field("n_words", &self.words.len()).finish_non_exhaustive()
    }
}

/// Finds words by their position; blank ones are a mistake that the check has named.
fn automaton(words: &[String]) -> Option<CharwiseDoubleArrayAhoCorasick<u32>> {
    let words = (0..).zip(words).filter(|(_, word)| !word.is_empty());
    let words: Vec<(&str, u32)> = words.map(|(idx, word)| (word.as_str(), idx)).collect();
    (!words.is_empty()).then(|| {
        CharwiseDoubleArrayAhoCorasick::with_values(words)
            .expect("words are distinct and far less than 2^31 bytes")
    })
}

impl Guard {
    /// Its words by part.
    pub(super) fn parts(&self) -> [(GuardPart, &[String]); 3] {
        [
            (GuardPart::Before, &self.before),
            (GuardPart::After, &self.after),
            (GuardPart::Idiom, &self.idioms),
        ]
    }
}

impl Sightings<'_> {
    /// The phrases of a list, those that a guard takes back included.
    pub(super) fn of(&self, list: ListIdx) -> &[Sighting] {
        let first = self.all.partition_point(|sighting| sighting.list < list);
        let n = self.all[first..].partition_point(|sighting| sighting.list == list);
        &self.all[first..first + n]
    }

    /// Whether a phrase of a list counts.
    pub(super) fn has(&self, list: ListIdx) -> bool {
        self.counting.contains(list)
    }

    /// The phrases of a list that count.
    pub(super) fn counted(&self, list: ListIdx) -> impl Iterator<Item = &Sighting> {
        self.of(list).iter().filter(|sighting| sighting.suppression.is_none())
    }

    /// The phrases of both lists that count and have one of the other list at most `within`
    /// characters away. Phrases that overlap stand no character apart; a phrase of both lists is
    /// not near to itself.
    pub(super) fn near(
        &self,
        [one, other]: [ListIdx; 2],
        within: usize,
    ) -> impl Iterator<Item = &Sighting> {
        let near = move |list: ListIdx, partners: ListIdx| {
            self.counted(list).filter(move |seen| self.has_partner(seen, partners, within))
        };
        near(one, other).chain(near(other, one))
    }

    /// Whether phrases of both lists that count stand at most `within` characters apart.
    pub(super) fn are_near(&self, [one, other]: [ListIdx; 2], within: usize) -> bool {
        self.has(one)
            && self.has(other)
            && self.counted(one).any(|seen| self.has_partner(seen, other, within))
    }

    fn has_partner(&self, seen: &Sighting, partners: ListIdx, within: usize) -> bool {
        // Only neighbors can matter; looking at them alone keeps long hostile texts cheap.
        let reach = within * MAX_CHAR_BYTES;
        let partners = self.of(partners);
        let first = partners.partition_point(|partner| partner.end + reach < seen.start);
        partners[first..]
            .iter()
            .take_while(|partner| partner.end <= seen.end + reach + self.longest_phrase)
            .any(|partner| {
                partner.suppression.is_none()
                    && (partner.start, partner.end) != (seen.start, seen.end)
                    && self.stands_within(seen, partner, within)
            })
    }

    fn stands_within(&self, one: &Sighting, other: &Sighting, within: usize) -> bool {
        let (from, to) = (one.end.min(other.end), one.start.max(other.start));
        // They overlap when the gap would end before it starts.
        to <= from || self.text[from..to].chars().count() <= within
    }
}

/// Whether a gap has at most `window` characters and stays within one clause.
fn is_close(text: &str, gap: Range<usize>, window: usize) -> bool {
    let (start, between) = (gap.start, &text[gap]);
    between.len() <= window * MAX_CHAR_BYTES
        && between.chars().count() <= window
        && !between.char_indices().any(|(at, c)| ends_clause(text, start + at, c))
}

/// Whether the character at a byte of the normalized text ends a clause. `10,000`, `1.5` and
/// `用 wifi 时` are one clause each.
fn ends_clause(text: &str, at: usize, c: char) -> bool {
    let is_latin = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let before = || is_latin(text.as_bytes()[..at].last());
    let after = || is_latin(text.as_bytes().get(at + c.len_utf8()));
    match c {
        ',' | '.' | ':' => !(before() && after()),
        ' ' => !(before() || after()),
        _ => {
            matches!(c, '。' | ';' | '!' | '?' | '、' | '…' | '~' | '\n' | '\r' | '\t' | '\u{3000}')
        }
    }
}

/// Whether a word does not cut through a Latin word or a number: `110` is not in `1100`.
fn stands_alone(text: &str, word: Range<usize>) -> bool {
    let bytes = text.as_bytes();
    let cuts = |left: Option<&u8>, right: Option<&u8>| match (left, right) {
        (Some(left), Some(right)) => {
            left.is_ascii_digit() && right.is_ascii_digit()
                || left.is_ascii_alphabetic() && right.is_ascii_alphabetic()
        }
        _ => false,
    };
    !cuts(bytes[..word.start].last(), bytes.get(word.start))
        && !cuts(bytes[..word.end].last(), bytes.get(word.end))
}
