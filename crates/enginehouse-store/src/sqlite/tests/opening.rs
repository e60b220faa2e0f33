//! One server per file, and only on files of ours.

use std::fs;
use std::num::NonZero;
use std::sync::Arc;

use rusqlite::config::DbConfig;

use super::{TestFolder, connect};
use crate::conformance::given::{given_events, status};
use crate::migrations::{Dialect, Migrate, SchemaRefusal};
use crate::sqlite::{SqliteOpenError, SqliteOptions, SqliteStore, inspect, revert_sqlite};
use crate::store::Durability;
use crate::{Queries, StoreAdmin};

/// A store cannot be shown, so `unwrap_err` does not do.
fn refusal(opened: Result<SqliteStore, SqliteOpenError>) -> SqliteOpenError {
    match opened {
        Ok(_) => panic!("it was opened"),
        Err(error) => error,
    }
}

#[test]
fn a_second_server_is_refused_and_told_who_holds_the_file() {
    let folder = TestFolder::new();
    let store = folder.open();
    let error = refusal(SqliteStore::open(folder.options()));
    let me = format!("process {}", std::process::id());
    assert!(matches!(&error, SqliteOpenError::InUse { holder, .. } if *holder == me), "{error}");
    assert!(error.to_string().contains("stop that one, or use another data file"), "{error}");
    drop(store);
    folder.open();
}

#[tokio::test]
async fn what_was_written_is_there_after_a_restart() {
    let folder = TestFolder::new();
    let store = folder.open();
    given_events(&store, "render", 1..=3).await;
    drop(store);
    assert_eq!(folder.names(), ["enginehouse.db"], "a closed store is one file");
    let store = folder.open();
    status(&store, 3).await;
    assert_eq!(store.check_integrity().await.unwrap(), [""; 0]);
}

/// Neither the file nor its folder is touched.
#[test]
fn a_file_of_another_program_is_left_untouched() {
    let other_database = {
        let folder = TestFolder::new();
        connect(&folder.path()).execute_batch("create table notes (text); insert into notes values ('mine')").unwrap();
        fs::read(folder.path()).unwrap()
    };
    let mut other_id = other_database.clone();
    other_id[68..72].copy_from_slice(&7_i32.to_be_bytes());
    for content in [b"Dear diary".to_vec(), vec![0; 4096], other_database[..60].to_vec(), other_database, other_id] {
        let folder = TestFolder::new();
        fs::write(folder.path(), &content).unwrap();
        let error = refusal(SqliteStore::open(folder.options()));
        assert!(matches!(error, SqliteOpenError::NotOurs { .. }), "{error}");
        assert!(fs::read(folder.path()).unwrap() == content);
        assert_eq!(folder.names(), ["enginehouse.db"]);
    }
}

#[test]
fn a_file_that_a_newer_version_has_changed_too_much_is_left_untouched() {
    let folder = TestFolder::new();
    drop(folder.open());
    let newer = Dialect::Sqlite.newest() + 1;
    connect(&folder.path()).pragma_update(None, "user_version", newer).unwrap();
    let content = fs::read(folder.path()).unwrap();
    let error = refusal(SqliteStore::open(folder.options()));
    let SqliteOpenError::Schema { refusal: SchemaRefusal::Newer { version, known, .. }, .. } = error else {
        panic!("{error}")
    };
    assert_eq!((version, known), (newer, newer - 1));
    assert!(fs::read(folder.path()).unwrap() == content);
    assert_eq!(folder.names(), ["enginehouse.db"], "nothing was left beside it");
}

/// It writes what the older one does not look at.
#[tokio::test]
async fn a_file_that_a_newer_version_has_changed_a_little_is_opened() {
    let folder = TestFolder::new();
    drop(folder.open());
    let newer = Dialect::Sqlite.newest() + 1;
    let row = format!(
        "insert into schema_version (version, name, oldest_compatible, applied_at) values ({newer}, 'to_come', 1, 0)"
    );
    connect(&folder.path()).execute_batch(&format!("begin; {row}; pragma user_version = {newer}; commit")).unwrap();
    for migrate in [Migrate::Auto, Migrate::Check] {
        let store = SqliteStore::open(SqliteOptions { migrate, ..folder.options() }).unwrap();
        assert!(store.describe().contains(&format!("schema {newer}")), "{}", store.describe());
        assert_eq!(store.check_integrity().await.unwrap(), [""; 0]);
    }
}

