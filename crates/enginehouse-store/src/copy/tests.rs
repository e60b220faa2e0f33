//! A store that holds a bit of everything, there and back.

mod refusals;
mod schemas;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use enginehouse_cluster::{psql, shared};
use enginehouse_core::audit::chain::ChainVerifier;
use enginehouse_core::audit::{AuditEntry, AuditOutcome};
use enginehouse_core::durations::DurationKind;
use enginehouse_core::event::{AttemptError, EventStatus};
use enginehouse_core::json::RawJson;
use enginehouse_core::minutes::{MinuteTally, minute_of};
use enginehouse_core::operation::OperationMember;
use enginehouse_core::pause::Pause;
use enginehouse_core::policy::{Overrides, Settings};
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition::EventCommand;
use rusqlite::types::Value as SqliteValue;
use tempfile::TempDir;

use super::*;
use crate::clock::SystemClock;
use crate::conformance::given::{
    HOUR, LOST, MINUTE, after, apply, begin, change, claim, complete, duration_row, fail, given_events, id, lane_key,
    minute_row, new_event, now, of_run, registered, release, write_engines, write_in,
};
use crate::conformance::operations::operation;
use crate::postgres::{PostgresOptions, PostgresStore};
use crate::rows::{EventRow, NewDeadLetter, NewEventRow, RegistryChange, SettingsRow};
use crate::sqlite::{SqliteOptions, SqliteStore};
use crate::{Durability, Queries, Store, StoreAdmin};

/// Events beside the few that each mean something, with payloads that do not fit into one batch.
const MANY: u32 = 600;

const ODD_JSON: [&str; 6] = [
    "{\"a\":1, \"a\" : 2}",
    " [1.0, 1e400, -0, 123456789012345678901234567890] ",
    "\"\\u0000 \\ud800 \\/ \u{2028}\"",
    "{\"ключ\": \"значение \u{1f600}\"}",
    "\"\"",
    "null",
];

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(SqliteOptions::new(path, Arc::new(SystemClock::new()))).unwrap()
}

/// The databases of tests are not durable.
fn options(url: &str) -> PostgresOptions {
    PostgresOptions { durability: Durability::Relaxed, ..PostgresOptions::new(url) }
}

async fn open_database(url: &str) -> PostgresStore {
    PostgresStore::open(options(url)).await.unwrap()
}

