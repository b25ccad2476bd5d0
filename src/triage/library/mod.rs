//! The case library: what an archived case leaves behind, and finding it again by its words.

mod answer;
mod request;
mod shelf;
mod similar;

use crate::cases::{Record, RemedyKind, Settlement};
use crate::domain::{LabelId, Labels, Role};
use crate::store::{Archived, Case, Correction, Found, LibraryChange, NewEntry};
use crate::text;
use crate::triage::progress::records;
use crate::triage::{Desk, DeskError};

pub use answer::{ArchivedAnswer, HighlightAnswer, LibraryAnswer, TotalAnswer};
pub use request::LibraryRequest;
pub use shelf::{Shelf, vector_model};
pub use similar::{SimilarAnswer, SimilarCase, SimilarRequest};

impl Desk {
    /// What a case leaves behind as it now stands, with what has just happened to it and what has
    /// just been said about its labels.
    pub(super) async fn entry_for_shelf(
        &self,
        case: &Case,
        news: &[Record],
        said: &Labels,
    ) -> Result<LibraryChange, DeskError> {
        let events = self.store.list_events(case.record.id).await?;
        let before = records(&events, case)?;
        let settlement = Settlement::of(before.iter().chain(news));
        let mut human = Labels::default();
        for Correction { record, .. } in self.store.list_corrections(case.record.id).await? {
            human.overlay(&record.labels);
        }
        human.overlay(said);
        Ok(LibraryChange::Put(Box::new(entry(case, settlement, &human))))
    }

    /// Archived cases that a request asks for, the last archived first.
    pub async fn search_library(
        &self,
        request: &LibraryRequest,
    ) -> Result<LibraryAnswer, DeskError> {
        let LibraryRequest { query, filter, after, limit } = request;
        let count = async || match after {
            None => Ok(Some(self.store.count_library(filter).await?)),
            // Who turns pages has seen the total.
            Some(_) => Ok(None),
        };
        let search = self.store.search_library(filter, *after, *limit);
        let (page, total) = tokio::try_join!(search, count())?;
        let show = |found: &Found| ArchivedAnswer::new(found, query.as_ref());
        Ok(LibraryAnswer {
            total: total.map(TotalAnswer::from),
            words: query.as_ref().map(|it| it.words().to_vec()).unwrap_or_default(),
            cases: page.items.iter().map(show).collect(),
            next_cursor: page.next.map(|cursor| cursor.to_string()),
        })
    }
}

fn entry(case: &Case, settlement: Settlement, human: &Labels) -> NewEntry {
    let record = &case.record;
    let triage = &record.triage;
    let right = |role: Role, chosen: Option<&LabelId>| {
        human.role(role)?;
        Some(triage.model_labels.role(role) == chosen)
    };
    let summary = text::mask(&settlement.summary);
    let elements = &record.elements;
    // Numbers that masking hides cannot be searched for: the library is open to more people than
    // the customer's data.
    let words = [Some(record.complaint.text.as_str()), elements.demand.as_deref()];
    let words = words.into_iter().flatten().map(text::mask);
    let names = [&elements.product, &elements.shop].into_iter().flatten().cloned();
    let words: Vec<String> = words.chain(names).chain([summary.clone()]).collect();
    let archived = Archived {
        case_id: record.id,
        archived_at: settlement.archived_at.unwrap_or(record.created_at),
        received_at: record.complaint.received_at,
        settled_at: settlement.settled_at,
        category: triage.category.clone(),
        severity: triage.severity.clone(),
        department: triage.department.clone(),
        liability: settlement.liability.map(|it| it.as_str().to_owned()),
        outcome: settlement.remedies.into_iter().map(RemedyKind::as_str).map(Into::into).collect(),
        compensation: settlement.compensation,
        refund: settlement.refund,
        satisfaction: settlement.satisfaction,
        n_reopened: settlement.n_reopened,
        category_right: right(Role::Category, triage.category.as_ref()),
        severity_right: right(Role::Severity, Some(&triage.severity)),
        summary,
    };
    // A new line keeps the last character of one from standing beside the first of the next.
    NewEntry { archived, terms: text::terms(&words.join("\n")) }
}
