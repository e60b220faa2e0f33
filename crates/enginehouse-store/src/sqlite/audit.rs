//! What people did, and the chain that it is linked to.
//!
//! One transaction writes at a time, so an entry is linked as it is written.

use enginehouse_core::audit::chain::{ChainEnds, ChainLink};
use enginehouse_core::audit::{AuditEntry, AuditFilter, AuditRecord};
use enginehouse_core::ids::EventId;
use enginehouse_core::time::Timestamp;
use rusqlite::{Rows, params};

use super::columns::{IdBytes, Parameters, SqliteColumns, one_value, sql};
use super::connection::SqliteConnection;
use super::events;
use super::failure::SqliteResult;
use super::reports;
use super::search::MAX_SCANNED_ROWS;
use crate::rows::{AuditChainPage, AuditPlace, History, MAX_TOKEN_ADDRESSES, PageRequest, ResultPage, linked_before};
use crate::table::{
    AttemptColumns, AuditColumns, AuditLinkColumns, ChainEndColumns, DELETED, HEAD, chain_ends, read_record,
};

pub(super) fn insert(connection: &SqliteConnection, entries: &[AuditEntry]) -> SqliteResult<()> {
    let mut statement = connection.prepare_cached(sql!("insert_audit"))?;
    for entry in entries {
        Parameters::of(&mut statement).group(&AuditColumns::of(entry)).execute()?;
    }
    if entries.is_empty() { Ok(()) } else { link(connection) }
}

/// Links what is not linked: what was just written, and what was copied from a database before that has linked it.
fn link(connection: &SqliteConnection) -> SqliteResult<()> {
    let mut statement = connection.prepare_cached(sql!("unlinked_audit"))?;
    // All of them.
    let records = read(connection, statement.query([-1])?)?;
    let mut head = newest(connection)?;
    let mut statement = connection.prepare_cached(sql!("link_audit"))?;
    for AuditRecord { audit_id, entry, .. } in &records {
        head = head.next(*audit_id, entry);
        Parameters::of(&mut statement).group(&AuditLinkColumns::of(&head)).value(audit_id).execute()?;
    }
    write_end(connection, HEAD, &head)
}

