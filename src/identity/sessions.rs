//! Logging in and out. Attempts are counted in the database, by user and by address, so that
//! replicas throttle together and a restart forgives nothing.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::{Error, Identity, Password, Principal, Token, TokenKind, UserHolder, note};
use crate::domain::StaffRole;
use crate::store::{AttemptLimit, NewAudit, Session, User};

/// Somebody who wants in.
#[derive(Debug)]
pub struct LogIn {
    /// The user's name.
    pub name: String,
    /// What they say is their password.
    pub password: Password,
    /// Where they come from.
    pub address: String,
}

/// A session that was opened. The token is shown now or never.
#[derive(Debug)]
pub struct Opened {
    /// Who has come in.
    pub user: User,
    /// What to show with each request.
    pub token: Token,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
}

/// So many log-ins of a user may fail before the next must wait.
const FREE_OF_USER: u32 = 5;
/// The same of an address, behind which a whole office may sit.
const FREE_OF_ADDRESS: u32 = 30;
/// How coarsely it is kept when a session was last used.
const SEEN: Duration = Duration::from_mins(1);

/// How long to wait after so many failures beyond the free ones: from half a minute, doubling, to
/// a quarter of an hour.
fn wait(n_beyond: u32) -> Duration {
    Duration::from_secs(30 << n_beyond.min(5)).min(Duration::from_mins(15))
}

impl Identity {
    /// Opens a session.
    pub async fn log_in(&self, log_in: LogIn, now: Timestamp) -> Result<Opened, Error> {
        let LogIn { name, password, address } = log_in;
        let name: String = name.chars().take(64).collect();
        let subjects = [format!("user:{name}"), format!("address:{address}")];
        let [of_user, of_address] = subjects.clone();
        let limits = vec![
            AttemptLimit { subject: of_user, free: FREE_OF_USER },
            AttemptLimit { subject: of_address, free: FREE_OF_ADDRESS },
        ];
        if let Some(until) = self.store.begin_attempt(limits, wait, now).await? {
            let wait_s = (until - now).get_seconds().unsigned_abs() + 1;
            return Err(Error::TooMany { wait_s });
        }
        let user = self.store.find_user(&name).await?.filter(|user| user.disabled_at.is_none());
        let hash = user.as_ref().and_then(|user| user.password_hash.clone());
        let is_right = self.slowly(move || password.is_of(hash.as_deref())).await;
        let Some(user) = user.filter(|_| is_right) else {
            // What was typed as a name may be a password, so only names of users are kept.
            let known = self.store.find_user(&name).await?.map(|user| user.name);
            let failed = NewAudit {
                at: now,
                actor: known.unwrap_or_default(),
                role: StaffRole::System,
                action: "session.refused".to_owned(),
                subject: String::new(),
                data: json!({ "address": address }),
            };
            self.store.insert_audit(failed).await?;
            return Err(Error::LogIn);
        };
        self.open(user, subjects.to_vec(), &address, now).await
    }

    async fn open(
        &self,
        user: User,
        succeeded: Vec<String>,
        address: &str,
        now: Timestamp,
    ) -> Result<Opened, Error> {
        let token = Token::new(TokenKind::Session);
        let expires_at = now.checked_add(self.lifetime.absolute).unwrap_or(Timestamp::MAX);
        let session = Session {
            id: token.id().to_owned(),
            digest: token.digest_text(),
            user_name: user.name.clone(),
            created_at: now,
            seen_at: now,
            expires_at,
        };
        let holder = Principal::User(holder(&user, token.id()));
        let data = json!({ "address": address });
        let audit = note(&holder, "session.opened", token.id(), data, now);
        self.store.insert_session(session, succeeded, audit).await?;
        Ok(Opened { user, token, expires_at })
    }

    /// Ends the session of whoever asks; a key has none.
    pub async fn log_out(&self, by: &Principal, now: Timestamp) -> Result<(), Error> {
        let Principal::User(user) = by else { return Err(Error::Missing("session")) };
        let audit = note(by, "session.closed", &user.session_id, json!({}), now);
        self.store.delete_session(&user.session_id, audit).await?;
        self.disbelieve();
        Ok(())
    }

    /// Forgets sessions that are over and attempts of long ago.
    pub async fn forget_sessions(&self, now: Timestamp) -> Result<(), Error> {
        let idle_since = now.checked_sub(self.lifetime.idle).unwrap_or(Timestamp::MIN);
        Ok(self.store.delete_old_sessions(now, idle_since).await?)
    }

    pub(super) async fn verify_session(
        &self,
        token: &Token,
        now: Timestamp,
    ) -> Result<(Principal, Option<Timestamp>), Error> {
        let found = self.store.find_session(token.id()).await?;
        let (session, user) = found.ok_or(Error::BadToken)?;
        let idle_until = session.seen_at.checked_add(self.lifetime.idle);
        let ends_at = session.expires_at.min(idle_until.unwrap_or(Timestamp::MAX));
        let is_good =
            session.digest == token.digest_text() && user.disabled_at.is_none() && now < ends_at;
        if !is_good {
            return Err(Error::BadToken);
        }
        if session.seen_at.checked_add(SEEN).is_ok_and(|at| at <= now) {
            self.store.touch_session(&session.id, now).await?;
        }
        Ok((Principal::User(holder(&user, &session.id)), Some(ends_at)))
    }
}

fn holder(user: &User, session_id: &str) -> UserHolder {
    UserHolder {
        name: user.name.clone(),
        roles: user.roles.clone(),
        queue: user.queue.clone(),
        session_id: session_id.to_owned(),
        must_choose: user.password_hash.as_deref().is_some_and(Password::is_once),
    }
}
