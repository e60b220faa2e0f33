use std::time::Duration;

use enginehouse_core::access::session::SessionProof;
use enginehouse_core::engine::EngineStatus;
use enginehouse_core::event::EventStatus;
use enginehouse_core::ids::EngineId;
use enginehouse_core::request::{Exchange, SettleCommand};
use enginehouse_core::transition::EventCommand;
use enginehouse_server::dispatcher::engines::{Deregister, Drain, Resume};
use enginehouse_server::dispatcher::reply::{DispatchError, Refusal};

use crate::harness::{Harness, claim, complete, token};

async fn status(harness: &Harness, engine_id: &str) -> EngineStatus {
    let engine_id: EngineId = engine_id.parse().unwrap();
    harness.store.engine(&engine_id).await.unwrap().unwrap().0.status
}

#[tokio::test]
async fn the_events_of_a_lost_engine_are_there_for_others_long_before_the_visibility_timeout() {
    let harness = Harness::new();
    harness.register("lost", "{}").await;
    harness.register_with("other", "{}", 0).await;
    harness.enqueue_many(2).await;
    let claimed = harness.claim("lost", 2).await;
    harness.pass(29.999).await;
    assert!(harness.claim("other", 2).await.is_empty());
    harness.pass(0.001).await;
    assert_eq!(status(&harness, "lost").await, EngineStatus::Lost);
    assert_eq!(harness.claim("other", 2).await.len(), 2);
    assert!(harness.complete(&claimed[0]).await.is_err());
    harness.close().await;
}

#[tokio::test]
async fn an_event_that_lost_its_engine_does_not_wait_behind_the_whole_backlog() {
    let harness = Harness::new();
    harness.register("lost", "{}").await;
    harness.register_with("other", "{}", 0).await;
    let enqueued = harness.enqueue_many(50).await;
    harness.claim_one("lost").await;
    harness.pass(30.0).await;
    assert_eq!(harness.claim_one("other").await.event.event_id, enqueued[0]);
    harness.close().await;
}

#[tokio::test]
async fn a_lost_engine_may_not_claim_until_it_has_spoken_up() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    harness.enqueue_many(1).await;
    let claimed = harness.claim_one("e").await;
    harness.pass(30.0).await;
    let refused = harness.try_claim("e", 1, claim(1)).await.unwrap_err();
    assert!(matches!(refused, DispatchError::Refused(Refusal::EngineLost(_))), "{refused:?}");
    let heard = harness.heartbeat("e", &[token(&claimed)]).await;
    assert_eq!((heard.status, heard.lost), (EngineStatus::Active, vec![token(&claimed)]));
    assert_eq!(harness.claim("e", 1).await.len(), 1);
    harness.close().await;
}

#[tokio::test]
async fn an_engine_that_speaks_up_is_not_lost_and_keeps_its_locks() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    harness.enqueue_many(1).await;
    let claimed = harness.claim_one("e").await;
    for _ in 0..100 {
        harness.pass(10.0).await;
        assert_eq!(harness.heartbeat("e", &[token(&claimed)]).await.renewed, [token(&claimed)]);
    }
    assert_eq!(harness.complete(&claimed).await, Ok(EventStatus::Completed), "after 1,000 s");
    harness.close().await;
}

#[tokio::test]
async fn a_new_epoch_fences_off_the_older_one() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    harness.enqueue_many(1).await;
    let claimed = harness.claim_one("e").await;
    assert_eq!(harness.register("e", "{}").await, 2);
    for refused in [harness.try_claim("e", 1, claim(1)).await.err(), harness.try_heartbeat("e", 1, &[]).await.err()] {
        let Some(DispatchError::Refused(Refusal::EngineSuperseded { epoch, current, .. })) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!((epoch, current), (1, 2));
    }
    assert!(harness.complete(&claimed).await.is_err(), "the process that held the lock is gone");
    assert_eq!(harness.try_claim("e", 2, claim(1)).await.unwrap().len(), 1);
    harness.close().await;
}

#[tokio::test]
async fn an_exchange_of_an_older_epoch_settles_nothing() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    harness.enqueue_many(1).await;
    let claimed = harness.claim_one("e").await;
    harness.register("e", "{}").await;
    let settlement = SettleCommand::new(claimed.event.event_id, complete(token(&claimed)));
    let exchange = Exchange { settlements: vec![settlement], claim: Some(claim(1)), ..Exchange::default() };
    assert!(harness.exchange("e", 1, exchange).await.is_err());
    assert_eq!(harness.status(claimed.event.event_id).await, EventStatus::Queued);
    harness.close().await;
}

#[tokio::test]
async fn a_claim_whose_answer_never_arrived_is_taken_back_after_two_heartbeats() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    let enqueued = harness.enqueue_many(2).await;
    let kept = harness.claim_one("e").await;
    harness.claim_one("e").await;
    harness.heartbeat("e", &[token(&kept)]).await;
    assert_eq!(harness.status(enqueued[1]).await, EventStatus::Processing);
    harness.heartbeat("e", &[token(&kept)]).await;
    assert_eq!(harness.status(enqueued[1]).await, EventStatus::Queued);
    let again = harness.claim_one("e").await;
    assert_eq!((again.event.state.attempt, again.event.state.tally.losses), (1, 0), "nothing was attempted");
    assert_eq!(harness.complete(&kept).await, Ok(EventStatus::Completed));
    harness.close().await;
}

