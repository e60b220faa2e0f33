//! The logs of attempts, as far as they are kept.

use enginehouse_core::event::AttemptOutcome;
use enginehouse_core::ids::{EngineId, EventId};
use enginehouse_core::input::Value;
use enginehouse_core::read_fields;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which logs to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LogQuery {
    /// Only of the attempt with this number; of the newest ones if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 4_294_967_295_u32)]
    pub attempt: Option<u32>,
    /// Whether to go on with what is appended until the attempt ends: the newest one, or the one that is named.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[param(required = false)]
    pub follow: bool,
}

impl LogQuery {
    pub fn read(value: Value<'_>) -> Option<Self> {
        read_fields!(value;
            attempt: optional(|value| value.whole(1..=u32::MAX)),
            follow: or_default(|value| value.boolean()),
        );
        Some(Self { attempt, follow: follow? })
    }
}

/// The ends of the logs of an event's attempts.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LogResponse {
    /// The event.
    pub event_id: EventId,
    /// Those of the last 16 attempts of which there is one, oldest first.
    pub logs: Vec<AttemptLog>,
}

/// The end of the log of one attempt.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AttemptLog {
    /// The attempt's number.
    pub attempt: u32,
    /// Who made it.
    pub engine_id: EngineId,
    /// How it ended; null while it is under way.
    #[schema(required = true)]
    pub outcome: Option<AttemptOutcome>,
    /// How many bytes the log has had in all. If that is more than there are here, its beginning was not kept.
    pub total_bytes: u64,
    /// Its last lines, each with its end.
    pub text: String,
}

/// What comes next in a log that is followed: the data of an event of the stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogPart {
    /// The attempt's number.
    pub attempt: u32,
    /// Lines, each with its end. Empty in the last part.
    pub text: String,
    /// How the attempt ended, in the last part; null if it is not known, or nothing is under way.
    #[schema(required = true)]
    pub outcome: Option<AttemptOutcome>,
}