/// Fills a file with every status, and every kind of row.
async fn given_everything(path: &Path) {
    let store = open(path);
    let store: &dyn Store = &store;
    let lane_id = given_events(store, "render", 1..=9).await;
    claim(store, 2, "sim-1").await;
    claim(store, 3, "sim-1").await;
    apply(store, 3, complete).await;
    claim(store, 4, "sim-2").await;
    let failed = apply(store, 4, |state| fail(state, false, true, "broke: \u{1f4a5}\nline two")).await;
    apply(store, 5, |_| EventCommand::Cancel).await;
    claim(store, 6, "sim-2").await;
    apply(store, 6, |_| LOST).await;
    claim(store, 6, "sim-1").await;
    apply(store, 6, |state| fail(state, true, false, "again")).await;
    claim(store, 7, "sim-1").await;
    apply(store, 7, |_| EventCommand::Cancel).await;
    claim(store, 8, "sim-2").await;
    apply(store, 8, release).await;

    let since = now(store).await - HOUR;
    let mut events: Vec<NewEventRow> = (100..100 + MANY)
        .map(|number| {
            let mut event = new_event(number, lane_id, since);
            let odd = ODD_JSON[number as usize % ODD_JSON.len()];
            event.payload = RawJson::trusted(format!("[{odd}, \"{}\"]", "x".repeat(20_000)));
            event
        })
        .collect();
    events[0] = of_run(events[0].clone(), "run-1");
    events[1] = of_run(events[1].clone(), "run-1");
    events[2].event.idempotency_key = Some("key \"ü\"".into());
    events[2].fingerprint = Some([7; 16]);
    events[3].event.overrides =
        Overrides { max_processing: Some(MINUTE), progress_timeout: Some(MINUTE), ..events[3].event.overrides.clone() };
    let mut tx = begin(store).await;
    tx.insert_events(&events).await.unwrap();
    let other = lane_key("gone");
    let gone = tx.intern_lanes(std::slice::from_ref(&other)).await.unwrap();
    tx.insert_dead_letters(&[NewDeadLetter {
        event_id: id(4),
        event_type: "render".parse().unwrap(),
        queue: "default".parse().unwrap(),
        reason: failed.dead_letter.unwrap(),
        dead_lettered_at: since,
        error: failed.last_error,
    }])
    .await
    .unwrap();
    let settings = serde_json::from_str(r#"{"retry_policy": {"max_retries": 7}, "visibility_timeout_seconds": 9}"#);
    tx.write_event_type(&"render".parse().unwrap(), Some(&SettingsRow { settings: settings.unwrap(), pause: None }))
        .await
        .unwrap();
    let pause = Pause { since: Timestamp::from_millis(7), reason: Some("disk full".to_owned()) };
    let paused = Settings { paused: true, ..Settings::default() };
    tx.write_queue(&"default".parse().unwrap(), Some(&SettingsRow { settings: paused, pause: Some(pause) }))
        .await
        .unwrap();
    tx.raise_registry_version(RegistryChange::Settings).await.unwrap();
    let entries: Vec<_> = (0..3)
        .map(|number| AuditEntry {
            at: since + MINUTE * number,
            request_id: (number > 0).then(|| "r-1".to_owned()),
            principal: "anyone".to_owned(),
            address: None,
            action: "event.cancel".to_owned(),
            target: id(5).to_string(),
            outcome: AuditOutcome::Done,
            detail: RawJson::trusted("{\"reason\":  \"ä\"}"),
        })
        .collect();
    tx.insert_audit(&entries).await.unwrap();
    let seen = |version, millis: &[u64]| duration_row("render", version, since, DurationKind::Waiting, millis);
    tx.add_durations(&[seen(None, &[5]), seen(Some("1.2 \u{e9}"), &[90, 90])]).await.unwrap();
    tx.add_durations(&[seen(None, &[5, 7_000])]).await.unwrap();
    let minute = minute_of(since);
    let tally = MinuteTally { enqueued: 7, waiting: seen(None, &[5, 7_000]).histogram, ..MinuteTally::default() };
    let minutes = [None, Some(("gpu", "render"))].map(|pair| minute_row(minute, pair, tally.clone()));
    tx.add_minutes(&minutes).await.unwrap();
    let operation = operation(7, since);
    tx.write_operation(&operation).await.unwrap();
    let members = [1, 2].map(|place| OperationMember { place, target: format!("sim-{place} \u{e9}") });
    tx.insert_operation_members(operation.operation_id, &members).await.unwrap();
    tx.commit().await.unwrap();
    // Numbers that were given once are never given again.
    let mut tx = begin(store).await;
    assert_eq!(tx.delete_empty_lanes(10).await.unwrap(), [gone[0].lane_id]);
    tx.delete_audit(since + MINUTE * 3, 3).await.unwrap();
    tx.insert_audit(&entries[..1]).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = begin(store).await;
    tx.delete_audit(since + MINUTE, 1).await.unwrap();
    tx.insert_audit(&entries[1..2]).await.unwrap();
    tx.commit().await.unwrap();
    write_engines(store, &[registered("sim-1", since), registered("sim-2", since)]).await;
    assert_eq!(store.check_integrity().await.unwrap(), [""; 0]);
}

/// Every row of every table, with the numbers that are given next. Counts of nothing are left out.
fn dump(path: &Path) -> BTreeMap<String, Vec<Vec<SqliteValue>>> {
    let connection = rusqlite::Connection::open(path).unwrap();
    let tables: Vec<String> = connection
        .prepare("select name from sqlite_schema where type = 'table' and name <> 'schema_version'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let rows = |table: &str| {
        let more = match table {
            "lane_counts" => "where events > 0",
            // A database's clock goes on, a copy is a generation of its own, elsewhere, and who opens it reads all that it
            // keeps copies of.
            "meta" => "where key in ('registry_version', 'pruning_held_until')",
            _ => "",
        };
        let mut statement = connection.prepare(&format!("select * from {table} {more} order by 1, 2")).unwrap();
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| (0..columns).map(|place| row.get(place)).collect()).unwrap();
        rows.map(Result::unwrap).collect::<Vec<Vec<SqliteValue>>>()
    };
    tables.iter().map(|table| (table.clone(), rows(table))).collect()
}

fn file(path: &Path) -> CopySide {
    CopySide { url: StoreUrl::Sqlite(path.to_owned()), schema: SchemaName::default() }
}

fn database(url: &str) -> CopySide {
    CopySide { url: StoreUrl::Postgres(url.to_owned()), schema: SchemaName::default() }
}

