//! The schema is what the migrations add up to.

use std::fmt::Write;

use super::{TestFolder, connect};
use crate::migrations::{Dialect, Migrate, Migration, SchemaRefusal};
use crate::sqlite::{
    SqliteOpenError, SqliteOptions, SqliteStore, connections, migrate_sqlite, revert_sqlite, schema_status,
};

/// The schema of a fresh store, in the order in which it was made.
fn schema_of(folder: &TestFolder) -> String {
    drop(folder.open());
    let connection = connect(&folder.path());
    let mut statement = connection
        .prepare("select sql from sqlite_schema where sql is not null and name not like 'sqlite%' order by rowid")
        .unwrap();
    let mut schema = "-- What the migrations add up to. Written by the test `the_schema_file_is_fresh`.\n".to_owned();
    for sql in statement.query_map([], |row| row.get::<_, String>(0)).unwrap() {
        write!(schema, "\n{};\n", sql.unwrap()).unwrap();
    }
    schema
}

#[test]
#[expect(clippy::disallowed_methods, reason = "whoever changes the schema writes the file with one variable")]
fn the_schema_file_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/sqlite.sql");
    let schema = schema_of(&TestFolder::new());
    if std::env::var_os("ENGINEHOUSE_BLESS").is_some() {
        std::fs::write(path, &schema).unwrap();
    }
    let file = std::fs::read_to_string(path).unwrap_or_default();
    assert!(file == schema, "schema/sqlite.sql is stale: run this test with ENGINEHOUSE_BLESS=1");
}

#[test]
fn the_file_says_which_migrations_it_has() {
    let folder = TestFolder::new();
    drop(folder.open());
    let connection = connect(&folder.path());
    let mut statement =
        connection.prepare("select version, name, oldest_compatible, applied_at from schema_version").unwrap();
    let applied: Vec<(i32, String, i32, i64)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    for ((version, name, oldest_compatible, applied_at), migration) in applied.iter().zip(Dialect::Sqlite.migrations())
    {
        assert_eq!(
            (*version, name.as_str(), *oldest_compatible),
            (migration.version, migration.name, migration.oldest_compatible)
        );
        assert!(*applied_at > 1_600_000_000_000);
    }
    let version: i32 = connection.query_row("pragma user_version", [], |row| row.get(0)).unwrap();
    assert_eq!((version, applied.len()), (Dialect::Sqlite.newest(), Dialect::Sqlite.migrations().len()));
}

/// What other programs see of a schema, and the header's two numbers.
fn seen(folder: &TestFolder) -> (Vec<String>, i64, i64) {
    let connection = connect(&folder.path());
    let mut statement = connection.prepare("select coalesce(sql, name) from sqlite_schema order by 1").unwrap();
    let schema = statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    let number = |pragma: &str| connection.query_row(pragma, [], |row| row.get(0)).unwrap();
    (schema, number("pragma user_version"), number("pragma application_id"))
}

/// As a shell does, or the tools of a team.
#[test]
fn the_statements_alone_make_a_file_that_a_server_opens() {
    let (folder, native) = (TestFolder::new(), TestFolder::new());
    drop(native.open());
    let connection = connect(&folder.path());
    for statement in Dialect::Sqlite.migrations().iter().flat_map(Migration::statements) {
        connection.execute(statement, []).unwrap();
    }
    drop(connection);
    assert_eq!(seen(&folder), seen(&native));
    drop(SqliteStore::open(SqliteOptions { migrate: Migrate::Check, ..folder.options() }).unwrap());
}

#[test]
fn every_migration_can_be_taken_back_and_leaves_what_it_found() {
    let folder = TestFolder::new();
    drop(folder.open());
    let whole = seen(&folder);
    let newest = Dialect::Sqlite.newest();
    for version in (0..newest).rev() {
        let back = revert_sqlite(&folder.path(), version, false).unwrap();
        assert_eq!(back.len(), 1);
        let before = seen(&folder);
        migrate_sqlite(&folder.path(), version + 1).unwrap();
        assert_eq!(schema_status(&folder.path()).unwrap().version(), version + 1);
        revert_sqlite(&folder.path(), version, false).unwrap();
        assert_eq!(seen(&folder), before);
    }
    let (left, version, application_id) = seen(&folder);
    assert_eq!((version, application_id), (0, 0x4548_5345));
    assert!(left.iter().all(|sql| sql.contains("sqlite_sequence")), "{left:?}");
    drop(folder.open());
    assert_eq!(seen(&folder), whole);
}

