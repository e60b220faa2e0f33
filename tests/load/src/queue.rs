//! What every queue that is measured can do.

use anyhow::Result;
use async_trait::async_trait;

/// A server with a queue that is empty at first. It ends when this is dropped.
#[async_trait]
pub(crate) trait QueueSystem: Send + Sync {
    async fn connect(&self, purpose: Purpose) -> Result<Box<dyn QueueConnection>>;

    /// Its first processes: what they start is theirs too.
    fn processes(&self) -> Vec<u32>;

    /// Where its rows are, if they are in PostgreSQL.
    fn database(&self) -> Option<&str> {
        None
    }
}

/// What a connection is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    Enqueue,
    /// It claims at most so many events at once. No two that are open have one number.
    Claim {
        number: usize,
        batch: usize,
    },
}

/// One connection, which has one call under way at a time. Each answer comes after the sync of the disk.
#[async_trait]
pub(crate) trait QueueConnection: Send {
    /// Enqueues so many events in one call.
    async fn enqueue(&mut self, events: usize) -> Result<()>;

    /// Claims up to so many and holds them. Answers how many.
    async fn claim(&mut self, limit: usize) -> Result<usize>;

    /// Completes what it holds.
    async fn complete(&mut self) -> Result<()>;

    /// Completes what it holds and claims more, in one call where the system has such a call.
    async fn exchange(&mut self, limit: usize) -> Result<usize> {
        self.complete().await?;
        self.claim(limit).await
    }
}
