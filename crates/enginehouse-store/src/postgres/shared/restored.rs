//! A dump that was restored into another cluster.
//!
//! Rows name the transactions that wrote them, by numbers that each cluster counts for itself. Numbers from the future would
//! keep lanes from being forgotten and counts from being added up until this cluster has come to them.

use std::time::Duration;

use crate::postgres::tx::columns::{Columns, params, sql};
use crate::postgres::tx::snapshot::{self, Snapshot};
use crate::postgres::wire::failure::Outcome;
use crate::postgres::wire::pool::Connections;

/// How long all changes of counts that a dump holds may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// Gives rows numbers of this cluster, if they have those of another. Says whether they had.
///
/// Servers may do so at once, and applications enqueue meanwhile: a number that is too high means only that something is
/// looked at for longer.
pub(crate) async fn renumber(readers: &Connections) -> Outcome<bool> {
    let snapshot = Snapshot::begin(readers).await?;
    let rows = snapshot.query(sql!("has_numbers_from_elsewhere"), params![]).await?;
    snapshot.end().await?;
    let is_from_elsewhere = rows.first().map(|row| Columns::of(row).value()).transpose()?.unwrap_or(false);
    if is_from_elsewhere {
        let session = readers.session().await?.with_limit(PATIENCE);
        let session = snapshot::begin(session, "begin isolation level read committed", sql!("reading_all")).await?;
        for sql in [sql!("renumber_lanes"), sql!("renumber_lane_changes")] {
            session.execute(sql, params![]).await?;
        }
        session.run("commit").await?;
        drop(session.into_session());
    }
    Ok(is_from_elsewhere)
}