/// SQLite would run the trigger, whoever has made it.
#[tokio::test]
async fn a_schema_that_is_not_ours_is_refused_and_named() {
    for (change, what) in [
        (
            "create trigger spy after update on events begin delete from event_payloads; end",
            "trigger spy on events is none of Enginehouse",
        ),
        (
            "create table notes (text); create trigger note after insert on notes begin select 1; end",
            "trigger note on notes is none of Enginehouse",
        ),
        ("create view mine as select 1", "view mine on mine is none of Enginehouse"),
        ("create index mine on events (status)", "index mine on events is none of Enginehouse"),
        ("alter table lanes add column note text", "table lanes was changed"),
        ("drop view event_overview", "view event_overview is gone"),
    ] {
        let folder = TestFolder::new();
        drop(folder.open());
        connect(&folder.path()).execute_batch(change).unwrap();
        let content = fs::read(folder.path()).unwrap();
        for migrate in [Migrate::Auto, Migrate::Check, Migrate::Off] {
            let error = refusal(SqliteStore::open(SqliteOptions { migrate, ..folder.options() }));
            let SqliteOpenError::ForeignSchema { differences, .. } = &error else { panic!("{error}") };
            assert_eq!(differences, &[what]);
        }
        assert!(fs::read(folder.path()).unwrap() == content);
        assert!(inspect(&folder.path()).await.unwrap().findings.contains(&what.to_owned()), "{what}");
    }
    // What SQLite makes for itself is no difference, and neither is a table of somebody else, which nothing of ours touches.
    let folder = TestFolder::new();
    drop(folder.open());
    connect(&folder.path())
        .execute_batch("analyze; vacuum; create table notes (text); create index notes_by_text on notes (text)")
        .unwrap();
    folder.open();
}

#[test]
fn check_refuses_what_auto_brings_up_to_date() {
    let folder = TestFolder::new();
    let open = |migrate| SqliteStore::open(SqliteOptions { migrate, ..folder.options() });
    for migrate in [Migrate::Check, Migrate::Off] {
        assert!(matches!(refusal(open(migrate)), SqliteOpenError::Missing { .. }));
    }
    drop(folder.open());
    revert_sqlite(&folder.path(), 1, false).unwrap();
    let before = fs::read(folder.path()).unwrap();
    let error = refusal(open(Migrate::Check));
    assert!(
        matches!(error, SqliteOpenError::Schema { refusal: SchemaRefusal::Behind { version: 1, .. }, .. }),
        "{error}"
    );
    // It takes the file as it is.
    drop(open(Migrate::Off).unwrap_or_else(|error| panic!("{error}")));
    assert!(fs::read(folder.path()).unwrap() == before);
    drop(open(Migrate::Auto).unwrap_or_else(|error| panic!("{error}")));
    drop(open(Migrate::Check).unwrap_or_else(|error| panic!("{error}")));
}

/// A newer server was killed: its version is in the log only.
#[test]
fn the_log_tells_the_version_too() {
    let folder = TestFolder::new();
    drop(folder.open());
    let before = fs::read(folder.path()).unwrap();
    let newer = connect(&folder.path());
    newer.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
    newer.pragma_update(None, "user_version", Dialect::Sqlite.newest() + 1).unwrap();
    drop(newer);
    let log = fs::read(folder.file("enginehouse.db-wal")).unwrap();
    assert!(fs::read(folder.path()).unwrap() == before, "the test is about the log");
    let error = refusal(SqliteStore::open(folder.options()));
    assert!(matches!(error, SqliteOpenError::Schema { refusal: SchemaRefusal::Newer { .. }, .. }), "{error}");
    assert!(fs::read(folder.path()).unwrap() == before);
    assert!(fs::read(folder.file("enginehouse.db-wal")).unwrap() == log);
}

#[test]
fn an_empty_file_becomes_ours() {
    let folder = TestFolder::new();
    fs::write(folder.path(), "").unwrap();
    drop(folder.open());
    assert_eq!(&fs::read(folder.path()).unwrap()[68..72], b"EHSE");
}

