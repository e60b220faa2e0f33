use std::time::Duration;

use enginehouse_core::event::EventStatus;
use enginehouse_core::transition;
use enginehouse_server::dispatcher::config::{DispatchConfig, Retention};
use enginehouse_server::dispatcher::event_actions::EventAction;
use enginehouse_server::dispatcher::retention::AcceptClock;

use crate::harness::{Harness, START, token};

const DAY: f64 = 86_400.0;

#[tokio::test]
async fn finished_events_are_forgotten_after_their_time_and_dead_letters_are_not() {
    let harness = Harness::new();
    harness.register_with("e", "{}", 0).await;
    let enqueued = harness.enqueue_many(4).await;
    let claimed = harness.claim("e", 3).await;
    harness.complete(&claimed[0]).await.unwrap();
    harness.kill(&claimed[1]).await;
    let failure = enginehouse_core::retry::Failure { retryable: false, ..enginehouse_core::retry::Failure::PLAIN };
    harness.settle(enqueued[2], crate::harness::fail(token(&claimed[2]), failure)).await.unwrap();
    harness.act(enqueued[3], EventAction::Cancel { force: false }).await.unwrap();
    harness.pass(7.0 * DAY - 1.0).await;
    assert_eq!(harness.count().await, (4, 1));
    harness.pass(2.0).await;
    assert_eq!(harness.count().await, (3, 1), "the completed one is forgotten");
    assert!(harness.store.event(enqueued[0]).await.unwrap().is_none());
    harness.pass(23.0 * DAY).await;
    assert_eq!(harness.count().await, (1, 1), "the rejected and the cancelled ones are forgotten");
    harness.pass(365.0 * DAY).await;
    assert_eq!(harness.status(enqueued[1]).await, EventStatus::Failed, "a dead letter waits for a person");
    harness.close().await;
}

#[tokio::test]
async fn a_large_backlog_is_forgotten_in_small_batches() {
    let harness = Harness::new();
    harness.register_with("e", "{}", 0).await;
    harness.enqueue_many(250).await;
    for claimed in harness.claim("e", 250).await {
        harness.complete(&claimed).await.unwrap();
    }
    harness.clock.advance(Duration::from_secs(8 * 86_400));
    for _ in 0..4 {
        harness.dispatcher.sweep().await.unwrap();
    }
    assert_eq!(*harness.seen.forgotten.lock().unwrap(), [100, 100, 50]);
    assert_eq!(harness.count().await, (0, 0));
    harness.close().await;
}

#[tokio::test]
async fn lanes_without_events_are_forgotten_and_made_anew_when_needed() {
    let harness = Harness::new();
    harness.register_with("e", "{}", 0).await;
    harness.enqueue(r#"{"event_type":"a","required_memory_mb":1}"#).await;
    let event = harness.enqueue(r#"{"event_type":"b"}"#).await;
    harness.act(event, EventAction::Cancel { force: false }).await.unwrap();
    assert_eq!(harness.store.lane_counts().await.unwrap().len(), 2);
    harness.pass(31.0 * DAY).await;
    // On PostgreSQL a lane goes once every transaction of the cluster has ended that may know it, those of other tests too.
    let forgotten = async {
        while harness.store.lane_counts().await.unwrap().len() > 1 {
            harness.pass(2.0).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), forgotten).await.expect("the empty lane is forgotten");
    harness.enqueue(r#"{"event_type":"b"}"#).await;
    // It has not called for as long, and is forgotten, too.
    harness.register_with("e", "{}", 0).await;
    assert_eq!(harness.claim("e", 9).await.len(), 1, "the one that requires memory stays");
    harness.close().await;
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    let enqueued = harness.enqueue_many(3).await;
    let claimed = harness.claim("e", 2).await;
    harness.complete(&claimed[0]).await.unwrap();
    let harness = harness.restart();
    let statuses =
        [harness.status(enqueued[0]).await, harness.status(enqueued[1]).await, harness.status(enqueued[2]).await];
    assert_eq!(statuses, [EventStatus::Completed, EventStatus::Processing, EventStatus::Queued]);
    let extend =
        transition::EventCommand::Extend { token: token(&claimed[1]), visibility_timeout: Duration::from_secs(9) };
    assert_eq!(harness.settle(enqueued[1], extend).await, Ok(EventStatus::Processing));
    harness.close().await;
}

#[tokio::test]
async fn a_clock_that_leaps_ahead_deletes_nothing_for_a_day_also_after_a_restart() {
    let harness = Harness::new();
    harness.register_with("e", "{}", 0).await;
    harness.enqueue_many(1).await;
    let claimed = harness.claim_one("e").await;
    harness.complete(&claimed).await.unwrap();
    harness.clock.set_wall(START + Duration::from_secs(8 * 86_400));
    harness.pass(0.0).await;
    assert_eq!(harness.count().await.0, 1, "its retention has ended, if the clock is right");
    harness.pass(DAY - 600.0).await;
    let harness = harness.restart();
    harness.pass(598.0).await;
    assert_eq!(harness.count().await.0, 1);
    harness.pass(3.0).await;
    assert_eq!(harness.count().await.0, 0);
    harness.close().await;
}

#[tokio::test]
async fn a_start_after_more_than_an_hour_deletes_nothing_unless_somebody_says_that_the_clock_is_right() {
    let harness = Harness::new();
    harness.register_with("e", "{}", 0).await;
    harness.enqueue_many(1).await;
    let claimed = harness.claim_one("e").await;
    harness.complete(&claimed).await.unwrap();
    let harness = harness.restart_after(8.0 * DAY);
    harness.pass(0.0).await;
    assert_eq!(harness.count().await.0, 1);
    harness.execute(AcceptClock).await.unwrap();
    harness.pass(0.0).await;
    assert_eq!(harness.count().await.0, 0);
    harness.close().await;
}

#[tokio::test]
async fn a_retention_of_a_minute_ends_after_a_minute() {
    let minute = Duration::from_secs(60);
    let retention = Retention { completed: minute, failed: minute * 2, ..Retention::DEFAULT };
    let harness = Harness::with(DispatchConfig { retention, ..DispatchConfig::default() });
    harness.register_with("e", "{}", 0).await;
    harness.enqueue_many(2).await;
    // The look of the start was before.
    harness.pass(10.0).await;
    let claimed = harness.claim("e", 2).await;
    harness.complete(&claimed[0]).await.unwrap();
    let failure = enginehouse_core::retry::Failure { retryable: false, ..enginehouse_core::retry::Failure::PLAIN };
    harness.settle(claimed[1].event.event_id, crate::harness::fail(token(&claimed[1]), failure)).await.unwrap();
    harness.pass(59.0).await;
    assert_eq!(harness.count().await.0, 2);
    harness.pass(1.5).await;
    assert_eq!(harness.count().await.0, 1);
    harness.pass(60.0).await;
    assert_eq!(harness.count().await.0, 0);
    harness.close().await;
}
