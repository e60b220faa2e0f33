//! What callers ask of the dispatcher, and what it answers.

use std::sync::Arc;
use std::time::Duration;

use enginehouse_core::engine::{Engine, EngineStatus, Registration};
use enginehouse_core::event::{EventStatus, NewEvent};
use enginehouse_core::ids::{EngineId, EventId, EventType, QueueName};
use enginehouse_core::json::RawJson;
use enginehouse_core::lane::LaneKey;
use enginehouse_core::lock::LockToken;
use enginehouse_core::policy::Settings;
use enginehouse_core::request::{Exchange, Settlement};
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition;
use enginehouse_store::StoreError;
use enginehouse_store::rows::{DeadLetterFilter, EventRecord, EventRow};

/// One caller's wish. Each is carried out as a whole, or not at all.
#[derive(Clone, Debug)]
pub enum Command {
    /// An engine registers, for the first time or again.
    Register(Registration),
    /// An engine is to get no new events.
    Drain {
        /// Which.
        engine_id: EngineId,
        /// Whether it is to stop once its last lock is settled.
        stop_when_drained: bool,
    },
    /// A draining engine may get events again.
    Resume(EngineId),
    /// An engine goes for good.
    Deregister(EngineId),
    /// An engine settles, sends a heartbeat and claims.
    Exchange {
        /// Which.
        engine_id: EngineId,
        /// The epoch that it believes to be in.
        epoch: i64,
        /// What it sends.
        exchange: Exchange,
    },
    /// A producer adds events: all or none.
    Enqueue(Vec<NewEvent>),
    /// An engine settles locks, each with its own answer.
    Settle(Vec<Settlement>),
    /// Somebody acts on one event.
    Act {
        /// Which.
        event_id: EventId,
        /// What is to be done.
        action: Action,
    },
    /// Somebody redrives dead letters that match: one page of them.
    RedrivePage {
        /// Which.
        filter: DeadLetterFilter,
        /// How many at most.
        limit: u32,
        /// How long each waits behind the one before it.
        spacing: Duration,
        /// How long the first of them waits.
        delay: Duration,
    },
    /// Somebody gives up on dead letters that match: one page of them.
    DiscardPage {
        /// Which.
        filter: DeadLetterFilter,
        /// How many at most.
        limit: u32,
        /// Why.
        reason: Option<String>,
    },
    /// Somebody sets, or forgets, what holds for an event type.
    SetEventType(EventType, Change),
    /// Somebody sets, or forgets, what holds for a queue.
    SetQueue(QueueName, Change),
    /// Nobody asks for anything: look at what is due.
    Sweep,
}

/// What is to be done with one event.
#[derive(Clone, Debug)]
pub enum Action {
    /// Call it off.
    Cancel,
    /// Make it available now.
    Retry,
    /// Put a dead letter back in its queue.
    Redrive {
        /// A payload in place of its own.
        payload: Option<RawJson>,
    },
    /// Give up on a dead letter.
    Discard {
        /// Why.
        reason: Option<String>,
    },
}

/// How settings are to change.
#[derive(Clone, Debug)]
pub enum Change {
    /// They are replaced.
    Replace(Settings),
    /// They are forgotten: the defaults hold again.
    Forget,
    /// Only whether it is paused changes.
    Pause(bool),
}

/// What a command brought about.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Of `Register`: the engine, and whether it is new.
    Registered(Box<Engine>, bool),
    /// Of `Drain`, `Resume`, `Deregister`.
    Engine(Box<Engine>),
    /// Of `Exchange`.
    Exchanged(Exchanged),
    /// Of `Enqueue`: each event, in the order asked.
    Enqueued(Vec<Enqueued>),
    /// Of `Settle`: each in the order asked.
    Settled(Vec<SettleAnswer>),
    /// Of `Act`, and of a `Settle` of one: the event as it is now.
    Event(Box<EventRecord>),
    /// Of `RedrivePage` and `DiscardPage`: how many were.
    Count(u32),
    /// Of `SetEventType` and `SetQueue`: what holds now.
    Settings(Settings),
    /// Of `Sweep`.
    Swept,
}

