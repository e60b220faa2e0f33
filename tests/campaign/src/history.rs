//! Every call that a client has made, and what it was answered. The checker knows nothing else but the final state.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use enginehouse_api::problem::Code;
use enginehouse_core::event::EventStatus;
use enginehouse_core::ids::{EngineId, EventId};
use enginehouse_core::lock::LockToken;
use enginehouse_core::time::Timestamp;
use tokio::time::Instant;

/// What a client has asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Enqueue { key: String, payload: String },
    Register { engine_id: EngineId },
    Heartbeat { engine_id: EngineId, epoch: i64 },
    Claim { engine_id: EngineId, epoch: i64 },
    Settle { event_id: EventId, token: LockToken, how: Settling },
    Cancel { event_id: EventId },
    Redrive { event_id: EventId },
}

/// How an attempt is to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Settling {
    Complete { result: String },
    Fail,
    Release,
    Extend,
}

/// What the server has answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Enqueued {
        event_id: EventId,
        available_at: Timestamp,
    },
    Registered {
        epoch: i64,
    },
    Heartbeat {
        renewed: Vec<LockToken>,
        lost: Vec<LockToken>,
    },
    Claimed(Vec<LockedEvent>),
    Settled {
        status: EventStatus,
        available_at: Timestamp,
    },
    /// Of an operator.
    Done,
}

/// An event with the lock that a claim has given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LockedEvent {
    pub(crate) event_id: EventId,
    pub(crate) token: LockToken,
    pub(crate) payload: String,
    pub(crate) available_at: Timestamp,
    pub(crate) claimed_at: Timestamp,
}

/// How a call has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallOutcome {
    Ok(Answer),
    /// Nothing was done: the server says so, or was not reached.
    Failed(Option<Code>),
    /// It may have been carried out.
    Unknown,
}

/// A call with its answer. Times count from the beginning of the campaign, by a clock that no fault moves.
#[derive(Clone, Debug)]
pub(crate) struct CallRecord {
    pub(crate) invoked_at: Duration,
    pub(crate) returned_at: Duration,
    pub(crate) call: Call,
    pub(crate) outcome: CallOutcome,
}

/// Shared by all clients.
#[derive(Clone, Debug)]
pub(crate) struct CallHistory {
    began_at: Instant,
    operations: Arc<Mutex<Vec<CallRecord>>>,
}

impl CallHistory {
    pub(crate) fn begin() -> Self {
        Self { began_at: Instant::now(), operations: Arc::default() }
    }

    /// How long the campaign has lasted.
    pub(crate) fn now(&self) -> Duration {
        self.began_at.elapsed()
    }

    pub(crate) fn record(&self, invoked_at: Duration, call: Call, outcome: CallOutcome) {
        let operation = CallRecord { invoked_at, returned_at: self.now(), call, outcome };
        self.operations().push(operation);
    }

    /// Writes a line for each operation, for people.
    pub(crate) fn write_to(&self, file: &Path) -> std::io::Result<()> {
        let mut file = BufWriter::new(File::create(file)?);
        for operation in &*self.operations() {
            writeln!(file, "{operation:?}")?;
        }
        file.flush()
    }

    pub(crate) fn operations(&self) -> MutexGuard<'_, Vec<CallRecord>> {
        self.operations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
