//! Registration, epoch, heartbeat, and when an engine is lost.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::access::secret::{Accessor, SecretHash};
use crate::generation::Generation;
use crate::ids::{EngineId, EngineType};
use crate::input::Value;
use crate::limits::{DEFAULT_HEARTBEAT_INTERVAL, LOST_AFTER_INTERVALS, MAX_HEARTBEAT_INTERVAL, MAX_QUARANTINED_TYPES};
use crate::quarantine::{AutomaticQuarantine, Quarantine};
use crate::read_fields;
use crate::time::Timestamp;

mod metadata;
mod takeover;

pub use self::metadata::{Abilities, DynamicState, Metadata, ResourceLimits, ResourceUtilization, StaticConfig};
pub use self::takeover::{Registrant, Succession, SuccessionRefused};

/// Where an engine is in its life.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum EngineStatus {
    /// May claim events.
    Active,
    /// Gets no new events.
    Draining,
    /// Missed its heartbeats; the next one brings it back.
    Lost,
    /// Deregistered, or drained to the end.
    Stopped,
}

impl EngineStatus {
    /// The word that stands in JSON, columns and metrics.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl std::fmt::Display for EngineStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A registration that was checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Registration {
    pub engine_id: EngineId,
    pub engine_type: EngineType,
    pub metadata: Metadata,
    /// How often it will send a heartbeat; zero if never.
    pub heartbeat_interval: Duration,
    /// Whether it takes the place of an engine that lives, if there is one.
    pub takeover: bool,
}

impl Registration {
    /// Reads what an engine sends to register. Its id is in the path, or made from its type.
    pub fn read(value: Value<'_>, engine_id: impl FnOnce(&EngineType) -> EngineId) -> Option<Self> {
        read_fields!(value;
            engine_type: required(|value| value.parsed()),
            metadata: or_default(Metadata::read),
            heartbeat_interval_seconds: optional(|value| value.whole(0..=MAX_HEARTBEAT_INTERVAL.as_secs())),
            takeover: or_default(|value| value.boolean()),
        );
        let engine_type = engine_type?;
        Some(Self {
            engine_id: engine_id(&engine_type),
            engine_type,
            metadata: metadata?,
            heartbeat_interval: heartbeat_interval_seconds.map_or(DEFAULT_HEARTBEAT_INTERVAL, Duration::from_secs),
            takeover: takeover?,
        })
    }
}

/// How often it is noted that an engine without heartbeats has called.
const CALLS_NOTED_EVERY: Duration = Duration::from_secs(3_600);

/// A registered instance of a worker.
#[derive(Clone, Debug, PartialEq)]
pub struct RegisteredEngine {
    pub engine_id: EngineId,
    pub engine_type: EngineType,
    /// How often this id has registered, in this generation of the store and those before.
    pub epoch: i64,
    pub status: EngineStatus,
    pub metadata: Metadata,
    /// How often it sends a heartbeat; zero if never.
    pub heartbeat_interval: Duration,
    pub registered_at: Timestamp,
    /// When its last heartbeat arrived, or its registration; of an engine that sends none, a call within the last hour of its
    /// calls.
    pub last_heartbeat_at: Timestamp,
    /// When it is lost unless a heartbeat arrives; none if it never is.
    pub lost_due_at: Option<Timestamp>,
    /// Whether it is to get no new events, even after it was lost and came back.
    pub draining: bool,
    /// Whether it stops by itself once drained.
    pub stop_when_drained: bool,
    /// What keeps it from events, from one registration to the next; it may be over.
    pub quarantine: Option<Quarantine>,
    /// Those that it was put in because it was suspect, one for each event type, until its software has another version.
    pub automatic_quarantines: Vec<AutomaticQuarantine>,
    /// What is kept of the token of its session; none if it has none, and so nobody can show it.
    pub session: Option<SecretHash>,
    /// The access token that it was registered with; none if there was none.
    pub registered_by: Option<Accessor>,
    /// Until when takeovers of its id are counted together; none if there was none.
    pub takeovers_counted_until: Option<Timestamp>,
}

impl RegisteredEngine {
    /// A new epoch of an engine, known before or not. Whoever registers it gives it a session.
    pub fn registered(
        registration: &Registration,
        previous: Option<&Self>,
        generation: Generation,
        now: Timestamp,
    ) -> Self {
        let engine = Self {
            engine_id: registration.engine_id.clone(),
            engine_type: registration.engine_type.clone(),
            epoch: generation.next_number(previous.map_or(0, |previous| previous.epoch)),
            status: EngineStatus::Active,
            metadata: registration.metadata.clone(),
            heartbeat_interval: registration.heartbeat_interval,
            registered_at: now,
            last_heartbeat_at: now,
            lost_due_at: None,
            draining: false,
            stop_when_drained: false,
            quarantine: previous.and_then(|previous| previous.quarantine.clone()),
            // What another version has done is nothing to this one.
            automatic_quarantines: previous
                .filter(|previous| {
                    previous.version() == registration.metadata.static_config.engine_software_version.as_deref()
                })
                .map_or_else(Vec::new, |previous| previous.automatic_quarantines.clone()),
            session: None,
            registered_by: None,
            takeovers_counted_until: previous.and_then(|previous| previous.takeovers_counted_until),
        };
        Self { lost_due_at: engine.lost_after().map(|wait| now + wait), ..engine }
    }

