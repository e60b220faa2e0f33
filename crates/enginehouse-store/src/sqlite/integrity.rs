//! A look at every page and every row.

use std::path::Path;

use rusqlite::{Connection, ErrorCode};

use super::columns::{SqliteColumns, sql};
use super::connection::{key_of, key_value};
use super::connections::{self, in_one_snapshot};
use super::failure::{SqliteError, SqliteResult};
use crate::table::{TABLES, Table, Unreadable, check_count_of_status, check_row};
use crate::unreadable::harmless;

/// What is wrong, in words; nothing, if all is well. Looks at one moment, and a server may go on writing meanwhile.
pub(super) fn check(path: &Path) -> SqliteResult<Vec<String>> {
    let checker = connections::open_checker(path)?;
    let mut found = Vec::new();
    match in_one_snapshot(&checker, |checker| look(checker, &mut found)) {
        // So damaged that the look itself had to end.
        Err(SqliteError::Sqlite(error))
            if matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)) =>
        {
            found.push(error.to_string());
        }
        outcome => outcome?,
    }
    Ok(found)
}

fn look(connection: &Connection, found: &mut Vec<String>) -> SqliteResult<()> {
    // Looks at the pages, the indexes, and every constraint of every row.
    let mut statement = connection.prepare("pragma integrity_check(100)")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let line: String = row.get(0)?;
        if line != "ok" {
            found.push(line);
        }
    }
    if !found.iter().all(|line| is_of_a_value(line)) {
        // The statements below may stumble over the same damage.
        return Ok(());
    }
    for table in TABLES {
        look_at_rows(connection, table, found)?;
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
        let mut columns = SqliteColumns::of(row);
        let (lane_id, status): (i64, &str) = (columns.read()?, columns.read().unwrap_or("?"));
        let (events, counted): (i64, i64) = (columns.read()?, columns.read()?);
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
            found.push(format!("{what}: {}", harmless(key_value(row.get_ref(0)?))));
        }
    }
    Ok(())
}

/// Whether a line of SQLite's check is about a value that a constraint refuses, and not about pages.
fn is_of_a_value(line: &str) -> bool {
    line.starts_with("CHECK constraint failed")
}

/// Reads every column of every row of a table, as the server would. One row is in memory at a time.
fn look_at_rows(connection: &Connection, table: &'static Table, found: &mut Vec<String>) -> SqliteResult<()> {
    let columns = if table.is_counted() { "lane_id, status, events".to_owned() } else { table.names() };
    let mut unreadable = Unreadable::of(table.name);
    let mut statement = connection.prepare(&format!("select {columns} from {}", table.name))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let mut cells = SqliteColumns::of(row);
        let read = if table.is_counted() { check_count_of_status(&mut cells) } else { check_row(table, &mut cells) };
        match read {
            Ok(()) => {}
            Err(SqliteError::Row(why)) => unreadable.add(key_of(table.name, row), why),
            Err(error) => return Err(error),
        }
    }
    found.extend(unreadable.into_findings());
    Ok(())
}
