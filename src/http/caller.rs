//! Who sends a request is established here, once, before any handler runs: the token is verified,
//! the table asked, the case's reach checked; and on the way out personal data is hidden from
//! those who need not see it. Handlers get a [`Caller`].

use std::sync::{Arc, LazyLock};

use axum::{
    body::{Body, to_bytes},
    extract::{FromRequestParts, MatchedPath, Request, State},
    http::{Extensions, HeaderMap, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::domain::{Actor, Reach, StaffRole};
use crate::http::Service;
use crate::http::error::{ApiError, Problem};
use crate::http::permissions::{Kind, Permission, Permissions};
use crate::identity::{Principal, note};
use crate::triage::mask_answer;

/// Answers longer than this, in bytes, are not masked but refused; none is.
const MAX_ANSWER: usize = 64 << 20;

static OPEN: LazyLock<Caller> =
    LazyLock::new(|| Caller { principal: Arc::new(Principal::Open), row: None });

/// The layer's part of the service.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) service: Service,
    pub(super) permissions: Arc<Permissions>,
    /// Whether somebody without a token is refused.
    pub(super) closed: bool,
}

/// Who sends the request, and by which row of the table they came in.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) principal: Arc<Principal>,
    row: Option<&'static Permission>,
}

/// Marks an answer whose personal data was asked for with a reason.
#[derive(Clone, Copy)]
pub(super) struct Unmasked;

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Self::of(&parts.extensions).map_err(Problem::from)
    }
}

impl Caller {
    /// Who sends a request that the layer has let in.
    pub(super) fn of(extensions: &Extensions) -> Result<Self, ApiError> {
        // Without the layer nobody is anybody.
        extensions.get::<Self>().cloned().ok_or(ApiError::Unauthenticated)
    }

    /// Whether the service believes what the body says of who acts.
    pub(super) fn is_open(&self) -> bool {
        matches!(*self.principal, Principal::Open)
    }

    /// Makes `by` in a body the truth: a person is who they have logged in as, a system acts for
    /// its people in the roles that its key allows, and an open service believes what it is told.
    pub(super) fn sign(&self, body: &mut Value) -> Result<(), ApiError> {
        let roles = self.row.map_or(&[][..], |row| row.roles);
        let Value::Object(fields) = body else { return Ok(()) };
        let said = fields.get("by").cloned().unwrap_or_default();
        let said_role = said["role"].as_str().and_then(|role| role.parse::<StaffRole>().ok());
        match &*self.principal {
            Principal::Open => Ok(()),
            Principal::Key(key) => match said_role {
                Some(role) if !key.act_as.contains(&role) || !roles.contains(&role) => {
                    let why = format!("the key may not act here for `{}`", role.as_str());
                    Err(ApiError::Forbidden(why))
                }
                // What else is wrong with it is listed with the other mistakes.
                _ => Ok(()),
            },
            Principal::User(user) => {
                if said["name"].as_str().is_some_and(|name| name != user.name) {
                    let why = format!("you are `{}`: leave `by` out or name yourself", user.name);
                    return Err(ApiError::Forbidden(why));
                }
                let actor = self.principal.sign(roles, said_role).ok_or_else(|| {
                    let role = said_role.map_or("that", StaffRole::as_str);
                    ApiError::Forbidden(format!("you cannot do this as `{role}`"))
                })?;
                let by = json!({ "name": actor.name, "role": actor.role.as_str() });
                fields.insert("by".to_owned(), by);
                Ok(())
            }
        }
    }

    /// Who hands a complaint in.
    pub(super) fn receiver(&self) -> Actor {
        let roles = self.row.map_or(&[][..], |row| row.roles);
        let system = |name: String| Actor { name, role: StaffRole::System };
        match &*self.principal {
            Principal::Open => system("intake".to_owned()),
            principal => principal.sign(roles, None).unwrap_or_else(|| system(principal.actor())),
        }
    }

    /// A name that tells clients apart, for what each of them names itself.
    pub(super) fn namespace(&self) -> String {
        if self.is_open() { String::new() } else { format!("{} ", self.principal.actor()) }
    }
}

/// Lets a request in as somebody, or refuses it.
pub(super) async fn admit(State(door): State<Door>, mut request: Request, next: Next) -> Response {
    let token = bearer(request.headers());
    if token.is_none() && !door.closed {
        request.extensions_mut().insert(OPEN.clone());
        return next.run(request).await;
    }
    let token = token.map(ToOwned::to_owned);
    let (mut parts, body) = request.into_parts();
    match door.check(token, &parts).await {
        Err(refusal) => refusal.into_response(),
        Ok(caller) => {
            let path = parts.uri.path().to_owned();
            parts.extensions.insert(caller.clone());
            let response = next.run(Request::from_parts(parts, body)).await;
            door.show(response, &caller, &path).await.unwrap_or_else(IntoResponse::into_response)
        }
    }
}

