//! Engines and what they hold.

use std::collections::HashMap;

use enginehouse_core::access::selector::Selectors;
use enginehouse_core::engine::{EngineStatus, RegisteredEngine};
use enginehouse_core::ids::{Capability, EngineId, EngineType, EventId};

use super::super::columns::{PgColumns, likes, params, shown, sql};
use super::super::engines;
use super::super::row_reader::{RowReader, key_of};
use super::super::snapshot::Snapshot;
use super::search::{self, MAX_SCANNED_ROWS};
use crate::postgres::shared::state::PgState;
use crate::postgres::wire::error::{PgResult, both};
use crate::rows::{EngineFilter, EventRecord, MAX_PAGE_BYTES, PageRequest, ResultPage, metadata_bytes};

/// One engine, and the events that it holds, by id.
pub(crate) async fn engine(
    shared: &PgState,
    engine_id: &EngineId,
) -> PgResult<Option<(RegisteredEngine, Vec<EventRecord>)>> {
    let from = vec![shared.scan_positions().engine(engine_id)];
    let (name, names) = (engine_id.as_str(), vec![engine_id.as_str()]);
    let snapshot = Snapshot::begin(&shared.readers).await?;
    let (rows, locks) = tokio::join!(
        snapshot.query(sql!("engine"), params![TEXT: &name]),
        snapshot.query(sql!("held_events"), params![TEXT_ARRAY: &names, XID8_ARRAY: &from]),
    );
    let (rows, locks) = both(rows, locks)?;
    let Some(row) = rows.first() else {
        snapshot.end().await?;
        return Ok(None);
    };
    let ids = locks.iter().map(|row| PgColumns::of(row).read()).collect::<PgResult<Vec<EventId>>>()?;
    let records = search::all_records(&snapshot, &mut RowReader::new(&shared.unreadable), &ids).await?;
    snapshot.end().await?;
    let mut reader = RowReader::new(&shared.unreadable);
    let engine = reader.one("engines", row, engines::engine)?;
    Ok(reader.named(engine)?.map(|engine| (engine, records)))
}

/// Engines that match, by id, each with the number of its locks.
pub(crate) async fn engines(
    shared: &PgState,
    filter: &EngineFilter,
    page: &PageRequest,
) -> PgResult<ResultPage<(RegisteredEngine, u32)>> {
    let after = shown(page.after.as_deref().unwrap_or(""));
    let status = filter.status.map(|status| status.name());
    let engine_type = filter.engine_type.as_ref().map(EngineType::as_str);
    let capability = filter.capability.as_ref().map(Capability::as_str);
    let positions = shared.scan_positions().engines();
    let snapshot = Snapshot::begin(&shared.readers).await?;
    let rows = snapshot
        .query(
            sql!("engines"),
            params![
                TEXT: &after, INT8: &i64::from(MAX_SCANNED_ROWS), INT8: &search::one_more(page), TEXT: &status,
                TEXT: &engine_type, TEXT: &capability, BOOL: &filter.stopped, TEXT_ARRAY: &likes(&filter.within.engines),
            ],
        )
        .await?;
    let mut reader = RowReader::new(&shared.unreadable);
    let (mut found, mut bytes, mut next) = (Vec::new(), 0, None);
    for row in &rows {
        let mut columns = PgColumns::of(row);
        let (is_match, place): (bool, i64) = (columns.read()?, columns.read()?);
        if found.len() >= page.limit as usize || bytes >= MAX_PAGE_BYTES {
            next = found.last().map(|engine: &RegisteredEngine| engine.engine_id.to_string());
            break;
        }
        if place == i64::from(MAX_SCANNED_ROWS) {
            next = Some(key_of("engines", row));
        }
        if is_match {
            let engine = reader.one("engines", row, |columns| {
                // Behind the match and the place.
                let (_, _): (bool, i64) = (columns.read()?, columns.read()?);
                engines::engine(columns)
            })?;
            bytes += engine.as_ref().map_or(0, metadata_bytes);
            found.extend(engine);
        }
    }
    let names: Vec<_> = found.iter().map(|engine| engine.engine_id.as_str()).collect();
    let from: Vec<_> =
        found.iter().map(|engine| positions.get(&engine.engine_id).copied().unwrap_or_default()).collect();
    let rows = snapshot.query(sql!("count_locks"), params![TEXT_ARRAY: &names, XID8_ARRAY: &from]).await?;
    snapshot.end().await?;
    let mut locks: HashMap<&str, u32> = HashMap::with_capacity(rows.len());
    for row in &rows {
        let mut columns = PgColumns::of(row);
        locks.insert(columns.read()?, columns.read()?);
    }
    let counts: Vec<_> = names.iter().map(|name| locks.get(name).copied().unwrap_or(0)).collect();
    Ok(ResultPage { items: found.into_iter().zip(counts).collect(), next })
}

pub(crate) async fn engine_counts(shared: &PgState, within: &Selectors) -> PgResult<Vec<(EngineStatus, u64)>> {
    let snapshot = Snapshot::begin(&shared.readers).await?;
    let rows = snapshot.query(sql!("engine_counts"), params![TEXT_ARRAY: &likes(&within.engines)]).await?;
    snapshot.end().await?;
    RowReader::new(&shared.unreadable).all("engines", &rows, |columns| Ok((columns.read()?, columns.read()?)))
}
