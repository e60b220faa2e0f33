//! A disk that is full, a write that was lost, a file that is damaged, a log that readers hold.

use std::fs;
use std::io::{Seek, SeekFrom, Write};

use enginehouse_core::durations::DurationKind;
use enginehouse_core::json::RawJson;
use enginehouse_core::minutes::MinuteTally;
use enginehouse_core::time::Timestamp;
use rusqlite::ffi;

use super::{TestFolder, connect};
use crate::conformance::given::{
    MINUTE, begin, claim, duration_row, given_events, id, insert, lane, minute_row, new_event, now, status,
};
use crate::rows::{MinuteFilter, NewEventRow};
use crate::sqlite::failure::SqliteError;
use crate::sqlite::{SqliteOptions, SqliteStore, file_id};
use crate::{Applied, Queries, Store, StoreAdmin, StoreError};

/// Adds events until the store refuses.
async fn fill(store: &SqliteStore) -> StoreError {
    let lane_id = lane(store, "render").await;
    let payload = RawJson::trusted(format!("\"{}\"", "x".repeat(50_000)));
    for number in 100.. {
        let mut tx = begin(store).await;
        let event = NewEventRow { payload: payload.clone(), ..new_event(number, lane_id, tx.now()) };
        if let Err(error) = tx.insert_events(&[event]).await {
            // SQLite has rolled back by itself: nothing that follows may become a transaction of its own.
            assert!(tx.insert_events(&[new_event(1_000_000, lane_id, tx.now())]).await.is_err());
            assert!(tx.commit().await.is_err());
            return error;
        }
        tx.commit().await.unwrap();
    }
    unreachable!("a store of limited size is full at some time")
}

#[tokio::test]
async fn a_full_store_refuses_writes_reads_on_and_heals() {
    let folder = TestFolder::new();
    let store = SqliteStore::open(SqliteOptions { max_size: Some(2 * 1024 * 1024), ..folder.options() }).unwrap();
    given_events(&store, "render", [1]).await;
    let error = fill(&store).await;
    let StoreError::Full(reason) = &error else { panic!("{error:?}") };
    assert!(reason.contains("free space on the disk, or raise max_store_mb if it is set"), "{reason}");
    assert_eq!(store.ended().await, None);
    status(&store, 1).await;
    assert!(store.event(id(1_000_000)).await.unwrap().is_none());
    assert_eq!(store.check_integrity().await.unwrap(), [""; 0]);

    // What is forgotten makes room.
    let mut tx = begin(&store).await;
    tx.delete_events(&[id(100), id(101)]).await.unwrap();
    tx.commit().await.unwrap();
    claim(&store, 1, "sim-1").await;
    fill(&store).await;
    drop(store);

    let store = folder.open();
    let lane_id = lane(&store, "render").await;
    let now = now(&store).await;
    insert(&store, &[new_event(2, lane_id, now)]).await;
    status(&store, 2).await;
}

/// Nobody can say what is on the disk, so nothing is built upon it.
#[tokio::test]
async fn after_a_lost_write_nothing_is_written_until_a_restart() {
    let folder = TestFolder::new();
    let store = folder.open();
    given_events(&store, "render", [1]).await;
    let not_synced = rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_IOERR_FSYNC), None);
    store.writer.lock().await.as_mut().unwrap().failed(SqliteError::from(not_synced));
    assert!(store.ended().await.is_some());
    for _ in 0..2 {
        match store.begin().await.map(drop) {
            Err(StoreError::Unavailable { applied: Applied::No, reason }) => {
                assert!(reason.contains("disk I/O error") && reason.contains("restart"), "{reason}");
            }
            other => panic!("{other:?}"),
        }
    }
    status(&store, 1).await;
    drop(store);
    claim(&folder.open(), 1, "sim-1").await;
}

