//! Why somebody is not let in, or a key or user cannot be made.

use crate::store;

/// Why a use case failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The token is none of ours, or is no longer good. Which of these is not said.
    #[error("the key or session is not known or is over")]
    BadToken,
    /// Name or password is wrong, or the user is shut out. Which of these is not said.
    #[error("the name or the password is wrong")]
    LogIn,
    /// Too many log-ins have failed.
    #[error("too many log-ins have failed")]
    TooMany {
        /// In how many seconds to try again.
        wait_s: u64,
    },
    /// There is no such key or user.
    #[error("there is no such {0}")]
    Missing(&'static str),
    /// What was asked for cannot be; every reason, with the field it concerns.
    #[error("{}", .0.iter().map(|(field, why)| format!("`{field}`: {why}")).collect::<Vec<_>>().join("; "))]
    Mistakes(Vec<(&'static str, String)>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}
