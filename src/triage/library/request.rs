//! What a search of the library asks for.

use crate::cases::RemedyKind;
use crate::store::{LibraryCursor, LibraryFilter};
use crate::text::Query;
use crate::triage::parameters::Parameters;
use crate::triage::{Knowledge, Mistake};

/// A search of the library.
#[derive(Clone, Debug)]
pub struct LibraryRequest {
    /// The words to look for, if any.
    pub(super) query: Option<Query>,
    /// What else must hold.
    pub(super) filter: LibraryFilter,
    /// Where to go on.
    pub(super) after: Option<LibraryCursor>,
    /// How many.
    pub(super) limit: u16,
}

const PARAMETERS: [&str; 8] =
    ["q", "category", "severity", "outcome", "from", "until", "cursor", "limit"];

impl LibraryRequest {
    /// Reads query parameters, or lists every mistake.
    pub fn parse(
        pairs: Vec<(String, String)>,
        knowledge: &Knowledge,
    ) -> Result<Self, Vec<Mistake>> {
        let mut parameters = Parameters::new(pairs);
        let query = parameters.text("q").map(|text| Query::parse(&text, &knowledge.analyzer));
        let query = query.transpose().unwrap_or_else(|error| {
            parameters.wrong("q", error.to_string());
            None
        });
        let zone = knowledge.calendar.time_zone();
        let outcomes = RemedyKind::ALL.map(RemedyKind::as_str);
        let outcomes: Vec<_> = outcomes.into_iter().chain([LibraryFilter::NO_REMEDY]).collect();
        let filter = LibraryFilter {
            terms: query.as_ref().map(Query::terms).unwrap_or_default(),
            category: parameters.parse("category"),
            severity: parameters.parse("severity"),
            outcome: parameters.one_of("outcome", &outcomes).map(ToOwned::to_owned),
            from: parameters.time("from", zone),
            until: parameters.time("until", zone),
        };
        let (after, limit) = (parameters.parse("cursor"), parameters.limit(20));
        parameters.finish(&PARAMETERS)?;
        Ok(Self { query, filter, after, limit })
    }
}
