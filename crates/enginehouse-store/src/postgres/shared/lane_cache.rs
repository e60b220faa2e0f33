//! The lane cache: a copy of all committed lanes in the memory of this server.
//!
//! Each transaction reads the lanes that were changed since the cache was last updated. Deletions are not found that way,
//! so they are applied when this server deletes lanes itself, and by maintenance for those that other servers delete.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use enginehouse_core::ids::LaneId;
use enginehouse_core::lane::Lane;
use tokio::time::Instant;
use tokio_postgres::Row;

use super::lanes::lane;
use crate::postgres::tx::columns::{PgColumns, Xid};
use crate::postgres::tx::row_reader::RowReader;
use crate::postgres::wire::error::PgResult;
use crate::rows::LaneChangesSince;
use crate::unreadable::UnreadableRows;

/// How long a deleted lane is remembered as a tombstone, for `lanes_since`. Who asks less often is answered with all lanes.
const TOMBSTONE_LIFETIME: Duration = Duration::from_secs(3_600);

#[derive(Debug, Default)]
pub(crate) struct LaneCache {
    /// Increases with each reset.
    generation: u64,
    /// Every transaction before this one was read.
    read_until: Xid,
    /// How many updates were applied.
    updates: u64,
    /// Increases with every change of a lane.
    version: u64,
    lanes: BTreeMap<LaneId, CachedLane>,
    /// Lanes that were here and were deleted.
    tombstones: HashMap<LaneId, Tombstone>,
    /// The newest version of a tombstone that was pruned.
    pruned_version: u64,
}

#[derive(Debug)]
struct CachedLane {
    version: u64,
    lane: Lane,
    retired: bool,
    changed_by: Xid,
}

#[derive(Debug)]
struct Tombstone {
    version: u64,
    since: Instant,
}

/// An update of the cache, from the time when its query is sent until its rows are applied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LaneUpdate {
    /// The first transaction whose lanes must be read.
    pub(crate) from: Xid,
    generation: u64,
    updates: u64,
}

impl LaneCache {
    pub(crate) fn begin_update(&self) -> LaneUpdate {
        LaneUpdate { from: self.read_until, generation: self.generation, updates: self.updates }
    }

    /// Whether the cache was reset since an update began, so that the update has read too little.
    pub(crate) fn is_stale(&self, update: LaneUpdate) -> bool {
        update.generation != self.generation
    }

    /// What to add to the database's registry version. A database that came back without its last commits counts through the
    /// same versions again, for other changes; with the generation in front, no version is used twice.
    pub(crate) fn registry_version_base(&self) -> i64 {
        i64::try_from(self.generation).unwrap_or(i64::MAX).saturating_mul(1 << 40)
    }

    /// Drops all lanes. The next update reads them again: a lane id may mean another lane then.
    pub(crate) fn reset(&mut self) {
        let version = self.version + 1;
        *self = Self { generation: self.generation + 1, version, pruned_version: version, ..Self::default() };
    }

    /// Applies the rows of an update whose query began when every transaction before `xmin` had ended.
    pub(crate) fn apply(
        &mut self,
        update: LaneUpdate,
        rows: &[Row],
        xmin: Xid,
        unreadable: &UnreadableRows,
    ) -> PgResult<()> {
        if self.is_stale(update) {
            return Ok(());
        }
        // Updates of several transactions overlap, and may be applied in another order than they began.
        let overlapped = self.updates != update.updates;
        self.updates += 1;
        let read = |columns: &mut PgColumns<'_>| Ok((lane(columns)?, columns.value()?, columns.value()?));
        for (lane, retired, changed_by) in RowReader::new(unreadable).all("lanes", rows, read)? {
            self.apply_lane(lane, retired, changed_by, overlapped);
        }
        self.read_until = self.read_until.max(xmin);
        Ok(())
    }

    fn apply_lane(&mut self, lane: Lane, retired: bool, changed_by: Xid, overlapped: bool) {
        let is_known = self.lanes.get(&lane.lane_id).is_some_and(|cached| {
            // If in doubt, the lane stays retired: then its next event interns it again, which costs one statement. If it
            // were wrongly active, its next event would be added to a lane that is about to be deleted.
            (cached.retired, cached.changed_by) == (retired, changed_by) || (overlapped && cached.retired && !retired)
        });
        // The update may have begun before the lane was deleted. Its id is never used for another lane.
        if !is_known && !self.tombstones.contains_key(&lane.lane_id) {
            self.version += 1;
            self.lanes.insert(lane.lane_id, CachedLane { version: self.version, lane, retired, changed_by });
        }
    }

    /// What has changed since a version.
    pub(crate) fn since(&self, version: u64) -> LaneChangesSince {
        let is_complete = version < self.pruned_version;
        let version = if is_complete { 0 } else { version };
        let mut changes = LaneChangesSince { version: self.version, is_complete, ..LaneChangesSince::default() };
        let deleted = self.tombstones.iter().filter(|(_, tombstone)| tombstone.version > version);
        changes.deleted.extend(deleted.map(|(lane_id, _)| *lane_id));
        changes.deleted.sort_unstable();
        for cached in self.lanes.values().filter(|cached| cached.version > version) {
            if cached.retired {
                changes.retired.push(cached.lane.clone());
            } else {
                changes.active.push(cached.lane.clone());
            }
        }
        changes
    }

