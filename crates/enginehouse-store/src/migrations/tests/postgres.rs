//! The runner, on a real PostgreSQL.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::server::Database;
use crate::migrations::postgres::{Patience, migrate};
use crate::migrations::{
    Dialect, Migrate, MigrateError, Migration, MigrationVerdict, SchemaName, SchemaRefusal, migrate_postgres,
    migrate_postgres_to, postgres_status, prepare_postgres, revert_postgres,
};

const LIMIT: Duration = Duration::from_secs(60);

fn schema() -> SchemaName {
    SchemaName::default()
}

fn newest() -> i32 {
    Dialect::Postgres.newest()
}

fn versions<'a>(migrations: impl IntoIterator<Item = &'a &'static Migration>) -> Vec<i32> {
    migrations.into_iter().map(|migration| migration.version).collect()
}

/// All that makes up a schema.
async fn catalog(client: &Client, schema: &SchemaName) -> String {
    client.batch_execute("set search_path = ''").await.unwrap();
    let query = include_str!("../../../schema/postgres_catalog.sql");
    let rows = client.query_typed(query, &[(&schema.as_str(), Type::TEXT)]).await.unwrap();
    let parts: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    parts.join("\n\n")
}

/// How many things of any kind have this schema: the schema itself is one.
async fn things(client: &Client, schema: &SchemaName) -> i64 {
    let count = "select (select count(*) from pg_namespace where nspname = $1) \
                 + (select count(*) from pg_class as c join pg_namespace as n on n.oid = c.relnamespace where n.nspname = $1) \
                 + (select count(*) from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace where n.nspname = $1) \
                 + (select count(*) from pg_type as t join pg_namespace as n on n.oid = t.typnamespace where n.nspname = $1)";
    client.query_typed(count, &[(&schema.as_str(), Type::TEXT)]).await.unwrap()[0].get(0)
}

async fn until(client: &Client, condition: &str) {
    let asking = async {
        loop {
            if client.query_typed(condition, &[]).await.unwrap()[0].get(0) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, asking).await.unwrap_or_else(|_| panic!("not in time: {condition}"));
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "whoever changes the schema writes the file with one variable")]
async fn the_schema_file_is_fresh() {
    let database = Database::new().await;
    let mut client = database.connect().await;
    migrate_postgres(&mut client, &schema()).await.unwrap();
    let title = "-- What the migrations add up to. Written by the test `the_schema_file_is_fresh`.";
    let text = format!("{title}\n\n{}\n", catalog(&client, &schema()).await);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/postgres.sql");
    if std::env::var_os("ENGINEHOUSE_BLESS").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let file = std::fs::read_to_string(path).unwrap_or_default();
    assert!(file == text, "schema/postgres.sql is stale: run this test with ENGINEHOUSE_BLESS=1");
}

#[tokio::test]
async fn servers_that_start_at_once_migrate_once() {
    let database = Database::new().await;
    let mut clients = Vec::new();
    for _ in 0..8 {
        clients.push(database.connect().await);
    }
    let (schema, patience) = (schema(), Patience { others: LIMIT, tables: LIMIT });
    let applied = join_all(clients.iter_mut().map(|client| migrate(client, &schema, newest(), patience))).await;
    let mut all: Vec<_> = applied.iter().flat_map(|applied| versions(applied.as_ref().unwrap())).collect();
    all.sort_unstable();
    assert_eq!(all, (1..=newest()).collect::<Vec<_>>());
    let status = postgres_status(&clients[0], &schema).await.unwrap();
    assert!(matches!(status.verdict, MigrationVerdict::UpToDate), "{status:?}");
    assert!(status.applied.iter().all(|row| row.applied_at.as_millis() > 1_600_000_000_000));
}

/// Somebody runs the printed statements at the same time, and knows nothing of the lock.
#[tokio::test]
async fn a_person_who_takes_no_lock_and_a_server_migrate_once() {
    let names: BTreeSet<_> = ["enginehouse", "queue_1", "queue_2", "queue_3"].into();
    let database = Database::new().await;
    for name in names {
        let schema: SchemaName = name.parse().unwrap();
        let statements = Dialect::Postgres.migrations().iter().flat_map(Migration::statements);
        let script: Vec<_> = statements.map(|statement| schema.replace_in(statement).into_owned()).collect();
        let script = format!("begin;\n{}\ncommit;", script.join("\n"));
        let person = database.connect().await;
        let (mut one, mut other) = (database.connect().await, database.connect().await);
        let (by_hand, one, other) = tokio::join!(
            person.batch_execute(&script),
            migrate_postgres(&mut one, &schema),
            migrate_postgres(&mut other, &schema),
        );
        let applied = versions(&one.unwrap()).len() + versions(&other.unwrap()).len();
        assert!(by_hand.is_ok() || applied == Dialect::Postgres.migrations().len());
        let person = database.connect().await;
        let status = postgres_status(&person, &schema).await.unwrap();
        assert!(matches!(status.verdict, MigrationVerdict::UpToDate), "{status:?}");
    }
}

