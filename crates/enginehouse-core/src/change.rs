//! The smallest change that would let an event run: what a person can do, step by step.

use std::fmt;

use crate::engine::EngineStatus;
use crate::gates::{ClaimFilter, EngineFacts, Gate, Held, LaneFacts, Shortfall};
use crate::hold_back::HeldBackFor;
use crate::ids::{Capability, EngineId, EventId, EventType, QueueName, ScenarioRunId};
use crate::limits::{MAX_CLAIM_LIMIT, MAX_MEMORY_MB};
use crate::miss::capability_names;
use crate::time::Timestamp;

/// One thing to do.
#[derive(Clone, Debug, PartialEq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum ChangeStep {
    ResumeQueue(QueueName),
    ResumeEventType(EventType),
    ResumeRun(ScenarioRunId),
    /// Make the event available now, instead of at a time.
    MakeAvailable {
        available_at: Timestamp,
    },
    /// Let an engine that drains take events again.
    ResumeEngine(EngineId),
    /// Lift the quarantine of an engine.
    LiftQuarantine(EngineId),
    /// Let an engine retry an event that it has failed.
    RetryHere(EngineId),
    /// Start a lost engine again, or let it send a heartbeat.
    StartEngine(EngineId),
    RaiseMaxConcurrentEvents {
        engine_id: EngineId,
        /// The new value.
        to: u32,
    },
    /// Raise an engine's `memory_limit_mb`, or declare one.
    RaiseMemoryLimit {
        engine_id: EngineId,
        /// How much more, in MiB.
        by_mb: u64,
        /// The new value, in MiB.
        to_mb: u64,
    },
    AddCapabilities {
        engine_id: EngineId,
        capabilities: Vec<Capability>,
    },
    /// Run another version of an engine's software.
    ChangeVersion {
        engine_id: EngineId,
        required: String,
    },
    /// Let an engine finish, or release, what it holds.
    EmptyEngine(EngineId),
    /// Let an event run first, for which an engine is held back.
    RunFirst {
        engine_id: EngineId,
        event_id: EventId,
    },
    /// Bring an engine's processor time down to a mark.
    LowerCpu {
        engine_id: EngineId,
        to_percent: f64,
    },
    /// Register an engine that can do what is required.
    RegisterEngine {
        capabilities: Vec<Capability>,
        memory_limit_mb: Option<u64>,
        engine_version: Option<String>,
    },
}

/// How much has to change before an engine can be given an event: fewer steps first, then the lighter kind of step, then
/// the smaller amount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Effort {
    steps: u32,
    heaviest: u32,
    amount: u64,
}

impl Effort {
    /// What an engine that lacks so many capabilities needs. Allocates nothing for an engine that lacks none.
    pub(crate) fn of(engine: &EngineFacts<'_>, lane: &LaneFacts<'_>, lacks: u64) -> Self {
        let mut effort = Self::default();
        if lacks > 0 {
            effort.add(4, lacks);
        }
        let needs = Needs::of(engine, lane);
        if needs.version {
            effort.add(5, 0);
        }
        match needs.status {
            Some(EngineStatus::Lost) => effort.add(3, 0),
            Some(_) => effort.add(0, 0),
            None => {}
        }
        for light in [needs.quarantined, needs.retry_here] {
            if light {
                effort.add(0, 0);
            }
        }
        if let Some(to) = needs.locks_to {
            effort.add(1, u64::from(to));
        }
        if let Some((by_mb, _)) = needs.memory {
            effort.add(2, by_mb);
        }
        if needs.empty {
            effort.add(6, 0);
        }
        if needs.cpu_to.is_some() {
            effort.add(7, 0);
        }
        if needs.run_first {
            effort.add(6, 0);
        }
        effort
    }

    fn add(&mut self, weight: u32, amount: u64) {
        self.steps += 1;
        self.heaviest = self.heaviest.max(weight);
        self.amount = self.amount.saturating_add(amount);
    }
}

