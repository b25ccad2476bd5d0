//! Commands become events, or a refusal that says why and what is possible.

use crate::cases::{
    Act, Command, EscalationForm, Event, Investigation, Life, Move, Offer, Proposal, Record,
    Refusal, RefusalReason, Stage, Timetable,
};
use crate::domain::{StaffRole, Tier};

impl Life {
    /// What follows from a command.
    pub fn decide(&self, act: Act, table: &Timetable<'_>) -> Result<Vec<Record>, Refusal> {
        let wanted = act.command.move_of();
        if let Err(reason) = self.check(&act, table) {
            return Err(Refusal { wanted, stage: self.stage, reason, legal: self.legal_moves() });
        }
        let Act { actor, at, command } = act;
        // Clocks of several machines differ; a life runs one way.
        let at = at.max(self.last_at);
        let resumed = (self.is_paused() && wanted == Move::Archive).then_some(Event::Resumed {});
        let events = resumed.into_iter().chain([self.event_of(command, table)]);
        Ok(events.map(|event| Record { at, actor: actor.clone(), event }).collect())
    }

    /// What is possible now, whoever asks.
    pub fn legal_moves(&self) -> Vec<Move> {
        Move::ALL.into_iter().filter(|&it| self.is_legal(it)).collect()
    }

    fn is_legal(&self, wanted: Move) -> bool {
        let now = match wanted {
            Move::Review => !self.is_reviewed(),
            Move::Investigate => self.is_reviewed() || !self.needs_review(),
            Move::Pause => !self.is_paused(),
            Move::Resume => self.is_paused(),
            Move::Escalate => self.tier < Tier::Executive,
            Move::SendBack => Tier::FrontLine < self.tier,
            _ => true,
        };
        now && !self.is_erased && wanted.stages().contains(&self.stage)
    }

    fn needs_review(&self) -> bool {
        self.standing.needs_triage || self.standing.executive_review
    }

    fn is_reviewed(&self) -> bool {
        self.stage == Stage::Review
    }

