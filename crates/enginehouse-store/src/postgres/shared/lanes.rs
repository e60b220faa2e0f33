//! Lanes: a copy of them all, kept up with what other transactions make and take out of use.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use enginehouse_core::ids::LaneId;
use enginehouse_core::lane::{Lane, LaneKey, VersionRequirement};
use tokio::time::Instant;
use tokio_postgres::Row;

use crate::postgres::tx::columns::{Columns, Xid, params, sql, to_json};
use crate::postgres::wire::failure::{Failure, Outcome};
use crate::postgres::wire::session::Session;
use crate::rows::LaneChangesSince;

/// Reads a lane in the columns of `changed_lanes.sql`.
pub(crate) fn lane(columns: &mut Columns<'_>) -> Outcome<Lane> {
    Ok(Lane { lane_id: LaneId(columns.value()?), key: key(columns)? })
}

/// Reads what events of a lane have in common.
pub(crate) fn key(columns: &mut Columns<'_>) -> Outcome<LaneKey> {
    let (queue, event_type) = (columns.parsed()?, columns.parsed()?);
    let priority: i32 = columns.value()?;
    let priority = u8::try_from(priority).map_err(|error| columns.unexpected(error))?;
    let capabilities: &str = columns.value()?;
    let required_capabilities = serde_json::from_str(capabilities).map_err(|error| columns.unexpected(error))?;
    let required_memory_mb = columns.optional_number()?;
    let engine_version = columns.optional_parsed()?;
    Ok(LaneKey { queue, event_type, priority, required_capabilities, required_memory_mb, engine_version })
}

/// How long it is told that a lane is gone. Whoever has not asked by then is told of everything anew.
const GONE_TOLD_FOR: Duration = Duration::from_secs(3_600);

/// Every lane that is committed, as far as this server has seen.
#[derive(Debug, Default)]
pub(crate) struct LaneLog {
    /// Rises when everything is forgotten.
    life: u64,
    /// Every transaction before this one was seen.
    seen: Xid,
    /// How many looks were taken in.
    looks: u64,
    /// Rises with every change.
    version: u64,
    lanes: BTreeMap<LaneId, Logged>,
    /// Lanes that were here and are not in the store any more.
    gone: HashMap<LaneId, Gone>,
    /// The newest version at which a lane was gone that is not told any more.
    untold: u64,
}

#[derive(Debug)]
struct Logged {
    version: u64,
    lane: Lane,
    retired: bool,
    changed_by: Xid,
}

/// A look at what has changed, until it is taken in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// From which transaction on to look.
    pub(crate) from: Xid,
    life: u64,
    looks: u64,
}

#[derive(Debug)]
struct Gone {
    version: u64,
    since: Instant,
}

impl LaneLog {
    pub(crate) fn begin(&self) -> Look {
        Look { from: self.seen, life: self.life, looks: self.looks }
    }

    /// Whether everything was forgotten since a look began: it has looked for too little.
    pub(crate) fn is_over(&self, look: Look) -> bool {
        look.life != self.life
    }

    /// The versions of the registry that belong to former lives. A database that came back without its last commits gives
    /// their versions anew, for other changes.
    pub(crate) fn versions_before(&self) -> i64 {
        i64::try_from(self.life).unwrap_or(i64::MAX).saturating_mul(1 << 40)
    }

    /// Forgets every lane, and tells so: the next look finds those that are there. A number may stand for another lane then.
    pub(crate) fn forget_all(&mut self) {
        let version = self.version + 1;
        *self = Self { life: self.life + 1, version, untold: version, ..Self::default() };
    }

    /// Takes in what a look has found that began when every transaction before `xmin` had ended.
    pub(crate) fn take_in(&mut self, look: Look, rows: &[Row], xmin: Xid) -> Outcome<()> {
        if self.is_over(look) {
            return Ok(());
        }
        // Looks may end in another order than they began.
        let may_be_old = self.looks != look.looks;
        self.looks += 1;
        for row in rows {
            let mut columns = Columns::of(row);
            let lane = lane(&mut columns)?;
            let (retired, changed_by) = (columns.value()?, columns.value()?);
            self.take_in_lane(lane, retired, changed_by, may_be_old);
        }
        self.seen = self.seen.max(xmin);
        Ok(())
    }

