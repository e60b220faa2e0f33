//! Backups, made while the store is written to.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use enginehouse_core::json::RawJson;

use super::TestFolder;
use crate::conformance::given::{begin, claim, given_events, ids, insert, lane, new_event, now, status};
use crate::rows::{NewEventRow, StatusCounts};
use crate::sqlite::{SqliteOptions, SqliteStore};
use crate::{StoreAdmin, StoreError};

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_writes_is_whole_and_of_one_moment() {
    let folder = TestFolder::new();
    let store = Arc::new(folder.open());
    given_events(&*store, "render", 1..=1_000).await;
    // Enough for many steps: a copy that began anew with every commit would never end.
    let (lane_id, at) = (lane(&*store, "large").await, now(&*store).await);
    let payload = RawJson::trusted(format!("\"{}\"", "x".repeat(250_000)));
    for number in 5_001..=5_080 {
        insert(&*store, &[NewEventRow { payload: payload.clone(), ..new_event(number, lane_id, at) }]).await;
    }
    let stop = Arc::new(AtomicBool::new(false));
    // Two events per transaction: a copy of one moment has an even number.
    let writing = tokio::spawn({
        let (store, stop) = (Arc::clone(&store), Arc::clone(&stop));
        async move {
            let lane_id = lane(&*store, "render").await;
            let mut written = 0;
            while !stop.load(Ordering::Relaxed) {
                let at = now(&*store).await;
                let number = 10_000 + 2 * written;
                insert(&*store, &[new_event(number, lane_id, at), new_event(number + 1, lane_id, at)]).await;
                written += 1;
            }
            written
        }
    });
    let mut sizes = Vec::new();
    for name in ["one.db", "two.db"] {
        sizes.push(store.backup(&folder.file(name)).await.unwrap());
    }
    stop.store(true, Ordering::Relaxed);
    let written = writing.await.unwrap();
    assert!(written > 3, "the store was written to meanwhile: {written}");

    for (name, size) in ["one.db", "two.db"].into_iter().zip(sizes) {
        assert_eq!(fs::metadata(folder.file(name)).unwrap().len(), size);
        let copy = SqliteStore::open(SqliteOptions { path: folder.file(name), ..folder.options() }).unwrap();
        assert_eq!(copy.check_integrity().await.unwrap(), [""; 0]);
        assert_eq!(begin(&copy).await.events_by_id(&ids(1..=5_080)).await.unwrap().len(), 1_080);
        let StatusCounts { queued, .. } = begin(&copy).await.status_counts().await.unwrap();
        assert_eq!(queued % 2, 0);
        // A copy is a store like any other.
        claim(&copy, 1, "sim-1").await;
    }
    assert_eq!(status(&*store, 1).await, enginehouse_core::event::EventStatus::Queued);
}

#[tokio::test]
async fn a_backup_is_one_file_and_leaves_nothing_else() {
    let folder = TestFolder::new();
    let store = folder.open();
    given_events(&store, "render", 1..=10).await;
    let folder = folder.file("backups");
    fs::create_dir(&folder).unwrap();
    store.backup(&folder.join("a.db")).await.unwrap();
    let names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["a.db"]);
    let header = fs::read(folder.join("a.db")).unwrap();
    assert_eq!(header[18..20], [1, 1], "it needs no log");
}

#[tokio::test]
async fn a_backup_overwrites_nothing() {
    let folder = TestFolder::new();
    let store = folder.open();
    fs::write(folder.file("precious"), "mine").unwrap();
    for (name, why) in [
        ("precious", "the file exists; name a new one"),
        ("enginehouse.db", "the file exists; name a new one"),
        ("nowhere/a.db", "No such file or directory"),
        ("..", "the file exists"),
    ] {
        let error = store.backup(&folder.file(name)).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }) && error.to_string().contains(why), "{error}");
    }
    assert_eq!(fs::read_to_string(folder.file("precious")).unwrap(), "mine");
    assert_eq!(folder.names(), ["enginehouse.db", "enginehouse.db-shm", "enginehouse.db-wal", "precious"]);
}
