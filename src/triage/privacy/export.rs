//! Everything that is kept about a person, as JSON that can be handed to them.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::cases::Duplicates;
use crate::store::{Correction, Event};
use crate::triage::privacy::{Concerned, Person, PersonRequest, note, note_nothing};
use crate::triage::{CaseAnswer, CorrectionAnswer, Desk, DeskError, MessageAnswer};

/// What of a case is the words and names of whoever sent it.
const OF_THE_SENDER: [&str; 4] = ["text", "excerpt", "elements", "classification"];

/// Everything that is kept about a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportAnswer {
    /// When it was put together.
    #[schema(value_type = String)]
    exported_at: Timestamp,
    /// Their cases, oldest first: each with `case`, `events`, `corrections` and `messages`. Of a
    /// case that several people share the words and names of the others are left out.
    #[schema(value_type = Vec<Object>)]
    cases: Vec<Value>,
}

impl Desk {
    /// Hands out what is kept about a person. The audit log remembers who took it, case by case,
    /// before anything is shown.
    pub async fn export_person(
        &self,
        request: &PersonRequest,
        now: Timestamp,
    ) -> Result<ExportAnswer, DeskError> {
        const ACTION: &str = "personal_data.exported";
        let knowledge = self.engine.knowledge();
        let PersonRequest { person, by } = request;
        let found = self.cases_of(person, &knowledge).await?;
        if found.is_empty() {
            self.store.insert_audit(note_nothing(by, ACTION, now)).await?;
        }
        let mut cases = Vec::with_capacity(found.len());
        for concerned in found {
            let id = concerned.case.record.id;
            self.store.insert_audit(note(by, ACTION, id, json!({}), now)).await?;
            let events = self.store.list_events(id).await?;
            let corrections = self.store.list_corrections(id).await?;
            // In the words of a message stands the name of whom it went to.
            let messages =
                if concerned.is_own { self.store.list_messages(id).await? } else { Vec::new() };
            let messages: Vec<_> = messages.into_iter().map(MessageAnswer::new).collect();
            let model = &concerned.case.record.triage.model_labels;
            let correction = |it: &Correction| json!(CorrectionAnswer::new(it, model));
            cases.push(json!({
                "case": shown(&concerned, person, &knowledge.handbook.duplicates),
                "events": events.iter().map(shown_event).collect::<Vec<_>>(),
                "corrections": corrections.iter().map(correction).collect::<Vec<_>>(),
                "messages": messages,
            }));
        }
        Ok(ExportAnswer { exported_at: now, cases })
    }
}

/// A case without the words and names of others.
fn shown(concerned: &Concerned, person: &Person, duplicates: &Duplicates) -> Value {
    let Concerned { case, matter, is_own } = concerned;
    let mut shown = json!(CaseAnswer::new(case, matter));
    if !is_own {
        hide_sender(&mut shown);
    }
    for (joined, value) in matter.joined.iter().zip(joined_values(&mut shown)) {
        if !person.sent(&joined.elements, duplicates) {
            hide_sender(value);
        }
    }
    shown
}

fn joined_values(case: &mut Value) -> impl Iterator<Item = &mut Value> {
    case.get_mut("joined").and_then(Value::as_array_mut).into_iter().flatten()
}

fn hide_sender(submission: &mut Value) {
    if let Value::Object(fields) = submission {
        fields.retain(|name, _| !OF_THE_SENDER.contains(&name.as_str()));
    }
}

fn shown_event(event: &Event) -> Value {
    let record = &event.record;
    json!({
        "seq": event.seq, "at": record.at, "actor": record.actor, "role": record.role.as_str(),
        "kind": record.kind, "data": record.data,
    })
}
