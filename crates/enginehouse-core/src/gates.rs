//! What an engine must pass to claim an event: one table, for every reader.
//!
//! Each condition is one gate, and [`Gate::check`] is the only place that decides it. A claim stops at the first
//! gate that fails ([`first_failure`]); a warning at enqueue asks only the gates that registration decides
//! ([`could_ever_serve`]); an explanation of why an event waits asks them all ([`failures`]).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use strum::VariantArray;

use crate::access::selector::Selectors;
use crate::engine::{Abilities, EngineStatus};
use crate::hold_back::{HoldBack, HoldBackCandidate};
use crate::ids::{Capability, EngineId, EventType, QueueName, ScenarioRunId};
use crate::lane::LaneKey;
use crate::pause::Pause;
use crate::quarantine::{EnforcedQuarantine, Quarantine};
use crate::retry_elsewhere::FailedOn;
use crate::time::Timestamp;

/// One condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, VariantArray, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Gate {
    /// The engine is active.
    EngineActive,
    /// The engine is not in a quarantine for events of this type.
    Quarantine,
    /// The engine has not failed the event, where another one is to retry it.
    RetryElsewhere,
    /// The queue and the event type match what the claim asks for.
    ClaimFilter,
    /// The queue is not paused.
    QueueRunning,
    /// The event type is not paused.
    EventTypeRunning,
    /// The scenario run of the event is not paused.
    ScenarioRunRunning,
    /// The engine is capable of all that is required.
    Capabilities,
    /// The engine's version lies in the required range.
    Version,
    /// The engine holds fewer locks than it declared.
    Concurrency,
    /// An event on its last chance ([`is_final_attempt`](crate::retry::is_final_attempt)) is its engine's only one.
    FinalAttempt,
    /// The engine has the required memory left of what it declared.
    Memory,
    /// The engine's last heartbeat leaves room for memory.
    MemoryPressure,
    /// The engine's last heartbeat is not over the mark for processor time.
    CpuPressure,
    /// The engine is not held back for an event that this one would delay.
    HeldBack,
}

/// What the engine brings.
#[derive(Clone, Copy, Debug)]
pub struct EngineFacts<'a> {
    /// None for an engine that is not there yet.
    pub engine_id: Option<&'a EngineId>,
    pub status: EngineStatus,
    pub abilities: &'a Abilities,
    /// The quarantine that holds now.
    pub quarantine: Option<&'a Quarantine>,
    /// What it is kept from now because it is suspect, where that is enforced.
    pub enforced: &'a [EnforcedQuarantine],
    pub held: Held,
    /// Memory in use at its last heartbeat, in MiB.
    pub memory_usage_mb: Option<f64>,
    /// Processor time at its last heartbeat, in percent.
    pub cpu_percent: Option<f64>,
    /// The mark for processor time; none if there is no mark.
    pub max_cpu_percent: Option<f64>,
    /// Another event for which it is held back.
    pub held_back: Option<HoldBack>,
}

impl<'a> EngineFacts<'a> {
    /// An engine with these abilities that is idle and at its best.
    pub fn idle(abilities: &'a Abilities) -> Self {
        Self {
            engine_id: None,
            status: EngineStatus::Active,
            abilities,
            quarantine: None,
            enforced: &[],
            held: Held::default(),
            memory_usage_mb: None,
            cpu_percent: None,
            max_cpu_percent: None,
            held_back: None,
        }
    }
}

/// What an engine holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    pub locks: u32,
    /// The memory that their events require, in MiB.
    pub memory_mb: u64,
    /// That part of it that was claimed since the last heartbeat.
    pub memory_since_heartbeat_mb: u64,
    /// Whether one of them is on its last chance.
    pub final_attempt: bool,
}

impl Held {
    /// What it holds after it was given one more event.
    #[must_use]
    pub fn and(self, required_memory_mb: Option<u64>) -> Self {
        let more = required_memory_mb.unwrap_or(0);
        Self {
            locks: self.locks.saturating_add(1),
            memory_mb: self.memory_mb.saturating_add(more),
            memory_since_heartbeat_mb: self.memory_since_heartbeat_mb.saturating_add(more),
            final_attempt: self.final_attempt,
        }
    }
}

