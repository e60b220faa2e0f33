//! What engines said of their load in the last quarter of an hour, minute by minute, as small charts show it.
//!
//! It is kept in memory, 16 bytes for each engine and minute (50,000 engines: 12 MiB), and begins anew with the server: what
//! is kept for longer is for Prometheus. All servers of a database look at the same rows, so each has the whole fleet.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use enginehouse_core::engine::EngineStatus;
use enginehouse_core::fleet::{Fleet, FleetEngine};
use enginehouse_core::ids::EngineId;
use enginehouse_core::time::Timestamp;

/// How often the load of all engines is noted.
pub(crate) const LOAD_INTERVAL: Duration = Duration::from_secs(60);
/// For how long it is kept.
const KEPT: Duration = Duration::from_secs(900);

/// The load of an engine at one moment. Small, for there are many.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LoadPoint {
    /// The whole second.
    second: u32,
    cpu_percent: f32,
    memory_usage_mb: f32,
    pub(crate) locks_held: u32,
}

impl LoadPoint {
    /// What an engine said in its last heartbeat, and holds now.
    fn of(engine: &FleetEngine, now: Timestamp) -> Self {
        let number = |value: Option<f64>| value.map_or(f32::NAN, |value| value as f32);
        Self {
            second: u32::try_from(now.as_millis() / 1_000).unwrap_or(u32::MAX),
            cpu_percent: number(engine.cpu_percent),
            memory_usage_mb: number(engine.memory_usage_mb),
            locks_held: engine.held.locks,
        }
    }

    pub(crate) fn at(self) -> Timestamp {
        Timestamp::from_millis(i64::from(self.second) * 1_000)
    }

    /// In percent of one core; none if the engine did not say.
    pub(crate) fn cpu_percent(self) -> Option<f64> {
        to_a_tenth(self.cpu_percent)
    }

    /// In MiB; none if the engine did not say.
    pub(crate) fn memory_usage_mb(self) -> Option<f64> {
        to_a_tenth(self.memory_usage_mb)
    }
}

/// As much of it as one sees in a chart; none if nothing was said.
fn to_a_tenth(value: f32) -> Option<f64> {
    (!value.is_nan()).then(|| (f64::from(value) * 10.0).round() / 10.0)
}

/// The load of every engine in the last quarter of an hour. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct LoadHistory(Arc<Mutex<HashMap<EngineId, VecDeque<LoadPoint>>>>);

impl LoadHistory {
    fn engines(&self) -> MutexGuard<'_, HashMap<EngineId, VecDeque<LoadPoint>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what a fleet says now, forgets what is too old, and the engines that have gone.
    pub(crate) fn note(&self, fleet: &Fleet, now: Timestamp) {
        let mut engines = self.engines();
        let since = now - KEPT;
        for engine in fleet.classes().iter().flat_map(|class| class.engines()) {
            // What a lost engine said last is not how it is.
            if engine.status == EngineStatus::Lost {
                continue;
            }
            let point = LoadPoint::of(engine, now);
            match engines.get_mut(&engine.engine_id) {
                Some(points) => points.push_back(point),
                None => _ = engines.insert(engine.engine_id.clone(), VecDeque::from([point])),
            }
        }
        engines.retain(|_, points| {
            while points.front().is_some_and(|point| point.at() <= since) {
                points.pop_front();
            }
            !points.is_empty()
        });
    }

    /// What was noted of an engine, oldest first.
    pub(crate) fn of(&self, engine_id: &EngineId) -> Vec<LoadPoint> {
        self.engines().get(engine_id).map(|points| points.iter().copied().collect()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use enginehouse_core::engine::Abilities;
    use enginehouse_core::gates::Held;

    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn fleet(engines: &[(&str, EngineStatus, Option<f64>)]) -> Fleet {
        let engine = |(id, status, cpu_percent): &(&str, EngineStatus, Option<f64>)| FleetEngine {
            engine_id: id.parse().unwrap(),
            status: *status,
            quarantine: None,
            enforced: Vec::new(),
            held: Held { locks: 2, ..Held::default() },
            memory_usage_mb: None,
            cpu_percent: *cpu_percent,
            last_heartbeat_at: START,
            last_claim_at: None,
            held_back: None,
        };
        Fleet::new(engines.iter().map(|one| (Abilities::default(), engine(one))), None)
    }

    #[test]
    fn the_last_quarter_of_an_hour_is_kept() {
        let history = LoadHistory::default();
        for minute in 0..40 {
            let now = START + LOAD_INTERVAL * minute;
            history.note(&fleet(&[("a", EngineStatus::Active, Some(f64::from(minute)))]), now);
        }
        let points = history.of(&"a".parse().unwrap());
        let cpu: Vec<_> = points.iter().map(|point| point.cpu_percent().unwrap()).collect();
        assert_eq!(cpu, (25..40).map(f64::from).collect::<Vec<_>>());
        let last = points.last().unwrap();
        assert_eq!((last.at(), last.locks_held, last.memory_usage_mb()), (START + LOAD_INTERVAL * 39, 2, None));
    }

    #[test]
    fn what_has_gone_is_forgotten_and_what_is_lost_says_nothing() {
        let history = LoadHistory::default();
        history.note(&fleet(&[("a", EngineStatus::Active, None), ("b", EngineStatus::Active, None)]), START);
        let gone = fleet(&[("b", EngineStatus::Lost, None)]);
        history.note(&gone, START + LOAD_INTERVAL);
        assert_eq!(history.of(&"b".parse().unwrap()).len(), 1);
        history.note(&gone, START + KEPT);
        assert!(history.engines().is_empty());
    }
}