#[tokio::test]
async fn a_heartbeat_that_says_nothing_of_locks_releases_none() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    let enqueued = harness.enqueue_many(1).await;
    harness.claim_one("e").await;
    for _ in 0..5 {
        let exchange = Exchange { heartbeat: Some(Default::default()), ..Exchange::default() };
        harness.exchange("e", 1, exchange).await.unwrap();
    }
    assert_eq!(harness.status(enqueued[0]).await, EventStatus::Processing);
    harness.close().await;
}

#[tokio::test]
async fn a_draining_engine_gets_nothing_new_and_stops_when_it_is_empty() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    harness.enqueue_many(2).await;
    let claimed = harness.claim_one("e").await;
    let engine_id: EngineId = "e".parse().unwrap();
    let drain =
        Drain { engine_id: engine_id.clone(), stop_when_drained: true, epoch: None, session: SessionProof::default() };
    harness.execute(drain).await.unwrap();
    assert!(harness.claim("e", 1).await.is_empty());
    let heard = harness.heartbeat("e", &[token(&claimed)]).await;
    assert_eq!((heard.status, heard.drain), (EngineStatus::Draining, true));
    harness.complete(&claimed).await.unwrap();
    assert_eq!(status(&harness, "e").await, EngineStatus::Stopped);
    let refused = harness.try_claim("e", 1, claim(1)).await.unwrap_err();
    assert!(matches!(refused, DispatchError::Refused(Refusal::EngineNotRegistered(_))));
    // Whoever was drained between two heartbeats learns from the next one that it is to end, and not to register again.
    for _ in 0..2 {
        let heard = harness.heartbeat("e", &[token(&claimed)]).await;
        assert_eq!((heard.status, heard.drain, &heard.lost[..]), (EngineStatus::Stopped, true, &[token(&claimed)][..]));
        assert_eq!(status(&harness, "e").await, EngineStatus::Stopped);
    }
    harness.register("e", "{}").await;
    let refused = harness.try_heartbeat("e", 1, &[]).await.unwrap_err();
    assert!(matches!(refused, DispatchError::Refused(Refusal::EngineSuperseded { .. })));
    harness.close().await;
}

#[tokio::test]
async fn a_drained_engine_can_be_resumed() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    harness.enqueue_many(1).await;
    let engine_id: EngineId = "e".parse().unwrap();
    harness
        .execute(Drain {
            engine_id: engine_id.clone(),
            stop_when_drained: false,
            epoch: None,
            session: SessionProof::default(),
        })
        .await
        .unwrap();
    assert!(harness.claim("e", 1).await.is_empty());
    let engine = harness.execute(Resume(engine_id)).await.unwrap();
    assert_eq!(engine.status, EngineStatus::Active);
    assert_eq!(harness.claim("e", 1).await.len(), 1);
    harness.close().await;
}

#[tokio::test]
async fn a_deregistered_engine_leaves_its_events_to_others() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    harness.register("other", "{}").await;
    harness.enqueue_many(1).await;
    let claimed = harness.claim_one("e").await;
    harness
        .execute(Deregister { engine_id: "e".parse().unwrap(), epoch: None, session: SessionProof::default() })
        .await
        .unwrap();
    let again = harness.claim_one("other").await.event.state;
    assert_eq!((again.attempt, again.tally.losses), (1, 0), "a goodbye is a release");
    assert!(again.last_error.is_none());
    assert!(harness.complete(&claimed).await.is_err());
    let refused = harness
        .execute(Deregister { engine_id: "e".parse().unwrap(), epoch: None, session: SessionProof::default() })
        .await
        .unwrap_err();
    assert!(matches!(refused, DispatchError::Refused(Refusal::EngineNotRegistered(_))));
    assert_eq!(harness.register("e", "{}").await, 2, "the epoch goes on");
    harness.close().await;
}

#[tokio::test]
async fn the_goodbye_of_an_older_process_is_not_meant_for_the_one_that_took_over_its_id() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    let engine_id: EngineId = "e".parse().unwrap();
    harness.pass(1.0).await;
    assert_eq!(harness.register("e", "{}").await, 2);
    let drain = Drain {
        engine_id: engine_id.clone(),
        stop_when_drained: false,
        epoch: Some(1),
        session: SessionProof::default(),
    };
    let refused = harness.execute(drain).await.unwrap_err();
    assert!(matches!(refused, DispatchError::Refused(Refusal::EngineSuperseded { epoch: 1, current: 2, .. })));
    let refused = harness
        .execute(Deregister { engine_id: engine_id.clone(), epoch: Some(1), session: SessionProof::default() })
        .await
        .unwrap_err();
    assert!(matches!(refused, DispatchError::Refused(Refusal::EngineSuperseded { epoch: 1, current: 2, .. })));
    assert_eq!(status(&harness, "e").await, EngineStatus::Active);
    harness.execute(Deregister { engine_id, epoch: Some(2), session: SessionProof::default() }).await.unwrap();
    assert_eq!(status(&harness, "e").await, EngineStatus::Stopped);
    harness.close().await;
}