/// What came of one settlement.
pub type SettleAnswer = Result<SettledEvent, Refusal>;

/// An event that was settled.
#[derive(Clone, Debug)]
pub struct SettledEvent {
    /// The event as it is now.
    pub event: EventRow,
    /// What it has in common with its lane.
    pub lane: Arc<LaneKey>,
    /// Its payload, if it was asked for alone.
    pub payload: Option<RawJson>,
}

/// What came of an exchange.
#[derive(Clone, Debug, Default)]
pub struct Exchanged {
    /// Of each settlement, in the order asked.
    pub settlements: Vec<SettleAnswer>,
    /// Of the heartbeat, if there was one.
    pub heartbeat: Option<HeartbeatAnswer>,
    /// Of the claim, if there was one.
    pub claimed: Option<Vec<Claimed>>,
}

/// What an engine learns from its heartbeat.
#[derive(Clone, Debug)]
pub struct HeartbeatAnswer {
    /// What it is now.
    pub status: EngineStatus,
    /// The locks that were renewed.
    pub renewed: Vec<LockToken>,
    /// The locks that it has lost.
    pub lost: Vec<LockToken>,
    /// The events that it holds and that are to be called off.
    pub cancel: Vec<EventId>,
    /// Whether it is to drain.
    pub drain: bool,
}

/// An event that was claimed; its lock is in its state.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The event.
    pub event: EventRow,
    /// What it has in common with its lane.
    pub lane: Arc<LaneKey>,
    /// Its payload.
    pub payload: RawJson,
}

/// An event that was enqueued, now or by an earlier request with the same idempotency key.
#[derive(Clone, Debug)]
pub struct Enqueued {
    /// Names it.
    pub event_id: EventId,
    /// What it has in common with its lane.
    pub lane: Arc<LaneKey>,
    /// What it is.
    pub status: EventStatus,
    /// From when on it may be claimed.
    pub available_at: Timestamp,
    /// Whether an earlier request has enqueued it.
    pub duplicate: bool,
    /// Whether some registered engine could ever be given it.
    pub servable: bool,
}

/// Why a command was not carried out. Nothing of it was.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Refusal {
    /// No such event.
    #[error("event {0} is not known: it never was, or its time of retention is over")]
    NoSuchEvent(EventId),
    /// No such engine, or it was deregistered.
    #[error("engine {0} is not registered")]
    EngineNotRegistered(EngineId),
    /// The engine missed its heartbeats.
    #[error("engine {0} is lost: it missed its heartbeats")]
    EngineLost(EngineId),
    /// The engine has registered anew.
    #[error("engine {engine_id} has registered anew: epoch {epoch} is over, the present one is {current}")]
    EngineSuperseded {
        /// The engine.
        engine_id: EngineId,
        /// The epoch that the caller believes to be in.
        epoch: i64,
        /// The present epoch.
        current: i64,
    },
    /// The event does not allow it.
    #[error("event {event_id}: {why}")]
    Event {
        /// The event.
        event_id: EventId,
        /// Why.
        why: transition::Refusal,
    },
    /// The key belongs to an event that was asked for in other words.
    #[error("idempotency key {key:?} belongs to event {event_id}, whose request was another one")]
    IdempotencyConflict {
        /// The key.
        key: Arc<str>,
        /// The event that has it.
        event_id: EventId,
        /// Which event of the request asks for it.
        place: usize,
    },
}

/// Why a caller gets no answer of its command.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Failure {
    /// It was refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Too many commands wait already. Nothing was done.
    #[error("too many commands are waiting")]
    Overloaded,
    /// The server is going down. Nothing was done.
    #[error("the server is shutting down")]
    ShuttingDown,
}
