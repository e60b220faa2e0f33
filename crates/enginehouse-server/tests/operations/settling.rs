use std::time::Duration;

use enginehouse_core::event::{DeadLetterReason, EventStatus};
use enginehouse_core::lock::LockToken;
use enginehouse_core::request::{Exchange, SettleCommand};
use enginehouse_core::retry::Failure;
use enginehouse_core::transition;
use enginehouse_server::dispatcher::event_actions::EventAction;

use crate::harness::{Harness, claim, complete, fail, ids, token};

#[tokio::test]
async fn a_completion_is_answered_the_same_again_and_no_other_is_accepted() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    harness.enqueue_many(1).await;
    let claimed = harness.claim_one("e").await;
    let event = claimed.event.event_id;
    let forged = LockToken { secret: 1, ..token(&claimed) };
    assert!(harness.settle(event, complete(forged)).await.unwrap_err().contains("not current"));
    assert_eq!(harness.complete(&claimed).await, Ok(EventStatus::Completed));
    assert_eq!(harness.complete(&claimed).await, Ok(EventStatus::Completed));
    assert!(harness.settle(event, complete(forged)).await.is_err());
    assert!(harness.fail(&claimed).await.is_err());
    harness.close().await;
}

#[tokio::test]
async fn of_two_settles_of_one_event_in_one_batch_the_first_counts() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    harness.enqueue_many(1).await;
    let claimed = harness.claim_one("e").await;
    let event_id = claimed.event.event_id;
    let failure = enginehouse_core::retry::Failure::PLAIN;
    let settlements = vec![
        SettleCommand::new(event_id, complete(token(&claimed))),
        SettleCommand::new(event_id, fail(token(&claimed), failure)),
    ];
    let exchanged = harness.exchange("e", 1, Exchange { settlements, ..Exchange::default() }).await.unwrap();
    assert!(exchanged.settlements[0].is_ok() && exchanged.settlements[1].is_err());
    assert_eq!(harness.status(event_id).await, EventStatus::Completed);
    harness.close().await;
}

#[tokio::test]
async fn a_refused_settle_spares_its_neighbours() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    let enqueued = harness.enqueue_many(3).await;
    let claimed = harness.claim("e", 3).await;
    let stale = LockToken { serial: 9, secret: 9 };
    let settlements = vec![
        SettleCommand::new(enqueued[0], complete(token(&claimed[0]))),
        SettleCommand::new(enqueued[1], complete(stale)),
        SettleCommand::new(enqueued[2], complete(token(&claimed[2]))),
    ];
    let exchanged = harness.exchange("e", 1, Exchange { settlements, ..Exchange::default() }).await.unwrap();
    let outcomes: Vec<_> = exchanged.settlements.iter().map(Result::is_ok).collect();
    assert_eq!(outcomes, [true, false, true]);
    harness.close().await;
}

