//! Who sees which page is established here, once, before any handler runs; forms of other sites
//! are turned away, and headers keep browsers from loading or running anything of anybody else.

use std::sync::{Arc, LazyLock};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use serde_json::json;
use uuid::Uuid;

use crate::domain::{QueueId, StaffRole};
use crate::http::Service;
use crate::http::console::Failure;
use crate::http::console::visitor::session_token;
use crate::http::permissions::{Permission, Permissions};
use crate::http::queues::is_within;
use crate::identity::{self, Principal, note};
use crate::triage::Knowledge;

/// Which route of the API each page stands for: who may use the one may use the other, so that
/// there is one table of permissions. What only concerns oneself stands for logging out.
const PAGES: [(&str, &str, &str); 36] = [
    ("/console", "DELETE", "/v1/sessions"),
    ("/console/review", "GET", "/v1/queues/{queue}"),
    ("/console/queues", "GET", "/v1/queues"),
    ("/console/queues/reroute", "POST", "/v1/cases/{id}/reroute"),
    ("/console/queues/{queue}", "GET", "/v1/queues/{queue}"),
    ("/console/queues/{queue}/share", "POST", "/v1/cases/{id}/reroute"),
    ("/console/executive", "GET", "/v1/queues/{queue}"),
    ("/console/library", "GET", "/v1/library"),
    ("/console/statistics", "GET", "/v1/stats"),
    ("/console/statistics.csv", "GET", "/v1/stats"),
    ("/console/alerts", "GET", "/v1/alerts"),
    ("/console/alerts/{id}", "GET", "/v1/alerts/{id}"),
    ("/console/alerts/{id}/step", "POST", "/v1/alerts/{id}"),
    ("/console/improvements", "GET", "/v1/improvements"),
    ("/console/improvements/add", "POST", "/v1/improvements"),
    ("/console/improvements/{id}/step", "POST", "/v1/improvements/{id}"),
    ("/console/cases/{id}", "GET", "/v1/cases/{id}"),
    ("/console/cases/{id}/correct", "POST", "/v1/cases/{id}/corrections"),
    ("/console/cases/{id}/confirm", "POST", "/v1/cases/{id}/corrections"),
    ("/console/cases/{id}/unmask", "POST", "/v1/cases/{id}/unmask"),
    ("/console/cases/{id}/steps/{step}", "POST", "/v1/cases/{id}/{step}"),
    ("/console/cases/{id}/messages", "POST", "/v1/cases/{id}/messages"),
    ("/console/cases/{id}/evidence", "POST", "/v1/cases/{id}/evidence"),
    ("/console/cases/{id}/evidence/{file}", "GET", "/v1/cases/{id}/evidence/{file}"),
    ("/console/cases/{id}/evidence/{file}/unmask", "POST", "/v1/cases/{id}/evidence/{file}/unmask"),
    ("/console/models", "GET", "/v1/models"),
    ("/console/models/rules/{rule}", "GET", "/v1/rules"),
    ("/console/models/try", "POST", "/v1/classify"),
    ("/console/models/rollback", "GET", "/v1/models"),
    ("/console/system", "GET", "/v1/users"),
    ("/console/system/users", "POST", "/v1/users"),
    ("/console/system/users/{name}", "PATCH", "/v1/users/{name}"),
    ("/console/system/keys", "POST", "/v1/keys"),
    ("/console/system/keys/{id}/revoke", "DELETE", "/v1/keys/{id}"),
    ("/console/audit", "GET", "/v1/audit"),
    ("/console/live", "GET", "/v1/queues"),
];

/// Pages that are everybody's who has logged in, even before they have chosen a password.
const OWN_PAGES: [&str; 2] = ["/console/password", "/console/logout"];

/// What decides who sees a page.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) service: Service,
    /// Whether somebody without a session is sent to the log-in.
    pub(crate) closed: bool,
    /// Whether cookies are for encrypted connections alone.
    pub(crate) secure: bool,
}

/// Whether the answer's cookies are for encrypted connections alone.
#[derive(Clone, Copy)]
pub(super) struct Secure(pub(super) bool);

/// Which of the desks that are nobody's own somebody may look at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight {
    pub(super) review: bool,
    pub(super) executive: bool,
}

