//! Events, corrections, evidence files and messages are append-only, and the database itself sees
//! to it: triggers refuse to change or delete them, whoever asks. This is the one place where the
//! two engines have a text each, because they share no language for triggers.
//!
//! An erasure by policy blanks words in place. It writes the case's id to the table `erasing`,
//! changes `data` of events, `reason` of corrections and the words of messages, and deletes the id
//! again, all in one transaction; no other column may change even then, and no row may go but those
//! of evidence files.

use sqlx::{AnyConnection, Connection, Executor};

use crate::store::error::Error;

/// Puts the triggers in place; those that are there stay.
pub(super) async fn install(connection: &mut AnyConnection) -> Result<(), Error> {
    if connection.backend_name() == "PostgreSQL" {
        let mut transaction = connection.begin().await?;
        transaction.execute(sqlx::raw_sql(include_str!("guards/postgres.sql"))).await?;
        return Ok(transaction.commit().await?);
    }
    // Each trigger for itself: SQLite would not let a transaction that has read begin to write
    // beside another process that starts.
    connection.execute(sqlx::raw_sql(include_str!("guards/sqlite.sql"))).await?;
    Ok(())
}
