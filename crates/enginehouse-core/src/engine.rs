//! Registration, epoch, heartbeat, and when an engine is lost.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::generation::Generation;
use crate::ids::{Capability, EngineId, EngineType, ScenarioRunId};
use crate::input::Value;
use crate::limits::{
    DEFAULT_HEARTBEAT_INTERVAL, LOST_AFTER_INTERVALS, MAX_CAPABILITIES, MAX_CLAIM_LIMIT, MAX_HEARTBEAT_INTERVAL,
    MAX_MEMORY_MB, MAX_METADATA_BYTES, MAX_QUARANTINED_TYPES, MAX_VERSION_LENGTH,
};
use crate::quarantine::{AutomaticQuarantine, Quarantine};
use crate::read_fields;
use crate::time::Timestamp;

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

type OtherKeys = serde_json::Map<String, serde_json::Value>;

/// What an engine says about itself. Unknown keys are kept and returned.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Metadata {
    /// What holds from one registration to the next.
    #[serde(default)]
    pub static_config: StaticConfig,
    /// What each heartbeat replaces.
    #[serde(default)]
    pub dynamic_state: DynamicState,
    /// The engine team's own keys.
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::HashMap<String, crate::json::RawJson>))]
    pub other: OtherKeys,
}

/// What an engine can do and may take. Unknown keys are kept and returned.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StaticConfig {
    /// What it can do: at most 64 names.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Capability>, max_items = 64))]
    pub capabilities: Vec<String>,
    /// What it may take.
    #[serde(default)]
    pub resource_limits: ResourceLimits,
    /// Its version; a semantic one, if events require a range of versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 128, pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$"))]
    pub engine_software_version: Option<String>,
    /// The engine team's own keys.
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::HashMap<String, crate::json::RawJson>))]
    pub other: OtherKeys,
}

/// How much an engine may be given at once. Unknown keys are kept and returned.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ResourceLimits {
    /// The most locks it may hold; 1 to 1,000. 1,000 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1_000))]
    pub max_concurrent_events: Option<u64>,
    /// Its memory in MiB; 1 to 2^30. Without it, it gets no event that requires memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1_073_741_824))]
    pub memory_limit_mb: Option<u64>,
    /// The engine team's own keys.
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::HashMap<String, crate::json::RawJson>))]
    pub other: OtherKeys,
}

/// How an engine is doing. Unknown keys are kept and returned.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DynamicState {
    /// Its present load.
    #[serde(default)]
    pub resource_utilization: ResourceUtilization,
    /// The scenario run it is working on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<ScenarioRunId>))]
    pub current_scenario_run_id: Option<String>,
    /// The engine team's own keys.
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::HashMap<String, crate::json::RawJson>))]
    pub other: OtherKeys,
}

/// The present load of an engine. Unknown keys are kept and returned.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ResourceUtilization {
    /// Processor time in percent of one core; 0 or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1e12))]
    pub cpu_percent: Option<f64>,
    /// Memory in use, in MiB; 0 or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1e12))]
    pub memory_usage_mb: Option<f64>,
    /// The engine team's own keys.
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::HashMap<String, crate::json::RawJson>))]
    pub other: OtherKeys,
}

/// Most processor time in percent, and most memory in MiB, that an engine may report.
const MAX_LOAD: f64 = 1e12;

impl Metadata {
    /// Reads a metadata object, whose unknown keys are kept.
    pub fn read(value: Value<'_>) -> Option<Self> {
        let (mut static_config, mut dynamic_state) = (Some(StaticConfig::default()), Some(DynamicState::default()));
        let other = read_with_others(value, |key, value| {
            match key {
                "static_config" => static_config = StaticConfig::read(value),
                "dynamic_state" => dynamic_state = DynamicState::read(value),
                _ => return false,
            }
            true
        })?;
        refuse_large(value, Self { static_config: static_config?, dynamic_state: dynamic_state?, other })
    }
}

impl StaticConfig {
    fn read(value: Value<'_>) -> Option<Self> {
        let mut read = Self::default();
        read.other = read_with_others(value, |key, value| {
            match key {
                "capabilities" => {
                    let names: Option<Vec<Capability>> = value.list(0..=MAX_CAPABILITIES, |value| value.parsed());
                    read.capabilities = names.unwrap_or_default().iter().map(ToString::to_string).collect();
                }
                "resource_limits" => read.resource_limits = ResourceLimits::read(value).unwrap_or_default(),
                "engine_software_version" => {
                    read.engine_software_version = value.unless_null(|value| value.line(0..=MAX_VERSION_LENGTH));
                }
                _ => return false,
            }
            true
        })?;
        refuse_large(value, read)
    }

