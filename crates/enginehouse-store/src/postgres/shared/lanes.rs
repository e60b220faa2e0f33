//! Lanes: read from their rows, and interned.

use enginehouse_core::ids::LaneId;
use enginehouse_core::lane::{Lane, LaneKey};
use tokio_postgres::Row;

use crate::postgres::tx::columns::{Arrays, PgColumns, params, sql};
use crate::postgres::wire::error::{PgError, PgResult};
use crate::postgres::wire::session::Session;
use crate::table::LaneColumns;

/// Reads `lane_id, {lane_columns}`.
pub(crate) fn lane(columns: &mut PgColumns<'_>) -> PgResult<Lane> {
    Ok(Lane { lane_id: columns.read()?, key: key(columns)? })
}

/// Reads the key of a lane.
pub(crate) fn key(columns: &mut PgColumns<'_>) -> PgResult<LaneKey> {
    Ok(columns.group::<LaneColumns<'_>>()?.into_key()?)
}

/// How often to read lanes again that other transactions make and delete at the same time.
const MAX_ATTEMPTS: u32 = 5;

/// The lanes of these keys, in their order. New ones are inserted, and retired ones come back into use.
pub(crate) async fn intern(session: &Session, keys: &[LaneKey]) -> PgResult<Vec<Lane>> {
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
            _ => Err(PgError::Bug("a lane that was inserted is missing".to_owned())),
        })
        .collect()
}

async fn by_key(session: &Session, keys: &[LaneKey]) -> PgResult<Vec<Option<(LaneId, bool)>>> {
    let mut found = vec![None; keys.len()];
    for row in run(session, sql!("lanes_by_key"), keys).await? {
        let mut columns = PgColumns::of(&row);
        let ordinal: usize = columns.read()?;
        found[ordinal - 1] = Some((LaneId(columns.value()?), columns.value()?));
    }
    Ok(found)
}

async fn run(session: &Session, sql: &'static str, keys: &[LaneKey]) -> PgResult<Vec<Row>> {
    let columns: Vec<_> = keys.iter().map(LaneColumns::of).collect();
    session.query(sql, Arrays::of(&columns).parameters()).await
}
