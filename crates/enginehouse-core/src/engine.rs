//! Registration, epoch, heartbeat, and when an engine is lost.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::event::check_capabilities;
use crate::ids::{Capability, EngineId, EngineType, ScenarioRunId};
use crate::invalid::{Check, Invalid};
use crate::limits::{
    DEFAULT_HEARTBEAT_INTERVAL, LOST_AFTER_INTERVALS, MAX_CLAIM_LIMIT, MAX_HEARTBEAT_INTERVAL, MAX_MEMORY_MB,
    MAX_METADATA_BYTES, MAX_VERSION_LENGTH,
};
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
    #[cfg_attr(feature = "openapi", schema(ignore))]
    pub other: OtherKeys,
}

/// What an engine can do and may take. Unknown keys are kept and returned.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StaticConfig {
    /// What it can do: at most 64 names.
    #[serde(default)]
    pub capabilities: Vec<String>,
    /// What it may take.
    #[serde(default)]
    pub resource_limits: ResourceLimits,
    /// Its version; a semantic one, if events require a range of versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine_software_version: Option<String>,
    /// The engine team's own keys.
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schema(ignore))]
    pub other: OtherKeys,
}

/// How much an engine may be given at once. Unknown keys are kept and returned.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ResourceLimits {
    /// The most locks it may hold; 1 to 1,000. 1,000 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_concurrent_events: Option<u64>,
    /// Its memory in MiB; 1 to 2^30. Without it, it gets no event that requires memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_limit_mb: Option<u64>,
    /// The engine team's own keys.
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schema(ignore))]
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
    pub current_scenario_run_id: Option<String>,
    /// The engine team's own keys.
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schema(ignore))]
    pub other: OtherKeys,
}

/// The present load of an engine. Unknown keys are kept and returned.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ResourceUtilization {
    /// Processor time in percent of one core; 0 or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_percent: Option<f64>,
    /// Memory in use, in MiB; 0 or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_usage_mb: Option<f64>,
    /// The engine team's own keys.
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schema(ignore))]
    pub other: OtherKeys,
}

impl DynamicState {
    /// Checks every known key.
    ///
    /// # Errors
    /// Every bad field, with pointers that begin with `at`.
    pub fn check(&self, at: &str) -> Result<(), Invalid> {
        let mut check = Check::at(at);
        let load = &self.resource_utilization;
        for (pointer, value) in [
            ("/resource_utilization/cpu_percent", load.cpu_percent),
            ("/resource_utilization/memory_usage_mb", load.memory_usage_mb),
        ] {
            check.require(
                value.is_none_or(|value| (0.0..=1e12).contains(&value)),
                pointer,
                "must be a number of 0 or more",
            );
        }
        if let Some(run) = &self.current_scenario_run_id {
            check.parsed("/current_scenario_run_id", run.parse::<ScenarioRunId>());
        }
        require_small(self, &mut check);
        check.finish(())
    }

    /// The scenario run, of a state that was checked.
    pub fn scenario_run_id(&self) -> Option<ScenarioRunId> {
        self.current_scenario_run_id.as_ref().and_then(|run| run.parse().ok())
    }
}

fn require_small(part: &impl Serialize, check: &mut Check) {
    let size = serde_json::to_string(part).map_or(usize::MAX, |text| text.len());
    check.require(size <= MAX_METADATA_BYTES, "", format_args!("at most {MAX_METADATA_BYTES} bytes, was {size}"));
}

/// What the gates look at: an engine's static part, checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Abilities {
    /// What it can do.
    pub capabilities: BTreeSet<Capability>,
    /// The most locks it may hold.
    pub max_concurrent_events: u32,
    /// Its memory, in MiB.
    pub memory_limit_mb: Option<u64>,
    /// Its version.
    pub version: Option<String>,
}

