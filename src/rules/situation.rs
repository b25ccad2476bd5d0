//! What rules are asked about: a text that has been read, the fields beside it and the model's
//! answer; and how a single question is answered.

use crate::domain::{Channel, Complaint, CustomerTier, Money, Prediction, Span};
use crate::rules::condition::{Condition, Leaf, NumberField};
use crate::rules::lexicon::{Lexicon, Sighting, Sightings};
use crate::rules::list_set::ListSet;
use crate::text::Document;

/// A complaint as the rules see it.
#[derive(Clone, Copy)]
pub struct Situation<'a> {
    /// The words.
    pub document: &'a Document<'a>,
    /// The amount in dispute as the intake system states it.
    pub amount: Option<Money>,
    /// Where it came in.
    pub channel: Option<Channel>,
    /// The customer's tier.
    pub customer_tier: CustomerTier,
    /// How often the customer has contacted the firm about this before.
    pub prior_contacts: Option<u32>,
    /// The model's answer, if there is one.
    pub prediction: Option<&'a Prediction>,
}

impl<'a> Situation<'a> {
    /// A text and nothing else.
    pub const fn of_words(document: &'a Document<'a>) -> Self {
        Self {
            document,
            amount: None,
            channel: None,
            customer_tier: CustomerTier::Standard,
            prior_contacts: None,
            prediction: None,
        }
    }

    /// What a complaint, its text as it was read and the model's answer amount to.
    pub const fn new(
        complaint: &Complaint,
        document: &'a Document<'a>,
        prediction: Option<&'a Prediction>,
    ) -> Self {
        Self {
            document,
            amount: complaint.amount,
            channel: complaint.channel,
            customer_tier: complaint.customer_tier,
            prior_contacts: complaint.prior_contacts,
            prediction,
        }
    }
}

/// A situation whose text has been searched: what every condition is asked of.
pub(super) struct View<'a> {
    pub(super) situation: Situation<'a>,
    pub(super) sightings: Sightings<'a>,
}

impl<'a> View<'a> {
    pub(super) fn new(lexicon: &Lexicon, situation: Situation<'a>) -> Self {
        Self::of_lists(lexicon, situation, ListSet::clone)
    }

    /// With the phrases of some lists alone, chosen among those of which any stands in the text.
    pub(super) fn of_lists(
        lexicon: &Lexicon,
        situation: Situation<'a>,
        choose: impl FnOnce(&ListSet) -> ListSet,
    ) -> Self {
        Self { situation, sightings: lexicon.search(situation.document.normalized(), choose) }
    }

    /// Whether a condition holds.
    pub(super) fn holds(&self, condition: &Condition) -> bool {
        match condition {
            Condition::All(parts) => parts.iter().all(|part| self.holds(part)),
            Condition::Any(parts) => parts.iter().any(|part| self.holds(part)),
            Condition::Not(part) => !self.holds(part),
            Condition::Leaf(leaf) => self.answers(leaf),
        }
    }

    /// Whether a single question is answered with yes.
    pub(super) fn answers(&self, leaf: &Leaf) -> bool {
        match leaf {
            Leaf::Phrases(list) => self.sightings.has(*list),
            Leaf::Near { lists, within } => self.sightings.are_near(*lists, *within),
            Leaf::Number { field, range } => {
                self.number(*field).is_some_and(|number| range.contains(number))
            }
            Leaf::Channel(channels) => {
                self.situation.channel.is_some_and(|channel| channels.contains(&channel))
            }
            Leaf::CustomerTier(tiers) => tiers.contains(&self.situation.customer_tier),
            Leaf::Score { label, range } => self
                .situation
                .prediction
                .and_then(|prediction| label.answer(prediction))
                .is_some_and(|(score, _)| range.contains_score(score)),
            Leaf::Predicted(label) => self
                .situation
                .prediction
                .and_then(|prediction| label.answer(prediction))
                .is_some_and(|(_, chosen)| chosen),
        }
    }

    /// The value of a field, nothing when it is missing.
    pub(super) fn number(&self, field: NumberField) -> Option<f64> {
        let facts = self.situation.document.facts();
        match field {
            NumberField::Amount => self.situation.amount.map(Money::yuan),
            NumberField::StatedAmount => facts.largest_amount().map(|fact| fact.amount.yuan()),
            NumberField::PriorContacts => self.situation.prior_contacts.map(f64::from),
            NumberField::StatedContacts => {
                facts.prior_contacts.as_ref().map(|fact| fact.count.into())
            }
            NumberField::People => facts.people.as_ref().map(|fact| fact.count.into()),
        }
    }

    /// Where in the text the value of a field stands.
    pub(super) fn number_span(&self, field: NumberField) -> Option<Span> {
        let facts = self.situation.document.facts();
        match field {
            NumberField::Amount | NumberField::PriorContacts => None,
            NumberField::StatedAmount => facts.largest_amount().map(|fact| fact.span),
            NumberField::StatedContacts => facts.prior_contacts.as_ref().map(|fact| fact.span),
            NumberField::People => facts.people.as_ref().map(|fact| fact.span),
        }
    }

    /// Where in the original text a condition that holds finds itself confirmed: in the
    /// order of the text.
    pub(super) fn evidence(&self, condition: &Condition) -> Vec<Span> {
        let mut spans = Vec::new();
        self.collect_evidence(condition, &mut spans);
        spans.sort_unstable();
        // Phrases contain and overlap each other; people want to see one place.
        spans.dedup_by(|next, last| {
            let overlaps = next.overlaps(*last);
            if overlaps {
                last.end = last.end.max(next.end);
            }
            overlaps
        });
        spans.truncate(MAX_EVIDENCE);
        spans
    }

    fn collect_evidence(&self, condition: &Condition, spans: &mut Vec<Span>) {
        match condition {
            Condition::All(parts) | Condition::Any(parts) => {
                for part in parts.iter().filter(|part| self.holds(part)) {
                    self.collect_evidence(part, spans);
                }
            }
            // What is not there has no place.
            Condition::Not(_) => {}
            Condition::Leaf(leaf) => match leaf {
                Leaf::Phrases(list) => {
                    spans.extend(self.sightings.counted(*list).map(|seen| self.span(seen)));
                }
                Leaf::Near { lists, within } => {
                    spans.extend(self.sightings.near(*lists, *within).map(|seen| self.span(seen)));
                }
                Leaf::Number { field, .. } => spans.extend(self.number_span(*field)),
                Leaf::Channel(_)
                | Leaf::CustomerTier(_)
                | Leaf::Score { .. }
                | Leaf::Predicted(_) => {}
            },
        }
    }

    /// Where a phrase stands in the original text.
    pub(super) fn span(&self, seen: &Sighting) -> Span {
        self.situation.document.span(seen.start..seen.end)
    }
}

/// A hit shows so many places at most; more convince nobody.
const MAX_EVIDENCE: usize = 32;
