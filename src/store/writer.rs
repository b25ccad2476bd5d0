//! How writes reach the disk. PostgreSQL has many writers and commits them together itself.
//! SQLite has one writer, and every commit waits for the disk, so writes that arrive while one
//! commit is under way share the next: each caller still gets its answer only after its own data
//! is on disk, and the disk is asked once for all of them.

use std::pin::Pin;

use sqlx::{AnyConnection, AnyPool};
use tokio::sync::{mpsc, oneshot};

use crate::store::error::Error;

/// The most writes that share a commit, which bounds how long one waits for the others.
const MAX_GROUP: usize = 128;

/// Statements that take effect together or not at all. They may run twice: when a write of a
/// group fails, the group is undone and its writes are done one by one.
pub(super) trait Write: Send + Sync + 'static {
    /// What the caller learns.
    type Output: Send + 'static;

    /// Runs the statements within a transaction.
    fn run(
        &self,
        connection: &mut AnyConnection,
    ) -> impl Future<Output = Result<Self::Output, Error>> + Send;
}

/// Takes writes.
#[derive(Clone, Debug)]
pub(super) enum Writer {
    /// Each write in a transaction of its own, many at a time.
    Direct(AnyPool),
    /// One at a time, with shared commits.
    Grouped(mpsc::Sender<Box<dyn Job>>),
}

impl Writer {
    /// Starts the task that commits in groups on the pool's only connection. It ends with the
    /// last writer.
    pub(super) fn grouped(pool: AnyPool) -> Self {
        let (sender, receiver) = mpsc::channel(8 * MAX_GROUP);
        tokio::spawn(commit_groups(pool, receiver));
        Self::Grouped(sender)
    }

    /// Writes, and answers when the write would survive a power failure.
    pub(super) async fn write<W: Write>(&self, write: W) -> Result<W::Output, Error> {
        match self {
            Self::Direct(pool) => {
                let mut transaction = pool.begin().await?;
                let output = write.run(&mut transaction).await?;
                transaction.commit().await?;
                Ok(output)
            }
            Self::Grouped(jobs) => {
                let (sender, answer) = oneshot::channel();
                let job = Pending { write, outcome: Err(Error::Closed), sender };
                jobs.send(Box::new(job)).await.map_err(|_| Error::Closed)?;
                answer.await.map_err(|_| Error::Closed)?
            }
        }
    }
}

/// A write that waits for its commit, whatever its output.
pub(super) trait Job: Send {
    /// Runs the statements, keeps the outcome, and says whether all went well.
    fn run<'j>(
        &'j mut self,
        connection: &'j mut AnyConnection,
    ) -> Pin<Box<dyn Future<Output = bool> + Send + 'j>>;

    /// Replaces the outcome: the commit failed.
    fn fail(&mut self, error: Error);

    /// Tells the caller.
    fn answer(self: Box<Self>);
}

struct Pending<W: Write> {
    write: W,
    outcome: Result<W::Output, Error>,
    sender: oneshot::Sender<Result<W::Output, Error>>,
}

impl<W: Write> Job for Pending<W> {
    fn run<'j>(
        &'j mut self,
        connection: &'j mut AnyConnection,
    ) -> Pin<Box<dyn Future<Output = bool> + Send + 'j>> {
        Box::pin(async move {
            self.outcome = self.write.run(connection).await;
            self.outcome.is_ok()
        })
    }

    fn fail(&mut self, error: Error) {
        self.outcome = Err(error);
    }

    fn answer(self: Box<Self>) {
        // A caller who has gone away does not want to know.
        drop(self.sender.send(self.outcome));
    }
}

async fn commit_groups(pool: AnyPool, mut jobs: mpsc::Receiver<Box<dyn Job>>) {
    let mut group = Vec::with_capacity(MAX_GROUP);
    while 0 < jobs.recv_many(&mut group, MAX_GROUP).await {
        let together = 1 < group.len() && matches!(commit(&pool, &mut group).await, Ok(true));
        for mut job in group.drain(..) {
            if !together && let Err(error) = commit(&pool, std::slice::from_mut(&mut job)).await {
                job.fail(error);
            }
            job.answer();
        }
    }
}

/// Does all jobs in one transaction, or none when one of them fails and keeps its error.
async fn commit(pool: &AnyPool, jobs: &mut [Box<dyn Job>]) -> Result<bool, Error> {
    // A transaction that starts as a reader could not become a writer behind another process.
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    for job in jobs {
        if !job.run(&mut transaction).await {
            transaction.rollback().await?;
            return Ok(false);
        }
    }
    transaction.commit().await?;
    Ok(true)
}
