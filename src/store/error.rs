//! What can go wrong with the database. Messages name tables and columns and never hold values:
//! a database's own details may quote a customer's words.

use crate::store::cursor::CursorError;

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is of no known kind. It may hold a password, so it is not shown.
    #[error("the database address is not understood: use `sqlite:PATH` or `postgres://…`")]
    Address,
    /// The database cannot be reached or opened.
    #[error("the database cannot be opened")]
    Open(#[source] sqlx::Error),
    /// The tables cannot be brought up to date.
    #[error("the database cannot be migrated")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// No connection became free in time; trying again later may help.
    #[error("the database is busy")]
    Busy,
    /// The store has been closed.
    #[error("the store is closed")]
    Closed,
    /// The rows would contradict each other, which is the caller's mistake.
    #[error("the data breaks `{}`", .0.name())]
    Broken(Constraint),
    /// Another request has taken the idempotency key over; nothing was written.
    #[error("the idempotency key was taken over after its claim had gone stale")]
    ClaimLost,
    /// A cursor that no list has given out.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// A stored value that is not what was written.
    #[error("`{0}` holds a value that cannot be read")]
    Corrupt(&'static str),
    /// The database refused a statement.
    #[error("the database refused with code `{code}`: {message}")]
    Refused {
        /// The engine's code.
        code: String,
        /// The engine's message without its details.
        message: String,
    },
    /// Anything else.
    #[error("the database failed")]
    Internal(#[source] sqlx::Error),
}

/// A constraint that callers can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// One case for an id.
    CaseId,
    /// One case for a channel's external id.
    CaseExternalId,
    /// One event for a number of a case; two people wrote at once.
    EventSequence,
    /// An event belongs to a case that is there.
    EventCase,
}

impl Constraint {
    /// Every constraint.
    const ALL: [Self; 4] =
        [Self::CaseId, Self::CaseExternalId, Self::EventSequence, Self::EventCase];

    /// The name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CaseId => "cases_pkey",
            Self::CaseExternalId => "cases_external_id",
            Self::EventSequence => "events_pkey",
            Self::EventCase => "events_case",
        }
    }

    /// How SQLite's message ends, which names columns in place of the constraint.
    const fn sqlite(self) -> &'static str {
        match self {
            Self::CaseId => "UNIQUE constraint failed: cases.id",
            Self::CaseExternalId => "UNIQUE constraint failed: cases.channel, cases.external_id",
            Self::EventSequence => "UNIQUE constraint failed: events.case_id, events.seq",
            Self::EventCase => "FOREIGN KEY constraint failed",
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolTimedOut => Self::Busy,
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Self::Closed,
            sqlx::Error::Database(refusal) => {
                let broken = Constraint::ALL.into_iter().find(|constraint| {
                    refusal.constraint() == Some(constraint.name())
                        || refusal.message().ends_with(constraint.sqlite())
                });
                broken.map_or_else(
                    || Self::Refused {
                        code: refusal.code().unwrap_or_default().into_owned(),
                        message: refusal.message().to_owned(),
                    },
                    Self::Broken,
                )
            }
            other => Self::Internal(other),
        }
    }
}
