//! Keys: made, listed, followed by another, taken back.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::{Error, Identity, KeyHolder, Principal, Token, TokenKind, note};
use crate::domain::{Scope, StaffRole};
use crate::store::ApiKey;

/// A key to make.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// The system that will hold it.
    pub name: String,
    /// What it will be good for.
    pub scopes: Vec<Scope>,
    /// The roles of the people for whom it may act.
    pub act_as: Vec<StaffRole>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// A key that was made. The token is shown now or never.
#[derive(Debug)]
pub struct Granted {
    /// The key.
    pub key: ApiKey,
    /// The whole of it.
    pub token: Token,
}

/// How coarsely the last use of a key is kept.
const LAST_USED: Duration = Duration::from_hours(1);

impl Identity {
    /// Makes a key.
    pub async fn create_key(
        &self,
        new: NewKey,
        by: &Principal,
        now: Timestamp,
    ) -> Result<Granted, Error> {
        let mut mistakes = Vec::new();
        if !is_name(&new.name) {
            mistakes.push(("name", NAME_RULE.to_owned()));
        }
        if new.scopes.is_empty() && new.act_as.is_empty() {
            mistakes.push(("scopes", "send one scope at least, or `act_as`".to_owned()));
        }
        if new.expires_at.is_some_and(|expires_at| expires_at <= now) {
            mistakes.push(("expires_at", "send a time that is to come".to_owned()));
        }
        if !mistakes.is_empty() {
            return Err(Error::Mistakes(mistakes));
        }
        self.insert_key(new, None, by, now).await
    }

    /// Every key, newest first.
    pub async fn list_keys(&self) -> Result<Vec<ApiKey>, Error> {
        Ok(self.store.list_keys().await?)
    }

    /// Makes the successor of a key, which itself ends after `overlap`.
    pub async fn rotate_key(
        &self,
        id: &str,
        overlap: Duration,
        by: &Principal,
        now: Timestamp,
    ) -> Result<Granted, Error> {
        let old = self.store.find_key(id).await?.filter(|key| is_good(key, now));
        let old = old.ok_or(Error::Missing("key"))?;
        let ApiKey { name, scopes, act_as, created_at, expires_at, .. } = old.clone();
        // The successor of a key that ends lives as long as that one did.
        let expires_at = expires_at
            .map(|expires_at| now.checked_add(expires_at - created_at).unwrap_or(Timestamp::MAX));
        let until = now.checked_add(overlap).unwrap_or(Timestamp::MAX);
        let new = NewKey { name, scopes, act_as, expires_at };
        self.insert_key(new, Some((old.id, until)), by, now).await
    }

    /// Takes a key back. It ends here at once, and on other replicas within [`super::BELIEF`].
    pub async fn revoke_key(&self, id: &str, by: &Principal, now: Timestamp) -> Result<(), Error> {
        let audit = note(by, "key.revoked", id, json!({}), now);
        let was_good = self.store.revoke_key(id, audit).await?;
        self.disbelieve();
        if was_good { Ok(()) } else { Err(Error::Missing("key")) }
    }

    async fn insert_key(
        &self,
        new: NewKey,
        follows: Option<(String, Timestamp)>,
        by: &Principal,
        now: Timestamp,
    ) -> Result<Granted, Error> {
        let NewKey { name, scopes, act_as, expires_at } = new;
        let (replaces, overlap_until) = follows.unzip();
        let token = Token::new(TokenKind::Key);
        let key = ApiKey {
            id: token.id().to_owned(),
            name,
            digest: token.digest_text(),
            scopes,
            act_as,
            created_at: now,
            created_by: by.actor(),
            expires_at,
            revoked_at: None,
            last_used_at: None,
            replaces,
        };
        let action = if key.replaces.is_some() { "key.rotated" } else { "key.created" };
        let data = json!({
            "name": key.name, "scopes": key.scopes, "act_as": key.act_as,
            "expires_at": key.expires_at, "replaces": key.replaces,
        });
        let audit = note(by, action, &key.id, data, now);
        self.store.insert_key(key.clone(), overlap_until, audit).await?;
        self.disbelieve();
        Ok(Granted { key, token })
    }

    pub(super) async fn verify_key(
        &self,
        token: &Token,
        now: Timestamp,
    ) -> Result<(Principal, Option<Timestamp>), Error> {
        let key = self.store.find_key(token.id()).await?;
        let key = key.filter(|key| key.digest == token.digest_text() && is_good(key, now));
        let key = key.ok_or(Error::BadToken)?;
        let is_stale = |used: Timestamp| used.checked_add(LAST_USED).is_ok_and(|at| at <= now);
        if key.last_used_at.is_none_or(is_stale) {
            self.store.touch_key(&key.id, now).await?;
        }
        let ApiKey { id, name, scopes, act_as, expires_at, .. } = key;
        Ok((Principal::Key(KeyHolder { id, name, scopes, act_as }), expires_at))
    }
}

fn is_good(key: &ApiKey, now: Timestamp) -> bool {
    key.revoked_at.is_none() && key.expires_at.is_none_or(|expires_at| now < expires_at)
}

pub(super) const NAME_RULE: &str =
    "send 1 to 64 lower-case letters, digits, dots, dashes or underscores";

/// Whether a text can name a user or a system. A colon cannot, so nobody is taken for another kind.
pub(super) fn is_name(text: &str) -> bool {
    let fits =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(fits) && text != "open"
}