    fn take_in_lane(&mut self, lane: Lane, retired: bool, changed_by: Xid, may_be_old: bool) {
        let is_known = self.lanes.get(&lane.lane_id).is_some_and(|logged| {
            // To take a lane that is in use for one that is not costs a statement. The other way round, its next event
            // would go into a lane that is about to be forgotten.
            (logged.retired, logged.changed_by) == (retired, changed_by) || (may_be_old && logged.retired && !retired)
        });
        // A look may have begun before the lane was gone. No other lane is ever given its number.
        if !is_known && !self.gone.contains_key(&lane.lane_id) {
            self.version += 1;
            self.lanes.insert(lane.lane_id, Logged { version: self.version, lane, retired, changed_by });
        }
    }

    /// What has changed since a version.
    pub(crate) fn since(&self, version: u64) -> LaneChangesSince {
        let is_complete = version < self.untold;
        let version = if is_complete { 0 } else { version };
        let mut changes = LaneChangesSince { version: self.version, is_complete, ..LaneChangesSince::default() };
        let gone = self.gone.iter().filter(|(_, gone)| gone.version > version);
        changes.deleted.extend(gone.map(|(lane_id, _)| *lane_id));
        changes.deleted.sort_unstable();
        for logged in self.lanes.values().filter(|logged| logged.version > version) {
            if logged.retired {
                changes.retired.push(logged.lane.clone());
            } else {
                changes.active.push(logged.lane.clone());
            }
        }
        changes
    }

    /// The numbers of all of them.
    pub(crate) fn numbers(&self) -> Vec<LaneId> {
        self.lanes.keys().copied().collect()
    }

    /// These lanes are not in the store any more.
    pub(crate) fn forget(&mut self, lanes: &[LaneId], now: Instant) {
        for lane_id in lanes {
            if self.lanes.remove(lane_id).is_some() {
                self.version += 1;
                self.gone.insert(*lane_id, Gone { version: self.version, since: now });
            }
        }
    }

    /// Tells no more of lanes that have been gone for long.
    pub(crate) fn forget_gone(&mut self, now: Instant) {
        self.gone.retain(|_, gone| {
            let is_told = now.saturating_duration_since(gone.since) < GONE_TOLD_FOR;
            if !is_told {
                self.untold = self.untold.max(gone.version);
            }
            is_told
        });
    }
}

/// How often lanes are looked for that others make and forget at the same time.
const MAX_LOOKS: u32 = 5;

/// The lanes of these keys, in their order; made where they are new, and taken into use again where they were not.
pub(crate) async fn intern(session: &Session, keys: &[LaneKey]) -> Outcome<Vec<Lane>> {
    let mut found = by_key(session, keys).await?;
    for _ in 0..MAX_LOOKS {
        let missing: Vec<_> =
            keys.iter().zip(&found).filter(|(_, found)| found.is_none()).map(|(key, _)| key.clone()).collect();
        let retired: Vec<_> = found.iter().flatten().filter(|(_, retired)| *retired).map(|(lane, _)| lane.0).collect();
        if missing.is_empty() && retired.is_empty() {
            break;
        }
        if !missing.is_empty() {
            run(session, sql!("insert_lanes"), &missing).await?;
        }
        if !retired.is_empty() {
            session.execute(sql!("revive_lanes"), params![INT8_ARRAY: &retired]).await?;
        }
        // One that another transaction has made or forgotten meanwhile is seen by this look.
        found = by_key(session, keys).await?;
    }
    keys.iter()
        .zip(found)
        .map(|(key, found)| match found {
            Some((lane_id, false)) => Ok(Lane { lane_id, key: key.clone() }),
            _ => Err(Failure::Row("a lane that was made is not there".to_owned())),
        })
        .collect()
}

async fn by_key(session: &Session, keys: &[LaneKey]) -> Outcome<Vec<Option<(LaneId, bool)>>> {
    let mut found = vec![None; keys.len()];
    for row in run(session, sql!("lanes_by_key"), keys).await? {
        let mut columns = Columns::of(&row);
        let place: usize = columns.number()?;
        found[place - 1] = Some((LaneId(columns.value()?), columns.value()?));
    }
    Ok(found)
}

