//! Requests that are rare, and so are carried out one after the other within their batch.
//!
//! To add one, write a type with what the caller sends, and implement [`Operation`] for it. The caller hands it to
//! `Dispatcher::execute` and gets the operation's own kind of answer. Nothing else has to know of it.

use async_trait::async_trait;
use enginehouse_store::StoreError;

use super::actor::Actor;
use super::contention::Resource;
use super::context::TransactionContext;
use super::reply::{DispatchError, OperationResult, Refusal, Reply};

/// Something that callers ask for, carried out by itself.
#[async_trait(?Send)]
pub trait Operation: Send + 'static {
    type Answer: Send + 'static;

    /// How many events it may change at most. An operation that may change more than one gives way to engines while
    /// many requests wait.
    fn max_events(&self) -> usize {
        1
    }

    /// The one row that it is about, which somebody else may hold.
    fn resource(&self) -> Option<Resource> {
        None
    }

    /// Carries it out. If the transaction has to be repeated, this is called again.
    async fn execute(&self, context: &mut TransactionContext<'_>) -> OperationResult<Self::Answer>;
}

/// An operation that somebody has asked for: what the audit log says of it names them.
pub(super) struct OnBehalf<O> {
    pub(super) by: Actor,
    pub(super) operation: O,
}

#[async_trait(?Send)]
impl<O: Operation> Operation for OnBehalf<O> {
    type Answer = O::Answer;

    fn max_events(&self) -> usize {
        self.operation.max_events()
    }

    fn resource(&self) -> Option<Resource> {
        self.operation.resource()
    }

    async fn execute(&self, context: &mut TransactionContext<'_>) -> OperationResult<O::Answer> {
        context.acting = self.by.clone();
        let result = self.operation.execute(context).await;
        context.acting = Actor::SERVER;
        result
    }
}

/// An operation whose caller waits, whatever its kind.
#[async_trait(?Send)]
pub(super) trait PendingOperation: Send {
    fn max_events(&self) -> usize;
    fn resource(&self) -> Option<Resource>;
    /// Carries it out, and keeps the answer until [`PendingOperation::answer`].
    async fn execute(&mut self, context: &mut TransactionContext<'_>) -> Result<(), StoreError>;
    /// Answers the caller: the transaction has committed.
    fn answer(self: Box<Self>);
    /// Answers the caller: the transaction has failed.
    fn fail(self: Box<Self>, error: DispatchError);
}

struct Pending<O: Operation> {
    operation: O,
    reply: Reply<O::Answer>,
    result: Option<Result<O::Answer, Refusal>>,
}

/// An operation, and who waits for its answer.
pub(super) fn pending<O: Operation>(operation: O, reply: Reply<O::Answer>) -> Box<dyn PendingOperation> {
    Box::new(Pending { operation, reply, result: None })
}

#[async_trait(?Send)]
impl<O: Operation> PendingOperation for Pending<O> {
    fn max_events(&self) -> usize {
        self.operation.max_events()
    }

    fn resource(&self) -> Option<Resource> {
        self.operation.resource()
    }

    async fn execute(&mut self, context: &mut TransactionContext<'_>) -> Result<(), StoreError> {
        self.result = Some(self.operation.execute(context).await?);
        Ok(())
    }

    fn answer(self: Box<Self>) {
        if let Some(result) = self.result {
            self.reply.send(result.map_err(DispatchError::from));
        }
    }

    fn fail(self: Box<Self>, error: DispatchError) {
        self.reply.send(Err(error));
    }
}
