//! What a customer is owed: standards as data, each with its legal basis. From the grounds that a
//! person has found the service drafts offers; it never finds a ground, and it grants nothing.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::cases::{Offer, Proposal, RefusalReason, Remedy, RemedyKind};
use crate::domain::Money;

/// What the investigation found that money can be owed for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Claim {
    /// The grounds, by the names of the standards; none when nothing is owed.
    pub grounds: Vec<String>,
    /// What keeps a standard from applying, such as a harmless flaw of a label.
    pub exceptions: Vec<String>,
    /// What the customer paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    /// What it cost the customer beside that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<Money>,
    /// How many hours the service was late.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delayed_hours: Option<u32>,
}

/// Every standard, and how far goodwill goes above them.
#[derive(Clone, Debug, PartialEq)]
pub struct Compensation {
    goodwill_percent: u8,
    standards: Vec<Standard>,
}

/// The section of the handbook as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CompensationSource {
    goodwill_percent: u8,
    standards: Vec<Standard>,
}

/// What is owed on one ground.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Standard {
    ground: String,
    name: String,
    basis: String,
    #[serde(default)]
    unless: Option<String>,
    #[serde(default)]
    delayed_over_hours: Option<u32>,
    remedies: Vec<Formula>,
}

/// One remedy of a standard.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Formula {
    kind: RemedyKind,
    #[serde(default)]
    price_times: u8,
    #[serde(default)]
    loss_times: u8,
    #[serde(default)]
    at_least: Money,
}

impl CompensationSource {
    /// The checked section; what is wrong goes to `mistakes`.
    pub(super) fn check(self, mistakes: &mut Vec<String>) -> Compensation {
        if 100 < self.goodwill_percent {
            mistakes.push("`compensation.goodwill_percent` is 0 to 100".to_owned());
        }
        let mut seen = HashSet::new();
        for Standard { ground, name, basis, remedies, .. } in &self.standards {
            if !seen.insert(ground) {
                mistakes.push(format!("the ground `{ground}` has two standards"));
            }
            if [ground, name, basis].into_iter().any(|it| it.trim().is_empty()) {
                mistakes.push(format!("the standard `{ground}` needs a name and a legal basis"));
            }
            let nothing = |it: &Formula| {
                it.price_times == 0 && it.loss_times == 0 && it.at_least == Money::default()
            };
            if remedies.is_empty() || remedies.iter().any(nothing) {
                mistakes.push(format!("the standard `{ground}` has a remedy of no amount"));
            }
        }
        let Self { goodwill_percent, standards } = self;
        Compensation { goodwill_percent, standards }
    }
}

impl Compensation {
    /// The grounds that have a standard, with its name for people.
    pub fn grounds(&self) -> impl Iterator<Item = (&str, &str)> {
        self.standards.iter().map(|it| (it.ground.as_str(), it.name.as_str()))
    }

    /// One offer for each ground, as its standard has it, with the calculation and its basis.
    ///
    /// Grounds are alternatives and do not add up: the law grants no customer threefold and
    /// tenfold for the same purchase. Who wants to offer more goes by goodwill.
    pub fn draft(&self, claim: &Claim) -> Result<Vec<Offer>, RefusalReason> {
        claim.grounds.iter().map(|ground| self.offer(ground, claim)).collect()
    }

    fn offer(&self, ground: &str, claim: &Claim) -> Result<Offer, RefusalReason> {
        let standard = self.standards.iter().find(|standard| standard.ground == ground);
        let Some(standard) = standard else {
            let known: Vec<_> = self.standards.iter().map(|it| it.ground.as_str()).collect();
            return Err(RefusalReason::UnknownGround(known.join(", ")));
        };
        standard.applies(claim)?;
        let remedies = standard.remedies.iter().map(|formula| formula.remedy(standard, claim));
        Ok(Offer { remedies: remedies.collect::<Result<_, _>>()?, special_case: None })
    }

    /// Whether a proposal can be made for a claim: one offer at least is worth the standard, and
    /// none goes above it further than goodwill, nor at all without saying why.
    pub(super) fn check(&self, claim: &Claim, proposal: &Proposal) -> Result<(), RefusalReason> {
        let owed = self.draft(claim)?.iter().map(Offer::total).max().unwrap_or_default();
        let most = Money::from_fen(percent(owed, 100 + self.goodwill_percent));
        for offer in &proposal.offers {
            match offer.total() {
                total if most < total => return Err(RefusalReason::AboveGoodwill(most)),
                total if owed < total && offer.special_case.is_none() => {
                    return Err(RefusalReason::SpecialCaseDue(owed));
                }
                _ => {}
            }
        }
        if proposal.offers.iter().all(|offer| offer.total() < owed) {
            return Err(RefusalReason::BelowStandard(owed));
        }
        Ok(())
    }
}

impl Standard {
    fn applies(&self, claim: &Claim) -> Result<(), RefusalReason> {
        if let Some(exception) = self.unless.as_ref().filter(|it| claim.exceptions.contains(it)) {
            return Err(RefusalReason::Excepted(exception.clone()));
        }
        match (self.delayed_over_hours, claim.delayed_hours) {
            (Some(_), None) => Err(RefusalReason::Missing(vec!["delayed_hours"])),
            (Some(least), Some(hours)) if hours <= least => Err(RefusalReason::NotLate(least)),
            _ => Ok(()),
        }
    }
}

impl Formula {
    fn remedy(&self, standard: &Standard, claim: &Claim) -> Result<Remedy, RefusalReason> {
        if 0 < self.price_times && claim.price.is_none() {
            return Err(RefusalReason::Missing(vec!["price"]));
        }
        let of_price = times(claim.price.unwrap_or_default(), self.price_times);
        let of_loss = times(claim.loss.unwrap_or_default(), self.loss_times);
        let amount = of_price.max(of_loss).max(self.at_least);
        let ground = match amount {
            it if it == of_price => format!("价款的 {} 倍", self.price_times),
            it if it == of_loss => format!("损失的 {} 倍", self.loss_times),
            it => format!("不足 {it} 元的按 {it} 元"),
        };
        let words = format!("{}：{amount} 元（{ground}）", standard.name);
        Ok(Remedy {
            kind: self.kind,
            amount: Some(amount),
            words,
            basis: Some(standard.basis.clone()),
        })
    }
}

impl Offer {
    /// What it costs the firm in money.
    pub fn total(&self) -> Money {
        let fen = self.remedies.iter().filter_map(|remedy| remedy.amount).map(Money::fen);
        Money::from_fen(fen.fold(0, i64::saturating_add))
    }
}

fn times(amount: Money, times: u8) -> Money {
    Money::from_fen(amount.fen().saturating_mul(i64::from(times)))
}

/// So many percent in fen, rounded down: goodwill has a ceiling.
fn percent(amount: Money, percent: u8) -> i64 {
    amount.fen().saturating_mul(i64::from(percent)) / 100
}