async fn run(session: &Session, sql: &'static str, keys: &[LaneKey]) -> Outcome<Vec<Row>> {
    let queues: Vec<_> = keys.iter().map(|key| key.queue.as_str()).collect();
    let types: Vec<_> = keys.iter().map(|key| key.event_type.as_str()).collect();
    let priorities: Vec<_> = keys.iter().map(|key| i32::from(key.priority)).collect();
    let capabilities = keys.iter().map(|key| to_json(&key.required_capabilities)).collect::<Outcome<Vec<_>>>()?;
    let memory: Vec<_> =
        keys.iter().map(|key| key.required_memory_mb.map(|mb| i64::try_from(mb).unwrap_or(i64::MAX))).collect();
    let versions: Vec<_> = keys.iter().map(|key| key.engine_version.as_ref().map(VersionRequirement::as_str)).collect();
    session
        .query(
            sql,
            params![
                TEXT_ARRAY: &queues, TEXT_ARRAY: &types, INT4_ARRAY: &priorities, TEXT_ARRAY: &capabilities,
                INT8_ARRAY: &memory, TEXT_ARRAY: &versions,
            ],
        )
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(number: i64) -> Lane {
        let key = LaneKey {
            queue: "default".parse().unwrap(),
            event_type: format!("type-{number}").parse().unwrap(),
            priority: 5,
            required_capabilities: [].into(),
            required_memory_mb: None,
            engine_version: None,
        };
        Lane { lane_id: LaneId(number), key }
    }

    /// `made retired gone`, by number; an exclamation mark says that there is nothing else.
    fn told(log: &LaneLog, version: u64) -> String {
        let changes = log.since(version);
        let numbers = |lanes: &[LaneId]| lanes.iter().map(|lane| lane.0.to_string()).collect::<Vec<_>>().join(",");
        let ids = |lanes: &[Lane]| lanes.iter().map(|lane| lane.lane_id).collect::<Vec<_>>();
        let mark = if changes.is_complete { "!" } else { "" };
        format!(
            "{}/{}/{}{mark}",
            numbers(&ids(&changes.active)),
            numbers(&ids(&changes.retired)),
            numbers(&changes.deleted)
        )
    }

    #[test]
    fn a_lane_that_is_gone_is_told_once_to_everybody() {
        let (mut log, now) = (LaneLog::default(), Instant::now());
        log.take_in_lane(lane(1), false, Xid(5), false);
        log.take_in_lane(lane(2), true, Xid(5), false);
        assert_eq!(told(&log, 0), "1/2/");
        let (early, late) = (0, log.since(0).version);
        log.forget(&[LaneId(2), LaneId(7)], now);
        assert_eq!(told(&log, early), "1//2");
        assert_eq!(told(&log, late), "//2", "the other one was never here");
        assert_eq!(told(&log, log.since(0).version), "//");
        log.forget(&[LaneId(2)], now);
        assert_eq!(told(&log, log.since(0).version), "//", "it was told before");
        assert_eq!(log.numbers(), [LaneId(1)]);
    }

    #[test]
    fn a_look_that_began_earlier_does_not_bring_it_back() {
        let (mut log, now) = (LaneLog::default(), Instant::now());
        log.take_in_lane(lane(1), true, Xid(5), false);
        log.forget(&[LaneId(1)], now);
        log.take_in_lane(lane(1), true, Xid(5), true);
        assert_eq!(told(&log, 0), "//1");
    }

    #[test]
    fn a_look_that_may_be_old_does_not_take_a_lane_into_use() {
        let mut log = LaneLog::default();
        log.take_in_lane(lane(1), false, Xid(5), false);
        log.take_in_lane(lane(1), true, Xid(7), false);
        let place = log.since(0).version;
        log.take_in_lane(lane(1), false, Xid(5), true);
        assert_eq!(told(&log, place), "//");
        // It was in use again nevertheless: the next time that it is not is news.
        log.take_in_lane(lane(1), true, Xid(9), false);
        assert_eq!(told(&log, place), "/1/");
        log.take_in_lane(lane(1), false, Xid(11), false);
        assert_eq!(told(&log, place), "1//");
    }

    #[test]
    fn who_asks_after_a_long_time_is_told_everything() {
        let (mut log, now) = (LaneLog::default(), Instant::now());
        log.take_in_lane(lane(1), false, Xid(5), false);
        log.take_in_lane(lane(2), true, Xid(5), false);
        let early = log.since(0).version;
        log.forget(&[LaneId(2)], now);
        let late = log.since(0).version;
        log.take_in_lane(lane(3), true, Xid(6), false);
        log.forget_gone(now + GONE_TOLD_FOR / 2);
        assert_eq!(told(&log, early), "/3/2");
        log.forget_gone(now + GONE_TOLD_FOR);
        assert_eq!(told(&log, early), "1/3/!");
        assert_eq!(told(&log, late), "/3/", "who knew already is told what is new");
    }
}
