//! A look at every row: nothing else makes sure that rows of different tables agree.

use std::sync::LazyLock;

use tokio_postgres::Row;

use super::super::columns::{PgColumns, params, sql, types_of};
use super::super::row_reader::key_of;
use super::super::snapshot::Snapshot;
use crate::postgres::shared::state::PgState;
use crate::postgres::wire::error::{PgError, PgResult};
use crate::postgres::wire::pool::Connections;
use crate::postgres::wire::session::Param;
use crate::table::{Cell, TABLES, Table, Unreadable, check_row};

/// What is wrong, in words; nothing, if all is well.
pub(crate) async fn check_integrity(shared: &PgState) -> PgResult<Vec<String>> {
    check(&shared.readers).await
}

/// Each statement compares what it compares at one moment of its own: what dies while all of them run can be vacuumed
/// sooner.
pub(crate) async fn check(connections: &Connections) -> PgResult<Vec<String>> {
    let mut found = Vec::new();
    for (table, pages) in TABLES.iter().zip(PAGES.iter()) {
        look_at_rows(connections, table, pages, &mut found).await?;
    }
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
        (sql!("reports_without_their_event"), "the event of this report is missing"),
    ] {
        for row in &look(connections, sql).await? {
            found.push(format!("{what}: {}", PgColumns::of(row).value::<&str>()?));
        }
    }
    Ok(found)
}

/// How many rows of a table are in memory at once: a payload or result has up to 256 KiB.
const PAGE: i64 = 500;

/// For each table the statements for its first page, and for one behind a key.
static PAGES: LazyLock<Vec<[String; 2]>> = LazyLock::new(|| {
    let pages = |table: &Table| {
        let parameters: Vec<_> = (1..=table.key).map(|number| format!("${number}")).collect();
        let behind = format!(" where ({}) > ({})", table.key_names(), parameters.join(", "));
        ["", &behind].map(|condition| {
            let (columns, name, key) = (table.names(), table.name, table.key_names());
            format!("select {columns} from enginehouse.{name}{condition} order by {key} limit {PAGE}")
        })
    };
    TABLES.iter().map(pages).collect()
});

/// Reads every column of every row of a table, as the server would, page by page.
async fn look_at_rows(
    connections: &Connections,
    table: &'static Table,
    [first_page, page_behind]: &'static [String; 2],
    found: &mut Vec<String>,
) -> PgResult<()> {
    let mut unreadable = Unreadable::of(table.name);
    let mut last: Option<Row> = None;
    loop {
        let snapshot = Snapshot::begin_long(connections).await?;
        let key = last.iter().flat_map(|row| (0..table.key).map(|place| row.try_get::<_, Cell<'_>>(place)));
        let key = key.collect::<Result<Vec<_>, _>>()?;
        let statement = if key.is_empty() { first_page } else { page_behind };
        let types = table.key_columns().map(|column| types_of(column.kind).0);
        let parameters: Vec<Param<'_>> = key.iter().zip(types).map(|(cell, of)| (cell as _, of)).collect();
        let rows = snapshot.query(statement, parameters).await?;
        snapshot.end().await?;
        for row in &rows {
            match check_row(table, &mut PgColumns::of(row)) {
                Ok(()) => {}
                Err(PgError::Row(why)) => unreadable.add(key_of(table.name, row), why),
                Err(error) => return Err(error),
            }
        }
        let is_full = rows.len() as i64 == PAGE;
        last = rows.into_iter().next_back();
        if !is_full {
            break;
        }
    }
    found.extend(unreadable.into_findings());
    Ok(())
}

async fn look(connections: &Connections, sql: &'static str) -> PgResult<Vec<Row>> {
    let snapshot = Snapshot::begin_long(connections).await?;
    let rows = snapshot.query(sql, params![]).await?;
    snapshot.end().await?;
    Ok(rows)
}
