//! What engines have reported of attempts, for whoever adds to it or continues from it.

use std::collections::HashMap;

use enginehouse_core::ids::EventId;
use enginehouse_core::json::RawJson;
use enginehouse_core::report::LogTail;

use super::super::columns::{Arrays, params, sql, uuids};
use super::super::pg_transaction::PostgresTransaction;
use super::super::reads::read_log;
use crate::error::StoreError;
use crate::postgres::wire::error::PgResult;
use crate::postgres::wire::statement::EncodedStatement;
use crate::rows::ReportWrite;
use crate::table::{ReportColumns, ReportTextColumns};

pub(super) fn write(transaction: &mut PostgresTransaction, reports: &[ReportWrite]) -> Result<(), StoreError> {
    if reports.is_empty() {
        return Ok(());
    }
    transaction.defer(encoded(reports).map(|statement| [statement]))
}

fn encoded(reports: &[ReportWrite]) -> PgResult<EncodedStatement> {
    let ids: Vec<_> = reports.iter().map(|report| report.event_id.0).collect();
    let columns: Vec<_> = reports.iter().map(ReportColumns::of).collect();
    let texts: Vec<_> = reports.iter().map(ReportTextColumns::of).collect();
    let (columns, texts) = (Arrays::of(&columns), Arrays::of(&texts));
    let mut parameters = columns.behind(params![UUID_ARRAY: &ids]);
    parameters.extend(texts.parameters());
    EncodedStatement::new(sql!("write_reports"), parameters)
}

pub(super) async fn log_tails(
    transaction: &mut PostgresTransaction,
    locks: &[(EventId, i64)],
) -> Result<HashMap<(EventId, i64), LogTail>, StoreError> {
    if locks.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<_> = locks.iter().map(|(event_id, _)| event_id.0).collect();
    let serials: Vec<_> = locks.iter().map(|(_, lock_serial)| *lock_serial).collect();
    let rows = transaction.read(sql!("log_tails"), params![UUID_ARRAY: &ids, INT8_ARRAY: &serials]).await?;
    let found = transaction.readable("attempt_reports", &rows, read_log)?;
    Ok(found.into_iter().filter_map(|(event_id, serial, tail)| Some(((event_id, serial), tail?))).collect())
}

pub(super) async fn checkpoints(
    transaction: &mut PostgresTransaction,
    ids: &[EventId],
) -> Result<HashMap<EventId, RawJson>, StoreError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = transaction.read(sql!("checkpoints"), params![UUID_ARRAY: &uuids(ids)]).await?;
    let found = transaction.readable("attempt_reports", &rows, |columns| {
        let (event_id, _serial): (EventId, i64) = (columns.read()?, columns.read()?);
        Ok((event_id, columns.read()?))
    })?;
    Ok(found.into_iter().collect())
}