/// A table of somebody else, not committed yet, stops the first migration in its middle.
async fn blocked_in_the_middle(other: &Client) {
    other.batch_execute("create schema enginehouse").await.unwrap();
    other.batch_execute("begin; create table enginehouse.audit_log (note text)").await.unwrap();
}

#[tokio::test]
async fn a_migration_that_is_killed_leaves_nothing() {
    let database = Database::new().await;
    let (mut client, other, watcher) = (database.connect().await, database.connect().await, database.connect().await);
    blocked_in_the_middle(&other).await;
    let pid: i32 = client.query_typed("select pg_backend_pid()", &[]).await.unwrap()[0].get(0);
    let migrating = tokio::spawn(async move { migrate_postgres(&mut client, &schema()).await.map(|_| ()) });
    let waits = format!(
        "select exists (select from pg_stat_activity where pid = {pid} and wait_event_type = 'Lock' \
         and query like '%create table enginehouse.audit_log%')"
    );
    until(&watcher, &waits).await;
    watcher.batch_execute(&format!("select pg_terminate_backend({pid})")).await.unwrap();
    let error = migrating.await.unwrap().unwrap_err();
    assert!(matches!(&error, MigrateError::Statement { version: 1, number, .. } if *number > 1), "{error}");
    other.batch_execute("rollback").await.unwrap();
    assert_eq!(things(&watcher, &schema()).await, 1, "the schema that was there before");
    let mut client = database.connect().await;
    assert_eq!(versions(&migrate_postgres(&mut client, &schema()).await.unwrap()), (1..=newest()).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_migration_that_waits_too_long_says_so_and_leaves_nothing() {
    let database = Database::new().await;
    let (mut client, other) = (database.connect().await, database.connect().await);
    blocked_in_the_middle(&other).await;
    let patience = Patience { others: LIMIT, tables: Duration::from_millis(50) };
    let error = migrate(&mut client, &schema(), newest(), patience).await.unwrap_err();
    assert!(matches!(error, MigrateError::Locked { version: 1, .. }), "{error}");
    other.batch_execute("rollback").await.unwrap();
    assert_eq!(things(&client, &schema()).await, 1);
    // The same for another migration that is under way.
    let take = "begin; select pg_advisory_xact_lock(hashtextextended('enginehouse schema enginehouse', 0))";
    other.batch_execute(take).await.unwrap();
    let patience = Patience { others: Duration::from_millis(50), tables: LIMIT };
    let error = migrate(&mut client, &schema(), newest(), patience).await.unwrap_err();
    assert!(matches!(error, MigrateError::Locked { version: 1, .. }), "{error}");
}

async fn given_a_newer_migration(client: &Client, oldest_compatible: i32) {
    let insert = format!(
        "insert into enginehouse.schema_version (version, name, oldest_compatible) values ({}, 'to_come', {oldest_compatible})",
        newest() + 1
    );
    client.batch_execute(&insert).await.unwrap();
}

#[tokio::test]
async fn a_newer_schema_is_refused_only_if_it_is_too_much() {
    for oldest_compatible in [newest(), newest() + 1] {
        let database = Database::new().await;
        let mut client = database.connect().await;
        migrate_postgres(&mut client, &schema()).await.unwrap();
        given_a_newer_migration(&client, oldest_compatible).await;
        for mode in [Migrate::Auto, Migrate::Check, Migrate::Off] {
            let prepared = prepare_postgres(&mut client, &schema(), mode).await;
            if oldest_compatible > newest() && mode != Migrate::Off {
                let error = prepared.unwrap_err().to_string();
                assert!(error.contains("too much for it: to_come; upgrade Enginehouse"), "{error}");
            } else {
                prepared.unwrap();
            }
        }
        let back = revert_postgres(&mut client, &schema(), 0, true).await.unwrap_err();
        assert!(matches!(back, MigrateError::Refused { refusal: SchemaRefusal::UnknownWayBack { .. }, .. }), "{back}");
    }
}

#[tokio::test]
async fn check_refuses_what_auto_brings_up_to_date() {
    let database = Database::new().await;
    let mut client = database.connect().await;
    let error = prepare_postgres(&mut client, &schema(), Migrate::Check).await.unwrap_err();
    let behind = MigrateError::Refused {
        schema: "enginehouse".to_owned(),
        refusal: SchemaRefusal::Behind { version: 0, needed: newest() },
    };
    assert_eq!(error.to_string(), behind.to_string());
    prepare_postgres(&mut client, &schema(), Migrate::Off).await.unwrap();
    assert_eq!(things(&client, &schema()).await, 0, "neither has changed anything");
    prepare_postgres(&mut client, &schema(), Migrate::Auto).await.unwrap();
    prepare_postgres(&mut client, &schema(), Migrate::Check).await.unwrap();
}

#[tokio::test]
async fn up_and_down_leave_nothing_whatever_the_schema_is_called() {
    for name in ["enginehouse", "my Queue", "user", "it's \"1\"; drop table x; --", "Ünïcode.schéma"] {
        let database = Database::new().await;
        let mut client = database.connect().await;
        let schema: SchemaName = name.parse().unwrap();
        migrate_postgres(&mut client, &schema).await.unwrap();
        let made = catalog(&client, &schema).await;
        // Step by step, there and back, each migration leaves what it found.
        for version in (0..newest()).rev() {
            assert_eq!(versions(&revert_postgres(&mut client, &schema, version, false).await.unwrap()), [version + 1]);
            assert_eq!(postgres_status(&client, &schema).await.unwrap().version(), version);
            let before = catalog(&client, &schema).await;
            migrate_postgres_to(&mut client, &schema, version + 1).await.unwrap();
            revert_postgres(&mut client, &schema, version, false).await.unwrap();
            assert_eq!(catalog(&client, &schema).await, before, "{name}: {version}");
        }
        assert_eq!(things(&client, &schema).await, 0, "{name}");
        migrate_postgres(&mut client, &schema).await.unwrap();
        assert_eq!(catalog(&client, &schema).await, made, "{name}");
    }
}

#[tokio::test]
async fn events_are_lost_only_if_that_was_said() {
    let database = Database::new().await;
    let mut client = database.connect().await;
    migrate_postgres(&mut client, &schema()).await.unwrap();
    let insert = "insert into enginehouse.events (event_id, lane_id, enqueued_at, available_at) \
                  values (gen_random_uuid(), 1, now(), now())";
    client.batch_execute(insert).await.unwrap();
    let error = revert_postgres(&mut client, &schema(), 0, false).await.unwrap_err();
    assert!(matches!(error, MigrateError::Refused { refusal: SchemaRefusal::HoldsEvents, .. }), "{error}");
    assert_eq!(postgres_status(&client, &schema()).await.unwrap().version(), newest(), "nothing was taken back");
    revert_postgres(&mut client, &schema(), 0, true).await.unwrap();
    assert_eq!(things(&client, &schema()).await, 0);
}

/// Not even on the way down: what others have put there is theirs.
#[tokio::test]
async fn a_schema_of_somebody_else_is_left_alone() {
    for (made, what) in [
        ("create schema enginehouse; create table enginehouse.notes (text text)", "it holds \"notes\""),
        ("create schema enginehouse; create view enginehouse.v as select 1", "it holds \"v\""),
        (
            "create schema enginehouse; create table enginehouse.schema_version (id integer)",
            "its schema_version is another one",
        ),
        (
            "create schema enginehouse; create table enginehouse.schema_version (version integer, name text, oldest_compatible integer, \
             applied_at timestamptz); create table enginehouse.meta (key text)",
            "it holds \"meta\", but no migration was completed",
        ),
    ] {
        let database = Database::new().await;
        let mut client = database.connect().await;
        client.batch_execute(made).await.unwrap();
        let before = things(&client, &schema()).await;
        let up = migrate_postgres(&mut client, &schema()).await.unwrap_err().to_string();
        let down = revert_postgres(&mut client, &schema(), 0, true).await.unwrap_err().to_string();
        assert!(up.contains(what) && down.contains(what), "{up}\n{down}");
        assert_eq!(things(&client, &schema()).await, before);
    }
    let database = Database::new().await;
    let mut client = database.connect().await;
    migrate_postgres(&mut client, &schema()).await.unwrap();
    client.batch_execute("create table enginehouse.notes (text text)").await.unwrap();
    let error = revert_postgres(&mut client, &schema(), 0, true).await.unwrap_err();
    assert!(error.to_string().contains("cannot drop schema enginehouse"), "{error}");
    assert_eq!(postgres_status(&client, &schema()).await.unwrap().version(), 1);
}

#[tokio::test]
async fn a_role_that_may_not_change_the_schema_is_told_who_may() {
    let database = Database::new().await;
    let mut owner = database.connect().await;
    let role = format!("enginehouse_guest_{}", std::process::id());
    owner.batch_execute(&format!("drop role if exists {role}; create role {role} login")).await.unwrap();
    let mut guest = database.connect_as(&role).await;
    let error = migrate_postgres(&mut guest, &schema()).await.unwrap_err();
    assert!(matches!(error, MigrateError::NotAllowed { .. }), "{error}");
    assert!(error.to_string().contains("let its owner run `enginehouse schema up`"), "{error}");
    migrate_postgres(&mut owner, &schema()).await.unwrap();
    let error = prepare_postgres(&mut guest, &schema(), Migrate::Check).await.unwrap_err();
    assert!(matches!(error, MigrateError::NotAllowed { .. }), "it may not read either: {error}");
    let grants = format!(
        "grant usage on schema enginehouse to {role}; \
         grant select, insert, update, delete on all tables in schema enginehouse to {role}"
    );
    owner.batch_execute(&grants).await.unwrap();
    for mode in [Migrate::Auto, Migrate::Check] {
        prepare_postgres(&mut guest, &schema(), mode).await.unwrap();
    }
    let error = revert_postgres(&mut guest, &schema(), 0, true).await.unwrap_err();
    assert!(matches!(error, MigrateError::NotAllowed { .. }), "{error}");
    drop(guest);
    owner.batch_execute(&format!("drop owned by {role}; drop role {role}")).await.unwrap();
}