impl Sight {
    fn of(principal: &Principal, knowledge: &Knowledge) -> Self {
        let (reach, policy) = (principal.reach(), &knowledge.policy);
        let sees = |queue: &QueueId| is_within(&reach, queue, knowledge);
        Self {
            review: sees(&policy.triage_queue().id),
            executive: sees(&policy.executive_queue().id),
        }
    }
}

/// Nothing is loaded from elsewhere, nothing inline runs, nobody frames a page, nothing is kept;
/// and what changes something comes from a page of ours.
pub(super) async fn guard(
    State(gate): State<Gate>,
    mut request: Request,
    next: Next,
) -> Result<Response, Failure> {
    const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
                          connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    let headers = request.headers();
    if request.method() != Method::GET && request.method() != Method::HEAD && is_foreign(headers) {
        return Err(Failure::Forged);
    }
    let behind_tls = headers.get("x-forwarded-proto").is_some_and(|it| it == "https");
    request.extensions_mut().insert(Secure(gate.secure || behind_tls));
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "same-origin");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::CACHE_CONTROL, "no-store");
    Ok(response)
}

/// Whether a browser says that another site sends this.
fn is_foreign(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").and_then(|it| it.to_str().ok());
    site.is_some_and(|site| site != "same-origin" && site != "none")
}

/// Finds out whose cookie it is and whether the page is theirs to see. Pages of a service that
/// asks for no credentials are everybody's who reaches it.
pub(super) async fn recognize(
    State(gate): State<Gate>,
    mut request: Request,
    next: Next,
) -> Result<Response, Failure> {
    let Some(principal) = gate.principal(request.headers()).await? else {
        return Ok(Redirect::to("/console/login").into_response());
    };
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let is_own = OWN_PAGES.contains(&route);
    if principal.must_choose() && !is_own {
        return Ok(Redirect::to("/console/password").into_response());
    }
    if !is_own && !gate.lets_in(&principal, route, request.uri().path()).await? {
        let data = json!({ "method": request.method().as_str() });
        let now = (gate.service.clock)();
        let denied = note(&principal, "request.denied", request.uri().path(), data, now);
        gate.service.identity.note(denied).await?;
        return Err(Failure::NotAllowed);
    }
    let sight = Sight::of(&principal, &gate.service.desk.engine().knowledge());
    request.extensions_mut().insert(sight);
    request.extensions_mut().insert(principal);
    Ok(next.run(request).await)
}

impl Gate {
    /// Who holds the session of the cookie; whoever comes without one, if the service is open.
    async fn principal(&self, headers: &HeaderMap) -> Result<Option<Arc<Principal>>, Failure> {
        let open = (!self.closed).then(|| Arc::new(Principal::Open));
        let Some(token) = session_token(headers) else { return Ok(open) };
        match self.service.identity.authenticate(token, (self.service.clock)()).await {
            // Keys are for systems.
            Ok(principal) if matches!(*principal, Principal::User(_)) => Ok(Some(principal)),
            // A session that is over: log in again.
            Ok(_) | Err(identity::Error::BadToken) => Ok(open),
            Err(error) => Err(error.into()),
        }
    }

    async fn lets_in(
        &self,
        principal: &Principal,
        route: &str,
        path: &str,
    ) -> Result<bool, Failure> {
        if !sees(principal, route) {
            return Ok(false);
        }
        match case_of(path) {
            Some(id) => {
                let (reach, name) = (principal.reach(), principal.actor());
                Ok(self.service.desk.reaches(id, &reach, &name).await?)
            }
            None => Ok(true),
        }
    }
}

/// The case that a path is about.
fn case_of(path: &str) -> Option<Uuid> {
    let id = path.strip_prefix("/console/cases/")?.split('/').next()?;
    Uuid::try_parse(id).ok()
}

/// Whether a page is somebody's to see.
pub(super) fn sees(principal: &Principal, page: &str) -> bool {
    find(page).is_some_and(|row| row.permits(principal))
}

/// The people who may use a page.
pub(super) fn roles(page: &str) -> &'static [StaffRole] {
    find(page).map_or(&[], |row| row.roles)
}

fn find(page: &str) -> Option<&'static Permission> {
    static TABLE: LazyLock<Permissions> = LazyLock::new(Permissions::new);
    let found = PAGES.iter().find(|(path, ..)| *path == page);
    found.and_then(|(_, method, path)| TABLE.find(method, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_stands_for_a_route_of_the_api() {
        let table = Permissions::new();
        for (page, method, path) in PAGES {
            assert!(table.find(method, path).is_some(), "{page}");
        }
    }
}