/// The newest link: what the end of the chain says or, if somebody has taken that away, the newest entry. So the log goes on
/// whatever was done to it.
fn newest(connection: &SqliteConnection) -> SqliteResult<ChainLink> {
    if let Some(head) = ends(connection)?.head {
        return Ok(head);
    }
    let mut statement = connection.prepare_cached(sql!("newest_link"))?;
    let rows = statement.query([])?;
    let read = |columns: &mut SqliteColumns<'_, '_>| Ok(columns.group::<AuditLinkColumns<'_>>()?.into_link()?);
    Ok(connection.all_readable("audit_log", rows, read)?.pop().flatten().unwrap_or(ChainLink::GENESIS))
}

/// Deletes the oldest entries as long as each is from before a moment.
pub(super) fn delete(connection: &SqliteConnection, before: Timestamp, limit: u32) -> SqliteResult<u32> {
    let mut statement = connection.prepare_cached(sql!("oldest_linked_audit"))?;
    let oldest = read(connection, statement.query([limit])?)?;
    let Some(last) = linked_before(&oldest, before) else { return Ok(0) };
    let deleted = connection.prepare_cached(sql!("delete_audit"))?.execute([last.position])?;
    write_end(connection, DELETED, &last)?;
    Ok(u32::try_from(deleted).unwrap_or(u32::MAX))
}

fn write_end(connection: &SqliteConnection, name: &str, link: &ChainLink) -> SqliteResult<()> {
    let mut statement = connection.prepare_cached(sql!("write_chain_end"))?;
    Parameters::of(&mut statement).group(&ChainEndColumns::of(name, link)).execute()?;
    Ok(())
}

fn read(connection: &SqliteConnection, rows: Rows<'_>) -> SqliteResult<Vec<AuditRecord>> {
    connection.all_readable("audit_log", rows, |columns| read_record(columns))
}

fn ends(connection: &SqliteConnection) -> SqliteResult<ChainEnds> {
    let mut statement = connection.prepare_cached(sql!("chain_ends"))?;
    let read = |columns: &mut SqliteColumns<'_, '_>| Ok(columns.group::<ChainEndColumns<'_>>()?.into_end());
    Ok(chain_ends(connection.all_readable("audit_chain", statement.query([])?, read)?))
}

/// Entries in the order of the chain, from behind a position on.
pub(super) fn chain(connection: &SqliteConnection, after: i64, limit: u32) -> SqliteResult<AuditChainPage> {
    let mut statement = connection.prepare_cached(sql!("audit_chain"))?;
    let records = read(connection, statement.query(params![after, limit])?)?;
    let unlinked: i64 = one_value(connection, sql!("count_unlinked_audit"))?;
    Ok(AuditChainPage { records, ends: ends(connection)?, unlinked: u64::try_from(unlinked).unwrap_or(0) })
}

/// The ways to the newest entries, each by an index.
pub(super) mod newest {
    use super::sql;

    pub(in super::super) const ALL: &str =
        sql!("newest_audit", entries = "audit_log where (at, audit_id) < (?1, ?2) and at >= ?3");
    pub(in super::super) const OF_TARGET: &str = sql!(
        "newest_audit",
        entries = "audit_log indexed by audit_log_target where target = ?5 and (at, audit_id) < (?1, ?2) and at >= ?3"
    );
}

/// Entries that match, newest first.
pub(super) fn page(
    connection: &SqliteConnection,
    filter: &AuditFilter,
    page: &PageRequest,
) -> SqliteResult<ResultPage<AuditRecord>> {
    let Some(place) = AuditPlace::before(filter, page) else { return Ok(super::search::nothing()) };
    let from = filter.from.unwrap_or(Timestamp::MIN).as_millis();
    let (at, audit_id) = (place.at.as_millis(), place.audit_id);
    let mut statement;
    let mut rows = match &filter.target {
        Some(target) => {
            statement = connection.prepare_cached(newest::OF_TARGET)?;
            statement.query(params![at, audit_id, from, MAX_SCANNED_ROWS, target])?
        }
        None => {
            statement = connection.prepare_cached(newest::ALL)?;
            statement.query(params![at, audit_id, from, MAX_SCANNED_ROWS])?
        }
    };
    let (mut items, mut looked_at, mut last) = (Vec::new(), 0, place);
    while let Some(row) = rows.next()? {
        if items.len() >= page.limit as usize {
            return Ok(ResultPage { items, next: Some(last.to_string()) });
        }
        looked_at += 1;
        let Some(place) = connection.readable("audit_log", row, place_of)? else { continue };
        last = place;
        let record = connection.readable("audit_log", row, |columns| read_record(columns))?;
        items.extend(record.filter(|record| filter.admits(&record.entry)));
    }
    Ok(ResultPage { items, next: (looked_at == MAX_SCANNED_ROWS).then(|| last.to_string()) })
}

/// Where a row stands, also one that cannot be read otherwise.
fn place_of(columns: &mut SqliteColumns<'_, '_>) -> SqliteResult<AuditPlace> {
    Ok(AuditPlace { audit_id: columns.read()?, at: columns.read()? })
}

/// From which addresses a token was used, as far as that was noted.
pub(super) fn token_addresses(connection: &SqliteConnection, accessor: &str) -> SqliteResult<Vec<String>> {
    let mut statement = connection.prepare_cached(sql!("token_addresses"))?;
    let mut rows = statement.query(params![accessor, MAX_TOKEN_ADDRESSES])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(SqliteColumns::of(row).read()?);
    }
    Ok(found)
}

/// What happened to an event: to the events of its id, in words, whether or not it is still kept.
pub(super) fn history(connection: &SqliteConnection, event_id: EventId) -> SqliteResult<History> {
    let mut attempts = connection.prepare_cached(sql!("attempts"))?;
    let attempts = connection.all_readable("attempts", attempts.query([IdBytes::of(event_id)])?, |columns| {
        Ok(columns.group::<AttemptColumns<'_>>()?.into_end()?)
    })?;
    let mut actions = connection.prepare_cached(sql!("audit_of_target"))?;
    let actions = connection.all_readable("audit_log", actions.query([event_id.to_string()])?, |columns| {
        Ok(columns.group::<AuditColumns<'_>>()?.into_entry()?)
    })?;
    let (event, reports) = (events::one(connection, event_id)?, reports::of_event(connection, event_id)?);
    Ok(History { attempts, event, reports, actions })
}
