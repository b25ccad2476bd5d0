//! What complaints are judged with: `GET /v1/rules` and `GET /v1/models`.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::error::ApiError;
use crate::registry::Summary;
use crate::rules::Rule;
use crate::triage::Desk;

/// The rule set that is live.
#[derive(Serialize, ToSchema)]
pub(super) struct RulesAnswer {
    /// Its version.
    version: String,
    /// Its rules, in the order of their files.
    rules: Vec<RuleAnswer>,
}

/// A rule.
#[derive(Serialize, ToSchema)]
pub(super) struct RuleAnswer {
    id: String,
    /// Its name for people.
    name: String,
    /// Why such cases matter.
    reason: String,
    /// Who answers for it.
    owner: String,
    /// `safety`, `high_value`, `attention` or `route`.
    kind: &'static str,
    /// The first day that it counts.
    effective_from: Option<String>,
    /// The last day that it counts.
    effective_until: Option<String>,
    /// The severity that it demands at least.
    severity: Option<String>,
    /// Whether it demands an executive review.
    executive_review: bool,
}

impl From<&Rule> for RuleAnswer {
    fn from(rule: &Rule) -> Self {
        Self {
            id: rule.id.to_string(),
            name: rule.name.clone(),
            reason: rule.reason.clone(),
            owner: rule.owner.clone(),
            kind: rule.kind.as_str(),
            effective_from: rule.effective_from.map(|date| date.to_string()),
            effective_until: rule.effective_until.map(|date| date.to_string()),
            severity: rule.effect.severity.as_ref().map(ToString::to_string),
            executive_review: rule.effect.executive_review,
        }
    }
}

/// Shows the rules that are live
#[utoipa::path(
    get,
    operation_id = "show_rules",
    path = "/v1/rules",
    tag = "knowledge",
    responses((status = 200, description = "The rule set", body = RulesAnswer))
)]
pub(super) async fn rules(State(desk): State<Arc<Desk>>) -> Json<RulesAnswer> {
    let knowledge = desk.engine().knowledge();
    let rules = knowledge.rules.iter().map(RuleAnswer::from).collect();
    Json(RulesAnswer { version: knowledge.rules.version().to_owned(), rules })
}

/// The models of this installation.
#[derive(Serialize, ToSchema)]
pub(super) struct ModelsAnswer {
    /// Name and digest of the model that answers; null when rules alone do.
    live: Option<String>,
    /// What keeps a model from answering.
    problem: Option<String>,
    /// Every bundle.
    #[schema(value_type = Vec<Object>)]
    models: Vec<Summary>,
}

/// Shows the models and which one is live
#[utoipa::path(
    get,
    operation_id = "list_models",
    path = "/v1/models",
    tag = "knowledge",
    responses((status = 200, description = "The models", body = ModelsAnswer))
)]
pub(super) async fn models(State(desk): State<Arc<Desk>>) -> Result<Json<ModelsAnswer>, ApiError> {
    let knowledge = desk.engine().knowledge();
    let listed = knowledge.clone();
    let models = tokio::task::spawn_blocking(move || listed.list_models());
    Ok(Json(ModelsAnswer {
        live: knowledge.model_version().map(ToOwned::to_owned),
        problem: knowledge.model_problem().map(ToOwned::to_owned),
        models: models.await.map_err(ApiError::Task)?,
    }))
}
