//! What is kept about one person: handed out to them 查阅复制, and taken out 删除 when they ask or
//! when its time is over. Neither their names nor their words reach the audit log: it names cases.

mod erasure;
mod export;

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cases::Duplicates;
use crate::domain::{Actor, Elements};
use crate::store::{self, Case, Matter, NewAudit};
use crate::triage::fields::{Fields, Mistake, mistake};
use crate::triage::{Desk, DeskError, Knowledge};

pub use erasure::{ErasureAnswer, ErasureRequest, KeptCase};
pub use export::ExportAnswer;

/// Whom a request is about, and who asks for it.
#[derive(Clone)]
pub struct PersonRequest {
    person: Person,
    by: Actor,
}

/// A person, as cases name them: by the firm's id of the customer, by how they are reached, or by
/// either of both.
#[derive(Clone)]
struct Person {
    customer_id: Option<String>,
    contact: Option<Contact>,
}

/// How somebody is reached.
#[derive(Clone)]
struct Contact {
    written: String,
    /// In the way of writing in which duplicates are told.
    key: String,
}

/// A case that concerns a person, with what is joined to it.
struct Concerned {
    case: Case,
    matter: Matter,
    /// Whether the case's own submission is theirs.
    is_own: bool,
}

impl PersonRequest {
    /// Reads a request, or lists every mistake.
    pub fn parse(value: Value, knowledge: &Knowledge) -> Result<Self, Vec<Mistake>> {
        let Some(mut fields) = Fields::open(value) else {
            return Err(vec![mistake("", "send a JSON object with `customer_id` or `contact`")]);
        };
        let request = Self::read(&mut fields, knowledge);
        fields.refuse_unknown(&["customer_id", "contact", "by"]);
        if fields.mistakes.is_empty() { Ok(request) } else { Err(fields.mistakes) }
    }

    fn read(fields: &mut Fields, knowledge: &Knowledge) -> Self {
        let duplicates = &knowledge.handbook.duplicates;
        let customer_id = fields.short("customer_id");
        let written = fields.short("contact");
        let contact = written.and_then(|written| {
            let key = contact_key(duplicates, &written);
            if key.is_none() {
                fields.wrong("contact", "this names nobody: send a number or an address");
            }
            Some(Contact { key: key?, written })
        });
        if customer_id.is_none() && contact.is_none() && fields.mistakes.is_empty() {
            fields.wrong("customer_id", "say whom: send a `customer_id`, a `contact`, or both");
        }
        Self { person: Person { customer_id, contact }, by: fields.actor() }
    }
}

impl Person {
    /// Whether a submission is theirs. Ids are compared as they are, because two that look alike
    /// may be two customers; ways to reach somebody in one way of writing.
    fn sent(&self, elements: &Elements, duplicates: &Duplicates) -> bool {
        let same_id = self.customer_id.is_some() && self.customer_id == elements.customer_id;
        let same_contact = || {
            let ours = self.contact.as_ref().map(|it| &it.key);
            let theirs = contact_key(duplicates, elements.customer_contact.as_deref()?)?;
            Some(ours == Some(&theirs))
        };
        same_id || same_contact().unwrap_or_default()
    }
}

impl Desk {
    /// The cases that concern a person, oldest first.
    async fn cases_of(
        &self,
        person: &Person,
        knowledge: &Knowledge,
    ) -> Result<Vec<Concerned>, DeskError> {
        let duplicates = &knowledge.handbook.duplicates;
        let keys: Vec<String> = person.contact.iter().map(|it| it.key.clone()).collect();
        let wanted = store::Person {
            customer_id: person.customer_id.clone(),
            contact: person.contact.as_ref().map(|it| it.written.clone()),
            sightings: self.store.find_sightings(&keys, u32::MAX).await?,
        };
        let mut found = Vec::new();
        for id in self.store.list_cases_of_person(&wanted).await? {
            let Some(case) = self.store.find_case(id).await? else { continue };
            let matter = self.find_matter(id).await?;
            let is_own = person.sent(&case.record.elements, duplicates);
            let has_joined = matter.joined.iter().any(|it| person.sent(&it.elements, duplicates));
            if is_own || has_joined {
                found.push(Concerned { case, matter, is_own });
            }
        }
        Ok(found)
    }
}

fn contact_key(duplicates: &Duplicates, contact: &str) -> Option<String> {
    let elements = Elements { customer_contact: Some(contact.to_owned()), ..Elements::default() };
    duplicates.identifiers(&elements).keys().pop()
}

/// What was done to what is kept about somebody in a case.
fn note(by: &Actor, action: &str, case_id: Uuid, data: Value, at: Timestamp) -> NewAudit {
    NewAudit {
        at,
        actor: by.name.clone(),
        role: by.role,
        action: action.to_owned(),
        subject: case_id.to_string(),
        data,
    }
}

/// The same where there is no case.
fn note_nothing(by: &Actor, action: &str, at: Timestamp) -> NewAudit {
    NewAudit { subject: String::new(), ..note(by, action, Uuid::nil(), json!({}), at) }
}
