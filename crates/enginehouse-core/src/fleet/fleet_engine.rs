//! One engine of a fleet, and the gates that it passes by itself.

use std::cmp::Reverse;

use crate::engine::{Abilities, EngineStatus};
use crate::gates::{ClaimFilter, EngineFacts, Gate, Held, LaneFacts, Shortfall};
use crate::hold_back::HeldBackFor;
use crate::ids::EngineId;
use crate::lane::LaneKey;
use crate::quarantine::{EnforcedQuarantine, Quarantine};
use crate::time::Timestamp;

/// How many engines an explanation names: those that should claim, and those that nearly could.
pub const MAX_NAMED_ENGINES: usize = 5;

/// The gates that engines pass or fail each by itself, in the order in which an explanation asks them: first what only
/// another engine or registration changes, then what comes and goes.
pub const ENGINE_GATES: [Gate; 11] = [
    Gate::Capabilities,
    Gate::Version,
    Gate::EngineActive,
    Gate::Quarantine,
    Gate::RetryElsewhere,
    Gate::Concurrency,
    Gate::FinalAttempt,
    Gate::Memory,
    Gate::MemoryPressure,
    Gate::CpuPressure,
    Gate::HeldBack,
];

/// How many of them abilities alone decide: the first.
pub(super) const ABILITY_GATES: usize = 2;

/// An engine of a fleet.
#[derive(Clone, Debug, PartialEq)]
pub struct FleetEngine {
    pub engine_id: EngineId,
    pub status: EngineStatus,
    /// The quarantine that holds now.
    pub quarantine: Option<Quarantine>,
    /// What it is kept from now because it is suspect, where that is enforced.
    pub enforced: Vec<EnforcedQuarantine>,
    pub held: Held,
    /// Memory in use at its last heartbeat, in MiB.
    pub memory_usage_mb: Option<f64>,
    /// Processor time at its last heartbeat, in percent.
    pub cpu_percent: Option<f64>,
    pub last_heartbeat_at: Timestamp,
    /// When it last asked for events, as far as that is known.
    pub last_claim_at: Option<Timestamp>,
    /// For what it is held back, if it is.
    pub held_back: Option<HeldBackFor>,
}

impl FleetEngine {
    /// Whether what it takes depends on the event, be its requirements the same.
    pub fn tells_events_apart(&self) -> bool {
        self.held_back.is_some() || self.quarantine.is_some() || !self.enforced.is_empty()
    }

    /// What the gates look at, for events of a lane.
    pub fn facts<'a>(
        &'a self,
        abilities: &'a Abilities,
        max_cpu_percent: Option<f64>,
        lane: &LaneKey,
    ) -> EngineFacts<'a> {
        let held_back = self.held_back.as_ref().filter(|held_back| *held_back.lane != *lane);
        EngineFacts {
            engine_id: Some(&self.engine_id),
            status: self.status,
            abilities,
            quarantine: self.quarantine.as_ref(),
            enforced: &self.enforced,
            held: self.held,
            memory_usage_mb: self.memory_usage_mb,
            cpu_percent: self.cpu_percent,
            max_cpu_percent,
            held_back: held_back.map(|held_back| held_back.hold_back),
        }
    }
}

/// The lane as if nothing were paused: what keeps one engine and not another.
pub(super) fn running<'a>(lane: &LaneFacts<'a>) -> LaneFacts<'a> {
    lane.unpaused()
}

pub(super) fn check(gate: Gate, facts: &EngineFacts<'_>, lane: &LaneFacts<'_>) -> Result<(), Shortfall> {
    // What an engine asks for is its own choice, claim by claim.
    const ALL: ClaimFilter = ClaimFilter { queues: Vec::new(), event_types: Vec::new(), within: None };
    gate.check(facts, lane, &ALL)
}

/// Sorts engines that asked for events last before others.
pub(super) fn asked_before(engine: &FleetEngine) -> (Reverse<Option<Timestamp>>, &EngineId) {
    (Reverse(engine.last_claim_at), &engine.engine_id)
}
