//! The console: pages in Chinese for those who work cases, rendered here, with a little script of
//! our own and nothing from elsewhere. Pages call the same use cases as the API and hold no
//! business rule.

mod act;
mod alerts;
mod assets;
mod case;
mod charts;
mod executive;
mod failure;
mod files;
mod form;
mod gate;
mod improvements;
mod judged;
mod layout;
mod letters;
mod library;
mod live;
mod login;
mod models;
mod prose;
mod queues;
mod review;
mod rules;
mod sieve;
mod statistics;
mod steps;
mod system;
mod tags;
mod timeline;
mod visitor;
mod words;

use axum::{
    Router, middleware,
    response::Redirect,
    routing::{get, post},
};
use uuid::Uuid;

use crate::http::Service;
use crate::http::console::failure::Failure;
use crate::http::console::layout::Section;
use crate::http::console::visitor::Visitor;
use crate::identity::{Principal, note};

pub(crate) use gate::Gate;
pub(crate) use live::{Live, follow};

/// Every page and form. What changes something is a POST with the session's token in the form.
pub(super) fn routes(gate: Gate) -> Router<Service> {
    Router::new()
        .route("/console", get(home))
        .route("/console/review", get(review::show))
        .route("/console/queues", get(queues::list))
        .route("/console/queues/reroute", post(act::reroute))
        .route("/console/queues/{queue}", get(queues::show))
        .route("/console/queues/{queue}/share", post(act::share))
        .route("/console/executive", get(executive::show))
        .route("/console/cases/{id}", get(case::show))
        .route("/console/cases/{id}/correct", post(act::correct))
        .route("/console/cases/{id}/confirm", post(act::confirm))
        .route("/console/cases/{id}/unmask", post(act::unmask))
        .route("/console/cases/{id}/steps/{step}", post(act::step))
        .route("/console/cases/{id}/messages", post(letters::send))
        .route("/console/models", get(models::show))
        .route("/console/models/rules/{rule}", get(rules::show))
        .route("/console/models/try", post(models::try_out))
        .route("/console/models/rollback", post(models::roll_back))
        .route("/console/library", get(library::show))
        .route("/console/statistics", get(statistics::show))
        .route("/console/statistics.csv", get(statistics::export))
        .route("/console/alerts", get(alerts::list))
        .route("/console/alerts/{id}", get(alerts::show))
        .route("/console/alerts/{id}/step", post(alerts::step))
        .route("/console/improvements", get(improvements::list))
        .route("/console/improvements/add", post(improvements::add))
        .route("/console/improvements/{id}/step", post(improvements::step))
        .route("/console/system", get(system::show))
        .route("/console/system/users", post(system::add_user))
        .route("/console/system/users/{name}", post(system::change_user))
        .route("/console/system/keys", post(system::add_key))
        .route("/console/system/keys/{id}/revoke", post(system::revoke_key))
        .route("/console/live", get(live::stream))
        .route("/console/password", get(login::show_password).post(login::choose_password))
        .route("/console/logout", post(login::leave))
        .layer(middleware::from_fn_with_state(gate.clone(), gate::recognize))
        .route("/console/login", get(login::show).post(login::enter))
        .route("/console/assets/{file}", get(assets::show))
        .route("/console/{*rest}", get(|| async { Failure::Missing }))
        .layer(middleware::from_fn_with_state(gate, gate::guard))
        .route("/", get(|| async { Redirect::to("/console") }))
}

/// The pages of evidence files, whose bodies are larger than others.
pub(super) fn file_routes(gate: Gate) -> Router<Service> {
    Router::new()
        .route("/console/cases/{id}/evidence", post(files::add))
        .route("/console/cases/{id}/evidence/{file}", get(files::show))
        .route("/console/cases/{id}/evidence/{file}/unmask", post(files::unmask))
        .layer(middleware::from_fn_with_state(gate.clone(), gate::recognize))
        .layer(middleware::from_fn_with_state(gate, gate::guard))
}

/// The first page of the navigation that the visitor may see.
async fn home(visitor: Visitor) -> Redirect {
    // Executives begin with what waits for them.
    let first = (!Section::Review.is_for(&visitor)).then_some(Section::Executive);
    let mut theirs = first.into_iter().chain(Section::LINKED).filter(|it| it.is_for(&visitor));
    Redirect::to(theirs.next().map_or("/console/password", Section::path))
}

/// Notes that somebody sees whose case it is, before they do.
async fn note_reading(service: &Service, visitor: &Visitor, case: Uuid) -> Result<(), Failure> {
    let principal = visitor.principal();
    if !matches!(principal, Principal::User(_)) || !principal.sees_personal_data() {
        return Ok(());
    }
    let data = serde_json::json!({ "path": "/console/cases/{id}" });
    let now = (service.clock)();
    let read = note(principal, "personal_data.read", &case.to_string(), data, now);
    Ok(service.identity.note(read).await?)
}
