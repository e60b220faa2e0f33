//! The list of tables and the schemas are one.

use std::collections::BTreeSet;

use super::*;
use crate::table::COUNTS;

/// What only one of the stores has, or what is made anew.
const NOT_COPIED: [&str; 13] = [
    "events.lock_given_by",
    "engines.registry_version",
    "lanes.changed_by",
    "lanes.retired",
    "lanes.prunable_by",
    "lane_counts.status",
    "lane_counts.events",
    "meta.key",
    "meta.value",
    "schema_version",
    "lane_changes",
    "enqueue_grants",
    "sqlite_sequence",
];

fn listed() -> BTreeSet<String> {
    TABLES.iter().flat_map(|table| table.columns().map(|column| format!("{}.{}", table.name, column.name))).collect()
}

fn compare(found: impl Iterator<Item = String>, left_out: &[&str]) {
    let copied = |name: &String| {
        let (table, _) = name.split_once('.').unwrap();
        !NOT_COPIED.contains(&name.as_str()) && !NOT_COPIED.contains(&table)
    };
    let found: BTreeSet<_> = found.filter(copied).collect();
    let listed: BTreeSet<_> = listed().into_iter().filter(|name| !left_out.contains(&name.as_str())).collect();
    assert_eq!(found, listed);
}

#[tokio::test]
async fn every_column_of_sqlite_is_copied() {
    let folder = Folder::new();
    drop(open(&folder.path("one.db")));
    let connection = rusqlite::Connection::open(folder.path("one.db")).unwrap();
    let sql = "select t.name || '.' || c.name from sqlite_schema as t, pragma_table_info(t.name) as c \
               where t.type = 'table'";
    let mut statement = connection.prepare(sql).unwrap();
    let found: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    // A count is a row of its own there.
    let counts = COUNTS.map(|status| format!("lane_counts.{status}"));
    compare(found.into_iter(), &counts.each_ref().map(String::as_str));
}

#[tokio::test]
async fn every_column_of_postgresql_is_copied() {
    let folder = Folder::new();
    let url = FreshDatabase::new();
    drop(open(&folder.path("empty.db")));
    copied(&file(&folder.path("empty.db")), &database(&url)).await;
    let found = psql(
        &url,
        "select c.table_name || '.' || c.column_name from information_schema.columns as c \
         join information_schema.tables as t using (table_schema, table_name) \
         where c.table_schema = 'enginehouse' and t.table_type = 'BASE TABLE'",
    );
    compare(found.lines().map(str::to_owned), &[]);
}
