//! Does what event types and queues want done about events that nobody can run for a while.
//!
//! Since when nobody can is kept in memory, lane by lane: after a start it begins anew, and so nothing is given up too early.
//! Where several servers share a store, each watches for itself; what one of them has given up, the others do not find.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use enginehouse_api::page::BlockedPlace;
use enginehouse_core::ids::{EventType, LaneId};
use enginehouse_core::policy::when_blocked;
use enginehouse_core::time::Timestamp;
use enginehouse_core::verdict::Verdict;
use enginehouse_core::when_blocked::{BlockedAction, WhenBlocked};
use enginehouse_store::StoreError;
use enginehouse_store::rows::{LaneCounts, SettingsRows};

use super::Explainer;
use crate::dispatcher::Dispatcher;
use crate::dispatcher::blocked_events::GiveUpBlocked;
use crate::dispatcher::reply::DispatchError;

/// How many lanes one look acts on, and of each so many events as one transaction takes: the others are found by the next.
const MAX_LANES: usize = 64;

/// Watches for events that nobody can run.
#[derive(Default)]
pub struct BlockedWatch {
    /// Since when the verdict on a lane has been one of those that its settings name.
    since: HashMap<LaneId, Timestamp>,
    /// The lanes that were told of.
    alerted: HashMap<LaneId, EventType>,
}

/// What a look has found and done.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct BlockedLook {
    /// How many events wait in lanes that are blocked for as long as their settings say, by event type; zero for those of which
    /// that has ended.
    pub blocked: BTreeMap<EventType, u64>,
    /// How many events were given up.
    pub given_up: u64,
}

impl BlockedWatch {
    /// Looks at all lanes of which somebody wants something done, and does it.
    ///
    /// # Errors
    /// The store cannot be read, or what was to be done was not.
    pub async fn look(
        &mut self,
        explainer: &Explainer,
        dispatcher: &Dispatcher,
        now: Timestamp,
    ) -> Result<BlockedLook, DispatchError> {
        let mut found = BlockedLook::default();
        found.blocked.extend(self.alerted.values().map(|event_type| (event_type.clone(), 0)));
        let overdue = self.overdue(explainer, now).await?;
        let before = std::mem::take(&mut self.alerted);
        for lane in &overdue {
            let key = &lane.counts.lane.key;
            *found.blocked.entry(key.event_type.clone()).or_default() += lane.counts.counts.queued;
            self.alerted.insert(lane.counts.lane.lane_id, key.event_type.clone());
        }
        for lane in overdue.iter().take(MAX_LANES) {
            let key = &lane.counts.lane.key;
            let summary = explainer.sentence_of(&lane.counts, now).await?;
            if !before.contains_key(&lane.counts.lane.lane_id) {
                let waiting = lane.counts.counts.queued;
                tracing::warn!(queue = %key.queue, event_type = %key.event_type, verdict = %lane.verdict, waiting,
                    "events wait that nobody can run: {summary}");
            }
            if lane.set.action != BlockedAction::Alert {
                let operation = GiveUpBlocked {
                    lane_id: lane.counts.lane.lane_id,
                    available_until: lane.available_until,
                    dead_letter: lane.set.action == BlockedAction::DeadLetter,
                    why: summary,
                };
                found.given_up += dispatcher.execute(operation).await?;
            }
        }
        Ok(found)
    }

    /// The lanes that nobody can run for as long as their settings say.
    async fn overdue(&mut self, explainer: &Explainer, now: Timestamp) -> Result<Vec<OverdueLane>, StoreError> {
        let settings = explainer.settings().await?;
        if !is_wanted(&settings) {
            self.since.clear();
            return Ok(Vec::new());
        }
        let snapshot = explainer.snapshot(now).await?;
        let mut since = HashMap::new();
        let mut overdue = Vec::new();
        for (BlockedPlace { verdict, available_at, lane_id }, counts) in snapshot.worst_first() {
            let key = &counts.lane.key;
            let (event_type, queue) = (settings.event_types.get(&key.event_type), settings.queues.get(&key.queue));
            let Some(set) = when_blocked(event_type, queue).filter(|set| set.verdicts.contains(*verdict)) else {
                continue;
            };
            let so_long = Duration::from_secs(set.after_seconds);
            let began = *since.entry(*lane_id).or_insert_with(|| self.since.get(lane_id).copied().unwrap_or(now));
            let available_until = now - so_long;
            if began <= available_until && *available_at <= available_until {
                overdue.push(OverdueLane { counts: counts.clone(), verdict: *verdict, set, available_until });
            }
        }
        self.since = since;
        Ok(overdue)
    }
}

/// A lane that nobody can run for as long as its settings say.
struct OverdueLane {
    counts: LaneCounts,
    verdict: Verdict,
    set: WhenBlocked,
    /// The events that have been due since then are meant.
    available_until: Timestamp,
}

fn is_wanted(settings: &SettingsRows) -> bool {
    let mut all = settings.event_types.values().chain(settings.queues.values());
    all.any(|settings| settings.when_blocked.is_some())
}
