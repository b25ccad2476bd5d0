//! Archived cases like another, by the vectors that the live model makes of their words.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::ComplaintText;
use crate::neighbors::{Neighbor, Neighbors, Quantized, quantize};
use crate::triage::fields::{Fields, mistake};
use crate::triage::library::ArchivedAnswer;
use crate::triage::library::shelf::{unpack, vector_model};
use crate::triage::parameters::Parameters;
use crate::triage::{Desk, DeskError, Knowledge, Mistake};

/// How many cases are shown when nobody says so.
const USUAL_LIMIT: u16 = 10;
/// The most that are shown.
const MAX_LIMIT: u16 = 50;

/// Neighbors that are looked at beyond those shown: the case itself, and cases that are open again.
const N_SPARE: usize = 20;

/// A text to find like cases for.
pub struct SimilarRequest {
    text: ComplaintText,
    limit: u16,
}

/// Archived cases like another, most alike first.
#[derive(Debug, Serialize, ToSchema)]
pub struct SimilarAnswer {
    /// The model whose vectors were compared.
    pub model: String,
    /// How many archived cases were compared; fewer than there are while a new model reads them.
    pub n_compared: usize,
    /// The cases.
    pub cases: Vec<SimilarCase>,
}

/// An archived case like another.
#[derive(Debug, Serialize, ToSchema)]
pub struct SimilarCase {
    /// How alike the two are: the cosine of their vectors, 1 at most. Figures of different models
    /// cannot be compared.
    pub similarity: f32,
    /// The case.
    #[serde(flatten)]
    pub case: ArchivedAnswer,
}

impl SimilarRequest {
    /// Reads a body, or lists every mistake.
    pub fn parse(value: Value) -> Result<Self, Vec<Mistake>> {
        let Some(mut fields) = Fields::open(value) else {
            return Err(vec![mistake("", "send a JSON object with a `text`")]);
        };
        let text: Option<String> = fields.read("text", "send text");
        let limit: Option<u16> = fields.read("limit", "send a number from 1 to 50");
        let limit = limit.unwrap_or(USUAL_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            fields.wrong("limit", "send a number from 1 to 50");
        }
        let text = text.unwrap_or_default().try_into();
        if let Err(error) = &text {
            let error: &crate::domain::TextError = error;
            fields.wrong("text", error.to_string());
        }
        fields.refuse_unknown(&["text", "limit"]);
        match text {
            Ok(text) if fields.mistakes.is_empty() => Ok(Self { text, limit }),
            _ => Err(fields.mistakes),
        }
    }

    /// Reads the query parameters of a case's own list: how many.
    pub fn parse_limit(pairs: Vec<(String, String)>) -> Result<u16, Vec<Mistake>> {
        let mut parameters = Parameters::new(pairs);
        let limit = parameters.parse("limit").unwrap_or(USUAL_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            parameters.wrong("limit", "send a number from 1 to 50");
        }
        parameters.finish(&["limit"]).map(|()| limit)
    }
}

impl Desk {
    /// Archived cases like a text.
    pub async fn similar_to_text(
        self: &Arc<Self>,
        request: SimilarRequest,
    ) -> Result<SimilarAnswer, DeskError> {
        self.similar(request.text, None, request.limit).await
    }

    /// Archived cases like a case, without itself.
    pub async fn similar_to_case(
        self: &Arc<Self>,
        id: Uuid,
        limit: u16,
    ) -> Result<SimilarAnswer, DeskError> {
        let case = self.find_case(id).await?.ok_or(DeskError::NoCase)?;
        self.similar(case.record.complaint.text, Some(id), limit).await
    }

    async fn similar(
        self: &Arc<Self>,
        text: ComplaintText,
        without: Option<Uuid>,
        limit: u16,
    ) -> Result<SimilarAnswer, DeskError> {
        let limit = usize::from(limit);
        let (model, neighbors) = self.shelf.load().ok_or(DeskError::NoVectors)?;
        let knowledge = self.engine.knowledge();
        if knowledge.model_version() != Some(model.as_str()) {
            return Err(DeskError::NoVectors);
        }
        let n_compared = neighbors.len();
        let made = match without {
            Some(id) => self.store.find_vector(vector_model(&model), id).await?,
            None => None,
        };
        // Milliseconds of work: nobody else shall wait for it.
        let look = move || {
            let made = made.as_deref().and_then(unpack);
            let vector = made.or_else(|| embed(&knowledge, text.as_str()))?;
            Some(look(&neighbors, &vector, limit + N_SPARE))
        };
        let nearest = tokio::task::spawn_blocking(look).await;
        let nearest = nearest.ok().flatten().ok_or(DeskError::NoVectors)?;
        let mut cases = Vec::with_capacity(limit);
        // Most often the first few are all there and only the case itself is left out.
        for nearest in nearest.chunks(limit + 1) {
            let numbers: Vec<i64> = nearest.iter().map(|neighbor| neighbor.number).collect();
            let mut found = self.store.find_archived(&numbers).await?;
            found.retain(|found| Some(found.archived.case_id) != without);
            cases.extend(nearest.iter().filter_map(|Neighbor { number, similarity }| {
                let found = found.iter().find(|found| found.number == *number)?;
                let case = ArchivedAnswer::new(found, None);
                Some(SimilarCase { similarity: *similarity, case })
            }));
            if limit <= cases.len() {
                break;
            }
        }
        cases.truncate(limit);
        Ok(SimilarAnswer { model, n_compared, cases })
    }
}

/// The vector that the live model makes of a text.
pub(super) fn embed(knowledge: &Knowledge, text: &str) -> Option<Quantized> {
    let classifier = knowledge.classifier()?;
    quantize(&classifier.embed(&knowledge.analyzer.analyze(text))?)
}

fn look(neighbors: &Neighbors, vector: &Quantized, n_wanted: usize) -> Vec<Neighbor> {
    let mut nearest = neighbors.nearest(vector, n_wanted);
    // What shares nothing with the text is not like it.
    nearest.retain(|neighbor| 0.0 < neighbor.similarity);
    nearest
}