/// What the event's lane brings.
#[derive(Clone, Copy, Debug)]
pub struct LaneFacts<'a> {
    pub key: &'a LaneKey,
    pub queue_paused: bool,
    pub event_type_paused: bool,
    /// Whether engines that are suspect are kept from its events.
    pub enforces_quarantine: bool,
    /// The engines that are not to have the event in question, because they have failed it.
    pub failed_on: Option<FailedOn<'a>>,
    /// Since when its queue is paused and why, for whoever explains that.
    pub queue_pause: Option<&'a Pause>,
    /// The same of its event type.
    pub event_type_pause: Option<&'a Pause>,
    /// The scenario run of its events, or of the event in question, if that is paused.
    pub paused_run: Option<PausedRun<'a>>,
    /// Whether the event in question is on its last chance.
    pub final_attempt: bool,
    /// The event's priority as it counts by now: that of its lane, or a better one if it has waited long.
    pub priority: u8,
    /// How long such events are expected to take; nothing if nobody knows.
    pub takes: Option<Duration>,
}

impl<'a> LaneFacts<'a> {
    /// An event of a lane that nothing keeps from running but what the lane asks for.
    pub fn running(key: &'a LaneKey) -> Self {
        Self {
            key,
            queue_paused: false,
            event_type_paused: false,
            enforces_quarantine: false,
            failed_on: None,
            queue_pause: None,
            event_type_pause: None,
            paused_run: None,
            final_attempt: false,
            priority: key.priority,
            takes: None,
        }
    }

    /// Whether somebody keeps the events from being claimed by whatever engine.
    pub const fn is_paused(&self) -> bool {
        self.queue_paused || self.event_type_paused || self.paused_run.is_some()
    }

    /// The same as if nothing were paused.
    #[must_use]
    pub const fn unpaused(self) -> Self {
        Self { queue_paused: false, event_type_paused: false, paused_run: None, ..self }
    }

    fn candidate(&self) -> HoldBackCandidate {
        HoldBackCandidate {
            priority: self.priority,
            required_memory_mb: self.key.required_memory_mb,
            takes: self.takes,
            final_attempt: self.final_attempt,
        }
    }
}

/// A scenario run that is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PausedRun<'a> {
    pub scenario_run_id: &'a ScenarioRunId,
    pub pause: &'a Pause,
}

/// Which events a claim asks for; an empty list asks for all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ClaimFilter {
    pub queues: Vec<QueueName>,
    pub event_types: Vec<EventType>,
    /// On what whoever claims may act; none if that is not limited.
    pub within: Option<Arc<Selectors>>,
}

impl ClaimFilter {
    /// Whether it asks for the events of a lane.
    pub fn admits(&self, key: &LaneKey) -> bool {
        (self.queues.is_empty() || self.queues.contains(&key.queue))
            && (self.event_types.is_empty() || self.event_types.contains(&key.event_type))
            && self.within.as_ref().is_none_or(|within| within.admit_lane(key))
    }
}

/// How a gate fails, and by how much.
#[derive(Clone, Debug, PartialEq)]
pub enum Shortfall {
    EngineIs(EngineStatus),
    /// Somebody keeps the engine from events of this type.
    Quarantined(Quarantine),
    /// The engine is suspect at events of this type.
    Suspect(EnforcedQuarantine),
    /// The engine has failed the event, and another one is to retry it.
    FailedBefore {
        /// Whether any engine may retry it after a while.
        opens: bool,
        /// When that is.
        until: Option<Timestamp>,
    },
    /// The claim does not ask for it.
    NotAskedFor,
    QueuePaused(QueueName),
    EventTypePaused(EventType),
    RunPaused(ScenarioRunId),
    /// Capabilities that the engine lacks.
    Lacks(Vec<Capability>),
    /// The engine's version is outside of the range.
    VersionOutside {
        required: String,
        version: Option<String>,
    },
    /// Every lock that the engine may hold is held.
    Full {
        max_concurrent_events: u32,
    },
    /// The engine holds other events, and this one is on its last chance.
    NotAlone,
    /// The engine holds an event that is on its last chance.
    WorksAlone,
    /// So much memory is missing, in MiB.
    MemoryShort {
        /// How much more the engine would need.
        missing_mb: u64,
    },
    /// The engine declares no memory limit.
    NoMemoryDeclared,
    /// The engine's memory is over its limit, by so many MiB.
    MemoryOver {
        over_mb: f64,
    },
    /// The engine's processor time is over the mark.
    CpuOver {
        cpu_percent: f64,
        max_cpu_percent: f64,
    },
    /// The engine is held back for another event, which this one would delay.
    HeldBack {
        /// When the engine is expected to be free for the other one.
        opens_at: Timestamp,
    },
}