/// Nothing is repaired, and nothing is deleted.
#[tokio::test]
async fn damage_is_found_and_not_backed_up() {
    let folder = TestFolder::new();
    let store = folder.open();
    given_events(&store, "render", 1..=2_000).await;
    drop(store);
    let mut file = fs::OpenOptions::new().write(true).open(folder.path()).unwrap();
    let half = file.metadata().unwrap().len() / 2 / 4096 * 4096;
    file.seek(SeekFrom::Start(half)).unwrap();
    file.write_all(&[0x55; 4096]).unwrap();
    drop(file);
    let content = fs::read(folder.path()).unwrap();

    let store = folder.open();
    assert!(!store.check_integrity().await.unwrap().is_empty());
    assert_eq!(store.damage(), None, "nothing was read of it");
    // The page may be one of a table or of its index.
    let everything = "select * from events where result like 'x'; select * from event_payloads where payload like 'x';
        select available_at from events indexed by events_ready where status = 'queued' and event_id = x'00'";
    let read = store.readers.read(|reader| Ok(reader.execute_batch(everything)?)).await;
    assert!(matches!(read, Err(StoreError::Corrupt(_))), "{read:?}");
    assert!(store.damage().unwrap().contains("malformed"), "whoever asks is told from now on");
    let error = store.backup(&folder.file("backup.db")).await.unwrap_err();
    assert!(error.to_string().contains("damaged"), "{error}");
    drop(store);
    assert!(fs::read(folder.path()).unwrap() == content);
    assert_eq!(folder.names(), ["enginehouse.db"]);
}

/// Each finding of the check, made by hand.
#[tokio::test]
async fn rows_that_disagree_are_found() {
    for (damage, finding) in [
        ("update lane_counts set events = events + 1", "lane 1 has 3 queued events, but 4 are counted"),
        ("delete from lane_counts", "lane 1 has 3 queued events, but 0 are counted"),
        ("insert into lane_counts values (1, 'failed', 2)", "lane 1 has 0 failed events, but 2 are counted"),
        (
            "insert into scenario_runs values ('run', 0, 1, 0, 0, 0, 0, 0, 0)",
            "the events of this scenario run are not as many as are counted: run",
        ),
        (
            "delete from event_payloads where hex(event_id) like '%1'",
            "the payload or the lane of this event is missing: 0193f2a0-0000-7000-8000-000000000001",
        ),
        (
            "insert into dead_letters select event_id, 'a', 'b', 'rejected', 0, null, '', '' from events limit 1",
            "this event and its dead letter disagree: 0193f2a0-0000-7000-8000-000000000001",
        ),
        (
            "pragma foreign_keys = off; delete from events where hex(event_id) like '%1'; update lane_counts set events = 2",
            "a row of event_payloads belongs to no row of events",
        ),
        (
            "pragma ignore_check_constraints = on; update events set status = 'processing' where hex(event_id) like '%1'",
            "CHECK constraint failed in events",
        ),
        (
            "pragma ignore_check_constraints = on; pragma foreign_keys = off; update events set event_id = x'00ff' \
             where hex(event_id) like '%1'",
            "row x'00ff' of table events cannot be read: unexpected value in column event_id: 2 bytes instead of the 16 of an id",
        ),
    ] {
        let folder = TestFolder::new();
        let store = folder.open();
        given_events(&store, "render", 1..=3).await;
        drop(store);
        super::connect(&folder.path()).execute_batch(damage).unwrap();
        let found = folder.open().check_integrity().await.unwrap();
        assert_eq!(found.iter().filter(|found| *found == finding).count(), 1, "{damage}: {found:?}");
    }
}

