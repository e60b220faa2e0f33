//! What a handler knows of its attempt.

use std::ops::Deref;
use std::time::Duration;

use enginehouse_core::json::RawJson;
use enginehouse_core::report::PreviousAttempt;
use enginehouse_core::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::handler_error::HandlerError;
use crate::engine_loop::{ClaimedEvent, HandlerContext};

/// One attempt at an event: the event, when to stop, and what is reported of it.
///
/// It is a [`HandlerContext`] too: [`progress`](HandlerContext::progress), [`log`](HandlerContext::log),
/// [`usage`](HandlerContext::usage) and [`stopped`](HandlerContext::stopped) are there.
#[derive(Clone, Debug)]
pub struct Context {
    event: ClaimedEvent,
    handler: HandlerContext,
}

impl Context {
    pub(super) const fn new(event: ClaimedEvent, handler: HandlerContext) -> Self {
        Self { event, handler }
    }

    /// The event, with its token.
    pub const fn event(&self) -> &ClaimedEvent {
        &self.event
    }

    /// The number of this attempt, from 1 on.
    pub fn attempt(&self) -> u32 {
        self.event.attempt
    }

    /// When the server ends the attempt, by its own clock; none if it may take as long as it likes.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.event.lock.as_ref()?.times_out_at
    }

    /// What the attempt before has left behind; none at the first one.
    pub fn previous(&self) -> Option<&PreviousAttempt> {
        self.event.previous.as_ref()
    }

    /// The checkpoint of the attempt before, read as a `T`; none if there is none.
    ///
    /// # Errors
    /// It is something else. The attempt is then rejected, if the error is passed on with `?`.
    pub fn checkpoint_of_before<T: DeserializeOwned>(&self) -> Result<Option<T>, HandlerError> {
        let Some(checkpoint) = self.previous().and_then(|previous| previous.checkpoint.as_ref()) else {
            return Ok(None);
        };
        serde_json::from_str(checkpoint.as_str()).map(Some).map_err(|error| {
            HandlerError::rejected("invalid_checkpoint", format!("the checkpoint is not as expected: {error}"))
        })
    }

    /// Keeps what another attempt needs to continue from here.
    ///
    /// # Errors
    /// It is no JSON, or has more than 16 KiB.
    pub fn checkpoint(&self, checkpoint: &impl Serialize) -> Result<(), HandlerError> {
        let json = serde_json::to_string(checkpoint).map_err(|error| {
            HandlerError::rejected("invalid_checkpoint", format!("a checkpoint is no JSON: {error}"))
        })?;
        let kept = self.handler.checkpoint(RawJson::trusted(json));
        kept.map_err(|error| HandlerError::rejected("invalid_checkpoint", error.to_string()))
    }

    /// Waits, unless the handler is to stop before that.
    ///
    /// # Errors
    /// It is to stop: pass the error on with `?`.
    pub async fn sleep(&self, duration: Duration) -> Result<(), HandlerError> {
        tokio::select! {
            () = crate::backoff::pause(duration) => Ok(()),
            reason = self.handler.stopped() => Err(HandlerError::stopped(reason)),
        }
    }

    /// Fails if the handler is to stop: call it with `?` between the steps of a long computation.
    ///
    /// # Errors
    /// It is to stop.
    pub fn check(&self) -> Result<(), HandlerError> {
        self.handler.stop_reason().map_or(Ok(()), |reason| Err(HandlerError::stopped(reason)))
    }
}

impl Deref for Context {
    type Target = HandlerContext;

    fn deref(&self) -> &HandlerContext {
        &self.handler
    }
}
