//! What is in a file besides what the migrations made, or not as they made it.
//!
//! SQLite runs a trigger whoever has made it, so a file that comes from elsewhere, or that somebody has added to, could change what is
//! written. So its schema is compared with the one that the same migrations make in memory. Tables of others are left alone: no
//! statement of ours reaches them, and tools that carry out migrations keep a table of their own there.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::failure::SqliteResult;
use super::schema::run;
use crate::migrations::Dialect;

/// By kind and name: the table, and the statement that made it.
type Objects = BTreeMap<(String, String), (String, Option<String>)>;

/// What differs, in words; nothing, if all is as it was made. Nothing is known of a version that is newer than this program.
pub(super) fn differences(connection: &Connection, version: i32) -> SqliteResult<Vec<String>> {
    if version > Dialect::Sqlite.newest() {
        return Ok(Vec::new());
    }
    let mut ours = Connection::open_in_memory()?;
    for migration in Dialect::Sqlite.migrations().iter().filter(|migration| migration.version <= version) {
        run(&mut ours, migration.statements())?;
    }
    let (ours, found) = (objects(&ours)?, objects(connection)?);
    let mut differences = Vec::new();
    for (key @ (kind, name), object) in &found {
        match ours.get(key) {
            None if is_apart(kind, &object.0, &ours) => {}
            None => differences.push(format!("{kind} {name} on {} is none of Enginehouse", object.0)),
            Some(made) if made != object => differences.push(format!("{kind} {name} was changed")),
            Some(_) => {}
        }
    }
    differences.extend(
        ours.keys().filter(|key| !found.contains_key(*key)).map(|(kind, name)| format!("{kind} {name} is gone")),
    );
    Ok(differences)
}

/// Whether it is a table of somebody else's, or an index of one.
fn is_apart(kind: &str, table: &str, ours: &Objects) -> bool {
    matches!(kind, "table" | "index") && !ours.contains_key(&("table".to_owned(), table.to_owned()))
}

fn objects(connection: &Connection) -> SqliteResult<Objects> {
    // Names that begin so are SQLite's own: nobody else can make them.
    let mut statement = connection
        .prepare("select type, name, tbl_name, sql from sqlite_schema where name not like 'sqlite\\_%' escape '\\'")?;
    let rows = statement.query_map([], |row| Ok(((row.get(0)?, row.get(1)?), (row.get(2)?, row.get(3)?))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
