//! A slow and obvious reading of the rule file's words, which the automaton must agree with.

use std::ops::Range;

use proptest::{collection::btree_set, prelude::*, sample::select};

use super::ANALYZER;
use crate::rules::condition::{Condition, Leaf};
use crate::rules::lexicon::{Guard, GuardIdx, Lexicon, ListIdx, PhraseList};
use crate::rules::situation::{Situation, View};

/// The text as characters, so that distances need no arithmetic.
struct Reference<'r> {
    lexicon: &'r Lexicon,
    text: Vec<char>,
}

impl Reference<'_> {
    fn holds(&self, condition: &Condition) -> bool {
        match condition {
            Condition::All(parts) => parts.iter().all(|part| self.holds(part)),
            Condition::Any(parts) => parts.iter().any(|part| self.holds(part)),
            Condition::Not(part) => !self.holds(part),
            Condition::Leaf(Leaf::Phrases(list)) => !self.counted(*list).is_empty(),
            Condition::Leaf(Leaf::Near { lists: [ones, others], within }) => {
                let others = self.counted(*others);
                self.counted(*ones).iter().any(|one| {
                    others.iter().filter(|other| *other != one).any(|other| {
                        let gap = one.start.max(other.start).saturating_sub(one.end.min(other.end));
                        gap <= *within
                    })
                })
            }
            Condition::Leaf(leaf) => unreachable!("{leaf:?} is not about words"),
        }
    }

    /// Where the phrases of a list stand that no guard takes back, in characters.
    fn counted(&self, list: ListIdx) -> Vec<Range<usize>> {
        let list = self.lexicon.list(list);
        list.phrases
            .iter()
            .flat_map(|phrase| self.positions(phrase))
            .filter(|phrase| {
                !list.guards.iter().any(|guard| self.takes_back(self.lexicon.guard(*guard), phrase))
            })
            .collect()
    }

    fn takes_back(&self, guard: &Guard, phrase: &Range<usize>) -> bool {
        let close = |from: usize, to: usize| {
            from <= to && to - from <= guard.window && !(from..to).any(|at| self.ends_clause(at))
        };
        let stands = |words: &[String], fits: &dyn Fn(&Range<usize>) -> bool| {
            words.iter().flat_map(|word| self.positions(word)).any(|word| fits(&word))
        };
        stands(&guard.before, &|word| close(word.end, phrase.start))
            || stands(&guard.after, &|word| close(phrase.end, word.start))
            || stands(&guard.idioms, &|word| word.start < phrase.end && phrase.start < word.end)
    }

    fn positions(&self, word: &str) -> Vec<Range<usize>> {
        let word: Vec<_> = word.chars().collect();
        (0..self.text.len())
            .map(|start| start..start + word.len())
            .filter(|range| self.text.get(range.clone()) == Some(&word))
            .filter(|range| !self.cuts(range.start) && !self.cuts(range.end))
            .collect()
    }

    /// Whether a cut before a character would go through a Latin word or a number.
    fn cuts(&self, at: usize) -> bool {
        let (Some(left), Some(right)) = (self.char(at.wrapping_sub(1)), self.char(at)) else {
            return false;
        };
        left.is_ascii_digit() && right.is_ascii_digit()
            || left.is_ascii_alphabetic() && right.is_ascii_alphabetic()
    }

    fn ends_clause(&self, at: usize) -> bool {
        let is_latin = |at: usize| self.char(at).is_some_and(|c| c.is_ascii_alphanumeric());
        let (before, after) = (is_latin(at.wrapping_sub(1)), is_latin(at + 1));
        match self.text[at] {
            ',' => !(before && after),
            ' ' => !(before || after),
            c => matches!(c, '。' | '…'),
        }
    }

    fn char(&self, at: usize) -> Option<char> {
        self.text.get(at).copied()
    }
}

const N_LISTS: usize = 3;

fn words(n: Range<usize>) -> impl Strategy<Value = Vec<String>> {
    btree_set("[没吗炸了a1]{1,3}", n).prop_map(|words| words.into_iter().collect())
}

fn lexicons() -> impl Strategy<Value = Lexicon> {
    let guard = (words(0..3), words(0..3), words(0..2), 0..4_usize);
    let guards = prop::collection::vec(guard, 2).prop_map(|guards| {
        let guards =
            guards.into_iter().enumerate().map(|(idx, (before, after, idioms, window))| Guard {
                name: format!("guard{idx}"),
                file: String::new(),
                before,
                after,
                idioms,
                window,
            });
        guards.collect()
    });
    let list = (words(1..4), btree_set(0..2_usize, 0..3));
    let lists = prop::collection::vec(list, N_LISTS).prop_map(|lists| {
        let lists = lists.into_iter().enumerate().map(|(idx, (phrases, guards))| PhraseList {
            name: format!("list{idx}"),
            file: String::new(),
            phrases,
            guards: guards.into_iter().map(GuardIdx).collect(),
        });
        lists.collect()
    });
    (lists, guards).prop_map(|(lists, guards)| Lexicon::new(lists, guards))
}

fn conditions() -> impl Strategy<Value = Condition> {
    let list = || (0..N_LISTS).prop_map(ListIdx);
    let leaf = prop_oneof![
        list().prop_map(Leaf::Phrases),
        (list(), list(), 0..4_usize)
            .prop_map(|(one, other, within)| Leaf::Near { lists: [one, other], within }),
    ];
    leaf.prop_map(Condition::Leaf).prop_recursive(3, 8, 3, |part| {
        prop_oneof![
            part.clone().prop_map(|part| Condition::Not(Box::new(part))),
            prop::collection::vec(part.clone(), 1..3).prop_map(Condition::All),
            prop::collection::vec(part, 1..3).prop_map(Condition::Any),
        ]
    })
}

fn texts() -> impl Strategy<Value = String> {
    prop::collection::vec(select(vec!['没', '吗', '炸', '了', 'a', '1', ',', '。', ' ']), 0..24)
        .prop_map(|chars| chars.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_automaton_agrees_with_a_plain_reading(
        lexicon in lexicons(),
        condition in conditions(),
        text in texts(),
    ) {
        // Whatever normalization does to the text, both read the same one.
        let document = ANALYZER.analyze(&text);
        let reference = Reference { lexicon: &lexicon, text: document.normalized().chars().collect() };
        let view = View::new(&lexicon, Situation::of_words(&document));

        prop_assert_eq!(view.holds(&condition), reference.holds(&condition));
        for list in (0..N_LISTS).map(ListIdx) {
            prop_assert_eq!(view.sightings.counted(list).count(), reference.counted(list).len());
        }
    }
}