#[tokio::test]
async fn a_failing_event_waits_longer_each_time_and_ends_as_a_dead_letter_with_every_attempt_kept() {
    let harness = Harness::new();
    harness.register_with("e", "{}", 0).await;
    let event = harness.enqueue(r#"{"event_type":"a","retry_policy":{"retry_delay":{"jitter":0}}}"#).await;
    for wait in [30.0, 60.0, 120.0] {
        let claimed = harness.claim_one("e").await;
        assert_eq!(harness.fail(&claimed).await, Ok(EventStatus::Queued));
        harness.pass(wait - 0.001).await;
        assert!(harness.claim("e", 1).await.is_empty(), "not before {wait} s");
        harness.pass(0.001).await;
    }
    let claimed = harness.claim_one("e").await;
    assert_eq!(harness.fail(&claimed).await, Ok(EventStatus::Failed));
    let record = harness.event(event).await;
    assert_eq!(record.event.state.dead_letter, Some(DeadLetterReason::RetriesExhausted));
    let history = harness.store.history(event).await.unwrap();
    assert_eq!(history.attempts.iter().map(|attempt| attempt.attempt).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(harness.store.dead_letter(event).await.unwrap().unwrap().reason, DeadLetterReason::RetriesExhausted);
    harness.close().await;
}

#[tokio::test]
async fn an_event_without_retries_is_a_dead_letter_after_its_first_failure_and_a_rejected_one_is_not() {
    let harness = Harness::new();
    harness.register_with("e", "{}", 0).await;
    let single = r#"{"event_type":"a","retry_policy":{"max_retries":0}}"#;
    let exhausted = harness.enqueue(single).await;
    assert_eq!(harness.fail(&harness.claim_one("e").await).await, Ok(EventStatus::Failed));
    assert_eq!(harness.store.dead_letter(exhausted).await.unwrap().unwrap().reason, DeadLetterReason::RetriesExhausted);
    let timed_out =
        harness.enqueue(r#"{"event_type":"a","retry_policy":{"max_retries":0},"max_processing_seconds":1}"#).await;
    harness.claim_one("e").await;
    harness.pass(1.0).await;
    assert_eq!(harness.store.dead_letter(timed_out).await.unwrap().unwrap().reason, DeadLetterReason::RetriesExhausted);
    let rejected = harness.enqueue(single).await;
    let claimed = harness.claim_one("e").await;
    let failure = Failure { retryable: false, ..Failure::PLAIN };
    assert_eq!(harness.settle(rejected, fail(token(&claimed), failure)).await, Ok(EventStatus::Failed));
    assert_eq!(harness.store.dead_letter(rejected).await.unwrap(), None);
    assert_eq!(harness.count().await, (3, 2));
    harness.close().await;
}

#[tokio::test]
async fn a_lock_that_is_not_kept_is_lost_and_its_event_is_there_for_others_at_once() {
    let harness = Harness::new();
    harness.register_with("slow", "{}", 0).await;
    harness.register_with("quick", "{}", 0).await;
    harness.enqueue_many(1).await;
    let slow = harness.claim_one("slow").await;
    harness.pass(299.999).await;
    assert!(harness.claim("quick", 1).await.is_empty());
    harness.pass(0.001).await;
    let quick = harness.claim_one("quick").await;
    assert_eq!((quick.event.state.attempt, quick.event.state.tally.losses), (2, 1));
    assert!(harness.complete(&slow).await.is_err(), "a late engine is told that its lock is lost");
    assert_eq!(harness.complete(&quick).await, Ok(EventStatus::Completed));
    harness.close().await;
}

#[tokio::test]
async fn an_event_that_loses_every_engine_is_taken_out() {
    let harness = Harness::new();
    harness.register_with("e", "{}", 0).await;
    let event = harness.enqueue(r#"{"event_type":"a"}"#).await;
    for _ in 0..4 {
        harness.claim_one("e").await;
        harness.pass(300.0).await;
    }
    assert!(harness.claim("e", 1).await.is_empty());
    assert_eq!(harness.event(event).await.event.state.dead_letter, Some(DeadLetterReason::LostTooOften));
    harness.close().await;
}

#[tokio::test]
async fn an_attempt_that_takes_too_long_has_failed_whatever_its_engine_does() {
    let harness = Harness::new();
    harness.register_with("e", "{}", 0).await;
    let event =
        harness.enqueue(r#"{"event_type":"a","max_processing_seconds":100,"visibility_timeout_seconds":60}"#).await;
    let claimed = harness.claim_one("e").await;
    harness.pass(50.0).await;
    assert_eq!(harness.heartbeat("e", &[token(&claimed)]).await.renewed, [token(&claimed)]);
    harness.pass(50.0).await;
    let record = harness.event(event).await.event;
    assert_eq!((record.state.status, record.state.tally.failures), (EventStatus::Queued, 1));
    assert_eq!(record.state.last_error.unwrap().code.as_deref(), Some("timed_out"));
    harness.close().await;
}

#[tokio::test]
async fn a_released_event_is_back_without_having_been_attempted() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    harness.enqueue_many(1).await;
    let claimed = harness.claim_one("e").await;
    let release = transition::EventCommand::Release { token: token(&claimed), delay: Duration::ZERO };
    assert_eq!(harness.settle(claimed.event.event_id, release).await, Ok(EventStatus::Queued));
    assert_eq!(harness.claim_one("e").await.event.state.attempt, 1);
    harness.close().await;
}

#[tokio::test]
async fn an_event_is_cancelled_at_once_or_with_the_end_of_its_lock() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    let waiting = harness.enqueue(r#"{"event_type":"a","delay_seconds":9}"#).await;
    let held = harness.enqueue(r#"{"event_type":"a"}"#).await;
    let claimed = harness.claim_one("e").await;
    assert_eq!(
        harness.act(waiting, EventAction::Cancel { force: false }).await.unwrap().event.state.status,
        EventStatus::Cancelled
    );
    assert_eq!(
        harness.act(held, EventAction::Cancel { force: false }).await.unwrap().event.state.status,
        EventStatus::Processing
    );
    assert_eq!(harness.heartbeat("e", &[token(&claimed)]).await.cancel, [held]);
    assert_eq!(harness.fail(&claimed).await, Ok(EventStatus::Cancelled));
    let history = harness.store.history(held).await.unwrap();
    assert_eq!(history.actions.iter().map(|entry| entry.action.as_str()).collect::<Vec<_>>(), ["event.cancel"]);
    harness.close().await;
}

#[tokio::test]
async fn an_event_whose_engine_does_not_listen_is_cancelled_by_force() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    harness.enqueue_many(1).await;
    let claimed = harness.claim_one("e").await;
    let event_id = claimed.event.event_id;
    let cancelled = harness.act(event_id, EventAction::Cancel { force: true }).await.unwrap();
    assert_eq!(cancelled.event.state.status, EventStatus::Cancelled);
    assert!(harness.complete(&claimed).await.unwrap_err().contains("the event is cancelled"));
    let heartbeat = harness.heartbeat("e", &[token(&claimed)]).await;
    assert_eq!((heartbeat.lost, heartbeat.cancel), (vec![token(&claimed)], vec![]));
    let history = harness.store.history(event_id).await.unwrap();
    assert_eq!(history.attempts[0].error.as_ref().unwrap().code.as_deref(), Some("cancelled"));
    assert_eq!(
        (&*history.actions[0].action, history.actions[0].detail.as_str()),
        ("event.cancel", r#"{"force":true}"#)
    );
    harness.close().await;
}

#[tokio::test]
async fn a_waiting_retry_can_be_made_available_now() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    harness.enqueue_many(1).await;
    let claimed = harness.claim_one("e").await;
    harness.fail(&claimed).await.unwrap();
    assert!(harness.claim("e", 1).await.is_empty());
    harness.act(claimed.event.event_id, EventAction::Retry).await.unwrap();
    assert_eq!(ids(&harness.claim("e", 1).await), [claimed.event.event_id]);
    harness.close().await;
}

#[tokio::test]
async fn what_an_exchange_settles_makes_room_for_what_it_claims() {
    let harness = Harness::new();
    harness.register("e", r#"{"resource_limits":{"max_concurrent_events":1}}"#).await;
    let enqueued = harness.enqueue_many(2).await;
    let first = harness.claim_one("e").await;
    let settlement = SettleCommand::new(enqueued[0], complete(token(&first)));
    let exchange = Exchange { settlements: vec![settlement], claim: Some(claim(3)), ..Exchange::default() };
    let exchanged = harness.exchange("e", 1, exchange).await.unwrap();
    assert_eq!(ids(&exchanged.claimed.unwrap()), [enqueued[1]]);
    harness.close().await;
}
