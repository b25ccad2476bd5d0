//! Who is calling, and who may: keys of systems, people with roles, their sessions. It knows
//! neither HTTP nor cases; what each may do stands in the table of `http`.

mod error;
mod keys;
mod password;
mod principal;
mod sessions;
mod token;
mod users;

use std::{
    collections::HashMap,
    sync::{Arc, RwLock},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::Semaphore;

pub use error::Error;
pub use keys::{Granted, NewKey};
pub use password::{MIN_PASSWORD_CHARS, Password};
pub use principal::{KeyHolder, Principal, UserHolder};
pub use sessions::{LogIn, Opened};
pub use token::{Token, TokenKind};
pub use users::{NewUser, QueueChange, UserChange};

use crate::store::{Audit, AuditCursor, AuditFilter, NewAudit, Page, Store};

/// How long a verified token is believed without asking the database again. A key that is revoked
/// on another replica still works for so long; on this one it ends at once.
pub const BELIEF: Duration = Duration::from_secs(5);

/// More tokens than this are not remembered at once.
const MAX_BELIEVED: usize = 10_000;

/// How long sessions live.
#[derive(Clone, Copy, Debug)]
pub struct SessionLifetime {
    /// Without a request.
    pub idle: Duration,
    /// In any case.
    pub absolute: Duration,
}

/// The use cases of keys, users and sessions.
#[derive(Debug)]
pub struct Identity {
    store: Store,
    lifetime: SessionLifetime,
    believed: RwLock<HashMap<[u8; 32], Believed>>,
    /// A password costs 19 MiB and 20 ms, so that not all of them are verified at once.
    hashing: Arc<Semaphore>,
}

/// A token that was verified.
#[derive(Clone, Debug)]
struct Believed {
    principal: Arc<Principal>,
    /// When the database must be asked again.
    until: Instant,
    /// When the token ends by itself.
    expires_at: Option<Timestamp>,
}

impl Identity {
    /// Keeps keys, users and sessions in `store`.
    pub fn new(store: Store, lifetime: SessionLifetime) -> Self {
        let n_cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let hashing = Arc::new(Semaphore::new(n_cores));
        Self { store, lifetime, believed: RwLock::default(), hashing }
    }

    /// Who holds this token.
    pub async fn authenticate(&self, token: &str, now: Timestamp) -> Result<Arc<Principal>, Error> {
        // The check within the token turns scanners away before they cost anything.
        let token = Token::parse(token).ok_or(Error::BadToken)?;
        let digest = token.digest();
        if let Some(principal) = self.believed(&digest, now) {
            return Ok(principal);
        }
        let (principal, expires_at) = match token.kind() {
            TokenKind::Key => self.verify_key(&token, now).await?,
            TokenKind::Session => self.verify_session(&token, now).await?,
        };
        let principal = Arc::new(principal);
        let believed =
            Believed { principal: principal.clone(), until: Instant::now() + BELIEF, expires_at };
        let mut all = self.believed.write().expect("nothing panics with the lock");
        if MAX_BELIEVED <= all.len() {
            all.clear();
        }
        all.insert(digest, believed);
        Ok(principal)
    }

    fn believed(&self, digest: &[u8; 32], now: Timestamp) -> Option<Arc<Principal>> {
        let all = self.believed.read().expect("nothing panics with the lock");
        let believed = all.get(digest)?;
        let is_fresh = Instant::now() < believed.until
            && believed.expires_at.is_none_or(|expires_at| now < expires_at);
        is_fresh.then(|| believed.principal.clone())
    }

    /// Asks the database anew for every token: something has changed.
    fn disbelieve(&self) {
        self.believed.write().expect("nothing panics with the lock").clear();
    }

    /// Notes in the audit log what somebody did.
    pub async fn note(&self, note: NewAudit) -> Result<(), Error> {
        Ok(self.store.insert_audit(note).await?)
    }

    /// The rows of the audit log that match, oldest first.
    pub async fn list_audit(
        &self,
        filter: &AuditFilter,
        after: Option<AuditCursor>,
        limit: u16,
    ) -> Result<Page<Audit, AuditCursor>, Error> {
        Ok(self.store.list_audit(filter, after, limit).await?)
    }
}

/// What somebody did, for the audit log.
pub fn note(by: &Principal, action: &str, subject: &str, data: Value, at: Timestamp) -> NewAudit {
    NewAudit {
        at,
        actor: by.actor(),
        role: by.role(),
        action: action.to_owned(),
        subject: subject.to_owned(),
        data,
    }
}

/// So many random bytes from the operating system.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has randomness");
    bytes
}