/// The token of the header `Authorization: Bearer …`.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?;
    // A header that cannot be read is a wrong token, not none.
    let text = value.to_str().unwrap_or_default();
    let (scheme, token) = text.split_once(' ').unwrap_or_default();
    Some(if scheme.eq_ignore_ascii_case("bearer") { token.trim() } else { "" })
}

impl Door {
    async fn check(&self, token: Option<String>, request: &Parts) -> Result<Caller, ApiError> {
        let route = request.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let row = self.permissions.find(request.method.as_str(), route);
        let now = (self.service.clock)();
        let principal = match token {
            Some(token) => self.service.identity.authenticate(&token, now).await?,
            None if row.is_some_and(|row| row.kind == Kind::Anyone) => OPEN.principal.clone(),
            None => return Err(ApiError::Unauthenticated),
        };
        let caller = Caller { principal, row };
        let path = request.uri.path();
        let refusal = match row {
            // The router answers that there is no such path.
            None if route.is_empty() => return Ok(caller),
            None => "this is for nobody".to_owned(),
            Some(row) if row.kind != Kind::Anyone && !row.permits(&caller.principal) => {
                format!("this is for {}", row.allowed())
            }
            Some(_) if caller.principal.must_choose() => {
                "choose a password of your own in the console first".to_owned()
            }
            Some(row) if row.kind == Kind::Raw && !caller.principal.sees_personal_data() => {
                "a file cannot be masked: post to `…/unmask` why you must see it".to_owned()
            }
            Some(_) if !self.reaches(&caller, route, path).await? => {
                "the case is none of yours".to_owned()
            }
            _ => return Ok(caller),
        };
        let data = json!({ "method": request.method.as_str() });
        let denied = note(&caller.principal, "request.denied", path, data, now);
        self.service.identity.note(denied).await?;
        Err(ApiError::Forbidden(refusal))
    }

    /// Whether the case that a path names is one that the caller may see.
    async fn reaches(&self, caller: &Caller, route: &str, path: &str) -> Result<bool, ApiError> {
        if !route.starts_with("/v1/cases/{id}") || caller.principal.reach() == Reach::All {
            return Ok(true);
        }
        match case_of(path) {
            Some(id) => {
                let (reach, name) = (caller.principal.reach(), caller.principal.actor());
                Ok(self.service.desk.reaches(id, &reach, &name).await?)
            }
            // The handler answers that there is no such case.
            None => Ok(true),
        }
    }

    /// Hides personal data in an answer, or notes that it was shown.
    async fn show(
        &self,
        response: Response,
        caller: &Caller,
        path: &str,
    ) -> Result<Response, ApiError> {
        let row =
            caller.row.filter(|row| matches!(row.kind, Kind::Personal | Kind::Signed | Kind::Raw));
        let Some(row) = row.filter(|_| response.status().is_success()) else {
            return Ok(response);
        };
        if response.extensions().get::<Unmasked>().is_some() {
            return Ok(response);
        }
        if caller.principal.sees_personal_data() {
            if row.method == "GET" {
                let subject = case_of(path).map_or_else(|| path.to_owned(), |id| id.to_string());
                let data = json!({ "path": row.path });
                let now = (self.service.clock)();
                let read = note(&caller.principal, "personal_data.read", &subject, data, now);
                self.service.identity.note(read).await?;
            }
            return Ok(response);
        }
        hide(response).await
    }
}

/// The case that a path is about.
fn case_of(path: &str) -> Option<Uuid> {
    let id = path.strip_prefix("/v1/cases/")?.split('/').next()?;
    Uuid::try_parse(id).ok()
}

/// The same answer with its personal data hidden. What is no JSON has none that we could hide, and
/// is not shown.
async fn hide(response: Response) -> Result<Response, ApiError> {
    let (mut parts, body) = response.into_parts();
    let refused = |_| ApiError::Forbidden("this answer cannot be masked".to_owned());
    let bytes = to_bytes(body, MAX_ANSWER).await.map_err(refused)?;
    if bytes.is_empty() {
        return Ok(Response::from_parts(parts, Body::empty()));
    }
    let refused = |_| ApiError::Forbidden("this answer cannot be masked".to_owned());
    let mut value: Value = serde_json::from_slice(&bytes).map_err(refused)?;
    mask_answer(&mut value);
    parts.headers.remove(header::CONTENT_LENGTH);
    Ok(Response::from_parts(parts, Body::from(value.to_string())))
}

impl Problem {
    /// Nobody has said who they are.
    pub(super) fn unauthenticated() -> Self {
        Self::of_status(StatusCode::UNAUTHORIZED)
            .with_detail("send `Authorization: Bearer` with a key or the token of a session")
    }
}
