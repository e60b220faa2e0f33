//! Engines: those that were read are locked, and known to be there.

use std::collections::HashMap;

use enginehouse_core::engine::RegisteredEngine;
use enginehouse_core::ids::EngineId;
use enginehouse_core::time::Timestamp;

use super::super::columns::{Moment, params, sql};
use super::super::engines;
use super::super::pg_transaction::PostgresTransaction;
use crate::error::StoreError;

pub(super) async fn by_id(
    transaction: &mut PostgresTransaction,
    sql: &'static str,
    ids: &[EngineId],
) -> Result<Vec<RegisteredEngine>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = match transaction.first_engines(ids) {
        Some(rows) => rows,
        None => {
            let names: Vec<_> = ids.iter().map(EngineId::as_str).collect();
            transaction.read(sql, params![TEXT_ARRAY: &names]).await?
        }
    };
    let mut found: HashMap<_, _> = transaction
        .readable("engines", &rows, engines::engine)?
        .into_iter()
        .map(|engine| (engine.engine_id.clone(), engine))
        .collect();
    transaction.known_engines.extend(found.keys().cloned());
    // An id that was asked for twice is answered twice.
    let mut answered = Vec::with_capacity(ids.len());
    for (place, id) in ids.iter().enumerate() {
        let again = ids[place + 1..].contains(id);
        let engine = if again { found.get(id).cloned() } else { found.remove(id) };
        answered.extend(engine);
    }
    Ok(answered)
}

pub(super) async fn all(transaction: &mut PostgresTransaction) -> Result<Vec<RegisteredEngine>, StoreError> {
    let rows = transaction.read(sql!("all_engines"), params![]).await?;
    transaction.readable("engines", &rows, engines::engine)
}

pub(super) async fn since(
    transaction: &mut PostgresTransaction,
    version: i64,
) -> Result<Vec<RegisteredEngine>, StoreError> {
    let rows = transaction.read(sql!("engines_since"), params![INT8: &version]).await?;
    transaction.readable("engines", &rows, engines::engine)
}

pub(super) fn write(transaction: &mut PostgresTransaction, engines: &[RegisteredEngine]) -> Result<(), StoreError> {
    // One that was not read in this transaction may be there or not; one that was read is.
    let (known, new): (Vec<_>, Vec<_>) =
        engines.iter().partition(|engine| transaction.known_engines.contains(&engine.engine_id));
    if !known.is_empty() {
        transaction.defer(engines::update(&known).map(|statement| [statement]))?;
    }
    if !new.is_empty() {
        transaction.defer(engines::insert(&new).map(|statement| [statement]))?;
    }
    transaction.known_engines.extend(engines.iter().map(|engine| engine.engine_id.clone()));
    Ok(())
}

pub(super) async fn silent(
    transaction: &mut PostgresTransaction,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<RegisteredEngine>, StoreError> {
    let limit = i64::from(limit);
    let rows = transaction.read(sql!("silent_engines"), params![TIMESTAMPTZ: &Moment(until), INT8: &limit]).await?;
    let found = transaction.readable("engines", &rows, engines::engine)?;
    transaction.known_engines.extend(found.iter().map(|engine| engine.engine_id.clone()));
    Ok(found)
}

pub(super) async fn delete_gone(
    transaction: &mut PostgresTransaction,
    silent_since: Timestamp,
    limit: u32,
) -> Result<Vec<EngineId>, StoreError> {
    let limit = i64::from(limit);
    let rows = transaction
        .query(sql!("delete_gone_engines"), params![TIMESTAMPTZ: &Moment(silent_since), INT8: &limit])
        .await?;
    let mut gone: Vec<EngineId> = transaction.readable("engines", &rows, |columns| columns.read())?;
    for engine_id in &gone {
        transaction.known_engines.remove(engine_id);
    }
    gone.sort_unstable();
    Ok(gone)
}