/// What one engine needs, its capabilities aside.
#[derive(Default)]
struct Needs {
    /// Its status, if it is not active.
    status: Option<EngineStatus>,
    quarantined: bool,
    /// It has failed the event.
    retry_here: bool,
    version: bool,
    /// It must hold nothing.
    empty: bool,
    /// The number of locks that it would have to be allowed.
    locks_to: Option<u32>,
    /// By how much its memory limit is too low, and what it would have to be.
    memory: Option<(u64, u64)>,
    /// The mark that its processor time is over.
    cpu_to: Option<f64>,
    /// Another event has to run first.
    run_first: bool,
}

impl Needs {
    fn of(engine: &EngineFacts<'_>, lane: &LaneFacts<'_>) -> Self {
        let check = |gate: Gate, engine: &EngineFacts<'_>| gate.check(engine, lane, &ClaimFilter::default()).err();
        let mut needs = Self::default();
        if let Some(Shortfall::EngineIs(status)) = check(Gate::EngineActive, engine) {
            needs.status = Some(status);
        }
        needs.quarantined = check(Gate::Quarantine, engine).is_some();
        needs.retry_here = check(Gate::RetryElsewhere, engine).is_some();
        needs.version = check(Gate::Version, engine).is_some();
        if let Some(Shortfall::CpuOver { max_cpu_percent, .. }) = check(Gate::CpuPressure, engine) {
            needs.cpu_to = Some(max_cpu_percent);
        }
        needs.run_first = check(Gate::HeldBack, engine).is_some();
        let emptied = EngineFacts { held: Held::default(), ..*engine };
        needs.empty = check(Gate::FinalAttempt, engine).is_some();
        // One that is to be empty needs no room beside what it holds now.
        let engine = if needs.empty { &emptied } else { engine };
        let locks_to = check(Gate::Concurrency, engine).map(|_| engine.held.locks + 1);
        let limit = engine.abilities.memory_limit_mb;
        let short = match check(Gate::Memory, engine) {
            Some(Shortfall::MemoryShort { missing_mb }) => missing_mb,
            Some(_) => lane.key.required_memory_mb.unwrap_or(0).saturating_add(engine.held.memory_mb),
            None => 0,
        };
        let over = match check(Gate::MemoryPressure, engine) {
            Some(Shortfall::MemoryOver { over_mb }) => whole_mb(over_mb),
            // Without a limit nothing is over it: once there is one, it has to hold what is in use.
            _ if limit.is_none() && short > 0 => {
                let in_use = engine.memory_usage_mb.unwrap_or(0.0) + engine.held.memory_since_heartbeat_mb as f64;
                whole_mb(in_use)
            }
            _ => 0,
        };
        let by_mb = short.max(over);
        let memory = (by_mb > 0).then(|| (by_mb, limit.unwrap_or(0).saturating_add(by_mb)));
        // What may not be raised so far, only room helps.
        let cannot_be_raised =
            locks_to.is_some_and(|to| to > MAX_CLAIM_LIMIT) || memory.is_some_and(|(_, to_mb)| to_mb > MAX_MEMORY_MB);
        if cannot_be_raised && !needs.empty && engine.held.locks > 0 {
            return Self { empty: true, ..Self::of(&emptied, lane) };
        }
        Self { locks_to, memory, ..needs }
    }
}

/// So many MiB, rounded up.
pub(crate) fn whole_mb(mb: f64) -> u64 {
    // A double that is too large saturates, and what an engine reports is at most 10^12.
    mb.ceil().max(0.0) as u64
}