impl Gate {
    /// The word that stands in JSON.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Asks one gate.
    ///
    /// # Errors
    /// How it fails, and by how much.
    pub fn check(self, engine: &EngineFacts<'_>, lane: &LaneFacts<'_>, filter: &ClaimFilter) -> Result<(), Shortfall> {
        let key = lane.key;
        match self {
            Self::EngineActive => pass_if(engine.status == EngineStatus::Active, || Shortfall::EngineIs(engine.status)),
            Self::Quarantine => check_quarantine(engine, lane),
            Self::RetryElsewhere => match (lane.failed_on, engine.engine_id) {
                (Some(FailedOn { engines, opens, until }), Some(engine_id)) if engines.contains(engine_id) => {
                    Err(Shortfall::FailedBefore { opens, until })
                }
                _ => Ok(()),
            },
            Self::ClaimFilter => pass_if(filter.admits(key), || Shortfall::NotAskedFor),
            Self::QueueRunning => pass_if(!lane.queue_paused, || Shortfall::QueuePaused(key.queue.clone())),
            Self::EventTypeRunning => {
                pass_if(!lane.event_type_paused, || Shortfall::EventTypePaused(key.event_type.clone()))
            }
            Self::ScenarioRunRunning => match lane.paused_run {
                Some(paused) => Err(Shortfall::RunPaused(paused.scenario_run_id.clone())),
                None => Ok(()),
            },
            Self::Capabilities => check_capabilities(engine.abilities, key),
            Self::Version => check_version(engine.abilities, key),
            Self::Concurrency => {
                let max_concurrent_events = engine.abilities.max_concurrent_events;
                pass_if(engine.held.locks < max_concurrent_events, || Shortfall::Full { max_concurrent_events })
            }
            Self::FinalAttempt => match engine.held {
                Held { final_attempt: true, .. } => Err(Shortfall::WorksAlone),
                Held { locks: 1.., .. } if lane.final_attempt => Err(Shortfall::NotAlone),
                _ => Ok(()),
            },
            Self::Memory => check_memory(engine, key),
            Self::MemoryPressure => check_memory_pressure(engine),
            Self::CpuPressure => match (engine.cpu_percent, engine.max_cpu_percent) {
                (Some(cpu_percent), Some(max_cpu_percent)) => {
                    pass_if(cpu_percent <= max_cpu_percent, || Shortfall::CpuOver { cpu_percent, max_cpu_percent })
                }
                _ => Ok(()),
            },
            Self::HeldBack => match engine.held_back.filter(|hold_back| hold_back.keeps_from(&lane.candidate())) {
                Some(hold_back) => Err(Shortfall::HeldBack { opens_at: hold_back.reservation.opens_at }),
                None => Ok(()),
            },
        }
    }
}

fn pass_if(passes: bool, shortfall: impl FnOnce() -> Shortfall) -> Result<(), Shortfall> {
    if passes { Ok(()) } else { Err(shortfall()) }
}

fn check_quarantine(engine: &EngineFacts<'_>, lane: &LaneFacts<'_>) -> Result<(), Shortfall> {
    let event_type = &lane.key.event_type;
    if let Some(quarantine) = engine.quarantine.filter(|quarantine| quarantine.covers(event_type)) {
        return Err(Shortfall::Quarantined(quarantine.clone()));
    }
    let mut enforced = engine.enforced.iter().filter(|_| lane.enforces_quarantine);
    match enforced.find(|enforced| enforced.event_type == *event_type) {
        Some(enforced) => Err(Shortfall::Suspect(enforced.clone())),
        None => Ok(()),
    }
}

fn check_capabilities(abilities: &Abilities, key: &LaneKey) -> Result<(), Shortfall> {
    let lacks: Vec<_> = key.required_capabilities.difference(&abilities.capabilities).cloned().collect();
    pass_if(lacks.is_empty(), || Shortfall::Lacks(lacks))
}

fn check_version(abilities: &Abilities, key: &LaneKey) -> Result<(), Shortfall> {
    let Some(required) = &key.engine_version else { return Ok(()) };
    pass_if(abilities.version.as_deref().is_some_and(|version| required.admits(version)), || {
        Shortfall::VersionOutside { required: required.to_string(), version: abilities.version.clone() }
    })
}

fn check_memory(engine: &EngineFacts<'_>, key: &LaneKey) -> Result<(), Shortfall> {
    let Some(required) = key.required_memory_mb else { return Ok(()) };
    let Some(limit) = engine.abilities.memory_limit_mb else { return Err(Shortfall::NoMemoryDeclared) };
    let missing_mb = required.saturating_add(engine.held.memory_mb).saturating_sub(limit);
    pass_if(missing_mb == 0, || Shortfall::MemoryShort { missing_mb })
}

