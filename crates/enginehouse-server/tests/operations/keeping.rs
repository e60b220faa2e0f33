use std::time::Duration;

use enginehouse_core::event::EventStatus;
use enginehouse_core::transition;
use enginehouse_server::dispatcher::commands::Action;

use crate::house::{House, token};

const DAY: f64 = 86_400.0;

#[tokio::test]
async fn finished_events_are_forgotten_after_their_time_and_dead_letters_are_not() {
    let house = House::new();
    house.register_with("e", "{}", 0).await;
    let enqueued = house.enqueue_many(4).await;
    let claimed = house.claim("e", 3).await;
    house.complete(&claimed[0]).await.unwrap();
    house.kill(&claimed[1]).await;
    let failure = enginehouse_core::retry::Failure { retryable: false, ..enginehouse_core::retry::Failure::PLAIN };
    house.settle(enqueued[2], crate::house::fail(token(&claimed[2]), failure)).await.unwrap();
    house.act(enqueued[3], Action::Cancel).await.unwrap();
    house.pass(7.0 * DAY - 1.0).await;
    assert_eq!(house.count().await, (4, 1));
    house.pass(2.0).await;
    assert_eq!(house.count().await, (3, 1), "the completed one is forgotten");
    assert!(house.store.event(enqueued[0]).await.unwrap().is_none());
    house.pass(23.0 * DAY).await;
    assert_eq!(house.count().await, (1, 1), "the rejected and the cancelled ones are forgotten");
    house.pass(365.0 * DAY).await;
    assert_eq!(house.status(enqueued[1]).await, EventStatus::Failed, "a dead letter waits for a person");
    house.close().await;
}

#[tokio::test]
async fn a_large_backlog_is_forgotten_in_small_batches() {
    let house = House::new();
    house.register_with("e", "{}", 0).await;
    house.enqueue_many(1_200).await;
    for _ in 0..2 {
        for claimed in house.claim("e", 600).await {
            house.complete(&claimed).await.unwrap();
        }
    }
    house.clock.advance(Duration::from_secs(8 * 86_400));
    for _ in 0..4 {
        house.dispatcher.sweep().await.unwrap();
    }
    assert_eq!(*house.seen.forgotten.lock().unwrap(), [500, 500, 200]);
    assert_eq!(house.count().await, (0, 0));
    house.close().await;
}

#[tokio::test]
async fn lanes_without_events_are_forgotten_and_made_anew_when_needed() {
    let house = House::new();
    house.register_with("e", "{}", 0).await;
    house.enqueue(r#"{"event_type":"a","required_memory_mb":1}"#).await;
    let event = house.enqueue(r#"{"event_type":"b"}"#).await;
    house.act(event, Action::Cancel).await.unwrap();
    assert_eq!(house.store.lane_counts().await.unwrap().len(), 2);
    house.pass(31.0 * DAY).await;
    house.pass(2.0).await;
    assert_eq!(house.store.lane_counts().await.unwrap().len(), 1);
    house.enqueue(r#"{"event_type":"b"}"#).await;
    assert_eq!(house.claim("e", 9).await.len(), 1, "the one that requires memory stays");
    house.close().await;
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let house = House::new();
    house.register("e", "{}").await;
    let enqueued = house.enqueue_many(3).await;
    let claimed = house.claim("e", 2).await;
    house.complete(&claimed[0]).await.unwrap();
    let house = house.restart();
    let statuses = [house.status(enqueued[0]).await, house.status(enqueued[1]).await, house.status(enqueued[2]).await];
    assert_eq!(statuses, [EventStatus::Completed, EventStatus::Processing, EventStatus::Queued]);
    let extend = transition::Command::Extend { token: token(&claimed[1]), visibility_timeout: Duration::from_secs(9) };
    assert_eq!(house.settle(enqueued[1], extend).await, Ok(EventStatus::Processing));
    house.close().await;
}
