//! What an engine says about itself: what it can do, and how it is doing.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ids::{Capability, ScenarioRunId};
use crate::input::Value;
use crate::limits::{MAX_CAPABILITIES, MAX_CLAIM_LIMIT, MAX_MEMORY_MB, MAX_METADATA_BYTES, MAX_VERSION_LENGTH};

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
    pub(super) fn abilities(&self) -> Abilities {
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