    /// Whose the move is. Approvals of a special case have one owner at a time.
    fn allowed(&self, wanted: Move) -> &'static [StaffRole] {
        match (wanted, self.next_special_approval()) {
            (Move::Approve, Some(role)) => role,
            _ => wanted.roles(self.tier),
        }
    }

    /// Whose approval comes next for an offer above the standard; nothing when any of the deciding
    /// tier will do.
    fn next_special_approval(&self) -> Option<&'static [StaffRole]> {
        let special = self.chosen_offer()?.special_approvals();
        let n_approvals = self.round.approvals.len();
        special.get(n_approvals..=n_approvals)
    }

    fn chosen_offer(&self) -> Option<&Offer> {
        self.proposal()?.offers.get(self.round.chosen?)
    }

    /// How many approvals the chosen offer takes.
    fn n_approvals_needed(&self) -> usize {
        let n_special = self.chosen_offer().map_or(0, |offer| offer.special_approvals().len());
        // Department head and director stand for the first two tiers, not for the executives.
        n_special + usize::from(n_special == 0 || self.tier == Tier::Executive)
    }

    /// Whether the stage has the move and it is theirs.
    pub(super) fn check_who(&self, wanted: Move, role: StaffRole) -> Result<(), RefusalReason> {
        if self.is_erased || !wanted.stages().contains(&self.stage) {
            return Err(RefusalReason::Stage);
        }
        let allowed = self.allowed(wanted);
        if allowed.contains(&role) {
            return Ok(());
        }
        Err(match self.next_special_approval() {
            Some(&[next]) if wanted == Move::Approve => RefusalReason::ApprovalOrder(next),
            _ => RefusalReason::Role { role, allowed: allowed.to_vec() },
        })
    }

    fn check(&self, act: &Act, table: &Timetable<'_>) -> Result<(), RefusalReason> {
        let role = act.actor.role;
        self.check_who(act.command.move_of(), role)?;
        filled("by", &act.actor.name)?;
        match &act.command {
            Command::Accept { contact_person } => filled("contact_person", contact_person),
            Command::Assign { department } => filled("department", department),
            Command::Review { finding } => self.check_review(role, finding),
            Command::Investigate { lead, departments } => {
                self.check_investigation(lead, departments)
            }
            Command::Opine { department, opinion } => self.check_opinion(department, opinion),
            Command::AddEvidence { item } => filled("item", item),
            Command::Conclude { findings, claim, .. } => {
                table.handbook.compensation.draft(claim)?;
                self.check_conclusion(findings)
            }
            Command::Propose(proposal) => self.check_proposal(proposal, table),
            Command::Choose { offer } => self.check_choice(*offer),
            Command::Revise { reason } => {
                filled("reason", reason)?;
                self.check_revisions(table)
            }
            Command::AnswerFinally { explanation, recourse } => {
                filled("explanation", explanation)?;
                filled("recourse", recourse)?;
                self.check_last_word(table)
            }
            Command::Approve => self.check_approval(&act.actor.name),
            Command::Contact { note: text, .. }
            | Command::Execute { note: text, .. }
            | Command::RefuseApproval { reason: text }
            | Command::Dispute { reason: text }
            | Command::Reopen { reason: text } => filled("reason", text),
            Command::Confirm { satisfaction } => match satisfaction {
                Some(0 | 6..) => Err(RefusalReason::Rating),
                _ => Ok(()),
            },
            Command::Archive { summary } => {
                filled("summary", summary)?;
                self.check_archive(table)
            }
            Command::Escalate { to, form } => self.check_escalation(*to, form),
            Command::SendBack { reason } => match self.tier {
                Tier::FrontLine => Err(RefusalReason::WrongTier(self.tier)),
                _ => filled("reason", reason),
            },
            Command::Pause { .. } if self.is_paused() => Err(RefusalReason::AlreadyPaused),
            Command::Pause { reason } => filled("reason", reason),
            Command::Resume if !self.is_paused() => Err(RefusalReason::NotPaused),
            // Who takes a case in may take it over; who hands work out sees the whole desk.
            Command::Take { owner: Some(owner) } => {
                let allowed = Move::Review.roles(self.tier);
                if !allowed.contains(&role) {
                    return Err(RefusalReason::Role { role, allowed: allowed.to_vec() });
                }
                filled("owner", owner)
            }
            Command::Take { owner: None } | Command::Resume => Ok(()),
        }
    }

    fn check_review(&self, role: StaffRole, finding: &str) -> Result<(), RefusalReason> {
        if self.standing.executive_review && role != StaffRole::Executive {
            return Err(RefusalReason::ExecutiveReviewDue);
        }
        filled("finding", finding)
    }

    fn check_investigation(&self, lead: &str, departments: &[String]) -> Result<(), RefusalReason> {
        if self.needs_review() && !self.is_reviewed() {
            return Err(RefusalReason::ReviewDue);
        }
        filled("lead", lead)?;
        if departments.is_empty() {
            return Err(RefusalReason::Missing(vec!["departments"]));
        }
        departments.iter().try_for_each(|department| filled("departments", department))
    }

    fn check_opinion(&self, department: &str, opinion: &str) -> Result<(), RefusalReason> {
        filled("opinion", opinion)?;
        let concerned = self.investigation.as_ref().map_or(&[][..], |it| &it.departments[..]);
        if concerned.iter().any(|it| it == department) {
            Ok(())
        } else {
            Err(RefusalReason::UnknownDepartment(department.chars().take(40).collect()))
        }
    }

    fn check_conclusion(&self, findings: &str) -> Result<(), RefusalReason> {
        filled("findings", findings)?;
        let silent = self.investigation.as_ref().map_or_else(Vec::new, Investigation::silent);
        if silent.is_empty() { Ok(()) } else { Err(RefusalReason::OpinionsMissing(silent)) }
    }

    fn check_proposal(
        &self,
        proposal: &Proposal,
        table: &Timetable<'_>,
    ) -> Result<(), RefusalReason> {
        let missing = proposal.missing();
        if !missing.is_empty() {
            return Err(RefusalReason::Missing(missing));
        }
        let most = table.handbook.revisions;
        if most < self.round.n_proposals {
            return Err(RefusalReason::RevisionsUsedUp(most));
        }
        table.handbook.compensation.check(&self.claim, proposal)
    }

    fn check_choice(&self, offer: usize) -> Result<(), RefusalReason> {
        let n_offers = self.proposal().map_or(0, |proposal| proposal.offers.len());
        if offer < n_offers { Ok(()) } else { Err(RefusalReason::NoSuchOffer(n_offers)) }
    }

    fn check_revisions(&self, table: &Timetable<'_>) -> Result<(), RefusalReason> {
        let most = table.handbook.revisions;
        if self.round.n_proposals <= most {
            Ok(())
        } else {
            Err(RefusalReason::RevisionsUsedUp(most))
        }
    }

    fn check_last_word(&self, table: &Timetable<'_>) -> Result<(), RefusalReason> {
        let left = (table.handbook.revisions + 1).saturating_sub(self.round.n_proposals);
        if left == 0 { Ok(()) } else { Err(RefusalReason::RevisionsLeft(left)) }
    }

    fn check_approval(&self, name: &str) -> Result<(), RefusalReason> {
        let proposed = self.round.proposal.as_ref().is_some_and(|(_, by)| by == name);
        if proposed || self.round.approvals.iter().any(|by| by == name) {
            return Err(RefusalReason::OwnProposal);
        }
        Ok(())
    }

    /// A case is closed by the customer's word or by their silence, never by a click alone.
    fn check_archive(&self, table: &Timetable<'_>) -> Result<(), RefusalReason> {
        let mut days: Vec<_> =
            self.round.unanswered.iter().map(|&at| table.calendar.date(at)).collect();
        days.sort_unstable();
        days.dedup();
        let needed = table.handbook.unanswered_contacts;
        if self.round.confirmed || usize::from(needed) <= days.len() {
            return Ok(());
        }
        Err(RefusalReason::Unconfirmed { made: days.len() as u8, needed })
    }

    fn check_escalation(&self, to: Tier, form: &EscalationForm) -> Result<(), RefusalReason> {
        if to <= self.tier {
            return Err(RefusalReason::WrongTier(self.tier));
        }
        let missing = form.missing(to);
        if missing.is_empty() { Ok(()) } else { Err(RefusalReason::Missing(missing)) }
    }

    /// The event of a command that has been checked.
    fn event_of(&self, command: Command, table: &Timetable<'_>) -> Event {
        match command {
            Command::Accept { contact_person } => Event::Accepted { contact_person },
            Command::Assign { department } => Event::Assigned { department },
            Command::Take { owner } => Event::Taken { owner },
            Command::Review { finding } => Event::Reviewed { finding },
            Command::Investigate { lead, departments } => {
                Event::InvestigationOpened { lead, departments }
            }
            Command::Opine { department, opinion } => Event::OpinionGiven { department, opinion },
            Command::AddEvidence { item } => Event::EvidenceAdded { item },
            Command::Conclude { liability, findings, claim } => {
                Event::InvestigationConcluded { liability, findings, claim }
            }
            Command::Propose(proposal) => Event::Proposed { proposal },
            Command::Choose { offer } => Event::OfferChosen { offer },
            Command::Revise { reason } => Event::RevisionWanted { reason },
            Command::AnswerFinally { explanation, recourse } => {
                Event::AnsweredFinally { explanation, recourse }
            }
            Command::Approve => Event::Approved {
                complete: self.n_approvals_needed() <= self.round.approvals.len() + 1,
            },
            Command::RefuseApproval { reason } => Event::ApprovalRefused { reason },
            Command::Execute { tracking_number, note } => Event::Executed { tracking_number, note },
            Command::Contact { purpose, answered, note } => {
                Event::Contacted { purpose, answered, note }
            }
            Command::Confirm { satisfaction } => Event::Confirmed { satisfaction },
            Command::Dispute { reason } => Event::Disputed { reason },
            Command::Archive { summary } => Event::Archived { summary },
            Command::Reopen { reason } => Event::Reopened { reason },
            Command::Escalate { to, form } => Event::Escalated {
                to,
                recipients: table
                    .handbook
                    .escalation(to)
                    .map_or_else(Vec::new, |level| level.recipients.clone()),
                form: Some(form),
            },
            Command::SendBack { reason } => Event::SentBack { to: below(self.tier), reason },
            Command::Pause { reason } => Event::Paused { reason },
            Command::Resume => Event::Resumed {},
        }
    }
}

const fn below(tier: Tier) -> Tier {
    match tier {
        Tier::Executive => Tier::EscalationTeam,
        Tier::EscalationTeam | Tier::FrontLine => Tier::FrontLine,
    }
}

fn filled(name: &'static str, text: &str) -> Result<(), RefusalReason> {
    if text.trim().is_empty() { Err(RefusalReason::Blank(name)) } else { Ok(()) }
}
