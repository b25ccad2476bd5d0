//! People: added, changed, shut out, given a password.

use jiff::Timestamp;
use serde_json::json;

use super::keys::{NAME_RULE, is_name};
use super::{Error, Identity, Password, Principal, note};
use crate::domain::{QueueId, StaffRole};
use crate::store::User;

/// A user to add.
#[derive(Debug)]
pub struct NewUser {
    /// The name to log in with.
    pub name: String,
    /// The name for people.
    pub display_name: String,
    /// What they do for the firm.
    pub roles: Vec<StaffRole>,
    /// The only queue that the front line sees.
    pub queue: Option<QueueId>,
    /// The password; nothing while they cannot log in.
    pub password: Option<String>,
}

/// What to do about the only queue that somebody sees.
#[derive(Debug, Default)]
pub enum QueueChange {
    /// It stays.
    #[default]
    Keep,
    /// It is this one from now on, or all of them.
    Set(Option<QueueId>),
}

/// What to change about a user; what is not said stays.
#[derive(Debug, Default)]
pub struct UserChange {
    /// The name for people.
    pub display_name: Option<String>,
    /// What they do for the firm.
    pub roles: Option<Vec<StaffRole>>,
    /// The only queue that the front line sees.
    pub queue: QueueChange,
    /// Whether they are shut out.
    pub disabled: Option<bool>,
    /// A new password.
    pub password: Option<String>,
}

/// The name of the administrator of a first start.
const FIRST: &str = "admin";

impl Identity {
    /// Adds an administrator when nobody is there yet, neither people nor systems, and tells the
    /// name and a password that is good for nothing but to choose another.
    pub async fn create_first(&self, now: Timestamp) -> Result<Option<(String, String)>, Error> {
        let is_first =
            self.store.list_users().await?.is_empty() && self.store.list_keys().await?.is_empty();
        if !is_first {
            return Ok(None);
        }
        let (password, words) = Password::random();
        let password_hash = Some(self.slowly(move || password.hash_once()).await);
        let user = User {
            name: FIRST.to_owned(),
            display_name: FIRST.to_owned(),
            roles: vec![StaffRole::Administrator],
            queue: None,
            password_hash,
            created_at: now,
            disabled_at: None,
        };
        let data = json!({ "roles": user.roles, "queue": user.queue });
        let audit = note(&Principal::Open, "user.created", FIRST, data, now);
        // Another replica may have been faster: its administrator is the one.
        let is_new = self.store.insert_user(user, audit).await?;
        Ok(is_new.then(|| (FIRST.to_owned(), words)))
    }

    /// Adds a user.
    pub async fn create_user(
        &self,
        new: NewUser,
        by: &Principal,
        now: Timestamp,
    ) -> Result<User, Error> {
        let NewUser { name, display_name, roles, queue, password } = new;
        let mut mistakes = Vec::new();
        if !is_name(&name) {
            mistakes.push(("name", NAME_RULE.to_owned()));
        }
        check(&display_name, &roles, &mut mistakes);
        let password = choose(password, &name, &mut mistakes);
        if !mistakes.is_empty() {
            return Err(Error::Mistakes(mistakes));
        }
        let password_hash = self.hash(password).await?;
        let user = User {
            name,
            display_name,
            roles,
            queue,
            password_hash,
            created_at: now,
            disabled_at: None,
        };
        let data = json!({ "roles": user.roles, "queue": user.queue });
        let audit = note(by, "user.created", &user.name, data, now);
        if self.store.insert_user(user.clone(), audit).await? {
            return Ok(user);
        }
        Err(Error::Mistakes(vec![("name", "this name is taken: send another one".to_owned())]))
    }

    /// Changes a user and ends their sessions.
    pub async fn change_user(
        &self,
        name: &str,
        change: UserChange,
        by: &Principal,
        now: Timestamp,
    ) -> Result<User, Error> {
        let mut user = self.store.find_user(name).await?.ok_or(Error::Missing("user"))?;
        let has_password = change.password.is_some();
        let mut mistakes = Vec::new();
        let password = choose(change.password, name, &mut mistakes);
        user.display_name = change.display_name.unwrap_or(user.display_name);
        user.roles = change.roles.unwrap_or(user.roles);
        if let QueueChange::Set(queue) = change.queue {
            user.queue = queue;
        }
        check(&user.display_name, &user.roles, &mut mistakes);
        if !mistakes.is_empty() {
            return Err(Error::Mistakes(mistakes));
        }
        user.disabled_at = match change.disabled {
            Some(true) => user.disabled_at.or(Some(now)),
            Some(false) => None,
            None => user.disabled_at,
        };
        if has_password {
            user.password_hash = self.hash(password).await?;
        }
        let data = json!({
            "roles": user.roles, "queue": user.queue, "disabled": user.disabled_at.is_some(),
            "password": has_password,
        });
        let audit = note(by, "user.changed", name, data, now);
        let is_there = self.store.update_user(user.clone(), audit).await?;
        self.disbelieve();
        if is_there { Ok(user) } else { Err(Error::Missing("user")) }
    }

    /// Gives a user a password that is good for nothing but to choose another, tells it, and ends
    /// their sessions.
    pub async fn give_password(
        &self,
        name: &str,
        by: &Principal,
        now: Timestamp,
    ) -> Result<String, Error> {
        let mut user = self.store.find_user(name).await?.ok_or(Error::Missing("user"))?;
        let (password, words) = Password::random();
        user.password_hash = Some(self.slowly(move || password.hash_once()).await);
        let audit = note(by, "user.changed", name, json!({ "password": true }), now);
        let is_there = self.store.update_user(user, audit).await?;
        self.disbelieve();
        if is_there { Ok(words) } else { Err(Error::Missing("user")) }
    }

    /// Every user by name.
    pub async fn list_users(&self) -> Result<Vec<User>, Error> {
        Ok(self.store.list_users().await?)
    }

    async fn hash(&self, password: Option<Password>) -> Result<Option<String>, Error> {
        let Some(password) = password else { return Ok(None) };
        Ok(Some(self.slowly(move || password.hash()).await))
    }

    /// Does what takes long off the threads that answer requests, as many at once as there are
    /// cores.
    pub(super) async fn slowly<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        let permit = self.hashing.clone().acquire_owned().await;
        let work = tokio::task::spawn_blocking(move || {
            // Held until the work is done, even when nobody waits for it any more.
            let _permit = permit;
            work()
        });
        work.await.expect("hashing does not panic")
    }
}

fn choose(
    password: Option<String>,
    name: &str,
    mistakes: &mut Vec<(&'static str, String)>,
) -> Option<Password> {
    match Password::choose(password?, name) {
        Ok(password) => Some(password),
        Err(why) => {
            mistakes.push(("password", why));
            None
        }
    }
}

fn check(display_name: &str, roles: &[StaffRole], mistakes: &mut Vec<(&'static str, String)>) {
    if display_name.trim().is_empty() || 100 < display_name.chars().count() {
        mistakes.push(("display_name", "send 1 to 100 characters".to_owned()));
    }
    if roles.is_empty() || roles.contains(&StaffRole::System) {
        let names = StaffRole::PEOPLE.map(StaffRole::as_str).join(", ");
        mistakes.push(("roles", format!("send one at least of {names}")));
    }
}
