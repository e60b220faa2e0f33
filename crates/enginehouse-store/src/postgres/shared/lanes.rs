//! Lanes: read from their rows, and interned.

use enginehouse_core::ids::LaneId;
use enginehouse_core::lane::{Lane, LaneKey, VersionRequirement};
use tokio_postgres::Row;

use crate::postgres::tx::columns::{Columns, params, sql, to_json};
use crate::postgres::wire::failure::{Failure, Outcome};
use crate::postgres::wire::session::Session;

/// Reads a lane in the columns of `changed_lanes.sql`.
pub(crate) fn lane(columns: &mut Columns<'_>) -> Outcome<Lane> {
    Ok(Lane { lane_id: LaneId(columns.value()?), key: key(columns)? })
}

/// Reads the key of a lane.
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

/// How often to read lanes again that other transactions make and delete at the same time.
const MAX_ATTEMPTS: u32 = 5;

/// The lanes of these keys, in their order. New ones are inserted, and retired ones come back into use.
pub(crate) async fn intern(session: &Session, keys: &[LaneKey]) -> Outcome<Vec<Lane>> {
    let mut found = by_key(session, keys).await?;
    for _ in 0..MAX_ATTEMPTS {
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
        // This also sees lanes that another transaction has made or deleted meanwhile.
        found = by_key(session, keys).await?;
    }
    keys.iter()
        .zip(found)
        .map(|(key, found)| match found {
            Some((lane_id, false)) => Ok(Lane { lane_id, key: key.clone() }),
            _ => Err(Failure::Row("a lane that was inserted is missing".to_owned())),
        })
        .collect()
}

async fn by_key(session: &Session, keys: &[LaneKey]) -> Outcome<Vec<Option<(LaneId, bool)>>> {
    let mut found = vec![None; keys.len()];
    for row in run(session, sql!("lanes_by_key"), keys).await? {
        let mut columns = Columns::of(&row);
        let ordinal: usize = columns.number()?;
        found[ordinal - 1] = Some((LaneId(columns.value()?), columns.value()?));
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