async fn copied(from: &CopySide, to: &CopySide) -> Copied {
    copy(from, to, |_| ControlFlow::Continue(())).await.unwrap()
}

fn same(one: &Path, two: &Path) {
    let (one, two) = (dump(one), dump(two));
    assert_eq!(one.keys().collect::<Vec<_>>(), two.keys().collect::<Vec<_>>());
    for (table, rows) in &one {
        assert_eq!(rows, &two[table], "{table}");
    }
}

/// The URL of an empty database, which goes with this.
struct FreshDatabase(String);

impl FreshDatabase {
    fn new() -> Self {
        Self(shared().fresh_database())
    }
}

impl std::ops::Deref for FreshDatabase {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Drop for FreshDatabase {
    fn drop(&mut self) {
        shared().drop_database(&self.0);
    }
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }
}

#[tokio::test]
async fn everything_is_the_same_there_and_back() {
    let folder = Folder::new();
    let (first, second, third) = (folder.path("first.db"), folder.path("second.db"), folder.path("third.db"));
    given_everything(&first).await;
    let url = FreshDatabase::new();
    let there = copied(&file(&first), &database(&url)).await;
    assert!(!there.resumed);
    let rows: BTreeMap<_, _> = there.tables.iter().map(|table| (table.name, table.rows)).collect();
    assert_eq!((rows["events"], rows["event_payloads"], rows["attempts"]), (609, 609, 3));
    assert_eq!((rows["engines"], rows["dead_letters"], rows["audit_log"], rows["lane_counts"]), (2, 1, 1, 1));
    assert_eq!((rows["duration_histograms"], rows["event_minutes"], rows["audit_chain"]), (2, 2, 2));
    assert_eq!((rows["operations"], rows["operation_members"]), (1, 2));
    let back = copied(&database(&url), &file(&second)).await;
    assert_eq!(back.tables, there.tables, "the hashes too");
    assert_eq!((there.unreadable, back.unreadable), (Vec::new(), Vec::new()));
    same(&first, &second);
    assert_eq!(open(&second).check_integrity().await.unwrap(), [""; 0]);

    // Between two of one kind.
    copied(&file(&second), &file(&third)).await;
    same(&first, &third);
    let other = FreshDatabase::new();
    let across = copied(&database(&url), &CopySide::new(&other, Some("else where".parse().unwrap())).unwrap()).await;
    assert_eq!(across.tables, there.tables);
    assert_eq!(psql(&other, "select count(*) from \"else where\".events where lock_given_by is not null"), "2");

    // What comes next has a number of its own.
    let store = open_database(&url).await;
    let mut tx = begin(&store).await;
    let lanes = tx.intern_lanes(&[lane_key("new")]).await.unwrap();
    assert_eq!(lanes[0].lane_id.0, 3);
    tx.insert_audit(&[]).await.unwrap();
    tx.commit().await.unwrap();
    // The chain came along.
    let chain = store.audit_chain(0, 9).await.unwrap();
    let mut verifier = ChainVerifier::new(chain.ends.deleted);
    verifier.read(&chain.records[0]).unwrap();
    verifier.finish(chain.ends.head).unwrap();
    assert_eq!(verifier.last().position, 5);
    let numbers = "select last_value from enginehouse.audit_log_audit_id_seq";
    assert_eq!(psql(&url, numbers), "5");
}

/// Reads by a transaction, which both stores have.
async fn read(store: &dyn Store, number: u32) -> EventRow {
    begin(store).await.events_by_id(&[id(number)]).await.unwrap().remove(0)
}

/// It is not made whole by a move: the target knows it as well as the source does.
#[tokio::test]
async fn a_damaged_payload_is_named_and_stays_damaged() {
    let folder = Folder::new();
    let (first, second) = (folder.path("first.db"), folder.path("second.db"));
    given_everything(&first).await;
    let flip = "update event_payloads set payload = '[3]' where event_id = (select max(event_id) from event_payloads)";
    assert_eq!(rusqlite::Connection::open(&first).unwrap().execute(flip, []).unwrap(), 1);
    let url = FreshDatabase::new();
    let there = copied(&file(&first), &database(&url)).await;
    let back = copied(&database(&url), &file(&second)).await;
    let why = "unexpected value in column payload: it does not match its checksum";
    let named = format!("row {} of table event_payloads cannot be read: {why}", id(99 + MANY));
    assert_eq!((&there.unreadable[..], &back.unreadable[..]), (&[named.clone()][..], &[named.clone()][..]));
    assert_eq!(open_database(&url).await.check_integrity().await.unwrap(), [&*named]);
    assert_eq!(open(&second).check_integrity().await.unwrap(), [&*named]);
}

