//! Who looks at a page: the person of the session, or whoever reaches an open service. Every form
//! carries a token that only this session's pages know, so that other sites cannot send it.

use std::sync::{Arc, LazyLock};

use axum::{
    extract::{Form, FromRequest, FromRequestParts, MatchedPath, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::domain::{Actor, Elements, QueueId, StaffRole};
use crate::http::console::Failure;
use crate::http::console::form::{self, Fields};
use crate::http::console::gate::{self, Sight};
use crate::http::queues::is_within;
use crate::identity::Principal;
use crate::store::hex;
use crate::triage::{Knowledge, Veil};

/// The cookie that carries the session.
pub(super) const SESSION_COOKIE: &str = "fenzhen_session";

/// The field of a form that carries the token.
pub(super) const CSRF_FIELD: &str = "csrf";

/// Who looks at a page.
pub(super) struct Visitor {
    principal: Arc<Principal>,
    sight: Sight,
    csrf: String,
}

impl Visitor {
    /// The name that events carry.
    pub(super) fn name(&self) -> &str {
        match &*self.principal {
            Principal::User(user) => &user.name,
            Principal::Open | Principal::Key(_) => "本机",
        }
    }

    /// What they do for the firm; on an open service nothing is known.
    pub(super) fn roles(&self) -> &[StaffRole] {
        match &*self.principal {
            Principal::User(user) => &user.roles,
            Principal::Open | Principal::Key(_) => &[],
        }
    }

    /// Whether they may do something that is for these roles.
    pub(super) fn has_role(&self, allowed: &[StaffRole]) -> bool {
        self.principal.roles().iter().any(|role| allowed.contains(role))
    }

    /// Whether a page is theirs to use.
    pub(super) fn may(&self, page: &str) -> bool {
        gate::sees(&self.principal, page)
    }

    /// Which of the desks that are nobody's own they may look at.
    pub(super) const fn sight(&self) -> Sight {
        self.sight
    }

    /// What is hidden of a case from them.
    pub(super) fn veil(&self, elements: &Elements) -> Veil {
        if self.principal.sees_personal_data() { Veil::clear() } else { Veil::over(elements) }
    }

    /// Whether a queue is theirs to see.
    pub(super) fn sees_queue(&self, queue: &QueueId, knowledge: &Knowledge) -> bool {
        is_within(&self.principal.reach(), queue, knowledge)
    }

    /// Whether there is something to log out of.
    pub(super) fn has_session(&self) -> bool {
        matches!(&*self.principal, Principal::User(_))
    }

    /// Who they are to the service.
    pub(super) fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The token of their forms.
    pub(super) fn csrf(&self) -> &str {
        &self.csrf
    }

    /// Refuses a form that no page of theirs has sent.
    pub(super) fn check(&self, fields: &Fields) -> Result<(), Failure> {
        match form::find(fields, CSRF_FIELD) {
            Some(token) if token == self.csrf => Ok(()),
            _ => Err(Failure::Forged),
        }
    }

    /// Who an event names: on an open service whoever may do it.
    pub(super) fn sign(&self, allowed: &[StaffRole]) -> Actor {
        match &*self.principal {
            Principal::Open => {
                // Roles are listed from the lowest up, and here nobody is told what they may not.
                let role = allowed.last().copied().unwrap_or(StaffRole::TriageLead);
                Actor { name: self.name().to_owned(), role }
            }
            // Who has none of the roles is refused by the use case, under the role that they have.
            principal => principal.sign(allowed, None).unwrap_or_else(|| Actor {
                name: self.name().to_owned(),
                role: self.roles().iter().copied().max().unwrap_or(StaffRole::Auditor),
            }),
        }
    }
}

/// A form that a page of this visitor's own has sent; no other reaches a handler.
pub(super) struct Posted {
    pub(super) visitor: Visitor,
    pub(super) fields: Fields,
    roles: &'static [StaffRole],
}

impl Posted {
    /// Who acts, in a role that may send the form.
    pub(super) fn actor(&self) -> Actor {
        self.visitor.sign(self.roles)
    }

    /// The JSON that the form stands for, signed by who acts.
    pub(super) fn body(&self) -> Value {
        self.body_by(&self.actor())
    }

    /// The JSON that the form stands for, signed by somebody.
    pub(super) fn body_by(&self, actor: &Actor) -> Value {
        let mut body = form::to_json(&self.fields);
        body["by"] = by(actor);
        body
    }
}

/// Who does something, as the API's bodies say it.
pub(super) fn by(actor: &Actor) -> Value {
    json!({ "name": actor.name, "role": actor.role.as_str() })
}

impl<S: Send + Sync> FromRequest<S> for Posted {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, state).await?;
        let page = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let roles = gate::roles(page);
        let form = Form::from_request(Request::from_parts(parts, body), state).await;
        let Form(fields) = form.map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Failure::TooLarge,
            _ => Failure::Forged,
        })?;
        visitor.check(&fields)?;
        Ok(Self { visitor, fields, roles })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Failure> {
        // Without the layer nobody is anybody.
        let principal = parts.extensions.get::<Arc<Principal>>().cloned();
        let principal = principal.ok_or(Failure::NotAllowed)?;
        let sight = parts.extensions.get::<Sight>().copied().ok_or(Failure::NotAllowed)?;
        let csrf = csrf_token(session_token(&parts.headers));
        Ok(Self { principal, sight, csrf })
    }
}

/// The session token that a request carries in its cookie.
pub(super) fn session_token(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
    let mut pairs = cookies.flat_map(|it| it.split(';')).filter_map(|it| it.trim().split_once('='));
    pairs.find(|(name, _)| *name == SESSION_COOKIE).map(|(_, value)| value)
}

/// What a session's forms carry: nobody who does not hold the session's token can compute it, it
/// does not give the token away, and every replica knows it. Without a session a secret of this
/// process takes the token's place.
fn csrf_token(session: Option<&str>) -> String {
    static PROCESS: LazyLock<[u8; 32]> = LazyLock::new(|| {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).expect("the operating system gives randomness");
        secret
    });
    let digest = Sha256::new().chain_update(b"fenzhen console form\0");
    let digest = digest.chain_update(session.map_or(&PROCESS[..], str::as_bytes)).finalize();
    hex(digest.into())
}