impl StaticConfig {
    /// Checks every known key.
    ///
    /// # Errors
    /// Every bad field, with pointers that begin with `at`.
    pub fn check(&self, at: &str) -> Result<Abilities, Invalid> {
        let mut check = Check::at(at);
        let limits = &self.resource_limits;
        let max_concurrent_events = limits.max_concurrent_events.unwrap_or(u64::from(MAX_CLAIM_LIMIT));
        check.range("/resource_limits/max_concurrent_events", max_concurrent_events, 1, u64::from(MAX_CLAIM_LIMIT));
        if let Some(memory) = limits.memory_limit_mb {
            check.range("/resource_limits/memory_limit_mb", memory, 1, MAX_MEMORY_MB);
        }
        if let Some(version) = &self.engine_software_version {
            check.require(
                version.len() <= MAX_VERSION_LENGTH && !version.chars().any(char::is_control),
                "/engine_software_version",
                format_args!("at most {MAX_VERSION_LENGTH} characters, and no control characters"),
            );
        }
        require_small(self, &mut check);
        let abilities = Abilities {
            capabilities: check_capabilities(&self.capabilities, "/capabilities", &mut check),
            max_concurrent_events: u32::try_from(max_concurrent_events).unwrap_or(MAX_CLAIM_LIMIT),
            memory_limit_mb: limits.memory_limit_mb,
            version: self.engine_software_version.clone(),
        };
        check.finish(abilities)
    }
}

/// A registration that was checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Registration {
    /// Who registers.
    pub engine_id: EngineId,
    /// What kind of engine it is.
    pub engine_type: EngineType,
    /// What it says about itself.
    pub metadata: Metadata,
    /// How often it will speak up; zero if never.
    pub heartbeat_interval: Duration,
}

impl Registration {
    /// Checks what an engine sends to register.
    ///
    /// # Errors
    /// Every bad field.
    pub fn check(
        engine_id: EngineId,
        engine_type: &str,
        metadata: Metadata,
        heartbeat_interval_seconds: Option<u64>,
    ) -> Result<Self, Invalid> {
        let mut check = Check::default();
        let engine_type = check.parsed("/engine_type", engine_type.parse());
        if let Err(bad) = metadata.static_config.check("/metadata/static_config") {
            check.include(bad);
        }
        if let Err(bad) = metadata.dynamic_state.check("/metadata/dynamic_state") {
            check.include(bad);
        }
        require_small(&metadata, &mut check);
        let interval = heartbeat_interval_seconds.unwrap_or(DEFAULT_HEARTBEAT_INTERVAL.as_secs());
        check.range("/heartbeat_interval_seconds", interval, 0, MAX_HEARTBEAT_INTERVAL.as_secs());
        let Some(engine_type) = engine_type else {
            return Err(check.finish(()).expect_err("a name that does not parse was noted"));
        };
        check.finish(Self { engine_id, engine_type, metadata, heartbeat_interval: Duration::from_secs(interval) })
    }
}

/// A registered instance of a worker.
#[derive(Clone, Debug, PartialEq)]
pub struct Engine {
    /// Names it.
    pub engine_id: EngineId,
    /// Groups it.
    pub engine_type: EngineType,
    /// How often this id has registered.
    pub epoch: i64,
    /// Where it is in its life.
    pub status: EngineStatus,
    /// What it says about itself.
    pub metadata: Metadata,
    /// How often it speaks up; zero if never.
    pub heartbeat_interval: Duration,
    /// When this epoch began.
    pub registered_at: Timestamp,
    /// When it last spoke up: a heartbeat, or its registration.
    pub last_heartbeat_at: Timestamp,
    /// When it is lost unless it speaks up; none if it never is.
    pub lost_due_at: Option<Timestamp>,
    /// Whether it is to get no new events, even after it was lost and came back.
    pub draining: bool,
    /// Whether it stops by itself once drained.
    pub stop_when_drained: bool,
}

impl Engine {
    /// A new epoch of an engine, known before or not.
    pub fn registered(registration: &Registration, previous: Option<&Self>, now: Timestamp) -> Self {
        let engine = Self {
            engine_id: registration.engine_id.clone(),
            engine_type: registration.engine_type.clone(),
            epoch: previous.map_or(1, |previous| previous.epoch + 1),
            status: EngineStatus::Active,
            metadata: registration.metadata.clone(),
            heartbeat_interval: registration.heartbeat_interval,
            registered_at: now,
            last_heartbeat_at: now,
            lost_due_at: None,
            draining: false,
            stop_when_drained: false,
        };
        Self { lost_due_at: engine.lost_after().map(|wait| now + wait), ..engine }
    }

