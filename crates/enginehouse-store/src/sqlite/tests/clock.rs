//! The store's time, over restarts.

use std::time::Duration;

use enginehouse_core::time::Timestamp;

use super::House;
use crate::Store;

async fn commit_at(store: &dyn Store) -> Timestamp {
    let tx = store.begin().await.unwrap();
    let now = tx.now();
    tx.commit().await.unwrap();
    now
}

#[tokio::test]
async fn time_goes_on_after_a_restart_even_if_the_clock_was_set_back() {
    let house = House::new();
    let store = house.open();
    let first = commit_at(&store).await;
    house.clock.advance(Duration::from_secs(100));
    let last = commit_at(&store).await;
    assert_eq!(last, first + Duration::from_secs(100));
    drop(store);
    house.clock.set_wall(first - Duration::from_secs(3_600));
    assert!(commit_at(&house.open()).await >= last);
}

/// A transaction that was dropped has done nothing about the jump; the next one is told again.
#[tokio::test]
async fn a_jump_is_told_until_a_transaction_has_committed() {
    let house = House::new();
    let store = house.open();
    commit_at(&store).await;
    house.clock.set_wall(Timestamp::from_millis(1_900_000_000_000));
    assert!(store.begin().await.unwrap().jumped());
    let told = store.begin().await.unwrap();
    assert!(told.jumped());
    told.commit().await.unwrap();
    assert!(!store.begin().await.unwrap().jumped());
}

#[tokio::test]
async fn an_idle_second_is_written_once() {
    let house = House::new();
    let store = house.open();
    let written = || async {
        let last = store.readers.read(|reader| {
            Ok(reader.query_row("select value from meta where key = 'last_time'", [], |row| row.get::<_, i64>(0))?)
        });
        last.await.unwrap()
    };
    let first = commit_at(&store).await;
    assert_eq!(written().await, first.as_millis());
    house.clock.advance(Duration::from_millis(999));
    commit_at(&store).await;
    assert_eq!(written().await, first.as_millis());
    house.clock.advance(Duration::from_millis(1));
    commit_at(&store).await;
    assert_eq!(written().await, first.as_millis() + 1_000);
}
