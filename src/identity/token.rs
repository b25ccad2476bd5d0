//! What a system or a person shows with each request: `fz_` for keys and `fzs_` for sessions, an
//! id that is not secret, and 256 random bits with a check. The database keeps SHA-256 of the
//! secret: nobody can try 2²⁵⁶ of them, so a slow hash, which every request would pay for, adds
//! nothing.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::random;
use crate::store::hex;

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A system, until the key is taken back.
    Key,
    /// A person who has logged in.
    Session,
}

impl TokenKind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Key => "fz",
            Self::Session => "fzs",
        }
    }
}

/// The secret's random bytes.
const N_SECRET: usize = 32;
/// Bytes of a check, so that a typing error or a guess does not reach the database.
const N_CHECK: usize = 4;
/// Hexadecimal digits of an id.
const N_ID: usize = 12;

/// A token, secret and all. It prints without its secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    kind: TokenKind,
    id: String,
    secret: [u8; N_SECRET],
}

impl Token {
    /// A new one, from the randomness of the operating system.
    pub(super) fn new(kind: TokenKind) -> Self {
        // Six of eight random bytes.
        let id = format!("{:012x}", u64::from_be_bytes(random()) >> 16);
        Self { kind, id, secret: random() }
    }

    /// Reads what [`Token::reveal`] wrote; nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        let (prefix, rest) = text.split_once('_')?;
        let kind = [TokenKind::Key, TokenKind::Session].into_iter();
        let kind = kind.clone().find(|kind| kind.prefix() == prefix)?;
        let (id, secret) = rest.split_once('_')?;
        let is_id = id.len() == N_ID && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let mut bytes = [0; N_SECRET + N_CHECK];
        let n_bytes = URL_SAFE_NO_PAD.decode_slice(secret, &mut bytes).ok()?;
        let (secret, check) = bytes.split_first_chunk::<N_SECRET>()?;
        let token = Self { kind, id: id.to_owned(), secret: *secret };
        (is_id && n_bytes == bytes.len() && token.check() == check).then_some(token)
    }

    /// The whole token as its holder sends it. Shown once, when it is made.
    pub fn reveal(&self) -> String {
        let secret = [&self.secret[..], &self.check()].concat();
        format!("{}_{}_{}", self.kind.prefix(), self.id, URL_SAFE_NO_PAD.encode(secret))
    }

    /// What it is for.
    pub const fn kind(&self) -> TokenKind {
        self.kind
    }

    /// The part that is not secret.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// SHA-256 of id and secret. Digests may be compared like any text: who sees how far two of
    /// them agree learns nothing about the secret.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::new().chain_update(&self.id).chain_update(self.secret).finalize().into()
    }

    /// The digest as it is stored.
    pub(super) fn digest_text(&self) -> String {
        hex(self.digest())
    }

    fn check(&self) -> [u8; N_CHECK] {
        let digest = Sha256::new().chain_update(b"check").chain_update(self.digest()).finalize();
        *digest.first_chunk().expect("a digest is longer than a check")
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({}_{}_…)", self.kind.prefix(), self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_back_and_a_changed_one_is_not() {
        for kind in [TokenKind::Key, TokenKind::Session] {
            let token = Token::new(kind);
            let text = token.reveal();
            assert_eq!(Token::parse(&text).as_ref(), Some(&token));
            for at in 0..text.len() {
                let mut bytes = text.clone().into_bytes();
                bytes[at] = if bytes[at] == b'7' { b'8' } else { b'7' };
                let changed = String::from_utf8(bytes).expect("it is ASCII");
                assert_eq!(Token::parse(&changed), None, "character {at}");
            }
            // A secret may have underscores of its own.
            let secret = text.splitn(3, '_').nth(2).expect("a secret");
            assert!(!format!("{token:?}").contains(secret));
        }
        for text in ["", "fz", "fz__", "fz_0123456789ab_", "Basic x", "fz_é_é"] {
            assert_eq!(Token::parse(text), None, "{text}");
        }
    }

    #[test]
    fn no_two_tokens_are_alike() {
        let tokens: std::collections::HashSet<_> =
            (0..1_000).map(|_| Token::new(TokenKind::Key).reveal()).collect();
        assert_eq!(tokens.len(), 1_000);
    }
}
