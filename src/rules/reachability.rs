//! Conditions that can never be true, found before anybody waits for them in vain. What it names
//! is certainly unreachable; it does not find everything that is.

use std::ops::Bound;

use crate::rules::condition::{Condition, Interval, LabelRef, Leaf};
use crate::rules::lexicon::Lexicon;
use crate::rules::mistake::{Findings, Place};

/// A question and the answer that a condition needs.
type Demand<'c> = (&'c Leaf, bool);

/// Names every part of a condition that can never be true.
pub(super) fn check(
    condition: &Condition,
    lexicon: &Lexicon,
    place: &Place,
    findings: &mut Findings,
) {
    let mut checker = Checker { lexicon, place, findings };
    checker.check(condition, true, &mut Vec::new());
}

struct Checker<'c> {
    lexicon: &'c Lexicon,
    place: &'c Place,
    findings: &'c mut Findings,
}

/// What a condition demands at once, and the choices that it leaves.
#[derive(Default)]
struct Demands<'c> {
    all: Vec<Demand<'c>>,
    choices: Vec<(&'c [Condition], bool)>,
}

impl<'c> Demands<'c> {
    /// Takes a condition apart; by De Morgan's laws `not any` demands all, and `not all` is a choice.
    fn collect(&mut self, condition: &'c Condition, wanted: bool) {
        match condition {
            Condition::Leaf(leaf) => self.all.push((leaf, wanted)),
            Condition::Not(part) => self.collect(part, !wanted),
            Condition::All(parts) if wanted => self.collect_all(parts, wanted),
            Condition::Any(parts) if !wanted => self.collect_all(parts, wanted),
            Condition::All(parts) | Condition::Any(parts) => match parts.as_slice() {
                [part] => self.collect(part, wanted),
                parts => self.choices.push((parts, wanted)),
            },
        }
    }

    fn collect_all(&mut self, parts: &'c [Condition], wanted: bool) {
        for part in parts {
            self.collect(part, wanted);
        }
    }
}

