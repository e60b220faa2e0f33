//! The schema is what the migrations add up to.

use std::fmt::Write;

use super::{House, connect};
use crate::sqlite::{connections, migrations};

/// The schema of a fresh store, in the order in which it was made.
fn schema_of(house: &House) -> String {
    drop(house.open());
    let connection = connect(&house.path());
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
    let schema = schema_of(&House::new());
    if std::env::var_os("ENGINEHOUSE_BLESS").is_some() {
        std::fs::write(path, &schema).unwrap();
    }
    let file = std::fs::read_to_string(path).unwrap_or_default();
    assert!(file == schema, "schema/sqlite.sql is stale: run this test with ENGINEHOUSE_BLESS=1");
}

#[test]
fn the_file_says_which_migrations_it_has() {
    let house = House::new();
    drop(house.open());
    let connection = connect(&house.path());
    let mut statement = connection.prepare("select version, name, applied_at from schema_version").unwrap();
    let applied: Vec<(i32, String, i64)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let want: Vec<_> =
        migrations::MIGRATIONS.iter().map(|step| (step.version, step.name.to_owned(), 1_800_000_000_000)).collect();
    assert_eq!(applied, want);
    let version: i32 = connection.query_row("pragma user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, migrations::newest());
}

/// Numbers without gaps, and files that are named by them.
#[test]
fn migrations_are_numbered_files() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite");
    let entries = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    let named: Vec<_> =
        migrations::MIGRATIONS.iter().map(|step| format!("{:04}_{}.sql", step.version, step.name)).collect();
    assert_eq!(files, named);
    assert!((1..).zip(migrations::MIGRATIONS).all(|(version, step)| step.version == version));
    assert!(migrations::MIGRATIONS.iter().all(|step| step.statements().count() > 0));
}

#[test]
fn every_statement_prepares_on_a_fresh_schema() {
    let house = House::new();
    drop(house.open());
    let reader = connections::open_reader(&house.path()).unwrap();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/sqlite/sql");
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        reader.prepare(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        count += 1;
    }
    assert!(count > 60);
}

/// The view is for people: it says what is processing by whom, and when, in words.
#[tokio::test]
async fn the_overview_shows_readable_times() {
    use crate::conformance::given::{claim, given_events};
    let house = House::new();
    let store = house.open();
    given_events(&store, "render", [1]).await;
    claim(&store, 1, "engine-7").await;
    drop(store);
    let (holder, enqueued_at, payload): (String, String, String) = connect(&house.path())
        .query_row(
            "select lock_holder, enqueued_at, payload from event_overview where status = 'processing'",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .unwrap();
    assert_eq!(holder, "processing_by_engine-7");
    assert_eq!(enqueued_at, "2027-01-15T07:59:00.000Z");
    assert_eq!(payload, "{\"number\": 1}");
}
