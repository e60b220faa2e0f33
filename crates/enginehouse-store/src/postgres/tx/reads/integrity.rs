//! A look at every row: nothing else makes sure that rows of different tables agree.

use tokio_postgres::Row;

use super::super::columns::{PgColumns, params, sql};
use super::super::snapshot::Snapshot;
use crate::postgres::shared::state::PgState;
use crate::postgres::wire::error::PgResult;
use crate::postgres::wire::pool::Connections;

/// What is wrong, in words; nothing, if all is well.
pub(crate) async fn check_integrity(shared: &PgState) -> PgResult<Vec<String>> {
    check(&shared.readers).await
}

/// Each statement compares what it compares at one moment of its own: what dies while all of them run can be vacuumed
/// sooner.
pub(crate) async fn check(connections: &Connections) -> PgResult<Vec<String>> {
    let mut found = Vec::new();
    for row in &look(connections, sql!("lane_count_differences")).await? {
        let mut columns = PgColumns::of(row);
        let (lane_id, status): (i64, &str) = (columns.read()?, columns.read()?);
        let (events, counted): (i64, i64) = (columns.read()?, columns.read()?);
        found.push(format!("lane {lane_id} has {events} {status} events, but {counted} are counted"));
    }
    for (sql, what) in [
        (sql!("scenario_run_count_differences"), "the events of this scenario run are not as many as are counted"),
        (sql!("events_without_their_rows"), "the payload or the lane of this event is missing"),
        (sql!("dead_letter_differences"), "this event and its dead letter disagree"),
        (sql!("payloads_without_their_event"), "the event of this payload is missing"),
        (sql!("attempts_without_their_event"), "the event of this attempt is missing"),
    ] {
        for row in &look(connections, sql).await? {
            found.push(format!("{what}: {}", PgColumns::of(row).value::<&str>()?));
        }
    }
    Ok(found)
}

async fn look(connections: &Connections, sql: &'static str) -> PgResult<Vec<Row>> {
    let snapshot = Snapshot::begin_long(connections).await?;
    let rows = snapshot.query(sql, params![]).await?;
    snapshot.end().await?;
    Ok(rows)
}
