//! The store's time, over restarts.

use std::time::Duration;

use enginehouse_core::time::Timestamp;

use super::TestFolder;
use crate::Store;
use crate::clock::Clock;

async fn commit_at(store: &dyn Store) -> Timestamp {
    let tx = store.begin().await.unwrap();
    let now = tx.now();
    tx.commit().await.unwrap();
    now
}

#[tokio::test]
async fn time_goes_on_after_a_restart_even_if_the_clock_was_set_back() {
    let folder = TestFolder::new();
    let store = folder.open();
    let first = commit_at(&store).await;
    folder.clock.advance(Duration::from_secs(100));
    let last = commit_at(&store).await;
    assert_eq!(last, first + Duration::from_secs(100));
    drop(store);
    folder.clock.set_wall(first - Duration::from_secs(3_600));
    assert!(commit_at(&folder.open()).await >= last);
}

/// Whoever has dealt with it knows that it has; a transaction that did something else has not.
#[tokio::test]
async fn a_jump_is_told_to_every_transaction_that_follows() {
    let folder = TestFolder::new();
    let store = folder.open();
    commit_at(&store).await;
    folder.clock.set_wall(Timestamp::from_millis(1_900_000_000_000));
    assert_eq!(store.begin().await.unwrap().jumps(), 1);
    let observing = store.begin().await.unwrap();
    assert_eq!(observing.jumps(), 1);
    observing.commit().await.unwrap();
    assert_eq!(store.begin().await.unwrap().jumps(), 1);
}

#[tokio::test]
async fn a_second_is_written_once_ahead_of_time() {
    let folder = TestFolder::new();
    let store = folder.open();
    let written = || async {
        let last = store.readers.read(|reader| {
            Ok(reader.query_row("select value from meta where key = 'last_time'", [], |row| row.get::<_, i64>(0))?)
        });
        last.await.unwrap()
    };
    let first = commit_at(&store).await.as_millis();
    assert_eq!(written().await, first + 1_000);
    folder.clock.advance(Duration::from_secs(1));
    commit_at(&store).await;
    assert_eq!(written().await, first + 1_000);
    folder.clock.advance(Duration::from_millis(1));
    commit_at(&store).await;
    assert_eq!(written().await, first + 2_001);
}

#[tokio::test]
async fn a_crash_in_the_middle_of_a_second_turns_no_time_back_even_if_the_clock_was_set_back() {
    let folder = TestFolder::new();
    let store = folder.open();
    commit_at(&store).await;
    folder.clock.advance(Duration::from_millis(900));
    let mut last = commit_at(&store).await;
    folder.clock.set_wall(last - Duration::from_secs(86_400));
    // What a crash leaves, several times in a row.
    let mut crashed = "enginehouse.db".to_owned();
    for round in 0..5 {
        let next = format!("crashed-{round}.db");
        for end in ["", "-wal"] {
            std::fs::copy(folder.file(&format!("{crashed}{end}")), folder.file(&format!("{next}{end}"))).unwrap();
        }
        let store = folder.open_file(&next);
        folder.clock.advance(Duration::from_millis(160));
        let now = commit_at(&store).await;
        assert!(now >= last + Duration::from_millis(150), "round {round}: it goes on: {last}, {now}");
        last = now;
        // Kept open: a close would write its time.
        std::mem::forget(store);
        crashed = next;
    }
}

/// A server that crashes as soon as it has done something, two times a second.
#[tokio::test]
async fn a_store_that_crashes_again_and_again_does_not_run_ahead_of_the_clock() {
    let folder = TestFolder::new();
    let mut crashed = "enginehouse.db".to_owned();
    std::mem::forget(folder.open());
    for round in 0..40 {
        let next = format!("crashed-{round}.db");
        for end in ["", "-wal"] {
            std::fs::copy(folder.file(&format!("{crashed}{end}")), folder.file(&format!("{next}{end}"))).unwrap();
        }
        let store = folder.open_file(&next);
        folder.clock.advance(Duration::from_millis(500));
        let now = commit_at(&store).await;
        let lead = now.since(folder.clock.wall());
        assert!(lead <= Duration::from_millis(1_100), "round {round}: it is {lead:?} ahead");
        std::mem::forget(store);
        crashed = next;
    }
}

#[tokio::test]
async fn a_store_that_was_closed_goes_on_with_the_clock() {
    let folder = TestFolder::new();
    let last = commit_at(&folder.open()).await;
    folder.clock.advance(Duration::from_millis(10));
    assert_eq!(commit_at(&folder.open()).await, last + Duration::from_millis(10));
}
