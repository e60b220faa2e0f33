//! What makes two events the same to dispatch.
//!
//! Events that no engine could tell apart share a lane. An engine either may serve a lane or may not, so a
//! claim looks at lanes, of which there are few, and never at a backlog that needs some other engine.

use std::collections::{BTreeSet, HashSet};

use crate::ids::{Capability, EventType, LaneId, QueueName, ScenarioRunId};
use crate::version::VersionRequirement;

/// Everything of an event that decides which engine may have it, and in which order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneKey {
    pub queue: QueueName,
    pub event_type: EventType,
    /// 0 (first) to 9 (last).
    pub priority: u8,
    /// What the engine must be capable of.
    pub required_capabilities: BTreeSet<Capability>,
    /// Memory that the engine must have free, in MiB.
    pub required_memory_mb: Option<u64>,
    /// The range that the engine's version must lie in.
    pub engine_version: Option<VersionRequirement>,
    /// The scenario run whose events these are, if that was paused while they waited. They stand apart from then on, so that a
    /// claim passes all of them at once.
    pub suspended_run: Option<ScenarioRunId>,
}

/// The field in which lanes differ most, and how many values of it there are: what keeps a set of lanes from being small.
pub fn most_varied<'a>(keys: impl Iterator<Item = &'a LaneKey>) -> (&'static str, usize) {
    let (mut event_types, mut queues) = (HashSet::new(), HashSet::new());
    let (mut priorities, mut requirements) = (HashSet::new(), HashSet::new());
    for key in keys {
        event_types.insert(&key.event_type);
        queues.insert(&key.queue);
        priorities.insert(key.priority);
        requirements.insert((&key.required_capabilities, key.required_memory_mb, &key.engine_version));
    }
    let mut most = ("event_type", event_types.len());
    for (field, values) in
        [("queue", queues.len()), ("priority", priorities.len()), ("requirements", requirements.len())]
    {
        if values > most.1 {
            most = (field, values);
        }
    }
    most
}

/// A lane that a store knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Its number in that store.
    pub lane_id: LaneId,
    pub key: LaneKey,
}