/// While a reader holds its snapshot the log can only grow; once it lets go, the log begins anew.
#[tokio::test]
async fn a_log_that_was_held_shrinks_again() {
    let folder = TestFolder::new();
    let store = folder.open();
    store.writer.lock().await.as_mut().unwrap().large_log_bytes = 8 * 1024 * 1024;
    let log = file_id::beside(&folder.path(), "-wal");
    let size = || fs::metadata(&log).unwrap().len();
    let lane_id = given_events(&store, "render", [1]).await;
    let reader = crate::sqlite::connections::open_reader(&folder.path()).unwrap();
    reader.execute_batch("begin; select count(*) from events").unwrap();
    let payload = RawJson::trusted(format!("\"{}\"", "x".repeat(200_000)));
    for number in 2..60 {
        let event = NewEventRow { payload: payload.clone(), ..new_event(number, lane_id, now(&store).await) };
        insert(&store, &[event]).await;
    }
    assert!(size() > 8 * 1024 * 1024, "{}", size());
    drop(reader);
    // It was tried while the reader held it, and is not tried again at once.
    folder.clock.advance(std::time::Duration::from_secs(11));
    claim(&store, 1, "sim-1").await;
    assert_eq!(size(), 0);
    let writer = store.writer.lock().await;
    let patience: i64 =
        writer.as_ref().unwrap().connection.query_row("pragma busy_timeout", [], |row| row.get(0)).unwrap();
    assert_eq!(patience, 5_000, "it has waited for other writers as long as ever");
    drop(writer);
    claim(&store, 2, "sim-1").await;
    assert!(size() < 100_000, "{}", size());
}

/// Statistics are added to in batches that carry out requests, too.
#[tokio::test]
async fn durations_are_added_to_a_row_that_is_damaged() {
    let folder = TestFolder::new();
    let store = folder.open();
    let day = Timestamp::from_millis(1_800_000_000_000);
    let row = |event_type: &str| duration_row(event_type, None, day, DurationKind::Waiting, &[7]);
    let add = async || {
        let mut tx = begin(&store).await;
        tx.add_durations(&[row("a"), row("b"), row("c"), row("d")]).await.unwrap();
        tx.commit().await.unwrap();
    };
    add().await;
    connect(&folder.path())
        .execute_batch(
            "pragma ignore_check_constraints = on;
            update duration_histograms set buckets = 'seven' where event_type = 'a';
            update duration_histograms set buckets = '{\"7\":\"many\"}' where event_type = 'b';
            update duration_histograms set total_ms = -7, buckets = '{\"7\":9223372036854775807}' where event_type = 'c';",
        )
        .unwrap();
    add().await;
    let kept = store.durations(None).await.unwrap();
    let counts: Vec<_> = kept.iter().map(|row| (row.event_type.as_str(), row.histogram.count())).collect();
    assert_eq!(counts, [("a", 1), ("b", 1_000_000_000_000_001), ("c", 1_000_000_000_000_001), ("d", 2)]);
}

#[tokio::test]
async fn minutes_are_added_to_a_row_that_is_damaged() {
    let folder = TestFolder::new();
    let store = folder.open();
    let minute = Timestamp::from_millis(1_800_000_000_000);
    let waiting = duration_row("work", None, minute, DurationKind::Waiting, &[7]).histogram;
    let row = |queue| minute_row(minute, Some((queue, "work")), MinuteTally { waiting: waiting.clone(), ..tally(1) });
    let add = async || {
        let mut tx = begin(&store).await;
        tx.add_minutes(&[row("a"), row("b"), row("c"), row("d")]).await.unwrap();
        tx.commit().await.unwrap();
    };
    add().await;
    connect(&folder.path())
        .execute_batch(
            "pragma ignore_check_constraints = on;
            update event_minutes set waiting_buckets = 'seven' where queue = 'a';
            update event_minutes set waiting_buckets = '{\"7\":\"many\"}' where queue = 'b';
            update event_minutes set enqueued = 4000000000000000000 where queue = 'c';",
        )
        .unwrap();
    add().await;
    let filter = MinuteFilter { from: minute, to: minute + MINUTE, queue: None, event_type: None };
    let kept = store.minutes(&filter, None, 10).await.unwrap();
    let counts: Vec<_> =
        kept.iter().map(|row| (row.key.names().0, row.tally.waiting.count(), row.tally.enqueued)).collect();
    let most = 4_000_000_000_000_000_000;
    assert_eq!(counts, [("a", 1, 2), ("b", 1_000_000_000_000_001, 2), ("c", 2, most), ("d", 2, 2)]);
}

fn tally(enqueued: u64) -> MinuteTally {
    MinuteTally { enqueued, ..MinuteTally::default() }
}
