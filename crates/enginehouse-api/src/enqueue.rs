//! Enqueueing: one event, a batch, a stream of lines.

pub use enginehouse_core::event::EventDraft as EnqueueRequest;
use enginehouse_core::event::{EventStatus, NewEvent};
use enginehouse_core::ids::{EventId, EventType, QueueName};
use enginehouse_core::input::Value;
use enginehouse_core::invalid::Invalid;
use enginehouse_core::limits::MAX_BATCH;
use enginehouse_core::read_fields;
use enginehouse_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::each::Each;
use crate::events::Event;
use crate::problem::Problem;

/// What became of an enqueue.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EnqueueResponse {
    /// The event: the new one, or the live one that has the same idempotency key.
    pub event_id: EventId,
    /// What kind of work it is.
    pub event_type: EventType,
    /// The queue it waits in.
    pub queue: QueueName,
    /// Where it is in its life.
    pub status: EventStatus,
    /// From when on it may be claimed.
    pub available_at: Timestamp,
    /// Whether the event was there before this request.
    pub duplicate: bool,
    /// What the producer should know. Never a reason to send the event again.
    pub warnings: Vec<Warning>,
    /// With `wait_seconds`, the event as it was when the wait was over; `status` is its status then. Absent if it could not be
    /// read: it is stored nevertheless.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub event: Option<Box<Event>>,
}

/// Something that a caller should know about what was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Warning {
    /// A stable word for programs.
    pub code: WarningCode,
    /// A sentence for people.
    pub detail: String,
    /// The first event that it is about; absent if it is about none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub event_id: Option<EventId>,
}

/// What a caller can be warned of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WarningCode {
    /// No engine that is registered could ever run the event.
    NoEngineFits,
    /// What the engine calls its version lies in no range of versions.
    UnreadableVersion,
}

/// Up to 10,000 events: all or nothing, or each by itself.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchRequest {
    /// The events: 1 to 10,000.
    #[schema(min_items = 1, max_items = 10_000)]
    pub events: Vec<EnqueueRequest>,
    /// Whether one event that is refused refuses all; true if absent. If false, each has its own answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub atomic: Option<bool>,
}

/// A batch as it was read.
#[derive(Clone, Debug)]
pub enum ReadBatch {
    /// All or nothing.
    Atomic(Vec<NewEvent>),
    /// Each by itself: those that are refused already, too.
    Each(Vec<Result<NewEvent, Invalid>>),
}

impl BatchRequest {
    pub fn read(value: Value<'_>) -> Option<ReadBatch> {
        let each = Each::new();
        read_fields!(value;
            atomic: optional(|value| value.boolean()),
            events: required(|value| match atomic {
                None | Some(true) => value.list(1..=MAX_BATCH, NewEvent::read).map(ReadBatch::Atomic),
                Some(false) => {
                    let one = |value: Value<'_>| Some(each.read(value, NewEvent::read));
                    value.list(1..=MAX_BATCH, one).map(ReadBatch::Each)
                }
            }),
        );
        if let Some(ReadBatch::Each(events)) = &events {
            value.refuse_too(events.iter().filter_map(|event| event.as_ref().err()));
        }
        events
    }
}

/// What became of a batch.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BatchResponse {
    /// How many events are new.
    pub enqueued: u64,
    /// How many were there before, by their idempotency keys.
    pub duplicates: u64,
    /// How many were refused: none of a batch that is all or nothing.
    #[serde(default)]
    #[schema(required = true)]
    pub rejected: u64,
    /// One for each event of the request, in its order.
    pub events: Vec<BatchedEvent>,
    /// What the producer should know, each thing once.
    pub warnings: Vec<Warning>,
}

/// One event of a batch.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BatchedEvent {
    /// The event: the new one, or the one that has the same idempotency key; null if it was refused.
    #[schema(required = true)]
    pub event_id: Option<EventId>,
    /// Whether the event was there before this request.
    pub duplicate: bool,
    /// Why it was refused; absent if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error: Option<Problem>,
}

/// What became of a stream of `application/x-ndjson`: the good lines are stored.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct NdjsonResponse {
    /// How many events are new.
    pub enqueued: u64,
    /// How many were there before, by their idempotency keys.
    pub duplicates: u64,
    /// How many lines were refused.
    pub rejected: u64,
    /// What is wrong with them: the first 1,000.
    pub errors: Vec<LineError>,
    /// What the producer should know, each thing once.
    pub warnings: Vec<Warning>,
}

/// One bad field of one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LineError {
    /// The line, counted from 1; empty lines count.
    pub line: u64,
    /// Where in the line's record: a JSON pointer (RFC 6901); empty for the whole line.
    pub pointer: String,
    /// What is wrong, and what would be right.
    pub detail: String,
}
