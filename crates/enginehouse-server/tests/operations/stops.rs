//! The process is stopped and goes on: what engines sent meanwhile is heard before anything is declared due.

use std::time::Duration;

use enginehouse_core::engine::EngineStatus;
use enginehouse_core::event::EventStatus;
use enginehouse_core::ids::EngineId;
use enginehouse_core::request::Claim;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::harness::{Harness, claim, token};

async fn status(harness: &Harness, engine_id: &str) -> EngineStatus {
    let engine_id: EngineId = engine_id.parse().unwrap();
    harness.store.engine(&engine_id).await.unwrap().unwrap().0.status
}

fn short_lock() -> Claim {
    Claim { visibility_timeout: Some(Duration::from_secs(2)), ..claim(1) }
}

#[tokio::test]
async fn a_stop_at_any_instant_and_of_any_length_loses_no_engine_and_no_lock_that_is_renewed_in_time() {
    let harness = Harness::new();
    let epoch = harness.register_with("e", "{}", 1).await;
    harness.enqueue_many(1).await;
    let claimed = harness.try_claim("e", epoch, short_lock()).await.unwrap().remove(0);
    let mut chance = StdRng::seed_from_u64(9);
    for round in 0..200 {
        // A heartbeat each second. The process is stopped at some instant of one of them, and the next lies in a socket.
        let instant = chance.random_range(0.0..1.0);
        let length = if round % 2 == 0 { chance.random_range(0.5..5.0) } else { chance.random_range(0.5..60.0) };
        harness.pass(instant).await;
        harness.stop_for(length);
        // Whatever is due is looked at before the heartbeat is read.
        harness.pass(0.1).await;
        let heard = harness.heartbeat("e", &[token(&claimed)]).await;
        let state = format!("round {round}: at {instant} for {length}");
        assert_eq!((heard.status, heard.renewed.len()), (EngineStatus::Active, 1), "{state}");
    }
    harness.close().await;
}

#[tokio::test]
async fn what_arrives_after_a_stop_is_judged_by_the_time_before_it() {
    let harness = Harness::new();
    let epoch = harness.register_with("e", "{}", 1).await;
    harness.enqueue_many(2).await;
    let [one, other] = [(); 2].map(|()| harness.try_claim("e", epoch, short_lock()));
    let (one, other) = (one.await.unwrap().remove(0), other.await.unwrap().remove(0));
    harness.pass(1.0).await;
    harness.stop_for(40.0);
    // No sweep comes first: where others share the store, requests do not wait for one.
    assert_eq!(harness.heartbeat("e", &[token(&one), token(&other)]).await.renewed.len(), 2);
    harness.stop_for(40.0);
    assert_eq!(harness.complete(&one).await, Ok(EventStatus::Completed));
    harness.pass(0.1).await;
    assert_eq!(harness.complete(&other).await, Ok(EventStatus::Completed));
    harness.close().await;
}

#[tokio::test]
async fn a_stop_keeps_no_engine_that_stays_silent_for_longer_than_it_has_taken() {
    let harness = Harness::new();
    harness.register("silent", "{}").await;
    harness.register_with("other", "{}", 0).await;
    harness.enqueue_many(1).await;
    harness.claim_one("silent").await;
    harness.pass(29.9).await;
    harness.stop_for(5.0);
    harness.pass(0.0).await;
    harness.pass(4.9).await;
    assert_eq!(status(&harness, "silent").await, EngineStatus::Active);
    harness.pass(0.1).await;
    assert_eq!(status(&harness, "silent").await, EngineStatus::Lost);
    assert_eq!(harness.claim("other", 1).await.len(), 1);
    harness.close().await;
}

#[tokio::test]
async fn a_lock_that_is_given_after_the_start_lasts_no_longer_than_it_says() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    let event_id = harness.enqueue_many(1).await[0];
    let short = Claim { visibility_timeout: Some(Duration::from_secs(1)), ..claim(1) };
    assert_eq!(harness.try_claim("e", 1, short).await.unwrap().len(), 1);
    // The grace of the start may be granted again here.
    harness.pass(0.9).await;
    harness.pass(0.2).await;
    assert_eq!(harness.status(event_id).await, EventStatus::Queued);
    harness.close().await;
}

#[tokio::test]
async fn one_stop_behind_the_other_keeps_no_dead_engine_alive() {
    let harness = Harness::new();
    let epoch = harness.register_with("dead", "{}", 1).await;
    harness.enqueue_many(1).await;
    let claimed = harness.try_claim("dead", epoch, claim(1)).await.unwrap();
    assert_eq!(claimed.len(), 1);
    // A machine with too little of everything: a third of each second nothing runs.
    for _ in 0..20 {
        harness.pass(0.7).await;
        harness.stop_for(0.3);
        harness.pass(0.0).await;
    }
    assert_eq!(status(&harness, "dead").await, EngineStatus::Lost);
    harness.close().await;
}

#[tokio::test]
async fn a_hiccup_moves_no_deadline_that_is_far_away() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    let due = async || harness.store.engine(&"e".parse().unwrap()).await.unwrap().unwrap().0.lost_due_at;
    let before = due().await;
    harness.stop_for(9.0);
    harness.dispatcher.sweep().await.unwrap();
    assert_eq!(due().await, before, "it has had no reason to speak up yet");
    harness.close().await;
}