    /// How long it may be silent; none if it sends no heartbeats.
    pub fn lost_after(&self) -> Option<Duration> {
        (!self.heartbeat_interval.is_zero()).then(|| self.heartbeat_interval * LOST_AFTER_INTERVALS)
    }

    /// The engine after it spoke up. A lost one comes back.
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

    /// What the gates look at. The metadata was checked when it registered.
    pub fn abilities(&self) -> Abilities {
        self.metadata.static_config.check("").unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn registration(interval: u64) -> Registration {
        let metadata = serde_json::from_str(
            r#"{"static_config":{"capabilities":["gpu","cuda-12"],"rack":"b7",
                "resource_limits":{"max_concurrent_events":5,"memory_limit_mb":1024,"disk_gb":10},"engine_software_version":"1.0.0"},
                "dynamic_state":{"resource_utilization":{"cpu_percent":45.2,"memory_usage_mb":512,"gpu_percent":3}},"team":"render"}"#,
        )
        .unwrap();
        Registration::check("sim-1".parse().unwrap(), "simulator", metadata, Some(interval)).unwrap()
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
        let first = Engine::registered(&registration(10), None, NOW);
        assert_eq!((first.epoch, first.status), (1, EngineStatus::Active));
        assert_eq!(first.lost_due_at, Some(NOW + Duration::from_secs(30)));
        let second = Engine::registered(&registration(10), Some(&first.drained(true)), NOW);
        assert_eq!((second.epoch, second.status, second.stop_when_drained), (2, EngineStatus::Active, false));
    }

    #[test]
    fn an_engine_without_heartbeats_is_never_lost() {
        assert_eq!(Engine::registered(&registration(0), None, NOW).lost_due_at, None);
    }

    #[test]
    fn a_lost_engine_comes_back_as_it_was() {
        let engine = Engine::registered(&registration(10), None, NOW);
        let later = NOW + Duration::from_secs(60);
        let back = engine.clone().lost().heard(None, later);
        assert_eq!((back.status, back.lost_due_at), (EngineStatus::Active, Some(later + Duration::from_secs(30))));
        assert_eq!(engine.drained(false).lost().heard(None, later).status, EngineStatus::Draining);
    }

    #[test]
    fn a_lost_engine_can_be_drained_and_resumed_without_coming_back() {
        let lost = Engine::registered(&registration(10), None, NOW).lost();
        let drained = lost.drained(false);
        assert_eq!((drained.status, drained.draining), (EngineStatus::Lost, true));
        let resumed = drained.resumed();
        assert_eq!((resumed.status, resumed.draining), (EngineStatus::Lost, false));
    }

    #[test]
    fn every_bad_field_of_a_registration_is_named() {
        let metadata: Metadata = serde_json::from_str(
            r#"{"static_config":{"capabilities":["gpu","no good"],"resource_limits":{"max_concurrent_events":0,"memory_limit_mb":0}},
                "dynamic_state":{"resource_utilization":{"cpu_percent":-1,"memory_usage_mb":-1},"current_scenario_run_id":"a b"}}"#,
        )
        .unwrap();
        let refused = Registration::check("e".parse().unwrap(), "", metadata, Some(301)).unwrap_err();
        let pointers: Vec<_> = refused.errors.into_iter().map(|error| error.pointer).collect();
        assert_eq!(
            pointers,
            [
                "/engine_type",
                "/metadata/static_config/resource_limits/max_concurrent_events",
                "/metadata/static_config/resource_limits/memory_limit_mb",
                "/metadata/static_config/capabilities/1",
                "/metadata/dynamic_state/resource_utilization/cpu_percent",
                "/metadata/dynamic_state/resource_utilization/memory_usage_mb",
                "/metadata/dynamic_state/current_scenario_run_id",
                "/heartbeat_interval_seconds",
            ]
        );
    }
}
