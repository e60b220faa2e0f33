//! What the dispatcher answers.

use std::sync::Arc;

use enginehouse_core::engine::EngineStatus;
use enginehouse_core::event::EventStatus;
use enginehouse_core::ids::EventId;
use enginehouse_core::json::RawJson;
use enginehouse_core::lane::LaneKey;
use enginehouse_core::lock::LockToken;
use enginehouse_core::miss::NearestMiss;
use enginehouse_core::report::PreviousAttempt;
use enginehouse_core::time::Timestamp;
use enginehouse_store::rows::EventRow;
use tokio::sync::oneshot;

use super::reply::{DispatchError, Refusal, answer};

/// An event that was enqueued, now or by an earlier request with the same idempotency key.
#[derive(Clone, Debug)]
pub struct Enqueued {
    pub event_id: EventId,
    pub lane: Arc<LaneKey>,
    pub status: EventStatus,
    pub available_at: Timestamp,
    /// Whether an earlier request has enqueued it.
    pub duplicate: bool,
    /// What keeps every registered engine from it for good, as far as that was found out: with very many kinds of engines
    /// and lanes, a batch asks for the first of its lanes alone.
    pub miss: Option<Arc<NearestMiss>>,
}

/// The answer to one settlement of a request: each is refused by itself.
pub type SettleResult = Result<SettledEvent, Refusal>;

/// An event that was settled, as it is now.
#[derive(Clone, Debug)]
pub struct SettledEvent {
    pub event: EventRow,
    pub lane: Arc<LaneKey>,
    /// Its payload, if the request settled this event alone.
    pub payload: Option<RawJson>,
}

/// The answer to each part of an exchange.
#[derive(Clone, Debug, Default)]
pub struct Exchanged {
    /// In the order of the request's settlements.
    pub settlements: Vec<SettleResult>,
    pub heartbeat: Option<HeartbeatAnswer>,
    pub claimed: Option<Vec<Claimed>>,
}

/// What becomes of an exchange: its answer, or the wait for it.
#[derive(Debug)]
pub enum ExchangeProgress {
    Answered(Exchanged),
    /// Its claim has found nothing and waits for events.
    Waits(WaitingAnswer),
}

impl ExchangeProgress {
    pub(super) fn answered(self) -> Option<Exchanged> {
        match self {
            Self::Answered(exchanged) => Some(exchanged),
            Self::Waits(_) => None,
        }
    }
}

/// The answer to a claim that waits, to be awaited.
#[derive(Debug)]
pub struct WaitingAnswer(pub(super) oneshot::Receiver<Result<Exchanged, DispatchError>>);

impl WaitingAnswer {
    /// Ends when there are events, or when the claim's time is over.
    ///
    /// # Errors
    /// Nothing was claimed.
    pub async fn answer(self) -> Result<Exchanged, DispatchError> {
        answer(self.0).await
    }
}

/// What an engine learns from its heartbeat.
#[derive(Clone, Debug)]
pub struct HeartbeatAnswer {
    pub status: EngineStatus,
    /// The locks that were renewed.
    pub renewed: Vec<LockToken>,
    /// The locks that the engine listed, but no longer holds.
    pub lost: Vec<LockToken>,
    /// The events that the engine holds and should stop working on.
    pub cancel: Vec<EventId>,
    /// Whether the engine is to drain.
    pub drain: bool,
}

/// A claimed event. Its lock is in its state.
#[derive(Clone, Debug)]
pub struct Claimed {
    pub event: EventRow,
    pub lane: Arc<LaneKey>,
    pub payload: RawJson,
    /// What it has been through, if it was claimed before.
    pub previous: Option<PreviousAttempt>,
}