fn check_memory_pressure(engine: &EngineFacts<'_>) -> Result<(), Shortfall> {
    let (Some(usage), Some(limit)) = (engine.memory_usage_mb, engine.abilities.memory_limit_mb) else { return Ok(()) };
    // Both are at most 2^40 or so: exact as doubles.
    let over_mb = usage + engine.held.memory_since_heartbeat_mb as f64 - limit as f64;
    pass_if(over_mb <= 0.0, || Shortfall::MemoryOver { over_mb })
}

/// The first gate that keeps the engine from the lane's events; none if it may claim one.
pub fn first_failure(
    engine: &EngineFacts<'_>,
    lane: &LaneFacts<'_>,
    filter: &ClaimFilter,
) -> Option<(Gate, Shortfall)> {
    Gate::VARIANTS.iter().find_map(|gate| gate.check(engine, lane, filter).err().map(|why| (*gate, why)))
}

/// Every gate that keeps the engine from the lane's events.
pub fn failures(engine: &EngineFacts<'_>, lane: &LaneFacts<'_>, filter: &ClaimFilter) -> Vec<(Gate, Shortfall)> {
    Gate::VARIANTS.iter().filter_map(|gate| gate.check(engine, lane, filter).err().map(|why| (*gate, why))).collect()
}

/// Whether an engine with these abilities could ever be given an event of this lane, idle and at its best.
pub fn could_ever_serve(abilities: &Abilities, key: &LaneKey) -> bool {
    let idle = EngineFacts::idle(abilities);
    first_failure(&idle, &LaneFacts::running(key), &ClaimFilter::default()).is_none()
}

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EngineIs(status) => write!(f, "the engine is {status}"),
            Self::Quarantined(Quarantine { reason, until: Some(until), .. }) => {
                write!(f, "the engine is quarantined until {until}: {reason}")
            }
            Self::Quarantined(Quarantine { reason, .. }) => write!(f, "the engine is quarantined: {reason}"),
            Self::Suspect(EnforcedQuarantine { event_type, reason, until: Some(until) }) => {
                write!(f, "the engine is quarantined for {event_type} until {until}: {reason}")
            }
            Self::Suspect(EnforcedQuarantine { event_type, .. }) => {
                write!(f, "the engine was quarantined for {event_type}, and is tried with one event of it at a time")
            }
            Self::FailedBefore { opens: true, until: Some(until) } => {
                write!(f, "the engine has failed the event, and another one is preferred until {until}")
            }
            Self::FailedBefore { opens: true, until: None } => {
                f.write_str("the engine has failed the event, and another one is preferred")
            }
            Self::FailedBefore { .. } => {
                f.write_str("the engine has failed the event, and retry_elsewhere requires another one")
            }
            Self::NotAskedFor => f.write_str("the claim does not ask for this queue and event type"),
            Self::QueuePaused(queue) => write!(f, "queue {queue} is paused"),
            Self::EventTypePaused(event_type) => write!(f, "event type {event_type} is paused"),
            Self::RunPaused(run) => write!(f, "scenario run {run} is paused"),
            Self::Lacks(capabilities) => {
                let names: Vec<_> = capabilities.iter().map(Capability::as_str).collect();
                write!(f, "the engine lacks {}", names.join(", "))
            }
            Self::VersionOutside { required, version: Some(version) } => {
                write!(f, "the engine's version {version} is not in {required}")
            }
            Self::VersionOutside { required, version: None } => {
                write!(f, "the engine declares no version, and {required} is required")
            }
            Self::Full { max_concurrent_events } => {
                write!(f, "the engine holds all {max_concurrent_events} locks that it may hold")
            }
            Self::NotAlone => f.write_str(
                "the next loss would make the event a dead letter, so it is given to an engine that holds nothing else",
            ),
            Self::WorksAlone => f.write_str(
                "the engine holds an event that its next loss would make a dead letter, and is given no other meanwhile",
            ),
            Self::MemoryShort { missing_mb } => write!(f, "the engine is short of {missing_mb} MiB of memory"),
            Self::NoMemoryDeclared => f.write_str("the engine declares no memory_limit_mb"),
            Self::MemoryOver { over_mb } => write!(f, "the engine uses {over_mb} MiB more than its memory limit"),
            Self::CpuOver { cpu_percent, max_cpu_percent } => {
                write!(f, "the engine's processor time of {cpu_percent} % is over the mark of {max_cpu_percent} %")
            }
            Self::HeldBack { opens_at } => write!(
                f,
                "the engine is held back for an event that has waited long and that this one would delay; it is expected to be free \
                 for that at {opens_at}"
            ),
        }
    }
}

#[cfg(test)]
mod tests;
