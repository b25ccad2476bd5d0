//! What a rule asks of a complaint, checked: a closed tree over phrases, fields and the model's
//! answer. It says what is asked, not whether it holds; see `evaluate`.

use std::{fmt, ops::Bound};

use crate::domain::{Channel, CustomerTier, LabelId, Prediction};
use crate::rules::lexicon::{Lexicon, ListIdx};

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    /// Every one of them.
    All(Vec<Self>),
    /// One of them at least.
    Any(Vec<Self>),
    /// Not this.
    Not(Box<Self>),
    /// A question that is answered at once.
    Leaf(Leaf),
}

/// A question about the text, a field or the model's answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Leaf {
    /// A phrase of the list stands in the text.
    Phrases(ListIdx),
    /// Phrases of both lists stand in the text, at most so many characters apart.
    Near { lists: [ListIdx; 2], within: usize },
    /// A number lies in a range.
    Number { field: NumberField, range: Interval },
    /// The complaint came in through one of these.
    Channel(Vec<Channel>),
    /// The customer is one of these.
    CustomerTier(Vec<CustomerTier>),
    /// The model's probability of a label lies in a range.
    Score { label: LabelRef, range: Interval },
    /// The model chose a label and is sure enough to be followed.
    Predicted(LabelRef),
}

/// A number that a complaint has or states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberField {
    /// The amount in yuan that the intake system sent.
    Amount,
    /// The largest amount in yuan that the text names or adds up.
    StatedAmount,
    /// How often the customer has written before, as the intake system sent it.
    PriorContacts,
    /// The same as the text states it.
    StatedContacts,
    /// How many people the text says are affected.
    People,
}

impl NumberField {
    pub(super) const ALL: [Self; 5] =
        [Self::Amount, Self::StatedAmount, Self::PriorContacts, Self::StatedContacts, Self::People];

    /// The name in rule files.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Amount => "amount",
            Self::StatedAmount => "stated_amount",
            Self::PriorContacts => "prior_contacts",
            Self::StatedContacts => "stated_contacts",
            Self::People => "people",
        }
    }
}

/// A range of numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Interval {
    pub(super) low: Bound<f64>,
    pub(super) high: Bound<f64>,
}

impl Interval {
    /// Whether a probability lies in it. Models answer in single precision, and `0.7` must mean
    /// the same on both sides.
    pub(super) fn contains_score(self, score: f32) -> bool {
        let single = |bound: Bound<f64>| bound.map(|limit| f64::from(limit as f32));
        Self { low: single(self.low), high: single(self.high) }.contains(f64::from(score))
    }

    /// Whether a number lies in it.
    pub(super) fn contains(self, number: f64) -> bool {
        let above = match self.low {
            Bound::Included(low) => low <= number,
            Bound::Excluded(low) => low < number,
            Bound::Unbounded => true,
        };
        above
            && match self.high {
                Bound::Included(high) => number <= high,
                Bound::Excluded(high) => number < high,
                Bound::Unbounded => true,
            }
    }
}

/// A label of a head, by name and by its place in the taxonomy that the rules were checked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LabelRef {
    pub(super) head: LabelId,
    pub(super) label: LabelId,
    pub(super) head_idx: usize,
    pub(super) label_idx: usize,
    /// Whether the model chooses exactly one label of the head.
    pub(super) exclusive: bool,
}

impl LabelRef {
    /// The model's probability of the label and whether it chose it. Nothing when the prediction
    /// belongs to another taxonomy, as it may for a moment while a new model goes live.
    pub(super) fn answer(&self, prediction: &Prediction) -> Option<(f32, bool)> {
        let (head, answer) = prediction.heads().nth(self.head_idx)?;
        let same = head.id == self.head && head.labels.get(self.label_idx)?.id == self.label;
        same.then(|| {
            let chosen = !answer.abstains && answer.chosen.contains(&self.label_idx);
            (answer.probabilities[self.label_idx], chosen)
        })
    }
}

impl Leaf {
    /// The question in the words of rule files.
    pub(super) fn describe(&self, lexicon: &Lexicon) -> String {
        let names =
            |names: &mut dyn Iterator<Item = &'static str>| names.collect::<Vec<_>>().join(", ");
        match self {
            Self::Phrases(list) => format!("phrases `{}`", lexicon.list(*list).name),
            Self::Near { lists: [one, other], within } => {
                format!(
                    "near `{}`, `{}` within {within}",
                    lexicon.list(*one).name,
                    lexicon.list(*other).name
                )
            }
            Self::Number { field, range } => format!("field `{}`{range}", field.as_str()),
            Self::Channel(channels) => {
                format!(
                    "field `channel` in {}",
                    names(&mut channels.iter().map(|channel| channel.as_str()))
                )
            }
            Self::CustomerTier(tiers) => {
                format!(
                    "field `customer_tier` in {}",
                    names(&mut tiers.iter().map(|tier| tier.as_str()))
                )
            }
            Self::Score { label, range } => format!("score `{label}`{range}"),
            Self::Predicted(label) => format!("predicted `{label}`"),
        }
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.low {
            Bound::Included(low) => write!(f, " ≥ {low}")?,
            Bound::Excluded(low) => write!(f, " > {low}")?,
            Bound::Unbounded => {}
        }
        match self.high {
            Bound::Included(high) => write!(f, " ≤ {high}"),
            Bound::Excluded(high) => write!(f, " < {high}"),
            Bound::Unbounded => Ok(()),
        }
    }
}

impl fmt::Display for LabelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.head, self.label)
    }
}
