//! Claiming events, and an engine's whole loop in one call.

use std::borrow::Cow;
use std::time::Duration;

use enginehouse_core::gates::ClaimFilter;
use enginehouse_core::input::{Textual, Value};
use enginehouse_core::limits::{DEFAULT_CLAIM_LIMIT, MAX_CLAIM_FILTERS, MAX_CLAIM_LIMIT};
use enginehouse_core::lock::LockToken;
use enginehouse_core::read_fields;
use enginehouse_core::report::PreviousAttempt;
use enginehouse_core::request::{Affinity, Claim};
use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use crate::composed::{described, object, with_field};
use crate::engines::{HeartbeatPart, HeartbeatResponse, ReadHeartbeat};
use crate::events::{Event, EventLock, read_wait};
use crate::settle::{ReadSettlement, Settlement, SettlementResult, read_visibility_timeout, refused};

/// An engine asks for events.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimRequest {
    /// The epoch that its registration answered with.
    pub epoch: i64,
    /// How many events at most; 1 to 1,000, 3 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000)]
    pub limit: Option<u64>,
    /// How long the locks last unless extended, over every policy; 1 to 604,800.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 604_800)]
    pub visibility_timeout_seconds: Option<u64>,
    /// How long to wait for a first event; 0 to 60, 0 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 60)]
    pub wait_seconds: Option<f64>,
    /// Only events of these queues; of all if absent or empty. At most 200.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<enginehouse_core::ids::QueueName>, max_items = 200)]
    pub queues: Vec<String>,
    /// Only events of these types; of all if absent or empty. At most 200.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<enginehouse_core::ids::EventType>, max_items = 200)]
    pub event_types: Vec<String>,
    /// Whether events of the engine's current scenario run come first; `prefer` if absent.
    #[serde(default)]
    pub affinity: Affinity,
}

impl ClaimRequest {
    /// Reads a claim, and the epoch of who asks.
    pub fn read(value: Value<'_>) -> Option<(i64, Claim)> {
        read_fields!(value;
            epoch: required(|value| value.integer()),
            limit: optional(read_limit),
            visibility_timeout_seconds: optional(read_visibility_timeout),
            wait_seconds: optional(read_wait),
            queues: or_default(read_names),
            event_types: or_default(read_names),
            affinity: or_default(|value| value.word()),
        );
        let filter = ClaimFilter { queues: queues?, event_types: event_types?, within: None };
        Some((epoch?, claim(limit, visibility_timeout_seconds, wait_seconds, filter, affinity?)))
    }
}

/// The claim of an exchange: as one by itself, without the epoch.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimPart {
    /// How many events at most; 1 to 1,000, 3 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000)]
    pub limit: Option<u64>,
    /// How long the locks last unless extended, over every policy; 1 to 604,800.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 604_800)]
    pub visibility_timeout_seconds: Option<u64>,
    /// How long to wait for a first event; 0 to 60, 0 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 60)]
    pub wait_seconds: Option<f64>,
    /// Only events of these queues; of all if absent or empty. At most 200.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<enginehouse_core::ids::QueueName>, max_items = 200)]
    pub queues: Vec<String>,
    /// Only events of these types; of all if absent or empty. At most 200.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<enginehouse_core::ids::EventType>, max_items = 200)]
    pub event_types: Vec<String>,
    /// Whether events of the engine's current scenario run come first; `prefer` if absent.
    #[serde(default)]
    pub affinity: Affinity,
}

impl ClaimPart {
    fn read(value: Value<'_>) -> Option<Claim> {
        read_fields!(value;
            limit: optional(read_limit),
            visibility_timeout_seconds: optional(read_visibility_timeout),
            wait_seconds: optional(read_wait),
            queues: or_default(read_names),
            event_types: or_default(read_names),
            affinity: or_default(|value| value.word()),
        );
        let filter = ClaimFilter { queues: queues?, event_types: event_types?, within: None };
        Some(claim(limit, visibility_timeout_seconds, wait_seconds, filter, affinity?))
    }
}

fn read_limit(value: Value<'_>) -> Option<u32> {
    value.whole(1..=MAX_CLAIM_LIMIT)
}