/// What would let an engine be given an event of the lane, if nothing of the lane is paused. Nothing, if it could be.
pub fn steps(
    engine_id: &EngineId,
    engine: &EngineFacts<'_>,
    lane: &LaneFacts<'_>,
    held_back: Option<&HeldBackFor>,
) -> Vec<ChangeStep> {
    let id = || engine_id.clone();
    let needs = Needs::of(engine, lane);
    let mut steps = Vec::new();
    match needs.status {
        Some(EngineStatus::Draining) => steps.push(ChangeStep::ResumeEngine(id())),
        Some(_) => steps.push(ChangeStep::StartEngine(id())),
        None => {}
    }
    if needs.quarantined {
        steps.push(ChangeStep::LiftQuarantine(id()));
    }
    if needs.retry_here {
        steps.push(ChangeStep::RetryHere(id()));
    }
    if let Err(Shortfall::Lacks(capabilities)) = Gate::Capabilities.check(engine, lane, &ClaimFilter::default()) {
        steps.push(ChangeStep::AddCapabilities { engine_id: id(), capabilities });
    }
    if needs.version {
        let required = lane.key.engine_version.as_ref().map(ToString::to_string).unwrap_or_default();
        steps.push(ChangeStep::ChangeVersion { engine_id: id(), required });
    }
    if needs.empty {
        steps.push(ChangeStep::EmptyEngine(id()));
    }
    steps.extend(needs.locks_to.map(|to| ChangeStep::RaiseMaxConcurrentEvents { engine_id: id(), to }));
    let memory = needs.memory.map(|(by_mb, to_mb)| ChangeStep::RaiseMemoryLimit { engine_id: id(), by_mb, to_mb });
    steps.extend(memory);
    let first = held_back.filter(|_| needs.run_first).map(|held_back| held_back.event_id);
    steps.extend(first.map(|event_id| ChangeStep::RunFirst { engine_id: id(), event_id }));
    steps.extend(needs.cpu_to.map(|to_percent| ChangeStep::LowerCpu { engine_id: id(), to_percent }));
    steps
}

impl fmt::Display for ChangeStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ResumeQueue(queue) => write!(f, "resume queue {queue}"),
            Self::ResumeEventType(event_type) => write!(f, "resume event type {event_type}"),
            Self::ResumeRun(run) => write!(f, "resume scenario run {run}"),
            Self::MakeAvailable { available_at } => write!(f, "make it available now instead of at {available_at}"),
            Self::ResumeEngine(engine_id) => write!(f, "resume engine {engine_id}"),
            Self::LiftQuarantine(engine_id) => write!(f, "lift the quarantine of engine {engine_id}"),
            Self::RetryHere(engine_id) => {
                write!(f, "set retry_elsewhere to off, so that {engine_id} may retry what it has failed")
            }
            Self::StartEngine(engine_id) => write!(f, "start engine {engine_id} again"),
            Self::RaiseMaxConcurrentEvents { engine_id, to } => {
                write!(f, "raise max_concurrent_events of {engine_id} to {to}")
            }
            Self::RaiseMemoryLimit { engine_id, by_mb, to_mb } if by_mb == to_mb => {
                write!(f, "declare a memory_limit_mb of {to_mb} for {engine_id}")
            }
            Self::RaiseMemoryLimit { engine_id, by_mb, to_mb } => {
                write!(f, "raise memory_limit_mb of {engine_id} by {by_mb} to {to_mb}")
            }
            Self::AddCapabilities { engine_id, capabilities } => {
                write!(f, "give {engine_id} {}", capability_names(capabilities))
            }
            Self::ChangeVersion { engine_id, required } => write!(f, "run a version {required} on {engine_id}"),
            Self::EmptyEngine(engine_id) => write!(f, "let {engine_id} finish what it holds"),
            Self::RunFirst { engine_id, event_id } => {
                write!(f, "let {engine_id} run event {event_id} first, for which it is held back")
            }
            Self::LowerCpu { engine_id, to_percent } => {
                write!(f, "bring the processor time of {engine_id} down to {to_percent} %")
            }
            Self::RegisterEngine { capabilities, memory_limit_mb, engine_version } => {
                let mut needs = Vec::new();
                if !capabilities.is_empty() {
                    needs.push(capability_names(capabilities));
                }
                needs.extend(memory_limit_mb.map(|limit| format!("a memory_limit_mb of {limit}")));
                needs.extend(engine_version.as_ref().map(|range| format!("a version {range}")));
                match &needs[..] {
                    [] => f.write_str("register an engine"),
                    needs => write!(f, "register an engine with {}", needs.join(" and ")),
                }
            }
        }
    }
}
