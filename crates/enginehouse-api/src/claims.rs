//! Claiming events, and an engine's whole loop in one call.

use enginehouse_core::event::check_whole_seconds;
use enginehouse_core::gates::ClaimFilter;
use enginehouse_core::invalid::{Check, Invalid};
use enginehouse_core::limits::{
    DEFAULT_CLAIM_LIMIT, MAX_CLAIM_FILTERS, MAX_CLAIM_LIMIT, MAX_VISIBILITY_TIMEOUT, MAX_WAIT,
};
use enginehouse_core::request::{Affinity, Claim, Exchange};
use enginehouse_core::time::seconds;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::engines::{HeartbeatPart, HeartbeatResponse};
use crate::events::Event;
use crate::settle::{Settlement, SettlementResult, check_settlements};

/// An engine asks for events.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimRequest {
    /// The epoch that its registration answered with.
    pub epoch: i64,
    /// How many events at most; 1 to 1,000, 3 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// How long the locks last unless extended, over every policy; 1 to 604,800.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility_timeout_seconds: Option<u64>,
    /// How long to wait for a first event; 0 to 60, 0 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_seconds: Option<f64>,
    /// Only events of these queues; of all if absent or empty. At most 200.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queues: Vec<String>,
    /// Only events of these types; of all if absent or empty. At most 200.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub event_types: Vec<String>,
    /// Whether events of the engine's current scenario run come first; `prefer` if absent.
    #[serde(default)]
    pub affinity: Affinity,
}

impl ClaimRequest {
    /// Checks every field but the epoch.
    ///
    /// # Errors
    /// Every bad field.
    pub fn check(self) -> Result<Claim, Invalid> {
        let Self { epoch: _, limit, visibility_timeout_seconds, wait_seconds, queues, event_types, affinity } = self;
        ClaimPart { limit, visibility_timeout_seconds, wait_seconds, queues, event_types, affinity }.check("")
    }
}

/// The claim of an exchange: as one by itself, without the epoch.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimPart {
    /// How many events at most; 1 to 1,000, 3 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// How long the locks last unless extended, over every policy; 1 to 604,800.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility_timeout_seconds: Option<u64>,
    /// How long to wait for a first event; 0 to 60, 0 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_seconds: Option<f64>,
    /// Only events of these queues; of all if absent or empty. At most 200.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queues: Vec<String>,
    /// Only events of these types; of all if absent or empty. At most 200.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub event_types: Vec<String>,
    /// Whether events of the engine's current scenario run come first; `prefer` if absent.
    #[serde(default)]
    pub affinity: Affinity,
}

impl ClaimPart {
    /// Checks every field. `at` is the pointer of this part within the request.
    ///
    /// # Errors
    /// Every bad field.
    pub fn check(self, at: &str) -> Result<Claim, Invalid> {
        let mut check = Check::at(at);
        let limit = self.limit.unwrap_or(u64::from(DEFAULT_CLAIM_LIMIT));
        check.range("/limit", limit, 1, u64::from(MAX_CLAIM_LIMIT));
        let wait = self.wait_seconds.unwrap_or(0.0);
        check.range("/wait_seconds", wait, 0.0, MAX_WAIT.as_secs_f64());
        let visibility_timeout = check_whole_seconds(
            "/visibility_timeout_seconds",
            self.visibility_timeout_seconds,
            MAX_VISIBILITY_TIMEOUT,
            &mut check,
        );
        let filter = ClaimFilter {
            queues: check_names("/queues", &self.queues, &mut check),
            event_types: check_names("/event_types", &self.event_types, &mut check),
        };
        check.finish(Claim {
            limit: u32::try_from(limit).unwrap_or(MAX_CLAIM_LIMIT),
            visibility_timeout,
            wait: seconds(wait),
            filter,
            affinity: self.affinity,
        })
    }
}

fn check_names<T: std::str::FromStr<Err: std::fmt::Display>>(
    pointer: &str,
    names: &[String],
    check: &mut Check,
) -> Vec<T> {
    check.require(
        names.len() <= MAX_CLAIM_FILTERS,
        pointer,
        format_args!("at most {MAX_CLAIM_FILTERS} names, was {}", names.len()),
    );
    names
        .iter()
        .enumerate()
        .filter_map(|(place, name)| check.parsed(&format!("{pointer}/{place}"), name.parse()))
        .collect()
}

/// What an engine got: events under locks whose tokens it is shown.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct ClaimResponse {
    /// Best priority first, then oldest. Empty if there was nothing.
    pub events: Vec<Event>,
}

/// An engine's whole loop: settle, heartbeat, claim, in this order and in one transaction.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExchangeRequest {
    /// The epoch that its registration answered with.
    pub epoch: i64,
    /// What it is done with; at most 10,000.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settlements: Vec<Settlement>,
    /// How it is doing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<HeartbeatPart>,
    /// What it can take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<ClaimPart>,
}

impl ExchangeRequest {
    /// Checks every field but the epoch.
    ///
    /// # Errors
    /// Every bad field.
    pub fn check(self) -> Result<Exchange, Invalid> {
        let mut check = Check::default();
        let settlements = check_settlements(self.settlements, &mut check);
        let heartbeat = self.heartbeat.and_then(|part| part.check("/heartbeat").map_err(|bad| check.include(bad)).ok());
        let claim = self.claim.and_then(|part| part.check("/claim").map_err(|bad| check.include(bad)).ok());
        check.finish(Exchange { settlements, heartbeat, claim })
    }
}

/// The answers to an exchange.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct ExchangeResponse {
    /// One for each settlement, in the order of the request.
    pub settlements: Vec<SettlementResult>,
    /// The answer to the heartbeat, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<HeartbeatResponse>,
    /// The answer to the claim, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<ClaimResponse>,
}
