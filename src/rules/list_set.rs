//! Sets of phrase lists, a bit for each, and which lists a condition cannot hold without: most rules
//! are done with before a single question of theirs is asked.

use crate::rules::condition::{Condition, Leaf};
use crate::rules::lexicon::ListIdx;

/// Some of the phrase lists of a lexicon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ListSet(Vec<u64>);

impl ListSet {
    pub(super) fn insert(&mut self, list: ListIdx) {
        let word = list.0 / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (list.0 % 64);
    }

    pub(super) fn contains(&self, list: ListIdx) -> bool {
        self.0.get(list.0 / 64).is_some_and(|word| word >> (list.0 % 64) & 1 == 1)
    }

    pub(super) fn intersects(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(a, b)| a & b != 0)
    }

    fn len(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// Every list that a condition asks about.
    pub(super) fn mentioned_by(condition: &Condition) -> Self {
        let mut all = Self::default();
        match condition {
            Condition::All(parts) | Condition::Any(parts) => {
                for part in parts {
                    all.extend(&Self::mentioned_by(part));
                }
            }
            Condition::Not(part) => all = Self::mentioned_by(part),
            Condition::Leaf(Leaf::Phrases(list)) => all.insert(*list),
            Condition::Leaf(Leaf::Near { lists, .. }) => {
                for list in lists {
                    all.insert(*list);
                }
            }
            Condition::Leaf(_) => {}
        }
        all
    }

    /// Lists of which one at least has a phrase that counts wherever the condition holds; nothing
    /// when it may hold without any phrase.
    pub(super) fn needed_by(condition: &Condition) -> Option<Self> {
        match condition {
            Condition::All(parts) => parts.iter().filter_map(Self::needed_by).min_by_key(Self::len),
            Condition::Any(parts) => {
                let mut all = Self::default();
                for part in parts {
                    all.extend(&Self::needed_by(part)?);
                }
                Some(all)
            }
            Condition::Leaf(Leaf::Phrases(list) | Leaf::Near { lists: [list, _], .. }) => {
                let mut one = Self::default();
                one.insert(*list);
                Some(one)
            }
            Condition::Not(_) | Condition::Leaf(_) => None,
        }
    }

    pub(super) fn extend(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            *word |= more;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phrases(list: usize) -> Condition {
        Condition::Leaf(Leaf::Phrases(ListIdx(list)))
    }

    fn set(lists: &[usize]) -> ListSet {
        let mut set = ListSet::default();
        for &list in lists {
            set.insert(ListIdx(list));
        }
        set
    }

    #[test]
    fn a_set_knows_what_was_put_in() {
        let lists = set(&[3, 64, 200]);
        for list in 0..300 {
            assert_eq!(lists.contains(ListIdx(list)), [3, 64, 200].contains(&list), "of {list}");
        }
        assert!(lists.intersects(&set(&[200])));
        assert!(!lists.intersects(&set(&[4, 199])));
        assert!(!lists.intersects(&set(&[])));
    }

    #[test]
    fn a_condition_needs_what_it_cannot_hold_without() {
        let any_tier = || Condition::Leaf(Leaf::CustomerTier(Vec::new()));
        let near = Condition::Leaf(Leaf::Near { lists: [ListIdx(7), ListIdx(8)], within: 4 });
        let not = Condition::Not(Box::new(phrases(5)));
        let any = |parts| Condition::Any(parts);
        let all = |parts| Condition::All(parts);
        for (condition, needed, mentioned) in [
            (phrases(2), Some(set(&[2])), set(&[2])),
            (near, Some(set(&[7])), set(&[7, 8])),
            (any(vec![phrases(1), phrases(70)]), Some(set(&[1, 70])), set(&[1, 70])),
            (any(vec![phrases(1), any_tier()]), None, set(&[1])),
            (
                all(vec![any(vec![phrases(1), phrases(2)]), phrases(9)]),
                Some(set(&[9])),
                set(&[1, 2, 9]),
            ),
            (all(vec![phrases(1), not.clone()]), Some(set(&[1])), set(&[1, 5])),
            (not, None, set(&[5])),
            (any_tier(), None, set(&[])),
            (all(vec![any_tier()]), None, set(&[])),
        ] {
            assert_eq!(ListSet::needed_by(&condition), needed, "of {condition:?}");
            assert_eq!(ListSet::mentioned_by(&condition), mentioned, "of {condition:?}");
        }
    }
}