    /// What it calls its version.
    pub fn version(&self) -> Option<&str> {
        self.metadata.static_config.engine_software_version.as_deref()
    }

    /// What keeps it from events now.
    pub fn quarantine_at(&self, now: Timestamp) -> Option<&Quarantine> {
        self.quarantine.as_ref().filter(|quarantine| quarantine.holds_at(now))
    }

    /// With an automatic quarantine in place of the one that it has for the same event type. Those that say nothing any more are
    /// dropped.
    #[must_use]
    pub fn with_automatic(mut self, quarantine: AutomaticQuarantine, now: Timestamp) -> Self {
        let is_kept =
            |other: &AutomaticQuarantine| other.event_type != quarantine.event_type && !other.is_forgotten(now);
        self.automatic_quarantines.retain(is_kept);
        self.automatic_quarantines.push(quarantine);
        // Of many types, those that were longest ago are left to advice.
        let too_many = self.automatic_quarantines.len().saturating_sub(MAX_QUARANTINED_TYPES);
        self.automatic_quarantines.drain(..too_many);
        self
    }

    /// How long it may be silent; none if it sends no heartbeats.
    pub fn lost_after(&self) -> Option<Duration> {
        (!self.heartbeat_interval.is_zero()).then(|| self.heartbeat_interval * LOST_AFTER_INTERVALS)
    }

    /// The engine after a heartbeat. A lost one becomes active again.
    #[must_use]
    pub fn heard(self, dynamic_state: Option<DynamicState>, now: Timestamp) -> Self {
        let status = match self.status {
            EngineStatus::Lost if self.draining => EngineStatus::Draining,
            EngineStatus::Lost => EngineStatus::Active,
            other => other,
        };
        let mut metadata = self.metadata.clone();
        if let Some(state) = dynamic_state {
            metadata.dynamic_state = state;
        }
        let lost_due_at = self.lost_after().map(|wait| now + wait);
        Self { status, metadata, last_heartbeat_at: now, lost_due_at, ..self }
    }

    /// The engine after a call that is no heartbeat, but shows that its process lives. None if it is as it was: its deadline
    /// would move by less than half an interval, which is not worth a write.
    pub fn seen(&self, now: Timestamp) -> Option<Self> {
        let may_be_lost = matches!(self.status, EngineStatus::Active | EngineStatus::Draining);
        if self.heartbeat_interval.is_zero() {
            // It is never lost, but forgotten when it has not called for days.
            let is_old = now.since(self.last_heartbeat_at) >= CALLS_NOTED_EVERY;
            return (may_be_lost && is_old).then(|| Self { last_heartbeat_at: now, ..self.clone() });
        }
        let (due, later) = (self.lost_due_at.filter(|_| may_be_lost)?, now + self.lost_after()?);
        (later.since(due) >= self.heartbeat_interval / 2).then(|| Self { lost_due_at: Some(later), ..self.clone() })
    }

    /// From when on another such call changes it; none if none does.
    pub fn seen_again_at(&self) -> Option<Timestamp> {
        if self.heartbeat_interval.is_zero() {
            return Some(self.last_heartbeat_at + CALLS_NOTED_EVERY);
        }
        Some(self.lost_due_at? - self.lost_after()? + self.heartbeat_interval / 2)
    }

    /// The engine after it missed its heartbeats.
    #[must_use]
    pub fn lost(self) -> Self {
        Self { status: EngineStatus::Lost, lost_due_at: None, ..self }
    }

    /// The engine once it is to get no new events.
    #[must_use]
    pub fn drained(self, stop_when_drained: bool) -> Self {
        let status = if self.status == EngineStatus::Active { EngineStatus::Draining } else { self.status };
        Self { status, draining: true, stop_when_drained: self.stop_when_drained || stop_when_drained, ..self }
    }

    /// The engine once it may get new events again.
    #[must_use]
    pub fn resumed(self) -> Self {
        let status = if self.status == EngineStatus::Draining { EngineStatus::Active } else { self.status };
        Self { status, draining: false, stop_when_drained: false, ..self }
    }

    /// Whether it was drained to its end, and so has stopped by itself.
    pub fn is_drained(&self) -> bool {
        self.status == EngineStatus::Stopped && self.stop_when_drained
    }

    /// The engine after it was deregistered, or drained to the end.
    #[must_use]
    pub fn stopped(self) -> Self {
        Self { status: EngineStatus::Stopped, lost_due_at: None, ..self }
    }

