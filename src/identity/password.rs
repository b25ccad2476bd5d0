//! Passwords, and their slow hash: argon2id with the parameters that OWASP recommends (19 MiB,
//! two passes, one lane), written in PHC form so that they can be raised later.

use std::fmt;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::random;

/// The fewest characters of a password.
pub const MIN_PASSWORD_CHARS: usize = 12;
const MAX_PASSWORD_BYTES: usize = 1_024;
/// Stands before the hash of a password that is good for nothing but to choose another.
const ONCE: &str = "once:";

/// A password. It never prints.
pub struct Password(String);

impl Password {
    /// A password that is long enough to be chosen, or why it is not.
    pub fn choose(text: String, user_name: &str) -> Result<Self, String> {
        if text.chars().count() < MIN_PASSWORD_CHARS {
            return Err(format!("send at least {MIN_PASSWORD_CHARS} characters"));
        }
        if MAX_PASSWORD_BYTES < text.len() {
            return Err(format!("send at most {MAX_PASSWORD_BYTES} bytes"));
        }
        // A name of a few letters stands in many a good password by chance.
        if 4 <= user_name.len() && text.to_lowercase().contains(&user_name.to_lowercase()) {
            return Err("send one that does not hold the user name".to_owned());
        }
        Ok(Self(text))
    }

    /// A password that somebody claims to be theirs.
    pub const fn claim(text: String) -> Self {
        Self(text)
    }

    /// A password that nobody has chosen, and itself in words, to be shown once.
    pub(super) fn random() -> (Self, String) {
        let text = URL_SAFE_NO_PAD.encode(random::<15>());
        (Self(text.clone()), text)
    }

    /// The hash to keep of a password that is good for one thing: to choose another.
    pub(super) fn hash_once(&self) -> String {
        format!("{ONCE}{}", self.hash())
    }

    /// Whether a hash is of a password that is good for nothing but to choose another.
    pub(super) fn is_once(hash: &str) -> bool {
        hash.starts_with(ONCE)
    }

    /// The hash to keep. It takes its time: not on a thread that others wait for.
    pub(super) fn hash(&self) -> String {
        let salt = random::<16>();
        let hash = argon2().hash_password_with_salt(self.0.as_bytes(), &salt);
        hash.expect("salt and parameters are in range").to_string()
    }

    /// Whether it is the one whose hash was kept. Takes as long for a user who has none, so that
    /// nobody learns from the time which users there are.
    pub(super) fn is_of(&self, hash: Option<&str>) -> bool {
        /// Of a password that nobody knows.
        const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        if MAX_PASSWORD_BYTES < self.0.len() {
            return false;
        }
        let hash = hash.unwrap_or(NOBODY);
        let hash = PasswordHash::new(hash.strip_prefix(ONCE).unwrap_or(hash));
        hash.is_ok_and(|hash| argon2().verify_password(self.0.as_bytes(), &hash).is_ok())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(19_456, 2, 1, None).expect("the parameters are in range");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_by_its_hash_alone() {
        let password = Password::choose("correct horse battery".to_owned(), "li.lei");
        let password = password.expect("it is long enough");
        let hash = password.hash();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hash, password.hash(), "every hash has a salt of its own");
        assert!(password.is_of(Some(&hash)));
        assert!(!Password::claim("correct horse batterz".to_owned()).is_of(Some(&hash)));
        assert!(!password.is_of(None) && !password.is_of(Some("?")));
        assert!(!format!("{password:?}").contains("horse"));
    }

    #[test]
    fn a_password_that_another_made_is_known_as_such() {
        let (password, text) = Password::random();
        let hash = password.hash_once();
        assert!(Password::is_once(&hash) && !Password::is_once(&password.hash()));
        assert!(Password::claim(text).is_of(Some(&hash)));
        assert!(!Password::claim("guess".to_owned()).is_of(Some(&hash)));
    }

    #[test]
    fn weak_passwords_are_refused_with_the_reason() {
        for (text, why) in [
            ("short".to_owned(), "at least 12"),
            ("长".repeat(11), "at least 12"),
            ("x".repeat(1_025), "at most"),
            ("my Li.Lei password".to_owned(), "user name"),
        ] {
            let refusal = Password::choose(text, "li.lei").expect_err("it is weak");
            assert!(refusal.contains(why), "{refusal}");
        }
    }
}