#[tokio::test]
async fn after_a_restart_nobody_is_lost_before_they_had_time_to_speak_up() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    harness.enqueue_many(1).await;
    let claimed = harness.claim_one("e").await;
    let harness = harness.restart_after(3_600.0);
    harness.pass(29.999).await;
    assert_eq!(status(&harness, "e").await, EngineStatus::Active);
    assert_eq!(harness.heartbeat("e", &[token(&claimed)]).await.renewed, [token(&claimed)]);
    assert_eq!(harness.complete(&claimed).await, Ok(EventStatus::Completed));
    harness.pass(30.0).await;
    assert_eq!(status(&harness, "e").await, EngineStatus::Lost, "but the next silence counts");
    harness.close().await;
}

#[tokio::test]
async fn a_clock_that_jumps_ahead_expires_nothing() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    harness.enqueue_many(1).await;
    let claimed = harness.claim_one("e").await;
    harness.clock.set_wall(crate::harness::START + std::time::Duration::from_secs(86_400));
    harness.dispatcher.sweep().await.unwrap();
    assert_eq!(status(&harness, "e").await, EngineStatus::Active);
    assert_eq!(harness.complete(&claimed).await, Ok(EventStatus::Completed));
    harness.close().await;
}

/// Every transaction looks at the clock, and not each of them judges who was silent.
#[tokio::test]
async fn a_jump_that_a_producer_comes_across_first_expires_nothing() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    harness.enqueue_many(1).await;
    let claimed = harness.claim_one("e").await;
    harness.clock.set_wall(crate::harness::START + std::time::Duration::from_secs(86_400));
    harness.enqueue_many(1).await;
    harness.dispatcher.sweep().await.unwrap();
    assert_eq!(status(&harness, "e").await, EngineStatus::Active);
    assert_eq!(harness.complete(&claimed).await, Ok(EventStatus::Completed));
    harness.close().await;
}

#[tokio::test]
async fn a_clock_that_goes_back_neither_keeps_a_lost_engine_nor_turns_time_back() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    harness.enqueue_many(1).await;
    harness.claim_one("e").await;
    harness.clock.set_wall(crate::harness::START - std::time::Duration::from_secs(86_400));
    // At half its speed the store's time has come 30 s further after 60.
    for _ in 0..12 {
        harness.pass(5.0).await;
    }
    assert_eq!(status(&harness, "e").await, EngineStatus::Lost);
    let event = harness.enqueue(r#"{"event_type":"a"}"#).await;
    assert!(harness.event(event).await.event.enqueued_at >= crate::harness::START);
    harness.close().await;
}

#[tokio::test]
async fn an_engine_that_only_claims_and_settles_is_not_lost_as_long_as_it_does() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    harness.register("other", "{}").await;
    for _ in 0..10 {
        // A claim alone keeps it, and so do a settle, and an extension: each of them for three intervals.
        harness.enqueue_many(1).await;
        let claimed = harness.claim_one("e").await;
        harness.pass(29.0).await;
        let extend = EventCommand::Extend { token: token(&claimed), visibility_timeout: Duration::from_secs(100) };
        assert_eq!(harness.settle(claimed.event.event_id, extend).await, Ok(EventStatus::Processing));
        harness.pass(29.0).await;
        assert_eq!(harness.complete(&claimed).await, Ok(EventStatus::Completed));
        harness.pass(29.0).await;
        assert_eq!(status(&harness, "e").await, EngineStatus::Active);
    }
    assert_eq!(status(&harness, "other").await, EngineStatus::Lost);
    harness.pass(30.0).await;
    assert_eq!(status(&harness, "e").await, EngineStatus::Lost);
    harness.close().await;
}

#[tokio::test]
async fn only_a_heartbeat_renews_locks() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    let two = harness.enqueue_many(2).await;
    let claimed = harness.claim("e", 1).await.remove(0);
    let expires_at = async || harness.event(two[0]).await.event.state.lock.unwrap().expires_at;
    let before = expires_at().await;
    harness.pass(20.0).await;
    harness.claim("e", 1).await;
    assert_eq!(expires_at().await, before);
    harness.heartbeat("e", &[token(&claimed)]).await;
    assert!(expires_at().await > before);
    harness.close().await;
}

#[tokio::test]
async fn a_settle_of_an_older_epoch_is_no_sign_of_life() {
    let harness = Harness::new();
    harness.register("e", "{}").await;
    harness.enqueue_many(1).await;
    let claimed = harness.claim_one("e").await;
    assert_eq!(harness.complete(&claimed).await, Ok(EventStatus::Completed));
    harness.register("e", "{}").await;
    harness.pass(20.0).await;
    assert_eq!(harness.complete(&claimed).await, Ok(EventStatus::Completed), "the repeat of the older process");
    harness.pass(10.0).await;
    assert_eq!(status(&harness, "e").await, EngineStatus::Lost);
    harness.close().await;
}