impl Checker<'_> {
    /// Checks a condition beside what is demanded already.
    fn check<'d>(
        &mut self,
        condition: &'d Condition,
        wanted: bool,
        demanded: &mut Vec<Demand<'d>>,
    ) {
        let n_before = demanded.len();
        let mut demands = Demands::default();
        demands.collect(condition, wanted);
        for demand in demands.all {
            demanded.push(demand);
            if let Some(contradiction) = self.contradiction(demanded) {
                let message = format!("a condition can never be true: {contradiction}");
                self.findings.mistake(self.place, message, "correct or remove it");
                demanded.truncate(n_before);
                return;
            }
        }
        for (parts, wanted) in demands.choices {
            for part in parts {
                self.check(part, wanted, demanded);
            }
        }
        demanded.truncate(n_before);
    }

    /// How the latest demand contradicts itself or the others, if it does.
    fn contradiction(&self, demanded: &[Demand<'_>]) -> Option<String> {
        let (&(latest, wanted), _) = demanded.split_last()?;
        let same = |leaf: &Leaf| {
            demanded.iter().any(|&(other, other_wanted)| other == leaf && other_wanted != wanted)
        };
        if same(latest) {
            return Some(format!("{} and its opposite", latest.describe(self.lexicon)));
        }
        match latest {
            Leaf::Number { .. } | Leaf::Score { .. } => range_contradiction(latest, demanded),
            Leaf::Channel(_) => set_contradiction("channel", demanded, |leaf| match leaf {
                Leaf::Channel(values) => Some(values),
                _ => None,
            }),
            Leaf::CustomerTier(_) => {
                set_contradiction("customer_tier", demanded, |leaf| match leaf {
                    Leaf::CustomerTier(values) => Some(values),
                    _ => None,
                })
            }
            Leaf::Predicted(label) if wanted => prediction_contradiction(label, demanded),
            Leaf::Near { .. } | Leaf::Phrases(_) => self.near_contradiction(demanded),
            Leaf::Predicted(_) => None,
        }
    }

    /// Phrases of a list cannot stand near others and be absent.
    fn near_contradiction(&self, demanded: &[Demand<'_>]) -> Option<String> {
        let near = demanded.iter().filter_map(|(leaf, wanted)| match leaf {
            Leaf::Near { lists, .. } if *wanted => Some(lists),
            _ => None,
        });
        let absent =
            near.flatten().find(|list| demanded.contains(&(&Leaf::Phrases(**list), false)))?;
        Some(format!("phrases `{}` near others and absent", self.lexicon.list(*absent).name))
    }
}

/// The values that a leaf compares, and the range in which all of them lie.
fn quantity(leaf: &Leaf) -> Option<(String, Interval, Interval)> {
    match leaf {
        Leaf::Number { field, range } => {
            let natural = Interval { low: Bound::Included(0.0), high: Bound::Unbounded };
            Some((format!("field `{}`", field.as_str()), *range, natural))
        }
        Leaf::Score { label, range } => {
            let natural = Interval { low: Bound::Included(0.0), high: Bound::Included(1.0) };
            Some((format!("score `{}/{}`", label.head, label.label), *range, natural))
        }
        _ => None,
    }
}

/// Ranges that leave no number.
fn range_contradiction(latest: &Leaf, demanded: &[Demand<'_>]) -> Option<String> {
    let (name, _, natural) = quantity(latest)?;
    let same: Vec<_> = demanded
        .iter()
        .filter_map(|&(leaf, wanted)| Some((quantity(leaf)?, wanted)))
        .filter(|((other, ..), _)| *other == name)
        .map(|((_, range, _), wanted)| (range, wanted))
        .collect();
    let wanted: Vec<_> =
        same.iter().filter(|(_, wanted)| *wanted).map(|&(range, _)| range).collect();
    // A missing value meets every `not`, so that only a wanted range can be contradicted.
    if wanted.is_empty() {
        return None;
    }
    let left = wanted.into_iter().fold(natural, intersect);
    let excluded = |&(range, wanted): &(Interval, bool)| !wanted && intersect(left, range) == left;
    (is_empty(left) || same.iter().any(excluded)).then(|| format!("no value of {name} is left"))
}

/// The numbers that lie in both.
fn intersect(one: Interval, other: Interval) -> Interval {
    let low = match (one.low, other.low) {
        (Bound::Unbounded, low) | (low, Bound::Unbounded) => low,
        (low, other) if limit(low) == limit(other) => {
            if matches!(low, Bound::Excluded(_)) {
                low
            } else {
                other
            }
        }
        (low, other) => {
            if limit(low) < limit(other) {
                other
            } else {
                low
            }
        }
    };
    let high = match (one.high, other.high) {
        (Bound::Unbounded, high) | (high, Bound::Unbounded) => high,
        (high, other) if limit(high) == limit(other) => {
            if matches!(high, Bound::Excluded(_)) {
                high
            } else {
                other
            }
        }
        (high, other) => {
            if limit(high) < limit(other) {
                high
            } else {
                other
            }
        }
    };
    Interval { low, high }
}

fn limit(bound: Bound<f64>) -> Option<f64> {
    match bound {
        Bound::Included(limit) | Bound::Excluded(limit) => Some(limit),
        Bound::Unbounded => None,
    }
}

fn is_empty(range: Interval) -> bool {
    match (range.low, range.high) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(low), Bound::Included(high)) => high < low,
        (
            Bound::Included(low) | Bound::Excluded(low),
            Bound::Included(high) | Bound::Excluded(high),
        ) => high <= low,
    }
}

/// Sets that leave no value.
fn set_contradiction<T: PartialEq>(
    name: &str,
    demanded: &[Demand<'_>],
    values_of: impl Fn(&Leaf) -> Option<&Vec<T>>,
) -> Option<String> {
    let sets: Vec<_> =
        demanded.iter().filter_map(|&(leaf, wanted)| Some((values_of(leaf)?, wanted))).collect();
    let (first, _) = sets.iter().find(|(_, wanted)| *wanted)?;
    let possible =
        first.iter().any(|value| sets.iter().all(|(set, wanted)| set.contains(value) == *wanted));
    (!possible).then(|| format!("no value of field `{name}` is left"))
}

/// A model chooses one label of such a head.
fn prediction_contradiction(label: &LabelRef, demanded: &[Demand<'_>]) -> Option<String> {
    let contradicts = |leaf: &Leaf| match leaf {
        Leaf::Predicted(other) => {
            label.exclusive && other.head == label.head && other.label != label.label
        }
        _ => false,
    };
    let both = demanded.iter().any(|&(leaf, wanted)| wanted && contradicts(leaf));
    both.then(|| format!("the model chooses only one label of `{}`", label.head))
}