#[tokio::test]
async fn a_lock_outlives_the_move() {
    let folder = Folder::new();
    let (path, later) = (folder.path("one.db"), folder.path("two.db"));
    given_everything(&path).await;
    let url = FreshDatabase::new();
    copied(&file(&path), &database(&url)).await;
    let before = {
        let store = open(&path);
        [read(&store, 2).await, read(&store, 7).await]
    };

    // One event is completed in the database, with the token that its engine has got from the file.
    let store = open_database(&url).await;
    let moved = read(&store, 2).await;
    assert_eq!(moved, before[0]);
    let engine = "sim-1".parse().unwrap();
    let locks = begin(&store).await.held_events(&[engine]).await.unwrap();
    assert_eq!(locks.len(), 2);
    let (state, _) = after(&moved.state, &complete(&before[0].state), now(&store).await);
    let mut tx = begin(&store).await;
    write_in(&mut *tx, &[change(&moved, state)]).await.unwrap();
    tx.commit().await.unwrap();
    let counts = begin(&store).await.status_counts().await.unwrap();
    assert_eq!((counts.processing, counts.completed), (1, 2));
    drop(store);

    // The other one in a file again, where the changes of counts were folded.
    copied(&database(&url), &file(&later)).await;
    let store = open(&later);
    assert_eq!(store.check_integrity().await.unwrap(), [""; 0]);
    assert_eq!(read(&store, 7).await, before[1]);
    let done = apply(&store, 7, |_| complete(&before[1].state)).await;
    assert_eq!(done.status, EventStatus::Completed);
}

#[tokio::test]
async fn a_copy_goes_on_wherever_it_was_cut_off() {
    let folder = Folder::new();
    let (first, second) = (folder.path("first.db"), folder.path("second.db"));
    given_everything(&first).await;
    let url = FreshDatabase::new();
    for (from, to) in [(file(&first), database(&url)), (database(&url), file(&second))] {
        // A run may write one page more than the one before; and one run is stopped while it compares.
        let (mut steps, mut most, mut compared) = (0, 0, false);
        let done = loop {
            let mut left = steps;
            let run = copy(&from, &to, |progress| {
                assert!(progress.done <= progress.total, "{progress:?}");
                if progress.phase == Phase::Copying {
                    assert!(progress.done >= most / 4, "{progress:?}");
                    most = most.max(progress.done);
                }
                let stops = match progress.phase {
                    Phase::Copying => {
                        left -= 1;
                        left < 0
                    }
                    Phase::Comparing => !std::mem::replace(&mut compared, true),
                };
                if stops { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            match run.await {
                Ok(done) => break done,
                Err(CopyError::Stopped) => {}
                Err(error) => panic!("{error}"),
            }
            // What is half there is served by nobody.
            match &to.url {
                StoreUrl::Postgres(url) => {
                    let refused = PostgresStore::open(options(url)).await.err().unwrap();
                    assert!(refused.to_string().contains("is unfinished: go on with the same"), "{refused}");
                }
                StoreUrl::Sqlite(path) => {
                    let options = SqliteOptions::new(path, Arc::new(SystemClock::new()));
                    let refused = SqliteStore::open(options).err().unwrap();
                    assert!(refused.to_string().contains("is unfinished: go on with the same"), "{refused}");
                }
            }
            steps += 1;
        };
        assert!(done.resumed && compared && steps > 3, "{steps}");
    }
    same(&first, &second);
}

/// No column of PostgreSQL has room for it.
#[tokio::test]
async fn the_character_nul_is_shown_in_postgresql() {
    let folder = Folder::new();
    let path = folder.path("one.db");
    {
        let store = open(&path);
        given_events(&store, "render", [1]).await;
        claim(&store, 1, "sim-1").await;
        apply(&store, 1, |state| match fail(state, true, false, "") {
            EventCommand::Fail { token, failure, error } => {
                let error = AttemptError { message: "a\0b".to_owned(), ..error };
                EventCommand::Fail { token, failure, error }
            }
            other => other,
        })
        .await;
    }
    let url = FreshDatabase::new();
    copied(&file(&path), &database(&url)).await;
    assert_eq!(psql(&url, "select last_error_message from enginehouse.events"), "a\u{2400}b");
}
