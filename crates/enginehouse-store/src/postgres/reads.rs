//! What people ask, each answer from one snapshot.

use enginehouse_core::engine::{Engine, EngineStatus};
use enginehouse_core::ids::{EngineId, EventId, ScenarioRunId};

use super::failure::{Failure, Outcome};
use super::shared::Shared;
use crate::rows::{
    DeadLetterFilter, DeadLetterGroup, DeadLetterRow, EngineFilter, EventFilter, EventRecord, History, LaneCounts,
    Page, PageRequest, ScenarioRunCounts,
};

macro_rules! not_yet {
    ($($name:ident($($arg:ty),*) -> $out:ty;)+) => { $(
        pub(super) async fn $name(_: &Shared, $(_: $arg),*) -> Outcome<$out> {
            Err(Failure::Row(stringify!($name).to_owned()))
        }
    )+ };
}

not_yet! {
    event(EventId) -> Option<EventRecord>;
    events(&EventFilter, &PageRequest) -> Page<EventRecord>;
    history(EventId) -> History;
    engine(&EngineId) -> Option<(Engine, Vec<EventRecord>)>;
    engines(&EngineFilter, &PageRequest) -> Page<(Engine, u32)>;
    engine_counts() -> Vec<(EngineStatus, u64)>;
    dead_letter(EventId) -> Option<DeadLetterRow>;
    dead_letters(&DeadLetterFilter, &PageRequest) -> Page<DeadLetterRow>;
    dead_letter_groups() -> Vec<DeadLetterGroup>;
    lane_counts() -> Vec<LaneCounts>;
    scenario_runs(&PageRequest) -> Page<ScenarioRunCounts>;
    scenario_run(&ScenarioRunId) -> Option<(ScenarioRunCounts, Vec<EngineId>)>;
    check_integrity() -> Vec<String>;
}
