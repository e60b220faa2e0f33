//! Lanes: a copy of them all, kept up with what other transactions make and take out of use.

use std::collections::BTreeMap;

use enginehouse_core::ids::LaneId;
use enginehouse_core::lane::{Lane, LaneKey, VersionRequirement};
use tokio_postgres::Row;

use super::columns::{Columns, Xid, params, sql, to_json};
use super::failure::{Failure, Outcome};
use super::session::Session;
use crate::rows::LaneNews;

/// Reads a lane in the columns of `changed_lanes.sql`.
pub(super) fn lane(columns: &mut Columns<'_>) -> Outcome<Lane> {
    Ok(Lane { lane_id: LaneId(columns.value()?), key: key(columns)? })
}

/// Reads what events of a lane have in common.
pub(super) fn key(columns: &mut Columns<'_>) -> Outcome<LaneKey> {
    let (queue, event_type) = (columns.parsed()?, columns.parsed()?);
    let priority: i32 = columns.value()?;
    let priority = u8::try_from(priority).map_err(|error| columns.unexpected(error))?;
    let capabilities: &str = columns.value()?;
    let required_capabilities = serde_json::from_str(capabilities).map_err(|error| columns.unexpected(error))?;
    let required_memory_mb = columns.optional_number()?;
    let engine_version = columns.optional_parsed()?;
    Ok(LaneKey { queue, event_type, priority, required_capabilities, required_memory_mb, engine_version })
}

/// Every lane that is committed, as far as this server has seen.
#[derive(Debug, Default)]
pub(super) struct LaneLog {
    /// Rises when everything is forgotten.
    life: u64,
    /// Every transaction before this one was seen.
    seen: Xid,
    /// Rises with every change.
    version: u64,
    lanes: BTreeMap<LaneId, Logged>,
}

#[derive(Debug)]
struct Logged {
    version: u64,
    lane: Lane,
    retired: bool,
    /// Whether it was forgotten, and not found again since.
    gone: bool,
}

impl LaneLog {
    /// From which transaction on to look, and in which life.
    pub(super) fn seen(&self) -> (u64, Xid) {
        (self.life, self.seen)
    }

    /// The versions of the registry that belong to former lives. A database that came back without its last commits gives
    /// their versions anew, for other changes.
    pub(super) fn versions_before(&self) -> i64 {
        i64::try_from(self.life).unwrap_or(i64::MAX).saturating_mul(1 << 40)
    }

    /// Takes in what a look has found that began when every transaction before `xmin` had ended. What began in a former
    /// life has looked for too little.
    pub(super) fn take_in(&mut self, rows: &[Row], life: u64, xmin: Xid) -> Outcome<()> {
        if life != self.life {
            return Ok(());
        }
        for row in rows {
            let mut columns = Columns::of(row);
            let lane = lane(&mut columns)?;
            let retired = columns.value()?;
            let known = self.lanes.get(&lane.lane_id).is_some_and(|logged| {
                // After a loss of commits, a number may be given to another lane.
                !logged.gone && logged.retired == retired && logged.lane.key == lane.key
            });
            if !known {
                self.version += 1;
                let version = self.version;
                self.lanes.insert(lane.lane_id, Logged { version, lane, retired, gone: false });
            }
        }
        // Looks may end in another order than they began.
        self.seen = self.seen.max(xmin);
        Ok(())
    }

    /// What has changed since a version.
    pub(super) fn since(&self, version: u64) -> LaneNews {
        let mut news = LaneNews { place: self.version, ..LaneNews::default() };
        for logged in self.lanes.values().filter(|logged| logged.version > version) {
            if logged.gone {
                news.gone.push(logged.lane.lane_id);
            } else if logged.retired {
                news.retired.push(logged.lane.lane_id);
            } else {
                news.made.push(logged.lane.clone());
            }
        }
        news
    }

    /// Forgets every lane, and tells so: the next look finds those that are there.
    pub(super) fn forget(&mut self) {
        self.life += 1;
        self.version += 1;
        self.seen = Xid::default();
        for logged in self.lanes.values_mut() {
            logged.version = self.version;
            logged.gone = true;
        }
    }

    pub(super) fn key(&self, lane_id: LaneId) -> Option<LaneKey> {
        self.lanes.get(&lane_id).map(|logged| logged.lane.key.clone())
    }
}

/// The lanes of these keys, in their order; made where they are new, and taken into use again where they were not.
pub(super) async fn intern(session: &Session, keys: &[LaneKey]) -> Outcome<Vec<Lane>> {
    let mut found = by_key(session, keys).await?;
    if found.iter().any(Option::is_none) {
        let missing: Vec<_> =
            keys.iter().zip(&found).filter(|(_, found)| found.is_none()).map(|(key, _)| key.clone()).collect();
        run(session, sql!("insert_lanes"), &missing).await?;
        // One that another transaction has made meanwhile is seen by this statement.
        found = by_key(session, keys).await?;
    }
    let retired: Vec<_> = found.iter().flatten().filter(|(_, retired)| *retired).map(|(lane, _)| lane.0).collect();
    if !retired.is_empty() {
        session.execute(sql!("revive_lanes"), params![INT8_ARRAY: &retired]).await?;
    }
    keys.iter()
        .zip(found)
        .map(|(key, found)| match found {
            Some((lane_id, _)) => Ok(Lane { lane_id, key: key.clone() }),
            None => Err(Failure::Row("a lane that was made is not there".to_owned())),
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
