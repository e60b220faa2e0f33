//! Rebases transaction ids after a dump was restored into another cluster.
//!
//! Some columns hold the id of the transaction that wrote the row, and each cluster counts transactions for itself. Ids from
//! another cluster can lie in the future of this one: until it has counted up to them, lanes would not be deleted and changes
//! would not be compacted.

use std::time::Duration;

use crate::postgres::tx::columns::{PgColumns, params, sql};
use crate::postgres::tx::opening::IDLE_LIMIT;
use crate::postgres::tx::snapshot::{self, Snapshot};
use crate::postgres::wire::error::PgResult;
use crate::postgres::wire::pool::Connections;

/// How long the update of all lane changes in a dump may take.
const TIME_LIMIT: Duration = Duration::from_secs(600);

/// Replaces ids of another cluster. Answers whether there were any.
///
/// Several servers may do so at once, while applications enqueue: an id that is too high only means that a row is read for
/// longer than necessary.
pub(crate) async fn rebase_xids(readers: &Connections) -> PgResult<bool> {
    let snapshot = Snapshot::begin(readers).await?;
    let rows = snapshot.query(sql!("has_foreign_xids"), params![]).await?;
    snapshot.end().await?;
    let is_foreign = rows.first().map(|row| PgColumns::of(row).value()).transpose()?.unwrap_or(false);
    if is_foreign {
        let session = readers.session().await?.with_limit(TIME_LIMIT);
        let session =
            snapshot::begin(session, "begin isolation level read committed", sql!("reading_all"), IDLE_LIMIT).await?;
        for sql in [sql!("rebase_lanes"), sql!("rebase_lane_changes")] {
            session.execute(sql, params![]).await?;
        }
        session.run("commit").await?;
        drop(session.into_session());
    }
    Ok(is_foreign)
}
