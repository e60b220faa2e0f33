//! The way back to the caller, and why a caller may get no answer.

use std::sync::Arc;
use std::time::Duration;

use enginehouse_core::access::role::Permission;
use enginehouse_core::engine::SuccessionRefused;
use enginehouse_core::ids::{EngineId, EventId, OperationId, QueueName};
use enginehouse_core::invalid::Invalid;
use enginehouse_core::retention::MissingEvent;
use enginehouse_core::transition;
use enginehouse_store::{StoreError, UnreadableRow};
use tokio::sync::oneshot;

use crate::access::quotas::QuotaExceeded;
use crate::access::token_changes::TokenRefused;
use crate::wake_queue::woken_together;

/// Answers the caller of one request.
#[derive(Debug)]
pub(super) struct Reply<T>(oneshot::Sender<Result<T, DispatchError>>);

impl<T> Reply<T> {
    /// A reply, and where its answer arrives.
    pub(super) fn channel() -> (Self, oneshot::Receiver<Result<T, DispatchError>>) {
        let (sender, receiver) = oneshot::channel();
        (Self(sender), receiver)
    }

    /// Answers. If the caller has gone, its answer comes back.
    pub(super) fn send(self, answer: Result<T, DispatchError>) -> Option<T> {
        self.0.send(answer).err()?.ok()
    }

    pub(super) fn caller_has_gone(&self) -> bool {
        self.0.is_closed()
    }
}

/// Awaits an answer. The thread answers every request that it has taken; one that it had not taken when it ended was not
/// carried out.
pub(super) async fn answer<T>(receiver: oneshot::Receiver<Result<T, DispatchError>>) -> Result<T, DispatchError> {
    woken_together(receiver).await.unwrap_or(Err(DispatchError::ShuttingDown))
}

/// Why a request was not carried out. Nothing of it was.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Refusal {
    /// No such event.
    #[error("{0}")]
    NoSuchEvent(MissingEvent),
    /// No event has this idempotency key.
    #[error("no event has the idempotency key {0:?}: it is free")]
    NoSuchKey(Arc<str>),
    /// Its row is there, and cannot be read.
    #[error("{0}")]
    Unreadable(UnreadableRow),
    /// No such engine, or it was deregistered.
    #[error("engine {0} is not registered")]
    EngineNotRegistered(EngineId),
    /// The engine has registered a few times within the last seconds.
    #[error("engine {engine_id} registers more than once a second")]
    RegistersTooOften { engine_id: EngineId, retry_after: Duration },
    /// Another process has registered under the id, and may keep it.
    #[error("engine {engine_id} is registered by another process: {why:?}")]
    IdIsTaken { engine_id: EngineId, why: SuccessionRefused },
    /// The caller does not show the session of the engine that it acts as.
    #[error("the call does not show the session of engine {0}")]
    WrongSession(EngineId),
    /// The engine missed its heartbeats.
    #[error("engine {0} is lost: it missed its heartbeats")]
    EngineLost(EngineId),
    /// The engine has registered again since.
    #[error("engine {engine_id} has registered anew: epoch {epoch} is over, the present one is {current}")]
    EngineSuperseded {
        engine_id: EngineId,
        /// The caller's epoch.
        epoch: i64,
        /// The present epoch.
        current: i64,
    },
    /// There are as many lanes as there may be.
    #[error(
        "max_lanes is {most}, and the events of this request would need more lanes than that: among those that there are, {field} varies most, with {values} values"
    )]
    NoMoreLanes { most: usize, field: &'static str, values: usize },
    /// There are as many engines as there may be.
    #[error("max_engines is {most}, and so many are registered or were until lately: engine_id varies too much")]
    NoMoreEngines { most: usize },
    /// As many event types or queues have settings as may have.
    #[error("at most {most} of a kind have settings of their own: {field} varies too much")]
    NoMoreSettings { most: usize, field: &'static str },
    /// As many scenario runs are paused as may be.
    #[error("at most {most} scenario runs may be paused at once: resume one that need not be, or pause a queue")]
    NoMorePausedRuns { most: usize },
    /// As many events wait in a queue as may wait.
    #[error("max_queued_per_queue is {most}, and queue {queue} has no room for the events of this request")]
    QueueFull { queue: QueueName, most: u64 },
    /// No such operation, or it is not kept any more.
    #[error("there is no operation {0}: operations are kept for 30 days after their end")]
    NoSuchOperation(OperationId),
    /// As many operations go on as may.
    #[error("{most} operations of {of} go on, and that is how many may: wait until one has ended, or cancel one")]
    TooManyOperations { most: usize, of: &'static str },
    /// There is nothing to do: it is so already.
    #[error("it is so already")]
    AlreadySo,
    /// The caller's token does not reach what it is about.
    #[error("the token does not permit {missing} on {on}")]
    Forbidden { missing: Permission, on: String },
    /// A token is not changed so.
    #[error(transparent)]
    Token(TokenRefused),
    /// What was asked for does not fit the event as it is.
    #[error("event {event_id}: {why}")]
    Invalid { event_id: EventId, why: Invalid },
    /// The event's state does not allow it.
    #[error("event {event_id}: {why}")]
    Event { event_id: EventId, why: transition::TransitionRefused },
    /// Another transaction holds the event, and does not let go.
    #[error("another transaction holds event {0}: nothing was done")]
    EventIsHeld(EventId),
    /// Idempotency keys belong to events whose requests were others: at least one, and every one of the request.
    #[error("{} idempotency keys belong to events whose requests were others", .0.len())]
    IdempotencyConflict(Vec<KeyConflict>),
}

/// An event of a request whose idempotency key belongs to an event of another request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyConflict {
    pub key: Arc<str>,
    /// The event that has the key.
    pub event_id: EventId,
    /// Which event of the request asks for the key, counted from 0.
    pub index: usize,
}

/// What became of one request: its answer, or why it was refused. A `StoreError` ends the whole transaction instead.
pub(super) type OperationResult<T> = Result<Result<T, Refusal>, StoreError>;

/// Why a caller gets no answer to its request.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DispatchError {
    /// The request was refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Too many requests wait already. Nothing was done.
    #[error("too many requests are waiting")]
    Overloaded,
    /// The token of the caller has its share of something. Nothing was done.
    #[error("{}", .0.detail)]
    QuotaExceeded(Box<QuotaExceeded>),
    /// The server shuts down. Nothing was done.
    #[error("the server is shutting down")]
    ShuttingDown,
}
