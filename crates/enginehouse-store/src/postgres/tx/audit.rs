//! What people did. The chain that it is linked to is in [`crate::postgres::shared::audit_chain`].

use enginehouse_core::audit::{AuditEntry, AuditFilter, AuditRecord};
use enginehouse_core::time::Timestamp;

use super::columns::{Arrays, Moment, PgColumns, params, sql};
use super::row_reader::RowReader;
use super::snapshot::Snapshot;
use crate::postgres::shared::audit_chain::{ends_of, lock_head, read, write_end};
use crate::postgres::shared::state::PgState;
use crate::postgres::wire::error::{PgResult, both};
use crate::postgres::wire::session::Session;
use crate::postgres::wire::statement::EncodedStatement;
use crate::rows::{AuditChainPage, AuditPlace, MAX_TOKEN_ADDRESSES, PageRequest, ResultPage, linked_before};
use crate::table::{AuditColumns, DELETED, read_record};
use crate::unreadable::UnreadableRows;

/// How many rows one page looks at.
const MAX_SCANNED_ROWS: i64 = 20_000;

pub(crate) fn insert(entries: &[AuditEntry]) -> PgResult<EncodedStatement> {
    let columns: Vec<_> = entries.iter().map(AuditColumns::of).collect();
    EncodedStatement::new(sql!("insert_audit"), Arrays::of(&columns).parameters())
}

/// Deletes the oldest entries as long as each is from before a moment; none if somebody else links or deletes entries.
pub(crate) async fn delete(
    session: &Session,
    unreadable: &UnreadableRows,
    before: Timestamp,
    limit: u32,
) -> PgResult<u32> {
    // Most of the time there is nothing to delete, which a look at the oldest tells.
    let oldest = session.query(sql!("audit_chain"), params![INT8: &0_i64, INT8: &1_i64]).await?;
    if linked_before(&read(unreadable, &oldest)?, before).is_none() || lock_head(session, unreadable).await?.is_none() {
        return Ok(0);
    }
    let rows = session.query(sql!("oldest_linked_audit"), params![INT8: &i64::from(limit)]).await?;
    let Some(last) = linked_before(&read(unreadable, &rows)?, before) else { return Ok(0) };
    let deleted = session.execute(sql!("delete_audit"), params![INT8: &last.position]).await?;
    write_end(session, DELETED, &last).await?;
    Ok(u32::try_from(deleted).unwrap_or(u32::MAX))
}

pub(crate) async fn token_addresses(session: &Session, accessor: &str) -> PgResult<Vec<String>> {
    let limit = i64::from(MAX_TOKEN_ADDRESSES);
    let rows = session.query(sql!("token_addresses"), params![TEXT: &accessor, INT8: &limit]).await?;
    rows.iter().map(|row| PgColumns::of(row).read()).collect()
}

/// Entries in the order of the chain, from behind a position on.
pub(crate) async fn chain(shared: &PgState, after: i64, limit: u32) -> PgResult<AuditChainPage> {
    let snapshot = Snapshot::begin(&shared.readers).await?;
    let limit = i64::from(limit);
    let (rows, ends, unlinked) = tokio::join!(
        snapshot.query(sql!("audit_chain"), params![INT8: &after, INT8: &limit]),
        snapshot.query(sql!("chain_ends"), params![]),
        snapshot.query(sql!("count_unlinked_audit"), params![]),
    );
    let ((rows, ends), unlinked) = both(both(rows, ends), unlinked)?;
    snapshot.end().await?;
    let unlinked: Option<i64> = unlinked.first().map(|row| PgColumns::of(row).read()).transpose()?;
    Ok(AuditChainPage {
        records: read(&shared.unreadable, &rows)?,
        ends: ends_of(&shared.unreadable, &ends)?,
        unlinked: u64::try_from(unlinked.unwrap_or(0)).unwrap_or(0),
    })
}

/// The ways to the newest entries, each by an index.
pub(crate) mod newest {
    use super::sql;

    pub(crate) const ALL: &str =
        sql!("newest_audit", entries = "enginehouse.audit_log where (at, audit_id) < ($1, $2) and at >= $3");
    /// Sorted: of one target there are few.
    pub(crate) const OF_TARGET: &str = sql!(
        "newest_audit",
        entries = "(select * from enginehouse.audit_log where target = $5 offset 0) as found \
                  where (at, audit_id) < ($1, $2) and at >= $3"
    );
}

/// Entries that match, newest first.
pub(crate) async fn page(
    shared: &PgState,
    filter: &AuditFilter,
    page: &PageRequest,
) -> PgResult<ResultPage<AuditRecord>> {
    let Some(place) = AuditPlace::before(filter, page) else {
        return Ok(ResultPage { items: Vec::new(), next: None });
    };
    let session = shared.readers.session().await?;
    let (at, from) = (Moment(place.at), Moment(filter.from.unwrap_or(Timestamp::MIN)));
    let common = params![TIMESTAMPTZ: &at, INT8: &place.audit_id, TIMESTAMPTZ: &from, INT8: &MAX_SCANNED_ROWS];
    let rows = match &filter.target {
        Some(target) => {
            let target = params![TEXT: target];
            session.query(newest::OF_TARGET, common.into_iter().chain(target).collect::<Vec<_>>()).await?
        }
        None => session.query(newest::ALL, common).await?,
    };
    let mut reader = RowReader::new(&shared.unreadable);
    let (mut items, mut last) = (Vec::new(), place);
    for row in &rows {
        if items.len() >= page.limit as usize {
            return Ok(ResultPage { items, next: Some(last.to_string()) });
        }
        let mut columns = PgColumns::of(row);
        last = AuditPlace { audit_id: columns.read()?, at: columns.read()? };
        let record = reader.one("audit_log", row, |columns| read_record(columns))?;
        items.extend(record.filter(|record| filter.admits(&record.entry)));
    }
    let may_be_more = rows.len() as i64 == MAX_SCANNED_ROWS;
    Ok(ResultPage { items, next: may_be_more.then(|| last.to_string()) })
}
