//! What may happen to an event.

use std::sync::Arc;
use std::time::Duration;

use crate::event::{AttemptError, Start};
use crate::event_changes::FieldChange;
use crate::generation::Generation;
use crate::ids::EngineId;
use crate::json::RawJson;
use crate::lock::LockToken;
use crate::retry::Failure;

/// Why a lock was lost without its holder's doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    Expired,
    /// Its holder missed its heartbeats.
    EngineLost,
    /// Its holder registered anew: the process that held it is gone.
    EngineSuperseded,
    /// Another process has taken over the id of its holder, which lived.
    TakenOver,
}

impl Loss {
    /// A sentence for the history of the event.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Expired => "the lock expired before it was settled or renewed",
            Self::EngineLost => "the engine missed its heartbeats",
            Self::EngineSuperseded => "the engine registered anew: the process that held the lock is gone",
            Self::TakenOver => "another process has taken over the engine's id; not charged to the event",
        }
    }
}

/// Something that happens to an event.
#[derive(Clone, Debug)]
pub enum EventCommand {
    /// An engine that passed every gate takes it.
    Claim {
        engine_id: EngineId,
        engine_epoch: i64,
        /// The version of its software, by its own word.
        engine_software_version: Option<Arc<str>>,
        /// The generation of the store, of which the new lock's serial is.
        generation: Generation,
        /// The random part of the new lock's token.
        secret: u128,
        /// How long the lock lasts unless renewed.
        visibility_timeout: Duration,
        /// How long the attempt may take.
        max_processing: Option<Duration>,
        /// How long it may go on without progress.
        progress_timeout: Option<Duration>,
    },
    /// The holder is done.
    Complete {
        token: LockToken,
        result: Option<RawJson>,
    },
    /// The holder's attempt failed.
    Fail {
        token: LockToken,
        /// What it says about it.
        failure: Failure,
        error: AttemptError,
    },
    /// The holder releases it; the attempt is not counted.
    Release {
        token: LockToken,
        /// How long nobody else may claim it.
        delay: Duration,
    },
    /// The holder needs until so long from now.
    Extend {
        token: LockToken,
        /// How long from now the lock is to last.
        visibility_timeout: Duration,
    },
    /// The holder reports on its attempt.
    Report {
        token: LockToken,
        /// Whether it reports progress.
        progress: bool,
    },
    /// The holder's heartbeat lists the lock.
    Renew {
        token: LockToken,
    },
    /// The holder's heartbeat lists its locks, but not this one.
    LeaveOut,
    /// The lock ends without its holder's doing.
    LoseLock {
        loss: Loss,
        /// Whether the holder held no other event.
        alone: bool,
    },
    /// The holder was deregistered, in good order: the attempt is not counted.
    Return,
    Cancel,
    /// Somebody does not wait for the holder to stop: its lock is taken away.
    CancelByForce,
    /// Somebody wants a waiting event to be claimed now.
    Retry,
    /// Somebody changes an event that waits. What is no part of its state changes beside it.
    Change {
        /// When it may be claimed; as before, if none.
        start: Option<Start>,
        /// How long after that it expires.
        expires_after: FieldChange<Duration>,
    },
    /// Somebody puts a failed or cancelled event back in its queue.
    Redrive {
        /// When it may be claimed: a bulk redrive spreads its events.
        start: Start,
        /// How long after that it expires. It was redriven by somebody who wants it, so what it had before is over.
        expires_after: Option<Duration>,
    },
    /// It is queued still when it was to be of no use any more.
    Expire,
    /// Nobody could run it for as long as its event type or queue allows.
    GiveUp {
        /// Whether it fails and waits for a person, or is cancelled.
        dead_letter: bool,
        /// Why nobody could.
        why: String,
    },
    /// Somebody gives up on a dead letter.
    Discard,
}

impl EventCommand {
    /// What proves that it comes from the holder of the lock; none if anybody else may do it.
    pub const fn token(&self) -> Option<LockToken> {
        match self {
            Self::Complete { token, .. }
            | Self::Fail { token, .. }
            | Self::Release { token, .. }
            | Self::Extend { token, .. }
            | Self::Report { token, .. }
            | Self::Renew { token } => Some(*token),
            _ => None,
        }
    }
}