    /// What the gates look at.
    pub fn abilities(&self) -> Abilities {
        self.metadata.static_config.abilities()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::read_json;
    use crate::invalid::Invalid;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn read(body: &str) -> Result<Registration, Invalid> {
        read_json(body.as_bytes(), |value| Registration::read(value, |_| "sim-1".parse().unwrap()))
    }

    fn registration(interval: u64) -> Registration {
        read(&format!(
            r#"{{"engine_type":"simulator","heartbeat_interval_seconds":{interval},"metadata":{{
                "static_config":{{"capabilities":["gpu","cuda-12"],"rack":"b7","engine_software_version":"1.0.0",
                    "resource_limits":{{"max_concurrent_events":5,"memory_limit_mb":1024,"disk_gb":10}}}},
                "dynamic_state":{{"resource_utilization":{{"cpu_percent":45.2,"memory_usage_mb":512,"gpu_percent":3}}}},
                "team":"render"}}}}"#
        ))
        .unwrap()
    }

    #[test]
    fn unknown_keys_are_kept_and_returned() {
        let json = serde_json::to_value(registration(10).metadata).unwrap();
        assert_eq!(json["team"], "render");
        assert_eq!(json["static_config"]["rack"], "b7");
        assert_eq!(json["static_config"]["resource_limits"]["disk_gb"], 10);
        assert_eq!(json["dynamic_state"]["resource_utilization"]["gpu_percent"], 3);
    }

    #[test]
    fn a_registration_starts_a_new_epoch_and_forgets_the_drain() {
        let first = RegisteredEngine::registered(&registration(10), None, Generation::FIRST, NOW);
        assert_eq!((first.epoch, first.status), (1, EngineStatus::Active));
        assert_eq!(first.lost_due_at, Some(NOW + Duration::from_secs(30)));
        let second =
            RegisteredEngine::registered(&registration(10), Some(&first.drained(true)), Generation::FIRST, NOW);
        assert_eq!((second.epoch, second.status, second.stop_when_drained), (2, EngineStatus::Active, false));
    }

    #[test]
    fn an_engine_without_heartbeats_is_never_lost() {
        assert_eq!(RegisteredEngine::registered(&registration(0), None, Generation::FIRST, NOW).lost_due_at, None);
    }

    #[test]
    fn a_call_of_a_live_engine_moves_its_deadline_as_a_heartbeat_does_but_not_at_each_call() {
        let engine = RegisteredEngine::registered(&registration(10), None, Generation::FIRST, NOW);
        let later = |seconds| NOW + Duration::from_secs(seconds);
        assert_eq!(engine.seen_again_at(), Some(later(5)));
        assert_eq!(engine.seen(later(4)), None);
        let seen = engine.seen(later(5)).unwrap();
        assert_eq!((seen.lost_due_at, seen.last_heartbeat_at), (Some(later(35)), NOW));
        for gone in [
            engine.clone().lost(),
            engine.stopped(),
            RegisteredEngine::registered(&registration(0), None, Generation::FIRST, NOW),
        ] {
            assert_eq!(gone.seen(later(60)), None, "{}", gone.status);
        }
    }

    #[test]
    fn a_lost_engine_comes_back_as_it_was() {
        let engine = RegisteredEngine::registered(&registration(10), None, Generation::FIRST, NOW);
        let later = NOW + Duration::from_secs(60);
        let back = engine.clone().lost().heard(None, later);
        assert_eq!((back.status, back.lost_due_at), (EngineStatus::Active, Some(later + Duration::from_secs(30))));
        assert_eq!(engine.drained(false).lost().heard(None, later).status, EngineStatus::Draining);
    }

    #[test]
    fn a_lost_engine_can_be_drained_and_resumed_without_coming_back() {
        let lost = RegisteredEngine::registered(&registration(10), None, Generation::FIRST, NOW).lost();
        let drained = lost.drained(false);
        assert_eq!((drained.status, drained.draining), (EngineStatus::Lost, true));
        let resumed = drained.resumed();
        assert_eq!((resumed.status, resumed.draining), (EngineStatus::Lost, false));
    }

    #[test]
    fn every_bad_field_of_a_registration_is_named() {
        let refused = read(
            r#"{"engine_type":"","heartbeat_interval_seconds":301,"metadata":{
                "static_config":{"capabilities":["gpu","no good"],"rack":1,"rack":2,
                    "resource_limits":{"max_concurrent_events":0,"memory_limit_mb":0}},
                "dynamic_state":{"resource_utilization":{"cpu_percent":-1,"memory_usage_mb":-1},
                    "current_scenario_run_id":"a b"}}}"#,
        )
        .unwrap_err();
        let pointers: Vec<_> = refused.errors.into_iter().map(|error| error.pointer).collect();
        assert_eq!(
            pointers,
            [
                "/engine_type",
                "/metadata/static_config/capabilities/1",
                "/metadata/static_config/rack",
                "/metadata/static_config/resource_limits/max_concurrent_events",
                "/metadata/static_config/resource_limits/memory_limit_mb",
                "/metadata/dynamic_state/resource_utilization/cpu_percent",
                "/metadata/dynamic_state/resource_utilization/memory_usage_mb",
                "/metadata/dynamic_state/current_scenario_run_id",
                "/heartbeat_interval_seconds",
            ]
        );
    }
}
