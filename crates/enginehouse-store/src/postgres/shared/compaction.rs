//! Compaction of `lane_changes`: its rows are added up into `lane_counts` and `scenario_runs`, so that reads of counts stay
//! cheap.

use enginehouse_core::time::Timestamp;

use super::state::PgState;
use crate::postgres::tx::columns::{Moment, PgColumns, Xid, params, sql};
use crate::postgres::tx::snapshot;
use crate::postgres::wire::error::{PgError, PgResult};

/// How many rows one transaction compacts.
pub(crate) const MAX_COMPACTED: u32 = 20_000;

/// Compacts the oldest rows, up to [`MAX_COMPACTED`], that were made before a moment by transactions from `from` up to, but
/// not including, `until`. Answers how many; fewer than the maximum if none is left.
pub(crate) async fn compact_lane_changes(shared: &PgState, before: Timestamp, from: Xid, until: Xid) -> PgResult<u64> {
    let session = snapshot::begin_chore(&shared.readers).await?;
    let rows = session
        .query(
            sql!("compact_lane_changes"),
            params![TIMESTAMPTZ: &Moment(before), XID8: &from, XID8: &until, INT8: &i64::from(MAX_COMPACTED)],
        )
        .await?;
    let row = rows.first().ok_or_else(|| PgError::Bug("the number of compacted changes is missing".to_owned()))?;
    let mut columns = PgColumns::of(row);
    let compacted = columns.read()?;
    let (zero_lanes, zero_runs): (Vec<i64>, Vec<&str>) = (columns.value()?, columns.value()?);
    if !zero_lanes.is_empty() {
        session.execute(sql!("delete_counts_of_deleted_lanes"), params![INT8_ARRAY: &zero_lanes]).await?;
    }
    if !zero_runs.is_empty() {
        session
            .execute(
                sql!("delete_empty_scenario_runs"),
                params![TEXT_ARRAY: &zero_runs, XID8: &shared.uncompacted_from()],
            )
            .await?;
    }
    snapshot::end_chore(session).await?;
    Ok(compacted)
}