    pub(crate) fn ids(&self) -> Vec<LaneId> {
        self.lanes.keys().copied().collect()
    }

    /// Removes lanes that were deleted from the store.
    pub(crate) fn remove(&mut self, lanes: &[LaneId], now: Instant) {
        for lane_id in lanes {
            if self.lanes.remove(lane_id).is_some() {
                self.version += 1;
                self.tombstones.insert(*lane_id, Tombstone { version: self.version, since: now });
            }
        }
    }

    pub(crate) fn prune_tombstones(&mut self, now: Instant) {
        self.tombstones.retain(|_, tombstone| {
            let is_kept = now.saturating_duration_since(tombstone.since) < TOMBSTONE_LIFETIME;
            if !is_kept {
                self.pruned_version = self.pruned_version.max(tombstone.version);
            }
            is_kept
        });
    }
}

#[cfg(test)]
mod tests {
    use enginehouse_core::lane::LaneKey;

    use super::*;

    fn lane(number: i64) -> Lane {
        let key = LaneKey {
            queue: "default".parse().unwrap(),
            event_type: format!("type-{number}").parse().unwrap(),
            priority: 5,
            required_capabilities: [].into(),
            required_memory_mb: None,
            engine_version: None,
            suspended_run: None,
        };
        Lane { lane_id: LaneId(number), key }
    }

    /// `active/retired/deleted`, by id; an exclamation mark says that there are no other lanes.
    fn changes(cache: &LaneCache, version: u64) -> String {
        let since = cache.since(version);
        let numbers = |lanes: &[LaneId]| lanes.iter().map(|lane| lane.0.to_string()).collect::<Vec<_>>().join(",");
        let ids = |lanes: &[Lane]| lanes.iter().map(|lane| lane.lane_id).collect::<Vec<_>>();
        let mark = if since.is_complete { "!" } else { "" };
        format!("{}/{}/{}{mark}", numbers(&ids(&since.active)), numbers(&ids(&since.retired)), numbers(&since.deleted))
    }

    #[test]
    fn a_deletion_is_answered_once_to_each_caller() {
        let (mut cache, now) = (LaneCache::default(), Instant::now());
        cache.apply_lane(lane(1), false, Xid(5), false);
        cache.apply_lane(lane(2), true, Xid(5), false);
        assert_eq!(changes(&cache, 0), "1/2/");
        let (early, late) = (0, cache.since(0).version);
        cache.remove(&[LaneId(2), LaneId(7)], now);
        assert_eq!(changes(&cache, early), "1//2");
        assert_eq!(changes(&cache, late), "//2", "the other one was never cached");
        assert_eq!(changes(&cache, cache.since(0).version), "//");
        cache.remove(&[LaneId(2)], now);
        assert_eq!(changes(&cache, cache.since(0).version), "//", "it was answered before");
        assert_eq!(cache.ids(), [LaneId(1)]);
    }

    #[test]
    fn an_update_that_began_earlier_does_not_bring_it_back() {
        let (mut cache, now) = (LaneCache::default(), Instant::now());
        cache.apply_lane(lane(1), true, Xid(5), false);
        cache.remove(&[LaneId(1)], now);
        cache.apply_lane(lane(1), true, Xid(5), true);
        assert_eq!(changes(&cache, 0), "//1");
    }

    #[test]
    fn an_overlapped_update_does_not_make_a_lane_active() {
        let mut cache = LaneCache::default();
        cache.apply_lane(lane(1), false, Xid(5), false);
        cache.apply_lane(lane(1), true, Xid(7), false);
        let place = cache.since(0).version;
        cache.apply_lane(lane(1), false, Xid(5), true);
        assert_eq!(changes(&cache, place), "//");
        // It was in fact active again: the next time that it is retired is a change.
        cache.apply_lane(lane(1), true, Xid(9), false);
        assert_eq!(changes(&cache, place), "/1/");
        cache.apply_lane(lane(1), false, Xid(11), false);
        assert_eq!(changes(&cache, place), "1//");
    }

    #[test]
    fn who_asks_after_a_long_time_is_answered_with_all_lanes() {
        let (mut cache, now) = (LaneCache::default(), Instant::now());
        cache.apply_lane(lane(1), false, Xid(5), false);
        cache.apply_lane(lane(2), true, Xid(5), false);
        let early = cache.since(0).version;
        cache.remove(&[LaneId(2)], now);
        let late = cache.since(0).version;
        cache.apply_lane(lane(3), true, Xid(6), false);
        cache.prune_tombstones(now + TOMBSTONE_LIFETIME / 2);
        assert_eq!(changes(&cache, early), "/3/2");
        cache.prune_tombstones(now + TOMBSTONE_LIFETIME);
        assert_eq!(changes(&cache, early), "1/3/!");
        assert_eq!(changes(&cache, late), "/3/", "who knew already is answered with what is new");
    }
}