#[tokio::test]
async fn events_are_lost_only_if_that_was_said() {
    use crate::conformance::given::given_events;
    let folder = TestFolder::new();
    let store = folder.open();
    given_events(&store, "render", [1]).await;
    let held = revert_sqlite(&folder.path(), 0, true).unwrap_err();
    assert!(matches!(held, SqliteOpenError::InUse { .. }), "{held}");
    drop(store);
    let error = revert_sqlite(&folder.path(), 0, false).unwrap_err();
    assert!(matches!(error, SqliteOpenError::Schema { refusal: SchemaRefusal::HoldsEvents, .. }), "{error}");
    assert_eq!(schema_status(&folder.path()).unwrap().version(), Dialect::Sqlite.newest(), "nothing was taken back");
    revert_sqlite(&folder.path(), 0, true).unwrap();
    assert_eq!(schema_status(&folder.path()).unwrap().version(), 0);
}

#[test]
fn a_file_of_the_first_version_is_migrated() {
    let folder = TestFolder::new();
    drop(folder.open());
    let whole = seen(&folder);
    revert_sqlite(&folder.path(), 1, false).unwrap();
    let status = schema_status(&folder.path()).unwrap();
    assert!(
        status.applied.iter().all(|row| row.oldest_compatible == 1 && row.name == "engines_and_events"),
        "{status:?}"
    );
    drop(folder.open());
    assert_eq!(seen(&folder), whole);
    assert_eq!(schema_status(&folder.path()).unwrap().applied.len(), Dialect::Sqlite.migrations().len());
}

/// What stands for the part that the caller of a statement fills in.
const PARTS: [(&str, &str); 2] =
    [("source", "events as e where e.event_id < ?1"), ("entries", "audit_log where at < ?1")];

#[test]
fn every_statement_prepares_on_a_fresh_schema() {
    let folder = TestFolder::new();
    drop(folder.open());
    let reader = connections::open_reader(&folder.path()).unwrap();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/sqlite/sql");
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        // Most of those whose caller says from where are about events.
        let is_of_letters = path.ends_with("dead_letter_groups.sql");
        let text =
            crate::table::sql::filled_text(&text, if is_of_letters { &[("source", "dead_letters")] } else { &PARTS });
        reader.prepare(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        count += 1;
    }
    assert!(count > 60);
}

/// The view is for people: it says which event is processing by whom, and when, in words.
#[tokio::test]
async fn the_overview_shows_readable_ids_and_times() {
    use crate::conformance::given::{claim, given_events, id};
    let folder = TestFolder::new();
    let store = folder.open();
    given_events(&store, "render", [1]).await;
    claim(&store, 1, "engine-7").await;
    drop(store);
    let connection = connect(&folder.path());
    let (event_id, holder, enqueued_at, payload): (String, String, String, String) = connection
        .query_row(
            "select event_id, lock_holder, enqueued_at, payload from event_overview where status = 'processing'",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )
        .unwrap();
    assert_eq!(event_id, id(1).to_string());
    assert_eq!(holder, "processing_by_engine-7");
    assert_eq!(enqueued_at, "2027-01-15T07:59:00.000Z");
    assert_eq!(payload, "{\"number\": 1}");
    // As docs/operations.md says.
    for is_one in [format!("x'{}'", event_id.replace('-', "")), format!("unhex('{event_id}', '-')")] {
        let find = format!("select count(*) from events where event_id = {is_one}");
        assert_eq!(connection.query_row(&find, [], |row| row.get::<_, i64>(0)).unwrap(), 1, "{find}");
    }
}