fn read_names<T: Textual>(value: Value<'_>) -> Option<Vec<T>> {
    value.list(0..=MAX_CLAIM_FILTERS, |value| value.parsed())
}

fn claim(
    limit: Option<u32>,
    visibility_timeout: Option<Duration>,
    wait: Option<Duration>,
    filter: ClaimFilter,
    affinity: Affinity,
) -> Claim {
    Claim {
        limit: limit.unwrap_or(DEFAULT_CLAIM_LIMIT),
        visibility_timeout,
        wait: wait.unwrap_or_default(),
        filter,
        affinity,
    }
}

/// What an engine got: events under locks whose tokens it is shown.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct ClaimResponse {
    /// Best priority first, then oldest. Empty if there was nothing.
    #[schema(value_type = Vec<ClaimedEventSchema>)]
    pub events: Vec<Event>,
}

/// How an event is described to whoever has claimed it: as an [`Event`] that has its lock, and the lock its token.
#[derive(Clone, Copy, Debug)]
pub struct ClaimedEventSchema;

impl PartialSchema for ClaimedEventSchema {
    fn schema() -> RefOr<Schema> {
        let mut event = object::<Event>();
        event.description = Some("An event under the lock of the engine that claimed it.".to_owned());
        with_field::<ClaimedLockSchema>(&mut event, "lock", "Its lock, with the token that settles it.");
        with_field::<PreviousAttempt>(
            &mut event,
            "previous",
            "What the attempts before have left; absent if there were none.",
        );
        event.required.retain(|name| name != "previous");
        Schema::Object(event).into()
    }
}

impl ToSchema for ClaimedEventSchema {
    fn name() -> Cow<'static, str> {
        "ClaimedEvent".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        described::<ClaimedLockSchema>(schemas);
        described::<PreviousAttempt>(schemas);
        Event::schemas(schemas);
    }
}

/// How a lock is described to its holder: as an [`EventLock`] with its token.
#[derive(Clone, Copy, Debug)]
pub struct ClaimedLockSchema;

impl PartialSchema for ClaimedLockSchema {
    fn schema() -> RefOr<Schema> {
        let mut lock = object::<EventLock>();
        with_field::<LockToken>(
            &mut lock,
            "token",
            "Proves that its bearer holds the lock. Only the answer to the claim has it.",
        );
        Schema::Object(lock).into()
    }
}

impl ToSchema for ClaimedLockSchema {
    fn name() -> Cow<'static, str> {
        "ClaimedLock".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        described::<LockToken>(schemas);
        EventLock::schemas(schemas);
    }
}

/// An engine's whole loop: settle, heartbeat, claim, in this order and in one transaction.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExchangeRequest {
    /// The epoch that its registration answered with.
    pub epoch: i64,
    /// What it is done with; at most 10,000.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 10_000)]
    pub settlements: Vec<Settlement>,
    /// How it is doing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<HeartbeatPart>,
    /// What it can take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<ClaimPart>,
}

/// An exchange as it was read.
#[derive(Clone, Debug)]
pub struct ReadExchange {
    /// The epoch of who asks.
    pub epoch: i64,
    /// Each was read by itself.
    pub settlements: Vec<ReadSettlement>,
    pub heartbeat: Option<ReadHeartbeat>,
    pub claim: Option<Claim>,
}

impl ExchangeRequest {
    pub fn read(value: Value<'_>) -> Option<ReadExchange> {
        read_fields!(value;
            epoch: required(|value| value.integer()),
            settlements: or_default(|value| Settlement::read_each(value, 0)),
            heartbeat: optional(HeartbeatPart::read),
            claim: optional(ClaimPart::read),
        );
        value.refuse_too(refused(&settlements));
        Some(ReadExchange { epoch: epoch?, settlements: settlements?, heartbeat, claim })
    }
}

/// The answers to an exchange.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct ExchangeResponse {
    /// One for each settlement, in the order of the request.
    pub settlements: Vec<SettlementResult>,
    /// The answer to the heartbeat, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub heartbeat: Option<HeartbeatResponse>,
    /// The answer to the claim, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub claim: Option<ClaimResponse>,
}