#[test]
fn what_cannot_be_a_data_file_is_refused_by_what_it_is() {
    let folder = TestFolder::new();
    let open = |name: &str| refusal(SqliteStore::open(SqliteOptions { path: folder.file(name), ..folder.options() }));
    fs::create_dir(folder.file("folder")).unwrap();
    assert!(matches!(open("folder"), SqliteOpenError::NotAFile { .. }));
    assert!(matches!(open("nowhere/a.db"), SqliteOpenError::NoFolder { .. }));
    assert!(matches!(open(".."), SqliteOpenError::NotAFile { .. }));
    assert_eq!(folder.names(), ["folder"]);
}

#[test]
fn a_commit_waits_for_the_disk_unless_the_operator_says_otherwise() {
    for (durability, synchronous) in [(Durability::Full, 2), (Durability::Relaxed, 1)] {
        let folder = TestFolder::new();
        let store = SqliteStore::open(SqliteOptions { durability, ..folder.options() }).unwrap();
        let writer = store.writer.try_lock().unwrap();
        let writer = writer.as_ref().unwrap();
        let pragma = |name: &str| -> rusqlite::types::Value {
            writer.connection.pragma_query_value(None, name, |row| row.get(0)).unwrap()
        };
        assert_eq!(pragma("synchronous"), i64::from(synchronous).into());
        assert_eq!(pragma("journal_mode"), "wal".to_owned().into());
        for (name, value) in
            [("foreign_keys", 1), ("mmap_size", 0), ("trusted_schema", 0), ("wal_autocheckpoint", 1000)]
        {
            assert_eq!(pragma(name), i64::from(value).into(), "{name}");
        }
    }
}

#[tokio::test]
async fn a_reader_cannot_write() {
    let folder = TestFolder::new();
    let store = folder.open();
    let tried = store.readers.read(|reader| Ok(reader.execute("delete from lanes", [])?)).await;
    assert!(tried.is_err());
    assert!(
        store
            .readers
            .read(|reader| Ok(reader.execute_batch("pragma query_only = off; delete from lanes")?))
            .await
            .is_err()
    );
}

/// The one whose caller has gone away comes back, too.
#[tokio::test]
async fn readers_come_back_whatever_becomes_of_their_callers() {
    let folder = TestFolder::new();
    let store = SqliteStore::open(SqliteOptions { readers: NonZero::new(1).unwrap(), ..folder.options() }).unwrap();
    for _ in 0..3 {
        let read = store.readers.read(|_| Ok(()));
        let mut read = Box::pin(read);
        // Polled once, so that it is under way, and dropped.
        let waker = std::task::Waker::noop();
        let _ = read.as_mut().poll(&mut std::task::Context::from_waker(waker));
    }
    store.readers.read(|reader| Ok(reader.query_row("select 1 / 0 is null", [], |_| Ok(()))?)).await.unwrap();
    let failed = store.readers.read(|reader| Ok(reader.execute_batch("select nothing")?)).await;
    assert!(failed.is_err());
    assert_eq!(store.engine_counts(&enginehouse_core::access::selector::Selectors::default()).await.unwrap(), []);
}

/// An answer is put together from several statements, while the writer goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_read_is_of_one_moment() {
    let folder = TestFolder::new();
    let store = Arc::new(folder.open());
    given_events(&*store, "render", [1]).await;
    let (runtime, writing) = (tokio::runtime::Handle::current(), Arc::clone(&store));
    let count = |reader: &rusqlite::Connection| -> rusqlite::Result<i64> {
        reader.query_row("select count(*) from events", [], |row| row.get(0))
    };
    let seen = store.readers.read(move |reader| {
        let before = count(reader)?;
        runtime.block_on(given_events(&*writing, "render", [2]));
        Ok((before, count(reader)?))
    });
    assert_eq!(seen.await.unwrap(), (1, 1));
    assert_eq!(store.readers.read(move |reader| Ok(count(reader)?)).await.unwrap(), 2);
}

/// Its pages and prepared statements are worth keeping.
#[tokio::test]
async fn a_reader_is_used_again() {
    let folder = TestFolder::new();
    let store = folder.open();
    store.readers.read(|reader| Ok(reader.pragma_update(None, "cache_size", 77)?)).await.unwrap();
    let size = store.readers.read(|reader| Ok(reader.query_row("pragma cache_size", [], |row| row.get::<_, i64>(0))?));
    assert_eq!(size.await.unwrap(), 77);
}
