//! Links the entries of the audit log to their chain.
//!
//! Servers write entries at once, and none of them waits for another one: an entry is linked afterwards, in a transaction of its
//! own, by whichever server has locked the newest link. The order of the chain is that in which entries were found, of those that
//! are found together that of their numbers.

use enginehouse_core::audit::AuditRecord;
use enginehouse_core::audit::chain::{ChainEnds, ChainLink};
use tokio_postgres::Row;

use super::state::PgState;
use crate::postgres::tx::columns::{Arrays, PgColumns, params, sql};
use crate::postgres::tx::row_reader::RowReader;
use crate::postgres::tx::snapshot::{begin_chore, end_chore};
use crate::postgres::wire::error::PgResult;
use crate::postgres::wire::session::Session;
use crate::table::{AuditLinkColumns, ChainEndColumns, HEAD, chain_ends, read_record};
use crate::unreadable::UnreadableRows;

/// How many entries one transaction links.
const MAX_LINKED: u32 = 1_000;

/// Links the entries that are not linked yet. Answers how many; what somebody else links or holds is left to them.
pub(crate) async fn link_audit(shared: &PgState) -> PgResult<u64> {
    let mut linked = 0;
    loop {
        let newly = link_some(shared).await?;
        linked += u64::from(newly);
        if newly < MAX_LINKED {
            return Ok(linked);
        }
    }
}

async fn link_some(shared: &PgState) -> PgResult<u32> {
    let session = begin_chore(&shared.readers).await?;
    let count = session.query(sql!("count_unlinked_audit"), params![]).await?;
    let count: Option<i64> = count.first().map(|row| PgColumns::of(row).read()).transpose()?;
    if count.unwrap_or(0) == 0 {
        end_chore(session).await?;
        return Ok(0);
    }
    let Some(head) = lock_head(&session, &shared.unreadable).await? else {
        end_chore(session).await?;
        return Ok(0);
    };
    let head = if head == ChainLink::GENESIS { newest_link(&session, &shared.unreadable).await? } else { head };
    let rows = session.query(sql!("unlinked_audit"), params![INT8: &i64::from(MAX_LINKED)]).await?;
    let records = read(&shared.unreadable, &rows)?;
    if let Some(newest) = link(&session, head, &records).await? {
        write_end(&session, HEAD, &newest).await?;
    }
    end_chore(session).await?;
    Ok(u32::try_from(records.len()).unwrap_or(u32::MAX))
}

pub(crate) fn read(unreadable: &UnreadableRows, rows: &[Row]) -> PgResult<Vec<AuditRecord>> {
    RowReader::new(unreadable).all("audit_log", rows, |columns| read_record(columns))
}

/// The link of the newest entry: if somebody has taken the end of the chain away, it goes on from there.
async fn newest_link(session: &Session, unreadable: &UnreadableRows) -> PgResult<ChainLink> {
    let rows = session.query(sql!("newest_link"), params![]).await?;
    let read = |columns: &mut PgColumns<'_>| Ok(columns.group::<AuditLinkColumns<'_>>()?.into_link()?);
    Ok(RowReader::new(unreadable).all("audit_log", &rows, read)?.pop().flatten().unwrap_or(ChainLink::GENESIS))
}

/// Links entries behind the newest one. Answers the last of them.
async fn link(session: &Session, head: ChainLink, records: &[AuditRecord]) -> PgResult<Option<ChainLink>> {
    if records.is_empty() {
        return Ok(None);
    }
    let mut last = head;
    let mut next = |record: &AuditRecord| {
        last = last.next(record.audit_id, &record.entry);
        last
    };
    let links: Vec<_> = records.iter().map(&mut next).collect();
    let ids: Vec<_> = records.iter().map(|record| record.audit_id).collect();
    let columns: Vec<_> = links.iter().map(AuditLinkColumns::of).collect();
    session.execute(sql!("link_audit"), Arrays::of(&columns).behind(params![INT8_ARRAY: &ids])).await?;
    Ok(Some(last))
}

/// The newest link, locked for whoever links or deletes entries; none if somebody else does.
pub(crate) async fn lock_head(session: &Session, unreadable: &UnreadableRows) -> PgResult<Option<ChainLink>> {
    let begins = [ChainEndColumns::of(HEAD, &ChainLink::GENESIS)];
    session.execute(sql!("begin_chain"), Arrays::of(&begins).parameters()).await?;
    let rows = session.query(sql!("lock_chain_head"), params![]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let read = |columns: &mut PgColumns<'_>| Ok(columns.group::<ChainEndColumns<'_>>()?.into_link());
    // One that cannot be read is as if there were none.
    Ok(Some(RowReader::new(unreadable).one("audit_chain", row, read)?.unwrap_or(ChainLink::GENESIS)))
}

pub(crate) async fn write_end(session: &Session, name: &str, link: &ChainLink) -> PgResult<()> {
    let ends = [ChainEndColumns::of(name, link)];
    session.execute(sql!("write_chain_end"), Arrays::of(&ends).parameters()).await?;
    Ok(())
}

/// The ends of the chain from their rows.
pub(crate) fn ends_of(unreadable: &UnreadableRows, rows: &[Row]) -> PgResult<ChainEnds> {
    let read = |columns: &mut PgColumns<'_>| Ok(columns.group::<ChainEndColumns<'_>>()?.into_end());
    Ok(chain_ends(RowReader::new(unreadable).all("audit_chain", rows, read)?))
}
