//! A look at every page and every row.

use rusqlite::Connection;

use super::columns::{Columns, sql};
use super::failure::Outcome;

/// What is wrong, in words; nothing, if all is well. The connection is in a transaction, so that a server may go on
/// writing meanwhile.
pub(super) fn check(connection: &Connection) -> Outcome<Vec<String>> {
    let mut found = Vec::new();
    // Looks at the pages, the indexes, and every constraint of every row.
    let mut statement = connection.prepare("pragma integrity_check(100)")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let line: String = row.get(0)?;
        if line != "ok" {
            found.push(line);
        }
    }
    if !found.is_empty() {
        // The statements below may stumble over the same damage.
        return Ok(found);
    }
    let mut statement = connection.prepare("pragma foreign_key_check")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (table, parent): (String, String) = (row.get(0)?, row.get(2)?);
        found.push(format!("a row of {table} belongs to no row of {parent}"));
    }
    let mut statement = connection.prepare(sql!("lane_count_differences"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let mut columns = Columns::of(row);
        let (lane_id, status): (i64, &str) = (columns.value()?, columns.text()?);
        let (events, counted): (i64, i64) = (columns.value()?, columns.value()?);
        found.push(format!("lane {lane_id} has {events} {status} events, but {counted} are counted"));
    }
    for (sql, what) in [
        (sql!("scenario_run_count_differences"), "the events of this scenario run are not as many as are counted"),
        (sql!("events_without_their_rows"), "the payload or the lane of this event is missing"),
        (sql!("dead_letter_differences"), "this event and its dead letter disagree"),
    ] {
        let mut statement = connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            found.push(format!("{what}: {}", Columns::of(row).text()?));
        }
    }
    Ok(found)
}