    /// What the gates look at.
    fn abilities(&self) -> Abilities {
        let limits = &self.resource_limits;
        let max_concurrent_events = limits.max_concurrent_events.and_then(|most| u32::try_from(most).ok());
        Abilities {
            capabilities: self.capabilities.iter().filter_map(|name| name.parse().ok()).collect(),
            max_concurrent_events: max_concurrent_events.unwrap_or(MAX_CLAIM_LIMIT),
            memory_limit_mb: limits.memory_limit_mb,
            version: self.engine_software_version.clone(),
        }
    }
}

impl ResourceLimits {
    fn read(value: Value<'_>) -> Option<Self> {
        let mut read = Self::default();
        read.other = read_with_others(value, |key, value| {
            match key {
                "max_concurrent_events" => {
                    read.max_concurrent_events = value.unless_null(|value| value.whole(1..=u64::from(MAX_CLAIM_LIMIT)));
                }
                "memory_limit_mb" => {
                    read.memory_limit_mb = value.unless_null(|value| value.whole(1..=MAX_MEMORY_MB));
                }
                _ => return false,
            }
            true
        })?;
        Some(read)
    }
}

impl DynamicState {
    /// Reads the state of an engine, whose unknown keys are kept.
    pub fn read(value: Value<'_>) -> Option<Self> {
        let mut read = Self::default();
        read.other = read_with_others(value, |key, value| {
            match key {
                "resource_utilization" => {
                    read.resource_utilization = ResourceUtilization::read(value).unwrap_or_default();
                }
                "current_scenario_run_id" => {
                    let run: Option<ScenarioRunId> = value.unless_null(|value| value.parsed());
                    read.current_scenario_run_id = run.map(|run| run.to_string());
                }
                _ => return false,
            }
            true
        })?;
        refuse_large(value, read)
    }

    pub fn scenario_run_id(&self) -> Option<ScenarioRunId> {
        self.current_scenario_run_id.as_ref().and_then(|run| run.parse().ok())
    }
}

impl ResourceUtilization {
    fn read(value: Value<'_>) -> Option<Self> {
        let mut read = Self::default();
        read.other = read_with_others(value, |key, value| {
            let load = || value.unless_null(|value| value.number(0.0..=MAX_LOAD));
            match key {
                "cpu_percent" => read.cpu_percent = load(),
                "memory_usage_mb" => read.memory_usage_mb = load(),
                _ => return false,
            }
            true
        })?;
        Some(read)
    }
}

/// Reads an object some of whose keys are known: `known` reads those, and says whether it was one. The others are kept.
fn read_with_others(value: Value<'_>, mut known: impl FnMut(&str, Value<'_>) -> bool) -> Option<OtherKeys> {
    let mut others = OtherKeys::new();
    value.members(|key, value| {
        if !known(key, value)
            && let Some(json) = value.json(MAX_METADATA_BYTES)
            && let Ok(other) = serde_json::from_str(json.as_str())
        {
            others.insert(key.to_owned(), other);
        }
    })?;
    Some(others)
}

/// `part`, unless it takes too much room in the store.
fn refuse_large<T: Serialize>(value: Value<'_>, part: T) -> Option<T> {
    let size = serde_json::to_string(&part).map_or(usize::MAX, |text| text.len());
    if size > MAX_METADATA_BYTES {
        value.refuse(format_args!("at most {MAX_METADATA_BYTES} bytes, was {size}"));
        return None;
    }
    Some(part)
}

/// What the gates look at: an engine's static part, checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Abilities {
    pub capabilities: BTreeSet<Capability>,
    /// The most locks it may hold.
    pub max_concurrent_events: u32,
    /// Its memory, in MiB.
    pub memory_limit_mb: Option<u64>,
    pub version: Option<String>,
}

/// A registration that was checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Registration {
    pub engine_id: EngineId,
    pub engine_type: EngineType,
    pub metadata: Metadata,
    /// How often it will send a heartbeat; zero if never.
    pub heartbeat_interval: Duration,
}

impl Registration {
    /// Reads what an engine sends to register. Its id is in the path, or made from its type.
    pub fn read(value: Value<'_>, engine_id: impl FnOnce(&EngineType) -> EngineId) -> Option<Self> {
        read_fields!(value;
            engine_type: required(|value| value.parsed()),
            metadata: or_default(Metadata::read),
            heartbeat_interval_seconds: optional(|value| value.whole(0..=MAX_HEARTBEAT_INTERVAL.as_secs())),
        );
        let engine_type = engine_type?;
        Some(Self {
            engine_id: engine_id(&engine_type),
            engine_type,
            metadata: metadata?,
            heartbeat_interval: heartbeat_interval_seconds.map_or(DEFAULT_HEARTBEAT_INTERVAL, Duration::from_secs),
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
}

impl RegisteredEngine {
    /// A new epoch of an engine, known before or not.
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
