//! From JSON to a step of a case's life. Each step of the API has fields of its own; every mistake
//! is listed.

use serde_json::Value;

use crate::cases::{
    Claim, Command, ContactPurpose, EscalationForm, ExecutiveReport, Liability, Offer, Proposal,
};
use crate::domain::{Actor, Certainty, Labels, Tier};
use crate::triage::Knowledge;
use crate::triage::fields::{Fields, Mistake, mistake};

/// What a person does with a case, and which version of it they have read.
pub struct StepRequest {
    /// The version of the case.
    pub version: u32,
    /// Who does it.
    pub by: Actor,
    /// What they do.
    pub command: Command,
    /// The labels with which a case is closed, and how sure the person is of them.
    pub labels: Labels,
    /// How sure.
    pub certainty: Certainty,
}

/// The steps, by the last part of their path.
pub const STEPS: [&str; 21] = [
    "acceptance",
    "assignment",
    "owner",
    "reviews",
    "investigation",
    "opinions",
    "evidence",
    "conclusion",
    "proposals",
    "choices",
    "revisions",
    "final-answers",
    "approvals",
    "executions",
    "contacts",
    "close",
    "archive",
    "reopenings",
    "escalations",
    "send-backs",
    "pauses",
];

impl StepRequest {
    /// Reads a step, which must be one of [`STEPS`].
    pub fn parse(step: &str, value: Value, knowledge: &Knowledge) -> Result<Self, Vec<Mistake>> {
        let Some(mut fields) = Fields::open(value) else {
            return Err(vec![mistake("", "send a JSON object with a `version` and `by`")]);
        };
        let (version, by) = (fields.version(), fields.actor());
        let labels = if step == "archive" { fields.labels(knowledge) } else { Labels::default() };
        let certainty = fields.read("sure", "send 2 (clear), 1 (arguable) or 0 (a guess)");
        let command = fields.command(step);
        fields.refuse_unknown(&[]);
        let certainty = certainty.unwrap_or_default();
        match command {
            Some(command) if fields.mistakes.is_empty() => {
                Ok(Self { version, by, command, labels, certainty })
            }
            _ => Err(fields.mistakes),
        }
    }
}

impl Fields {
    /// The command of a step; nothing when a choice is missing, which is then a mistake.
    fn command(&mut self, step: &str) -> Option<Command> {
        Some(match step {
            "acceptance" => Command::Accept { contact_person: self.words("contact_person") },
            "assignment" => Command::Assign { department: self.words("department") },
            "owner" => Command::Take { owner: self.short("owner") },
            "reviews" => Command::Review { finding: self.words("finding") },
            "investigation" => {
                let lead = self.words("lead");
                let departments = self.must("departments", "send an array of departments")?;
                Command::Investigate { lead, departments }
            }
            "opinions" => Command::Opine {
                department: self.words("department"),
                opinion: self.words("opinion"),
            },
            "evidence" => Command::AddEvidence { item: self.words("item") },
            "conclusion" => self.conclusion()?,
            "proposals" => Command::Propose(Proposal { offers: self.offers()? }),
            "choices" => {
                let number: usize = self.must("offer", "send the offer's number, from 1")?;
                // What is out of range is for the case to refuse: it knows how many there are.
                Command::Choose { offer: number.wrapping_sub(1) }
            }
            "revisions" => Command::Revise { reason: self.words("reason") },
            "final-answers" => Command::AnswerFinally {
                explanation: self.words("explanation"),
                recourse: self.words("recourse"),
            },
            "executions" => Command::Execute {
                tracking_number: self.short("tracking_number"),
                note: self.words("note"),
            },
            "contacts" => self.contact()?,
            "archive" => Command::Archive { summary: self.words("summary") },
            "reopenings" => Command::Reopen { reason: self.words("reason") },
            "escalations" => self.escalation()?,
            "send-backs" => Command::SendBack { reason: self.words("reason") },
            "approvals" | "close" | "pauses" => self.either(step)?,
            _ => return None,
        })
    }

    /// The command of a step that goes one way or the other.
    fn either(&mut self, step: &str) -> Option<Command> {
        let (name, expected) = match step {
            "approvals" => ("granted", "send true or false"),
            "close" => ("satisfied", "send true or false"),
            _ => ("paused", "send true to wait, false to go on"),
        };
        let yes: bool = self.must(name, expected)?;
        Some(match (step, yes) {
            ("approvals", true) => Command::Approve,
            ("approvals", false) => Command::RefuseApproval { reason: self.words("reason") },
            ("close", true) => {
                Command::Confirm { satisfaction: self.read("satisfaction", "send 1 to 5") }
            }
            ("close", false) => Command::Dispute { reason: self.words("reason") },
            (_, true) => Command::Pause { reason: self.words("reason") },
            (_, false) => Command::Resume,
        })
    }

    fn words(&mut self, name: &str) -> String {
        self.required(name, "this must be said")
    }

    /// A value that must be there.
    fn must<T: serde::de::DeserializeOwned>(&mut self, name: &str, expected: &str) -> Option<T> {
        let before = self.mistakes.len();
        let value = self.read(name, expected);
        if value.is_none() && self.mistakes.len() == before {
            self.wrong(name, expected);
        }
        value
    }

    fn contact(&mut self) -> Option<Command> {
        let purpose: Option<ContactPurpose> =
            self.must("purpose", "send progress, result or confirmation");
        let answered = self.must("answered", "send true or false");
        let note = self.words("note");
        Some(Command::Contact { purpose: purpose?, answered: answered?, note })
    }

    fn conclusion(&mut self) -> Option<Command> {
        let liability: Option<Liability> =
            self.must("liability", "send company, customer, third_party or mixed");
        let claim: Option<Claim> = self.read(
            "claim",
            "send `grounds`, `exceptions` (arrays), `price`, `loss` (yuan), `delayed_hours`",
        );
        let findings = self.words("findings");
        Some(Command::Conclude {
            liability: liability?,
            findings,
            claim: claim.unwrap_or_default(),
        })
    }

    fn offers(&mut self) -> Option<Vec<Offer>> {
        self.must(
            "offers",
            "send an array of offers with `remedies` (`kind`, `amount`, `words`, `basis`) and, \
             above the standard, a `special_case`",
        )
    }

    fn escalation(&mut self) -> Option<Command> {
        let to: Option<Tier> = self.must("to", "send tier 2 or 3");
        // What a form lacks is for the case to say, all of it and by name.
        let mut element = |name: &str| self.short(name).unwrap_or_default();
        let form = EscalationForm {
            customer: element("customer"),
            description: element("description"),
            tried: element("tried"),
            expectation: element("expectation"),
            report: None,
        };
        let expected = "send `background`, `process`, `problem` and `solution` as text";
        let report: Option<ExecutiveReport> = self.read("report", expected);
        Some(Command::Escalate { to: to?, form: EscalationForm { report, ..form } })
    }
}
