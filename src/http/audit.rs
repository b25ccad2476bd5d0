//! `/v1/audit`: who did what to what, and when.

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::http::Service;
use crate::http::error::{ApiError, Problem};
use crate::store::{Audit, AuditFilter};
use crate::triage::Parameters;

/// Which rows to list.
#[derive(IntoParams)]
#[expect(dead_code, reason = "documentation alone; every mistake is listed")]
pub(super) struct AuditParameters {
    /// Only what this user or `key:…` did.
    actor: Option<String>,
    /// Only this, such as `personal_data.unmasked`.
    action: Option<String>,
    /// Only what was done to this case, key or user.
    subject: Option<String>,
    /// Only from this time on: a day or an RFC 3339 time.
    from: Option<String>,
    /// Only before this time.
    until: Option<String>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many, 1 to 200; 50 if not given.
    limit: Option<u16>,
}

/// A row of the audit log.
#[derive(Serialize, ToSchema)]
pub(super) struct AuditAnswer {
    /// Its number, from 1 and without a gap.
    seq: u64,
    /// When.
    #[schema(value_type = String)]
    at: Timestamp,
    /// Who did it: a user, `key:` and a system's name, or `open`.
    actor: String,
    /// What they do for the firm; `system` for keys and the service itself.
    role: &'static str,
    /// What was done.
    action: String,
    /// The case, key, user or path that it was done to.
    subject: String,
    /// What else there is to say; never the words of customers.
    #[schema(value_type = Object)]
    data: serde_json::Value,
    /// SHA-256 over this row and the hash before it.
    hash: String,
}

impl From<Audit> for AuditAnswer {
    fn from(Audit { seq, record, hash }: Audit) -> Self {
        Self {
            seq,
            at: record.at,
            actor: record.actor,
            role: record.role.as_str(),
            action: record.action,
            subject: record.subject,
            data: record.data,
            hash,
        }
    }
}

/// A page of the audit log.
#[derive(Serialize, ToSchema)]
pub(super) struct AuditPage {
    /// Its rows, oldest first.
    rows: Vec<AuditAnswer>,
    /// Send it as `cursor` for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// Reads the audit log, oldest first
///
/// Log-ins, keys, users, refused requests, and every reading of personal data. What was done with
/// a case stands in the events of the case.
#[utoipa::path(
    get,
    operation_id = "list_audit_log",
    path = "/v1/audit",
    tag = "access",
    params(AuditParameters),
    responses(
        (status = 200, description = "A page of the log", body = AuditPage),
        (status = 422, description = "Every mistake", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    State(service): State<Service>,
    pairs: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<Json<AuditPage>, ApiError> {
    let Query(pairs) = pairs.map_err(ApiError::Query)?;
    let mut parameters = Parameters::new(pairs);
    let knowledge = service.desk.engine().knowledge();
    let zone = knowledge.calendar.time_zone();
    let filter = AuditFilter {
        actor: parameters.text("actor"),
        action: parameters.text("action"),
        subject: parameters.text("subject"),
        from: parameters.time("from", zone),
        until: parameters.time("until", zone),
    };
    let (after, limit) = (parameters.parse("cursor"), parameters.limit(50));
    let known = ["actor", "action", "subject", "from", "until", "cursor", "limit"];
    parameters.finish(&known).map_err(ApiError::Mistakes)?;
    let page = service.identity.list_audit(&filter, after, limit).await?;
    Ok(Json(AuditPage {
        rows: page.items.into_iter().map(AuditAnswer::from).collect(),
        next_cursor: page.next.map(|cursor| cursor.to_string()),
    }))
}
