//! What callers may do: the scopes of keys, and which cases somebody may see.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::domain::QueueId;

/// Something that a key may do. People have roles instead; a key that works cases for people acts
/// in their roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Judge complaints without keeping them, and see with what they are judged.
    Classify,
    /// Hand in complaints, and see the cases that became of one's own.
    Intake,
    /// Read all cases and queues, personal data masked.
    Cases,
    /// See names, contacts and numbers wherever another scope shows a case.
    PersonalData,
    /// Read figures, alerts and the library of past cases.
    Statistics,
    /// Read the audit log.
    Audit,
    /// Manage keys, users, hooks and the like.
    Administration,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 7] = [
        Self::Classify,
        Self::Intake,
        Self::Cases,
        Self::PersonalData,
        Self::Statistics,
        Self::Audit,
        Self::Administration,
    ];

    /// The identifier in data and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Classify => "classify",
            Self::Intake => "intake",
            Self::Cases => "cases",
            Self::PersonalData => "personal_data",
            Self::Statistics => "statistics",
            Self::Audit => "audit",
            Self::Administration => "administration",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text is not a scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no scope `{0}`: the scopes are {names}", names = Scope::ALL.map(Scope::as_str).join(", "))]
pub struct ScopeError(String);

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|known| known.as_str() == text);
        known.ok_or_else(|| ScopeError(text.chars().take(40).collect()))
    }
}

/// Which cases somebody may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Every case.
    All,
    /// Those on a queue.
    Queue(QueueId),
    /// Those that executives must see, and those that are theirs to decide.
    Executive,
    /// Those that this actor has handed in.
    ReceivedBy(String),
}
