//! How a case ended, as its events tell it: what the archive keeps of it beside the words.

use jiff::Timestamp;

use crate::cases::{Event, Liability, Offer, Proposal, Record, RemedyKind};
use crate::domain::Money;

/// How a case ended, or how far it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settlement {
    /// What the customer got last, each kind once; empty when nothing was agreed on.
    pub remedies: Vec<RemedyKind>,
    /// Compensation and vouchers that were granted and executed, over all rounds.
    pub compensation: Money,
    /// Refunds that were granted and executed, over all rounds.
    pub refund: Money,
    /// Who was found liable last.
    pub liability: Option<Liability>,
    /// How content the customer was, from 1 to 5.
    pub satisfaction: Option<u8>,
    /// How often it was opened again after it had been closed.
    pub n_reopened: u32,
    /// When the matter was settled for good: executed, or answered finally.
    pub settled_at: Option<Timestamp>,
    /// When it was archived last.
    pub archived_at: Option<Timestamp>,
    /// What was written when it was archived.
    pub summary: String,
}

impl Settlement {
    /// What events tell, oldest first.
    pub fn of<'r>(records: impl IntoIterator<Item = &'r Record>) -> Self {
        let mut settlement = Self::default();
        let mut offered: Option<&Proposal> = None;
        let mut chosen: Option<&Offer> = None;
        for Record { at, event, .. } in records {
            match event {
                Event::InvestigationConcluded { liability, .. } => {
                    settlement.liability = Some(*liability);
                }
                Event::Proposed { proposal } => offered = Some(proposal),
                Event::OfferChosen { offer } => {
                    chosen = offered.and_then(|proposal| proposal.offers.get(*offer));
                }
                Event::Executed { .. } => settlement.execute(chosen, *at),
                Event::AnsweredFinally { .. } => {
                    settlement.remedies.clear();
                    settlement.settled_at = Some(*at);
                }
                Event::Confirmed { satisfaction } => settlement.satisfaction = *satisfaction,
                Event::Disputed { .. } => settlement.settled_at = None,
                Event::Reopened { .. } => {
                    settlement.n_reopened += 1;
                    settlement.settled_at = None;
                }
                Event::Archived { summary } => {
                    settlement.archived_at = Some(*at);
                    settlement.summary.clone_from(summary);
                }
                _ => {}
            }
        }
        settlement
    }

    fn execute(&mut self, chosen: Option<&Offer>, at: Timestamp) {
        self.settled_at = Some(at);
        self.remedies.clear();
        for remedy in chosen.iter().flat_map(|offer| &offer.remedies) {
            if !self.remedies.contains(&remedy.kind) {
                self.remedies.push(remedy.kind);
            }
            let amount = remedy.amount.unwrap_or_default().fen();
            match remedy.kind {
                RemedyKind::Refund => self.refund = Money::from_fen(self.refund.fen() + amount),
                RemedyKind::Compensation | RemedyKind::Voucher => {
                    self.compensation = Money::from_fen(self.compensation.fen() + amount);
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::Remedy;
    use crate::domain::{Actor, StaffRole};

    fn record(minute: i64, event: Event) -> Record {
        let actor = Actor { name: "wang.fang".to_owned(), role: StaffRole::FrontLine };
        Record { at: Timestamp::from_second(60 * minute).expect("it is a time"), actor, event }
    }

    fn offer(remedies: &[(RemedyKind, i64)]) -> Offer {
        let remedy = |&(kind, yuan): &(RemedyKind, i64)| Remedy {
            kind,
            amount: Some(Money::from_yuan(yuan)),
            words: "补偿".to_owned(),
            basis: None,
        };
        Offer { remedies: remedies.iter().map(remedy).collect(), special_case: None }
    }

    #[test]
    fn money_of_every_round_counts_and_the_last_outcome_stands() {
        let executed = || Event::Executed { tracking_number: None, note: "已付".to_owned() };
        let first = offer(&[(RemedyKind::Voucher, 50)]);
        let second = offer(&[(RemedyKind::Refund, 399), (RemedyKind::Compensation, 500)]);
        let proposed = |offers: Vec<Offer>| Event::Proposed { proposal: Proposal { offers } };
        let archived = |summary: &str| Event::Archived { summary: summary.to_owned() };
        let records: Vec<Record> = [
            proposed(vec![first]),
            Event::OfferChosen { offer: 0 },
            executed(),
            Event::Confirmed { satisfaction: Some(2) },
            archived("一"),
            Event::Reopened { reason: "又坏了".to_owned() },
            proposed(vec![offer(&[]), second]),
            Event::OfferChosen { offer: 1 },
            executed(),
            archived("二"),
        ]
        .into_iter()
        .zip(0..)
        .map(|(event, minute)| record(minute, event))
        .collect();
        let settlement = Settlement::of(&records);
        let expected = Settlement {
            remedies: vec![RemedyKind::Refund, RemedyKind::Compensation],
            compensation: Money::from_yuan(550),
            refund: Money::from_yuan(399),
            liability: None,
            satisfaction: Some(2),
            n_reopened: 1,
            settled_at: Some(records[8].at),
            archived_at: Some(records[9].at),
            summary: "二".to_owned(),
        };
        assert_eq!(settlement, expected);
        assert_eq!(Settlement::of(&records[..6]).settled_at, None);
    }
}
