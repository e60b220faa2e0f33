//! Changes of counts are added up, so that there are never many of them to be read.

use enginehouse_core::time::Timestamp;

use super::state::Shared;
use crate::postgres::tx::columns::{Columns, Moment, Xid, params, sql};
use crate::postgres::tx::snapshot;
use crate::postgres::wire::failure::{Failure, Outcome};

/// How many changes one transaction adds up.
pub(crate) const MAX_FOLDED: u32 = 20_000;

/// Adds up changes that were made before a moment, by transactions from one on and before another: the oldest, up to
/// [`MAX_FOLDED`]. Answers how many; fewer than that say that nothing is left, whoever has added it up.
pub(crate) async fn fold_changes(shared: &Shared, before: Timestamp, from: Xid, until: Xid) -> Outcome<u64> {
    let session = shared.readers.session().await?;
    let session = snapshot::begin(session, "begin isolation level read committed", sql!("reading")).await?;
    let rows = session
        .query(
            sql!("fold_changes"),
            params![TIMESTAMPTZ: &Moment(before), XID8: &from, XID8: &until, INT8: &i64::from(MAX_FOLDED)],
        )
        .await?;
    let row = rows.first().ok_or_else(|| Failure::Row("nobody says how much was added up".to_owned()))?;
    let mut columns = Columns::of(row);
    let folded = columns.number()?;
    let (lanes, runs): (Vec<i64>, Vec<&str>) = (columns.value()?, columns.value()?);
    if !lanes.is_empty() {
        session.execute(sql!("delete_counts_of_gone_lanes"), params![INT8_ARRAY: &lanes]).await?;
    }
    if !runs.is_empty() {
        session
            .execute(sql!("delete_empty_scenario_runs"), params![TEXT_ARRAY: &runs, XID8: &shared.unfolded_from()])
            .await?;
    }
    session.run("commit").await?;
    drop(session.into_session());
    Ok(folded)
}
